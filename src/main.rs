//! Arguments in, exit code out. The only place that reads the clock, and the only one that sets the exit code.

use clap::Parser;
use mailstitch::{
    cli::Cli,
    commands,
    config::{self, Environment},
    error::{Error, Kind, Result},
    escape::visible,
    logging,
    outcome::{self, Outcome},
    threads,
};
use std::{panic, process::ExitCode};

/// Documents are made of many small strings: with the system's allocator, a third of the time would go into
/// allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // If this fails, standard output is closed and nobody reads it.
            _ = told.print();
            return ExitCode::from(if told.use_stderr() { outcome::exit_code(Kind::Usage) } else { 0 });
        }
    };
    let format = cli.log_format;
    logging::start(format, cli.verbose);
    // The panic has printed its message; its own exit code, 101, would mean nothing to the caller.
    let ended = panic::catch_unwind(|| start(cli)).unwrap_or_else(|_| {
        Err(Error::new(Kind::Software, "mailstitch has met a bug of its own").hint("please report the message above"))
    });
    ExitCode::from(ended.map_or_else(
        |error| {
            let code = outcome::exit_code(error.kind());
            format.tell_failure(&error, code);
            code
        },
        Outcome::exit_code,
    ))
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn start(cli: Cli) -> Result<Outcome> {
    let now = cli.now.unwrap_or_else(|| chrono::Utc::now().into());
    let settings = config::load(cli.config.as_deref(), &Environment::of_process())?;
    for warning in &settings.warnings {
        tracing::warn!("{}", visible(warning));
    }
    let runtime = threads::start(cli.log_format)?;
    runtime.block_on(commands::dispatch(cli, settings, now))
}
