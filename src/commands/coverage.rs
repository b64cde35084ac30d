//! `coverage`: the share of lines understood, by program, and the shapes of those that were not.

use super::{
    Context,
    open::{self, Source},
    output,
};
use crate::{
    cli::Coverage,
    error::Result,
    escape::visible,
    model::Range,
    outcome::Outcome,
    parse::coverage::{Counted, ProgramCount},
    source::Batch,
    stitch::percent,
    when,
    window::STRETCH_LINES,
};
use serde_json::json;
use std::fmt::Write;

/// How far back a counting source is read without `--since`.
const A_DAY_MS: i64 = 86_400_000;

/// Counts what the parsers make of the lines of a range, or of files.
pub async fn coverage(context: &Context, args: &Coverage) -> Result<Outcome> {
    let mut counted = Counted::default();
    let source = match args.files.is_empty() {
        true if args.all_programs => open::every_line(context)?,
        true => open::source(context, None)?,
        false => open::named_files(context, &args.files, None)?,
    };
    let within = when::range(args.since, args.until, context.now)?;
    let mut take = |batch: &Batch| {
        for line in batch.lines.iter().filter(|line| within.is_none_or(|within| within.contains(line.time))) {
            counted.line(line);
        }
        for text in &batch.noise {
            counted.noise(text);
        }
    };
    let is_whole = match source {
        Source::Counting(source) => {
            let to = args.until.map_or(context.now, |t| t.at(context.now));
            let mut at = args.since.map_or(context.now.plus(-A_DAY_MS), |since| since.at(context.now));
            // Read in stretches of whole minutes, of at most `STRETCH_LINES` lines unless a single minute has more,
            // to bound memory.
            let counts = source.counts(Range { from: at, to }, 60_000).await?;
            let wanted = counts.keys().copied().collect();
            for stretch in crate::window::stretches(&wanted, &counts, 60_000, STRETCH_LINES) {
                let from = stretch.range.from.max(at);
                take(&source.read(Range { from, to: stretch.range.to.min(to) }).await?);
                at = stretch.range.to;
            }
            true
        }
        Source::Positioned(mut source) => {
            while let Some(batch) = source.next(STRETCH_LINES as usize).await? {
                take(&batch);
            }
            source.is_whole()
        }
    };
    print(&counted, args)?;
    Ok(if is_whole { Outcome::Done } else { Outcome::NotWhole })
}

fn print(counted: &Counted, args: &Coverage) -> Result<()> {
    let shapes = counted.shapes(args.limit);
    if args.json {
        let programs: Vec<_> = counted
            .programs()
            .map(|(program, c)| {
                json!({"program": program, "read": c.read, "understood": c.understood, "unused": c.unused_total(),
                       "unused_by_reason": c.unused, "unrecognised": c.unrecognised})
            })
            .collect();
        let shapes: Vec<_> = shapes
            .iter()
            .map(|s| json!({"program": s.program, "shape": s.shape, "count": s.count, "sample": s.sample}))
            .collect();
        output::write_json(&json!({"programs": programs, "unrecognised": shapes}), true)?;
        return Ok(());
    }
    let mut out = String::new();
    _ = writeln!(out, "{:>10} {:>10} {:>10} {:>10} {:>8}  program", "read", "understood", "unused", "unknown", "share");
    for (program, c) in counted.programs() {
        let share = percent((c.read - c.unrecognised) as f64 / c.read.max(1) as f64);
        let (unused, program) = (c.unused_total(), visible(program));
        _ = writeln!(
            out,
            "{:>10} {:>10} {unused:>10} {:>10} {share:>6} %  {program}",
            c.read, c.understood, c.unrecognised
        );
    }
    let unused = unused(counted, args.limit);
    if !unused.is_empty() {
        out.push('\n');
    }
    for (count, program, reason) in unused {
        _ = writeln!(out, "{count:>10} times unused, {}: {reason}", visible(program));
    }
    for s in shapes {
        let (program, shape, sample) = (visible(&s.program), visible(&s.shape), visible(&s.sample));
        _ = writeln!(out, "\n{} times, {program}: {shape}\n  such as: {sample}", s.count);
    }
    output::write(&out)?;
    Ok(())
}

/// Known lines without use as (count, program, reason), most frequent first.
fn unused(counted: &Counted, limit: usize) -> Vec<(u64, &str, &'static str)> {
    let reasons =
        |(program, c): (_, &ProgramCount)| c.unused.iter().map(|(why, n)| (*n, program, *why)).collect::<Vec<_>>();
    let mut all: Vec<_> = counted.programs().flat_map(reasons).collect();
    all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    all.truncate(limit);
    all
}
