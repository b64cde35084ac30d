//! `postfix/bounce` (services bounce, defer and trace): notifications about a message.
//!
//! In: the text after a queue id.  Out: `Notified` with the id of the notice.
//! Kept as a note: notices that were not sent because the message is itself a notice.

use crate::model::{Event, event::Notice};

/// `sender|postmaster … notification: QID` (`bounce/bounce_notify_service.c`, `_warn_`, `_trace_`).
pub fn message(text: &str) -> Option<Event<'_>> {
    if text.starts_with("not sending trace/success notification") {
        return Some(Event::Note);
    }
    let rest = text.strip_prefix("sender ").or_else(|| text.strip_prefix("postmaster "))?;
    let (kind, child) = rest.split_once(": ")?;
    let notice = match kind {
        "non-delivery notification" => Notice::Bounce,
        "delay notification" => Notice::Delay,
        "delivery status notification" => Notice::Success,
        _ => return None,
    };
    Some(Event::Notified { notice, child })
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn a_notice_names_its_own_id() {
        check(
            "bounce",
            "3F2A41C0E7: sender non-delivery notification: 7C1D2E3F40",
            "3F2A41C0E7 notified Bounce 7C1D2E3F40",
        );
        check(
            "bounce",
            "3F2A41C0E7: postmaster delay notification: 7C1D2E3F40",
            "3F2A41C0E7 notified Delay 7C1D2E3F40",
        );
        check(
            "",
            "3F2A41C0E7: sender delivery status notification: 7C1D2E3F40",
            "3F2A41C0E7 notified Success 7C1D2E3F40",
        );
    }

    #[test]
    fn a_notice_about_a_notice_is_not_sent() {
        check(
            "bounce",
            "3F2A41C0E7: not sending trace/success notification for double-bounce message",
            "3F2A41C0E7 note",
        );
    }

    #[test]
    fn a_notice_of_another_kind_is_not_known() {
        check("bounce", "3F2A41C0E7: sender flurble notification: 7C1D2E3F40", "unrecognised");
    }
}
