//! Messages on standard error: progress, warnings, and why a command failed. Results go to standard output.
//!
//! As text for people and cron, or as one JSON object per line for log collectors.

use crate::{
    cli::LogFormat,
    error::Error,
    escape::{in_json, visible, without_logins},
};
use std::io::{self, Write};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Target of messages that are shown at every verbosity.
pub const ALWAYS: &str = "mailstitch::told";

/// Sets up logging: warnings only; `-v` adds what is done, further `-v` add detail, and from the third on messages of
/// other crates too. Text has no timestamps, because cron and the journal add theirs.
pub fn start(format: LogFormat, verbose: u8) {
    let filter = match verbose {
        0 => "warn,mailstitch::told=info",
        1 => "warn,mailstitch=info",
        2 => "warn,mailstitch=debug",
        _ => "debug,mailstitch=trace",
    };
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(Teller(format));
    // Fails only if logging is set up already, which is fine.
    _ = match format {
        LogFormat::Text => builder.without_time().with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_target(false).try_init(),
    };
}

/// Writes events to standard error. Each becomes one line without hidden characters and without logins in URLs,
/// whether it comes from us or from another crate.
#[derive(Debug, Clone, Copy)]
struct Teller(LogFormat);

impl Teller {
    fn line(self, event: &[u8]) -> String {
        let event = String::from_utf8_lossy(event);
        let event = without_logins(event.strip_suffix('\n').unwrap_or(&event));
        let line = match self.0 {
            LogFormat::Text => visible(&event).into_owned(),
            LogFormat::Json => in_json(event.into_owned()),
        };
        line + "\n"
    }
}

impl Write for Teller {
    /// Each call gets one whole event.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(self.line(event).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Teller {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl LogFormat {
    /// Prints each line of a text, whatever the verbosity.
    pub fn tell(self, text: &str) {
        for line in text.lines().map(visible) {
            match self {
                Self::Text => eprintln!("{line}"),
                Self::Json => tracing::info!(target: ALWAYS, "{line}"),
            }
        }
    }

    /// Prints why a command failed.
    pub fn tell_failure(self, error: &Error, exit_code: u8) {
        let text = without_logins(&error.to_string()).into_owned();
        let hint = error.hint_text().map(|hint| visible(&without_logins(hint)).into_owned());
        match self {
            Self::Text => {
                eprintln!("error: {}", visible(&text));
                hint.iter().for_each(|hint| eprintln!("hint: {hint}"));
            }
            Self::Json => tracing::error!(target: ALWAYS, exit_code, hint = hint.as_deref(), "{}", visible(&text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_that_no_terminal_obeys_and_that_tells_no_login() {
        let event = b"DEBUG proxy(http://u:s3cr3t@proxy.example.org/) \x1b[2J\xe2\x80\x8b\nx\n";
        let told = "DEBUG proxy(http://…@proxy.example.org/) \\x1b[2J\\u{200b}\\nx\n";
        assert_eq!(Teller(LogFormat::Text).line(event), told);
        let event = "{\"message\":\"//u:s3cr3t@h \u{e0041}\"}\n".as_bytes();
        assert_eq!(Teller(LogFormat::Json).line(event), "{\"message\":\"//…@h \\udb40\\udc41\"}\n");
    }
}
