//! Stores of transactions. The store is the state: there is no other database of half-finished mail.
//!
//! A store knows documents by id and version and does not interpret them. All implementations pass the same contract
//! tests (`tests/store_contract.rs`).

mod census;
pub mod elasticsearch;
pub mod matching;
pub mod memory;
pub mod places;
pub mod sqlite;
mod unreadable;

pub use census::Census;

use crate::{
    check::Check,
    error::{self, Error, Result},
    model::{Range, Time, Transaction},
    stitch::journey::Node,
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The error for a store that was written with other `[privacy]` settings. They change lines before ids are computed
/// from them, so two settings in one store would duplicate its transactions. `doing`: the failed action, such as
/// "cannot write to index `mail`".
pub fn other_privacy(doing: String) -> Error {
    Error::new(error::Kind::Config, doing)
        .because("it was written with another `[privacy]` in the configuration, or with another key")
        .hint("put `[privacy]` and its key back, or name a new store and a new `state_dir`, and `mailstitch backfill`")
}

/// The version of a stored document, for optimistic concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// `_seq_no`, or the row's own counter.
    pub number: u64,
    /// `_primary_term`; 0 where there is none.
    pub term: u64,
}

/// A document as stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub transaction: Transaction,
    pub version: Version,
}

/// A document that exists, with the approximate size of its JSON in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: String,
    pub bytes: u64,
}

impl Known {
    /// Estimates the size from the number of lines kept whole and the number kept in brief.
    pub fn of_lines(id: String, whole: u64, brief: u64) -> Self {
        Self { id, bytes: 2048 + whole.saturating_mul(1024).saturating_add(brief.saturating_mul(32)) }
    }
}

/// A document that may belong to the same journey as others. Only what decides that is kept, because there may be
/// thousands.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// The id of the document itself; each part has its own.
    pub id: String,
    pub node: Node,
}

impl Neighbour {
    fn of(document: &Transaction) -> Self {
        Self { id: document.mail.id.clone(), node: Node::new(document) }
    }
}

/// A document to write.
#[derive(Debug, Clone)]
pub struct Put {
    pub transaction: Transaction,
    /// `None`: there must be no document with this id yet.
    pub expected: Option<Version>,
}

/// The outcome of writing or deleting. Documents in neither list succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Ids whose stored document does not have the expected version: get it, unite, try again.
    pub conflicts: Vec<String>,
    /// Documents that the store will never accept (a mapping error), each with the reason, for the dead-letter file.
    pub refused: Vec<(String, String)>,
}

impl Report {
    /// The documents in `sent` that were written.
    pub fn done<'a>(&self, sent: &'a [Put]) -> impl Iterator<Item = &'a Put> + use<'a> {
        let mut failed: BTreeSet<String> = self.conflicts.iter().cloned().collect();
        failed.extend(self.refused.iter().map(|(id, _)| id.clone()));
        sent.iter().filter(move |put| !failed.contains(&put.transaction.mail.id))
    }
}

/// A key to search for: the logging host and a queue id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueKey {
    pub host: String,
    pub queue_id: String,
}

/// The ids by which documents of one journey are found. A match on one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// A document matches if it has one of these, or names one in a link.
    pub queue_ids: Vec<String>,
    pub message_ids: Vec<String>,
    /// Only documents whose time span touches this range.
    pub within: Range,
    /// `mail.id` of documents that the caller already has; they are left out.
    pub known: BTreeSet<String>,
    /// Stop after about this many documents; which ones are returned is not defined.
    pub most: usize,
}

/// A search of `trace`. All terms must match; each may match at any place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Each is a queue id, address, Message-ID, IP address, host name, SASL user, `mail.id` or journey. Addresses,
    /// hosts and Message-IDs are compared without regard to case, all others exactly; `<` and `>` around a term are
    /// ignored.
    pub terms: Vec<String>,
    /// Only documents whose time span touches this range.
    pub within: Option<Range>,
    /// At most this many, newest first.
    pub limit: usize,
}

/// A page of [`Store::page`] or [`Store::waiting`].
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub transactions: Vec<Transaction>,
    /// Where the next page starts; `None` on the last page. [`Store::page`] gives the last `mail.id`;
    /// [`Store::waiting`] may give anything that the store understands.
    pub after: Option<String>,
}

/// The figures that `status` shows for a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub documents: u64,
    /// Messages still on their way: `queued`, `deferred`, `held`.
    pub open: u64,
    /// `event.start` of the oldest and `event.end` of the newest document.
    pub oldest: Option<Time>,
    pub newest: Option<Time>,
}

/// A store of transactions.
#[async_trait]
pub trait Store: Send + Sync {
    /// Whether other machines may write to it at the same time.
    fn is_shared(&self) -> bool {
        false
    }

    /// Number of documents left out so far because they cannot be read.
    fn unreadable(&self) -> u64 {
        0
    }

    /// Creates what the first write needs: tables, template, alias. Does no harm if they exist.
    async fn prepare(&self) -> Result<()>;

    /// The documents with these ids, as far as they exist. Realtime: sees every acknowledged write.
    async fn get(&self, ids: &[String]) -> Result<Vec<Stored>>;

    /// The documents (all parts) with these keys whose time span touches `within`. Sees what was written before the
    /// last [`refresh`](Self::refresh).
    async fn find(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Stored>>;

    /// Ids and approximate sizes of the documents that [`find`](Self::find) returns; may include documents with the
    /// same queue id on other hosts.
    async fn find_ids(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Known>>;

    /// Approximate sizes of the documents with these ids, as far as they exist.
    async fn sizes(&self, ids: &[String]) -> Result<Vec<Known>>;

    /// The documents (all parts) that match these traces, for the journey pass. As current as [`find`](Self::find).
    async fn neighbours(&self, traces: &Traces) -> Result<Vec<Neighbour>>;

    /// Writes documents, each only if its expected version holds. What is stored when this returns survives a crash of
    /// the server.
    async fn put(&self, documents: Arc<[Put]>) -> Result<Report>;

    /// Deletes documents, each only if it still has that version; a document that is already gone is no conflict.
    async fn delete(&self, documents: &[(String, Version)]) -> Result<Report>;

    /// Makes all writes visible to searches.
    async fn refresh(&self) -> Result<()>;

    /// Called before the ledger is marked: afterwards everything acknowledged must survive a power loss.
    async fn commit(&self) -> Result<()>;

    /// Stores the number of a ledger's write next to the documents written, so that it is lost or restored together
    /// with them. Returns the places where it was stored.
    async fn mark(&self, ledger: &str, number: u64, documents: &[String]) -> Result<Vec<String>>;

    /// The number that a ledger stored last at each of these places; places without one are left out.
    async fn marks(&self, ledger: &str, places: &[String]) -> Result<BTreeMap<String, u64>>;

    /// The range of time in which the documents of a place begin; `None` for a place that holds documents of any time.
    fn place(&self, _place: &str) -> Option<Range> {
        None
    }

    /// Documents that match, newest first. Of a large message only the lowest part that matches is returned.
    async fn search(&self, search: &Search) -> Result<Vec<Transaction>>;

    /// Documents ordered by `mail.id`, starting after `after`; for `export`.
    async fn page(&self, after: Option<&str>, within: Option<Range>) -> Result<Page>;

    /// Messages still on their way (part 0) whose last line was logged before `before`, page by page; each store
    /// decides where a page ends.
    async fn waiting(&self, after: Option<&str>, before: Time) -> Result<Page>;

    /// The newest `event.end` that is not after `now`.
    async fn newest_end(&self, now: Time) -> Result<Option<Time>>;

    /// Deletes documents whose `event.end` is before `before`; with `dry_run` only counts them.
    async fn prune(&self, before: Time, dry_run: bool) -> Result<u64>;

    async fn summary(&self) -> Result<Summary>;

    /// Counts the documents that touch a range, for the summary of a backfill.
    async fn census(&self, within: Range) -> Result<Census>;

    /// The rows that `check` shows, in order.
    async fn check(&self, now: Time) -> Vec<Check>;
}
