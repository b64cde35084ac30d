//! The one helper of the parser tests: a line in, a compact form out.

use super::parse;
use crate::model::{
    Event, Parsed,
    event::{Peer, Policy},
};
use std::fmt::Write;

/// Compares the event of a daemon's text (`""`: the name was lost) with its compact form: the queue id, the event in one or two
/// words, its fields as `key=value` without absent ones, free text in backticks.
#[track_caller]
pub fn check(daemon: &str, text: &str, expected: &str) {
    let parsed = parse(Some(daemon).filter(|name| !name.is_empty()), text);
    assert_eq!(compact(&parsed), expected, "\n  text: {text}");
}

fn compact(parsed: &Parsed<'_>) -> String {
    match parsed {
        Parsed::Ignored(_) => "ignored".into(),
        Parsed::Unrecognised => "unrecognised".into(),
        Parsed::Event { queue_id: Some(id), event } => format!("{id} {}", words(event)),
        Parsed::Event { queue_id: None, event } => words(event),
    }
}

fn words(event: &Event<'_>) -> String {
    match event {
        Event::Connect { peer } => format!("connect {}", address(peer)),
        Event::Disconnect { peer, commands } => {
            let commands = commands.map_or(String::new(), |c| format!(" `{c}`"));
            format!("disconnect {}{commands}", address(peer))
        }
        Event::Tls { inbound, peer, version, cipher } => {
            let way = if *inbound { "in" } else { "out" };
            format!("tls {way} {} {version} {}", address(peer), cipher.unwrap_or("-"))
        }
        Event::SaslFailed { peer, method, user, reason } => {
            format!("sasl-failed {}{} `{reason}`", address(peer), fields(&[("method", *method), ("user", *user)]))
        }
        Event::ConnectFailed { peer, reason } => format!("connect-failed {} `{reason}`", address(peer)),
        Event::Aborted { peer, reason, stage } => format!("aborted {} {stage} `{reason}`", address(peer)),
        Event::Client { peer, sasl_method, sasl_username, sasl_sender, orig_queue_id, orig_client } => {
            let origin = orig_client.as_ref().map(address);
            let given = [
                ("method", *sasl_method),
                ("user", *sasl_username),
                ("sender", *sasl_sender),
                ("orig_queue_id", *orig_queue_id),
                ("orig_client", origin.as_deref()),
            ];
            format!("client {}{}", address(peer), fields(&given))
        }
        Event::Pickup { uid, from, orig_id } => {
            format!("pickup uid={uid} from={from}{}", fields(&[("orig_id", *orig_id)]))
        }
        Event::MessageId { id, resent } => {
            let start = if *resent { "resent-message-id" } else { "message-id" };
            format!("{start}{}", id.map_or(String::new(), |id| format!("={id}")))
        }
        Event::Queued { from, size, nrcpt } => {
            let (size, nrcpt) = (size.map(|n| n.to_string()), nrcpt.map(|n| n.to_string()));
            format!("queued from={from}{}", fields(&[("size", size.as_deref()), ("nrcpt", nrcpt.as_deref())]))
        }
        Event::Delivery(d) => {
            let delay = d.delay.map(|s| s.to_string());
            let delays =
                d.delays.map(|s| format!("{}/{}/{}/{}", s.before_qmgr, s.in_qmgr, s.conn_setup, s.transmission));
            let given = [
                ("orig_to", d.orig_to),
                ("relay", Some(d.relay)),
                ("delay", delay.as_deref()),
                ("delays", delays.as_deref()),
                ("tls", d.tls),
                ("dsn", d.dsn),
            ];
            format!("delivery to={}{} {:?} `{}`", d.to, fields(&given), d.status, d.reply)
        }
        Event::Removed => "removed".into(),
        Event::Canceled { discarded } => if *discarded { "discarded" } else { "canceled" }.into(),
        Event::Expired { from } => format!("expired from={from}"),
        Event::Notified { notice, child } => format!("notified {notice:?} {child}"),
        Event::Operation(operation) => format!("operation {operation:?}"),
        Event::Policy(policy) => decision(policy),
        Event::Warning { text } => format!("warning `{text}`"),
        Event::Note => "note".into(),
        other => format!("{other:?}"),
    }
}

fn decision(policy: &Policy<'_>) -> String {
    let mut out = format!("{:?} {}", policy.action, policy.stage);
    if policy.peer != Peer::default() {
        write!(out, " {}", address(&policy.peer)).unwrap();
    }
    if let Some(code) = policy.code {
        write!(out, " {code}").unwrap();
    }
    if let Some(dsn) = policy.dsn {
        write!(out, " {dsn}").unwrap();
    }
    let given = [
        ("from", policy.from),
        ("to", policy.to),
        ("proto", policy.proto),
        ("helo", policy.helo),
        ("method", policy.sasl_method),
        ("user", policy.sasl_username),
    ];
    format!("{out} `{}`{}", policy.text, fields(&given))
}

fn address(peer: &Peer<'_>) -> String {
    let port = peer.port.map_or(String::new(), |port| format!(":{port}"));
    format!("{}[{}]{port}", peer.name.unwrap_or("-"), peer.addr.unwrap_or("-"))
}

fn fields(given: &[(&str, Option<&str>)]) -> String {
    given.iter().filter_map(|(key, value)| value.map(|value| format!(" {key}={value}"))).collect()
}
