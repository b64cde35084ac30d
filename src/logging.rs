//! What is told on standard error while work goes on. Results go to standard output, and errors that end a command are
//! printed by `main`.

use crate::cli::LogFormat;
use tracing_subscriber::EnvFilter;

/// Starts telling: warnings only, with `-v` also what is done, with more of them ever more. Other crates' news is told
/// from the third `-v` on. Text carries no time: cron and the journal add theirs.
pub fn start(format: LogFormat, verbose: u8) {
    let filter = match verbose {
        0 => "warn",
        1 => "warn,mailstitch=info",
        2 => "warn,mailstitch=debug",
        _ => "debug,mailstitch=trace",
    };
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr);
    // It fails only where something is telling already, which is as good.
    _ = match format {
        LogFormat::Text => builder.without_time().with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
