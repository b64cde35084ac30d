//! `postsuper`: an administrator's operations on queue files.
//!
//! In: the text after a queue id.  Out: `Operation`. Its `removed` is a deletion, the queue manager's is not; if the daemon's
//! name is lost, `removed` is taken for the queue manager's.
//! Ignored on purpose (`service.rs`): summaries such as `Deleted: 1 message`.

use crate::model::{Event, event::Operation};

/// `removed`, `requeued`, `placed on hold`, `released from hold`, `expired` (`postsuper/postsuper.c`).
pub fn message(text: &str) -> Option<Event<'_>> {
    let operation = match text {
        "removed" => Operation::Delete,
        "requeued" => Operation::Requeue,
        "placed on hold" => Operation::Hold,
        "released from hold" => Operation::Release,
        "expired" => Operation::Expire,
        _ => return None,
    };
    Some(Event::Operation(operation))
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn removed_by_postsuper_is_a_deletion() {
        check("postsuper", "3F2A41C0E7: removed", "3F2A41C0E7 operation Delete");
    }

    #[test]
    fn other_operations_are_known_without_the_daemon() {
        check("", "3F2A41C0E7: requeued", "3F2A41C0E7 operation Requeue");
        check("", "3F2A41C0E7: placed on hold", "3F2A41C0E7 operation Hold");
        check("", "3F2A41C0E7: released from hold", "3F2A41C0E7 operation Release");
        check("", "3F2A41C0E7: expired", "3F2A41C0E7 operation Expire");
    }
}
