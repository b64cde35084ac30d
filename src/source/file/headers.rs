//! Turns the text of log files into lines. Each header (host and tag) is parsed once: thousands of lines share it.
//!
//! In: a line of a log file.  Out: the line that [`frame::frame`] and [`Intake::origin`] make of it.
//!
//! An ordinary line has three parts: a stamp, a header that ends in a colon, and the text. The header of this one is
//! `mx1 postfix/smtpd[2134]:`.
//!
//! ```text
//! Nov 22 20:19:26 mx1 postfix/smtpd[2134]: connect from client.example.org[192.0.2.7]
//! ```
//!
//! If the header was seen before, host, program and pid are taken from a table. Any other line goes through
//! [`frame::frame`], and its header enters the table if the result depends on the header alone: for all such lines the
//! short way must give the same as the long one. A property test compares the two.

use crate::{
    frame::{self, Dater, Stamp},
    model::{
        Intake, Line, Time,
        line::{Misdated, NAMES_KEPT, Origin},
    },
    program::{family, postfix::is_daemon},
};
use hashbrown::HashMap;
use memchr::memchr_iter;

/// The host of lines whose header names none.
const HERE: &str = "localhost";

/// Parses lines of log files and remembers their headers.
#[derive(Debug)]
pub struct Headers {
    intake: Intake,
    /// The origin for each header, from behind the stamp up to and with the colon: `mx1 postfix/smtpd[2134]:`.
    known: HashMap<String, Known>,
    /// The last stamp, as text with the blank after it, and parsed: neighbouring lines often share it.
    stamp: (String, Option<Stamp>),
}

/// The origin that a header means, and whether lines under it may hold a whole line of another program (`docker[7]:`).
#[derive(Debug)]
struct Known {
    origin: Origin,
    carries: bool,
}

impl Headers {
    pub fn new(intake: Intake) -> Self {
        Self { intake, known: HashMap::default(), stamp: Default::default() }
    }

    /// Makes a line from a text; `None` when no frame with a time fits. `inside`: the host for a line of a container
    /// that names none.
    pub fn line(&mut self, text: &str, dater: &mut Dater, inside: Option<&str>) -> Option<Result<Line, Misdated>> {
        let parts = self.take_apart(text);
        // The short way, unless the text is itself a whole line: then the header inside counts.
        if let Some((stamp, header, text)) = parts
            && let Some(known) = self.known.get(header)
            && !(known.carries && frame::is_line(text))
        {
            return Some(known.origin.line(dater.date(stamp), text));
        }
        let frame = frame::frame(text)?;
        let host = frame.host.or(inside.filter(|_| frame.wrapped));
        // The text decides whether `smtpd` is postfix's, so such a header says too little.
        if self.intake.has_bare_daemons() && is_daemon(frame.program) {
            return Some(self.record(dater.date(frame.stamp), host, frame.program, frame.pid, frame.text));
        }
        let origin = self.origin(host, frame.program, frame.pid);
        let line = origin.line(dater.date(frame.stamp), frame.text);
        // The frame's text begins right after the header, so it was cut by stamp and header alone, and every line with
        // this header will be cut in the same place.
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

    /// Makes a line from the parts of a record that has them as fields.
    pub fn record(
        &mut self,
        time: Time,
        host: Option<&str>,
        program: &str,
        pid: Option<u32>,
        text: &str,
    ) -> Result<Line, Misdated> {
        self.intake.line(time, host.unwrap_or(HERE), program, pid, text)
    }

    fn origin(&mut self, host: Option<&str>, program: &str, pid: Option<u32>) -> Origin {
        self.intake.origin(host.unwrap_or(HERE), program, pid)
    }

    /// Splits an ordinary line into stamp, header and text. `None` for every other line, which [`frame::frame`] must
    /// read.
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
        // Left to `frame`: a level before the host (`<mail.info> mx1 …`), and an id after the tag
        // (`[ID 197553 mail.info] …`).
        (!header.starts_with('<') && !text.starts_with("[ID ")).then_some((stamp, header, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn with_bare_daemons_the_text_of_each_line_decides_whose_a_name_is() {
        let intake = Intake::default().with_bare_daemons(Some(crate::parse::is_bare_daemon));
        let mut headers = Headers::new(intake);
        let mut dater = Dater::new(chrono_tz::UTC, Some(2026), Time(1_800_000_000_000), None);
        let mut program = |text: &str| {
            let line = headers.line(&format!("Nov 22 20:19:26 mx1 {text}"), &mut dater, None);
            line.unwrap().unwrap().program.to_string()
        };
        for (text, expected) in [
            ("smtpd[9]: smtp connected address=192.0.2.1", "smtpd"),
            ("smtpd[9]: connect from client.example.org[192.0.2.7]", "postfix/smtpd"),
            ("smtpd[9]: smtp connected address=192.0.2.1", "smtpd"),
            ("postfix/smtpd[9]: connect from client.example.org[192.0.2.7]", "postfix/smtpd"),
        ] {
            assert_eq!(program(text), expected, "{text}");
        }
    }
}
