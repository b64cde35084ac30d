//! `prune`: deletes old transactions, evidence included.

use super::{
    Context,
    open::{self, State},
    output,
};
use crate::{
    cli::Prune,
    error::{Error, Kind, Result},
    run::outcome::Outcome,
};

/// Deletes what ended longer ago than asked for.
pub async fn prune(context: &Context, args: &Prune) -> Result<Outcome> {
    let age = args.older_than.map(|span| span.0).or(context.settings.retention).ok_or_else(|| {
        Error::new(Kind::Usage, "cannot prune without an age")
            .hint("say `--older-than 365d`, or set `retention` in `[store]`")
    })?;
    let before = context.now.plus(-i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let state = State::open(&context.settings)?;
    let store = open::store(&context.settings, state.access)?;
    let deleted = store.prune(before, args.dry_run).await?;
    match args.dry_run {
        true => drop(output::write(&format!("{deleted} transactions ended before {before}; nothing was deleted\n"))?),
        false if context.talkative => eprintln!("{deleted} transactions deleted that ended before {before}"),
        false => {}
    }
    Ok(Outcome::Done)
}
