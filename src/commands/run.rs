//! `run`: one pass over what is new, for cron or a timer.

use super::{
    Context,
    open::{self, Source, State},
    summary,
};
use crate::{
    cli::Run,
    error::{Error, Kind, Result},
    escape::visible,
    net::http::retry,
    outcome::{Outcome, exit_code},
    pass::{
        Pass, Progress, Summary, agree, aside, counting,
        history::{self, RunRecord, Telling},
        jump::{self, Uptime},
        metrics, positioned,
    },
    state::{Checkpoint, file},
    write::dead,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// The ledger of `run` in the state directory.
pub const LEDGER: &str = "checkpoint.json";
pub const LOCK: &str = "run.lock";

/// Reads what is new.
pub async fn run(context: &Context, args: &Run) -> Result<Outcome> {
    if args.dry_run {
        let done = pass(context, &State::open(&context.settings)?, true, &|_| {}).await?;
        summary::print(context, &done, true)?;
        return Ok(Outcome::Done);
    }
    let state = State::make(&context.settings)?;
    let _lock = match state.lock(LOCK, context.now, "run") {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(Outcome::Done),
        Err(error) if error.kind() == Kind::Temporary => return kept_out(context, &state, error),
        Err(error) => return Err(error),
    };
    history::let_in(state.dir())?;
    let began = Instant::now();
    let uptime = context.is_clock.then(Uptime::read).flatten();
    if let Some(last) = history::load(state.dir())?.runs.last()
        && let Some(told) = jump::told((last.at, last.uptime.as_ref()), (context.now, uptime.as_ref()))
    {
        tracing::warn!("{told}");
    }
    // Keeps the counts after each stretch: if the run fails later, these stretches stay marked and belong in its
    // record.
    let marked = Mutex::new(Summary::default());
    let keep = |p: Progress<'_>| *marked.lock().unwrap_or_else(PoisonError::into_inner) = p.summary.counts();
    let done = pass(context, &state, false, &keep).await;
    let record = |summary| RunRecord {
        at: context.now,
        uptime,
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        retries: retry::noted(),
        complained: false,
        failed: None,
        summary,
    };
    match done {
        Ok(done) => {
            let complains = done.tally.complaint().is_some()
                && (context.talkative || !history::complained(state.dir(), context.now)?);
            let record = RunRecord { complained: complains, ..record(done.counts()) };
            let recovered = history::succeeded(state.dir(), state.access, record)?;
            recovered.iter().for_each(|line| context.log_format.tell(line));
            if context.talkative {
                summary::print(context, &done, false)?;
            }
            if complains {
                summary::complain(context, done.tally);
            }
            let outcome = outcome(&state)?;
            publish(context, &state, outcome.exit_code());
            Ok(outcome)
        }
        Err(error) => {
            let marked = marked.into_inner().unwrap_or_else(PoisonError::into_inner);
            let telling = history::failed(state.dir(), state.access, record(marked), &error);
            publish(context, &state, exit_code(error.kind()));
            match telling {
                Ok(Telling::Again) if !context.talkative => Ok(Outcome::FailedAsBefore(error.kind())),
                // If the failure cannot be recorded, the cause is most likely the same.
                _ => Err(error),
            }
        }
    }
}

/// Ends a run whose lock another run has held for too long.
fn kept_out(context: &Context, state: &State, error: Error) -> Result<Outcome> {
    let telling = history::is_kept_out(state.dir(), state.access, context.now, &error);
    publish(context, state, exit_code(error.kind()));
    match telling {
        Ok(Telling::Again) if !context.talkative => Ok(Outcome::FailedAsBefore(error.kind())),
        _ => Err(error),
    }
}

/// Outcome of a pass that succeeded, with a warning of dead letters and of lines set aside.
pub fn outcome(state: &State) -> Result<Outcome> {
    let aside = aside::count(state.dir())?;
    if aside > 0 {
        let file = state.path(aside::FILE);
        tracing::warn!("{aside} lines are set aside, because runs died of them: see `{}`", file.display());
    }
    match dead::count(state.dir())? {
        0 if aside > 0 => Ok(Outcome::DeadLetters),
        0 => Ok(Outcome::Done),
        n => {
            let file = state.path(dead::FILE);
            tracing::warn!("{n} documents were refused by the store: see `{}`", file.display());
            Ok(Outcome::DeadLetters)
        }
    }
}

/// Writes the metrics file, if one is configured. A failure to write it is a warning only: whoever watches the
/// metrics sees that they no longer change.
fn publish(context: &Context, state: &State, exit_code: u8) {
    let Some(path) = &context.settings.metrics_file else { return };
    let written = history::load(state.dir()).and_then(|history| {
        let now = metrics::Now {
            at: context.now,
            state_dir: &state.dir().to_string_lossy(),
            watermark: state.ledger(LEDGER)?.and_then(|ledger| ledger.watermark),
            dead_letters: dead::count(state.dir())?,
            set_aside: aside::count(state.dir())?,
            exit_code,
            kept_out: history::kept_out(state.dir())?.map(|failure| failure.since),
        };
        file::publish(path, &metrics::text(&history, &now))
    });
    if let Err(error) = written {
        tracing::warn!("{}", visible(&error.to_string()));
    }
}

async fn pass(
    context: &Context,
    state: &State,
    dry_run: bool,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Summary> {
    let rules = open::rules(&context.settings);
    // Load the ledger first: if it cannot be read, nothing may be written.
    let kept = state.ledger(LEDGER)?;
    let store = open::store(&context.settings, state.access)?;
    let mut ledger = kept.unwrap_or_else(|| Checkpoint::new(String::new()));
    if !dry_run {
        store.prepare().await?;
        dead::raise(state.dir(), state.access, store.as_ref(), &rules).await?;
        let told = agree::agree(store.as_ref(), &mut ledger, context.now, &context.settings.window).await?;
        told.iter().for_each(|told| tracing::warn!("{}", visible(told)));
        if !told.is_empty() {
            state.save(LEDGER, &ledger)?;
        }
    }
    let source = open::source(context, ledger.position.clone())?;
    let stop = open::stop_signal(context)?;
    let pass = Pass {
        store: (!dry_run).then_some(store.as_ref()),
        rules: &rules,
        window: context.settings.window,
        now: context.now,
        state_dir: state.dir(),
        notes: "run-under-way.json",
        access: state.access,
        save: &|ledger| state.save(LEDGER, ledger),
        progress,
        stop,
    };
    match source {
        Source::Counting(source) => counting::run(source, &mut ledger, &pass).await,
        Source::Positioned(mut source) => positioned::run(source.as_mut(), &mut ledger, &pass).await,
    }
}
