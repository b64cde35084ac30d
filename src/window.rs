//! Pure rules on which time windows to read.
//!
//! In: counts per bucket, and the buckets to read.  Out: stretches, oldest first, each to be read, stitched, written
//! and marked together.

use crate::model::{Range, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most lines of a stretch, unless a single bucket has more. Memory grows with it. The fixed cost of a stretch, some
/// searches and a sync, is small beside this many lines.
pub const STRETCH_LINES: u64 = 50_000;
/// Most bytes of a stretch. More than 50,000 lines usually take; a single line can be as long as a thousand others.
pub const STRETCH_BYTES: u64 = 32 << 20;

/// Lines that the source holds for a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Held {
    pub lines: u64,
    /// Fingerprint of the lines: also changes if lines are replaced by as many others. The fingerprints of parts add
    /// up to that of the whole. `None` if the source gives none.
    pub print: Option<u64>,
}

/// Form in a ledger: `7`, or `[7, 4711]` with a fingerprint.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Lines(u64),
    Print(u64, u64),
}

impl From<Kept> for Held {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Lines(lines) => Self { lines, print: None },
            Kept::Print(lines, print) => Self { lines, print: Some(print) },
        }
    }
}

impl From<Held> for Kept {
    fn from(held: Held) -> Self {
        held.print.map_or(Self::Lines(held.lines), |print| Self::Print(held.lines, print))
    }
}

impl Held {
    /// The sum of two spans.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let print = self.print.zip(other.print).map(|(a, b)| a.wrapping_add(b));
        Self { lines: self.lines.saturating_add(other.lines), print }
    }

    /// Whether lines were added or replaced since `seen`.
    pub fn is_news(self, seen: Option<Self>) -> bool {
        let Some(seen) = seen else { return self.lines > 0 };
        self.lines > seen.lines || self.print.zip(seen.print).is_some_and(|(now, then)| now != then)
    }
}

/// The line counts alone.
pub fn lines(held: &BTreeMap<Time, Held>) -> BTreeMap<Time, u64> {
    held.iter().map(|(start, held)| (*start, held.lines)).collect()
}

/// A range to read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    pub range: Range,
    /// Lines that the source counted in it, per bucket.
    pub counted: BTreeMap<Time, u64>,
}

impl Stretch {
    /// Sum of the counted lines.
    pub fn lines(&self) -> u64 {
        self.counted.values().sum()
    }
}

/// `t` rounded down to the start of its bucket.
pub fn bucket_start(t: Time, bucket_ms: i64) -> Time {
    Time(t.0.div_euclid(bucket_ms) * bucket_ms)
}

/// Cuts the wanted buckets into stretches of at most `limit` lines. Wanted buckets go into one stretch if those
/// between them are empty. A single bucket with more than `limit` lines is a stretch of its own.
pub fn stretches(wanted: &BTreeSet<Time>, counts: &BTreeMap<Time, u64>, bucket_ms: i64, limit: u64) -> Vec<Stretch> {
    let mut out: Vec<Stretch> = Vec::new();
    for &bucket in wanted {
        let lines = counts.get(&bucket).copied().unwrap_or(0);
        let end = bucket.plus(bucket_ms);
        let empty_between = |from: Time| counts.range(from..bucket).next().is_none();
        match out.last_mut() {
            Some(last) if last.lines() + lines <= limit && last.range.to <= bucket && empty_between(last.range.to) => {
                last.range.to = end;
                last.counted.insert(bucket, lines);
            }
            _ => {
                out.push(Stretch {
                    range: Range { from: bucket, to: end },
                    counted: BTreeMap::from([(bucket, lines)]),
                });
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn minutes(counts: &[(i64, u64)]) -> BTreeMap<Time, u64> {
        counts.iter().map(|(m, n)| (Time(m * MINUTE), *n)).collect()
    }

    #[track_caller]
    fn check(counts: &[(i64, u64)], wanted: &[i64], limit: u64, expected: &str) {
        let wanted = wanted.iter().map(|m| Time(m * MINUTE)).collect();
        let found = stretches(&wanted, &minutes(counts), MINUTE, limit);
        let show = |s: &Stretch| format!("{}-{}:{}", s.range.from.0 / MINUTE, s.range.to.0 / MINUTE, s.lines());
        assert_eq!(found.iter().map(show).collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn buckets_that_touch_are_read_together() {
        check(&[(1, 5), (2, 5), (3, 5)], &[1, 2, 3], 100, "1-4:15");
    }

    #[test]
    fn an_empty_gap_is_no_reason_to_cut() {
        check(&[(1, 5), (9, 5)], &[1, 9], 100, "1-10:10");
    }

    #[test]
    fn a_bucket_that_was_read_is_not_read_again_on_the_way() {
        check(&[(1, 5), (2, 5), (3, 5)], &[1, 3], 100, "1-2:5 3-4:5");
    }

    #[test]
    fn a_stretch_holds_at_most_its_limit() {
        check(&[(1, 60), (2, 60), (3, 30)], &[1, 2, 3], 100, "1-2:60 2-4:90");
        check(&[(1, 600)], &[1], 100, "1-2:600");
    }
}
