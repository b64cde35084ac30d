//! `prune`: deletes old transactions with their log lines.

use super::{
    Context,
    open::{self, State},
    output, run,
};
use crate::{
    cli::{LogFormat, Prune},
    error::{Error, Kind, Result},
    logging::ALWAYS,
    outcome::Outcome,
    state::lock::{Attempt, Lock},
};
use std::time::{Duration, Instant};

/// How long to wait for each lock. Most runs take less.
const PATIENCE: Duration = Duration::from_secs(20);

/// Deletes transactions that ended longer ago than the given age.
pub async fn prune(context: &Context, args: &Prune) -> Result<Outcome> {
    let age = args.older_than.map(|span| span.0).or(context.settings.retention).ok_or_else(|| {
        Error::new(Kind::Usage, "cannot prune without an age")
            .hint("say `--older-than 365d`, or set `retention` in `[store]`")
    })?;
    let before = context.now.plus(-i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let state = State::open(&context.settings)?;
    let store = open::store(&context.settings, state.access)?;
    if args.dry_run {
        let deleted = store.prune(before, true).await?;
        output::write(&format!("{deleted} transactions ended before {before}; nothing was deleted\n"))?;
        return Ok(Outcome::Done);
    }
    let _locks = locks(context, &state).await?;
    let deleted = store.prune(before, false).await?;
    match context.log_format {
        _ if !context.talkative => {}
        LogFormat::Text => eprintln!("{deleted} transactions deleted that ended before {before}"),
        LogFormat::Json => {
            tracing::info!(target: ALWAYS, deleted, before = %before, "transactions deleted that ended before a time");
        }
    }
    Ok(Outcome::Done)
}

/// Keeps `run` and `backfill` out while pruning: a monthly index is dropped after counting that all of it is old, and
/// must not be written to in between. Without a state directory nothing writes from this machine, so there is nothing
/// to lock.
async fn locks(context: &Context, state: &State) -> Result<Vec<Lock>> {
    let mut locks = Vec::new();
    if !state.dir().exists() {
        return Ok(locks);
    }
    for (name, what) in [(run::LOCK, "run"), (super::backfill::LOCK, "backfill")] {
        let since = Instant::now();
        loop {
            let holder = match state.attempt(name, context.now)? {
                Attempt::Locked(lock) => {
                    locks.push(lock);
                    break;
                }
                Attempt::Busy(holder) => holder,
            };
            if since.elapsed() > PATIENCE {
                let doing = format!("cannot prune what `{}` is written from", state.dir().display());
                return Err(Error::new(Kind::Temporary, doing).because(format!("a {what} is under way: {holder}")));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(locks)
}
