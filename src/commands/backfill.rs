//! `backfill`: reads a range of the past. It can be resumed, and has a ledger of its own.

use super::{
    Context,
    open::{self, Source, State},
    summary,
};
use crate::{
    cli::Backfill,
    error::{Error, Kind, Result},
    model::{Range, Time},
    outcome::Outcome,
    pass::{Pass, Progress, Summary, agree, counting, history, positioned},
    state::Checkpoint,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const LEDGER: &str = "backfill.json";
pub const LOCK: &str = "backfill.lock";

/// Reads a range of the past.
pub async fn backfill(context: &Context, args: &Backfill) -> Result<Outcome> {
    let range = range(context, args)?;
    // A dry run writes nothing, so it needs no lock.
    let state = if args.dry_run { State::open(&context.settings)? } else { State::make(&context.settings)? };
    let lock = if args.dry_run { None } else { state.lock(LOCK, context.now, "backfill")? };
    if lock.is_none() && !args.dry_run {
        return Err(Error::new(Kind::Temporary, "cannot start a backfill").because("another one is under way"));
    }
    let rules = open::rules(&context.settings);
    let mut kept = if args.dry_run { None } else { state.ledger(LEDGER)? };
    let store = open::store(&context.settings, state.access)?;
    if !args.dry_run {
        store.prepare().await?;
        if let Some(ledger) = &kept
            && !agree::agrees(store.as_ref(), ledger).await?
        {
            tracing::warn!("the store misses what this backfill had written when it was stopped: it begins anew");
            kept = None;
        }
    }
    let stop = open::stop_signal(context)?;
    let bar = bar();
    let pass = Pass {
        store: (!args.dry_run).then_some(store.as_ref()),
        rules: &rules,
        window: context.settings.window,
        now: context.now,
        state_dir: state.dir(),
        notes: "backfill-under-way.json",
        access: state.access,
        save: &|ledger| state.save(LEDGER, ledger),
        progress: &|p| show(&bar, p),
        stop,
    };
    let done = walk(context, args, range, kept, &pass).await;
    bar.finish_and_clear();
    let done = done?;
    if !args.dry_run && !done.stopped {
        // Everything was read: the next backfill starts from scratch.
        let path = state.path(LEDGER);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(format!("cannot remove `{}`", path.display()), &e));
            }
            _ => {}
        }
    }
    summary::print(context, &done, args.dry_run)?;
    summary::complain(context, done.tally);
    if let Some(told) = done.strangers.told(&done.tally) {
        context.log_format.tell(&told);
    }
    let cut = match (done.stopped, done.not_whole) {
        (true, _) => Some(Outcome::Stopped),
        (_, true) => Some(Outcome::NotWhole),
        _ => None,
    };
    if args.dry_run {
        return Ok(cut.unwrap_or(Outcome::Done));
    }
    history::note_backfill(state.dir(), state.access, context.now, done.tally)?;
    summary::print_found(context, &done, store.as_ref()).await?;
    // Called even if `cut` decides the exit code: it also warns of dead letters and lines set aside.
    let outcome = super::run::outcome(&state)?;
    Ok(cut.unwrap_or(outcome))
}

/// The requested range. `None` means everything; without `--since` it is open at the start.
fn range(context: &Context, args: &Backfill) -> Result<Option<Range>> {
    let until = args.until.map_or(context.now, |t| t.at(context.now));
    let Some(since) = args.since.map(|t| t.at(context.now)) else {
        return Ok(args.until.map(|_| Range { from: Time(i64::MIN), to: until }));
    };
    if since >= until {
        let text = format!("`--since` ({since}) must be before `--until` ({until})");
        return Err(Error::new(Kind::Usage, "cannot backfill an empty range").because(text));
    }
    Ok(Some(Range { from: since, to: until }))
}

async fn walk(
    context: &Context,
    args: &Backfill,
    range: Option<Range>,
    kept: Option<Checkpoint>,
    pass: &Pass<'_>,
) -> Result<Summary> {
    let asked = format!("{:?} {:?}", args.files, range.map(|r| r.from));
    let open = |position| match args.files.is_empty() {
        true => open::source(context, position),
        false => open::named_files(context, &args.files, position),
    };
    match open(None)? {
        Source::Counting(source) => {
            let Some(range) = range else {
                return Err(Error::new(Kind::Usage, "cannot backfill everything").hint("say from when with `--since`"));
            };
            let fingerprint = source.fingerprint();
            let kept = kept.filter(|ledger| {
                let is_ahead = ledger.is_ahead(pass.now);
                if is_ahead {
                    tracing::warn!("a clock was wrong when this backfill was stopped: it begins anew");
                }
                !is_ahead
            });
            // Resume a backfill of the same source that was stopped inside this range.
            let resumable = |l: &Checkpoint| {
                let inside = l.watermark.is_some_and(|w| range.from <= w);
                l.fingerprint == fingerprint && l.floor.is_some_and(|f| f <= range.from) && inside
            };
            let mut ledger = kept.filter(resumable).unwrap_or_else(|| {
                let mut ledger = Checkpoint::new(fingerprint.clone());
                ledger.floor = Some(range.from);
                ledger
            });
            counting::backfill(source, range, &mut ledger, pass).await
        }
        Source::Positioned(source) => {
            let asked = format!("{asked} {}", source.fingerprint());
            let resumable = |l: &Checkpoint| l.fingerprint == asked;
            let mut ledger = kept.filter(resumable).unwrap_or_else(|| Checkpoint::new(asked.clone()));
            let Source::Positioned(mut source) = open(ledger.position.clone())? else {
                return Err(Error::new(Kind::Software, "a source of files became another one"));
            };
            positioned::backfill(source.as_mut(), &mut ledger, range, asked, pass).await
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = "{bar:30} {percent:>3} %  {msg}  {elapsed} gone, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, p: Progress<'_>) {
    if let Some(total) = p.total {
        bar.set_length(total);
    }
    bar.set_position(p.done);
    bar.set_message(format!("{} lines", p.summary.tally.read()));
}
