//! Lines of the transport itself: repeats, lost lines, and messages of the syslog daemons.
//!
//! In: any program's text ([`unended`], [`repeated`]), a syslog daemon's text ([`parse`]).  Out: the repeated text, `Event::Gap`.
//! Ignored on purpose: starts, stops, queues and statistics of the syslog daemons; `last message repeated N times`, which means
//! the previous line of its host, because a set of lines has no previous one (law L1).

use super::fields;
use crate::model::{Event, Parsed};

/// A text without the newline that its program put at the end; rsyslog writes it as `#012`, and a carriage return as `#015`.
pub fn unended(text: &str) -> &str {
    match text.strip_suffix("#012") {
        Some(text) => text.strip_suffix("#015").unwrap_or(text),
        None => text,
    }
}

/// A notice that an earlier text was repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat<'a> {
    /// `text` was logged `times` more times; the notice has the stamp of the last time.
    Text { times: u64, text: &'a str },
    /// The previous line was repeated; the notice does not say which that was.
    Unknown,
}

/// `message repeated N times: [ text]`, which can come from any program (rsyslog's `RepeatedMsgReduction`; the text is cut at 800
/// characters), and the form of classic syslogd without the text.
pub fn repeated(text: &str) -> Option<Repeat<'_>> {
    if let Some(rest) = text.strip_prefix("message repeated ") {
        let (times, rest) = rest.split_once(" times: [")?;
        let times = fields::number(times)?;
        let text = rest.strip_suffix(']').unwrap_or(rest).trim_start_matches(' ');
        return Some(Repeat::Text { times, text });
    }
    let times = text.strip_prefix("last message repeated ")?.split_once(" time")?.0;
    fields::number(times).map(|_| Repeat::Unknown)
}

/// The reason why a syslog daemon's line is not used.
pub const OWN: &str = "a syslog daemon about itself";

/// Reads the text of a syslog daemon's line.
pub fn parse(text: &str) -> Parsed<'_> {
    match gap(text) {
        Some(lost) => Parsed::Event { queue_id: None, event: Event::Gap { lost } },
        None => Parsed::Ignored(OWN),
    }
}

/// Whether a text reports lost lines, and how many if it says so.
fn gap(text: &str) -> Option<Option<u64>> {
    // journald: `Suppressed 152 messages from postfix@-.service`, `Forwarding to syslog missed 12 messages.`
    for start in ["Suppressed ", "Forwarding to syslog missed "] {
        if let Some(rest) = text.strip_prefix(start) {
            return rest.split_once(" message").map(|(lost, _)| fields::number(lost));
        }
    }
    if !text.contains("due to rate-limiting") && !text.contains(" to drop messages") {
        return None;
    }
    // rsyslog 8: `…: 128 messages lost due to rate-limiting`; rsyslog 5 to 7: `imuxsock lost 128 messages from pid …`.
    let before = text.split_once(" messages").map_or("", |(before, _)| before);
    Some(before.rsplit(' ').next().and_then(fields::number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(text: &str) -> Option<Option<u64>> {
        match parse(text) {
            Parsed::Event { queue_id: None, event: Event::Gap { lost } } => Some(lost),
            _ => None,
        }
    }

    #[test]
    fn an_escaped_newline_at_the_end_is_no_text() {
        assert_eq!(unended("3F2A41C0E7: removed#012"), "3F2A41C0E7: removed");
        assert_eq!(unended("a#012b#015#012"), "a#012b");
    }

    #[test]
    fn a_repeat_carries_its_text() {
        let found = repeated("message repeated 3 times: [ connect from a[192.0.2.1]]");
        assert_eq!(found, Some(Repeat::Text { times: 3, text: "connect from a[192.0.2.1]" }));
    }

    #[test]
    fn a_cut_repeat_keeps_what_is_there() {
        let found = repeated("message repeated 2 times: [ disconn");
        assert_eq!(found, Some(Repeat::Text { times: 2, text: "disconn" }));
    }

    #[test]
    fn a_repeat_without_text_tells_nothing() {
        assert_eq!(repeated("last message repeated 3 times"), Some(Repeat::Unknown));
        assert_eq!(repeated("message repeated often"), None);
        assert_eq!(repeated("connect from a[192.0.2.1]"), None);
    }

    #[test]
    fn lost_lines_are_a_gap() {
        assert_eq!(lost("imuxsock[pid 4711]: begin to drop messages due to rate-limiting"), Some(None));
        let named = "imuxsock[pid: 4711, name: /usr/lib/postfix/sbin/smtpd] from <postfix/smtpd>: ";
        assert_eq!(lost(&format!("{named}128 messages lost due to rate-limiting")), Some(Some(128)));
        assert_eq!(lost("imjournal: 236 messages lost due to rate-limiting"), Some(Some(236)));
        assert_eq!(lost("imuxsock lost 9 messages from pid 4711 due to rate-limiting"), Some(Some(9)));
        assert_eq!(lost("Suppressed 152 messages from postfix@-.service"), Some(Some(152)));
        assert_eq!(lost("[origin software=\"rsyslogd\"] start"), None);
    }
}
