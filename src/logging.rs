//! What is told on standard error: while work goes on, and why a command failed. Results go to standard output.
//!
//! As text for people and cron, or as one JSON object a line for those who collect logs.

use crate::{cli::LogFormat, error::Error, escape::visible};
use tracing_subscriber::EnvFilter;

/// What is told however few words were asked for.
pub const ALWAYS: &str = "mailstitch::told";

/// Starts telling: warnings only, with `-v` also what is done, with more of them ever more. Other crates' news is told
/// from the third `-v` on. Text carries no time: cron and the journal add theirs.
pub fn start(format: LogFormat, verbose: u8) {
    let filter = match verbose {
        0 => "warn,mailstitch::told=info",
        1 => "warn,mailstitch=info",
        2 => "warn,mailstitch=debug",
        _ => "debug,mailstitch=trace",
    };
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr);
    // It fails only where something is telling already, which is as good.
    _ = match format {
        LogFormat::Text => builder.without_time().with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_target(false).try_init(),
    };
}

impl LogFormat {
    /// Tells each line of a text, whatever the verbosity.
    pub fn tell(self, text: &str) {
        for line in text.lines().map(visible) {
            match self {
                Self::Text => eprintln!("{line}"),
                Self::Json => tracing::info!(target: ALWAYS, "{line}"),
            }
        }
    }

    /// Tells why a command failed.
    pub fn tell_failure(self, error: &Error, exit_code: u8) {
        let (text, hint) = (error.to_string(), error.hint_text().map(visible));
        match self {
            Self::Text => {
                eprintln!("error: {}", visible(&text));
                hint.iter().for_each(|hint| eprintln!("hint: {hint}"));
            }
            Self::Json => tracing::error!(target: ALWAYS, exit_code, hint = hint.as_deref(), "{}", visible(&text)),
        }
    }
}
