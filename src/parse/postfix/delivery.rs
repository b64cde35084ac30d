//! Delivery records of all agents, and the lines of smtp and lmtp between them.
//!
//! In: the text after a queue id; for `connect to` the whole text.  Out: `Delivery`, `ConnectFailed`.
//! Kept as warnings: why a host was given up while another one is tried. Kept as notes: work-arounds, and recipients passed to
//! another transport.

use crate::{
    model::event::{Delays, Delivery, DeliveryStatus, Event, Peer},
    parse::fields,
};

/// The fields that may follow a relay.
const RELAY_ENDS: &[&str] = &[", conn_use=", ", delay=", ", delays=", ", tls=", ", dsn=", ", status="];

/// `to=<…>[, orig_to=<…>], relay=…[, conn_use=N], delay=…, delays=a/b/c/d[, tls=…], dsn=…, status=WORD (TEXT)`
/// (`global/log_adhoc.c`). A line that was cut before its status does not tell the result and is a note.
pub fn record(text: &str) -> Option<Event<'_>> {
    let (to, mut rest) = fields::angle(text.strip_prefix("to=<")?, &[", orig_to=<", ", relay="]);
    let mut delivery = Delivery {
        to,
        orig_to: None,
        relay: "",
        conn_use: None,
        delay: None,
        delays: None,
        tls: None,
        dsn: None,
        status: DeliveryStatus::Unknown,
        reply: "",
    };
    while let Some(field) = rest.strip_prefix(", ") {
        if let Some(address) = field.strip_prefix("orig_to=<") {
            let (orig_to, after) = fields::angle(address, &[", relay="]);
            delivery.orig_to = Some(orig_to);
            rest = after;
        } else if let Some(relay) = field.strip_prefix("relay=") {
            // The path of a unix socket may hold a comma.
            (delivery.relay, rest) = fields::until(relay, RELAY_ENDS);
        } else if let Some(outcome) = field.strip_prefix("status=") {
            (delivery.status, delivery.reply) = status(outcome);
            return Some(Event::Delivery(delivery));
        } else {
            let (value, after) = field.split_at(fields::find(field, ", ").unwrap_or(field.len()));
            if after.is_empty() {
                return is_cut(rest).then_some(Event::Note);
            }
            if let Some(times) = value.strip_prefix("conn_use=") {
                delivery.conn_use = times.parse().ok();
            } else if let Some(delay) = value.strip_prefix("delay=") {
                delivery.delay = fields::seconds(delay);
            } else if let Some(four) = value.strip_prefix("delays=") {
                delivery.delays = delays(four);
            } else if let Some(dsn) = value.strip_prefix("dsn=") {
                delivery.dsn = fields::dsn(dsn).map(|(dsn, _)| dsn);
            } else if let Some(tls) = value.strip_prefix("tls=") {
                delivery.tls = Some(tls);
            }
            rest = after;
        }
    }
    is_cut(rest).then_some(Event::Note)
}

/// Whether a record ends inside one of its fields: transports may cut lines anywhere.
fn is_cut(rest: &str) -> bool {
    const FIELDS: [&str; 8] =
        [", orig_to=<", ", relay=", ", conn_use=", ", delay=", ", delays=", ", tls=", ", dsn=", ", status="];
    FIELDS.iter().any(|field| field.starts_with(rest) || rest.starts_with(field))
}

/// `WORD (TEXT)`. The text may hold parentheses; in a cut line the closing one is missing.
fn status(text: &str) -> (DeliveryStatus, &str) {
    let (word, rest) = fields::split(text, " (").unwrap_or((text, ""));
    let status = match word {
        "sent" => DeliveryStatus::Sent,
        "deferred" | "SOFTBOUNCE" => DeliveryStatus::Deferred,
        "bounced" => DeliveryStatus::Bounced,
        "deliverable" => DeliveryStatus::Deliverable,
        "undeliverable" | "undeliverable-but-not-cached" => DeliveryStatus::Undeliverable,
        _ => DeliveryStatus::Unknown,
    };
    (status, rest.strip_suffix(')').unwrap_or(rest))
}

fn delays(text: &str) -> Option<Delays> {
    let (before_qmgr, rest) = fields::split_at_byte(text, b'/')?;
    let (in_qmgr, rest) = fields::split_at_byte(rest, b'/')?;
    let (conn_setup, transmission) = fields::split_at_byte(rest, b'/')?;
    Some(Delays {
        before_qmgr: fields::seconds(before_qmgr)?,
        in_qmgr: fields::seconds(in_qmgr)?,
        conn_setup: fields::seconds(conn_setup)?,
        transmission: fields::seconds(transmission)?,
    })
}

/// The host in `relay=`: `name[ip]:port`, or `name[path]`, which gives only a name. `none` and the names of services such as
/// `local` or `dovecot` name no host: all parts are absent.
pub fn relay(relay: &str) -> Peer<'_> {
    fields::peer(relay).map_or(Peer::default(), |(peer, _)| peer)
}

/// `connect to HOST[IP]:PORT: reason`, `connect to HOST[PATH]: reason` (`smtp/smtp_connect.c`). There is no queue id, and there
/// may be several for one message.
pub fn connect_failed(text: &str) -> Option<Event<'_>> {
    let (peer, rest) = fields::peer(text.strip_prefix("connect to ")?)?;
    Some(Event::ConnectFailed { peer, reason: rest.strip_prefix(": ")? })
}

/// Lines of smtp and lmtp under a queue id between delivery records: why a host was given up for the next one
/// (`smtp/smtp_trouble.c`, `smtp/smtp_proto.c`), in words that delivery records use, too (`smtp/smtp_connect.c`,
/// `smtp/smtp_addr.c`, `smtp/smtp_tls_policy.c`, `smtp/smtp_sasl_proto.c`). Also the line of any agent that passes a recipient to
/// another one (`global/deliver_pass.c`), which changes nothing.
pub fn between(text: &str) -> Option<Event<'_>> {
    const TROUBLE: [&str; 25] = [
        "host ",
        "lost connection with ",
        "conversation with ",
        "connect to ",
        "local data error while talking to ",
        "local configuration error",
        "Cannot start TLS: ",
        "TLS is required, but ",
        "TLSA lookup error for ",
        "no TLSA records found",
        "non DNSSEC destination",
        "client TLS configuration problem",
        "Sender requested REQUIRETLS, but ",
        "Server certificate not ",
        "SASL authentication failed",
        "SASL [CACHED] authentication failed",
        "SMTPUTF8 is required, but ",
        "message size ",
        "mail for ",
        "Host or domain name not found",
        "Host not found",
        "Domain ",
        "unable to look up host ",
        "unable to connect to ",
        "network address conversion failed",
    ];
    const NOTES: [&str; 4] = ["passing <", "enabling PIX workarounds: ", "breaking line > ", "TLS-Required: "];
    let is = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    match () {
        () if is(&TROUBLE) => Some(Event::Warning { text }),
        () if is(&NOTES) => Some(Event::Note),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::postfix::testing::check;

    #[test]
    fn a_record_has_all_its_fields() {
        check(
            "smtp",
            "3F2A41C0E7: to=<bob@example.org>, orig_to=<team@example.org>, relay=mx[2001:db8::25]:25, conn_use=3, delay=0.31, delays=0.05/0/0/0.26, tls=may:none, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D2E3F40)",
            "3F2A41C0E7 delivery to=bob@example.org orig_to=team@example.org relay=mx[2001:db8::25]:25 delay=0.31 delays=0.05/0/0/0.26 tls=may:none dsn=2.0.0 Sent `250 2.0.0 Ok: queued as 7C1D2E3F40`",
        );
    }

    #[test]
    fn records_of_old_releases_have_fewer_fields() {
        let text = "3F2A41C0E7: to=<a@example.org>, relay=mx[192.0.2.1], delay=3, status=sent (250 ok)";
        check("smtp", text, "3F2A41C0E7 delivery to=a@example.org relay=mx[192.0.2.1] delay=3 Sent `250 ok`");
    }

    #[test]
    fn a_soft_bounce_is_deferred() {
        let text = "3F2A41C0E7: to=<a@example.org>, relay=none, delay=1.3, dsn=4.1.1, status=SOFTBOUNCE (550 no)";
        check("smtp", text, "3F2A41C0E7 delivery to=a@example.org relay=none delay=1.3 dsn=4.1.1 Deferred `550 no`");
    }

    #[test]
    fn only_the_outer_parenthesis_ends_the_reply() {
        let text =
            "3F2A41C0E7: to=<a@example.org>, relay=filter, status=sent (delivered via filter service (scanned ok))";
        check(
            "pipe",
            text,
            "3F2A41C0E7 delivery to=a@example.org relay=filter Sent `delivered via filter service (scanned ok)`",
        );
    }

    #[test]
    fn a_cut_line_keeps_its_status() {
        let text = "3F2A41C0E7: to=<a@example.org>, relay=none, status=bounced (host mx[192.0.2.1] said: 550 lo";
        check("", text, "3F2A41C0E7 delivery to=a@example.org relay=none Bounced `host mx[192.0.2.1] said: 550 lo`");
    }

    #[test]
    fn a_line_cut_before_its_status_is_a_note() {
        check("smtp", "3F2A41C0E7: to=<a@example.org>, relay=mx[192.0.2.1]:25, del", "3F2A41C0E7 note");
        check("smtp", "3F2A41C0E7: to=<a@exam", "3F2A41C0E7 note");
    }

    #[test]
    fn unquoted_addresses_may_hold_anything() {
        let text = "3F2A41C0E7: to=<a b, c>d@example.org>, relay=local, status=sent (x)";
        check("local", text, "3F2A41C0E7 delivery to=a b, c>d@example.org relay=local Sent `x`");
    }

    #[test]
    fn the_reply_may_look_like_the_record() {
        let text = "3F2A41C0E7: to=<a@example.org>, relay=none, status=deferred (x), dsn=2.0.0, status=sent (ok))";
        check("", text, "3F2A41C0E7 delivery to=a@example.org relay=none Deferred `x), dsn=2.0.0, status=sent (ok)`");
    }

    #[test]
    fn a_new_word_for_the_status_is_kept_as_unknown() {
        let text = "3F2A41C0E7: to=<a@example.org>, relay=none, status=vanished (who knows)";
        check("error", text, "3F2A41C0E7 delivery to=a@example.org relay=none Unknown `who knows`");
    }

    #[test]
    fn only_hosts_are_relays() {
        assert_eq!(relay("mx.example.org[192.0.2.1]:25").port, Some(25));
        assert_eq!(relay("mx.example.org[private/lmtp]"), Peer { name: Some("mx.example.org"), ..Peer::default() });
        assert_eq!((relay("none"), relay("dovecot")), (Peer::default(), Peer::default()));
    }

    #[test]
    fn a_failed_connection_has_no_id() {
        check(
            "smtp",
            "connect to mx[192.0.2.1]:25: Connection refused",
            "connect-failed mx[192.0.2.1]:25 `Connection refused`",
        );
        check("lmtp", "connect to mx[private/lmtp]: No such file", "connect-failed mx[-] `No such file`");
    }

    #[test]
    fn what_changes_nothing_is_a_note() {
        check("smtp", "3F2A41C0E7: enabling PIX workarounds: disable_esmtp for mx[192.0.2.1]:25", "3F2A41C0E7 note");
    }

    #[test]
    fn a_host_that_failed_is_a_warning_and_no_attempt() {
        for text in [
            "host mx[192.0.2.1] said: 450 4.7.1 later; from=<x> to=<y> (in reply to RCPT TO command)",
            "host mx[192.0.2.1] refused to talk to me: 421 busy",
            "lost connection with mx[192.0.2.1] while performing the EHLO handshake",
            "SASL authentication failed; server mx[192.0.2.1] said: 535 5.7.8 Error: authentication failed",
        ] {
            for daemon in ["smtp", "lmtp", ""] {
                check(daemon, &format!("3F2A41C0E7: {text}"), &format!("3F2A41C0E7 warning `{text}`"));
            }
        }
        check("virtual", "3F2A41C0E7: passing <bob@example.org> to transport=local", "3F2A41C0E7 note");
    }

    #[test]
    fn the_status_is_the_word_before_the_parenthesis() {
        for (word, status) in [
            ("sent", "Sent"),
            ("deferred", "Deferred"),
            ("SOFTBOUNCE", "Deferred"),
            ("bounced", "Bounced"),
            ("deliverable", "Deliverable"),
            ("undeliverable", "Undeliverable"),
            ("undeliverable-but-not-cached", "Undeliverable"),
            ("sending", "Unknown"),
        ] {
            let text = format!("3F2A41C0E7: to=<a@example.org>, relay=none, status={word} (x)");
            check("error", &text, &format!("3F2A41C0E7 delivery to=a@example.org relay=none {status} `x`"));
        }
    }

    #[test]
    fn a_field_that_is_no_number_is_left_out() {
        let record = |fields: &str| match record(&format!("to=<a@example.org>, relay=none, {fields}, status=sent (x)"))
        {
            Some(Event::Delivery(d)) => (d.conn_use, d.delay, d.delays.is_some(), d.dsn.map(str::to_owned)),
            other => panic!("{other:?}"),
        };
        let all = record("conn_use=3, delay=0.31, delays=0.05/0/0/0.26, dsn=2.0.0");
        assert_eq!(all, (Some(3), Some(0.31), true, Some("2.0.0".to_owned())));
        assert_eq!(record("conn_use=x, delay=x, delays=0.05/0/0, dsn=x"), (None, None, false, None));
        assert_eq!(record("delays=x/0/0/0"), (None, None, false, None));
    }

    #[test]
    fn a_record_may_be_cut_within_any_field_but_holds_no_other() {
        for end in ["", ",", ", ", ", conn_use=3", ", dela", ", delays=0.05/0", ", tls=may:n", ", dsn=2.0.0", ", stat"]
        {
            check("smtp", &format!("3F2A41C0E7: to=<a@example.org>, relay=none{end}"), "3F2A41C0E7 note");
        }
        check("smtp", "3F2A41C0E7: to=<a@example.org>, relay=none, dsn=2.0.0, flurble", "unrecognised");
    }
}
