//! One pass over a source: read, parse, stitch, write, mark; stretch by stretch.
//!
//! `counting.rs` and `positioned.rs` walk the two kinds of sources, `careful.rs` handles lines that a run dies of,
//! `agree.rs` checks that the ledger matches the store, `history.rs` records earlier runs.

pub mod agree;
pub mod aside;
mod careful;
pub mod counting;
pub mod history;
pub mod jump;
pub mod metrics;
mod open_lines;
pub mod positioned;
pub mod reparse;
mod strangers;

use crate::{
    access::Access,
    error::Result,
    fault,
    model::{Line, Range, Time, line::LONGEST},
    state::{Checkpoint, Marks},
    stitch::{self, Rules, Tally},
    store::Store,
    write::{Merged, dead, merge},
};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::atomic::AtomicBool};

/// The result of a pass.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    pub tally: Tally,
    #[serde(flatten)]
    pub merged: Merged,
    /// From the first to the last line read; context lines do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Range>,
    /// Notes for the user: where a first run starts, that a ledger began anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// A signal ended the pass before everything was read.
    #[serde(default)]
    pub stopped: bool,
    /// Some input could not be read, or not to its end.
    #[serde(skip)]
    pub not_whole: bool,
    /// The programs of the lines, counted as long as none of them is a mail program.
    #[serde(skip)]
    pub strangers: strangers::Strangers,
}

impl Summary {
    /// A copy with the counts only, to be kept in the history.
    pub fn counts(&self) -> Self {
        let Merged { created, updated, deleted, journeys, .. } = self.merged;
        let merged = Merged { created, updated, deleted, journeys, ..Merged::default() };
        Self { tally: self.tally, merged, span: self.span, stopped: self.stopped, ..Self::default() }
    }

    /// Extends the span by the lines that were read for themselves. Context lines, from before the range or from an
    /// earlier stretch, do not count.
    fn saw(&mut self, lines: &[Line], is_context: impl Fn(usize) -> bool) {
        let times = || lines.iter().enumerate().filter(|(n, _)| !is_context(*n)).map(|(_, line)| line.time);
        if let (Some(first), Some(last)) = (times().min(), times().max()) {
            let span = self.span.get_or_insert(Range { from: first, to: last });
            span.from = span.from.min(first);
            span.to = span.to.max(last);
        }
    }
}

/// The environment of a pass, whatever its source.
pub struct Pass<'a> {
    /// `None` for a dry run: nothing is written and nothing is marked.
    pub store: Option<&'a dyn Store>,
    pub rules: &'a Rules,
    pub window: crate::config::Window,
    pub now: Time,
    pub state_dir: &'a Path,
    /// Name of the file in `state_dir` that records what is being worked on.
    pub notes: &'static str,
    /// Access rights of the files written there.
    pub access: Access,
    /// Saves the ledger; called after the documents are safe.
    pub save: &'a (dyn Fn(&Checkpoint) -> Result<()> + Sync),
    /// Called after each stretch: lines done, and lines (or bytes) in total if known.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
    /// Set by SIGTERM and SIGINT: stop cleanly after the current stretch.
    pub stop: &'a AtomicBool,
}

/// Warns of lines with times that cannot be stored.
fn tell_misdated(lines: u64) {
    if lines > 0 {
        tracing::warn!(
            "{lines} lines were not used: their times lie outside of the years 1970 to 9999; a clock is wrong somewhere, or \
             somebody sends such lines (`mailstitch coverage` shows them)"
        );
    }
}

/// Warns of lines that were too long.
fn tell_cut(lines: &[Line]) {
    let cut = lines.iter().filter(|line| line.is_cut()).count();
    if cut > 0 {
        tracing::warn!("{cut} lines were cut, each after {} bytes", LONGEST);
    }
}

/// The progress of a pass.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Lines for a counting source, bytes for files.
    pub done: u64,
    pub total: Option<u64>,
    /// Everything read so far.
    pub summary: &'a Summary,
}

impl Pass<'_> {
    /// Stitches and writes lines; returns the open lines that later ones may still need.
    async fn piece(
        &self,
        lines: &[Line],
        noise: &[String],
        duplicates: u64,
        is_context: impl Fn(usize) -> bool,
        summary: &mut Summary,
        marks: &mut Marks,
    ) -> Result<Vec<Line>> {
        let mut gathered = stitch::gather(lines, &is_context, self.rules);
        gathered.tally.duplicate += duplicates;
        noise.iter().for_each(|text| gathered.tally.noise(text));
        summary.tally.add(gathered.tally);
        summary.saw(lines, &is_context);
        summary.strangers.saw(lines, noise.len(), &summary.tally);
        fault::point("after-read");
        let open = open_lines::bounded(gathered.open.iter().map(|n| lines[*n as usize].clone()).collect());
        match self.store {
            Some(store) => {
                let mut merged = merge::merge(store, gathered, self.rules).await?;
                let written = std::mem::take(&mut merged.settled);
                fault::point("before-bury");
                dead::bury(self.state_dir, self.access, &merged.refused)?;
                merged.refused.clear();
                // Searches after the run find everything it wrote.
                store.refresh().await?;
                if let Some(earliest) = lines.iter().map(|line| line.time).min()
                    && !written.is_empty()
                {
                    leave_mark(store, marks, &written, earliest).await?;
                }
                fault::point("before-commit");
                store.commit().await?;
                summary.merged.add(merged);
            }
            None => summary.merged.created += gathered.documents(self.rules).count() as u64,
        }
        fault::point("before-mark");
        Ok(open)
    }

    fn stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Saves the ledger, unless this is a dry run.
    fn mark(&self, ledger: &Checkpoint) -> Result<()> {
        if self.store.is_some() {
            (self.save)(ledger)?;
            fault::point("after-mark");
        }
        Ok(())
    }
}

/// Stores the number of a write in the store, before the ledger is saved with it.
async fn leave_mark(store: &dyn Store, marks: &mut Marks, written: &[String], earliest: Time) -> Result<()> {
    if marks.ledger.is_empty() {
        marks.ledger = agree::new_name();
    }
    let number = marks.last + 1;
    let places = store.mark(&marks.ledger, number, written).await?;
    marks.wrote(number, places, earliest);
    Ok(())
}
