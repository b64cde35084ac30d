//! What delivery agents met on their way to the next hop: TLS sessions, and hosts that did not answer.
//!
//! In: their session lines and delivery records, in order of time.  Out: the TLS session of a record, and the recipient
//! that a session line is about.
//!
//! A session is of the process that began it, and lasts until the next one of that process: another attempt to the same
//! host, before or by another process, may have had none. Only a connection that is used again (`conn_use=2`) may come
//! from another process.

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

/// What was met so far.
#[derive(Debug, Default)]
pub(super) struct Outgoing<'a> {
    /// The last session of each process with each host, by its address and by its name.
    sessions: HashMap<(Process<'a>, &'a str), Session<'a>>,
    /// The last two moments in which a process began sessions.
    moments: HashMap<Process<'a>, (Time, Option<Time>)>,
    /// The last session of any process with a host.
    of_any: HashMap<&'a str, Session<'a>>,
    /// Lines that no record came after yet, with the place of what is told of them among the warnings.
    waiting: HashMap<Process<'a>, Vec<(LineId, Option<usize>)>>,
    /// Lines, and warnings by their places, with the hash of the address of the recipient they are about.
    pub lines: HashMap<LineId, u64>,
    pub warnings: HashMap<usize, u64>,
}

fn process<'a>(told: &Told<'a>) -> Process<'a> {
    (&told.line.program, told.line.pid)
}

impl<'a> Outgoing<'a> {
    /// A TLS session began.
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

    /// A line that is about the recipient of the next record of its process.
    pub fn waits(&mut self, told: &Told<'a>, warning: Option<usize>) {
        self.waiting.entry(process(told)).or_default().push((told.line.id, warning));
    }

    /// A record: its TLS session. `address`: the hash of the address of its recipient; `is_reused`: of a connection that
    /// was used before.
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
            // Within one moment lines are not in the order in which they were written.
            let is_last = session.time == *last || *last == told.line.time && Some(session.time) == *before;
            is_last.then_some(session)
        });
        let of_any = || {
            if is_reused || told.line.pid.is_none() { with(peer, |name| self.of_any.get(name).copied()) } else { None }
        };
        own.or_else(of_any).map(|session| session.tls)
    }
}

/// The session with a host: by its address where both are known, else by its name.
fn with<'a>(peer: Peer<'a>, find: impl Fn(&'a str) -> Option<Session<'a>>) -> Option<Session<'a>> {
    let by_addr = peer.addr.and_then(&find);
    by_addr.or_else(|| peer.name.and_then(&find).filter(|s| s.peer.addr.is_none() || peer.addr.is_none()))
}

#[cfg(test)]
mod tests {
    use crate::stitch::testing::document;

    /// TLS versions of the recipients of a message, by a record of process 13 at second 3.
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
        // A host of many addresses: the name alone says nothing.
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
