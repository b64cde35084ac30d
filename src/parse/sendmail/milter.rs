//! Milters: what a filter did to the session, the envelope or the message (`milter.c`, `srvrsmtp.c`).
//!
//! In: `Milter: …`, `Milter (NAME) …` (8.16 and later), `Milter …`, `milter=NAME, …`, `milter_read(NAME): …`.
//! Out: a decision, a changed envelope, a warning, or evidence.
//! Ignored on purpose: header edits; `milter=NAME, action=…`, which a `Milter: …` line repeats.

use super::peer::peer;
use super::reject::{answered, policy};
use super::scan::{bare, find_outside};
use crate::model::Event;
use crate::model::event::{Action, MilterEdit, Peer};

/// Beginnings of the text after a filter's name when all is well.
const QUIET: &[&str] =
    &["headers, ", "header, ", "body, ", "quit filter", "abort filter", "init success", "time command"];

/// A text that begins with `Milter` or `milter`; `None` for any other.
pub fn parse(text: &str) -> Option<Event<'_>> {
    if let Some(rest) = text.strip_prefix("milter=") {
        return Some(quarantine(rest));
    }
    if text.starts_with("milter_") || text.starts_with("Milter read(") {
        return Some(Event::Warning { text });
    }
    let rest = text.strip_prefix("Milter")?;
    if let Some(rest) = rest.strip_prefix(": ") {
        return Some(decision(text, rest));
    }
    let Some(rest) = rest.strip_prefix(" (").and_then(|named| named.split_once(')')) else {
        return rest.strip_prefix(' ').map(edit);
    };
    match (rest.1.strip_prefix(' '), rest.1.strip_prefix(": ")) {
        (Some(change), _) => Some(edit(change)),
        (None, Some(state)) if QUIET.iter().any(|quiet| state.starts_with(quiet)) => Some(Event::Note),
        _ => Some(Event::Warning { text }),
    }
}

/// `NAME, quarantine=REASON`; anything else of this form repeats another line.
fn quarantine(rest: &str) -> Event<'_> {
    match rest.split_once(", quarantine=") {
        Some((name, reason)) if !name.contains(", ") => {
            Event::Policy(policy(Action::Hold, "end-of-message", Peer::default(), reason))
        }
        _ => Event::Note,
    }
}

/// `chgfrom: A`, `add: rcpt: A`, `delete: rcpt A[, naddrs=N]`. A reply in place of the address says that the change failed,
/// `naddrs=0` that there was nothing to delete.
fn edit(change: &str) -> Event<'_> {
    let (edit, addr) = if let Some(addr) = change.strip_prefix("chgfrom: ") {
        (MilterEdit::ChangeSender, addr)
    } else if let Some(addr) = change.strip_prefix("add: rcpt: ") {
        (MilterEdit::AddRecipient, addr)
    } else if let Some(addr) = change.strip_prefix("delete: rcpt ") {
        match addr.rsplit_once(", naddrs=") {
            Some((_, "0")) => return Event::Note,
            Some((addr, _)) => (MilterEdit::DeleteRecipient, addr),
            None => (MilterEdit::DeleteRecipient, addr),
        }
    } else {
        return Event::Note;
    };
    if answered(Action::Reject, "", Peer::default(), addr).code.is_some() {
        return Event::Note;
    }
    Event::MilterEdit { edit, addr: bare(addr) }
}

/// `STAGE[=ARGUMENT], reject=ANSWER|discard|…` and `connect: host=H, addr=A, …`.
fn decision<'a>(text: &'a str, rest: &'a str) -> Event<'a> {
    if rest.starts_with("initialization failed") {
        return Event::Warning { text };
    }
    if let Some(rest) = rest.strip_prefix("connect: host=") {
        return connect(rest).unwrap_or(Event::Note);
    }
    // The argument is the client's text. Only if its brackets do not close is `, reject=` looked for inside them, too.
    let reject = find_outside(rest, ", reject=").map(|at| (&rest[..at], Some(&rest[at + ", reject=".len()..])));
    let discard = || rest.strip_suffix(", discard").map(|subject| (subject, None));
    let cut = || rest.split_once(", reject=").map(|(subject, answer)| (subject, Some(answer)));
    let Some((subject, answer)) = reject.or_else(discard).or_else(cut) else { return Event::Note };
    let (stage, argument) = match subject.split_once('=') {
        Some(("cmd", command)) => (command, None),
        Some((stage, argument)) => (stage, Some(argument)),
        None => (subject, None),
    };
    let name = match stage {
        "from" => "mail",
        "to" => "rcpt",
        other => other,
    };
    let mut made = match answer {
        Some(answer) => answered(Action::Reject, name, Peer::default(), answer),
        None => policy(Action::Discard, name, Peer::default(), "discard"),
    };
    match stage {
        "from" => made.from = argument.map(bare),
        "to" => made.to = argument.map(bare),
        "helo" => made.helo = argument,
        _ => {}
    }
    Event::Policy(made)
}

/// `H, addr=A, reject=ANSWER|rejecting commands|temp failing commands[=ANSWER]|shutdown[=ANSWER]`.
fn connect(rest: &str) -> Option<Event<'_>> {
    let (host, rest) = rest.split_once(", addr=")?;
    let (addr, outcome) = rest.split_once(", ")?;
    let peer = Peer { addr: Some(addr), ..peer(host) };
    let made = match outcome.split_once('=') {
        Some(("reject" | "shutdown" | "temp failing commands", answer)) => {
            answered(Action::Reject, "connect", peer, answer)
        }
        _ => policy(Action::Reject, "connect", peer, outcome),
    };
    Some(Event::Policy(made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::sendmail::reject::tests::compact;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Some(Event::MilterEdit { edit, addr }) => format!("{edit:?} {addr}"),
            Some(Event::Note) => "note".to_owned(),
            Some(Event::Warning { .. }) => "warning".to_owned(),
            other => compact(other),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_milter_refuses_at_a_stage() {
        check(
            "Milter: from=<e@example.org>, reject=550 5.7.1 no",
            "Reject mail|code=550|dsn=5.7.1|from=e@example.org|text=no",
        );
        check("Milter: to=<b@example.org>, discard", "Discard rcpt|to=b@example.org|text=discard");
        check(
            "Milter: data, reject=554 5.7.1 Command rejected",
            "Reject data|code=554|dsn=5.7.1|text=Command rejected",
        );
        check("Milter: cmd=data, discard", "Discard data|text=discard");
        check("Milter: helo=pc, reject=Command rejected", "Reject helo|helo=pc|text=Command rejected");
        check(
            "Milter: connect: host=x.example.org, addr=192.0.2.66, rejecting commands",
            "Reject connect|name=x.example.org|addr=192.0.2.66|text=rejecting commands",
        );
        check(
            "Milter: connect: host=x.example.org, addr=192.0.2.66, shutdown=421 4.7.0 bye",
            "Reject connect|name=x.example.org|addr=192.0.2.66|code=421|dsn=4.7.0|text=bye",
        );
    }

    #[test]
    fn a_milter_quarantines_a_message() {
        check("milter=m, quarantine=virus, they say", "Hold end-of-message|text=virus, they say");
        check("milter=m, action=eom, reject=550 5.7.1 no", "note");
    }

    #[test]
    fn an_envelope_is_edited_with_and_without_the_name_of_the_milter() {
        check("Milter (m) chgfrom: <n@example.org>", "ChangeSender n@example.org");
        check("Milter chgfrom: <>", "ChangeSender ");
        check("Milter (m) add: rcpt: <a@example.org>", "AddRecipient a@example.org");
        check("Milter (m) delete: rcpt <a@example.org>, naddrs=1", "DeleteRecipient a@example.org");
        check("Milter delete: rcpt <a@example.org>", "DeleteRecipient a@example.org");
    }

    #[test]
    fn a_failed_edit_changes_nothing() {
        check("Milter chgfrom: 550 5.7.1 rejected", "note");
        check("Milter add: rcpt: 550 5.7.1 rejected", "note");
        check("Milter (m) delete: rcpt <a@example.org>, naddrs=0", "note");
    }

    #[test]
    fn a_header_is_only_evidence() {
        check("Milter (m) add: header: X: a, reject=550 5.7.1 no", "note");
        check("Milter insert (0): header: X: chgfrom: <a@example.org>", "note");
        check("Milter accept: message", "note");
    }

    #[test]
    fn a_broken_milter_is_a_warning() {
        check("Milter (m): error connecting to filter: Connection refused", "warning");
        check("Milter: initialization failed, temp failing commands", "warning");
        check("milter_read(m): socket closed, where=eom", "warning");
        check("Milter (m): headers, send", "note");
    }

    #[test]
    fn an_action_that_quotes_a_quarantine_is_none() {
        check("milter=m, action=header, quarantine=x", "note");
        check("milter=m, quarantine=x", "Hold end-of-message|text=x");
    }

    #[test]
    fn an_argument_that_was_cut_still_has_its_answer() {
        check("Milter: to=<b@example, reject=550 5.7.1 no", "Reject rcpt|code=550|dsn=5.7.1|to=<b@example|text=no");
        check("Milter: from=<e@example.org>, discard", "Discard mail|from=e@example.org|text=discard");
        check(
            "Milter: to=<x, reject=250 ok@example.org>, reject=550 5.7.1 no",
            "Reject rcpt|code=550|dsn=5.7.1|to=x, reject=250 ok@example.org|text=no",
        );
        check("Milter: from=<e@example.org>", "note");
    }

    #[test]
    fn a_client_is_refused_for_now_or_for_good() {
        let start = "Milter: connect: host=x.example.org, addr=192.0.2.66,";
        let found = "Reject connect|name=x.example.org|addr=192.0.2.66";
        check(&format!("{start} reject=550 5.7.1 no"), &format!("{found}|code=550|dsn=5.7.1|text=no"));
        check(
            &format!("{start} temp failing commands=451 4.7.1 later"),
            &format!("{found}|code=451|dsn=4.7.1|text=later"),
        );
        check(&format!("{start} odd=451 4.7.1 later"), &format!("{found}|text=odd=451 4.7.1 later"));
        check("Milter: connect: host=x.example.org", "note");
    }

    #[test]
    fn a_filter_in_good_order_is_evidence_only() {
        for state in ["header, continue", "body, send", "quit filter", "abort filter", "init success to negotiate"] {
            check(&format!("Milter (m): {state}"), "note");
        }
        check("Milter (m) odd", "note");
        check("Milter (m)", "warning");
        check("Milter read(m): cmd read returned 0", "warning");
        check("Milter", "None");
        check("Milterate", "None");
    }
}
