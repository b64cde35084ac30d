//! Lost lines: which messages a notice of the transport (`Event::Gap`) is about.
//!
//! In: notices, and lines of messages.  Out: pairs of the two; the notice becomes a line of the message.
//!
//! A notice does not say which lines are lost, and some of them come before it, some after it. So it is about the messages of
//! its host that went on after it, and about those that had not ended when it came.
//!
//! ```text
//! 20:00:01 mx1 postfix/qmgr[9]: 4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=1 (queue active)
//! 20:00:02 mx1 postfix/qmgr[9]: 5F1A2B3C4D: removed
//! 20:00:04 mx1 rsyslogd: imuxsock lost 57 messages from pid 11 due to rate-limiting
//! 20:00:05 mx1 postfix/smtpd[11]: 6F1A2B3C4D: client=c.example.org[192.0.2.7]
//! ```
//!
//! Invariants, with what they mean for these lines:
//!
//! - A line is paired with the last notice at or before it, at most `session_lead` earlier: 6F1A2B3C4D has the notice.
//! - A line that says its message goes on is paired with the first notice after it, at most `session_lead` later, unless the
//!   message ends in between: 4F1A2B3C4D has the notice, 5F1A2B3C4D has not.
//! - Within one moment the end counts as the last line: 5F1A2B3C4D has ended even if a delivery record has the stamp of its
//!   `removed`.
//! - A pair found in the full log is found in every subset that contains both lines, since a subset has no nearer notice and
//!   no other end. So it does not matter how the log is cut into windows, or in which order they are read (law L2).
//! - What later lines may be paired with is carried on as context: the last notice of a host, and the last line that says a
//!   message goes on. Here these are the lines of 20:00:01, 20:00:04 and 20:00:05.

use crate::model::{Event, Line, LineId, Time, event::Operation};
use std::{collections::BTreeMap, sync::Arc};

/// Whether the message goes on after a line (`true`) or ends with it (`false`); `None` for a line that tells neither.
pub fn goes_on(event: &Event<'_>) -> Option<bool> {
    match event {
        Event::Client { .. }
        | Event::Pickup { .. }
        | Event::MessageId { .. }
        | Event::Queued { .. }
        | Event::Delivery(_)
        | Event::From(_) => Some(true),
        // sendmail need not log the end of a message, so a final result for a recipient (`dsn=2…`, `dsn=5…`) counts as the end.
        Event::To(to) => Some(!to.dsn.is_some_and(|dsn| dsn.starts_with(['2', '5']))),
        Event::Removed | Event::Canceled { .. } | Event::Done | Event::Operation(Operation::Delete) => Some(false),
        Event::Operation(_) => Some(true),
        Event::Brief { goes_on } => *goes_on,
        _ => None,
    }
}

/// Pairs of a line of a message and a notice that is about the message, by their places in `own` and `notices`: for each line
/// the last notice at most `lead_ms` before it; and for a line that says the message goes on, the first notice at most
/// `lead_ms` after it, unless the message ends in between. `own` has the lines of all messages under a key, each with what
/// [`goes_on`] says; both slices are sorted by time. Only the nearest notices are paired, so a set may hold further ones.
pub fn concerned(own: &[(Time, Option<bool>)], notices: &[Time], lead_ms: i64) -> Vec<(usize, usize)> {
    let in_reach = |from: Time, to: Time| to.0.saturating_sub(from.0) <= lead_ms;
    let ends: Vec<Time> = own.iter().filter(|(_, goes_on)| *goes_on == Some(false)).map(|(time, _)| *time).collect();
    // Within one moment the end counts as the last line.
    let ended = |from: Time, to: Time| ends.get(ends.partition_point(|end| *end < from)).is_some_and(|end| *end <= to);
    let mut found = Vec::new();
    for (n, (time, goes_on)) in own.iter().enumerate() {
        let after = notices.partition_point(|notice| notice <= time);
        found.extend(after.checked_sub(1).filter(|before| in_reach(notices[*before], *time)).map(|before| (n, before)));
        let meets = |notice: &Time| *goes_on == Some(true) && in_reach(*time, *notice) && !ended(*time, *notice);
        if notices.get(after).is_some_and(meets) {
            found.push((n, after));
        }
    }
    found
}

/// The notices and the lines of messages of a stretch and its context. Keys and places are numbers of
/// [`gather`](super::gather()).
#[derive(Default)]
pub struct Gaps {
    by_host: BTreeMap<Arc<str>, Notices>,
    own: Vec<Own>,
}

/// The places of the notices of one host, by time and id.
type Notices = BTreeMap<(Time, LineId), u32>;

/// A line of a message.
struct Own {
    key: u32,
    place: u32,
    goes_on: Option<bool>,
}

impl Gaps {
    pub fn with_capacity(lines: usize) -> Self {
        Self { by_host: BTreeMap::new(), own: Vec::with_capacity(lines) }
    }

    /// Adds a line of a message; called in the order of places.
    pub fn own(&mut self, key: u32, place: u32, event: &Event<'_>) {
        self.own.push(Own { key, place, goes_on: goes_on(event) });
    }

    /// Adds a notice of lost lines.
    pub fn notice(&mut self, place: u32, line: &Line) {
        self.by_host.entry(Arc::clone(&line.host)).or_default().insert((line.time, line.id), place);
    }

    /// The pairs found in these lines: a key, the place of one of its lines, and the place of a notice that is about it.
    pub fn near(&self, lines: &[Line], lead_ms: i64) -> Vec<(u32, u32, u32)> {
        let mut found = Vec::new();
        if self.by_host.is_empty() {
            return found;
        }
        let mut by_host: BTreeMap<&str, Vec<&Own>> = BTreeMap::new();
        for own in &self.own {
            by_host.entry(&lines[own.place as usize].host).or_default().push(own);
        }
        for (host, notices) in &self.by_host {
            let at: Vec<Time> = notices.keys().map(|(time, _)| *time).collect();
            let notices: Vec<u32> = notices.values().copied().collect();
            let mut own = by_host.remove(&**host).unwrap_or_default();
            own.sort_by_key(|own| (own.key, lines[own.place as usize].time));
            for message in own.chunk_by(|a, b| a.key == b.key) {
                let told: Vec<_> = message.iter().map(|own| (lines[own.place as usize].time, own.goes_on)).collect();
                let pairs = concerned(&told, &at, lead_ms).into_iter();
                found.extend(pairs.map(|(own, notice)| (message[own].key, message[own].place, notices[notice])));
            }
        }
        found
    }

    /// Lines before the unsettled time of their host that lines of that time, or later ones, may be paired with: the last
    /// notice of each host, and the last line of each message that had not ended by then. `unsettled` gives the beginning of
    /// that time for the host of the line at a place.
    pub fn open(&self, lines: &[Line], unsettled: impl Fn(u32) -> Time) -> Vec<u32> {
        let is_before = |place: u32| lines[place as usize].time < unsettled(place);
        let last_notice = |notices: &Notices| notices.values().rev().find(|place| is_before(**place)).copied();
        let mut open: Vec<u32> = self.by_host.values().filter_map(last_notice).collect();
        let mut last: Vec<Option<(Time, bool, u32)>> = Vec::new();
        for own in self.own.iter().filter(|own| is_before(own.place)) {
            let Some(goes_on) = own.goes_on else { continue };
            let n = own.key as usize;
            if last.len() <= n {
                last.resize(n + 1, None);
            }
            last[n] = last[n].max(Some((lines[own.place as usize].time, !goes_on, own.place)));
        }
        open.extend(last.into_iter().flatten().filter(|(_, ended, _)| !ended).map(|(_, _, place)| place));
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Parsed, Transaction},
        parse::parse_text,
        stitch::testing::{at, documents, lines},
    };

    #[track_caller]
    fn check(own: &[(i64, Option<bool>)], notices: &[i64], expected: &[(usize, usize)]) {
        let own: Vec<_> = own.iter().map(|(time, on)| (Time(*time), *on)).collect();
        let notices: Vec<_> = notices.iter().map(|time| Time(*time)).collect();
        assert_eq!(concerned(&own, &notices, 10), expected);
    }

    #[test]
    fn a_message_that_went_on_is_concerned() {
        check(&[(100, None)], &[100], &[(0, 0)]);
        check(&[(50, Some(true)), (110, Some(false))], &[100], &[(1, 0)]);
        check(&[(111, Some(true))], &[100], &[]);
    }

    #[test]
    fn a_message_that_had_ended_is_not() {
        check(&[(95, Some(true))], &[100], &[(0, 0)]);
        check(&[(89, Some(true))], &[100], &[]);
        check(&[(95, Some(false))], &[100], &[]);
        check(&[(95, Some(false)), (95, Some(true)), (96, None)], &[100], &[]);
        check(&[(91, Some(true)), (95, Some(false))], &[93, 100], &[(0, 0), (1, 0)]);
        check(&[(85, Some(true)), (95, None)], &[100], &[]);
    }

    #[test]
    fn of_many_notices_the_nearest_are_about_a_message() {
        check(&[(100, Some(true))], &[93, 94, 106, 107], &[(0, 1), (0, 2)]);
        check(&[(100, Some(true)), (105, Some(true))], &[106, 107], &[(0, 0), (1, 0)]);
    }

    #[test]
    fn a_message_goes_on_until_a_line_says_that_it_is_over() {
        let sent =
            "to=<b@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, relay=x.example.net. [192.0.2.2]";
        for (program, text, expected) in [
            ("postfix/smtpd", "client=c.example.org[192.0.2.7]", Some(true)),
            ("postfix/pickup", "uid=0 from=<root>", Some(true)),
            ("postfix/cleanup", "message-id=<1@example.org>", Some(true)),
            ("postfix/qmgr", "from=<a@example.org>, size=900, nrcpt=1 (queue active)", Some(true)),
            ("postfix/smtp", "to=<b@example.net>, relay=none, delay=1, dsn=2.0.0, status=sent (ok)", Some(true)),
            ("postfix/qmgr", "removed", Some(false)),
            ("postfix/cleanup", "removed (canceled)", Some(false)),
            ("postfix/postsuper", "removed", Some(false)),
            ("postfix/postsuper", "placed on hold", Some(true)),
            ("postfix/postsuper", "requeued", Some(true)),
            ("postfix/bounce", "sender non-delivery notification: 5F1A2B3C4D", None),
            (
                "sendmail",
                "from=<a@example.org>, size=900, class=0, nrcpts=1, relay=c.example.org [192.0.2.7]",
                Some(true),
            ),
            ("sendmail", &format!("{sent}, dsn=2.0.0, stat=Sent (ok)"), Some(false)),
            ("sendmail", &format!("{sent}, dsn=5.1.1, stat=User unknown"), Some(false)),
            ("sendmail", &format!("{sent}, dsn=4.0.0, stat=Deferred: Connection refused"), Some(true)),
            ("sendmail", &format!("{sent}, stat=queued"), Some(true)),
            ("sendmail", "done; delay=00:00:03, ntries=1", Some(false)),
        ] {
            let id = if program == "sendmail" { "6010000f004711" } else { "4F1A2B3C4D" };
            let text = format!("{id}: {text}");
            let Parsed::Event { event, .. } = parse_text(program, &text) else { panic!("{program}: {text}") };
            assert_eq!(goes_on(&event), expected, "{program}: {text}");
        }
        for said in [None, Some(true), Some(false)] {
            assert_eq!(goes_on(&Event::Brief { goes_on: said }), said);
        }
    }

    #[test]
    fn lines_are_lost_of_the_host_that_says_so_and_of_its_open_messages() {
        let gaps = |text: &str| -> Vec<(String, bool)> {
            let found = documents(text);
            let id = |t: &Transaction| t.email.local_id.as_deref().unwrap_or_default().to_owned();
            found.iter().map(|t| (format!("{}@{}", id(t), t.host.name), t.mail.gap)).collect()
        };
        let found = gaps(
            "1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             2 mx1 postfix/qmgr[2]: 4F1A2B3C4D: removed
             3 mx1 postfix/smtpd[1]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx2 postfix/smtpd[1]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]
             3.5 mx1 postfix/qmgr[2]: 8F1A2B3C4D: removed
             4 mx1 rsyslogd: imuxsock lost 57 messages from pid 1 due to rate-limiting
             5 mx1 postfix/smtpd[1]: 6F1A2B3C4D: client=c.example.org[192.0.2.7]
             700 mx1 postfix/smtpd[1]: 7F1A2B3C4D: client=c.example.org[192.0.2.7]",
        );
        let expected = [
            ("4F1A2B3C4D@mx1", false),
            ("5F1A2B3C4D@mx1", true),
            ("5F1A2B3C4D@mx2", false),
            ("8F1A2B3C4D@mx1", false),
            ("6F1A2B3C4D@mx1", true),
            ("7F1A2B3C4D@mx1", false),
        ];
        assert_eq!(found, expected.map(|(key, gap)| (key.to_owned(), gap)));
    }

    /// Before the unsettled time: the last notice of each host, and the last line that says so of each message that goes on.
    #[test]
    fn what_the_lines_to_come_may_need_stays_open() {
        let lines = lines(
            "1 mx1 rsyslogd: lost
             2 mx1 rsyslogd: lost
             5 mx1 rsyslogd: lost
             1 mx2 rsyslogd: lost
             1 mx1 a[1]: goes on
             2 mx1 a[1]: goes on
             3 mx1 a[1]: says nothing
             4 mx1 a[1]: is over
             4 mx1 a[1]: goes on, logged in one moment with the end
             4.999 mx1 a[1]: goes on
             5 mx1 a[1]: is over",
        );
        let said = |goes_on| Event::Brief { goes_on };
        let mut gaps = Gaps::with_capacity(lines.len());
        for place in [0, 1, 2, 3] {
            gaps.notice(place, &lines[place as usize]);
        }
        for (key, place, goes_on) in [
            // The settled lines say that it goes on; its end lies in the unsettled time.
            (3, 9, Some(true)),
            (3, 10, Some(false)),
            // The first of these two keys has ended, the second has said nothing: neither is needed.
            (1, 4, Some(true)),
            (1, 7, Some(false)),
            (1, 8, Some(true)),
            (2, 6, None),
            // Says twice that it goes on: the later line is kept.
            (0, 4, Some(true)),
            (0, 5, Some(true)),
            (0, 6, None),
        ] {
            gaps.own(key, place, &said(goes_on));
        }
        assert_eq!(gaps.open(&lines, |_| at(5000)), [1, 3, 5, 9]);
        assert_eq!(gaps.open(&lines, |_| at(1000)), [] as [u32; 0]);
    }
}
