//! Where transactions live. The store is the state: there is no other database of half-finished mail.
//!
//! A store knows documents by id and version; what they mean is not its business. All of them pass the same contract
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

/// What is left out of lines is decided before their ids: two ways of it in one store would double its transactions.
/// `doing`: what we were doing, to what.
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

/// A document as the store has it.
#[derive(Debug, Clone)]
pub struct Stored {
    pub transaction: Transaction,
    pub version: Version,
}

/// A document that is known to exist, and about how many bytes its JSON has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: String,
    pub bytes: u64,
}

impl Known {
    /// As large as a document with so many lines is.
    pub fn of_lines(id: String, whole: u64, brief: u64) -> Self {
        Self { id, bytes: 2048 + whole.saturating_mul(1024).saturating_add(brief.saturating_mul(32)) }
    }
}

/// A document that may hang together with others: what decides that, and nothing else of it, for there may be thousands.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// The id of the document itself, also of a further part.
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

/// What became of documents to write or to delete. What is in neither list was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Ids whose document was not the expected one: get it, unite, try again.
    pub conflicts: Vec<String>,
    /// Documents that the store will never take (a mapping error), with its reason: for the dead-letter file.
    pub refused: Vec<(String, String)>,
}

impl Report {
    /// Those of the documents sent that were done.
    pub fn done<'a>(&self, sent: &'a [Put]) -> impl Iterator<Item = &'a Put> + use<'a> {
        let mut failed: BTreeSet<String> = self.conflicts.iter().cloned().collect();
        failed.extend(self.refused.iter().map(|(id, _)| id.clone()));
        sent.iter().filter(move |put| !failed.contains(&put.transaction.mail.id))
    }
}

/// A key to look for: the logging host and a queue id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueKey {
    pub host: String,
    pub queue_id: String,
}

/// What documents of one journey have in common. One of the ids is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// Of documents that have one of them, or name one in a link.
    pub queue_ids: Vec<String>,
    pub message_ids: Vec<String>,
    /// Only documents whose time span touches this.
    pub within: Range,
    /// `mail.id` of documents that are left out: the caller has them.
    pub known: BTreeSet<String>,
    /// At most so many, whichever they are.
    pub most: usize,
}

/// What `trace` looks for. All terms given must hold; each matches any of its places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Each a queue id, address, Message-ID, IP, host name, SASL user, `mail.id` or journey: exact, but addresses,
    /// hosts and Message-IDs without regard to case; `<` and `>` around one are not part of it.
    pub terms: Vec<String>,
    /// Only documents whose time span touches this.
    pub within: Option<Range>,
    /// At most this many, newest first.
    pub limit: usize,
}

/// A page of [`Store::page`].
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub transactions: Vec<Transaction>,
    /// Where the next page starts: the last `mail.id` of this one; `None` at the end.
    pub after: Option<String>,
}

/// What `status` shows of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub documents: u64,
    /// Messages still on their way: `queued`, `deferred`, `held`.
    pub open: u64,
    /// `event.start` of the oldest and `event.end` of the newest document.
    pub oldest: Option<Time>,
    pub newest: Option<Time>,
}

/// A place for transactions.
#[async_trait]
pub trait Store: Send + Sync {
    /// Whether other machines may write to it at the same time.
    fn is_shared(&self) -> bool {
        false
    }

    /// How many documents were left out until now because they could not be read.
    fn unreadable(&self) -> u64 {
        0
    }

    /// Creates what must be there before the first write: tables, template, alias. Harmless when it is there.
    async fn prepare(&self) -> Result<()>;

    /// The documents with these ids that exist. Realtime: sees every acknowledged write.
    async fn get(&self, ids: &[String]) -> Result<Vec<Stored>>;

    /// The documents (all parts) of these keys whose time span touches `within`. Sees what was written before the last
    /// [`refresh`](Self::refresh).
    async fn find(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Stored>>;

    /// The ids of what [`find`](Self::find) gives, and perhaps of documents of the same queue ids on other hosts; with
    /// about how large each is.
    async fn find_ids(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Known>>;

    /// About how large the documents with these ids are, as far as they exist.
    async fn sizes(&self, ids: &[String]) -> Result<Vec<Known>>;

    /// The documents (all parts) of these traces, for the journey pass. Visible as for [`find`](Self::find).
    async fn neighbours(&self, traces: &Traces) -> Result<Vec<Neighbour>>;

    /// Writes documents, each if its expectation holds. When it returns, what was stored survives a crash of the server.
    async fn put(&self, documents: Arc<[Put]>) -> Result<Report>;

    /// Deletes documents, each if it still has that version; one that is gone is no conflict.
    async fn delete(&self, documents: &[(String, Version)]) -> Result<Report>;

    /// Makes all writes visible to searches.
    async fn refresh(&self) -> Result<()>;

    /// Called before the ledger is marked: all that was acknowledged must survive a power loss after this.
    async fn commit(&self) -> Result<()>;

    /// Leaves the number of a ledger's write beside the documents of it, to be lost and restored with them. Returns the
    /// places where it was left.
    async fn mark(&self, ledger: &str, number: u64, documents: &[String]) -> Result<Vec<String>>;

    /// The numbers that a ledger left last at these places; those where there is none are left out.
    async fn marks(&self, ledger: &str, places: &[String]) -> Result<BTreeMap<String, u64>>;

    /// When the documents of a place began; `None` for a place that holds those of any time.
    fn place(&self, _place: &str) -> Option<Range> {
        None
    }

    /// Documents that match, newest first. Of a large message the first part that matches: a recipient is in one of
    /// them.
    async fn search(&self, search: &Search) -> Result<Vec<Transaction>>;

    /// Documents in the order of `mail.id`, from the first after `after`; for `export`.
    async fn page(&self, after: Option<&str>, within: Option<Range>) -> Result<Page>;

    /// Messages still on their way (part 0) whose last line was logged before `before`, page by page; where a page ends is the
    /// store's affair.
    async fn waiting(&self, after: Option<&str>, before: Time) -> Result<Page>;

    /// The newest `event.end` that is not after `now`.
    async fn newest_end(&self, now: Time) -> Result<Option<Time>>;

    /// Deletes documents whose `event.end` is before `before`; with `dry_run` only counts them.
    async fn prune(&self, before: Time, dry_run: bool) -> Result<u64>;

    async fn summary(&self) -> Result<Summary>;

    /// What touches a range, for the summary of a backfill.
    async fn census(&self, within: Range) -> Result<Census>;

    /// What `check` shows, in order.
    async fn check(&self, now: Time) -> Vec<Check>;
}
