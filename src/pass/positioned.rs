//! A pass over a positioned source: continues reading where the last pass stopped.

use super::{Pass, Progress, Summary, open_lines};
use crate::{
    error::Result,
    model::{Line, LineId, Range},
    source::PositionedSource,
    state::{Checkpoint, KeptLine},
    stitch,
    window::STRETCH_LINES,
};
use std::{collections::HashSet, sync::Arc};

/// Reads everything new.
pub async fn run(source: &mut dyn PositionedSource, ledger: &mut Checkpoint, pass: &Pass<'_>) -> Result<Summary> {
    let fingerprint = source.fingerprint();
    if let Some(told) = ledger.follow_clock(pass.now, 0, 0) {
        tracing::warn!("{told}");
    }
    read(source, ledger, None, fingerprint, pass).await
}

/// Reads on for a backfill; `asked` identifies its ledger. `within` leaves out lines of other times.
pub async fn backfill(
    source: &mut dyn PositionedSource,
    ledger: &mut Checkpoint,
    within: Option<Range>,
    asked: String,
    pass: &Pass<'_>,
) -> Result<Summary> {
    read(source, ledger, within, asked, pass).await
}

async fn read(
    source: &mut dyn PositionedSource,
    ledger: &mut Checkpoint,
    within: Option<Range>,
    fingerprint: String,
    pass: &Pass<'_>,
) -> Result<Summary> {
    let mut summary = Summary::default();
    let lead_ms = i64::try_from(pass.window.session_lead.as_millis()).unwrap_or(i64::MAX);
    ledger.fingerprint = fingerprint;
    // A source that delivers late is expected to do so within this time.
    let silence_ms = i64::try_from(pass.window.lookback.as_millis()).unwrap_or(i64::MAX).max(lead_ms);
    let mut newest_of_all = ledger.watermark;
    let mut open: Vec<Line> = ledger.open.iter().map(Line::from).collect();
    while let Some(batch) = source.next(STRETCH_LINES as usize).await? {
        super::tell_misdated(batch.misdated);
        super::tell_cut(&batch.lines);
        let mut lines = batch.lines;
        if let Some(within) = within {
            lines.retain(|line| within.from.plus(-lead_ms) <= line.time && line.time < within.to);
        }
        let mut context: HashSet<LineId> = open.iter().map(|line| line.id).collect();
        let newest = open.iter().map(|line| line.time.second()).max();
        // A copy of a line from the last stretch may have a better time, so it counts as new.
        for line in lines.iter().filter(|line| Some(line.time.second()) <= newest) {
            context.remove(&line.id);
        }
        let spoke: HashSet<Arc<str>> = lines.iter().map(|line| Arc::clone(&line.host)).collect();
        let duplicates = stitch::unite(&mut lines);
        lines.append(&mut open);
        stitch::unite(&mut lines);
        // Lines before the range asked for are used for sessions only.
        let before = |line: &Line| within.is_some_and(|within| line.time < within.from);
        let carried = |line: &Line| Some(line.time.second()) <= newest && context.contains(&line.id);
        let is_context = |n: usize| lines.get(n).is_some_and(|line| carried(line) || before(line));
        open = pass.stretch(&lines, &batch.noise, duplicates, is_context, &mut summary, &mut ledger.marks).await?;
        newest_of_all = newest_of_all.max(lines.iter().map(|line| line.time.min(pass.now)).max());
        if let Some(newest) = newest_of_all {
            open = open_lines::keep(open, &spoke, newest, silence_ms);
        }
        ledger.position = Some(source.position());
        ledger.open = open.iter().map(KeptLine::from).collect();
        // The watermark is at most `now`: a line from the future does not tell how far reading got.
        ledger.watermark = newest_of_all;
        ledger.tally = summary.tally;
        pass.mark(ledger)?;
        let (done, total) = source.progress().unzip();
        (pass.progress)(Progress { done: done.unwrap_or(0), total, summary: &summary });
        if pass.stopped() {
            summary.stopped = true;
            break;
        }
    }
    summary.not_whole = !source.is_whole();
    // Reading of a pipe stops where the signal came, perhaps before any line.
    summary.stopped |= pass.stopped() && summary.not_whole;
    // The position may change without a new line: a file was truncated or renamed, or cannot be unpacked to its end.
    let position = Some(source.position());
    if !summary.stopped && ledger.position != position {
        ledger.position = position;
        pass.mark(ledger)?;
    }
    Ok(summary)
}
