//! Decisions of rulesets, and decisions about a whole message, such as its size (`parseaddr.c rscheck`, `collect.c`, `queue.c`,
//! `deliver.c`).
//!
//! In: `ruleset=…`, `discarded`, `quarantine=…`, `message size (N) exceeds …`.  Out: [`Event::Policy`].
//! A ruleset of an *outgoing* session (`tls_server`, `try_tls`, …) refuses another server, not a message, and becomes a warning.

use super::peer::peer;
use super::scan::{bare, find_outside, reply};
use crate::model::Event;
use crate::model::event::{Action, Operation, Peer, Policy};

/// Rulesets that judge a server to which sendmail connects.
const OUTGOING: &[&str] = &["tls_server", "tls_rcpt", "try_tls", "authinfo", "tls_clt_features", "clt_features"];

/// A decision with everything else absent; the parsers here and in `milter` fill in what their line has.
pub fn policy<'a>(action: Action, stage: &'a str, peer: Peer<'a>, text: &'a str) -> Policy<'a> {
    Policy {
        action,
        stage,
        peer,
        code: None,
        dsn: None,
        text,
        from: None,
        to: None,
        proto: None,
        helo: None,
        sasl_method: None,
        sasl_username: None,
    }
}

/// A decision with the code and DSN that `answer` begins with.
pub fn answered<'a>(action: Action, stage: &'a str, peer: Peer<'a>, answer: &'a str) -> Policy<'a> {
    let (code, dsn, text) = reply(answer);
    Policy { code, dsn, ..policy(action, stage, peer, text) }
}

/// `ruleset=R, arg1=A[, arg2=B][, relay=H], OUTCOME`; `None` without a known outcome.
///
/// The arguments are the client's text. `relay=` and the outcome are looked for outside their brackets, and the outcome is the
/// first one after `relay=`, because the text of a reject repeats the argument.
pub fn ruleset(text: &str) -> Option<Event<'_>> {
    let (ruleset, rest) = text.strip_prefix("ruleset=")?.split_once(", ")?;
    let (arg, rest) = match rest.strip_prefix("arg1=") {
        Some(rest) => first_of(rest, &[", arg2=", ", relay=", ", reject=", ", quarantine=", ", status=", ", discard"])?,
        None => ("", rest),
    };
    let rest = match rest.strip_prefix("arg2=") {
        Some(rest) => first_of(rest, &[", relay=", ", reject=", ", quarantine=", ", status=", ", discard"])?.1,
        None => rest,
    };
    let (relay, outcome) = match rest.strip_prefix("relay=") {
        Some(rest) => first_of(rest, &[", reject=", ", quarantine=", ", status=", ", discard"])?,
        None => ("", rest),
    };
    let peer = peer(relay);
    let mut decision = if let Some(answer) = outcome.strip_prefix("reject=") {
        answered(Action::Reject, ruleset, peer, answer)
    } else if let Some(answer) = outcome.strip_prefix("status=") {
        answered(Action::Reject, ruleset, peer, answer)
    } else if let Some(reason) = outcome.strip_prefix("quarantine=") {
        policy(Action::Hold, ruleset, peer, reason)
    } else if outcome.starts_with("discard") {
        policy(Action::Discard, ruleset, peer, outcome)
    } else {
        return None;
    };
    if OUTGOING.contains(&ruleset) {
        return Some(Event::Warning { text });
    }
    match ruleset {
        "check_rcpt" => decision.to = Some(bare(arg)),
        "check_mail" => decision.from = Some(bare(arg)),
        _ => {}
    }
    Some(Event::Policy(decision))
}

/// Splits at the first of the separators outside quotes and brackets, or at the first of all if there is none. The rest is
/// without its `, `.
fn first_of<'a>(text: &'a str, separators: &[&str]) -> Option<(&'a str, &'a str)> {
    let outside = separators.iter().filter_map(|separator| find_outside(text, separator)).min();
    let at = outside.or_else(|| separators.iter().filter_map(|separator| text.find(separator)).min())?;
    Some((&text[..at], &text[at + 2..]))
}

/// Decisions about a whole message. `None` for any other text.
pub fn message(text: &str) -> Option<Event<'_>> {
    let decide = |action, stage, text| Some(Event::Policy(policy(action, stage, Peer::default(), text)));
    if text == "discarded" {
        return decide(Action::Discard, "end-of-message", text);
    }
    if text == "unquarantine" {
        return Some(Event::Operation(Operation::Release));
    }
    if let Some(reason) = text.strip_prefix("quarantine=") {
        return decide(Action::Hold, "queue", reason);
    }
    if text.starts_with("message size (") && text.contains(") exceeds maximum (") {
        return decide(Action::Reject, "end-of-message", text);
    }
    if let Some(rest) = text.strip_prefix("headers too large (") {
        let host = rest.split_once(" max) from ")?.1.strip_suffix(" during message collect")?;
        return Some(Event::Policy(policy(Action::Reject, "data", peer(host), text)));
    }
    None
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A decision in one line, absent parts left out.
    pub fn compact(event: Option<Event<'_>>) -> String {
        match event {
            Some(Event::Policy(p)) => [
                Some(format!("{:?} {}", p.action, p.stage)),
                p.peer.name.map(|v| format!("name={v}")),
                p.peer.addr.map(|v| format!("addr={v}")),
                p.code.map(|v| format!("code={v}")),
                p.dsn.map(|v| format!("dsn={v}")),
                p.from.map(|v| format!("from={v}")),
                p.to.map(|v| format!("to={v}")),
                p.helo.map(|v| format!("helo={v}")),
                Some(format!("text={}", p.text)),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("|"),
            Some(Event::Warning { text }) => format!("warning: {text}"),
            other => format!("{other:?}"),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(compact(ruleset(text).or_else(|| message(text))), expected);
    }

    #[test]
    fn a_ruleset_refuses_sender_recipient_or_host() {
        check(
            "ruleset=check_rcpt, arg1=<b@example.org>, relay=x.example.org [192.0.2.66], reject=550 5.7.1 <b@example.org>... Relaying denied",
            "Reject check_rcpt|name=x.example.org|addr=192.0.2.66|code=550|dsn=5.7.1|to=b@example.org|text=<b@example.org>... Relaying denied",
        );
        check(
            "ruleset=check_mail, arg1=<e@example.org>, relay=[192.0.2.66], discard",
            "Discard check_mail|addr=192.0.2.66|from=e@example.org|text=discard",
        );
        check(
            "ruleset=check_relay, arg1=[192.0.2.66], arg2=192.0.2.66, relay=[192.0.2.66], reject=550 5.7.1 Access denied",
            "Reject check_relay|addr=192.0.2.66|code=550|dsn=5.7.1|text=Access denied",
        );
        check(
            "ruleset=check_rcpt, arg1=<b@example.org>, relay=[192.0.2.66], quarantine=odd",
            "Hold check_rcpt|addr=192.0.2.66|to=b@example.org|text=odd",
        );
    }

    #[test]
    fn an_argument_decides_nothing() {
        check(
            "ruleset=check_mail, arg1=<a, relay=[192.0.2.9], discard@x>, relay=[192.0.2.66], reject=553 5.1.8 <a, discard@x>... no",
            "Reject check_mail|addr=192.0.2.66|code=553|dsn=5.1.8|from=a, relay=[192.0.2.9], discard@x|text=<a, discard@x>... no",
        );
    }

    #[test]
    fn a_ruleset_for_outgoing_tls_refuses_no_message() {
        let text = "ruleset=tls_server, arg1=SOFTWARE, relay=mx.example.org, reject=403 4.7.0 TLS handshake failed.";
        check(text, &format!("warning: {text}"));
    }

    #[test]
    fn a_message_is_held_discarded_or_too_large() {
        check("discarded", "Discard end-of-message|text=discarded");
        check("quarantine=by hand", "Hold queue|text=by hand");
        check("unquarantine", "Some(Operation(Release))");
        check(
            "message size (9) exceeds maximum (5)",
            "Reject end-of-message|text=message size (9) exceeds maximum (5)",
        );
        check("message in a bottle", "None");
        check("ruleset=check_rcpt, arg1=x", "None");
    }

    #[test]
    fn a_ruleset_may_answer_with_a_status_and_have_no_argument() {
        check(
            "ruleset=check_eom, relay=[192.0.2.66], status=451 4.7.1 later",
            "Reject check_eom|addr=192.0.2.66|code=451|dsn=4.7.1|text=later",
        );
        check("ruleset=check_eoh, quarantine=odd", "Hold check_eoh|text=odd");
        check("ruleset=check_eoh, flurble", "None");
        check("ruleset=check_relay, arg1=c, arg2=192.0.2.66, discard", "Discard check_relay|text=discard");
    }

    #[test]
    fn an_argument_that_was_cut_ends_at_the_first_separator() {
        check(
            "ruleset=check_rcpt, arg1=<b@exa, relay=[192.0.2.66], reject=550 5.7.1 no",
            "Reject check_rcpt|addr=192.0.2.66|code=550|dsn=5.7.1|to=<b@exa|text=no",
        );
    }

    #[test]
    fn each_ruleset_of_an_outgoing_session_warns() {
        for ruleset in OUTGOING {
            let text = format!("ruleset={ruleset}, arg1=x, relay=mx.example.org, reject=403 4.7.0 no");
            check(&text, &format!("warning: {text}"));
        }
    }

    #[test]
    fn headers_may_be_too_large() {
        let text = "headers too large (32769 max) from c.example.org [192.0.2.1] during message collect";
        check(text, &format!("Reject data|name=c.example.org|addr=192.0.2.1|text={text}"));
        check("message size (9) is fine", "None");
        check("a message size (9) exceeds maximum (5)", "None");
    }
}
