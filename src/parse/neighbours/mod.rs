//! Neighbours: filters and mail stores whose lines say more about a message.
//!
//! In: a syslog name and a text.  Out: [`Event::Filter`], with the queue id that the line begins with or names; a note
//! where a line belongs to a message and judges nothing.
//! Ignored on purpose: the life of these programs, and what a second line says again. Formats that an administrator can
//! configure (amavis, rspamd, dovecot) are read in their default form.

mod amavis;
mod dkim;
mod dovecot;
mod gateways;
mod pmg;
mod policy;
mod spam;

use crate::model::event::Filter;
use crate::model::{Event, Parsed};
use crate::parse::sendmail;
#[cfg(test)]
use tests::check;

type Reader = for<'a> fn(&'a str) -> Parsed<'a>;

/// The parser of a syslog name's lines.
fn reader(program: &str) -> Option<Reader> {
    Some(match program {
        "amavis" | "amavisd" | "amavisd-new" => amavis::parse,
        "opendkim" => dkim::opendkim,
        "opendmarc" => dkim::opendmarc,
        "dovecot" | "dovecot-lda" => dovecot::parse,
        "MailScanner" => gateways::mailscanner,
        "mimedefang" | "mimedefang.pl" => gateways::mimedefang,
        "pmg-smtp-filter" => pmg::parse,
        "policyd-spf" => policy::policyd_spf,
        "postfwd" | "postfwd2" | "postfwd3" | "postfwd2/policy" | "postfwd3/policy" => policy::postfwd,
        "postgrey" => policy::postgrey,
        "milter-greylist" => policy::milter_greylist,
        "clamav-milter" => spam::clamav_milter,
        "spamd" => spam::spamd,
        "rspamd" => spam::rspamd,
        _ => return None,
    })
}

/// Whether a syslog name is a filter's or mail store's that is read.
pub fn is_program(name: &str) -> bool {
    reader(name).is_some()
}

/// Reads the text of a neighbour's line.
pub fn parse<'a>(program: &str, text: &'a str) -> Parsed<'a> {
    reader(program).map_or(Parsed::Unrecognised, |read| read(text.trim_end()))
}

/// A filter that has said nothing yet.
fn filter<'a>(name: &'a str, verdict: &'a str) -> Filter<'a> {
    Filter { name, verdict, ..Filter::default() }
}

/// A filter's verdict as an event.
fn judged<'a>(queue_id: Option<&'a str>, filter: Filter<'a>) -> Parsed<'a> {
    Parsed::Event { queue_id, event: Event::Filter(filter) }
}

/// `ID: text` in its parts. The id may be any of the mail servers that a milter works for.
fn leading_id(text: &str) -> (Option<&str>, &str) {
    match text.split_once(": ") {
        Some((id, rest)) if is_queue_id(id) => (Some(id), rest),
        _ => (None, text),
    }
}

/// Whether a word is a queue id of postfix (short or long, `global/mail_queue.h`) or sendmail.
fn is_queue_id(word: &str) -> bool {
    let bytes = word.as_bytes();
    let short = (6..=21).contains(&bytes.len()) && bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
    short || is_long_id(word) || sendmail::is_id(word)
}

/// Seconds (six digits or more) and microseconds (four) in base 52, `z`, the inode.
fn is_long_id(word: &str) -> bool {
    let consonants = |b: u8| b.is_ascii_alphanumeric() && !matches!(b | 0x20, b'a' | b'e' | b'i' | b'o' | b'u');
    let (10..=20, true) = (word.rfind('z').unwrap_or(0), word.bytes().all(consonants)) else { return false };
    !word.ends_with('z') && word.len() <= 32
}

/// The addresses of a list as amavis writes it: `<a@example.org>,<b@example.org>`.
pub fn addresses(list: &str) -> impl Iterator<Item = &str> {
    sendmail::recipients(list)
}

/// The text between `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// The reason of the first beginning that a text has.
fn known(text: &str, starts: &[&str], reason: &'static str) -> Option<Parsed<'static>> {
    starts.iter().any(|start| text.starts_with(start)).then_some(Parsed::Ignored(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line in one line of text, absent parts left out.
    #[track_caller]
    pub fn check(program: &str, text: &str, expected: &str) {
        let found = match parse(program, text) {
            Parsed::Event { queue_id, event: Event::Filter(f) } => [
                queue_id.map(|v| format!("{v}:")),
                Some(format!("{} {}", f.name, f.verdict)),
                f.score.map(|v| format!("score={v}")),
                f.detail.map(|v| format!("detail={v}")),
                f.message_id.map(|v| format!("mid={v}")),
                f.queued_as.map(|v| format!("as={v}")),
                f.client.map(|v| format!("client={v}")),
                f.from.map(|v| format!("from={v}")),
                f.to.map(|v| format!("to={v}")),
                f.list.map(|v| format!("list={v}")),
                f.fate.map(|v| format!("fate={v:?}")),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
            Parsed::Event { queue_id, event: Event::Note } => format!("{}: note", queue_id.unwrap_or("-")),
            Parsed::Event { queue_id, event } => format!("{}: {event:?}", queue_id.unwrap_or("-")),
            Parsed::Ignored(reason) => format!("ignored: {reason}"),
            Parsed::Unrecognised => "unrecognised".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_id_of_either_mail_server_is_an_id() {
        for id in ["3F2A41C0E7", "4dhRlh0sf8z9rvS", "4jXgRD331Czq5q4", "6AMKJjq4009066"] {
            assert!(is_queue_id(id), "{id}");
        }
    }

    #[test]
    fn a_word_is_no_id() {
        for word in ["warning", "DKIM", "3f2a41c0e7", "key retrieval", "spamd", "NOQUEUE", "", "4dhRlh0sf8z"] {
            assert!(!is_queue_id(word), "{word}");
        }
    }

    #[test]
    fn another_program_is_not_read() {
        assert!(!is_program("cron"));
        check("cron", "text", "unrecognised");
    }

    #[test]
    fn an_id_has_the_length_of_its_form() {
        for (id, known) in [
            ("FFFFF", false),
            ("FFFFFF", true),
            ("FFFFFFFFFFFFFFFFFFFFF", true),
            ("FFFFFFFFFFFFFFFFFFFFFF", false),
            ("4dhRlh0sfz9r", false),
            ("4dhRlh0sf8z9", true),
            ("4dhRlh0sf84dhRlh0sf8z9", true),
            ("4dhRlh0sf84dhRlh0sf84z9", false),
            ("4dhRlh0sf8z123456789012345678901", true),
            ("4dhRlh0sf8z1234567890123456789012", false),
            ("4dhRlh0sf8zA9", false),
            ("4dhRlh0sf8z-9", false),
        ] {
            assert_eq!(is_queue_id(id), known, "{id}");
        }
    }

    #[test]
    fn a_program_is_read_under_each_of_its_names() {
        let names = "amavis amavisd amavisd-new opendkim opendmarc dovecot dovecot-lda MailScanner mimedefang \
                     mimedefang.pl pmg-smtp-filter policyd-spf postfwd postfwd2 postfwd3 postfwd2/policy postfwd3/policy \
                     postgrey milter-greylist clamav-milter spamd rspamd";
        for name in names.split(' ') {
            assert!(is_program(name), "{name}");
        }
    }

    #[test]
    fn a_list_has_its_addresses() {
        let found: Vec<_> = addresses("<a@example.org>,<b@example.org>").collect();
        assert_eq!(found, ["a@example.org", "b@example.org"]);
    }
}
