//! The promises that every counting source keeps: it reads what it counts, each line of a range once, and the lines
//! are the same whichever source holds them.
//!
//! In: a source that holds the lines of [`raw`].  Out: nothing; a broken promise fails the test.

use super::{RawLine, fiveday};
use mailstitch::{
    model::{Intake, Line, Range, Time},
    source::CountingSource,
};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1440 * MINUTE;

/// The lines that the source must hold.
pub fn raw() -> Vec<RawLine> {
    fiveday::five_days(3000, 7).lines
}

pub fn lines() -> Vec<Line> {
    let mut intake = Intake::default();
    raw().iter().map(|line| line.line(&mut intake)).collect()
}

fn whole() -> Range {
    Range { from: Time(fiveday::START.0 - DAY), to: Time(fiveday::END.0 + DAY) }
}

fn by_bucket(lines: &[Line], bucket_ms: i64) -> BTreeMap<Time, u64> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(Time(line.time.0.div_euclid(bucket_ms) * bucket_ms)).or_default() += 1;
    }
    counts
}

async fn read(source: &dyn CountingSource, within: Range) -> Vec<Line> {
    let batch = source.read(within).await.unwrap();
    assert_eq!(batch.noise, Vec::<String>::new());
    batch.lines
}

async fn it_counts_what_it_reads(source: &dyn CountingSource) {
    let read = read(source, whole()).await;
    assert_eq!(read.len(), raw().len());
    for bucket_ms in [MINUTE, 60 * MINUTE] {
        assert_eq!(
            source.counts(whole(), bucket_ms).await.unwrap(),
            by_bucket(&read, bucket_ms),
            "buckets of {bucket_ms} ms"
        );
    }
}

async fn ranges_are_half_open(source: &dyn CountingSource) {
    let all = lines();
    // Cut at the exact millisecond of a line: the line belongs to the later range.
    for at in [all[100].time, all[1500].time, Time(fiveday::START.0 + DAY)] {
        let before = read(source, Range { to: at, ..whole() }).await;
        let after = read(source, Range { from: at, ..whole() }).await;
        assert!(before.iter().all(|l| l.time < at) && after.iter().all(|l| l.time >= at));
        assert_eq!(before.len() + after.len(), all.len(), "cut at {at}");
    }
}

async fn a_range_without_lines_is_empty(source: &dyn CountingSource) {
    let before = Range { from: whole().from, to: Time(fiveday::START.0 - MINUTE) };
    assert!(read(source, before).await.is_empty());
    assert!(source.counts(before, MINUTE).await.unwrap().is_empty());
}

async fn its_lines_are_those_that_were_logged(source: &dyn CountingSource) {
    let sort = |lines: Vec<Line>| {
        let mut lines: Vec<_> = lines.into_iter().map(|l| (l.time, l.id, l.host, l.program, l.pid, l.text)).collect();
        lines.sort();
        lines
    };
    assert_eq!(sort(read(source, whole()).await), sort(lines()));
}

async fn its_fingerprint_stays(source: &dyn CountingSource) {
    let once: BTreeSet<String> = [source.fingerprint(), source.fingerprint()].into();
    assert_eq!(once.len(), 1);
}

/// Tests all promises.
pub async fn keeps_all_promises(source: &dyn CountingSource) {
    it_counts_what_it_reads(source).await;
    ranges_are_half_open(source).await;
    a_range_without_lines_is_empty(source).await;
    its_lines_are_those_that_were_logged(source).await;
    its_fingerprint_stays(source).await;
}
