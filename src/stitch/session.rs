//! Sessions: what lines without a queue id know of the messages that passed through the same process.
//!
//! In: the session lines and message lines of a stretch.  Out: which session line belongs to which key as well.
//! Left alone: who the client was is in the message's own lines; only `connect`, TLS, SASL, failed `connect to` and
//! `NOQUEUE: hold|discard` lines are shared.
//!
//! Everything is decided by lines at most `session_lead` before the message's own, so that the same lines are shared
//! however the log is cut into windows (law L2).

use super::key::Key;
use crate::model::{
    Event, Line,
    event::{Action, Delivery, Peer, Policy},
};
use std::{collections::HashMap, sync::Arc};

/// A line that matters to sessions.
#[derive(Debug)]
pub struct Told<'a> {
    pub place: u32,
    pub line: &'a Line,
    pub key: Option<Key>,
    pub event: Event<'a>,
}

/// What [`share`] found.
#[derive(Debug, Default)]
pub struct Shared {
    /// Places of session lines, with the key that shares each.
    pub shared: Vec<(Key, u32)>,
    /// Session lines that a later message of the same process may still need.
    pub open: Vec<u32>,
}

/// Whether an event takes part in sessions at all. postscreen hands its clients on to smtpd, which logs them anew; its
/// own sessions have no messages, and no end where the client passed.
pub fn matters(program: &str, event: &Event<'_>) -> bool {
    !program.ends_with("/postscreen")
        && matches!(
            event,
            Event::Connect { .. }
                | Event::Disconnect { .. }
                | Event::Tls { .. }
                | Event::SaslFailed { .. }
                | Event::SaslLogin { .. }
                | Event::ConnectFailed { .. }
                | Event::Client { .. }
                | Event::Delivery(_)
                | Event::From(_)
                | Event::To(_)
                | Event::Policy(Policy { action: Action::Hold | Action::Discard, .. })
        )
}

/// Host, syslog name and pid.
type Process = (Arc<str>, Arc<str>, Option<u32>);

/// Shares session lines with keys. A line is shared with a message line at most `lead_ms` after it.
pub fn share(mut told: Vec<Told<'_>>, lead_ms: i64) -> Shared {
    // Inside one moment (a whole second, where stamps are that coarse) the order of a session is that of its protocol.
    told.sort_by_key(|t| (t.line.time, phase(&t.event), t.line.id));
    let mut processes: HashMap<Process, Vec<Told<'_>>> = HashMap::new();
    for t in told {
        let process = (Arc::clone(&t.line.host), Arc::clone(&t.line.program), t.line.pid);
        processes.entry(process).or_default().push(t);
    }
    let mut out = Shared::default();
    for lines in processes.values() {
        incoming(lines, lead_ms, &mut out);
        outgoing(lines, lead_ms, &mut out);
    }
    out.open.sort_unstable();
    out.open.dedup();
    out.shared.sort_unstable();
    out
}

fn phase(event: &Event<'_>) -> u8 {
    match event {
        Event::Connect { .. } => 0,
        Event::Tls { .. } | Event::SaslFailed { .. } | Event::SaslLogin { .. } | Event::ConnectFailed { .. } => 1,
        Event::Policy(_) => 2,
        Event::Client { .. } | Event::From(_) => 3,
        Event::Delivery(_) | Event::To(_) => 4,
        _ => 5,
    }
}

/// An open incoming session of one process with one peer.
#[derive(Default)]
struct Session {
    /// Shared with every message of the session: connect, TLS, SASL.
    standing: Vec<(i64, u32)>,
    /// Shared with the next message only: `NOQUEUE: hold`.
    next: Vec<(i64, u32)>,
    /// The second of its `disconnect`. Lines that are the same to the letter within one second are one line, so two
    /// short sessions in one second leave one `connect`, one TLS line and one `disconnect`: an arrival in that second
    /// still belongs to them.
    closed: Option<i64>,
}

/// smtpd names the peer in each line; one smtpd process serves one client after the other. sendmail's daemon has a
/// process for each connection.
fn incoming<'a>(lines: &'a [Told<'a>], lead_ms: i64, out: &mut Shared) {
    let mut sessions: HashMap<Option<&str>, Session> = HashMap::new();
    for t in lines {
        let at = (t.line.time.0, t.place);
        let second = t.line.time.second();
        match &t.event {
            Event::Connect { peer } => {
                sessions.insert(peer.addr, Session { standing: vec![at], ..Session::default() });
            }
            Event::Tls { inbound: true, peer, .. } | Event::SaslFailed { peer, .. } | Event::SaslLogin { peer, .. } => {
                of(&mut sessions, peer.addr, second).standing.push(at);
            }
            Event::Policy(policy) if t.key.is_none() => of(&mut sessions, policy.peer.addr, second).next.push(at),
            Event::Client { peer, .. } => give(of(&mut sessions, peer.addr, second), t, lead_ms, out),
            Event::From(from) => give(of(&mut sessions, from.peer.addr, second), t, lead_ms, out),
            Event::Disconnect { peer, .. } => of(&mut sessions, peer.addr, second).closed = Some(second),
            _ => {}
        }
    }
    let open = sessions.into_values().filter(|s| s.closed.is_none()).flat_map(|s| s.standing.into_iter().chain(s.next));
    out.open.extend(open.map(|(_, place)| place));
}

/// The session with a peer; a new one where there is none, or where the last one ended in an earlier second.
fn of<'s, 'a>(
    sessions: &'s mut HashMap<Option<&'a str>, Session>,
    peer: Option<&'a str>,
    second: i64,
) -> &'s mut Session {
    let session = sessions.entry(peer).or_default();
    if session.closed.is_some_and(|closed| closed != second) {
        *session = Session::default();
    }
    session
}

fn give(session: &mut Session, to: &Told<'_>, lead_ms: i64, out: &mut Shared) {
    let Some(key) = &to.key else { return };
    let earliest = to.line.time.0.saturating_sub(lead_ms);
    let given = session.standing.iter().copied().chain(session.next.drain(..));
    out.shared.extend(given.filter(|(time, _)| *time >= earliest).map(|(_, place)| (key.clone(), place)));
}

/// A delivery agent works on one message at a time: what failed since its last delivery record belongs to the next
/// one. Where several messages have their record at the same moment, those that name the host come first.
fn outgoing<'a>(lines: &'a [Told<'a>], lead_ms: i64, out: &mut Shared) {
    let mut waiting: Vec<&Told<'a>> = Vec::new();
    let mut n = 0;
    while let Some(t) = lines.get(n) {
        match &t.event {
            Event::ConnectFailed { .. } | Event::Tls { inbound: false, .. } => waiting.push(t),
            Event::Delivery(_) | Event::To(_) if !waiting.is_empty() => {
                let moment = lines[n..].iter().take_while(|u| u.line.time == t.line.time);
                let moment: Vec<&Told<'a>> = moment.filter(|u| is_delivery(&u.event)).collect();
                let earliest = t.line.time.0.saturating_sub(lead_ms);
                for w in waiting.drain(..).filter(|w| w.line.time.0 >= earliest) {
                    let naming: Vec<_> = moment.iter().filter(|u| names(&u.event, &w.event)).collect();
                    let first = moment.first().and_then(|u| u.key.as_ref());
                    if naming.is_empty() {
                        out.shared.extend(first.map(|key| (key.clone(), w.place)));
                    } else {
                        out.shared.extend(naming.iter().filter_map(|u| Some((u.key.clone()?, w.place))));
                    }
                }
            }
            _ => {}
        }
        n += 1;
    }
    out.open.extend(waiting.iter().map(|w| w.place));
}

fn is_delivery(event: &Event<'_>) -> bool {
    matches!(event, Event::Delivery(_) | Event::To(_))
}

/// Whether a delivery's relay or text names the host of a failed connection or of a TLS session.
fn names(delivery: &Event<'_>, session: &Event<'_>) -> bool {
    let (Event::ConnectFailed { peer, .. } | Event::Tls { peer, .. }) = session else { return false };
    let Peer { name, addr, .. } = peer;
    let texts = match delivery {
        Event::Delivery(Delivery { relay, reply, .. }) => [relay, reply],
        Event::To(to) => [&to.relay.unwrap_or_default(), &to.stat.unwrap_or_default()],
        _ => return false,
    };
    let named = |part: &Option<&str>| part.is_some_and(|part| texts.iter().any(|text| text.contains(part)));
    named(name) || named(addr)
}
