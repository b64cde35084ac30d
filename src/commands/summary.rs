//! The summary of a pass: what was read, what became of it, and what the store now holds of that time.

use super::{Context, output};
use crate::{
    cli::LogFormat,
    error::Result,
    logging::ALWAYS,
    model::{Range, transaction::Kind},
    pass::Summary,
    stitch::Tally,
    store::{Census, Search, Store},
};
use std::fmt::Write;

/// Transactions searched for a sender address to use as an example.
const LOOKED_AT: usize = 50;

/// Prints the summary: to standard output for a dry run, whose result it is, otherwise to standard error.
pub fn print(context: &Context, summary: &Summary, dry_run: bool) -> Result<()> {
    if dry_run {
        output::write(&text(summary, dry_run))?;
        return Ok(());
    }
    let (Tally { used, unused, unrecognised, duplicate, .. }, merged) = (summary.tally, &summary.merged);
    let (created, updated, deleted) = (merged.created, merged.updated, merged.deleted);
    match context.log_format {
        LogFormat::Text => context.log_format.tell(&text(summary, dry_run)),
        LogFormat::Json => {
            summary.notes.iter().for_each(|note| context.log_format.tell(note));
            let (lines, stopped) = (summary.tally.read(), summary.stopped);
            tracing::info!(
                target: ALWAYS, lines, used, unused, unrecognised, duplicate, created, updated, deleted, stopped,
                "read and written"
            );
        }
    }
    Ok(())
}

/// Warns if nothing could be read as a log line, or if less than half of the mail lines were understood.
pub fn complain(context: &Context, tally: Tally) {
    if let Some(complaint) = tally.complaint() {
        context.log_format.tell(&format!("{complaint}: see `mailstitch check` and `mailstitch coverage`"));
    }
}

/// Prints what the store holds of the time that was read, and which commands to try next.
pub async fn print_found(context: &Context, summary: &Summary, store: &dyn Store) -> Result<()> {
    let Some(span) = summary.span else { return Ok(()) };
    // The range excludes its end, but the last line belongs to it.
    let within = Range { from: span.from, to: span.to.plus(1) };
    store.refresh().await?;
    let census = store.census(within).await?;
    let newest = Search { within: Some(within), limit: LOOKED_AT, ..Search::default() };
    let senders = store.search(&newest).await?.into_iter().filter_map(|t| t.email.from.address);
    let example = senders.into_iter().find(|address| can_be_typed(address));
    context.log_format.tell(&format!("{}{}", counted(&census), further(&context.called, example.as_deref())));
    Ok(())
}

fn text(summary: &Summary, dry_run: bool) -> String {
    let (tally, merged) = (summary.tally, &summary.merged);
    let mut out = String::new();
    for note in &summary.notes {
        _ = writeln!(out, "{note}");
    }
    _ = writeln!(
        out,
        "{} lines read: {} used, {} known and unused, {} unrecognised, {} duplicates",
        tally.read(),
        tally.used,
        tally.unused,
        tally.unrecognised,
        tally.duplicate
    );
    if let Some(span) = summary.span {
        _ = writeln!(out, "from {} to {}", span.from, span.to);
    }
    _ = match (dry_run, merged.created + merged.updated + merged.deleted) {
        (true, _) => writeln!(out, "{} transactions found; nothing was written", merged.created),
        (false, 0) if tally.used > 0 => writeln!(out, "the store had all of it already: nothing was changed"),
        (false, _) => writeln!(
            out,
            "{} transactions created, {} updated, {} deleted",
            merged.created, merged.updated, merged.deleted
        ),
    };
    if summary.stopped {
        _ = writeln!(out, "stopped by a signal before all was read; the next one goes on from here");
    }
    if tally.unrecognised > 0 {
        _ = writeln!(out, "`mailstitch coverage [FILE]` shows the lines that were not recognised");
    }
    out
}

/// `messages: 512 delivered, 31 deferred`: one line for each kind, most frequent status first.
fn counted(census: &Census) -> String {
    let kinds = [
        (Kind::Message, "messages"),
        (Kind::Reject, "refused attempts"),
        (Kind::Session, "sessions without a message"),
        (Kind::Filter, "verdicts of filters"),
    ];
    let mut out = String::new();
    for (kind, name) in kinds {
        let mut statuses: Vec<(u64, String)> =
            census.counts().filter(|(k, _, _)| *k == kind).map(|(_, s, n)| (n, output::word(s))).collect();
        statuses.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let all: u64 = statuses.iter().map(|(n, _)| n).sum();
        _ = match (kind, all) {
            (_, 0) => Ok(()),
            (Kind::Message, _) => {
                let each: Vec<String> = statuses.iter().map(|(n, status)| format!("{n} {status}")).collect();
                writeln!(out, "{name}: {}", each.join(", "))
            }
            // The status of other kinds says no more than the kind.
            _ => writeln!(out, "{name}: {all}"),
        };
    }
    out
}

fn further(called: &str, example: Option<&str>) -> String {
    let example = example.unwrap_or("ADDRESS");
    format!("look further:\n  {called} trace {example}\n  {called} export\n  {called} status\n",)
}

/// Whether a shell takes the text literally. Sender addresses come from strangers.
fn can_be_typed(address: &str) -> bool {
    address.contains('@')
        && !address.starts_with('-')
        && address.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._+-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::transaction::Status, write::Merged};

    #[test]
    fn the_most_frequent_status_comes_first_and_kinds_that_are_not_there_are_left_out() {
        let mut census = Census::default();
        for (kind, status, times) in [
            (Kind::Message, Status::Bounced, 2),
            (Kind::Message, Status::Delivered, 512),
            (Kind::Message, Status::Deferred, 31),
            (Kind::Reject, Status::Rejected, 40),
        ] {
            (0..times).for_each(|_| census.count(kind, status, true));
        }
        let expected = "messages: 512 delivered, 31 deferred, 2 bounced\nrefused attempts: 40\n";
        assert_eq!(counted(&census), expected);
    }

    #[test]
    fn reading_again_says_that_nothing_was_changed() {
        let tally = Tally { used: 9, ..Tally::default() };
        let again = Summary { tally, ..Summary::default() };
        assert!(text(&again, false).ends_with("the store had all of it already: nothing was changed\n"));
        let first = Summary { tally, merged: Merged { created: 1, ..Merged::default() }, ..Summary::default() };
        assert!(text(&first, false).ends_with("1 transactions created, 0 updated, 0 deleted\n"));
    }

    #[test]
    fn an_address_that_a_shell_would_misread_is_no_example() {
        assert!(can_be_typed("alice+list@example.org"));
        for address in ["<>", "root", "a;b@example.org", "$(x)@example.org", "-a@example.org"] {
            assert!(!can_be_typed(address), "{address}");
        }
    }
}
