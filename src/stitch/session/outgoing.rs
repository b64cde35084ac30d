//! Outgoing sessions: failed connections and TLS of a delivery agent before its delivery record.
//!
//! In: the session lines of one process.  Out: for each delivery record the failed `connect to` and the TLS that belong to it.
//! A delivery agent works on one message at a time, and its record tells for how long. So a failed `connect to` belongs to the
//! records of its process that cover the time of the failure:
//!
//! ```text
//! 20:20:01.2 smtp[74]: connect to mx1.example.net[198.51.100.25]:25: Connection refused
//! 20:20:01.4 smtp[74]: 3A9C96093D: to=<bob@example.net>, relay=mx2.example.net[198.51.100.26]:25, …, delays=0.1/0/0.2/0.1, …
//! ```
//!
//! Durations and stamps are rounded, so the work of two records may seem to overlap. Two rules decide then. A failure does not
//! belong to a record if another record lies between the two. If a record with the stamp of the failure, or with that of the
//! record in question, names the host, only records that name it have the failure.

use super::{Act, Record, Role, SessionLine, Shared};
use crate::model::{Time, event::Peer};
use std::collections::VecDeque;

/// How many failed connections of a process are kept for its next records: `smtp_mx_address_limit` is 5.
const FAILED: usize = 16;
/// How many TLS connections of a process are kept for its next records.
const SECURED: usize = 4;
/// How long a connection is reused: `smtp_connection_reuse_time_limit`.
const REUSED_MS: i64 = 300_000;
/// Allowance for the time between an event and the stamp of its line.
const LAG_MS: i64 = 20;

/// A failed connection, and the latest record that covers it and names its host.
#[derive(Clone, Copy)]
struct Failure<'t, 'a> {
    line: &'t SessionLine<'a>,
    named: Option<&'t SessionLine<'a>>,
}

/// Connections and records of a process until now.
#[derive(Default)]
struct Met<'t, 'a> {
    failed: VecDeque<Failure<'t, 'a>>,
    secured: VecDeque<&'t SessionLine<'a>>,
    /// Its latest record, and the latest one with an earlier stamp than that.
    latest: Option<&'t SessionLine<'a>>,
    before: Option<&'t SessionLine<'a>>,
}

/// Walks the lines of one process. `unsettled`: the time from which on further lines may come between them.
pub(super) fn walk<'t, 'a>(lines: &[&'t SessionLine<'a>], unsettled: Option<Time>, lead_ms: i64, out: &mut Shared) {
    let settled = unsettled.map(|from| lines.partition_point(|line| line.time < from));
    let mut met = Met::default();
    let mut marked = 0;
    for (n, line) in lines.iter().enumerate() {
        if settled == Some(n) {
            met.keep_open(out);
        }
        match line.act {
            Act::Failed(_) => keep(&mut met.failed, Failure { line, named: None }, FAILED),
            Act::Onward(_) => keep(&mut met.secured, *line, SECURED),
            Act::Record(record) => {
                if met.latest.is_some_and(|latest| latest.time < line.time) {
                    met.before = met.latest;
                }
                met.latest = Some(line);
                if !met.failed.is_empty() && n >= marked {
                    let moment = lines[n..].iter().take_while(|other| other.time == line.time).count();
                    marked = n + moment;
                    met.name(&lines[n..marked]);
                }
                met.give(line, &record, lead_ms, out);
            }
            _ => {}
        }
    }
    if settled == Some(lines.len()) {
        met.keep_open(out);
    }
}

fn keep<T>(lines: &mut VecDeque<T>, line: T, most: usize) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

impl<'t, 'a> Met<'t, 'a> {
    /// Notes which failures are named by these records, which have one stamp.
    fn name(&mut self, moment: &[&'t SessionLine<'a>]) {
        for line in moment {
            let Act::Record(record) = line.act else { continue };
            for failure in &mut self.failed {
                if in_reach(line.time, &record, failure.line.time) && record.names(failure.line) {
                    failure.named = Some(line);
                }
            }
        }
    }

    fn give(&self, to: &'t SessionLine<'a>, record: &Record<'a>, lead_ms: i64, out: &mut Shared) {
        let in_lead = |line: &SessionLine<'a>| to.time.0 - line.time.0 <= lead_ms;
        let secured = self.secured.iter().rev().find(|line| in_lead(line) && record.goes_over(to.time, line));
        if let Some(secured) = secured {
            out.add(to, secured, Role::Taken);
        }
        let mut denied = None;
        for Failure { line, named } in self.failed.iter().rev() {
            if !in_lead(line) || !in_reach(to.time, record, line.time) {
                continue;
            }
            let between = self.before.filter(|before| line.time < before.time);
            let of_another = named.filter(|by| by.time == line.time || by.time == to.time);
            match (between, of_another) {
                (Some(before), _) => {
                    if denied.is_none() {
                        denied = Some((before, line));
                    }
                }
                (None, Some(by)) if !record.names(line) => {
                    out.add(to, line, Role::Context(by.place));
                }
                (None, _) => out.add(to, line, Role::Taken),
            }
        }
        if let Some((before, line)) = denied {
            out.add(to, line, Role::Context(before.place));
        }
    }

    fn keep_open(&self, out: &mut Shared) {
        out.open.extend(self.secured.iter().map(|line| line.place));
        let mut denied = false;
        for Failure { line, named } in self.failed.iter().rev() {
            match self.latest.filter(|latest| line.time < latest.time) {
                Some(_) if denied => {}
                Some(latest) => {
                    denied = true;
                    out.open.extend([latest.place, line.place]);
                }
                None => out.open.extend(named.iter().map(|by| by.place).chain([line.place])),
            }
        }
    }
}

/// Whether the process was working on the record when the line was logged. Only two significant digits of that time are
/// logged, hence the twentieth. Identical lines of one second are one line, and stamps may be whole seconds, so the line
/// counts as logged at the end of its second.
fn in_reach(at: Time, record: &Record<'_>, line: Time) -> bool {
    let Some(busy_ms) = record.busy_ms else { return false };
    at.0 - (line.floor_second().0 + 999) <= busy_ms + busy_ms / 20 + LAG_MS
}

impl Record<'_> {
    /// Whether the record names the host of a failed connection, in `relay=` or in its reply.
    fn names(&self, failed: &SessionLine<'_>) -> bool {
        let Act::Failed(peer) = failed.act else { return false };
        names(self.relay, peer) || names(self.reply, peer)
    }

    /// Whether the delivery went over this TLS connection: it opened it, or it says that it reused one (`conn_use=`).
    fn goes_over(&self, at: Time, secured: &SessionLine<'_>) -> bool {
        let Act::Onward(peer) = secured.act else { return false };
        let opened = in_reach(at, self, secured.time);
        let taken_over = self.reused && at.0 - secured.time.0 <= REUSED_MS;
        (opened || taken_over) && names(self.relay, peer)
    }
}

/// Whether a text contains the address of a peer in brackets or, if no address is known, its name as a word.
fn names(text: &str, peer: Peer<'_>) -> bool {
    let (name, before, after) = match (peer.addr, peer.name) {
        (Some(addr), _) => (addr, b"[".as_slice(), b"]".as_slice()),
        (None, Some(name)) => (name, b" :".as_slice(), b" [:.".as_slice()),
        (None, None) => return false,
    };
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, name).any(|at| {
        let starts = at.checked_sub(1).is_none_or(|n| before.contains(&bytes[n]));
        let ends = bytes.get(at + name.len()).is_none_or(|byte| after.contains(byte));
        !name.is_empty() && starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{check, check_open},
        *,
    };

    const REFUSED: &str = "connect to mx1.example.net[198.51.100.25]:25: Connection refused";
    const TLS: &str = "Untrusted TLS connection established to mx2.example.net[198.51.100.26]:25: TLSv1.3 with cipher X (256/256 bits)";
    /// Parts of a record: the relay.
    const MX1: &str = "relay=mx1.example.net[198.51.100.25]:25";
    const MX2: &str = "relay=mx2.example.net[198.51.100.26]:25";
    const NOWHERE: &str = "relay=none";

    /// Lines of one smtp: `SECOND TEXT`.
    fn smtp(lines: &[&str]) -> String {
        let line = |line: &&str| line.replacen(' ', " mx1 postfix/smtp[74]: ", 1) + "\n";
        lines.iter().map(line).collect()
    }

    /// A record of a delivery on which the agent worked for one second.
    fn record(second: &str, id: &str, relay: &str) -> String {
        record_of(second, id, relay, "delay=9, delays=8/0/0.5/0.5", "ok")
    }

    fn record_of(second: &str, id: &str, relay: &str, delays: &str, reply: &str) -> String {
        format!("{second} {id}: to=<b@example.net>, {relay}, {delays}, dsn=2.0.0, status=sent ({reply})")
    }

    /// postfix logs `conn_use=` from the second delivery over a connection on; 1 would be the first.
    #[test]
    fn tls_is_of_the_delivery_that_opened_the_connection_and_of_those_that_say_that_they_took_it_over() {
        const NEW: &str = "delay=9, delays=8/0/0.5/0.5";
        for (tls, at, relay, delays, expected) in [
            ("99", "100", MX2, NEW, true),
            ("90", "100", MX2, NEW, false),
            ("90", "100", MX2, "conn_use=1, delay=9, delays=8/0/0.5/0.5", false),
            ("90", "100", MX2, "conn_use=2, delay=9, delays=8/0/0.5/0.5", true),
            // The relay is another host.
            ("99", "100", MX1, NEW, false),
            ("90", "100", MX1, "conn_use=2, delay=9, delays=8/0/0.5/0.5", false),
            // A connection is reused for five minutes.
            ("90", "390", MX2, "conn_use=5, delay=9, delays=8/0/0.5/0.5", true),
            ("90", "390.001", MX2, "conn_use=5, delay=9, delays=8/0/0.5/0.5", false),
            // The work took longer than `lead_ms`: only the last ten minutes of it count.
            ("90", "690", MX2, "delay=900, delays=0/0/900/0", true),
            ("90", "690.001", MX2, "delay=900, delays=0/0/900/0", false),
        ] {
            let log = smtp(&[&format!("{tls} {TLS}"), &record_of(at, "3A9C96093D", relay, delays, "ok")]);
            check(&log, if expected { &[[1, 0]] } else { &[] }, &[]);
        }
    }

    #[test]
    fn of_two_connections_to_a_host_the_later_one_was_used() {
        let reused = "conn_use=2, delay=9, delays=8/0/0.5/0.5";
        let record = record_of("90", "3A9C96093D", MX2, reused, "ok");
        check(&smtp(&[&format!("50 {TLS}"), &format!("70 {TLS}"), &record]), &[[2, 1]], &[]);
    }

    /// Two digits of the duration are logged, and a line may have the stamp of its whole second.
    #[test]
    fn a_failed_connection_lies_in_the_work_of_its_record() {
        for (failed, at, delays, expected) in [
            // Four seconds, a twentieth of that, and the lag, counted from the end of the failure's second.
            ("95.3", "100.219", "delays=0/0/3/1", true),
            ("95.3", "100.220", "delays=0/0/3/1", false),
            ("95", "100.219", "delays=0/0/3/1", true),
            ("95.999", "100.220", "delays=0/0/3/1", false),
            ("96", "100.220", "delays=0/0/3/1", true),
            ("99", "100.019", "delays=4/0/0/0", true),
            ("99", "100.020", "delays=4/0/0/0", false),
            // The work took longer than `lead_ms`: only the last ten minutes of it count.
            ("90", "690", "delays=0/0/900/0", true),
            ("90", "690.001", "delays=0/0/900/0", false),
        ] {
            let delays = format!("delay=900, {delays}");
            let log = smtp(&[&format!("{failed} {REFUSED}"), &record_of(at, "3A9C96093D", NOWHERE, &delays, "ok")]);
            check(&log, if expected { &[[1, 0]] } else { &[] }, &[]);
        }
    }

    #[test]
    fn a_record_that_does_not_tell_how_long_it_took_has_no_part_in_what_was_met() {
        let record = "100 3A9C96093D: to=<b@example.net>, relay=none, dsn=4.4.1, status=deferred (x)";
        check(&smtp(&[&format!("100 {REFUSED}"), record]), &[], &[]);
    }

    /// A message with two recipients of one domain.
    #[test]
    fn records_of_one_moment_share_what_was_met() {
        let log =
            [&format!("99.5 {REFUSED}"), &*record("100", "3A9C96093D", NOWHERE), &record("100", "4A9C96093D", NOWHERE)];
        check(&smtp(&log), &[[1, 0], [2, 0]], &[]);
    }

    #[test]
    fn a_failure_before_a_record_is_not_of_a_later_one() {
        let log = [
            &format!("99.1 {REFUSED}"),
            &format!("99.2 {}", REFUSED.replace("mx1", "mx2")),
            &*record("99.5", "3A9C96093D", NOWHERE),
            &format!("99.7 {}", REFUSED.replace("mx1", "mx3")),
            &record("99.9", "4A9C96093D", NOWHERE),
        ];
        // Context: the last failure that the first record took stands for both; without that record they would be the second's.
        check(&smtp(&log), &[[2, 0], [2, 1], [4, 3]], &[[4, 1, 2]]);
    }

    /// With stamps of whole seconds, a failure with the stamp of a record may have come after it.
    #[test]
    fn a_failure_in_the_moment_of_a_record_may_be_of_the_next_one_too() {
        let log =
            [&format!("99 {REFUSED}"), &*record("99", "3A9C96093D", NOWHERE), &record("100", "4A9C96093D", NOWHERE)];
        check(&smtp(&log), &[[1, 0], [2, 0]], &[]);
        // The first two records name another host; the third, with the stamp of the second, names the host that failed.
        let named = "connect to mx1.example.net[198.51.100.25]:25: Connection refused";
        let naming = |at, id| record_of(at, id, NOWHERE, "delay=9, delays=8/0/0.5/0.5", named);
        let log = [
            &format!("99 {REFUSED}"),
            &*record("99", "3A9C96093D", MX2),
            &record("100", "4A9C96093D", MX2),
            &naming("100", "5A9C96093D"),
        ];
        check(&smtp(&log), &[[1, 0], [3, 0]], &[[2, 0, 3]]);
    }

    #[test]
    fn a_record_that_names_the_host_has_it_and_no_other_of_its_moment() {
        let log = [
            &format!("99.5 {REFUSED}"),
            &*record("100", "3A9C96093D", MX2),
            // The host accepted the second attempt.
            &record("100", "4A9C96093D", MX1),
        ];
        check(&smtp(&log), &[[2, 0]], &[[1, 0, 2]]);
        // The same where the naming record has the stamp of the failure, and the next record does not name the host.
        let log = [&format!("99 {REFUSED}"), &*record("99", "3A9C96093D", MX1), &record("100", "4A9C96093D", MX2)];
        check(&smtp(&log), &[[1, 0]], &[[2, 0, 1]]);
        // The second record names the host too, but its work began after the failure.
        let log = [
            &format!("97.5 {REFUSED}"),
            &*record_of("100", "3A9C96093D", NOWHERE, "delay=9, delays=5/0/3/1", "ok"),
            &record("100", "4A9C96093D", MX1),
        ];
        check(&smtp(&log), &[[1, 0]], &[]);
    }

    #[test]
    fn the_next_record_may_still_have_what_was_met() {
        let log = smtp(&[
            &format!("90 {TLS}"),
            &format!("91.1 {REFUSED}"),
            &format!("91.2 {}", REFUSED.replace("mx1", "mx3")),
            &record("92", "3A9C96093D", NOWHERE),
            &format!("93 {REFUSED}"),
        ]);
        check_open(&log, 90_000, &[]);
        check_open(&log, 91_150, &[0, 1]);
        check_open(&log, 92_000, &[0, 1, 2]);
        // The record took both failures; the last of them is enough to show it.
        check_open(&log, 93_000, &[0, 2, 3]);
        check_open(&log, 94_000, &[0, 2, 3, 4]);
    }

    #[test]
    fn a_failure_that_a_record_of_its_moment_named_stays_with_it() {
        let log = smtp(&[&format!("99 {REFUSED}"), &record("99", "3A9C96093D", MX1), &record("99", "4A9C96093D", MX2)]);
        check_open(&log, 100_000, &[0, 1]);
        let log = smtp(&[&format!("99 {REFUSED}"), &record("99", "4A9C96093D", MX2)]);
        check_open(&log, 100_000, &[0]);
    }

    #[test]
    fn of_too_many_the_last_are_kept() {
        let mut kept = VecDeque::new();
        for n in 1..=5 {
            keep(&mut kept, n, 3);
            assert_eq!(kept, ((n - 2).max(1)..=n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_address_is_named_in_brackets_and_a_name_as_a_word() {
        let addr = Peer { name: Some("mx.example.net"), addr: Some("192.0.2.2"), port: Some(25) };
        let name = Peer { addr: None, ..addr };
        for (text, peer, expected) in [
            ("mx.example.net[192.0.2.2]:25", addr, true),
            ("[192.0.2.2]:25", addr, true),
            ("connect to mx.example.net[192.0.2.2]:25: Connection refused", addr, true),
            ("mx.example.net[192.0.2.25]:25", addr, false),
            ("mx.example.net[10.192.0.2.2]:25", addr, false),
            ("mx.example.net", addr, false),
            ("at 192.0.2.2 now", addr, false),
            ("[192.0.2.20] [192.0.2.2]", addr, true),
            ("mx.example.net[192.0.2.2]:25", name, true),
            ("mx.example.net", name, true),
            ("connect to mx.example.net: timed out", name, true),
            ("connect to mx.example.net.: timed out", name, true),
            ("reached:mx.example.net", name, true),
            ("smtpmx.example.net", name, false),
            ("mx.example.network", name, false),
            ("none", name, false),
            ("", name, false),
            ("none", Peer::default(), false),
            ("none", Peer { name: Some(""), ..Peer::default() }, false),
            ("", Peer { name: Some(""), ..Peer::default() }, false),
        ] {
            assert_eq!(names(text, peer), expected, "{text} {peer:?}");
        }
    }
}
