//! Headers of log lines: host and tag, which thousands of lines have in common, are understood once.
//!
//! In: a line of a log file.  Out: the line that [`frame::frame`] and the [`Intake`] make of it.

use crate::{
    frame::{self, Dater, Stamp},
    model::{
        Intake, Line,
        line::{Misdated, NAMES_KEPT, Origin},
    },
    program::family,
};
use hashbrown::HashMap;
use memchr::memchr_iter;

/// Where lines come from whose header does not say it.
const HERE: &str = "localhost";

/// Reads lines of log files.
#[derive(Debug)]
pub struct Headers {
    intake: Intake,
    /// What follows the stamp, up to the colon and its blank: `mx1 postfix/smtpd[2134]:`.
    known: HashMap<String, Known>,
    /// Lines of one second follow each other: the stamp of the last one with its blank, and what it says.
    stamp: (String, Option<Stamp>),
}

/// What a header says, and whether lines under it may hold whole lines of another program.
#[derive(Debug)]
struct Known {
    origin: Origin,
    carries: bool,
}

impl Headers {
    pub fn new(intake: Intake) -> Self {
        Self { intake, known: HashMap::default(), stamp: Default::default() }
    }

    /// The line that a text is; `None` when no frame with a time fits. `inside`: the host of lines that a container logged
    /// without one.
    pub fn line(&mut self, text: &str, dater: &mut Dater, inside: Option<&str>) -> Option<Result<Line, Misdated>> {
        let parts = self.take_apart(text);
        if let Some((stamp, header, text)) = parts
            && let Some(known) = self.known.get(header)
            && !(known.carries && frame::is_line(text))
        {
            return Some(known.origin.line(dater.date(stamp), text));
        }
        let frame = frame::frame(text)?;
        let host = frame.host.or(inside.filter(|_| frame.wrapped));
        let origin = self.origin(host, frame.program, frame.pid);
        let line = origin.line(dater.date(frame.stamp), frame.text);
        // What the frame ended with the header it read in nothing else, so that it will read the same again.
        if let Some((_, header, _)) = parts.filter(|(_, _, text)| text.len() == frame.text.len())
            && !frame.wrapped
        {
            if self.known.len() >= NAMES_KEPT {
                self.known.clear();
            }
            let carries = frame::may_carry(family(frame.program));
            self.known.insert(header.to_owned(), Known { origin, carries });
        }
        Some(line)
    }

    /// A process.
    pub fn origin(&mut self, host: Option<&str>, program: &str, pid: Option<u32>) -> Origin {
        self.intake.origin(host.unwrap_or(HERE), program, pid)
    }

    /// Stamp, header and text, of lines that are as most are.
    fn take_apart<'t>(&mut self, line: &'t str) -> Option<(Stamp, &'t str, &'t str)> {
        let (stamp, rest) = match (line.strip_prefix(&*self.stamp.0), self.stamp.1) {
            (Some(rest), Some(stamp)) => (stamp, rest),
            _ => {
                let (stamp, rest) = frame::stamp(line)?;
                self.stamp.0.clear();
                self.stamp.0.push_str(&line[..line.len() - rest.len()]);
                self.stamp.1 = Some(stamp);
                (stamp, rest)
            }
        };
        let colon = memchr_iter(b':', rest.as_bytes()).find(|at| rest[at + 1..].starts_with(' '))?;
        let (header, text) = (&rest[..=colon], &rest[colon + 2..]);
        // A level before the host and an id after the tag are read beyond the header.
        (!header.starts_with('<') && !text.starts_with("[ID ")).then_some((stamp, header, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;
    use proptest::{prelude::*, sample::select};

    const STAMPS: [&str; 6] = [
        "Nov 22 20:19:26 ",
        "Nov 22 20:19:26  ",
        "Nov  2 20:19:26 ",
        "2026-11-22T20:19:26.549623+00:00 ",
        "<22>Nov 22 20:19:26 ",
        "",
    ];
    const HEADERS: [&str; 17] = [
        "mx1 postfix/smtpd[2134]:",
        "mx1 postfix/smtpd[2134]",
        "mx1.example.org sm-mta[77]:",
        "postfix/smtpd[2134]:",
        "2001:db8::1 postfix/qmgr[9]:",
        "mx1 <mail.info> postfix/qmgr[9]:",
        "<mail.info> mx1 postfix/qmgr[9]:",
        "mx1 postfix/submission/smtpd[1234567:",
        "mx1 last message repeated 2 times:",
        "last message repeated 2 times",
        "1 - mx1 postfix 9 - -",
        "mx1 name with blanks:",
        "mx1 docker[7]:",
        "mx1 mail.info postfix/qmgr[9]:",
        "relay Nov 22 20:19:25 mx1 postfix/qmgr[9]:",
        "mx1 dovecot:",
        "stdout F postfix/qmgr[9]:",
    ];
    const TEXTS: [&str; 9] = [
        " connect from a: b",
        "  two blanks",
        "no blank",
        " [ID 197553 mail.info] x: y",
        "",
        " ",
        " mx2 postfix/smtp[1]: x> y",
        " postfix/smtp[1]: x> y",
        " Nov 22 20:19:24 mx2 postfix/smtp[1]: x> y",
    ];

    proptest! {
        #[test]
        fn a_header_that_is_known_reads_as_one_that_is_not(
            lines in proptest::collection::vec((select(&STAMPS), select(&HEADERS), select(&TEXTS)), 1..40),
        ) {
            let mut headers = Headers::new(Intake::default());
            let mut dater = Dater::new(chrono_tz::UTC, Some(2026), Time(1_900_000_000_000), None);
            let (mut intake, mut alone) = (Intake::default(), dater.clone());
            for (stamp, header, text) in lines {
                let line = format!("{stamp}{header}{text}");
                let expected = frame::frame(&line).map(|f| {
                    intake.line(alone.date(f.stamp), f.host.unwrap_or(HERE), f.program, f.pid, f.text)
                });
                prop_assert_eq!(headers.line(&line, &mut dater, None), expected, "{}", line);
            }
        }
    }
}
