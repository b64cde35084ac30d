//! `postfix/qmgr`, `postfix/oqmgr`: the queue manager.
//!
//! In: the text after a queue id.  Out: `Queued`, `Removed`, `Expired`, and a `Warning` for a notice that failed.
//! Kept as a note: `skipped, still being delivered`.

use crate::{model::Event, parse::fields};

/// `from=<…>, size=…, nrcpt=… (queue active)` (`global/opened.c`), `removed`, `status=…` (`qmgr/qmgr_active.c`).
pub fn message(text: &str) -> Option<Event<'_>> {
    if let Some(rest) = text.strip_prefix("from=<") {
        let (from, rest) = fields::angle(rest, &[", size=", ", status="]);
        return after_from(from, rest);
    }
    match text {
        "removed" => Some(Event::Removed),
        "skipped, still being delivered" => Some(Event::Note),
        // `status=deferred (bounce failed)`: the message stays in the queue until the notice can be sent.
        _ if text.starts_with("status=deferred (") => Some(Event::Warning { text }),
        _ => None,
    }
}

fn after_from<'a>(from: &'a str, rest: &'a str) -> Option<Event<'a>> {
    if let Some(status) = rest.strip_prefix(", status=") {
        let expired = status.starts_with("expired") || status.starts_with("force-expired");
        return expired.then_some(Event::Expired { from });
    }
    let rest = rest.strip_prefix(", size=")?;
    let (size, rest) = fields::split(rest, ", nrcpt=")?;
    let nrcpt = fields::number(fields::until(rest, &[" "]).0);
    Some(Event::Queued { from, size: fields::number(size), nrcpt })
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn activation_names_sender_size_and_recipients() {
        let text = "3F2A41C0E7: from=<alice@example.org>, size=2345, nrcpt=2 (queue active)";
        check("qmgr", text, "3F2A41C0E7 queued from=alice@example.org size=2345 nrcpt=2");
        check(
            "",
            "4dhRlh0sf8z9rvS: from=<>, size=3021, nrcpt=1 (queue active)",
            "4dhRlh0sf8z9rvS queued from= size=3021 nrcpt=1",
        );
    }

    #[test]
    fn a_sender_may_look_like_the_rest_of_the_line() {
        let text = "3F2A41C0E7: from=<\"a>, size=1, nrcpt=9\"@example.org>, size=5, nrcpt=1 (queue active)";
        check("qmgr", text, "3F2A41C0E7 queued from=\"a>, size=1, nrcpt=9\"@example.org size=5 nrcpt=1");
    }

    #[test]
    fn expiry_by_hand_is_expiry() {
        check(
            "qmgr",
            "3F2A41C0E7: from=<a@example.org>, status=expired, returned to sender",
            "3F2A41C0E7 expired from=a@example.org",
        );
        check("qmgr", "3F2A41C0E7: from=<>, status=force-expired, returned to sender", "3F2A41C0E7 expired from=");
    }

    #[test]
    fn removed_by_the_queue_manager_is_no_deletion() {
        check("qmgr", "3F2A41C0E7: removed", "3F2A41C0E7 removed");
        check("", "3F2A41C0E7: removed", "3F2A41C0E7 removed");
    }

    #[test]
    fn a_failed_notice_is_worth_showing() {
        check(
            "qmgr",
            "3F2A41C0E7: status=deferred (bounce failed)",
            "3F2A41C0E7 warning `status=deferred (bounce failed)`",
        );
        check("qmgr", "3F2A41C0E7: skipped, still being delivered", "3F2A41C0E7 note");
    }

    #[test]
    fn a_senders_line_of_another_kind_is_not_known() {
        check("qmgr", "3F2A41C0E7: from=<a@example.org>, status=flurble", "unrecognised");
        check("qmgr", "3F2A41C0E7: status=flurble", "unrecognised");
    }
}
