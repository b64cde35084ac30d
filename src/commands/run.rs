//! `run`: one pass over what is new, for cron and the timer.

use super::{
    Context,
    open::{self, Source, State},
    summary,
};
use crate::{
    checkpoint::Checkpoint,
    cli::Run,
    error::{Error, Result},
    run::{
        Pass, Summary, counting, dead,
        history::{self, Telling},
        outcome::Outcome,
        positioned,
    },
};

/// The ledger of `run` in the state directory.
pub const LEDGER: &str = "checkpoint.json";
const LOCK: &str = "run.lock";

/// Reads what is new.
pub async fn run(context: &Context, args: &Run) -> Result<Outcome> {
    if args.dry_run {
        let done = pass(context, &State::open(&context.settings)?, true).await?;
        summary::print(&done, true)?;
        return Ok(Outcome::Done);
    }
    let state = State::make(&context.settings)?;
    let Some(_lock) = state.lock(LOCK, context.now, "run")? else { return Ok(Outcome::Done) };
    match pass(context, &state, false).await {
        Ok(done) => {
            if let Some(recovered) = history::succeeded(state.dir(), state.access, context.now, &done)? {
                eprintln!("{recovered}");
            }
            if context.talkative {
                summary::print(&done, false)?;
            }
            outcome(&state)
        }
        Err(error) => told_before(context, &state, error),
    }
}

/// How a pass that ended well ends: dead letters are told.
pub fn outcome(state: &State) -> Result<Outcome> {
    match dead::count(state.dir())? {
        0 => Ok(Outcome::Done),
        n => {
            let file = state.path(dead::FILE);
            tracing::warn!("{n} documents were refused by the store: see `{}`", file.display());
            Ok(Outcome::DeadLetters)
        }
    }
}

/// A failure that was told before keeps its exit code and its silence.
fn told_before(context: &Context, state: &State, error: Error) -> Result<Outcome> {
    match history::failed(state.dir(), state.access, context.now, &error) {
        Ok(Telling::Again) if !context.talkative => Ok(Outcome::FailedAsBefore(error.kind())),
        // That the failure cannot be remembered is most likely the same failure.
        _ => Err(error),
    }
}

async fn pass(context: &Context, state: &State, dry_run: bool) -> Result<Summary> {
    let rules = open::rules(&context.settings);
    // The ledger first: where it cannot be read, nothing may be written.
    let kept = state.ledger(LEDGER)?;
    let store = open::store(&context.settings, state.access)?;
    let mut ledger = kept.unwrap_or_else(|| Checkpoint::new(String::new()));
    if !dry_run {
        store.prepare().await?;
        dead::raise(state.dir(), state.access, store.as_ref(), &rules).await?;
    }
    let source = open::source(context, ledger.position.clone())?;
    let stop = open::stop_signal()?;
    let pass = Pass {
        store: (!dry_run).then_some(store.as_ref()),
        rules: &rules,
        window: context.settings.window,
        now: context.now,
        state_dir: state.dir(),
        access: state.access,
        save: &|ledger| state.save(LEDGER, ledger),
        progress: &|_| {},
        stop: &stop,
    };
    match source {
        Source::Counting(source) => counting::run(source, &mut ledger, &pass).await,
        Source::Positioned(mut source) => positioned::run(source.as_mut(), &mut ledger, &pass).await,
    }
}
