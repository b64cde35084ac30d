//! Recognises lines of postfix or sendmail by their looks, whatever program they are logged under or quoted by.
//!
//! In: a syslog name and a text that no parser took.  Out: whether a mail server seems to have written it. Then it counts as
//! unrecognised and not as another program's.

use super::{Family, family, postfix};
use crate::queue_id;
use memchr::memchr_iter;

/// Whether a line is one of postfix or sendmail, by its syslog name or by its text, even by the part of it that a container, a
/// relay or a log collector left.
pub fn looks_like_mail(program: &str, text: &str) -> bool {
    is_named(program) || holds_a_line(text) || holds_a_record(text)
}

/// Whether a text holds a whole line of a mail server: `postfix/smtpd[2134]: …`, `sendmail[81]: …`.
pub fn holds_a_line(text: &str) -> bool {
    memchr_iter(b'[', text.as_bytes()).any(|open| {
        let digits = text[open + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let ended = text[open + 1 + digits..].starts_with("]:");
        digits > 0 && ended && is_named(last_word(&text[..open], |b| b.is_ascii_alphanumeric() || b"/_-.".contains(&b)))
    })
}

/// Whether a text holds a queue id with a statement about its message: `3F2A41C0E7: from=<a@example.org>, …`.
fn holds_a_record(text: &str) -> bool {
    const SAID: [&str; 8] = ["from=", "to=", "client=", "message-id=", "uid=", "reject: ", "removed", "done; delay="];
    memchr_iter(b':', text.as_bytes()).any(|colon| {
        let said = text[colon + 1..].strip_prefix(' ').is_some_and(|rest| SAID.iter().any(|s| rest.starts_with(s)));
        let id = || last_word(&text[..colon], |b| b.is_ascii_alphanumeric());
        said && (id() == "NOQUEUE" || queue_id::is_id(id()))
    })
}

/// Whether a syslog name is a mail server's, or contains `postfix` or `sendmail`: `Postfix`, `sendmail-relay`.
fn is_named(program: &str) -> bool {
    let holds = |word: &str| program.as_bytes().windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()));
    let daemon = || program.rsplit_once('/').is_some_and(|(_, daemon)| postfix::is_daemon(daemon));
    holds("postfix") || holds("sendmail") || daemon() || family(program) == Family::Sendmail
}

/// The longest end of a text whose bytes are all `within`. `within` must accept ASCII only.
fn last_word(text: &str, within: impl Fn(u8) -> bool) -> &str {
    let len = text.bytes().rev().take_while(|b| within(*b)).count();
    &text[text.len() - len..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Parsed, parse::parse_text};

    #[test]
    fn a_mail_servers_line_is_known_behind_any_prefix() {
        for (program, text) in [
            ("docker", "May  2 20:56:12 mail postfix/smtpd[17730]: 3F2A41C0E7: client=unknown[192.0.2.9]"),
            ("", "F postfix/smtp[124]: 3F2A41C0E7: flurble"),
            ("mail.info", "sendmail[81]: restarting"),
            ("mailcow", "mta-out/qmgr[7]: x"),
            ("logger", "got 3F2A41C0E7: from=<a@example.org>, size=1, nrcpt=1 (queue active)"),
            ("", "{\"message\":\"6010000f004711: to=<a@example.org>, stat=Sent\"}"),
            ("relay", "NOQUEUE: reject: RCPT from a[192.0.2.1]: 554 5.7.1 no"),
            ("POSTFIX", "anything"),
            ("sendmail-relay", "anything"),
        ] {
            assert!(looks_like_mail(program, text), "{program}: {text}");
            assert_ne!(parse_text(program, text), Parsed::Ignored("not a mail program"), "{program}: {text}");
        }
    }

    #[test]
    fn what_talks_of_mail_is_no_mail_server() {
        for (program, text) in [
            ("CRON", "(root) CMD (/usr/sbin/sendmail -q)"),
            ("sudo", "root : COMMAND=/usr/sbin/postfix reload"),
            ("sshd", "Accepted publickey for a from 192.0.2.1 port 1 ssh2"),
            ("named", "ABCDEF0: query: from=x"),
            ("kernel", "Out of memory: Killed process 12 (smtpd)"),
            ("app[1]", "postfix[a]: [1]: x"),
        ] {
            assert!(!looks_like_mail(program, text), "{program}: {text}");
            assert_eq!(parse_text(program, text), Parsed::Ignored("not a mail program"), "{program}: {text}");
        }
    }

    #[test]
    fn a_line_without_a_program_was_not_read() {
        assert_eq!(parse_text("", "mail.info postfix/smtpd[1080]: connect from localhost[::1]"), Parsed::Unrecognised);
        assert_eq!(parse_text("", "whatever"), Parsed::Unrecognised);
        assert_eq!(parse_text("", "-- MARK --"), Parsed::Ignored("a syslog daemon about itself"));
    }

    #[test]
    fn a_syslog_daemon_or_a_filter_may_carry_a_line_of_a_mail_server() {
        let text = "May  2 20:56:12 mail postfix/smtpd[17730]: connect from a[192.0.2.9]";
        for program in ["syslog", "journal", "dovecot", "amavis"] {
            assert_eq!(parse_text(program, text), Parsed::Unrecognised, "{program}");
        }
    }
}
