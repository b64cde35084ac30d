//! `status`: how far reading has come, and how the last runs went.

use super::{
    Context,
    open::{self, State},
    output,
    run::LEDGER,
};
use crate::{
    cli::Status,
    error::Result,
    escape::visible,
    model::Time,
    outcome::Outcome,
    pass::{
        aside,
        history::{self, RunRecord},
    },
    stitch::{self, Tally},
    write::dead,
};
use serde_json::json;
use std::fmt::Write;

/// Runs shown as text; JSON has all of them.
const RUNS_SHOWN: usize = 5;

/// Prints watermark, lag, what the store holds, dead letters, the share of lines understood, and the last runs.
pub async fn status(context: &Context, args: &Status) -> Result<Outcome> {
    let state = State::open(&context.settings)?;
    let watermark = state.ledger(LEDGER)?.and_then(|l| l.watermark);
    let history = history::load(state.dir())?;
    let (runs, tally) = (&history.runs, history.totals.tally);
    let failure = history::failure(state.dir())?;
    let kept_out = history::kept_out(state.dir())?;
    let dead = dead::count(state.dir())?;
    let set_aside = aside::count(state.dir())?;
    let store = open::store(&context.settings, state.access)?.summary().await?;
    let lag_s = watermark.map(|w| (context.now.0 - w.0) as f64 / 1000.0);
    if args.json {
        let runs: Vec<_> = runs.iter().rev().collect();
        let shown = |f: history::Failure| json!({"since": f.since, "reason": f.reason});
        let (failure, kept_out) = (failure.map(shown), kept_out.map(shown));
        let whole = json!({
            "watermark": watermark, "lag_s": lag_s, "dead_letters": dead, "set_aside": set_aside, "failing": failure, "kept_out": kept_out, "runs": runs,
            "last_success": history.totals.last_success, "retries": history.totals.retries,
            "coverage": {"lines": tally, "understood": tally.understood()},
            "store": {"documents": store.documents, "open": store.open, "oldest": store.oldest, "newest": store.newest},
        });
        output::write_json(&whole, true)?;
        return Ok(Outcome::Done);
    }
    let mut out = String::new();
    let shown = |t: Option<Time>| t.map_or_else(|| "-".to_owned(), |t| t.to_string());
    let read = match (watermark, lag_s) {
        (Some(watermark), Some(lag)) => format!("{watermark} ({} ago)", span(lag)),
        _ => "nothing yet".to_owned(),
    };
    let mut row = |label: &str, value: &str| _ = writeln!(out, "{label:<16} {value}");
    row("read up to", &read);
    if let Some(failure) = failure {
        row("failing since", &format!("{}: {}", failure.since, visible(&failure.reason)));
    }
    if let Some(kept_out) = kept_out {
        row("kept out since", &format!("{}: {}", kept_out.since, visible(&kept_out.reason)));
    }
    row("transactions", &format!("{}, from {} to {}", store.documents, shown(store.oldest), shown(store.newest)));
    row("on their way", &store.open.to_string());
    row("dead letters", &dead.to_string());
    if set_aside > 0 {
        row("set aside", &format!("{set_aside} lines that runs died of: see `{}`", state.path(aside::FILE).display()));
    }
    let unrecognised = match tally.unrecognised {
        0 => String::new(),
        n => format!(", {n} not recognised: see `mailstitch coverage`"),
    };
    row("lines", &format!("{} read, {} understood{unrecognised}", tally.read(), percent(tally)));
    let read_last = runs
        .iter()
        .rev()
        .find(|run| run.summary.tally.mail + run.summary.tally.noise > 0)
        .map(|run| (run.at, run.summary.tally));
    let backfilled = history::backfilled(state.dir())?.map(|last| (last.at, last.tally));
    for (what, last) in [("run", read_last), ("backfill", backfilled)] {
        if let Some((at, complaint)) = last.and_then(|(at, tally)| Some((at, tally.complaint()?))) {
            row(
                "not understood",
                &format!("{at}: {what}: {complaint}: see `mailstitch check` and `mailstitch coverage`"),
            );
        }
    }
    for run in runs.iter().rev().take(RUNS_SHOWN) {
        row("run", &format!("{}  {}", run.at, one_line(run)));
    }
    output::write(&out)?;
    Ok(Outcome::Done)
}

fn one_line(run: &RunRecord) -> String {
    let (tally, merged) = (run.summary.tally, &run.summary.merged);
    let retries = if run.retries > 0 { format!(", {} retries", run.retries) } else { String::new() };
    let failed = run.failed.as_ref().map(|why| format!(", failed: {}", visible(why))).unwrap_or_default();
    format!(
        "{} lines, {} understood, {} created, {} updated, {} deleted, {:.1} s{retries}{failed}",
        tally.read(),
        percent(tally),
        merged.created,
        merged.updated,
        merged.deleted,
        run.took_ms as f64 / 1000.0
    )
}

fn percent(tally: Tally) -> String {
    tally.understood().map_or_else(|| "-".to_owned(), |share| format!("{} %", stitch::percent(share)))
}

/// Seconds in the unit that fits: `90 s`, `5 min`, `3.0 h`.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}
