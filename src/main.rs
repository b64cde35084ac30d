//! Arguments in, exit code out. The only place that reads the clock, and the only one that turns errors into numbers.

use clap::Parser;
use mailstitch::{
    cli::{Cli, LogFormat},
    commands,
    config::{self, Environment},
    error::{Error, Kind, Result},
    escape::visible,
    logging,
    run::outcome::{self, Outcome},
};
use std::{
    panic,
    process::{self, ExitCode},
    sync::mpsc,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// Documents are many small texts: the system's allocator would take a third of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Where standard output is closed there is nobody to tell.
            _ = told.print();
            return ExitCode::from(if told.use_stderr() { outcome::exit_code(Kind::Usage) } else { 0 });
        }
    };
    let format = cli.log_format;
    logging::start(format, cli.verbose);
    // The panic's own message is on standard error by now; its exit code, 101, would mean nothing to the caller.
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
    let runtime = threads(cli.log_format)?;
    runtime.block_on(commands::dispatch(cli, settings, now))
}

/// Threads for tasks, and one for files and the database.
///
/// Where the system gives no thread, tokio panics and then waits for ever for those it has: the process ends instead. The
/// thread for files is made now, and kept: tokio would silently wait for one that is never made.
#[expect(clippy::disallowed_methods, reason = "nobody is left who could return the error")]
fn threads(format: LogFormat) -> Result<Runtime> {
    const DAY: Duration = Duration::from_secs(86_400);
    let failed = || Error::new(Kind::Memory, "cannot start threads").because("the system gives none");
    panic::set_hook(Box::new(move |_| {
        let code = outcome::exit_code(Kind::Memory);
        format.tell_failure(&failed(), code);
        process::exit(code.into())
    }));
    let runtime = Builder::new_multi_thread().enable_all().thread_keep_alive(DAY).build();
    _ = panic::take_hook();
    let runtime = runtime.map_err(|cause| Error::io("cannot start threads", &cause))?;

    let (started, wait) = mpsc::channel();
    runtime.spawn_blocking(move || started.send(()));
    if wait.recv_timeout(Duration::from_secs(10)).is_err() {
        runtime.shutdown_background();
        return Err(failed());
    }
    Ok(runtime)
}
