//! A pass over a counting source: finds buckets that are new or grew, reads them in stretches, and marks each stretch
//! once it is safe.
//!
//! In: a source that counts lines per bucket, and the ledger. Out: the documents in the store, and the ledger with what
//! was read.
//!
//! [`run`] does this in order:
//!
//! 1. `begin` prepares the ledger: where a first run starts, changed settings, a clock that was wrong.
//! 2. The source counts each bucket from the watermark (at least the lookback) up to now minus `settle`.
//!    `Checkpoint::judge` compares with the ledger, and `window::stretches` groups the buckets to read.
//! 3. `read_all` reads the stretches. One that is too large for memory is read in slices of time, and a slice with too
//!    many bytes in halves. Each slice gets the open session lines before it as context: carried on from the slice
//!    before, or read by `lead`.
//! 4. Once an hour, `old_hours` does the same by the hour for the time between lookback and horizon.
//! 5. Once a day, `look_ahead` warns of lines from the future.

use super::{Pass, Progress, Summary, open_lines};
use crate::{
    error::{Error, Kind, Result},
    model::{Line, Range, Time},
    source::{Batch, CountingSource},
    state::Checkpoint,
    stitch,
    window::{self, Held, STRETCH_BYTES, STRETCH_LINES, Stretch, bucket_start},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Reads what is new since the ledger was last saved. A run with nothing new costs one search.
pub async fn run(source: Arc<dyn CountingSource>, ledger: &mut Checkpoint, pass: &Pass<'_>) -> Result<Summary> {
    let mut summary = Summary::default();
    let (bucket_ms, lead_ms) = (ms(pass.window.bucket), ms(pass.window.session_lead));
    let until = bucket_start(pass.now.plus(-ms(pass.window.settle)), bucket_ms);
    let lookback_from = bucket_start(pass.now.plus(-ms(pass.window.lookback)), bucket_ms);
    begin(ledger, source.fingerprint(), pass, &mut summary).await?;

    // After an outage longer than the lookback, reading continues from the watermark, oldest first.
    let from = ledger.watermark.unwrap_or(lookback_from).min(lookback_from);
    let from = from.max(ledger.floor.unwrap_or(from));
    let (mut wanted, mut held) = (Vec::new(), BTreeMap::new());
    if from < until {
        held = source.held(Range { from: bucket_start(from, bucket_ms), to: until }, bucket_ms).await?;
        let due = ledger.judge(&held, bucket_ms, lead_ms);
        wanted = window::stretches(&due, &window::lines(&held), bucket_ms, STRETCH_LINES);
    }
    read_all(&source, &wanted, ledger, pass, &mut summary, |ledger, stretch, read| {
        ledger.mark_stretch(stretch, &held, read);
    })
    .await?;
    if summary.stopped {
        return Ok(summary);
    }
    old_hours(&source, ledger, lookback_from, pass, &mut summary).await?;
    let before = ledger.clone();
    look_ahead(&source, ledger, pass).await?;
    ledger.age(lookback_from, pass.now.plus(-ms(pass.window.horizon)));
    ledger.watermark = ledger.watermark.max(Some(until));
    if *ledger != before {
        pass.mark(ledger)?;
    }
    Ok(summary)
}

/// Reads a range once; resumes where an earlier backfill of the same range stopped (the watermark of its ledger).
pub async fn backfill(
    source: Arc<dyn CountingSource>,
    range: Range,
    ledger: &mut Checkpoint,
    pass: &Pass<'_>,
) -> Result<Summary> {
    let mut summary = Summary::default();
    let bucket_ms = ms(pass.window.bucket);
    let from = ledger.watermark.unwrap_or(range.from).max(range.from);
    if from < range.to {
        let counts = source.counts(Range { from, to: range.to }, bucket_ms).await?;
        let all: BTreeSet<Time> = counts.keys().copied().collect();
        let mut wanted = window::stretches(&all, &counts, bucket_ms, STRETCH_LINES);
        for stretch in &mut wanted {
            stretch.range.from = stretch.range.from.max(from);
            stretch.range.to = stretch.range.to.min(range.to);
        }
        read_all(&source, &wanted, ledger, pass, &mut summary, |ledger, stretch, _| {
            ledger.watermark = Some(stretch.range.to);
        })
        .await?;
    }
    Ok(summary)
}

/// Prepares the ledger for a first run, changed settings, a wrong clock or a lost state directory.
async fn begin(ledger: &mut Checkpoint, fingerprint: String, pass: &Pass<'_>, summary: &mut Summary) -> Result<()> {
    let (lookback_ms, horizon_ms) = (ms(pass.window.lookback), ms(pass.window.horizon));
    if let Some(told) = ledger.follow_clock(pass.now, lookback_ms, horizon_ms) {
        tracing::warn!("{told}");
        pass.mark(ledger)?;
    }
    if ledger.watermark.is_some() && ledger.fingerprint != fingerprint {
        let watermark = ledger.watermark;
        *ledger = Checkpoint { marks: std::mem::take(&mut ledger.marks), ..Checkpoint::new(fingerprint.clone()) };
        ledger.watermark = watermark;
        ledger.floor = watermark;
        summary.notes.push("the source's settings changed: a new ledger starts at the old watermark".to_owned());
    }
    ledger.fingerprint = fingerprint;
    if ledger.watermark.is_none() {
        // Saved before anything is written: if this run crashes, the store is not empty any more, and its newest
        // document does not tell how far reading got.
        let newest = match pass.store {
            Some(store) => store.newest_end(pass.now).await?,
            None => None,
        };
        let start = match newest {
            Some(end) => {
                let start = end.plus(-ms(pass.window.lookback));
                summary.notes.push(format!("no ledger, but a store with documents up to {end}: starting at {start}"));
                start
            }
            None => pass.now.plus(-ms(pass.window.first)),
        };
        let start = bucket_start(start, ms(pass.window.bucket));
        ledger.watermark = Some(start);
        ledger.floor = Some(start);
        pass.mark(ledger)?;
    }
    Ok(())
}

/// Once an hour: reads hours between horizon and lookback that now hold more lines than were read.
async fn old_hours(
    source: &Arc<dyn CountingSource>,
    ledger: &mut Checkpoint,
    lookback_from: Time,
    pass: &Pass<'_>,
    summary: &mut Summary,
) -> Result<()> {
    if !Checkpoint::is_due(ledger.hours_checked, pass.now, HOUR_MS) {
        return Ok(());
    }
    ledger.hours_checked = Some(pass.now);
    let to = bucket_start(lookback_from, HOUR_MS);
    let horizon_from = bucket_start(pass.now.plus(-ms(pass.window.horizon)), HOUR_MS);
    let from = horizon_from.max(ledger.floor.unwrap_or(horizon_from));
    if from >= to {
        return Ok(());
    }
    ledger.age(lookback_from, horizon_from);
    let held = source.held(Range { from: bucket_start(from, HOUR_MS), to }, HOUR_MS).await?;
    let due = ledger.judge_hours(&held, ms(pass.window.session_lead));
    let wanted = window::stretches(&due, &window::lines(&held), HOUR_MS, STRETCH_LINES);
    read_all(source, &wanted, ledger, pass, summary, |ledger, stretch, _| {
        ledger.mark_hours(&of_stretch(stretch, &held));
    })
    .await
}

/// Once a day: warns of lines stamped more than an hour in the future. They are read only when their time comes, which
/// is later than anyone wants.
async fn look_ahead(source: &Arc<dyn CountingSource>, ledger: &mut Checkpoint, pass: &Pass<'_>) -> Result<()> {
    if !Checkpoint::is_due(ledger.future_checked, pass.now, DAY_MS) {
        return Ok(());
    }
    ledger.future_checked = Some(pass.now);
    match source.later_than(pass.now.plus(HOUR_MS)).await? {
        0 => {}
        n => tracing::warn!(
            "{n} lines are stamped more than an hour in the future: a clock or a time zone is wrong somewhere; they are \
             read when their time has come"
        ),
    }
    Ok(())
}

impl Checkpoint {
    /// Marks the buckets of a stretch, each with the larger of the lines counted and the lines read.
    fn mark_stretch(&mut self, stretch: &Stretch, held: &BTreeMap<Time, Held>, read: &BTreeMap<Time, u64>) {
        let mut counted = of_stretch(stretch, held);
        for (bucket, n) in read {
            let seen = counted.entry(*bucket).or_insert(Held { lines: 0, print: None });
            seen.lines = seen.lines.max(*n);
        }
        self.mark(&counted, stretch.range.to);
    }
}

/// The counts found in the buckets of a stretch.
fn of_stretch(stretch: &Stretch, held: &BTreeMap<Time, Held>) -> BTreeMap<Time, Held> {
    stretch.counted.keys().filter_map(|bucket| Some((*bucket, *held.get(bucket)?))).collect()
}

type Reading = JoinHandle<Result<Option<Batch>>>;

/// Reads stretches, oldest first; while one is stitched and written, the next is being read.
async fn read_all(
    source: &Arc<dyn CountingSource>,
    wanted: &[Stretch],
    ledger: &mut Checkpoint,
    pass: &Pass<'_>,
    summary: &mut Summary,
    mark: impl Fn(&mut Checkpoint, &Stretch, &BTreeMap<Time, u64>),
) -> Result<()> {
    let (bucket_ms, lead_ms) = (ms(pass.window.bucket), ms(pass.window.session_lead));
    let mut pieces: VecDeque<(usize, Range)> =
        wanted.iter().enumerate().flat_map(|(n, s)| slices(s).into_iter().map(move |range| (n, range))).collect();
    let total = wanted.iter().map(Stretch::lines).sum();
    let mut done = 0;
    let mut open: Option<(Time, Vec<Line>)> = None;
    let mut read: BTreeMap<Time, u64> = BTreeMap::new();
    let mut next = pieces.front().map(|(_, range)| start(source, *range));
    while let (Some(reading), Some((n, range))) = (next.take(), pieces.pop_front()) {
        let batch = reading.await.map_err(|e| Error::new(Kind::Software, "the reading task broke").because(e))??;
        let Some(batch) = batch else {
            halves(range).into_iter().rev().for_each(|half| pieces.push_front((n, half)));
            next = pieces.front().map(|(_, range)| start(source, *range));
            continue;
        };
        next = pieces.front().map(|(_, range)| start(source, *range));
        for line in &batch.lines {
            *read.entry(bucket_start(line.time, bucket_ms)).or_default() += 1;
        }
        super::tell_misdated(batch.misdated);
        super::tell_cut(&batch.lines);
        let mut lines = batch.lines;
        let duplicates = stitch::unite(&mut lines);
        let context = match open.take() {
            Some((end, open)) if end == range.from => open,
            _ => lead(source, range, lead_ms, pass).await?,
        };
        lines.extend(context);
        // Context lies before the range, so only new lines can be copies of each other, and those were counted above.
        stitch::unite(&mut lines);
        let before = lines.partition_point(|l| l.time < range.from);
        let left = pass.stretch(&lines, &batch.noise, duplicates, |n| n < before, summary, &mut ledger.marks).await?;
        open = Some((range.to, left));
        if pieces.front().is_none_or(|(m, _)| *m != n) {
            mark(ledger, &wanted[n], &std::mem::take(&mut read));
            ledger.tally = summary.tally;
            pass.mark(ledger)?;
            done += wanted[n].lines();
        }
        (pass.progress)(Progress { done, total: Some(total), summary });
        if pass.stopped() && !pieces.is_empty() {
            summary.stopped = true;
            if let Some(reading) = next.take() {
                reading.abort();
            }
            break;
        }
    }
    Ok(())
}

fn start(source: &Arc<dyn CountingSource>, range: Range) -> Reading {
    let source = Arc::clone(source);
    tokio::spawn(async move { source.read_at_most(range, most(range)).await })
}

/// Most bytes to read of a range; no limit if the range cannot be halved.
fn most(range: Range) -> u64 {
    if halves(range).len() > 1 { STRETCH_BYTES } else { u64::MAX }
}

/// Halves a range at a full second, because copies of a line may differ within a second. A range within one second
/// stays whole.
fn halves(Range { from, to }: Range) -> Vec<Range> {
    let middle = from.plus((to.0 - from.0) / 2).floor_second();
    match from < middle && middle < to {
        true => vec![Range { from, to: middle }, Range { from: middle, to }],
        false => vec![Range { from, to }],
    }
}

/// Cuts a stretch into slices of time if its one bucket holds more lines than memory should. The cuts are at full
/// seconds, because copies of a line may differ within a second.
fn slices(stretch: &Stretch) -> Vec<Range> {
    let Range { from, to } = stretch.range;
    let pieces = stretch.lines().div_ceil(STRETCH_LINES).clamp(1, 1000) as i64;
    let step = ((to.0 - from.0) / pieces / 1000 * 1000).max(1000);
    let mut ranges: Vec<Range> = Vec::new();
    let mut at = from;
    while at < to {
        let end = if ranges.len() as i64 + 1 == pieces { to } else { at.plus(step).floor_second().min(to) };
        ranges.push(Range { from: at, to: end });
        at = end;
    }
    ranges
}

/// The session lines before a range that its messages may need, read in pieces that memory can hold.
async fn lead(source: &Arc<dyn CountingSource>, range: Range, lead_ms: i64, pass: &Pass<'_>) -> Result<Vec<Line>> {
    if lead_ms == 0 {
        return Ok(Vec::new());
    }
    let mut pieces = VecDeque::from([Range { from: range.from.plus(-lead_ms), to: range.from }]);
    let mut open = Vec::new();
    while let Some(piece) = pieces.pop_front() {
        let Some(batch) = source.read_at_most(piece, most(piece)).await? else {
            halves(piece).into_iter().rev().for_each(|half| pieces.push_front(half));
            continue;
        };
        let mut lines = batch.lines;
        lines.append(&mut open);
        stitch::unite(&mut lines);
        let gathered = stitch::gather(&lines, |_| true, pass.rules);
        open = open_lines::bounded(gathered.open.iter().map(|n| lines[*n as usize].clone()).collect());
    }
    Ok(open)
}
