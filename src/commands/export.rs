//! `export`: prints the documents as NDJSON in the order of `mail.id`, the same from every store.

use super::{
    Context,
    open::{self, State},
    output,
};
use crate::{
    cli::Export,
    error::{Error, Result},
    outcome::Outcome,
    when,
};
use std::io::{BufWriter, ErrorKind, Write};

/// Prints all documents.
pub async fn export(context: &Context, args: &Export) -> Result<Outcome> {
    let within = when::range(args.within.since, args.within.until, context.now)?;
    let state = State::open(&context.settings)?;
    let store = open::store(&context.settings, state.access)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut after: Option<String> = None;
    loop {
        let page = store.page(after.as_deref(), within).await?;
        for transaction in &page.transactions {
            match writeln!(out, "{}", output::json(transaction, false)?) {
                Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(Outcome::Done),
                written => written.map_err(|e| Error::io("cannot write to standard output", &e))?,
            }
        }
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    match out.flush() {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::io("cannot write to standard output", &e)),
        _ => Ok(open::all_read(store.as_ref())),
    }
}
