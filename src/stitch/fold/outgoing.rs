//! Matches TLS sessions and failed connections of delivery agents with delivery records.
//!
//! In: session lines and delivery records of the agents, in order of time.  Out: the TLS session of a record, and the
//! recipient that a session line is about.
//!
//! A TLS session belongs to the process that began it, and lasts until that process begins the next one. Another
//! attempt to the same host, earlier or by another process, may have been without TLS. Only a reused connection
//! (`conn_use=2`) may have been opened by another process.

use super::super::life::Told;
use crate::model::{LineId, Time, event::Peer};
use hashbrown::HashMap;

/// Version and cipher.
pub(super) type Tls<'a> = (&'a str, Option<&'a str>);

/// Syslog name and pid.
type Process<'a> = (&'a str, Option<u32>);

#[derive(Debug, Clone, Copy)]
struct Session<'a> {
    time: Time,
    peer: Peer<'a>,
    tls: Tls<'a>,
}

/// The sessions and failed connections seen so far.
#[derive(Debug, Default)]
pub(super) struct Outgoing<'a> {
    /// The last session of each process with each host, under the address and under the name of the host.
    sessions: HashMap<(Process<'a>, &'a str), Session<'a>>,
    /// The last two times at which a process began sessions.
    moments: HashMap<Process<'a>, (Time, Option<Time>)>,
    /// The last session of any process with a host.
    of_any: HashMap<&'a str, Session<'a>>,
    /// Lines that no record of their process has followed yet, each with the index of its warning if it has one.
    waiting: HashMap<Process<'a>, Vec<(LineId, Option<usize>)>>,
    /// The recipients that lines, and warnings (by their index), are about, as hashes of their addresses.
    pub lines: HashMap<LineId, u64>,
    pub warnings: HashMap<usize, u64>,
}

fn process<'a>(told: &Told<'a>) -> Process<'a> {
    (&told.line.program, told.line.pid)
}

impl<'a> Outgoing<'a> {
    /// Notes that a TLS session began.
    pub fn session(&mut self, told: &Told<'a>, peer: Peer<'a>, tls: Tls<'a>) {
        let (process, time) = (process(told), told.line.time);
        let session = Session { time, peer, tls };
        for name in [peer.addr, peer.name].into_iter().flatten() {
            self.sessions.insert((process, name), session);
            self.of_any.insert(name, session);
        }
        let moments = self.moments.entry(process).or_insert((time, None));
        if moments.0 != time {
            *moments = (time, Some(moments.0));
        }
        self.waits(told, None);
    }

    /// Notes a line that is about the recipient of the next record of its process. `warning`: the index of its warning.
    pub fn waits(&mut self, told: &Told<'a>, warning: Option<usize>) {
        self.waiting.entry(process(told)).or_default().push((told.line.id, warning));
    }

    /// Takes a delivery record; returns its TLS session. `address`: the hash of the recipient's address; `is_reused`:
    /// the connection was used before.
    pub fn record(
        &mut self,
        told: &Told<'a>,
        peer: Peer<'a>,
        is_reused: bool,
        address: impl Fn() -> u64,
    ) -> Option<Tls<'a>> {
        let process = process(told);
        if !self.waiting.is_empty()
            && let Some(waiting) = self.waiting.remove(&process)
        {
            let address = address();
            for (line, warning) in waiting {
                self.lines.insert(line, address);
                self.warnings.extend(warning.map(|warning| (warning, address)));
            }
        }
        let own = self.moments.get(&process).and_then(|(last, before)| {
            let session = with(peer, |name| self.sessions.get(&(process, name)).copied())?;
            // Lines with one stamp are in no reliable order: the record may belong to the session before.
            let is_last = session.time == *last || *last == told.line.time && Some(session.time) == *before;
            is_last.then_some(session)
        });
        let of_any = || {
            if is_reused || told.line.pid.is_none() { with(peer, |name| self.of_any.get(name).copied()) } else { None }
        };
        own.or_else(of_any).map(|session| session.tls)
    }
}

/// The session with a host: by address if both addresses are known, else by name.
fn with<'a>(peer: Peer<'a>, find: impl Fn(&'a str) -> Option<Session<'a>>) -> Option<Session<'a>> {
    let by_addr = peer.addr.and_then(&find);
    by_addr.or_else(|| peer.name.and_then(&find).filter(|s| s.peer.addr.is_none() || peer.addr.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Event, Parsed},
        parse,
        stitch::{
            Reading,
            testing::{document, lines},
        },
    };

    /// Checks the TLS versions of the records, and for each other line (by the host that was tried) the recipient that
    /// it is about.
    #[track_caller]
    fn check_records(text: &str, versions: &[Option<&str>], about: &[(&str, Option<&str>)]) {
        let lines = lines(text);
        let readings: Vec<Reading<'_>> = lines.iter().map(Reading::new).collect();
        let told = readings.iter().map(|Reading { line, family, parsed }| {
            let Parsed::Event { queue_id, event } = parsed else { panic!("not understood: {}", line.text) };
            Told { line, family: *family, event, own: queue_id.is_some(), of_another: false, joined: false }
        });
        let told: Vec<Told<'_>> = told.collect();
        let (mut met, mut found, mut others) = (Outgoing::default(), Vec::new(), Vec::new());
        for t in &told {
            match t.event {
                Event::Tls { peer, version, cipher, .. } => {
                    met.session(t, *peer, (version, *cipher));
                    others.push((peer.name, t.line.id, None));
                }
                Event::ConnectFailed { peer, .. } => {
                    met.waits(t, Some(others.len()));
                    others.push((peer.name, t.line.id, Some(others.len())));
                }
                Event::Delivery(record) => {
                    let is_reused = record.conn_use.is_some_and(|n| n > 1);
                    let tls = met.record(t, parse::postfix::relay(record.relay), is_reused, || record.to.len() as u64);
                    found.push(tls.map(|(version, _)| version));
                }
                event => panic!("{event:?}"),
            }
        }
        assert_eq!(found, versions, "{text}");
        for ((host, line, warning), expected) in others.iter().zip(about) {
            let length = expected.1.map(|to| to.len() as u64);
            assert_eq!((*host, met.lines.get(line).copied()), (Some(expected.0), length), "{text}");
            if let Some(warning) = warning {
                assert_eq!(met.warnings.get(warning).copied(), length, "{text}");
            }
        }
        assert_eq!(others.len(), about.len());
    }

    /// The line of a TLS session of a process: `version` with host number `n`.
    fn tls(second: &str, process: &str, n: u8, version: &str) -> String {
        format!(
            "{second} mx1 {process}: Untrusted TLS connection established to mx{n}.example.net[192.0.2.{n}]:25: {version} with cipher X (256/256 bits)\n"
        )
    }

    fn record(second: &str, process: &str, n: u8, to: &str, conn_use: &str) -> String {
        format!(
            "{second} mx1 {process}: 4F1A2B3C4D: to=<{to}>, relay=mx{n}.example.net[192.0.2.{n}]:25, {conn_use}delay=2, delays=0/0/1.9/0.1, dsn=2.0.0, status=sent (ok)\n"
        )
    }

    const SMTP: &str = "postfix/smtp[13]";
    const OTHER: &str = "postfix/smtp[14]";
    const NAMELESS: &str = "postfix/smtp";

    #[test]
    fn a_session_lasts_to_the_next_one_of_its_process() {
        const B: &str = "b@example.net";
        let two = tls("1", SMTP, 1, "TLSv1.2") + &tls("5", SMTP, 2, "TLSv1.3");
        let about = [("mx1.example.net", Some(B)), ("mx2.example.net", Some(B))];
        check_records(&(two.clone() + &record("6", SMTP, 2, B, "")), &[Some("TLSv1.3")], &about);
        check_records(&(two.clone() + &record("6", SMTP, 1, B, "")), &[None], &about);
        // With the stamp at which the next session began, the record may belong to the session before.
        check_records(&(two.clone() + &record("5", SMTP, 1, B, "")), &[Some("TLSv1.2")], &about);
        let three = tls("0", SMTP, 3, "TLSv1.1") + &two;
        let about = [("mx3.example.net", Some(B)), about[0], about[1]];
        check_records(&(three + &record("5", SMTP, 3, B, "")), &[None], &about);
        // Two sessions with one stamp: either may be the last.
        let together = tls("5", SMTP, 1, "TLSv1.2") + &tls("5", SMTP, 2, "TLSv1.3");
        let records = record("6", SMTP, 1, B, "") + &record("6", SMTP, 2, B, "");
        check_records(&(together + &records), &[Some("TLSv1.2"), Some("TLSv1.3")], &about[1..]);
    }

    #[test]
    fn only_a_connection_that_is_used_again_comes_from_another_process() {
        const B: &str = "b@example.net";
        let session = tls("1", SMTP, 1, "TLSv1.3");
        let mx1 = [("mx1.example.net", None)];
        let own = record("2", SMTP, 1, B, "");
        let all = session.clone() + &own + &record("3", OTHER, 1, "c@example.net", "");
        check_records(&all, &[Some("TLSv1.3"), None], &[("mx1.example.net", Some(B))]);
        check_records(&(session.clone() + &record("3", OTHER, 1, B, "conn_use=2, ")), &[Some("TLSv1.3")], &mx1);
        check_records(&(session.clone() + &record("3", OTHER, 2, B, "conn_use=2, ")), &[None], &mx1);
        // A transport that drops the pid leaves the process unknown.
        check_records(&(session + &record("3", NAMELESS, 1, B, "")), &[Some("TLSv1.3")], &mx1);
    }

    #[test]
    fn a_line_is_about_the_recipient_of_the_next_record_of_its_process() {
        let failed = |second: &str, process: &str, n: u8| {
            format!("{second} mx1 {process}: connect to mx{n}.example.net[192.0.2.{n}]:25: Connection refused\n")
        };
        let log = [
            failed("1", SMTP, 1),
            failed("2", OTHER, 2),
            tls("3", SMTP, 3, "TLSv1.3"),
            record("4", SMTP, 3, "bob@example.net", ""),
            failed("5", SMTP, 4),
            record("6", OTHER, 5, "c@example.net", ""),
        ];
        let (bob, c) = (Some("bob@example.net"), Some("c@example.net"));
        let about =
            [("mx1.example.net", bob), ("mx2.example.net", c), ("mx3.example.net", bob), ("mx4.example.net", None)];
        check_records(&log.concat(), &[Some("TLSv1.3"), None], &about);
    }

    /// A name may have many addresses, so it decides only if an address is unknown.
    #[test]
    fn a_host_is_known_by_its_address_or_else_by_its_name() {
        let by_name = Peer { name: Some("mx.example.net"), addr: None, port: None };
        let first = Peer { addr: Some("192.0.2.1"), ..by_name };
        let second = Peer { addr: Some("192.0.2.2"), ..by_name };
        for (known, peer, expected) in [
            (first, first, true),
            (first, second, false),
            (first, by_name, true),
            (by_name, first, true),
            (by_name, by_name, true),
            (first, Peer { name: None, ..first }, true),
            (by_name, Peer { name: Some("mx.example.org"), ..by_name }, false),
            (first, Peer::default(), false),
        ] {
            let session = Session { time: Time(0), peer: known, tls: ("TLSv1.3", None) };
            let find = |name| [known.addr, known.name].contains(&Some(name)).then_some(session);
            assert_eq!(with(peer, find).is_some(), expected, "{known:?} {peer:?}");
        }
    }

    /// Checks the TLS version of a recipient whose record is logged by process 13 at second 3.
    #[track_caller]
    fn check(before: &str, record: &str, expected: Option<&str>) {
        let t = document(&format!(
            "1 mx1 postfix/smtp[{before}
             3 mx1 postfix/smtp[13]: 4F1A2B3C4D: to=<b@example.net>, relay={record}, delay=2, delays=0/0/1.9/0.1, dsn=2.0.0, status=sent (ok)"
        ));
        assert_eq!(t.mail.recipients[0].tls.version.as_deref(), expected, "{before} {record}");
    }

    const TLS: &str =
        "Untrusted TLS connection established to mx.example.net[192.0.2.25]:25: TLSv1.3 with cipher X (256/256 bits)";

    #[test]
    fn tls_is_of_the_process_and_the_host_of_the_record() {
        check(&format!("13]: {TLS}"), "mx.example.net[192.0.2.25]:25", Some("TLSv1.3"));
        check(&format!("14]: {TLS}"), "mx.example.net[192.0.2.25]:25", None);
        // A name may have many addresses: the name alone says nothing.
        check(&format!("13]: {TLS}"), "mx.example.net[192.0.2.26]:25", None);
        check(&format!("13]: {TLS}"), "mx2.example.net[192.0.2.26]:25", None);
    }

    #[test]
    fn an_attempt_without_tls_has_not_that_of_another() {
        let t = document(
            "1 mx1 postfix/smtp[13]: 4F1A2B3C4D: to=<a@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)
             1800 mx1 postfix/smtp[15]: Untrusted TLS connection established to mx.example.net[192.0.2.25]:25: TLSv1.3 with cipher X (256/256 bits)
             1801 mx1 postfix/smtp[15]: 4F1A2B3C4D: to=<b@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1801, delays=1799/0/1/1, dsn=2.0.0, status=sent (ok)",
        );
        let tls: Vec<_> = t.mail.recipients.iter().map(|r| (&*r.address, r.tls.version.as_deref())).collect();
        assert_eq!(tls, [("a@example.net", None), ("b@example.net", Some("TLSv1.3"))]);
    }
}
