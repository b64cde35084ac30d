//! Sessions: what lines without a queue id know of the messages that passed through the same process.
//!
//! In: the session lines and message lines of a stretch.  Out: which session line belongs to which key as well.
//! Left alone: who the client was is in the message's own lines; only `connect`, TLS, SASL, failed `connect to` and
//! `NOQUEUE: hold|discard` lines are shared.
//!
//! Everything is decided by lines at most `session_lead` before the message's own, so that the same lines are shared
//! however the log is cut into windows (law L2). Within a second lines are put in the order of the protocol, so that a
//! stretch that ends inside one says what was open when that second began.

use crate::model::{
    Event, Line, LineId, Time,
    event::{Action, Delivery, Peer, Policy},
};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// A line that matters to sessions. Places, processes and keys are numbers of [`gather`](super::gather()).
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    place: u32,
    process: u32,
    key: Option<u32>,
    time: Time,
    id: LineId,
    what: What<'a>,
}

/// What a line does to a session. Incoming sessions are known by the address of their peer.
#[derive(Debug, Clone, Copy)]
enum What<'a> {
    /// A session begins.
    Connect(Option<&'a str>),
    /// TLS or a login, true for every message of the session.
    Standing(Option<&'a str>),
    /// `NOQUEUE: hold|discard`: about the next message of the session.
    Next(Option<&'a str>),
    /// A message comes in.
    Arrival(Option<&'a str>),
    Disconnect(Option<&'a str>),
    /// A delivery agent tried a host: a failed connection, or TLS.
    Tried {
        name: Option<&'a str>,
        addr: Option<&'a str>,
    },
    /// A delivery record, with the two texts that may name a host.
    Delivery([&'a str; 2]),
}

impl<'a> Told<'a> {
    /// What an event does to a session; `None` if it does nothing.
    pub fn new(place: u32, process: u32, line: &Line, key: Option<u32>, event: &Event<'a>) -> Option<Self> {
        let what = match event {
            Event::Connect { peer } => What::Connect(peer.addr),
            Event::Disconnect { peer, .. } => What::Disconnect(peer.addr),
            Event::Tls { inbound: true, peer, .. } | Event::SaslFailed { peer, .. } | Event::SaslLogin { peer, .. } => {
                What::Standing(peer.addr)
            }
            Event::ConnectFailed { peer, .. } | Event::Tls { inbound: false, peer, .. } => {
                let Peer { name, addr, .. } = *peer;
                What::Tried { name, addr }
            }
            Event::Client { peer, .. } => What::Arrival(peer.addr),
            Event::From(from) => What::Arrival(from.peer.addr),
            Event::Delivery(Delivery { relay, reply, .. }) => What::Delivery([relay, reply]),
            Event::To(to) => What::Delivery([to.relay.unwrap_or_default(), to.stat.unwrap_or_default()]),
            Event::Policy(Policy { action: Action::Hold | Action::Discard, peer, .. }) if key.is_none() => {
                What::Next(peer.addr)
            }
            _ => return None,
        };
        Some(Self { place, process, key, time: line.time, id: line.id, what })
    }

    /// The place of a line in the course of a session, for lines of one moment.
    fn phase(&self) -> u8 {
        match self.what {
            What::Connect(_) => 0,
            What::Standing(_) | What::Tried { .. } => 1,
            What::Next(_) => 2,
            What::Arrival(_) => 3,
            What::Delivery(_) => 4,
            What::Disconnect(_) => 5,
        }
    }
}

/// What [`share`] found.
#[derive(Debug, Default)]
pub struct Shared {
    /// Keys, each with the place of one of its lines and of a session line that is shared with it.
    pub shared: Vec<(u32, u32, u32)>,
    /// Session lines that a message of the same process may still need, of the last second of its host or later.
    pub open: Vec<u32>,
}

/// Shares session lines with keys. A line is shared with a message line at most `lead_ms` after it. `newest`: for each
/// process the time of the newest line of its host.
pub fn share(told: &[Told<'_>], newest: &[Time], lead_ms: i64) -> Shared {
    let mut out = Shared::default();
    let mut sessions = HashMap::new();
    let (mut sorted, ends) = by_process(told, newest.len());
    let mut start = 0;
    for (end, newest) in ends.into_iter().zip(newest) {
        let lines = &mut sorted[start..end];
        start = end;
        // Inside one moment (a whole second, where stamps are that coarse) the order of a session is that of its protocol.
        let order = |t: &&Told<'_>| (t.time, t.phase(), t.id);
        if !lines.is_sorted_by_key(order) {
            lines.sort_unstable_by_key(order);
        }
        let last = lines.partition_point(|t| t.time < newest.floor_second());
        incoming(lines, last, lead_ms, &mut sessions, &mut out);
        outgoing(lines, last, lead_ms, &mut out);
    }
    out
}

/// The lines, process after process, and where those of each process end.
fn by_process<'t, 'a>(told: &'t [Told<'a>], processes: usize) -> (Vec<&'t Told<'a>>, Vec<usize>) {
    let mut next = vec![0; processes + 1];
    for t in told {
        next[t.process as usize + 1] += 1;
    }
    for n in 1..next.len() {
        next[n] += next[n - 1];
    }
    let Some(any) = told.first() else { return (Vec::new(), Vec::new()) };
    let mut sorted = vec![any; told.len()];
    for t in told {
        let at = &mut next[t.process as usize];
        sorted[*at] = t;
        *at += 1;
    }
    next.truncate(processes);
    (sorted, next)
}

/// Lines of a session, with their times.
type Lines = SmallVec<[(Time, u32); 2]>;

/// An open incoming session of one process with one peer.
#[derive(Default)]
struct Session {
    /// Shared with every message of the session: connect, TLS, SASL.
    standing: Lines,
    /// Shared with the next message only: `NOQUEUE: hold`.
    next: Lines,
    /// The second of its `disconnect`. Lines that are the same to the letter within one second are one line, so two
    /// short sessions in one second leave one `connect`, one TLS line and one `disconnect`: an arrival in that second
    /// still belongs to them.
    closed: Option<i64>,
}

/// The sessions of one process by the address of the peer.
type Sessions<'a> = HashMap<Option<&'a str>, Session>;

/// smtpd names the peer in each line; one smtpd process serves one client after the other. sendmail's daemon has a
/// process for each connection. `last`: where the last second begins. `sessions` is empty, before and after.
fn incoming<'a>(lines: &[&Told<'a>], last: usize, lead_ms: i64, sessions: &mut Sessions<'a>, out: &mut Shared) {
    for (n, t) in lines.iter().enumerate() {
        if n == last {
            open(sessions, out);
        }
        let at = (t.time, t.place);
        let second = t.time.second();
        match t.what {
            What::Connect(peer) => {
                sessions.insert(peer, Session { standing: smallvec::smallvec![at], ..Session::default() });
            }
            What::Standing(peer) => of(sessions, peer, second).standing.push(at),
            What::Next(peer) => of(sessions, peer, second).next.push(at),
            What::Arrival(peer) => give(of(sessions, peer, second), t, lead_ms, out),
            What::Disconnect(peer) => of(sessions, peer, second).closed = Some(second),
            What::Tried { .. } | What::Delivery(_) => {}
        }
    }
    if last == lines.len() {
        open(sessions, out);
    }
    sessions.clear();
}

fn open(sessions: &Sessions<'_>, out: &mut Shared) {
    for session in sessions.values().filter(|session| session.closed.is_none()) {
        out.open.extend(session.standing.iter().chain(&session.next).map(|(_, place)| place));
    }
}

/// The session with a peer; a new one where there is none, or where the last one ended in an earlier second.
fn of<'s, 'a>(sessions: &'s mut Sessions<'a>, peer: Option<&'a str>, second: i64) -> &'s mut Session {
    let session = sessions.entry(peer).or_default();
    if session.closed.is_some_and(|closed| closed != second) {
        *session = Session::default();
    }
    session
}

fn give(session: &mut Session, to: &Told<'_>, lead_ms: i64, out: &mut Shared) {
    let Some(key) = to.key else { return };
    let earliest = to.time.plus(-lead_ms);
    let given = session.standing.iter().copied().chain(session.next.drain(..));
    out.shared.extend(given.filter(|(time, _)| *time >= earliest).map(|(_, place)| (key, to.place, place)));
}

/// A delivery agent works on one message at a time: what failed since its last delivery record belongs to the next
/// one. Where several messages have their record at the same moment, those that name the host come first.
fn outgoing(lines: &[&Told<'_>], last: usize, lead_ms: i64, out: &mut Shared) {
    let mut waiting: Vec<&Told<'_>> = Vec::new();
    for (n, t) in lines.iter().enumerate() {
        if n == last {
            out.open.extend(waiting.iter().map(|w| w.place));
        }
        match t.what {
            What::Tried { .. } => waiting.push(t),
            What::Delivery(_) if !waiting.is_empty() => {
                let moment = lines[n..].iter().take_while(|u| u.time == t.time);
                let moment: Vec<&Told<'_>> = moment.filter(|u| matches!(u.what, What::Delivery(_))).copied().collect();
                let earliest = t.time.plus(-lead_ms);
                for w in waiting.drain(..).filter(|w| w.time >= earliest) {
                    let mut naming = moment.iter().filter(|u| names(u, w)).peekable();
                    match naming.peek() {
                        Some(_) => out.shared.extend(naming.filter_map(|u| Some((u.key?, u.place, w.place)))),
                        None => out.shared.extend(moment.first().and_then(|u| Some((u.key?, u.place, w.place)))),
                    }
                }
            }
            _ => {}
        }
    }
    if last == lines.len() {
        out.open.extend(waiting.iter().map(|w| w.place));
    }
}

/// Whether a delivery's relay or text names the host that was tried.
fn names(delivery: &Told<'_>, tried: &Told<'_>) -> bool {
    let (What::Delivery(texts), What::Tried { name, addr }) = (delivery.what, tried.what) else { return false };
    let named = |part: Option<&str>| part.is_some_and(|part| texts.iter().any(|text| text.contains(part)));
    named(name) || named(addr)
}
