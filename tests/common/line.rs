//! A line before any source has transported it, and the forms in which syslog daemons write it.

use mailstitch::model::{Intake, Line, Time};

/// A line as a mail server hands it to syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    pub time: Time,
    /// Fully qualified, as a collector sees it.
    pub host: String,
    pub program: String,
    pub pid: Option<u32>,
    pub text: String,
}

impl RawLine {
    /// `postfix/smtpd[4711]: text`.
    pub fn tagged(&self) -> String {
        match self.pid {
            Some(pid) => format!("{}[{pid}]: {}", self.program, self.text),
            None => format!("{}: {}", self.program, self.text),
        }
    }

    /// In the form of classic syslog daemons, in UTC: `Oct 29 07:01:02 mx1 postfix/smtpd[4711]: text`. The host's
    /// first label, whole seconds, no year.
    pub fn rfc3164(&self) -> String {
        format!("{} {} {}", self.time.utc().format("%b %e %H:%M:%S"), self.label(), self.tagged())
    }

    /// In the form of rsyslog since 2023: `2026-10-29T07:01:02.345+00:00 mx1 postfix/smtpd[4711]: text`.
    pub fn iso(&self) -> String {
        format!("{} {} {}", self.time.utc().format("%Y-%m-%dT%H:%M:%S%.3f+00:00"), self.label(), self.tagged())
    }

    /// `<22>1 2026-10-29T07:01:02.345Z mx1.example.org postfix/smtpd 4711 - - text` (RFC 5424).
    pub fn rfc5424(&self) -> String {
        let pid = self.pid.map_or("-".to_owned(), |pid| pid.to_string());
        format!("<22>1 {} {} {} {pid} - - {}", self.time, self.host, self.program, self.text)
    }

    /// The line that a source must make of it.
    pub fn line(&self, intake: &mut Intake) -> Line {
        intake.line(self.time, &self.host, &self.program, self.pid, &self.text).expect("a time of lines")
    }

    fn label(&self) -> &str {
        self.host.split('.').next().unwrap_or(&self.host)
    }
}
