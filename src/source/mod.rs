//! Where lines come from.
//!
//! A source promises: every line of what was asked for is delivered, in any order, possibly twice; a short answer is an
//! error, never a smaller result (law L6). It knows nothing of what lines mean.
//!
//! *Counting* sources (Elasticsearch, Graylog) tell how many lines each bucket of time holds and read any range of
//! time. *Positioned* sources (files, journal) read on from where they stopped.

pub mod elasticsearch;
pub mod file;
pub mod memory;

use crate::{
    error::Result,
    model::{Line, Range, Time},
};
use async_trait::async_trait;
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;

/// What was read in one go.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The lines, duplicates included, in any order.
    pub lines: Vec<Line>,
    /// What no syslog frame fits (no time, no host): it counts as unrecognised (law L4). Long ones are cut.
    pub noise: Vec<String>,
}

/// A source that counts lines by time.
#[async_trait]
pub trait CountingSource: Send + Sync {
    /// Changes with every setting that decides which lines there are; a new ledger starts then.
    fn fingerprint(&self) -> String;

    /// Matching lines per bucket of `bucket_ms`, counted from the epoch; empty buckets are left out. Uses exactly the
    /// query that [`read`](Self::read) uses.
    async fn counts(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, u64>>;

    /// How many matching lines are stamped at or after a time that lies ahead. How far is looked is the source's affair;
    /// a day at least.
    async fn later_than(&self, time: Time) -> Result<u64> {
        let day = Range { from: time, to: time.plus(24 * HOUR_MS) };
        Ok(self.counts(day, HOUR_MS).await?.values().sum())
    }

    /// All matching lines of a range.
    async fn read(&self, within: Range) -> Result<Batch>;

    /// What `check` shows, in order.
    async fn check(&self, now: Time) -> Vec<Check>;
}

/// A source with a position.
#[async_trait]
pub trait PositionedSource: Send {
    /// Changes with every setting that decides which lines there are.
    fn fingerprint(&self) -> String;

    /// The next lines, about `limit` of them; `None` when all that is there was read.
    async fn next(&mut self, limit: usize) -> Result<Option<Batch>>;

    /// Where the last batch ended, to be kept in the checkpoint once its documents are acknowledged.
    fn position(&self) -> serde_json::Value;

    /// Bytes read and bytes in all, for the progress of `backfill`; `None` where the size is not known.
    fn progress(&self) -> Option<(u64, u64)>;

    /// What `check` shows, in order.
    async fn check(&self, now: Time) -> Vec<Check>;
}

/// One row of `check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at: "cluster reachable".
    pub what: String,
    /// What was found; an error also says what to change.
    pub found: std::result::Result<String, String>,
}
