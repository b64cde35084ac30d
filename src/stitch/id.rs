//! Queue ids: what they are made of, and document ids made from them.

/// Which generator made a queue id; decides whether the id can come back for another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdForm {
    /// Postfix default: microseconds and inode in hex. Comes back.
    Short,
    /// Postfix `long_queue_ids`: holds its creation time. Unique.
    Long,
    /// sendmail: holds its creation time (UTC, year modulo 60). Unique within 60 years.
    Sendmail,
}
