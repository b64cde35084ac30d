//! `status`: how far reading has come.

use super::{
    Context,
    open::{self, State},
    run::LEDGER,
};
use crate::{
    cli::Status,
    error::{Error, Kind, Result},
    escape::visible,
    model::Time,
    run::{
        dead,
        history::{self, RunRecord},
        outcome::Outcome,
    },
};
use serde_json::json;

/// Runs shown in the text form.
const RUNS_SHOWN: usize = 5;

/// Prints watermark, lag, last runs, open transactions and dead letters.
pub async fn status(context: &Context, args: &Status) -> Result<Outcome> {
    let state = State::open(&context.settings)?;
    let watermark = state.ledger(LEDGER)?.and_then(|l| l.watermark);
    let runs = history::runs(state.dir())?;
    let failure = history::failure(state.dir())?;
    let dead = dead::count(state.dir())?;
    let store = open::store(&context.settings, state.access)?.summary().await?;
    let lag_s = watermark.map(|w| (context.now.0 - w.0) as f64 / 1000.0);
    if args.json {
        let runs: Vec<_> = runs.iter().rev().collect();
        let failure = failure.map(|f| json!({"since": f.since, "reason": f.reason}));
        let text = serde_json::to_string_pretty(&json!({
            "watermark": watermark, "lag_s": lag_s, "dead_letters": dead, "failing": failure, "runs": runs,
            "store": {"documents": store.documents, "open": store.open, "oldest": store.oldest, "newest": store.newest},
        }));
        println!("{}", text.map_err(|e| Error::new(Kind::Software, "cannot print the status").because(e))?);
        return Ok(Outcome::Done);
    }
    match (watermark, lag_s) {
        (Some(watermark), Some(lag)) => println!("read up to       {watermark} ({} ago)", span(lag)),
        _ => println!("read up to       nothing yet"),
    }
    if let Some(failure) = failure {
        println!("failing since    {}: {}", failure.since, visible(&failure.reason));
    }
    let shown = |t: Option<Time>| t.map_or_else(|| "-".to_owned(), |t| t.to_string());
    println!("transactions     {}, from {} to {}", store.documents, shown(store.oldest), shown(store.newest));
    println!("on their way     {}", store.open);
    println!("dead letters     {dead}");
    for run in runs.iter().rev().take(RUNS_SHOWN) {
        println!("run {}  {}", run.at, one_line(run));
    }
    Ok(Outcome::Done)
}

fn one_line(run: &RunRecord) -> String {
    let (tally, merged) = (run.summary.tally, &run.summary.merged);
    let share = match tally.read() - tally.duplicate {
        0 => "-".to_owned(),
        read => format!("{:.2} %", 100.0 * (tally.used + tally.unused) as f64 / read as f64),
    };
    format!(
        "{} lines, {share} understood, {} created, {} updated, {} deleted",
        tally.read(),
        merged.created,
        merged.updated,
        merged.deleted
    )
}

/// Seconds as people say them.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}
