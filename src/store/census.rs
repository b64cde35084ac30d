//! How many mails and other things there are of each kind, and what became of them.
//!
//! In: documents, by their kinds and statuses.  Out: numbers in which a mail that passed three queues is one.

use crate::{
    model::{
        Transaction,
        transaction::{Kind, Status},
    },
    stitch::journey,
};
use std::collections::BTreeMap;

/// Mails and other transactions by kind and status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census(BTreeMap<(Kind, Status), i64>);

impl Census {
    /// Counts a document; of a large message only part 0 counts.
    pub fn add(&mut self, t: &Transaction) {
        if t.mail.part == 0 {
            self.count(t.mail.kind, t.mail.status, journey::is_root(t));
        }
    }

    /// Counts a document of that kind and status. A mail is counted where it began, as delivered if it was handed on there;
    /// whatever else became of it in a later queue is what became of it.
    pub fn count(&mut self, kind: Kind, status: Status, is_root: bool) {
        let mut add = |status, n| *self.0.entry((kind, status)).or_default() += n;
        match (kind, status) {
            (Kind::Message, Status::Delivered | Status::Requeued) => add(Status::Delivered, i64::from(is_root)),
            (Kind::Message, status) if !is_root => {
                add(status, 1);
                add(Status::Delivered, -1);
            }
            (_, status) => add(status, 1),
        }
    }

    /// Each kind and status that there is something of, with how many.
    pub fn counts(&self) -> impl Iterator<Item = (Kind, Status, u64)> {
        self.0.iter().filter(|(_, n)| **n > 0).map(|((kind, status), n)| (*kind, *status, n.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_of_three_queues_is_one() {
        let mut census = Census::default();
        // One mail through a filter and to another host; another that its second queue could not deliver; a refusal.
        for is_root in [true, false, false, true] {
            census.count(Kind::Message, Status::Delivered, is_root);
        }
        census.count(Kind::Message, Status::Bounced, false);
        census.count(Kind::Reject, Status::Rejected, true);
        let counts: Vec<_> = census.counts().collect();
        assert_eq!(
            counts,
            [
                (Kind::Message, Status::Delivered, 1),
                (Kind::Message, Status::Bounced, 1),
                (Kind::Reject, Status::Rejected, 1)
            ]
        );
    }

    #[test]
    fn what_went_on_under_a_new_id_is_what_became_of_that() {
        let mut census = Census::default();
        census.count(Kind::Message, Status::Requeued, true);
        census.count(Kind::Message, Status::Deferred, false);
        assert_eq!(census.counts().collect::<Vec<_>>(), [(Kind::Message, Status::Deferred, 1)]);
    }

    #[test]
    fn a_later_queue_alone_is_no_mail_that_was_delivered() {
        let mut census = Census::default();
        census.count(Kind::Message, Status::Delivered, false);
        assert_eq!(census.counts().count(), 0);
    }
}
