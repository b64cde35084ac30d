//! What a log server carries of a line, field by field, made a line again.
//!
//! In: the fields that a document or a row has.  Out: a line, or the text that no line could be made of (noise).
//! Ignored on purpose: a stamp in the message, because the server has a time field, and finds the line by that.

use crate::{
    frame,
    model::{Intake, Line, Time, line::Misdated},
    source::Noise,
};
use std::borrow::Cow;

/// Longest noise that is kept, characters.
const NOISE: usize = 500;

/// The fields of one line; none is a text of blanks.
pub struct Carried<'d> {
    pub time: Option<Time>,
    /// With or without the syslog header.
    pub message: Cow<'d, str>,
    pub host: Option<Cow<'d, str>>,
    /// Syslog names, or whole tags, in the order in which they are believed.
    pub programs: Vec<Cow<'d, str>>,
    pub pid: Option<Cow<'d, str>>,
}

impl Carried<'_> {
    /// The first part that a line would need and that is nowhere: `time`, `host` or `program`.
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
    /// The message, where time, host or program are missing, or the time cannot be kept.
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
        // rsyslog's `msg` keeps the blank after the tag, which is no part of a text.
        let bare = self.message.strip_prefix(' ').unwrap_or(&self.message);
        frame::message(bare, self.host.as_deref(), program, pid)
    }
}

/// A text of nobody, cut to what is kept of it.
pub(super) fn noise(text: &str) -> Noise {
    Noise { text: text.chars().take(NOISE).collect(), misdated: false }
}

/// The syslog name, and the process id where a field holds the whole tag (`postfix/smtpd[7]:`). The first field decides,
/// unless a later one goes on where it was cut at the slash, as rsyslog's `programname` is.
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
