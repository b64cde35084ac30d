//! Incoming sessions: from `connect` to the messages that a client hands in.
//!
//! In: the session lines of one process.  Out: for each arrival the lines of its session. smtpd names the peer in nearly every
//! line, and one smtpd process serves one client after the other. sendmail's daemon has a process for each connection.

use super::{Act, Role, SessionLine, Shared};
use crate::model::Time;
use hashbrown::HashMap;

/// How many of the lines said since the last message a session keeps. postfix hangs up after `smtpd_hard_error_limit` (20)
/// errors, so no real session has as many.
const SAID: usize = 1000;

/// The open sessions of one process by the address of the peer.
pub(super) type Sessions<'t, 'a> = HashMap<Option<&'a str>, Session<'t, 'a>>;

/// An incoming session of one process with one peer.
#[derive(Default)]
pub(super) struct Session<'t, 'a> {
    connect: Option<&'t SessionLine<'a>>,
    secured: Option<&'t SessionLine<'a>>,
    login: Option<&'t SessionLine<'a>>,
    /// `NOQUEUE: client=`.
    front: Option<&'t SessionLine<'a>>,
    /// Lines said since the last message.
    said: Vec<&'t SessionLine<'a>>,
    /// The arrival of the last message, and the latest said line that this message or one before it took.
    arrival: Option<&'t SessionLine<'a>>,
    taken: Option<&'t SessionLine<'a>>,
    /// Its `disconnect`. Identical lines of one second are one line, so two short sessions in one second leave one `connect`,
    /// one TLS line and one `disconnect`: an arrival in that second still belongs to them.
    closed: Option<&'t SessionLine<'a>>,
    /// The `connect` of the session with the same peer that was still open when this one began.
    former: Option<&'t SessionLine<'a>>,
    /// The end of that former session, if its `disconnect` has the stamp of this session's `connect`.
    ended_former: Option<EndedFormer<'t, 'a>>,
    /// The previous session with the peer, if the two may have one `connect` line in common; see [`Ended`].
    before: Option<Ended<'t, 'a>>,
}

/// A `disconnect` in the moment of a `connect` with the same peer. It ended the former session; but in a set without the former
/// `connect`, which may lie before the lead of a message, it ends the one that began in that moment.
///
/// ```text
/// 20:00:00 smtpd[11]: connect from c.example.org[192.0.2.7]
/// 20:00:25 smtpd[11]: disconnect from c.example.org[192.0.2.7]
/// 20:00:25 smtpd[11]: connect from c.example.org[192.0.2.7]
/// ```
#[derive(Clone, Copy)]
pub(super) struct EndedFormer<'t, 'a> {
    connect: &'t SessionLine<'a>,
    disconnect: &'t SessionLine<'a>,
    /// The session that it ends in such a set, and what that one was when the first line of a later second came.
    alternative: Option<Option<Ended<'t, 'a>>>,
}

impl<'t, 'a> EndedFormer<'t, 'a> {
    fn lines(self) -> impl Iterator<Item = &'t SessionLine<'a>> {
        let before = self.alternative.flatten().into_iter().flat_map(Ended::lines);
        [self.connect, self.disconnect].into_iter().chain(before)
    }
}

/// A session that ended in the second of its latest line. The next session may have begun in that second with identical lines,
/// which are one line with those of this session; so a set needs the `disconnect` to tell that these were of this session.
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

/// Walks the lines of one process. `unsettled`: the time from which on further lines may come between them. `sessions` is empty
/// before and after; it is passed in so that its memory is used again.
pub(super) fn walk<'t, 'a>(
    lines: &[&'t SessionLine<'a>],
    unsettled: Option<Time>,
    lead_ms: i64,
    sessions: &mut Sessions<'t, 'a>,
    out: &mut Shared,
) {
    let settled = unsettled.map(|from| lines.partition_point(|line| line.time < from));
    // Lines that show an open session, the latest last; `fronts` has the `NOQUEUE: client=` among them.
    let (mut begun, mut fronts) = (Vec::new(), Vec::new());
    for (n, &line) in lines.iter().enumerate() {
        if settled == Some(n) {
            keep_open(sessions, out);
        }
        match line.act {
            // The answer names no client. A process serves one at a time, so it is for the latest session still open.
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
                // The older half is dropped at twice `SAID`, not one line each time, so the cost stays linear.
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
                    Some(connect) => {
                        session.ended_former = Some(EndedFormer { connect, disconnect: line, alternative: None });
                    }
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

/// The peer of the latest of these lines whose session is still open at `line`. Lines whose session is over, or that are too
/// old, are popped for good.
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
    // A process serves one client at a time, so only after the session that ended last may one have begun in the same second.
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
            .copied()
            .chain(ended_former.iter().copied().flat_map(EndedFormer::lines));
        out.open.extend(open.map(|line| line.place));
    }
}

impl<'t, 'a> Session<'t, 'a> {
    fn ended(&self) -> Option<Ended<'t, 'a>> {
        self.ended_by(self.closed?)
    }

    fn ended_by(&self, disconnect: &'t SessionLine<'a>) -> Option<Ended<'t, 'a>> {
        let (latest, connect) = (self.latest()?, self.connect);
        (disconnect.time.second() == latest.time.second()).then_some(Ended { disconnect, latest, connect })
    }

    /// Makes of the session what it is without the `connect` of the former one: the `disconnect` ended this one, and lines of
    /// later seconds are of a new one.
    fn without_former(&mut self, former: EndedFormer<'t, 'a>) {
        let Some(before) = former.alternative else {
            self.ended_former = None;
            self.closed = Some(former.disconnect);
            return;
        };
        let ended = former.disconnect.time.second();
        let is_later = |line: &&'t SessionLine<'a>| line.time.second() != ended;
        let Self { secured, login, front, said, arrival, taken, closed, .. } = std::mem::take(self);
        *self = Self {
            secured: secured.filter(is_later),
            login: login.filter(is_later),
            front: front.filter(is_later),
            said: said.into_iter().filter(is_later).collect(),
            arrival: arrival.filter(is_later),
            taken: taken.filter(is_later),
            closed,
            before,
            ..Self::default()
        };
    }

    /// The latest line that a next message would take, or that one took.
    fn latest(&self) -> Option<&'t SessionLine<'a>> {
        let Session { connect, secured, login, said, taken, .. } = self;
        let lines = connect.iter().chain(secured).chain(login).chain(said.last()).chain(taken);
        lines.copied().max_by_key(|line| line.order())
    }
}

fn last<T>(said: &[T]) -> &[T] {
    &said[said.len().saturating_sub(SAID)..]
}

/// The session with a peer that a line belongs to; a new one if there is none, or if the last one ended in another second.
fn of<'s, 't, 'a>(
    sessions: &'s mut Sessions<'t, 'a>,
    peer: Option<&'a str>,
    line: &SessionLine<'a>,
) -> &'s mut Session<'t, 'a> {
    let session = sessions.entry(peer).or_default();
    if session.closed.is_some_and(|closed| closed.time.second() != line.time.second()) {
        *session = Session { before: session.ended(), ..Session::default() };
    }
    if let Some(former) = session.ended_former
        && former.alternative.is_none()
        && former.disconnect.time.second() != line.time.second()
    {
        session.ended_former = Some(EndedFormer { alternative: Some(session.ended_by(former.disconnect)), ..former });
    }
    session
}

/// Gives a message the lines of its session, and removes from the session what was said before the message.
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

/// Gives a line what is in force in its session: `connect`, TLS, login and, for a filter's answer, `NOQUEUE: client=`.
fn tell<'t, 'a>(session: &mut Session<'t, 'a>, to: &'t SessionLine<'a>, lead_ms: i64, out: &mut Shared) {
    let earliest = to.time.plus(-lead_ms);
    if let Some(former) = session.ended_former {
        if former.connect.time < earliest {
            session.without_former(former);
        } else {
            out.add(to, former.connect, Role::Context(former.disconnect.place));
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
        for line in connect.filter(|connect| connect.time >= earliest).into_iter().chain([latest]) {
            out.add(to, line, Role::Context(disconnect.place));
        }
    }
}

#[cfg(test)]
mod tests;
