//! Parsers: from a line to the event that it tells. One file per daemon. There are no errors: a line that no parser knows is
//! unrecognised.
//!
//! The grammars are those of the servers' own sources. They are written by hand over bytes: no regular expressions, no copies.

pub mod coverage;
pub mod fields;
pub mod neighbours;
pub mod postfix;
pub mod sendmail;
pub mod transport;

use crate::{
    model::{Line, Parsed},
    program::{self, Family, family, holds_a_line, looks_like_mail},
};
use transport::Repeat;

/// Reads a line.
pub fn parse(line: &Line) -> Parsed<'_> {
    parse_text(&line.program, &line.text)
}

/// Reads a text logged under a syslog name.
pub fn parse_text<'a>(program: &str, text: &'a str) -> Parsed<'a> {
    parse_as(family(program), program, text)
}

/// Reads a text logged by a program of a known [`family`].
pub fn parse_as<'a>(family: Family<'_>, program: &str, text: &'a str) -> Parsed<'a> {
    let text = transport::unended(text);
    // A repeated text is read like the text itself.
    let text = match transport::repeated(text) {
        None => text,
        Some(Repeat::Text { text, .. }) => text,
        Some(Repeat::Unknown) => return Parsed::Ignored("repeats the line before it, whichever that was"),
    };
    match family {
        Family::Postfix(daemon) => postfix::parse(daemon, text),
        Family::Sendmail => sendmail::parse(text),
        Family::Neighbour(neighbour) => seen(neighbours::parse(neighbour, text), text),
        Family::Transport => seen(transport::parse(text), text),
        Family::Foreign => foreign(program, text),
    }
}

/// A text of a filter or syslog daemon that is not used may hold a mail server's whole line. That line was not read, so the text
/// is unrecognised (law L4).
fn seen<'a>(parsed: Parsed<'a>, text: &str) -> Parsed<'a> {
    match parsed {
        Parsed::Ignored(_) if holds_a_line(text) => Parsed::Unrecognised,
        parsed => parsed,
    }
}

/// Sorts lines of programs that have no parser. Ignoring a line needs a reason, and a missing program name is none.
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

/// Whether a line is a postfix daemon's although the name stands alone (`smtpd`), as in the journal's `_COMM`. Other packages
/// have daemons of the same names, so the text must be one that postfix writes.
pub fn is_bare_daemon(program: &str, text: &str) -> bool {
    program::postfix::is_daemon(program)
        && family(program) == Family::Foreign
        && !matches!(postfix::parse(Some(program), text), Parsed::Unrecognised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_alone_is_postfixs_where_its_text_is() {
        for (program, text) in [
            ("qmgr", "3F2A41C0E7: removed"),
            ("smtpd", "connect from client.example.org[192.0.2.7]"),
            (
                "smtp",
                "3F2A41C0E7: to=<a@example.org>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (x)",
            ),
            ("bounce", "3F2A41C0E7: sender non-delivery notification: 4F2A41C0E7"),
        ] {
            assert!(is_bare_daemon(program, text), "{program}: {text}");
        }
        for (program, text) in [
            ("smtpd", "5be36a6a2ea3a2d1 smtp connected address=192.0.2.1 host=client.example.org"),
            ("local", "hello"),
            ("error", "out of memory"),
            ("master", "node 7 elected"),
            ("sendmail", "3F2A41C0E7: removed"),
            ("postfix", "3F2A41C0E7: removed"),
            ("cron", "3F2A41C0E7: removed"),
            ("postfix/qmgr", "3F2A41C0E7: removed"),
        ] {
            assert!(!is_bare_daemon(program, text), "{program}: {text}");
        }
    }

    /// Compares with `event`, `unrecognised`, or the reason why a line is not used.
    #[track_caller]
    fn check(program: &str, text: &str, expected: &str) {
        let found = match parse_text(program, text) {
            Parsed::Event { .. } => "event",
            Parsed::Ignored(reason) => reason,
            Parsed::Unrecognised => "unrecognised",
        };
        assert_eq!(found, expected, "{program}: {text}");
    }

    #[test]
    fn a_line_of_no_mail_program_is_of_no_use_unless_it_shows_one() {
        check("CRON", "(root) CMD (x)", "not a mail program");
        check("CRON", "-- MARK --", "not a mail program");
        check("relay", "4AMKJPsA012345: from=<a@example.org>, size=1, class=0, nrcpts=1, proto=ESMTP", "event");
        check("docker", "postfix/qmgr[7]: 3F2A41C0E7: flurble", "unrecognised");
        check("my-postfix", "hello", "unrecognised");
        check("", "-- MARK --", transport::OWN);
        check("", "hello", "unrecognised");
        check("", "4AMKJPsA012345: from=<a@example.org>, size=1, class=0, nrcpts=1, proto=ESMTP", "unrecognised");
    }

    #[test]
    fn a_mail_servers_line_that_another_program_passed_on_was_not_read() {
        check("rsyslogd", "[origin software=\"rsyslogd\"] start", transport::OWN);
        check("rsyslogd", "x: postfix/qmgr[7]: 3F2A41C0E7: removed", "unrecognised");
        check("dovecot", "imap-login: Login: user=<a>", "another service of dovecot");
        check("dovecot", "imap: postfix/qmgr[7]: 3F2A41C0E7: removed", "unrecognised");
    }

    #[test]
    fn a_repeated_text_is_said_again() {
        check("postfix/qmgr", "message repeated 2 times: [ 3F2A41C0E7: removed]", "event");
        check("postfix/qmgr", "3F2A41C0E7: removed#012", "event");
        check("postfix/qmgr", "last message repeated 2 times", "repeats the line before it, whichever that was");
    }
}
