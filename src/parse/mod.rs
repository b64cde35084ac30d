//! From a line to what it tells. One file per daemon; no errors: a line that nobody understands is data.
//!
//! The grammar is that of the servers' own sources. Hand-written over bytes, no regular expressions, no copies.

pub mod coverage;
pub mod fields;
mod looks;
pub mod neighbours;
pub mod postfix;
mod programs;
pub mod sendmail;
pub mod syslog;
pub mod transport;

pub use looks::looks_like_mail;
pub use programs::{Named, PROGRAMS, name};

use crate::model::{Line, Parsed};
use transport::Repeat;

/// Which family of programs a syslog name belongs to, and so which parser reads its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family<'a> {
    /// A postfix daemon: `smtpd`, `qmgr`, …; `None` where the transport lost it (`postfix` alone).
    Postfix(Option<&'a str>),
    Sendmail,
    /// A filter or a mail store beside them.
    Neighbour,
    /// syslog daemons themselves.
    Transport,
    /// Not ours.
    Foreign,
}

/// What a line tells.
pub fn parse(line: &Line) -> Parsed<'_> {
    parse_text(&line.program, &line.text)
}

/// What a text logged under a syslog name tells.
pub fn parse_text<'a>(program: &str, text: &'a str) -> Parsed<'a> {
    parse_as(family(program), program, text)
}

/// What a text tells that a program of a known [`family`] logged.
pub fn parse_as<'a>(family: Family<'_>, program: &str, text: &'a str) -> Parsed<'a> {
    let text = transport::unended(text);
    // What is repeated is said again.
    let text = match transport::repeated(text) {
        None => text,
        Some(Repeat::Text { text, .. }) => text,
        Some(Repeat::Unknown) => return Parsed::Ignored("repeats the line before it, whichever that was"),
    };
    match family {
        Family::Postfix(daemon) => postfix::parse(daemon, text),
        Family::Sendmail => sendmail::parse(text),
        Family::Neighbour => seen(neighbours::parse(program, text), text),
        Family::Transport => seen(transport::parse(text), text),
        Family::Foreign => foreign(program, text),
    }
}

/// A filter or a syslog daemon may pass on a mail server's whole line: that one was not read.
fn seen<'a>(parsed: Parsed<'a>, text: &str) -> Parsed<'a> {
    match parsed {
        Parsed::Ignored(_) if looks::holds_a_line(text) => Parsed::Unrecognised,
        parsed => parsed,
    }
}

/// What is said of lines that no parser reads: that they are of no use needs a reason, and not to have found a program is none.
fn foreign<'a>(program: &str, text: &'a str) -> Parsed<'a> {
    match program {
        "" if text == "-- MARK --" => Parsed::Ignored(transport::OWN),
        "" => Parsed::Unrecognised,
        // `sendmail -L NAME` logs under any name.
        _ if sendmail::is_record(text) => sendmail::parse(text),
        _ if looks_like_mail(program, text) => Parsed::Unrecognised,
        _ => Parsed::Ignored("not a mail program"),
    }
}

/// The family of a syslog name. Whole postfix instances may have a name without `postfix` in it (`mta-out/smtpd`): the
/// daemon after the last slash decides.
pub fn family(program: &str) -> Family<'_> {
    if let Some((_, daemon)) = program.rsplit_once('/').filter(|(_, daemon)| postfix::is_daemon(daemon)) {
        return Family::Postfix(Some(daemon));
    }
    if let Some(family) = programs::named(program) {
        return family;
    }
    // Before the prefix rule: policy daemons like to be called `postfix/policy-spf` or `postfix-policyd`.
    if neighbours::is_program(program) {
        return Family::Neighbour;
    }
    match () {
        () if program == "postfix" || program.starts_with("postfix/") || program.starts_with("postfix-") => {
            Family::Postfix(None)
        }
        () if sendmail::is_program(program) => Family::Sendmail,
        () if transport::is_program(program) => Family::Transport,
        () => Family::Foreign,
    }
}
