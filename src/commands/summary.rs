//! The summary of a pass: what was read, and what became of it.

use super::output;
use crate::{error::Result, run::Summary};
use std::fmt::Write;

/// Prints the summary: to standard output for a dry run, whose result it is, else to standard error.
pub fn print(summary: &Summary, dry_run: bool) -> Result<()> {
    let text = text(summary, dry_run);
    if dry_run {
        output::write(&text)?;
    } else {
        eprint!("{text}");
    }
    Ok(())
}

fn text(summary: &Summary, dry_run: bool) -> String {
    let (tally, merged) = (summary.tally, &summary.merged);
    let mut out = String::new();
    for note in &summary.notes {
        _ = writeln!(out, "{note}");
    }
    _ = writeln!(
        out,
        "{} lines read: {} used, {} known and unused, {} unrecognised, {} duplicates",
        tally.read(),
        tally.used,
        tally.unused,
        tally.unrecognised,
        tally.duplicate
    );
    if let Some(span) = summary.span {
        _ = writeln!(out, "from {} to {}", span.from, span.to);
    }
    _ = match dry_run {
        true => writeln!(out, "{} transactions found; nothing was written", merged.created),
        false => writeln!(
            out,
            "{} transactions created, {} updated, {} deleted",
            merged.created, merged.updated, merged.deleted
        ),
    };
    if summary.stopped {
        _ = writeln!(out, "stopped by a signal before all was read; the next one goes on from here");
    }
    if tally.unrecognised > 0 {
        _ = writeln!(out, "`mailstitch coverage` shows the lines that were not recognised");
    }
    out
}
