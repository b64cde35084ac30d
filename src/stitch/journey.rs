//! Journeys: the transactions of one message across queues and hosts.

use super::id::hash64;
use crate::model::Transaction;

/// The journey of a transaction that has no parent: a hash of its host, queue id and Message-ID, so that it does not
/// move with the start of a life. A refused attempt or a filter's verdict is known by its document id instead.
pub fn own(doc: &Transaction) -> String {
    let queue_id = doc.email.local_id.as_deref().unwrap_or(&doc.mail.id);
    let message_id = doc.email.message_id.as_deref().unwrap_or_default();
    format!("{:016x}", hash64(&[&doc.host.name, queue_id, message_id]))
}
