//! The ledger: what was read, so that no work is repeated. Pure rules; `file.rs` keeps it on disk.
//!
//! It is written only after the documents are acknowledged (law L3). If it is lost, lines are read again, and nothing
//! else happens.

mod clock;
pub mod file;
pub mod lock;
mod marks;

pub use marks::Marks;

use crate::{
    model::{Line, Time},
    stitch::Tally,
    window::{Held, bucket_start},
};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the checkpoint file that this program writes; it reads this one and older ones.
pub const VERSION: u32 = 1;

const HOUR_MS: i64 = 3_600_000;

/// The ledger of one source: what was read from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub version: u32,
    /// Identifies the source's settings; with others a new ledger starts at the old watermark.
    pub fingerprint: String,
    /// Everything before this was looked at.
    #[serde(default, deserialize_with = "time_of_lines", skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Time>,
    /// Start of the first run; older buckets are not considered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Time>,
    /// Buckets that were read, with what was last seen in each. Keys are milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub buckets: BTreeMap<i64, Held>,
    /// The same by the hour, for the time before `lookback`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hours: BTreeMap<i64, Held>,
    /// When the hours were last compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_checked: Option<Time>,
    /// When lines from the future were last looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future_checked: Option<Time>,
    /// How far reading had come when the clock fell behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Time>,
    /// Where a positioned source stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<serde_json::Value>,
    /// Lines of the sessions that were open there.
    #[serde(default, deserialize_with = "lines_of_a_time", skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<KeptLine>,
    /// The marks left in the store.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
    /// The tally of the last pass that read any lines.
    #[serde(default)]
    pub tally: Tally,
}

/// A session line kept for the next run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLine {
    pub id: crate::model::LineId,
    pub time: Time,
    pub host: String,
    pub program: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    pub text: String,
}

/// Version 0.1 of mailstitch accepted lines of any time, and took the latest as its watermark; times outside the valid
/// range are dropped.
fn time_of_lines<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Time>, D::Error> {
    Ok(Option::deserialize(d)?.filter(|time| Time::OF_LINES.contains(*time)))
}

fn lines_of_a_time<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<KeptLine>, D::Error> {
    let mut lines = Vec::<KeptLine>::deserialize(d)?;
    lines.retain(|line| Time::OF_LINES.contains(line.time));
    Ok(lines)
}

impl From<&Line> for KeptLine {
    fn from(line: &Line) -> Self {
        Self {
            id: line.id,
            time: line.time,
            host: line.host.to_string(),
            program: line.program.to_string(),
            pid: line.pid,
            text: line.text.to_string(),
        }
    }
}

impl From<&KeptLine> for Line {
    fn from(kept: &KeptLine) -> Self {
        Self {
            id: kept.id,
            time: kept.time,
            host: kept.host.as_str().into(),
            program: kept.program.as_str().into(),
            pid: kept.pid,
            text: kept.text.as_str().into(),
        }
    }
}

impl Checkpoint {
    /// A ledger for which nothing was read yet.
    pub fn new(fingerprint: String) -> Self {
        Self {
            version: VERSION,
            fingerprint,
            watermark: None,
            floor: None,
            buckets: BTreeMap::new(),
            hours: BTreeMap::new(),
            hours_checked: None,
            future_checked: None,
            ahead: None,
            position: None,
            open: Vec::new(),
            marks: Marks::default(),
            tally: Tally::default(),
        }
    }

    /// Returns the buckets to read, by comparing the ledger with the source's counts now:
    ///
    /// | bucket in ledger    | count at the source now | outcome                                           |
    /// |---------------------|-------------------------|---------------------------------------------------|
    /// | before the floor    | any                     | ignored                                           |
    /// | absent              | n > 0                   | read, with the buckets up to `lead_ms` after it   |
    /// | read, last seen n   | n                       | skipped                                           |
    /// | read, last seen n   | more than n             | read again, with the buckets after it as above    |
    /// | read, last seen n   | fewer than n            | skipped; the lower count is remembered            |
    ///
    /// If the source gives fingerprints, a bucket is also read again when its fingerprint changes, even with fewer
    /// lines.
    ///
    /// A message may need session lines up to `lead_ms` older than itself. So if late lines arrive, the buckets of that
    /// time after them are read again too.
    pub fn judge(&mut self, counts: &BTreeMap<Time, Held>, bucket_ms: i64, lead_ms: i64) -> BTreeSet<Time> {
        let floor = self.floor.map_or(Time(i64::MIN), |f| bucket_start(f, bucket_ms));
        grown(&mut self.buckets, counts, floor, bucket_ms, lead_ms)
    }

    /// Marks buckets as read.
    pub fn mark(&mut self, counted: &BTreeMap<Time, Held>, upto: Time) {
        self.buckets.extend(counted.iter().map(|(bucket, count)| (bucket.0, *count)));
        self.watermark = self.watermark.max(Some(upto));
    }

    /// Folds what is older than `lookback` into hours and forgets what is older than `horizon`. The reach is also
    /// measured from the newest bucket, so that a clock that is ahead does not make the ledger forget it.
    pub fn age(&mut self, lookback_from: Time, horizon_from: Time) {
        let newest = self.buckets.keys().next_back().max(self.hours.keys().next_back()).copied();
        let reach = lookback_from.0.saturating_sub(horizon_from.0);
        let oldest = newest.map_or(horizon_from, |newest| horizon_from.min(Time(newest).plus(-reach)));
        let recent = self.buckets.split_off(&lookback_from.0);
        for (bucket, count) in std::mem::replace(&mut self.buckets, recent) {
            let hour = self.hours.entry(bucket.div_euclid(HOUR_MS) * HOUR_MS);
            hour.and_modify(|held| *held = held.and(count)).or_insert(count);
        }
        self.hours = self.hours.split_off(&bucket_start(oldest, HOUR_MS).0);
    }

    /// The whole hours to read again, judged as buckets are.
    pub fn judge_hours(&mut self, counts: &BTreeMap<Time, Held>, lead_ms: i64) -> BTreeSet<Time> {
        // The hour in which the first run began was read only in part.
        let floor = self.floor.unwrap_or(Time(i64::MIN));
        grown(&mut self.hours, counts, floor, HOUR_MS, lead_ms)
    }

    /// Marks hours as read.
    pub fn mark_hours(&mut self, counted: &BTreeMap<Time, Held>) {
        self.hours.extend(counted.iter().map(|(hour, count)| (hour.0, *count)));
    }
}

/// The spans (buckets or hours) to read: those with news since `seen`, and those up to `lead_ms` after them.
fn grown(
    seen: &mut BTreeMap<i64, Held>,
    counts: &BTreeMap<Time, Held>,
    from: Time,
    length_ms: i64,
    lead_ms: i64,
) -> BTreeSet<Time> {
    let mut wanted = BTreeSet::new();
    for (&start, &count) in counts.range(from..) {
        let seen = seen.get_mut(&start.0);
        if count.is_news(seen.as_deref().copied()) {
            let touched = counts.range(start..start.plus(length_ms).plus(lead_ms));
            wanted.extend(touched.map(|(start, _)| *start));
        } else if let Some(seen) = seen {
            *seen = count;
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn ledger(floor: i64, seen: &[(i64, u64)]) -> Checkpoint {
        let mut c = Checkpoint::new("f".to_owned());
        c.floor = Some(Time(floor * MINUTE));
        c.buckets = seen.iter().map(|(m, n)| (m * MINUTE, held(*n))).collect();
        c
    }

    fn held(lines: u64) -> Held {
        Held { lines, print: None }
    }

    fn judge(c: &mut Checkpoint, counts: &[(i64, u64)], lead: i64) -> Vec<i64> {
        let counts = counts.iter().map(|(m, n)| (Time(m * MINUTE), held(*n))).collect();
        c.judge(&counts, MINUTE, lead * MINUTE).into_iter().map(|t| t.0 / MINUTE).collect()
    }

    #[test]
    fn what_is_older_than_the_first_run_is_not_judged() {
        assert_eq!(judge(&mut ledger(10, &[]), &[(9, 5), (10, 5)], 0), [10]);
    }

    #[test]
    fn a_bucket_is_read_once() {
        assert_eq!(judge(&mut ledger(0, &[(1, 5), (2, 5)]), &[(1, 5), (2, 5), (3, 1)], 0), [3]);
    }

    #[test]
    fn a_bucket_that_grew_is_read_again_with_the_messages_that_share_its_sessions() {
        assert_eq!(judge(&mut ledger(0, &[(1, 5), (2, 5), (9, 5)]), &[(1, 6), (2, 5), (9, 5)], 3), [1, 2]);
    }

    #[test]
    fn late_lines_of_a_bucket_that_had_none_are_shared_too() {
        assert_eq!(judge(&mut ledger(0, &[(2, 5), (9, 5)]), &[(1, 1), (2, 5), (9, 5)], 3), [1, 2]);
    }

    #[test]
    fn a_bucket_that_shrank_and_grew_back_is_read_again() {
        let mut c = ledger(0, &[(1, 5)]);
        assert!(judge(&mut c, &[(1, 2)], 0).is_empty());
        assert_eq!(judge(&mut c, &[(1, 3)], 0), [1]);
    }

    #[test]
    fn an_old_hour_that_grew_is_read_again() {
        let mut c = ledger(0, &[(1, 5), (2, 5)]);
        c.age(Time(HOUR_MS), Time(0));
        assert!(c.judge_hours(&BTreeMap::from([(Time(0), held(10))]), 0).is_empty());
        assert_eq!(c.judge_hours(&BTreeMap::from([(Time(0), held(11))]), 0).len(), 1);
    }

    #[test]
    fn messages_of_the_hour_after_late_lines_may_share_them() {
        let mut c = ledger(0, &[(1, 5), (60, 5), (120, 5)]);
        c.age(Time(3 * HOUR_MS), Time(0));
        let counts = [(0, 6), (1, 5), (2, 5)].map(|(hour, count)| (Time(hour * HOUR_MS), held(count)));
        assert_eq!(c.judge_hours(&BTreeMap::from(counts), 10 * MINUTE).len(), 2);
    }

    #[test]
    fn as_many_lines_that_are_others_are_read_again() {
        let print = |lines, print| Held { lines, print: Some(print) };
        let mut c = ledger(0, &[(3, 5)]);
        c.buckets.extend([(MINUTE, print(5, 70)), (2 * MINUTE, print(5, 80))]);
        let found = [(1, print(5, 71)), (2, print(5, 80)), (3, print(5, 90))].map(|(m, held)| (Time(m * MINUTE), held));
        let found = BTreeMap::from(found);
        assert_eq!(c.judge(&found, MINUTE, 0).len(), 1, "and a ledger of counts alone learns what it lacks");
        c.mark(&found, Time(4 * MINUTE));
        let text = serde_json::to_string(&c).unwrap();
        assert!(text.contains(r#""180000":[5,90]"#), "{text}");
        assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), c);
        c.age(Time(HOUR_MS), Time(0));
        let hour = |n| BTreeMap::from([(Time(0), print(15, n))]);
        assert!(c.judge_hours(&hour(71 + 80 + 90), 0).is_empty());
        assert_eq!(c.judge_hours(&hour(7), 0).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn a_ledger_survives_being_written(
            numbers in proptest::collection::vec((proptest::prelude::any::<i64>(), proptest::prelude::any::<u64>()), 0..9),
            times in proptest::collection::vec(crate::laws::stored::time(), 4),
            texts in proptest::collection::vec(crate::laws::stored::text(), 5),
        ) {
            let mut c = Checkpoint::new(texts[0].clone());
            let of_lines = |time: Time| Some(time).filter(|time| Time::OF_LINES.contains(*time));
            (c.watermark, c.floor) = (of_lines(times[0]), Some(times[1]));
            (c.hours_checked, c.future_checked) = (Some(times[2]), Some(times[3]));
            let held = |(n, (start, lines)): (usize, &(i64, u64))| {
                (*start, Held { lines: *lines, print: (n % 2 == 0).then_some(*lines) })
            };
            c.buckets = numbers.iter().enumerate().map(held).collect();
            c.hours = c.buckets.clone();
            c.position = Some(serde_json::json!({"files": [{"path": texts[1], "last": times[2]}]}));
            let (id, pid) = (crate::model::LineId(u128::MAX - numbers.len() as u128), Some(u32::MAX));
            let (host, program, text) = (texts[2].clone(), texts[3].clone(), texts[4].clone());
            c.open.extend(of_lines(times[3]).map(|time| KeptLine { id, time, host, program, pid, text }));
            c.tally = Tally { used: u64::MAX, unused: i64::MAX as u64 + 1, ..Tally::default() };
            crate::laws::stored::survives(&c);
        }
    }
}
