//! `report`: the numbers of a time range, for people, spreadsheets and browsers.

use super::{
    Context,
    open::{self, State},
    output,
};
use crate::{
    cli::Report as Args,
    error::{Error, Kind, Result},
    outcome::Outcome,
    report::{self, Collector, csv, html, text},
    state, when,
};
use std::path::Path;

/// Default rows of a table as text.
const FEW: usize = 10;
/// Default rows in JSON, CSV and HTML, where they can be sorted and filtered.
const MANY: usize = 100;

/// Prints or writes the report.
pub async fn report(context: &Context, args: &Args) -> Result<Outcome> {
    let until = args.until.unwrap_or(when::When::At(context.now));
    let range = when::range(Some(args.since), Some(until), context.now)?
        .ok_or_else(|| Error::new(Kind::Software, "a range with both ends has none"))?;
    let state = State::open(&context.settings)?;
    let store = open::store(&context.settings, state.access)?;
    let mut collector = Collector::new(range);
    let mut after: Option<String> = None;
    loop {
        let page = store.page(after.as_deref(), Some(range)).await?;
        page.transactions.iter().for_each(|t| collector.add(t));
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    // Then messages still in the queue whose last line is older than the range: the pages above do not have them.
    loop {
        let page = store.waiting(after.as_deref(), range.from).await?;
        page.transactions.iter().for_each(|t| collector.add(t));
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    let is_text = !args.json && !args.csv && args.html.is_none();
    let limit = args.limit.unwrap_or(if is_text { FEW } else { MANY });
    let made = report::make(collector, context.now, limit);
    let unwritten = |e: &dyn std::fmt::Display| Error::new(Kind::Software, "cannot write the report").because(e);
    if args.json {
        output::write_json(&made, true)?;
    } else if args.csv {
        output::write(&csv::csv(&made).map_err(|e| unwritten(&e))?)?;
    } else if let Some(path) = &args.html {
        write_page(path, &html::html(&made).map_err(|e| unwritten(&e))?, &state)?;
    } else {
        output::write(&text::text(&made))?;
    }
    if made.is_empty() {
        let there_is = open::what_there_is(context, store.as_ref(), "say from when with `--since`").await?;
        let told = format!("nothing began between {} and {}: {there_is}", made.range.from, made.range.to);
        context.log_format.tell(&told);
    }
    Ok(open::all_read(store.as_ref()))
}

/// Replaces the file atomically, so that a web server never shows half of it. It holds addresses, so it is readable
/// by the same users as the state directory.
fn write_page(path: &Path, page: &str, state: &State) -> Result<()> {
    state::file::replace(path, state.access, |out| out.write_all(page.as_bytes()))
}
