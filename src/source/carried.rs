//! Makes a line from the fields in which a log server keeps it.
//!
//! In: the fields of a document or a row.  Out: a line, or the text that no line could be made of (noise).
//! Ignored on purpose: a stamp in the message. The server finds the line by its own time field, so that time is used.

use crate::{
    frame,
    model::{Intake, Line, Time, line::Misdated},
    source::Noise,
};
use std::borrow::Cow;

/// Characters of a noise text that are kept.
const NOISE: usize = 500;

/// The fields of one line, as a log server keeps them. None of the texts is blank.
pub struct Carried<'d> {
    pub time: Option<Time>,
    /// With or without the syslog header.
    pub message: Cow<'d, str>,
    pub host: Option<Cow<'d, str>>,
    /// Syslog names or whole tags, the most trusted first.
    pub programs: Vec<Cow<'d, str>>,
    pub pid: Option<Cow<'d, str>>,
}

impl Carried<'_> {
    /// The first missing part that a line needs: `time`, `host` or `program`.
    pub fn wanting(&self) -> Option<&'static str> {
        let parts = self.parts();
        match (self.time, parts.host, parts.program) {
            (None, ..) => Some("time"),
            (_, None, _) => Some("host"),
            (.., None) => Some("program"),
            _ => None,
        }
    }

    /// # Errors
    /// The message as noise, if time, host or program is missing, or the time is out of range.
    pub(super) fn line(&self, intake: &mut Intake) -> Result<Line, Noise> {
        let parts = self.parts();
        match (self.time, parts.host, parts.program) {
            (Some(time), Some(host), Some(program)) => {
                let line = intake.line(time, host, program, parts.pid, parts.text);
                line.map_err(|Misdated| Noise { misdated: true, ..noise(&self.message) })
            }
            _ => Err(noise(&self.message)),
        }
    }

    fn parts(&self) -> frame::Message<'_> {
        let (program, tag_pid) = program(&self.programs);
        let pid = self.pid.as_ref().and_then(|pid| pid.trim().parse().ok()).or(tag_pid);
        // rsyslog's `msg` keeps the blank after the tag, which does not belong to the text.
        let bare = self.message.strip_prefix(' ').unwrap_or(&self.message);
        frame::message(bare, self.host.as_deref(), program, pid)
    }
}

/// A text that no line could be made of, cut to the length that is kept.
pub(super) fn noise(text: &str) -> Noise {
    Noise { text: text.chars().take(NOISE).collect(), misdated: false }
}

/// The syslog name, and the process id if a field holds the whole tag (`postfix/smtpd[7]:`). The first field decides,
/// unless it was cut at the slash and a later one has the rest: `postfix` (rsyslog's `programname`) and
/// `postfix/smtpd[7]:`.
fn program<'a>(tags: &'a [Cow<'_, str>]) -> (Option<&'a str>, Option<u32>) {
    let mut all = tags.iter().map(|tag| {
        let tag = tag.trim();
        let inside = frame::message(tag, None, None, None);
        inside.program.map_or((tag.trim_end_matches(':'), None), |program| (program, inside.pid))
    });
    let Some(first) = all.next() else { return (None, None) };
    let goes_on = |name: &str| name.strip_prefix(first.0).is_some_and(|rest| rest.starts_with('/'));
    let (name, pid) = all.find(|(name, _)| goes_on(name)).unwrap_or(first);
    (Some(name), pid)
}
