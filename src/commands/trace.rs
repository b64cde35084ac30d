//! `trace`: what happened to a mail.

use super::{
    Context,
    open::{self, State},
    output,
};
use crate::{
    cli::Trace,
    error::Result,
    escape::visible,
    model::{
        Transaction,
        transaction::{Recipient, RecipientStatus, Status},
    },
    run::outcome::Outcome,
    store::Search,
    when,
};
use std::fmt::{Display, Write};

/// Prints what the store knows of the mails asked for, oldest first.
pub async fn trace(context: &Context, args: &Trace) -> Result<Outcome> {
    let within = when::range(args.within.since, args.within.until, context.now)?;
    let state = State::open(&context.settings)?;
    let store = open::store(&context.settings, state.access)?;
    let search = Search { terms: args.query.clone(), within, limit: args.limit };
    let mut found = store.search(&search).await?;
    found.sort_by(|a, b| a.mail.id.cmp(&b.mail.id));
    for transaction in &found {
        let read_on = match args.json {
            true => output::write_json(transaction, false)?,
            false => output::write(&text(transaction))?,
        };
        if !read_on {
            break;
        }
    }
    if found.len() == args.limit {
        eprintln!("only the newest {} are shown; `--limit` shows more", args.limit);
    }
    Ok(if found.is_empty() { Outcome::NothingFound } else { Outcome::Done })
}

/// A word as the document has it.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A transaction for people. Everything that comes from the log is made visible.
fn text(t: &Transaction) -> String {
    let mut out = String::new();
    let mut row = |label: &str, value: &dyn Display| {
        _ = writeln!(out, "  {label:<12} {}", visible(&value.to_string()));
    };
    let id = t.email.local_id.as_deref().unwrap_or("-");
    row("status", &match (t.mail.status, t.mail.complete) {
        (status, true) => word(status),
        (status @ (Status::Queued | Status::Deferred | Status::Held), false) => word(status),
        (status, false) => format!("{} (not both ends were seen)", word(status)),
    });
    if let Some(from) = &t.email.from.address {
        row("from", from);
    }
    if let Some(message_id) = &t.email.message_id {
        row("message-id", message_id);
    }
    let client = [t.source.domain.clone(), t.source.ip.as_ref().map(|ip| format!("[{ip}]"))];
    let client: String = client.into_iter().flatten().collect();
    if !client.is_empty() {
        row("client", &client);
    }
    if let Some(user) = &t.user.name {
        row("login", user);
    }
    if let Some(size) = t.mail.size {
        row("size", &size);
    }
    for r in &t.mail.recipients {
        row("to", &recipient(r));
    }
    for remark in t.mail.rejects.iter().chain(&t.mail.warnings) {
        let code = remark.code.map(|c| format!("{c} ")).unwrap_or_default();
        let to = remark.recipient.as_ref().map(|r| format!(" (to {r})")).unwrap_or_default();
        row(if remark.code.is_some() { "refused" } else { "note" }, &format!("{code}{}{to}", remark.text));
    }
    for filter in &t.mail.filters {
        row("filter", &format!("{}: {} {}", filter.name, filter.verdict, filter.detail.as_deref().unwrap_or_default()));
    }
    let head = format!("{}  {}  {}  {}", t.timestamp, t.host.name, id, word(t.mail.kind));
    format!("{}\n{out}\n", visible(&head))
}

fn recipient(r: &Recipient) -> String {
    let orig = r.orig_to.as_ref().map(|o| format!(" (for {o})")).unwrap_or_default();
    let via = r.relay.name.as_ref().filter(|n| *n != "none").map(|n| format!(" via {n}")).unwrap_or_default();
    let after = r.delay_s.map(|d| format!(" after {d} s")).unwrap_or_default();
    let tries = if r.attempts > 1 { format!(", {} attempts", r.attempts) } else { String::new() };
    let why = match (&r.reply, r.status) {
        (Some(reply), RecipientStatus::Sent) if reply.is_empty() => String::new(),
        (Some(reply), _) => format!(": {reply}"),
        (None, _) => String::new(),
    };
    format!("{}{orig} {}{via}{after}{tries}{why}", r.address, word(r.status))
}
