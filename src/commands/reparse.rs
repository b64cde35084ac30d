//! `reparse`: rebuilds every document from its own lines.

use super::{
    Context,
    open::{self, State},
};
use crate::{
    cli::Reparse as Args,
    error::{Error, Kind, Result},
    model::transaction::SCHEMA,
    outcome::Outcome,
    pass::reparse::{Reached, Reparse, reparse as pass},
    state::file,
    when,
};

const LEDGER: &str = "reparse.json";
const LOCK: &str = "reparse.lock";
/// Format version of that file.
const VERSION: u32 = 1;

/// Rebuilds the documents, continuing where the last reparse was stopped.
pub async fn reparse(context: &Context, args: &Args) -> Result<Outcome> {
    let within = when::range(args.within.since, args.within.until, context.now)?;
    let state = State::make(&context.settings)?;
    let Some(_lock) = state.lock(LOCK, context.now, "reparse")? else {
        return Err(Error::new(Kind::Temporary, "cannot start a reparse").because("another one is under way"));
    };
    let store = open::store(&context.settings, state.access)?;
    store.prepare().await?;
    let path = state.path(LEDGER);
    let by = format!("{} {SCHEMA}", env!("CARGO_PKG_VERSION"));
    // Progress made by another version or for another range does not count.
    let kept = file::load::<Reached>(&path, VERSION)?.filter(|kept| kept.by == by && kept.within == within);
    if context.talkative
        && let Some(kept) = &kept
    {
        context.log_format.tell(&format!("going on after {} documents", kept.documents));
    }
    let mut reached = kept.unwrap_or(Reached { version: VERSION, by, within, ..Reached::default() });
    let rules = open::rules(&context.settings);
    let stop = open::stop_signal(context)?;
    let save = |reached: &Reached| file::save(&path, reached, state.access);
    let with = Reparse { rules: &rules, state_dir: state.dir(), access: state.access, save: &save, stop };
    let (merged, is_done) = pass(store.as_ref(), &mut reached, &with).await?;
    if is_done {
        std::fs::remove_file(&path).map_err(|e| Error::io(format!("cannot remove `{}`", path.display()), &e))?;
    }
    let end = if is_done { "" } else { "; stopped by a signal, the next one goes on from here" };
    context.log_format.tell(&format!(
        "{} documents looked at, {} updated, {} created, {} deleted{end}",
        reached.documents, merged.updated, merged.created, merged.deleted
    ));
    match super::run::outcome(&state)? {
        Outcome::Done => Ok(open::all_read(store.as_ref())),
        with_letters => Ok(with_letters),
    }
}
