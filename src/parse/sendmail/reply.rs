//! The queue id in the reply of another server.
//!
//! In: a `stat=` text, or a whole reply.  Out: the next hop's queue id.

/// The id that the next hop gave the message, from the text of its reply: that of `stat=Sent (…)`, or a whole reply.
///
/// Known are the forms of postfix (also behind a filter: the last `queued as` counts), sendmail and Exim, and Exchange's internal
/// id. A qmail process number and Gmail's token appear in no log that is read here.
pub fn reply_queue_id(stat: &str) -> Option<&str> {
    if let Some((_, id)) = stat.rsplit_once("queued as ") {
        return word(id);
    }
    if let Some((before, _)) = stat.split_once(" Message accepted for delivery") {
        let id = before.rsplit([' ', '(']).next()?;
        return word(id).filter(|found| found.len() == id.len());
    }
    if let Some((_, id)) = stat.rsplit_once("OK id=") {
        return word(id);
    }
    if let Some((_, id)) = stat.rsplit_once("[InternalId=") {
        return word(id);
    }
    None
}

/// The letters, digits and hyphens (Exim) at the beginning, at least five: no server has shorter ids.
fn word(text: &str) -> Option<&str> {
    let end = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'-')).unwrap_or(text.len());
    Some(text[..end].trim_end_matches('-')).filter(|id| id.len() >= 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_names_the_next_id() {
        let sent = |text| reply_queue_id(text).unwrap_or_default();
        assert_eq!(sent("Sent (Ok: queued as 7C1D2E3F40)"), "7C1D2E3F40");
        assert_eq!(sent("Sent (6010001g004722 Message accepted for delivery)"), "6010001g004722");
        assert_eq!(sent("250 2.0.0 6010001g004722 Message accepted for delivery"), "6010001g004722");
        assert_eq!(
            sent("from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4dhRlh0sf8z9rvS"),
            "4dhRlh0sf8z9rvS"
        );
        assert_eq!(sent("Sent (OK id=1rKabc-0001Xy-2z)"), "1rKabc-0001Xy-2z");
        assert_eq!(
            sent("Sent (<a@example.org> [InternalId=12345678, Hostname=h] Queued mail for delivery)"),
            "12345678"
        );
    }

    #[test]
    fn a_reply_without_an_id_names_none() {
        for text in [
            "Sent",
            "Sent (Ok)",
            "Sent (ok 1767225600 qp 4711)",
            "Sent (queued as )",
            "Sent (Message accepted for delivery)",
        ] {
            assert_eq!(reply_queue_id(text), None, "{text}");
        }
    }

    #[test]
    fn an_id_in_a_reply_has_five_characters_at_least() {
        for (text, id) in [
            ("queued as 1234", None),
            ("queued as 12345", Some("12345")),
            ("queued as 12345-- x", Some("12345")),
            ("queued as 1234--", None),
            ("queued as 7C1D2E3F40: queued as 3F2A41C0E7", Some("3F2A41C0E7")),
            ("Sent ((6010001g004722 Message accepted for delivery)", Some("6010001g004722")),
            ("Sent (601000.1g004722 Message accepted for delivery)", None),
        ] {
            assert_eq!(reply_queue_id(text), id, "{text}");
        }
    }
}
