//! The commands, one file each.

mod backfill;
mod check;
mod coverage;
mod export;
mod open;
mod output;
mod prune;
mod reparse;
mod report;
mod run;
mod status;
mod summary;
mod trace;

use crate::{
    cli::{Cli, Command, LogFormat},
    config::Settings,
    error::Result,
    model::Time,
    outcome::Outcome,
    program,
};
use std::{
    io::IsTerminal,
    sync::{Arc, atomic::AtomicBool},
};

/// Shared by all commands.
struct Context {
    settings: Settings,
    now: Time,
    /// `now` comes from the clock, not from `--now`.
    is_clock: bool,
    /// Standard error is a terminal, or `-v` was given.
    talkative: bool,
    log_format: LogFormat,
    /// Set by SIGTERM or SIGINT, once [`open::stop_signal`] listens for them.
    stop: Arc<AtomicBool>,
    /// The command line that calls this program again, for advice that can be copied.
    called: String,
}

/// Runs the command that the command line names.
pub async fn dispatch(cli: Cli, settings: Settings, now: Time) -> Result<Outcome> {
    program::name(settings.programs.clone());
    let talkative = std::io::stderr().is_terminal() || cli.verbose > 0;
    let context = Context {
        settings,
        now,
        is_clock: cli.now.is_none(),
        talkative,
        log_format: cli.log_format,
        stop: Arc::default(),
        called: called(&cli),
    };
    match cli.command {
        Command::Run(args) => run::run(&context, &args).await,
        Command::Backfill(args) => backfill::backfill(&context, &args).await,
        Command::Trace(args) => trace::trace(&context, &args).await,
        Command::Report(args) => report::report(&context, &args).await,
        Command::Coverage(args) => coverage::coverage(&context, &args).await,
        Command::Export(args) => export::export(&context, &args).await,
        Command::Reparse(args) => reparse::reparse(&context, &args).await,
        Command::Prune(args) => prune::prune(&context, &args).await,
        Command::Check(_) => check::check(&context).await,
        Command::Status(args) => status::status(&context, &args).await,
    }
}

/// The program as it was called, with its `--config` if there is one.
fn called(cli: &Cli) -> String {
    let program = std::env::args_os().next().unwrap_or_else(|| "mailstitch".into());
    let config = cli.config.as_ref().map(|path| format!(" --config {}", path.display())).unwrap_or_default();
    format!("{}{config}", program.to_string_lossy())
}
