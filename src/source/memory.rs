//! A counting source over lines in memory: stands in for Elasticsearch and Graylog in tests.
//!
//! In: lines, each with the time at which it arrives.  Out: the answers of a log server that never loses a line.
//! It can hold lines back (late arrival), drop them (retention) and fail on request, and it records what it was asked.

use super::{Batch, CountingSource};
use crate::{
    check::Check,
    error::{Error, Kind, Result},
    model::{Line, Range, Time},
    window::{Held, bucket_start},
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Lines in memory.
#[derive(Debug, Default)]
pub struct MemorySource(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// Each line with the time at which it reaches the source.
    lines: Vec<(Time, Line)>,
    now: Time,
    fails: Option<Failure>,
    asked: Vec<Asked>,
}

#[derive(Debug, Clone, Copy)]
struct Failure {
    /// Requests that succeed first.
    after: usize,
    /// Requests that fail after those.
    times: usize,
    kind: Kind,
}

/// A request to the source, failed ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Counts(Range),
    LaterThan(Time),
    Read(Range),
}

impl MemorySource {
    /// A source that already has all of `lines`.
    pub fn new(lines: Vec<Line>) -> Self {
        let source = Self::default();
        source.arrive(Time(i64::MIN), lines);
        source
    }

    /// Adds lines that stay hidden until [`set_now`](Self::set_now) reaches `at`.
    pub fn arrive(&self, at: Time, lines: impl IntoIterator<Item = Line>) {
        self.inside().lines.extend(lines.into_iter().map(|line| (at, line)));
    }

    /// Sets the clock: lines that arrive at `now` or earlier become visible.
    pub fn set_now(&self, now: Time) {
        self.inside().now = now;
    }

    /// Drops the lines before `time`, as retention does.
    pub fn forget_before(&self, time: Time) {
        self.inside().lines.retain(|(_, line)| line.time >= time);
    }

    /// Drops the lines that `which` selects.
    pub fn forget(&self, which: impl Fn(&Line) -> bool) {
        self.inside().lines.retain(|(_, line)| !which(line));
    }

    /// Lets `times` requests fail after the next `after` have succeeded.
    pub fn fail(&self, after: usize, times: usize, kind: Kind) {
        self.inside().fails = Some(Failure { after, times, kind });
    }

    /// The requests since the last call of this, in order.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inside().asked)
    }

    /// Ignores a poisoned lock, so that a panic elsewhere in a test shows its own message.
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, asked: Asked) -> Result<MutexGuard<'_, Inside>> {
        let mut inside = self.inside();
        inside.asked.push(asked);
        match &mut inside.fails {
            Some(Failure { after: 0, times, kind }) if *times > 0 => {
                *times -= 1;
                let kind = *kind;
                Err(Error::new(kind, "cannot read the lines in memory").because("told to fail"))
            }
            Some(Failure { after, .. }) => {
                *after = after.saturating_sub(1);
                Ok(inside)
            }
            None => Ok(inside),
        }
    }
}

impl Inside {
    fn visible(&self, within: Range) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |(at, line)| *at <= self.now && within.contains(line.time)).map(|(_, line)| line)
    }
}

#[async_trait]
impl CountingSource for MemorySource {
    fn fingerprint(&self) -> String {
        "memory".into()
    }

    async fn counts(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, u64>> {
        let inside = self.ask(Asked::Counts(within))?;
        let mut counts = BTreeMap::new();
        for line in inside.visible(within) {
            *counts.entry(Time(line.time.0.div_euclid(bucket_ms) * bucket_ms)).or_default() += 1;
        }
        Ok(counts)
    }

    async fn held(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, Held>> {
        let inside = self.ask(Asked::Counts(within))?;
        let mut held: BTreeMap<Time, Held> = BTreeMap::new();
        for line in inside.visible(within) {
            #[expect(clippy::cast_possible_truncation, reason = "half of a hash is one")]
            let one = Held { lines: 1, print: Some(line.id.0 as u64) };
            let bucket = held.entry(bucket_start(line.time, bucket_ms));
            bucket.and_modify(|held| *held = held.and(one)).or_insert(one);
        }
        Ok(held)
    }

    async fn later_than(&self, time: Time) -> Result<u64> {
        let after = Range { from: time, to: Time(i64::MAX) };
        Ok(self.ask(Asked::LaterThan(time))?.visible(after).count() as u64)
    }

    async fn read_at_most(&self, within: Range, bytes: u64) -> Result<Option<Batch>> {
        let inside = self.ask(Asked::Read(within))?;
        let mut batch = Batch::default();
        inside.visible(within).cloned().for_each(|line| batch.take(line));
        Ok((batch.bytes <= bytes).then_some(batch))
    }

    async fn check(&self, _now: Time) -> Vec<Check> {
        vec![Check::new("lines in memory", Ok(format!("{} held", self.inside().lines.len())))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Intake;

    const ALL: Range = Range { from: Time(0), to: Time(i64::MAX) };

    fn line(ms: i64) -> Line {
        Intake::default().line(Time(ms), "mx1", "postfix/qmgr", Some(1), "4F: removed").unwrap()
    }

    #[tokio::test]
    async fn a_late_line_is_seen_when_its_time_has_come() {
        let source = MemorySource::new(vec![line(1000), line(61_000)]);
        source.arrive(Time(500_000), [line(62_000)]);
        let minute = |n: i64, count| (Time(n * 60_000), count);
        assert_eq!(source.counts(ALL, 60_000).await.unwrap(), BTreeMap::from([minute(0, 1), minute(1, 1)]));
        source.set_now(Time(500_000));
        assert_eq!(source.counts(ALL, 60_000).await.unwrap(), BTreeMap::from([minute(0, 1), minute(1, 2)]));
        let within = Range { from: Time(61_000), to: Time(62_000) };
        assert_eq!(source.read(within).await.unwrap().lines, [line(61_000)]);
        assert_eq!(source.take_asked(), [Asked::Counts(ALL), Asked::Counts(ALL), Asked::Read(within)]);
    }

    #[tokio::test]
    async fn it_fails_as_often_as_it_was_told() {
        let source = MemorySource::new(vec![line(1000)]);
        source.fail(1, 1, Kind::Temporary);
        assert!(source.read(ALL).await.is_ok());
        assert_eq!(source.read(ALL).await.unwrap_err().kind(), Kind::Temporary);
        assert!(source.read(ALL).await.is_ok());
    }
}
