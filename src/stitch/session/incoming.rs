//! Incoming sessions: from `connect` to the messages that a client hands in.
//!
//! smtpd names the peer in each line, and one smtpd process serves one client after the other. sendmail's daemon has a
//! process for each connection.

use super::{Act, Role, SessionLine, Shared};
use crate::model::Time;
use hashbrown::HashMap;

/// Lines that a client may be the cause of between two messages, and that are kept: postfix hangs up after
/// `smtpd_hard_error_limit` (20) errors, so that more are not from a server.
const SAID: usize = 1000;

/// The open sessions of one process by the address of the peer.
pub(super) type Sessions<'t, 'a> = HashMap<Option<&'a str>, Session<'t, 'a>>;

/// An open incoming session of one process with one peer.
#[derive(Default)]
pub(super) struct Session<'t, 'a> {
    connect: Option<&'t SessionLine<'a>>,
    secured: Option<&'t SessionLine<'a>>,
    login: Option<&'t SessionLine<'a>>,
    /// `NOQUEUE: client=`.
    front: Option<&'t SessionLine<'a>>,
    /// Said since the last message.
    said: Vec<&'t SessionLine<'a>>,
    /// The last message, and the latest line that it or one before it took.
    arrival: Option<&'t SessionLine<'a>>,
    taken: Option<&'t SessionLine<'a>>,
    /// Its `disconnect`. Lines that are the same to the letter within one second are one line, so two short sessions in one
    /// second leave one `connect`, one TLS line and one `disconnect`: an arrival in that second still belongs to them.
    closed: Option<&'t SessionLine<'a>>,
    /// The `connect` of another session with the peer, which was open when this one began.
    former: Option<&'t SessionLine<'a>>,
    /// The `connect` and the `disconnect` of that one, where the latter has the stamp of this one's `connect`: without the
    /// former line it would be this one's.
    ended_former: Option<[&'t SessionLine<'a>; 2]>,
    /// The session before it, where both may have the same `connect`.
    before: Option<Ended<'t, 'a>>,
}

/// A session that ended in the second of its latest line: a copy of its `connect` may be that of the one after it.
#[derive(Clone, Copy)]
pub(super) struct Ended<'t, 'a> {
    disconnect: &'t SessionLine<'a>,
    latest: &'t SessionLine<'a>,
    connect: Option<&'t SessionLine<'a>>,
}

impl<'t, 'a> Ended<'t, 'a> {
    fn lines(self) -> impl Iterator<Item = &'t SessionLine<'a>> {
        [self.disconnect, self.latest].into_iter().chain(self.connect)
    }
}

/// Walks the lines of one process. `unsettled`: from when on late lines may come between them. `sessions` is empty before
/// and after.
pub(super) fn walk<'t, 'a>(
    lines: &[&'t SessionLine<'a>],
    unsettled: Option<Time>,
    lead_ms: i64,
    sessions: &mut Sessions<'t, 'a>,
    out: &mut Shared,
) {
    let settled = unsettled.map(|from| lines.partition_point(|line| line.time < from));
    // Lines that sessions begin with, the latest last; those of `NOQUEUE: client=` alone.
    let (mut begun, mut fronts) = (Vec::new(), Vec::new());
    for (n, &line) in lines.iter().enumerate() {
        if settled == Some(n) {
            keep_open(sessions, out);
        }
        match line.act {
            // One process serves one client at a time.
            Act::Answered if line.key.is_some() => {
                if let Some(peer) = current(&mut begun, sessions, line, lead_ms) {
                    tell(of(sessions, peer, line), line, lead_ms, out);
                }
            }
            Act::Connect(peer) => {
                let former = sessions.get(&peer).filter(|s| s.closed.is_none()).and_then(|s| s.connect);
                sessions.insert(peer, Session { connect: Some(line), former, ..Session::default() });
                begun.push((peer, line));
            }
            Act::Secured(peer) => {
                of(sessions, peer, line).secured = Some(line);
                begun.push((peer, line));
            }
            Act::Login(peer) => {
                of(sessions, peer, line).login = Some(line);
                begun.push((peer, line));
            }
            Act::Said(peer) => {
                let said = &mut of(sessions, peer, line).said;
                // Twice as many before the older half goes, so that this costs no more than reading the lines.
                if said.len() >= 2 * SAID {
                    said.drain(..SAID);
                }
                said.push(line);
            }
            Act::Front(peer) => {
                of(sessions, peer, line).front = Some(line);
                fronts.push((peer, line));
                begun.push((peer, line));
            }
            Act::Accepted if line.key.is_some() => {
                if let Some(peer) = current(&mut fronts, sessions, line, lead_ms) {
                    give(of(sessions, peer, line), line, lead_ms, out);
                }
            }
            Act::Arrival(peer) if line.key.is_some() => give(of(sessions, peer, line), line, lead_ms, out),
            Act::Disconnect(peer) => {
                let session = of(sessions, peer, line);
                let former = session.former.take();
                match former.filter(|_| session.connect.is_some_and(|connect| connect.time == line.time)) {
                    Some(former) => session.ended_former = Some([former, line]),
                    None => session.closed = Some(line),
                }
            }
            _ => {}
        }
    }
    if settled == Some(lines.len()) {
        keep_open(sessions, out);
    }
    sessions.clear();
}

/// The peer of the latest of these lines whose session goes on at `line`. What is over is taken from the lines: it stays over.
fn current<'t, 'a>(
    lines: &mut Vec<(Option<&'a str>, &'t SessionLine<'a>)>,
    sessions: &Sessions<'t, 'a>,
    line: &SessionLine<'a>,
    lead_ms: i64,
) -> Option<Option<&'a str>> {
    while let Some((peer, begun)) = lines.last() {
        let goes_on = |s: &Session<'_, '_>| s.closed.is_none_or(|closed| closed.time.second() == line.time.second());
        let has = |s: &Session<'_, '_>| {
            [s.connect, s.secured, s.login, s.front].into_iter().flatten().any(|own| own.place == begun.place)
        };
        let is_near = line.time.0 - begun.time.0 <= lead_ms;
        if is_near && sessions.get(peer).is_some_and(|s| goes_on(s) && has(s)) {
            return Some(*peer);
        }
        lines.pop();
    }
    None
}

fn keep_open(sessions: &Sessions<'_, '_>, out: &mut Shared) {
    // A process serves one client at a time: only its last session can have another one of the same second behind it.
    let ended = sessions.values().filter_map(|s| if s.closed.is_some() { s.ended() } else { s.before });
    let last_ended = ended.max_by_key(|ended| ended.disconnect.order());
    out.open.extend(last_ended.into_iter().flat_map(Ended::lines).map(|line| line.place));
    for session in sessions.values().filter(|session| session.closed.is_none()) {
        let Session { connect, secured, login, front, said, arrival, taken, ended_former, .. } = session;
        let taken = arrival.iter().chain(taken).filter(|_| taken.is_some());
        let open = connect
            .iter()
            .chain(secured)
            .chain(login)
            .chain(front)
            .chain(last(said))
            .chain(taken)
            .chain(ended_former.iter().flatten());
        out.open.extend(open.map(|line| line.place));
    }
}

impl<'t, 'a> Session<'t, 'a> {
    fn ended(&self) -> Option<Ended<'t, 'a>> {
        let (disconnect, latest) = (self.closed?, self.latest()?);
        let connect = self.connect;
        (disconnect.time.second() == latest.time.second()).then_some(Ended { disconnect, latest, connect })
    }

    /// The latest line that a message would take, or took.
    fn latest(&self) -> Option<&'t SessionLine<'a>> {
        let Session { connect, secured, login, said, taken, .. } = self;
        let lines = connect.iter().chain(secured).chain(login).chain(said.last()).chain(taken);
        lines.copied().max_by_key(|line| line.order())
    }
}

fn last<T>(said: &[T]) -> &[T] {
    &said[said.len().saturating_sub(SAID)..]
}

/// The session with a peer that a line belongs to; a new one where there is none, or where the last one ended in an
/// earlier second.
fn of<'s, 't, 'a>(
    sessions: &'s mut Sessions<'t, 'a>,
    peer: Option<&'a str>,
    line: &SessionLine<'a>,
) -> &'s mut Session<'t, 'a> {
    let session = sessions.entry(peer).or_default();
    if session.closed.is_some_and(|closed| closed.time.second() != line.time.second()) {
        *session = Session { before: session.ended(), ..Session::default() };
    }
    session
}

/// Gives a message what its session says of it, and takes from the session what was said before it.
fn give<'t, 'a>(session: &mut Session<'t, 'a>, to: &'t SessionLine<'a>, lead_ms: i64, out: &mut Shared) {
    tell(session, to, lead_ms, out);
    let earliest = to.time.plus(-lead_ms);
    let Session { said, arrival, taken, .. } = session;
    for line in last(said).iter().filter(|line| line.time >= earliest) {
        out.add(to, line, Role::Taken);
    }
    if let (Some(arrival), Some(taken)) = (arrival, &taken)
        && taken.time >= earliest
    {
        out.add(to, taken, Role::Context(arrival.place));
    }
    *taken = said.pop().or(*taken);
    said.clear();
    session.arrival = Some(to);
}

/// Gives a line what is in force in its session.
fn tell<'t, 'a>(session: &mut Session<'t, 'a>, to: &'t SessionLine<'a>, lead_ms: i64, out: &mut Shared) {
    let earliest = to.time.plus(-lead_ms);
    if let Some([connect, disconnect]) = session.ended_former {
        if connect.time < earliest {
            session.closed = Some(disconnect);
            *session = Session { before: session.ended(), ..Session::default() };
        } else {
            out.add(to, connect, Role::Context(disconnect.place));
        }
    }
    let Session { connect, secured, login, front, before, .. } = session;
    let front = front.iter().filter(|_| matches!(to.act, Act::Accepted | Act::Answered));
    for line in connect.iter().chain(&*secured).chain(&*login).chain(front) {
        if line.time >= earliest {
            out.add(to, line, Role::Taken);
        }
    }
    if let Some(Ended { disconnect, latest, connect }) = *before
        && latest.time >= earliest
    {
        for line in connect.into_iter().chain([latest]) {
            out.add(to, line, Role::Context(disconnect.place));
        }
    }
}

#[cfg(test)]
mod tests;
