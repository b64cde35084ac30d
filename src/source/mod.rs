//! The sources of lines.
//!
//! A source promises: every line of what was asked for is delivered, in any order, possibly twice; a short answer is an
//! error, never a smaller result (law L6). A source does not interpret the text of lines.
//!
//! *Counting* sources (Elasticsearch, Graylog) count the lines in each bucket of time and read any range of time.
//! *Positioned* sources (files, journal) read on from where they stopped.

mod carried;
pub mod elasticsearch;
pub mod file;
pub mod graylog;
pub mod here;
pub mod journal;
mod lines;
pub mod memory;
mod sample;
pub(crate) mod taking;

use crate::{
    check::Check,
    error::Result,
    model::{Line, Range, Time},
    window::{Held, STRETCH_BYTES, bucket_start},
};
use async_trait::async_trait;
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
/// Memory of a line besides its text.
const LINE_BYTES: u64 = 100;

/// The lines and the noise of one read.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The lines, duplicates included, in any order.
    pub lines: Vec<Line>,
    /// Texts that no syslog frame fits (no time, no host): they count as unrecognised (law L4). Long ones are cut.
    pub noise: Vec<String>,
    /// How many of `noise` are lines whose time is outside [`Time::OF_LINES`].
    pub misdated: u64,
    /// Approximate memory of all of it.
    pub bytes: u64,
}

/// A text that no line could be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noise {
    pub text: String,
    /// Only the time is unusable: it is outside [`Time::OF_LINES`].
    pub misdated: bool,
}

impl Batch {
    fn take(&mut self, line: Line) {
        self.bytes += LINE_BYTES + line.text.len() as u64;
        self.lines.push(line);
    }

    fn reject(&mut self, noise: Noise) {
        self.bytes += LINE_BYTES + noise.text.len() as u64;
        self.noise.push(noise.text);
        self.misdated += u64::from(noise.misdated);
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.noise.is_empty()
    }
}

/// Runs work that waits for the disk or a process, without keeping other tasks from running.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// A source that counts lines by time.
#[async_trait]
pub trait CountingSource: Send + Sync {
    /// Changes with every setting that decides which lines the source has; a new ledger is begun then.
    fn fingerprint(&self) -> String;

    /// Matching lines per bucket of `bucket_ms`, counted from the epoch, without empty buckets. Uses exactly the query
    /// that [`read`](Self::read) uses.
    async fn counts(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, u64>>;

    /// As [`counts`](Self::counts), at no extra requests, with a print of each bucket if the source can give one.
    async fn held(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, Held>> {
        let counts = self.counts(within, bucket_ms).await?;
        Ok(counts.into_iter().map(|(start, lines)| (start, Held { lines, print: None })).collect())
    }

    /// How many matching lines are stamped at or after `time`, which lies in the future. Each source decides how far
    /// ahead it looks, at least a day.
    async fn later_than(&self, time: Time) -> Result<u64> {
        let day = Range { from: time, to: time.plus(24 * HOUR_MS) };
        Ok(self.counts(day, HOUR_MS).await?.values().sum())
    }

    /// All matching lines of a range; `None` as soon as they are seen to take more than `bytes` of memory.
    async fn read_at_most(&self, within: Range, bytes: u64) -> Result<Option<Batch>>;

    /// All matching lines of a range, without a limit.
    async fn read(&self, within: Range) -> Result<Batch> {
        Ok(self.read_at_most(within, u64::MAX).await?.unwrap_or_default())
    }

    /// The rows of `check`, in order.
    async fn check(&self, now: Time) -> Vec<Check>;
}

/// A source that is read on from a position.
#[async_trait]
pub trait PositionedSource: Send {
    /// Changes with every setting that decides which lines the source has.
    fn fingerprint(&self) -> String;

    /// The next lines, about `limit` of them or [`STRETCH_BYTES`]; `None` when there are no more.
    async fn next(&mut self, limit: usize) -> Result<Option<Batch>>;

    /// Where the last batch ended; goes into the checkpoint once its documents are acknowledged.
    fn position(&self) -> serde_json::Value;

    /// Whether everything could be read to its end so far.
    fn is_whole(&self) -> bool {
        true
    }

    /// Bytes read and bytes in total, for the progress of `backfill`; `None` if the size is unknown.
    fn progress(&self) -> Option<(u64, u64)>;

    /// The rows of `check`, in order.
    async fn check(&self, now: Time) -> Vec<Check>;
}

/// Cuts a range into pieces of at most `most` buckets, at bucket boundaries. Pieces are counted from the start of the
/// range, not from the epoch, so that a run with nothing new needs one request.
fn pieces(within: Range, bucket_ms: i64, most: i64) -> impl Iterator<Item = Range> {
    let step = most.max(1).saturating_mul(bucket_ms.max(1));
    let mut from = within.from;
    std::iter::from_fn(move || {
        let to = bucket_start(from, bucket_ms.max(1)).0.saturating_add(step).min(within.to.0);
        let piece = Range { from, to: Time(to) };
        from = piece.to;
        (piece.from < piece.to).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: i64, to: i64, bucket_ms: i64, most: i64, expected: &[(i64, i64)]) {
        let found: Vec<_> = pieces(Range { from: Time(from), to: Time(to) }, bucket_ms, most)
            .map(|piece| (piece.from.0, piece.to.0))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_piece_ends_at_a_limit() {
        check(40, 140, 10, 10, &[(40, 140)]);
        check(43, 143, 10, 10, &[(43, 140), (140, 143)]);
        check(0, 10, 10, 10, &[(0, 10)]);
        check(5, 5, 10, 10, &[]);
        check(0, 25, 1, 10, &[(0, 10), (10, 20), (20, 25)]);
    }

    #[test]
    fn an_endless_range_has_an_end() {
        let range = Range { from: Time(i64::MAX - 5), to: Time(i64::MAX) };
        assert_eq!(pieces(range, 60_000, 1440).count(), 1);
    }
}
