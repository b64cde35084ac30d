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
