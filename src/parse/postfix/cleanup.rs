//! `postfix/cleanup`: writes the queue file, and logs the Message-ID.
//!
//! In: the text after a queue id.  Out: `MessageId`, `Canceled`, and `Warning` for failed lookups, which have no severity word.
//! Header, body and milter checks are in `policy.rs`.

use crate::model::Event;

/// `[resent-]message-id=%s` (`cleanup/cleanup_message.c`), `removed (canceled|discarded)` (`cleanup/cleanup_api.c`, 3.10).
pub fn message(text: &str) -> Option<Event<'_>> {
    if let Some(raw) = text.strip_prefix("message-id=") {
        return Some(Event::MessageId { id: message_id(raw), resent: false });
    }
    if let Some(raw) = text.strip_prefix("resent-message-id=") {
        return Some(Event::MessageId { id: message_id(raw), resent: true });
    }
    match text {
        "removed (canceled)" => Some(Event::Canceled { discarded: false }),
        "removed (discarded)" => Some(Event::Canceled { discarded: true }),
        _ => lookup_problem(text).then_some(Event::Warning { text }),
    }
}

/// `MAP map lookup problem[ for ADDRESS] -- message not accepted, try again later`. Only one word may come before it, because
/// header checks quote text of strangers.
fn lookup_problem(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(_, rest)| rest.starts_with("map lookup problem"))
}

/// The id in the raw header value: the text between the first `<` and the last `>`, or all of it if there are none. A stranger's
/// id may hold brackets and whole fields. The line may have been cut before the closing bracket.
fn message_id(raw: &str) -> Option<&str> {
    let raw = raw.trim_matches(' ');
    let bare = match raw.split_once('<') {
        Some((before, inside)) => match inside.rsplit_once('>') {
            Some((id, _)) => id,
            None if before.is_empty() => inside,
            None => raw,
        },
        None => raw,
    };
    Some(bare).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn message_ids_come_without_brackets() {
        check("cleanup", "3F2A41C0E7: message-id=<1.a@example.org>", "3F2A41C0E7 message-id=1.a@example.org");
        check("cleanup", "3F2A41C0E7: resent-message-id=<2@example.org>", "3F2A41C0E7 resent-message-id=2@example.org");
    }

    #[test]
    fn odd_message_ids_are_taken_as_they_are() {
        check(
            "cleanup",
            "3F2A41C0E7: message-id= <no-fold@example.org> (added by relay)",
            "3F2A41C0E7 message-id=no-fold@example.org",
        );
        check("cleanup", "3F2A41C0E7: message-id=bare@example.org", "3F2A41C0E7 message-id=bare@example.org");
        check("cleanup", "3F2A41C0E7: message-id=<cut@exam", "3F2A41C0E7 message-id=cut@exam");
    }

    #[test]
    fn an_id_ends_at_its_last_bracket() {
        check(
            "cleanup",
            "3F2A41C0E7: message-id=<a, from=<x@example.org>, size=1@q>",
            "3F2A41C0E7 message-id=a, from=<x@example.org>, size=1@q",
        );
    }

    #[test]
    fn no_message_id_is_none() {
        check("cleanup", "3F2A41C0E7: message-id=<>", "3F2A41C0E7 message-id");
        check("cleanup", "3F2A41C0E7: message-id=", "3F2A41C0E7 message-id");
    }

    #[test]
    fn a_lookup_that_failed_is_worth_showing() {
        let text = "3F2A41C0E7: masquerade_exceptions map lookup problem -- message not accepted, try again later";
        check(
            "cleanup",
            text,
            "3F2A41C0E7 warning `masquerade_exceptions map lookup problem -- message not accepted, try again later`",
        );
    }

    #[test]
    fn canceled_and_discarded_are_not_removed() {
        check("cleanup", "3F2A41C0E7: removed (canceled)", "3F2A41C0E7 canceled");
        check("", "3F2A41C0E7: removed (discarded)", "3F2A41C0E7 discarded");
    }

    #[test]
    fn a_bracket_in_a_cut_id_without_one_in_front_is_its_own() {
        check("cleanup", "3F2A41C0E7: message-id=a <b@exam", "3F2A41C0E7 message-id=a <b@exam");
    }

    #[test]
    fn more_than_one_word_before_a_lookup_is_a_strangers_text() {
        check("cleanup", "3F2A41C0E7: my map lookup is a problem", "unrecognised");
        check("cleanup", "3F2A41C0E7: a b map lookup problem", "unrecognised");
    }
}
