//! sendmail: one program, one format per record.
//!
//! In: a text logged by sendmail.  Out: an event with the queue id of its line, if it has one.
//! Ignored on purpose: starts and stops of the daemon, its tables and sockets; everything that `known` lists. `NOQUEUE` is no
//! queue id.
//!
//! The frame is that of `conf.c sm_syslog`: `ID: text`, `NOQUEUE: text`, the bare text, and `ID[1]: part ...` for a text that was
//! too long. The addresses of an event are as logged; [`unescape`](crate::model::logged::unescape) undoes the octal escapes of
//! `str2prt`.

mod from;
mod known;
mod milter;
mod notice;
mod peer;
mod reject;
mod reply;
pub mod scan;
mod session;
mod to;

pub use peer::peer;
pub use reply::reply_queue_id;
pub use to::recipients;

use crate::{
    model::{Event, Parsed},
    queue_id,
};

/// Whether a text can only be sendmail's: a statement after an id that holds its time, or a line about a session in words that no
/// other program uses.
pub fn is_record(text: &str) -> bool {
    match text.split_once(": ") {
        Some((id, rest)) if queue_id::sendmail::is_timed(id) => match rest.split_once('=').map(|(word, _)| word) {
            // Other programs write these two words, too, but not with the later fields of sendmail.
            Some("from") => rest.contains(", nrcpts="),
            Some("to") => rest.contains(", stat="),
            _ => with_id(rest).is_some(),
        },
        _ => session::tls(text).is_some() || session::login(text).is_some() || is_ruleset(text),
    }
}

fn is_ruleset(text: &str) -> bool {
    text.starts_with("ruleset=") && text.contains(", arg1=") && reject::ruleset(text).is_some()
}

/// Reads the text of a sendmail line.
pub fn parse(text: &str) -> Parsed<'_> {
    match text.split_once(": ") {
        Some(("NOQUEUE", rest)) => parse_body(None, rest),
        Some((head, rest)) if queue_id::sendmail::is_id(head) => parse_body(Some(head), rest),
        Some((head, rest)) => piece(head, rest).unwrap_or_else(|| parse_body(None, text)),
        None => parse_body(None, text),
    }
}

/// `ID[n]: part ...`. A part includes the separator at which the text was cut; the last part has no ` ...`.
fn piece<'a>(head: &'a str, rest: &'a str) -> Option<Parsed<'a>> {
    let (id, number) = head.strip_suffix(']')?.split_once('[')?;
    if !queue_id::sendmail::is_id(id) || number.len() > 3 {
        return None;
    }
    let (text, last) = rest.strip_suffix(" ...").map_or((rest, true), |text| (text, false));
    let event = Event::Piece { number: number.parse().ok()?, text, last };
    Some(Parsed::Event { queue_id: Some(id), event })
}

/// Reads the text after the queue id. The parts of a text that was split must be joined first, without anything between them.
pub fn parse_body<'a>(queue_id: Option<&'a str>, text: &'a str) -> Parsed<'a> {
    if queue_id.is_some() {
        let event = with_id(text).or_else(|| known::unused(text).map(|_| Event::Note));
        return event.map_or(Parsed::Unrecognised, |event| Parsed::Event { queue_id, event });
    }
    match without_id(text) {
        Some(Event::Note | Event::MilterEdit { .. }) => Parsed::Ignored("a detail of a session"),
        Some(Event::Warning { .. }) => Parsed::Ignored("a warning about no message"),
        Some(event) => Parsed::Event { queue_id, event },
        None => known::unused(text).map_or(Parsed::Unrecognised, Parsed::Ignored),
    }
}

/// Reads a text with a queue id. The order matters where two forms share a beginning.
fn with_id(text: &str) -> Option<Event<'_>> {
    if text.starts_with("from=") {
        return from::parse(text);
    }
    if text.starts_with("to=") {
        return to::parse(text);
    }
    if text.starts_with("done; ") {
        return Some(Event::Done);
    }
    if text.starts_with("<-- ") || text.starts_with("--- ") {
        return Some(Event::Note);
    }
    notice::parse(text)
        .or_else(|| reject::ruleset(text))
        .or_else(|| reject::message(text))
        .or_else(|| milter::parse(text))
        .or_else(|| session::login_failed(text))
        .or_else(|| session::aborted(text))
        .or_else(|| session::watched(text))
        .or_else(|| known::warns(text).then_some(Event::Warning { text }))
        .or_else(|| session::user_error(text))
}

/// Reads a text without a queue id, which is about a session or a refusal.
fn without_id(text: &str) -> Option<Event<'_>> {
    session::tls(text)
        .or_else(|| session::login(text))
        .or_else(|| session::connect(text))
        .or_else(|| session::login_failed(text))
        .or_else(|| session::watched(text))
        .or_else(|| reject::ruleset(text))
        .or_else(|| milter::parse(text))
        .or_else(|| known::warns(text).then_some(Event::Warning { text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Parsed::Event { queue_id, event } => {
                let event = format!("{event:?}");
                let name = event.split([' ', '(']).next().unwrap_or_default();
                format!("{} {name}", queue_id.unwrap_or("-"))
            }
            Parsed::Ignored(reason) => format!("ignored: {reason}"),
            Parsed::Unrecognised => "unrecognised".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_line_has_an_id_noqueue_or_neither() {
        check("6010000f004711: done; delay=00:00:03, ntries=1", "6010000f004711 Done");
        check("NOQUEUE: connect from c.example.org [192.0.2.1]", "- Connect");
        check("AUTH=server, relay=[192.0.2.1], authid=a, mech=PLAIN, bits=0", "- SaslLogin");
    }

    #[test]
    fn the_record_of_a_sendmail_under_any_name_is_read() {
        let text = "6010000f004711: to=<a@example.org>, delay=00:00:01, mailer=esmtp, dsn=2.0.0, stat=Sent (ok)";
        assert!(matches!(crate::parse::parse_text("relay-mta", text), Parsed::Event { event: Event::To(_), .. }));
        assert_eq!(crate::parse::parse_text("relay-mta", "6010000f004711: to=x"), Parsed::Unrecognised);
        for text in [
            "6010000f004711: done; delay=00:00:03, ntries=1",
            "6010000f004711: Milter add: header: X-Spam: no",
            "6010000f004711: collect: premature EOM: unexpected close",
            "6010000f004711: ruleset=check_rcpt, arg1=<x@example.org>, relay=c [192.0.2.7], reject=550 5.7.1 no",
            "STARTTLS=server, relay=c [192.0.2.7], version=TLSv1.3, verify=NO, cipher=TLS_AES_256_GCM_SHA384, bits=256/256",
            "AUTH=server, relay=c [192.0.2.7], authid=a, mech=PLAIN, bits=0",
            "ruleset=check_relay, arg1=[192.0.2.66], arg2=192.0.2.66, relay=[192.0.2.66], reject=550 5.7.1 no",
        ] {
            assert!(matches!(crate::parse::parse_text("relay-mta", text), Parsed::Event { .. }), "{text}");
        }
        for text in ["STARTTLS failed", "done; delay=1", "ruleset=x", "AUTH=none", "connect from c [192.0.2.1]"] {
            assert_eq!(crate::parse::parse_text("relay-mta", text), Parsed::Ignored("not a mail program"), "{text}");
        }
    }

    #[test]
    fn an_impossible_date_is_not_a_queue_id() {
        check("6C10000f004711: done; delay=00:00:03, ntries=1", "unrecognised");
    }

    #[track_caller]
    fn check_piece(text: &str, expected: (u16, &str, bool)) {
        match parse(text) {
            Parsed::Event { queue_id: Some("6010000f004711"), event: Event::Piece { number, text, last } } => {
                assert_eq!((number, text, last), expected);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_parts_of_a_split_line_join_to_the_line() {
        check_piece("6010000f004711[1]: to=<a@example.org>, ...", (1, "to=<a@example.org>,", false));
        check_piece("6010000f004711[2]: <b@example.org>, stat=Sent", (2, "<b@example.org>, stat=Sent", true));
        let joined = "to=<a@example.org>,<b@example.org>, stat=Sent";
        assert!(matches!(parse_body(Some("6010000f004711"), joined), Parsed::Event { event: Event::To(_), .. }));
    }

    #[test]
    fn a_ruleset_without_an_id_refuses_a_client_or_blames_a_server() {
        check("ruleset=check_relay, arg1=[192.0.2.66], arg2=192.0.2.66, relay=[192.0.2.66], discard", "- Policy");
        check(
            "ruleset=tls_server, arg1=SOFTWARE, relay=mx.example.org, reject=403 4.7.0 TLS handshake failed.",
            "ignored: a warning about no message",
        );
    }

    #[test]
    fn an_error_without_a_message_is_the_servers_own() {
        check("NOQUEUE: SYSERR(root): cannot bind", "ignored: a warning about no message");
        check("6010000f004711: SYSERR(root): Too many hops", "6010000f004711 Warning");
    }

    #[test]
    fn what_nobody_wrote_is_unrecognised() {
        check("6010000f004711: the cat sat on the mat", "unrecognised");
        check("the cat sat on the mat", "unrecognised");
        check("", "unrecognised");
    }

    #[test]
    fn a_record_is_known_by_what_stands_further_on() {
        for (text, known) in [
            ("6010000f004711: from=<a@example.org>, size=10, class=0, nrcpts=1, relay=c", true),
            ("6010000f004711: from=<a@example.org>, size=10", false),
            ("6010000f004711: to=<a@example.org>, delay=00:00:01, stat=Sent", true),
            ("6010000f004711: to=<a@example.org>, delay=00:00:01", false),
            ("6010000f004711: quarantine=by hand", true),
            ("6010000f004711: flurble=1", false),
            ("e6G2PqO05058: quarantine=by hand", false),
            ("ruleset=check_relay, arg1=[192.0.2.66], reject=550 no", true),
            ("ruleset=check_relay, relay=[192.0.2.66], reject=550 no", false),
            ("ruleset=check_relay, arg1=[192.0.2.66], flurble", false),
            ("a ruleset=check_relay, arg1=[192.0.2.66], reject=550 no", false),
        ] {
            assert_eq!(is_record(text), known, "{text}");
        }
    }

    #[test]
    fn a_line_has_less_than_a_thousand_parts() {
        check_piece("6010000f004711[999]: x", (999, "x", true));
        check("6010000f004711[1000]: x", "unrecognised");
        check("6010000f004711[x]: x", "unrecognised");
        check("flurble[1]: x", "unrecognised");
        check("6010000f004711: [1]: x", "unrecognised");
    }

    #[test]
    fn what_a_session_said_is_evidence_only_of_a_message() {
        check("6010000f004711: <-- RCPT TO:<a@example.org>", "6010000f004711 Note");
        check("6010000f004711: --- 250 2.1.5 ok", "6010000f004711 Note");
        check("6010000f004711: Milter add: header: X: a", "6010000f004711 Note");
        check("NOQUEUE: Milter add: header: X: a", "ignored: a detail of a session");
        check("NOQUEUE: Milter chgfrom: <a@example.org>", "ignored: a detail of a session");
        check("6010000f004711: locked", "6010000f004711 Note");
        check("NOQUEUE: locked", "ignored: the queue directory or its runner");
    }

    #[test]
    fn a_refusal_needs_no_id() {
        check("NOQUEUE: AUTH failure (LOGIN): no (-13), relay=[192.0.2.66]", "- SaslFailed");
        check("NOQUEUE: [192.0.2.66]: VRFY root", "- Policy");
        check("STARTTLS=server, relay=c [192.0.2.7], version=TLSv1.3, verify=NO, cipher=X, bits=256/256", "- Tls");
        check("6010000f004711: <b@example.org>... User unknown", "6010000f004711 UserError");
        check("6010000f004711: lost input channel from c [192.0.2.1] to MTA after rcpt", "6010000f004711 Aborted");
    }
}
