//! Counts mails and other transactions by kind and outcome.
//!
//! In: kind and status of each document. Out: counts in which a mail that passed three queues is one mail.

use crate::{
    model::{
        Transaction,
        transaction::{Kind, Status},
    },
    stitch::journey,
};
use std::collections::BTreeMap;

/// Mails and other transactions, counted by kind and status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census(BTreeMap<(Kind, Status), i64>);

impl Census {
    /// Counts a document; of a large message only part 0 counts.
    pub fn add(&mut self, t: &Transaction) {
        if t.mail.part == 0 {
            self.count(t.mail.kind, t.mail.status, journey::is_root(t));
        }
    }

    /// Counts a document of this kind and status. The root of a journey counts as delivered even if it was only handed
    /// on; a later hop that ended otherwise (bounced, deferred, …) turns that one into its own status.
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

    /// Each kind and status with its count, where that is not zero.
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
        // One mail through a content filter and on to another host; a second one that bounced in its second queue; a
        // reject.
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
