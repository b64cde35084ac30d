//! Neighbours: filters, policy servers and mail stores whose lines add to what is known of a message.
//!
//! In: the neighbour and a text.  Out: [`Event::Filter`], with the queue id that the line begins with or names; a note for a line
//! that belongs to a message but holds no verdict.
//! Ignored on purpose: starts, stops and settings of these programs, and lines that repeat another one. Formats that an
//! administrator can configure (amavis, rspamd, dovecot) are read in their default form.

mod amavis;
mod dkim;
mod dovecot;
mod gateways;
mod pmg;
mod policy;
mod spam;

use crate::{
    model::{Event, Parsed, event::Filter},
    parse::sendmail,
    program::Neighbour,
    queue_id,
};
#[cfg(test)]
use tests::check;

/// Reads the text of a neighbour's line.
pub fn parse(neighbour: Neighbour, text: &str) -> Parsed<'_> {
    let read = match neighbour {
        Neighbour::Amavis => amavis::parse,
        Neighbour::ClamavMilter => spam::clamav_milter,
        Neighbour::Dovecot => dovecot::parse,
        Neighbour::MailScanner => gateways::mailscanner,
        Neighbour::MilterGreylist => policy::milter_greylist,
        Neighbour::MimeDefang => gateways::mimedefang,
        Neighbour::OpenDkim => dkim::opendkim,
        Neighbour::OpenDmarc => dkim::opendmarc,
        Neighbour::PmgSmtpFilter => pmg::parse,
        Neighbour::PolicydSpf => policy::policyd_spf,
        Neighbour::Postfwd => policy::postfwd,
        Neighbour::Postgrey => policy::postgrey,
        Neighbour::Rspamd => spam::rspamd,
        Neighbour::Spamd => spam::spamd,
    };
    read(text.trim_end())
}

/// A filter's verdict, with everything else absent.
fn filter<'a>(name: &'a str, verdict: &'a str) -> Filter<'a> {
    Filter { name, verdict, ..Filter::default() }
}

/// A filter's verdict as an event.
fn judged<'a>(queue_id: Option<&'a str>, filter: Filter<'a>) -> Parsed<'a> {
    Parsed::Event { queue_id, event: Event::Filter(filter) }
}

/// Splits `ID: text`. The id may be of any mail server that the milter works for.
fn leading_id(text: &str) -> (Option<&str>, &str) {
    match text.split_once(": ") {
        Some((id, rest)) if queue_id::is_id(id) => (Some(id), rest),
        _ => (None, text),
    }
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

/// `Ignored` with `reason`, if the text begins with one of `starts`.
fn known(text: &str, starts: &[&str], reason: &'static str) -> Option<Parsed<'static>> {
    starts.iter().any(|start| text.starts_with(start)).then_some(Parsed::Ignored(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the reading of a line with a compact form of it, absent parts left out.
    #[track_caller]
    pub fn check(program: &str, text: &str, expected: &str) {
        let found = match parse(Neighbour::of(program).expect("a neighbour"), text) {
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
    fn a_list_has_its_addresses() {
        let found: Vec<_> = addresses("<a@example.org>,<b@example.org>").collect();
        assert_eq!(found, ["a@example.org", "b@example.org"]);
    }
}
