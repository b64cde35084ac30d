//! Prints the line that a server writes for an event: the inverse of the parsers, for the common forms.
//!
//! In: an event.  Out: a syslog name and a text.  The formats have the same sources as those of the parsers.

use crate::model::event::{Action, Delivery, DeliveryStatus, Event, Peer, Policy, SendmailFrom, SendmailTo};
use std::fmt::Write;

/// The syslog name and the text. `None` for events that are not printed here, some because they do not keep all words
/// of their line.
pub fn print(queue_id: Option<&str>, event: &Event<'_>) -> Option<(&'static str, String)> {
    let (program, text) = body(event)?;
    Some(match (queue_id, event) {
        (Some(id), _) => (program, format!("{id}: {text}")),
        (None, Event::Policy(_) | Event::Client { .. }) => (program, format!("NOQUEUE: {text}")),
        (None, Event::Connect { .. } | Event::Disconnect { .. }) => (program, text),
        (None, _) => return None,
    })
}

fn body(event: &Event<'_>) -> Option<(&'static str, String)> {
    let mut out = String::new();
    let program = match event {
        Event::Connect { peer: who } => {
            out += &format!("connect from {}", peer(who));
            "postfix/smtpd"
        }
        Event::Disconnect { peer: who, commands } => {
            out += &format!("disconnect from {}", peer(who));
            field(&mut out, " ", *commands);
            "postfix/smtpd"
        }
        Event::Client { peer: who, sasl_method, sasl_username, sasl_sender, orig_queue_id, orig_client } => {
            out += &format!("client={}", peer(who));
            field(&mut out, ", sasl_method=", *sasl_method);
            field(&mut out, ", sasl_username=", *sasl_username);
            field(&mut out, ", sasl_sender=", *sasl_sender);
            field(&mut out, ", orig_queue_id=", *orig_queue_id);
            field(&mut out, ", orig_client=", orig_client.as_ref().map(peer));
            "postfix/smtpd"
        }
        Event::MessageId { id, resent } => {
            out += if *resent { "resent-message-id=" } else { "message-id=" };
            out += &format!("<{}>", id.unwrap_or_default());
            "postfix/cleanup"
        }
        Event::Queued { from, size, nrcpt } => {
            out += &format!("from=<{from}>, size={}, nrcpt={} (queue active)", (*size)?, (*nrcpt)?);
            "postfix/qmgr"
        }
        Event::Expired { from } => {
            out += &format!("from=<{from}>, status=expired, returned to sender");
            "postfix/qmgr"
        }
        Event::Removed => {
            out += "removed";
            "postfix/qmgr"
        }
        Event::Delivery(record) => {
            delivery(&mut out, record);
            "postfix/smtp"
        }
        Event::Policy(policy) => {
            refusal(&mut out, policy)?;
            "postfix/smtpd"
        }
        Event::From(record) => {
            from(&mut out, record)?;
            "sm-mta"
        }
        Event::To(record) => {
            to(&mut out, record);
            "sm-mta"
        }
        _ => return None,
    };
    Some((program, out))
}

fn field(out: &mut String, key: &str, value: Option<impl std::fmt::Display>) {
    if let Some(value) = value {
        _ = write!(out, "{key}{value}");
    }
}

fn peer(peer: &Peer<'_>) -> String {
    let port = peer.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}[{}]{port}", peer.name.unwrap_or("unknown"), peer.addr.unwrap_or("unknown"))
}

fn delivery(out: &mut String, record: &Delivery<'_>) {
    _ = write!(out, "to=<{}>", record.to);
    field(out, ", orig_to=<", record.orig_to.map(|to| format!("{to}>")));
    _ = write!(out, ", relay={}", record.relay);
    field(out, ", conn_use=", record.conn_use);
    field(out, ", delay=", record.delay);
    let four =
        |d: crate::model::event::Delays| format!("{}/{}/{}/{}", d.before_qmgr, d.in_qmgr, d.conn_setup, d.transmission);
    field(out, ", delays=", record.delays.map(four));
    field(out, ", tls=", record.tls);
    field(out, ", dsn=", record.dsn);
    let status = match record.status {
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Deferred => "deferred",
        DeliveryStatus::Bounced => "bounced",
        DeliveryStatus::Deliverable => "deliverable",
        DeliveryStatus::Undeliverable => "undeliverable",
        DeliveryStatus::Unknown => "teleported",
    };
    _ = write!(out, ", status={status} ({})", record.reply);
}

/// In the form of smtpd; the header and body checks of cleanup have another.
fn refusal(out: &mut String, policy: &Policy<'_>) -> Option<()> {
    let action = match policy.action {
        Action::Reject => "reject",
        Action::Warn => "warn",
        Action::Hold => "hold",
        Action::Discard => "discard",
        Action::Hangup => "hangup",
        Action::Change => "prepend",
        Action::Redirect => "redirect",
        // Not printed: its queue id may be taken from the reply, and where the reply ends depends on what follows.
        Action::Accept => return None,
    };
    let stage = match policy.stage {
        "connect" => "CONNECT",
        "ehlo" => "EHLO",
        "mail" => "MAIL",
        "rcpt" => "RCPT",
        "data" => "DATA",
        "end-of-message" => "END-OF-MESSAGE",
        _ => return None,
    };
    _ = write!(out, "{action}: {stage} from {}: ", peer(&policy.peer));
    field(out, "", policy.code.map(|code| format!("{code} ")));
    field(out, "", policy.dsn.map(|dsn| format!("{dsn} ")));
    _ = write!(out, "{};", policy.text);
    field(out, " from=<", policy.from.map(|from| format!("{from}>")));
    field(out, " to=<", policy.to.map(|to| format!("{to}>")));
    field(out, " proto=", policy.proto);
    field(out, " helo=<", policy.helo.map(|helo| format!("{helo}>")));
    field(out, " sasl_method=", policy.sasl_method);
    field(out, " sasl_username=", policy.sasl_username);
    Some(())
}

fn from(out: &mut String, record: &SendmailFrom<'_>) -> Option<()> {
    let sender = record.from.map_or_else(|| "<NONE>".to_owned(), |from| format!("<{from}>"));
    _ = write!(out, "from={sender}, size={}, class=0, nrcpts={}", record.size?, record.nrcpts?);
    field(out, ", msgid=<", record.msgid.map(|id| format!("{id}>")));
    field(out, ", proto=", record.proto);
    field(out, ", daemon=", record.daemon);
    field(out, ", tls_version=", record.tls_version);
    field(out, ", cipher=", record.cipher);
    field(out, ", auth=", record.auth);
    field(out, ", relay=", record.relay);
    Some(())
}

fn to(out: &mut String, record: &SendmailTo<'_>) {
    _ = write!(out, "to={}", if record.to.is_empty() { "NO-TO-LIST" } else { record.to });
    field(out, ", ctladdr=<", record.ctladdr.map(|address| format!("{address}> (8/12)")));
    field(out, ", delay=", record.delay.map(interval));
    field(out, ", xdelay=", record.xdelay.map(interval));
    field(out, ", mailer=", record.mailer);
    out.push_str(", pri=30000");
    field(out, ", relay=", record.relay);
    field(out, ", quarantine=", record.quarantine);
    field(out, ", dsn=", record.dsn);
    field(out, ", reply=", record.reply);
    field(out, ", stat=", record.stat);
}

/// `[d+]hh:mm:ss`.
fn interval(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds below a million days")]
    let s = seconds as i64;
    format!("{}+{:02}:{:02}:{:02}", s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60)
}
