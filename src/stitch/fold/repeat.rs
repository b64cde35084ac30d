//! Delivery records that a syslog daemon repeats.
//!
//! In: a life.  Out: the repeats that add no attempt, because the line that they repeat is known.
//!
//! ```text
//! message repeated 2 times: [ 4F1A2B3C4D: to=<b@example.org>, … status=sent (250 ok)]
//! ```

use crate::{
    model::{Event, LineId},
    parse::transport::{self, Repeat},
    stitch::life::{Life, Told},
};
use std::collections::HashSet;

/// rsyslog cuts the repeated text after 800 bytes, the first of which is a blank, even in the middle of a character. A
/// text of this length or more may have been cut.
const CUT: usize = 790;

/// The repeats whose record is known too. rsyslog writes the first copy as it is and a repeat in place of the further
/// copies; if another daemon or a second relay kept these copies, each would be counted once more.
pub(super) fn said_again(life: &Life<'_>) -> HashSet<LineId> {
    let repeats: Vec<(LineId, &str)> = life.told.iter().filter_map(|told| repeat(told)).collect();
    if repeats.is_empty() {
        return HashSet::new();
    }
    let mut said: Vec<&str> = life.told.iter().map(|told| &*told.line.text).collect();
    said.sort_unstable();
    let is_there = |text: &str| match text.len() < CUT {
        true => said.binary_search(&text).is_ok(),
        false => {
            let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
            said.get(said.partition_point(|line| *line < whole)).is_some_and(|line| line.starts_with(whole))
        }
    };
    repeats.into_iter().filter(|(_, text)| is_there(text)).map(|(id, _)| id).collect()
}

fn repeat<'a>(told: &Told<'a>) -> Option<(LineId, &'a str)> {
    let is_attempt = matches!(told.event, Event::Delivery(_) | Event::To(_));
    match transport::repeated(&told.line.text).filter(|_| is_attempt)? {
        Repeat::Text { text, .. } => Some((told.line.id, text)),
        Repeat::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::stitch::testing::document;

    /// Checks the number of attempts for a record and a syslog daemon's repeat of it.
    #[track_caller]
    fn check(record: &str, repeat: &str, attempts: u64) {
        let log = format!(
            "0 mx1 postfix/smtpd[1]: 986E8321F2: client=client.example.org[192.0.2.1]
             1 mx1 postfix/qmgr[2]: 986E8321F2: from=<a@example.org>, size=498, nrcpt=1 (queue active)
             2 mx1 postfix/smtp[3]: {record}
             3 mx1 postfix/smtp[3]: {repeat}"
        );
        assert_eq!(document(&log).mail.attempts, attempts, "{repeat}");
    }

    fn record(reply: &str) -> String {
        format!(
            "986E8321F2: to=<b@example.net>, relay=mx.example.net[192.0.2.2]:25, delay=1, dsn=4.2.0, status=deferred ({reply})"
        )
    }

    fn repeat(record: &str) -> String {
        format!("message repeated 2 times: [ {record}]")
    }

    #[test]
    fn a_record_said_again_beside_itself_is_one_attempt() {
        let said = record("busy");
        check(&said, &repeat(&said), 1);
        check(&said, &repeat(&record("busier")), 2);
        check(&record("busy) (again"), &repeat(&said), 2);
        check(&said, &said, 2);
    }

    #[test]
    fn a_long_record_is_cut_where_it_is_said_again() {
        let said = record(&"é".repeat(400));
        // 800 bytes with the blank before the text. A character that was cut is not compared.
        let cut = |end: usize| {
            let text = String::from_utf8_lossy(&said.as_bytes()[..end]).into_owned();
            check(&said, &format!("message repeated 2 times: [ {text}]"), 1);
            check(&record(&"è".repeat(400)), &format!("message repeated 2 times: [ {text}]"), 2);
        };
        cut(799);
        cut(798);
    }

    /// A text nearly as long as a cut one may be cut or whole; a shorter one is whole.
    #[test]
    fn a_record_nearly_as_long_as_the_cut_is_looked_for_by_its_beginning() {
        let said = record(&"x".repeat(800));
        let of_length = |n: usize| record(&"x".repeat(n - record("").len()));
        let cut = |n: usize| format!("message repeated 2 times: [ {}", &said[..n]);
        for (n, attempts) in [(789, 2), (790, 1), (799, 1)] {
            check(&said, &cut(n), attempts);
            assert_eq!(of_length(n).len(), n);
            check(&of_length(n), &repeat(&of_length(n)), 1);
        }
    }

    #[test]
    fn a_repeat_alone_is_the_attempt() {
        check("986E8321F2: host mx.example.net[192.0.2.2] said: 450 busy", &repeat(&record("busy")), 1);
    }
}
