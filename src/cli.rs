//! The command line: types only. What a command does is in `commands/`.

use crate::{
    config::duration::Span,
    model::Time,
    when::{When, parse_moment},
};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Heading of the options that every command takes.
const GLOBAL: &str = "Global options";

/// Rebuild mail transactions from postfix and sendmail logs
///
/// Reads log lines from Graylog, Elasticsearch, OpenSearch, log files or the journal, puts the lines of each message
/// together and writes one searchable document for each into a store. Without any configuration it reads the local mail
/// log into an SQLite file under your state directory.
///
/// Exit codes: 0 done, 1 `trace` found nothing, 64 usage, 65 dead letters, 66 a file that could not be read, 69 name or
/// certificate, 70 a bug, 75 try again, 77 no permission, 78 settings.
#[derive(Debug, Parser)]
#[command(name = "mailstitch", version, max_term_width = 100)]
pub struct Cli {
    /// Configuration file [default: $MAILSTITCH_CONFIG, else /etc/mailstitch/config.toml if there]
    #[arg(short, long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How to write messages to standard error
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,

    /// Say more on standard error; can be repeated
    #[arg(short, long, global = true, help_heading = GLOBAL, action = ArgAction::Count)]
    pub verbose: u8,

    /// Fixes the clock, for tests.
    #[arg(long, global = true, hide = true, value_name = "T", value_parser = parse_moment)]
    pub now: Option<Time>,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Run),
    Backfill(Backfill),
    Trace(Trace),
    Report(Report),
    Coverage(Coverage),
    Export(Export),
    Reparse(Reparse),
    Prune(Prune),
    Check(Check),
    Status(Status),
}

/// Read what is new and update the transactions
///
/// Made for cron or a timer: reads the lines that came since the last run, late ones included, and updates store and
/// ledger. Silent when all is well and not on a terminal. Repeating it is safe; a second one at the same time does
/// nothing.
#[derive(Debug, Args)]
pub struct Run {
    /// Read and put together, print the summary, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Read the past, resumable
///
/// Reads the lines of a time range from the source, or the files that are named instead of it, and updates the store. It
/// has a ledger of its own, goes on where it was stopped, and never moves where `run` stands. Repeating it is safe.
#[derive(Debug, Args)]
pub struct Backfill {
    /// Start: 2026-11-22, "2026-11-22 14:00", RFC 3339, or how long ago (14d)
    #[arg(long, value_name = "T", required_unless_present = "files")]
    pub since: Option<When>,

    /// End, exclusive [default: now]
    #[arg(long, value_name = "T")]
    pub until: Option<When>,

    /// Read and put together, print the summary, write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Log files to read instead of the configured source; `-` is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Show the path of a message
///
/// Looks in the store for messages to which every QUERY applies: a sender or recipient, queue id, Message-ID, IP address,
/// host or login. Prints each journey as a tree, oldest hop first, with the delay of each hop and the fate of every recipient.
/// Changes nothing. Exits 1 when nothing was found.
#[derive(Debug, Args)]
pub struct Trace {
    /// Address, queue id, Message-ID, IP address, host or login
    #[arg(required = true)]
    pub query: Vec<String>,

    #[command(flatten)]
    pub within: Within,

    /// Show at most this many messages, the newest
    #[arg(long, value_name = "N", default_value = "50", value_parser = at_least_one)]
    pub limit: usize,

    /// Show the log lines behind each hop
    #[arg(long)]
    pub lines: bool,

    /// Print the documents of each journey as NDJSON
    #[arg(long)]
    pub json: bool,
}

/// Show the numbers of a time range
///
/// Reads the store and prints volume, senders, recipients, clients, relays, delays, what waits, and why mail failed or was
/// refused, of what began in the range. Fits a mail from cron; `--html` makes one page that needs no network. Changes
/// nothing.
#[derive(Debug, Args)]
pub struct Report {
    /// Start: 2026-11-22, "2026-11-22 14:00", RFC 3339, or how long ago (7d)
    #[arg(long, value_name = "T", default_value = "24h")]
    pub since: When,

    /// End, exclusive [default: now]
    #[arg(long, value_name = "T")]
    pub until: Option<When>,

    /// Rows of each table [default: 10 in text, 100 elsewhere]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,

    /// Print JSON
    #[arg(long, group = "form")]
    pub json: bool,

    /// Print CSV: table, name, column, value
    #[arg(long, group = "form")]
    pub csv: bool,

    /// Write a page for a browser, in one file
    #[arg(long, group = "form", value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Show which lines were not understood
///
/// Reads lines from the source, or the files that are named instead of it, and prints the share that was understood by
/// program and the shapes of those that were not, most frequent first. Changes nothing.
#[derive(Debug, Args)]
pub struct Coverage {
    /// Start, as for `backfill` [default: 24h; the whole of files and of the journal]
    #[arg(long, value_name = "T")]
    pub since: Option<When>,

    /// End, exclusive [default: now]
    #[arg(long, value_name = "T")]
    pub until: Option<When>,

    /// Look at every line of the source, not only at those of its `programs`
    #[arg(long)]
    pub all_programs: bool,

    /// Show at most this many shapes, and as many reasons why known lines were of no use
    #[arg(long, value_name = "N", default_value = "20", value_parser = at_least_one)]
    pub limit: usize,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// Log files to read instead of the configured source; `-` is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Print the transactions as NDJSON
///
/// Reads the store and prints one document per line, in the order of `mail.id`, the same from every kind of store.
/// Changes nothing.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    pub within: Within,
}

/// Rebuild the documents from their own lines
///
/// For after an upgrade: reads each document of the store, makes it anew from the lines in it, and writes it back where
/// that changes it. Needs no source. Goes in pages and on where it was stopped; repeating it is safe.
#[derive(Debug, Args)]
pub struct Reparse {
    #[command(flatten)]
    pub within: Within,
}

/// Delete old transactions from the store
///
/// Deletes transactions, evidence included, that ended longer ago than the given time. Repeating it is safe; what it
/// deletes comes back only by `backfill`, as long as the source still has the lines.
#[derive(Debug, Args)]
pub struct Prune {
    /// Age from which to delete, such as 365d [default: `retention` of the configuration]
    #[arg(long, value_name = "D")]
    pub older_than: Option<Span>,

    /// Count, delete nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Test configuration, connections and rights
///
/// Reads the configuration and asks source and store whether they would work, and says what to change where they would
/// not. Writes nothing.
#[derive(Debug, Args)]
pub struct Check {}

/// Show how far reading has come
///
/// Reads ledger, history and store and prints watermark, lag, messages still on their way, dead letters, the share of
/// lines that were understood, and the last runs. Changes nothing.
#[derive(Debug, Args)]
pub struct Status {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A range of time, open where an end is not given.
#[derive(Debug, Args)]
pub struct Within {
    /// Only transactions that were alive after this: 2026-11-22, RFC 3339, or how long ago (14d)
    #[arg(long, value_name = "T")]
    pub since: Option<When>,

    /// Only transactions that began before this
    #[arg(long, value_name = "T")]
    pub until: Option<When>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "not a number from 1 on".into())
}
