//! Sessions: which lines without a queue id belong to which messages of the same process.
//!
//! In: the session lines and message lines of a stretch, or of the set of one key.  Out: which session line belongs to
//! which message.
//!
//! A message takes
//! - from its incoming session (`incoming.rs`) the `connect`, TLS and login in force, and what was said since the message
//!   before it: failed logins, `NOQUEUE: discard` and the like. If a filter before the queue handed the message in, this is the
//!   session in front of the filter;
//! - from the delivery agent's work on it (`outgoing.rs`) the failed `connect to` and the TLS of the next hop.
//!
//! Invariants, each with a line:
//!
//! - A session line belongs to messages of its own process only, and only to lines at most `session_lead` after it.
//!   `smtpd[11]: connect from c.example.org[192.0.2.7]` tells nothing of a message that `smtpd[12]` takes in.
//! - The `connect`, TLS and login hold for every message up to the `disconnect`; what was said holds for the next one alone.
//!   `smtpd[11]: NOQUEUE: discard: RCPT from c.example.org[192.0.2.7]: …` belongs to one message.
//! - Within one moment lines are in the order of the protocol, not of the log.
//!   `smtpd[11]: disconnect from c.example.org[192.0.2.7]` comes after a `client=` with the same stamp.
//! - The same rule runs twice, and must find the same: over a stretch, to find which lines the set of a key needs, and over
//!   that set when it is folded. So a set holds all that the rule needs to decide, also against its own message.
//!
//! The last one is the difficult one. A line may come hours late, so a set may hold a session line that another message turns
//! out to have taken:
//!
//! ```text
//! 20:00:01 smtpd[11]: NOQUEUE: discard: RCPT from c.example.org[192.0.2.7]: …
//! 20:00:02 smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]      (comes an hour late)
//! 20:00:03 smtpd[11]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]      (took the `discard` meanwhile)
//! ```
//!
//! Lines are only ever added to a set, so the `discard` stays in that of 5F1A2B3C4D. Instead the set also gets the line that
//! took it away (here the `client=` of 4F1A2B3C4D) and the latest line that was taken (the `discard`), as [`Role::Context`].
//! The fold then finds the same owner as the stretch and drops what is not its own. Lines known later can only move a context
//! line forward in time, in whatever order they come (laws L1 and L2).

mod incoming;
mod outgoing;

use crate::model::{
    Event, Line, LineId, Time,
    event::{Action, Delivery, Peer, Policy},
};

/// A line that has a part in a session. Places, processes and keys are numbers of the caller.
#[derive(Debug, Clone, Copy)]
pub struct SessionLine<'a> {
    place: u32,
    process: u32,
    /// Key of the message that the line itself names; for a lone line, its own key.
    key: Option<u32>,
    time: Time,
    id: LineId,
    act: Act<'a>,
}

/// The key of any message that the caller does not ask about: it takes lines, but makes no pairs.
pub const OTHER: u32 = u32::MAX;

/// A line's part in a session. Incoming sessions are identified by the address of their peer.
#[derive(Debug, Clone, Copy)]
enum Act<'a> {
    /// A session begins.
    Connect(Option<&'a str>),
    /// TLS, in force for every message of the session.
    Secured(Option<&'a str>),
    /// A login, in force for every message of the session.
    Login(Option<&'a str>),
    /// Concerns the next message of the session: a failed login, `NOQUEUE: hold|discard|warn|filter|…`.
    Said(Option<&'a str>),
    /// A message comes in: `client=` with a queue id, sendmail's `from=`.
    Arrival(Option<&'a str>),
    /// `NOQUEUE: client=`: a filter before the queue takes the client's message.
    Front(Option<&'a str>),
    /// `proxy-accept`: the filter accepted the message of the latest such client. The line names no client.
    Accepted,
    /// Another answer of the filter, such as `proxy-reject`: a document of its own. The line names no client.
    Answered,
    Disconnect(Option<&'a str>),
    /// A delivery agent failed to connect.
    Failed(Peer<'a>),
    /// A delivery agent's connection has TLS.
    Onward(Peer<'a>),
    /// A delivery record.
    Record(Record<'a>),
}

/// A delivery record, as far as it tells what its process did for it.
#[derive(Debug, Clone, Copy)]
struct Record<'a> {
    relay: &'a str,
    reply: &'a str,
    /// How long the delivery agent worked on it, milliseconds; `None` where the record does not tell.
    busy_ms: Option<i64>,
    /// Whether it went over a connection that an earlier delivery had opened.
    reused: bool,
}

impl<'a> SessionLine<'a> {
    /// `None` for an event that has no part in a session. `lone`: the line is a document of its own that needs other lines.
    pub fn new(place: u32, process: u32, line: &Line, key: Option<u32>, lone: bool, event: &Event<'a>) -> Option<Self> {
        let act = match event {
            Event::Policy(_) if lone => Act::Answered,
            Event::Connect { peer } => Act::Connect(peer.addr),
            Event::Disconnect { peer, .. } => Act::Disconnect(peer.addr),
            Event::Tls { inbound: true, peer, .. } => Act::Secured(peer.addr),
            Event::SaslLogin { peer, .. } => Act::Login(peer.addr),
            Event::SaslFailed { peer, .. } if key.is_none() => Act::Said(peer.addr),
            Event::ConnectFailed { peer, .. } => Act::Failed(*peer),
            Event::Tls { inbound: false, peer, .. } => Act::Onward(*peer),
            Event::Client { peer, .. } if key.is_none() => Act::Front(peer.addr),
            Event::Client { peer, .. } => Act::Arrival(peer.addr),
            Event::Policy(Policy { action: Action::Accept, .. }) => Act::Accepted,
            Event::From(from) => Act::Arrival(from.peer.addr),
            Event::Delivery(record) => Act::Record(Record::of(record)),
            Event::To(to) => {
                let reply = to.stat.unwrap_or_default();
                Act::Record(Record {
                    relay: to.relay.unwrap_or_default(),
                    reply,
                    busy_ms: milliseconds(to.xdelay.or(to.delay)),
                    reused: false,
                })
            }
            Event::Policy(Policy { action, peer, .. })
                if key.is_none() && !matches!(action, Action::Reject | Action::Hangup) =>
            {
                Act::Said(peer.addr)
            }
            _ => return None,
        };
        Some(Self { place, process, key, time: line.time, id: line.id, act })
    }

    /// Order of lines in a session: by time, and within one moment (a whole second, if stamps are coarse) by the protocol.
    fn order(&self) -> (Time, u8, LineId) {
        let phase = match self.act {
            Act::Connect(_) => 0,
            Act::Secured(_) | Act::Failed(_) | Act::Onward(_) => 1,
            Act::Login(_) | Act::Said(_) => 2,
            Act::Arrival(_) | Act::Front(_) => 3,
            Act::Record(_) | Act::Accepted | Act::Answered => 4,
            Act::Disconnect(_) => 5,
        };
        (self.time, phase, self.id)
    }
}

impl<'a> Record<'a> {
    /// The third and fourth part of `delays=` are the time since the agent was given the message (`global/log_adhoc.c`).
    /// Releases before 2.3 log only `delay=`, the time since the message arrived.
    fn of(delivery: &Delivery<'a>) -> Self {
        let busy = delivery.delays.map(|d| d.conn_setup + d.transmission);
        let (relay, reply) = (delivery.relay, delivery.reply);
        Self {
            relay,
            reply,
            busy_ms: milliseconds(busy.or(delivery.delay)),
            reused: delivery.conn_use.is_some_and(|times| times > 1),
        }
    }
}

/// Seconds as milliseconds, limited to the range from 0 to 31 days: a log may contain any number.
fn milliseconds(seconds: Option<f64>) -> Option<i64> {
    seconds.map(|seconds| (seconds * 1000.0).clamp(0.0, 31.0 * 86_400_000.0) as i64)
}

/// How a session line belongs to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It concerns the message.
    Taken,
    /// It does not, as the line at this place shows: a line of another message, or an earlier one of this message, that took
    /// it, or the end of its session.
    Context(u32),
}

/// A session line that the set of a key needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    pub key: u32,
    /// The place of the own line for which the other one is needed: an arrival, a delivery record, or a lone line.
    pub own: u32,
    pub other: u32,
    pub role: Role,
}

/// Pairs found, and the lines that may be paired with later ones.
#[derive(Debug, Default)]
pub struct Shared {
    pub pairs: Vec<Pair>,
    /// Places of the lines that were open when the unsettled time of their host began: session lines, and lines that show
    /// which of them are taken or over. May hold a place twice.
    pub open: Vec<u32>,
}

impl Shared {
    fn add(&mut self, to: &SessionLine<'_>, other: &SessionLine<'_>, role: Role) {
        if let Some(key) = to.key.filter(|key| *key != OTHER) {
            self.pairs.push(Pair { key, own: to.place, other: other.place, role });
        }
    }
}

/// Finds which session lines belong to which message. A session line is at most `lead_ms` before the message's line that takes
/// it. `unsettled` has for each process the time from which on lines of its host may still come in any order; `None` where all
/// lines are known, and nothing is kept open.
pub fn share(lines: &[SessionLine<'_>], unsettled: &[Option<Time>], lead_ms: i64) -> Shared {
    let mut out = Shared::default();
    let mut sessions = incoming::Sessions::default();
    let (mut sorted, ends) = by_process(lines, unsettled.len());
    let mut start = 0;
    for (end, unsettled) in ends.into_iter().zip(unsettled) {
        let of_process = &mut sorted[start..end];
        start = end;
        if !of_process.is_sorted_by_key(|line| line.order()) {
            of_process.sort_unstable_by_key(|line| line.order());
        }
        incoming::walk(of_process, *unsettled, lead_ms, &mut sessions, &mut out);
        outgoing::walk(of_process, *unsettled, lead_ms, &mut out);
    }
    out
}

/// The lines sorted by process, and the end of each process's part. A counting sort.
fn by_process<'t, 'a>(lines: &'t [SessionLine<'a>], processes: usize) -> (Vec<&'t SessionLine<'a>>, Vec<usize>) {
    let mut next = vec![0; processes + 1];
    for line in lines {
        next[line.process as usize + 1] += 1;
    }
    for n in 1..next.len() {
        next[n] += next[n - 1];
    }
    let Some(any) = lines.first() else { return (Vec::new(), Vec::new()) };
    let mut sorted = vec![any; lines.len()];
    for line in lines {
        let at = &mut next[line.process as usize];
        sorted[*at] = line;
        *at += 1;
    }
    next.truncate(processes);
    (sorted, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Parsed,
        stitch::{
            Reading, lone,
            testing::{at, document, documents, lines},
        },
    };

    /// Result of [`share`] for a log whose lines are numbered from 0. `unsettled`: milliseconds after the test logs begin.
    #[track_caller]
    pub(super) fn shared(text: &str, unsettled: Option<i64>) -> Shared {
        fn number<T: PartialEq>(known: &mut Vec<T>, one: T) -> u32 {
            let n = known.iter().position(|other| *other == one).unwrap_or(known.len());
            if n == known.len() {
                known.push(one);
            }
            n as u32
        }
        let lines = lines(text);
        let readings: Vec<Reading<'_>> = lines.iter().map(Reading::new).collect();
        let (mut keys, mut processes, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (place, Reading { line, parsed, .. }) in (0..).zip(&readings) {
            let Parsed::Event { queue_id, event } = parsed else { panic!("not understood: {}", line.text) };
            let lone = queue_id.is_none() && lone::needs_others(event, true);
            let name = queue_id.map(String::from).or_else(|| lone.then(|| lone::name(line.id)));
            let key = name.map(|name| number(&mut keys, name));
            let process = number(&mut processes, (&line.program, line.pid));
            told.extend(SessionLine::new(place, process, line, key, lone, event));
        }
        share(&told, &vec![unsettled.map(at); processes.len()], 600_000)
    }

    /// Checks the pairs of a log, by line numbers: `[own, taken]`, and `[own, other, by]` for context.
    #[track_caller]
    pub(super) fn check(text: &str, taken: &[[u32; 2]], context: &[[u32; 3]]) {
        let (mut found_taken, mut found_context) = (Vec::new(), Vec::new());
        for Pair { own, other, role, .. } in shared(text, None).pairs {
            match role {
                Role::Taken => found_taken.push([own, other]),
                Role::Context(by) => found_context.push([own, other, by]),
            }
        }
        found_taken.sort_unstable();
        found_context.sort_unstable();
        found_context.dedup();
        assert_eq!((&*found_taken, &*found_context), (taken, context), "{text}");
    }

    /// Checks which lines, by number, are open where the unsettled time begins at this millisecond.
    #[track_caller]
    pub(super) fn check_open(text: &str, unsettled: i64, expected: &[u32]) {
        let mut open = shared(text, Some(unsettled)).open;
        open.sort_unstable();
        open.dedup();
        assert_eq!(open, expected, "from {unsettled}: {text}");
    }

    /// Stamps may be whole seconds, and a syslog daemon with several sockets may mix up the lines of one second.
    #[test]
    fn lines_of_one_moment_are_in_the_order_of_the_protocol() {
        check(
            "1 mx1 sm-mta[11]: 7AMJ0c7Q012345: from=<a@example.org>, size=9, nrcpts=1, relay=c.example.org [192.0.2.7]
             1 mx1 sm-mta[11]: AUTH=server, relay=c.example.org [192.0.2.7], authid=a, mech=PLAIN, bits=0
             1 mx1 sm-mta[11]: STARTTLS=server, relay=c.example.org [192.0.2.7], version=TLSv1.3, cipher=X
             1 mx1 sm-mta[11]: NOQUEUE: connect from c.example.org [192.0.2.7]",
            &[[0, 1], [0, 2], [0, 3]],
            &[],
        );
        check(
            "3 mx1 postfix/smtp[74]: 3A9C96093D: to=<b@example.net>, relay=mx2.example.net[198.51.100.26]:25, delay=2, delays=0/0/1/1, dsn=2.0.0, status=sent (ok)
             3 mx1 postfix/smtp[74]: Untrusted TLS connection established to mx2.example.net[198.51.100.26]:25: TLSv1.3 with cipher X (256/256 bits)
             3 mx1 postfix/smtp[74]: connect to mx1.example.net[198.51.100.25]:25: Connection refused",
            &[[0, 1], [0, 2]],
            &[],
        );
    }

    #[test]
    fn a_line_of_one_process_is_not_of_another() {
        check(
            "1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
             1 mx1 postfix/smtpd[12]: connect from c.example.org[192.0.2.7]
             2 mx1 postfix/smtpd[12]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]
             2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx1 postfix/smtpd[13]: connect from d.example.org[192.0.2.8]",
            &[[2, 1], [3, 0]],
            &[],
        );
    }

    /// The work on a record is `conn_setup` plus `transmission`; an old release logs the whole delay only.
    #[test]
    fn a_record_tells_how_long_its_work_took() {
        for (delays, failed, expected) in [
            ("delay=9, delays=5/1/0.5/2.5", "97.1", true),
            ("delay=9, delays=5/1/0.5/2.5", "95.9", false),
            ("delay=9", "91.1", true),
            ("delay=9", "89.9", false),
            ("delay=0.5", "99.1", true),
            ("delay=0.5", "98.1", false),
        ] {
            let log = format!(
                "{failed} mx1 postfix/smtp[74]: connect to mx1.example.net[198.51.100.25]:25: Connection refused
                 100 mx1 postfix/smtp[74]: 3A9C96093D: to=<b@example.net>, relay=none, {delays}, dsn=4.4.1, status=deferred (x)"
            );
            check(&log, if expected { &[[1, 0]] } else { &[] }, &[]);
        }
    }

    /// A log may contain any number.
    #[test]
    fn work_takes_at_most_a_month() {
        const DAY: i64 = 86_400_000;
        assert_eq!(milliseconds(None), None);
        for (seconds, expected) in
            [(0.0, 0), (1.5, 1500), (-3.0, 0), (30.0 * 86_400.0, 30 * DAY), (1e12, 31 * DAY), (f64::INFINITY, 31 * DAY)]
        {
            assert_eq!(milliseconds(Some(seconds)), Some(expected), "{seconds}");
        }
    }

    fn texts(t: &crate::model::Transaction) -> Vec<&str> {
        t.mail.lines.iter().filter(|line| !line.context).map(|line| &*line.text).collect()
    }

    #[test]
    fn a_message_has_the_session_that_brought_it() {
        let t = document(
            "1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
             1.1 mx1 postfix/smtpd[11]: Anonymous TLS connection established from c.example.org[192.0.2.7]: TLSv1.3 with cipher X (256/256 bits)
             1.2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             1.3 mx1 postfix/smtpd[12]: connect from d.example.org[192.0.2.8]
             1.4 mx1 postfix/smtpd[11]: disconnect from c.example.org[192.0.2.7]",
        );
        assert_eq!(t.tls.version.as_deref(), Some("TLSv1.3"));
        assert_eq!(texts(&t).len(), 3, "{:?}", texts(&t));
    }

    #[test]
    fn a_session_that_ended_says_nothing_of_the_next() {
        let t = document(
            "1 mx1 postfix/smtpd[11]: Anonymous TLS connection established from c.example.org[192.0.2.7]: TLSv1.3 with cipher X (256/256 bits)
             2 mx1 postfix/smtpd[11]: disconnect from c.example.org[192.0.2.7]
             3 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
             4 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]",
        );
        assert_eq!((t.tls.version.as_deref(), texts(&t).len()), (None, 2));
    }

    #[test]
    fn what_was_said_is_of_the_next_message_only() {
        let all = documents(
            "1 mx1 postfix/smtpd[11]: NOQUEUE: warn: RCPT from c.example.org[192.0.2.7]: beware; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
             2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx1 postfix/smtpd[11]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]",
        );
        let of = |id: &str| all.iter().find(|t| t.email.local_id.as_deref() == Some(id)).unwrap();
        let warned = |id| texts(of(id)).iter().any(|text| text.contains("beware"));
        assert_eq!((warned("4F1A2B3C4D"), warned("5F1A2B3C4D")), (true, false));
    }

    #[test]
    fn a_session_line_reaches_ten_minutes() {
        for (at, expected) in [("601", 2), ("602", 1)] {
            let t = document(&format!(
                "1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
                 {at} mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]"
            ));
            assert_eq!(texts(&t).len(), expected, "{at}");
        }
    }

    /// A record tells how long its work took; a connection that failed before that belongs to another record.
    #[test]
    fn a_failed_connection_is_of_the_record_whose_work_it_falls_into() {
        for (failed, expected) in [("97", 1), ("90", 0), ("70", 0)] {
            let t = document(&format!(
                "{failed} mx1 postfix/smtp[74]: connect to mx1.example.net[198.51.100.25]:25: Connection refused
                 100 mx1 postfix/smtp[74]: 3A9C96093D: to=<b@example.net>, relay=mx2.example.net[198.51.100.26]:25, delay=60, delays=56/0/3/1, dsn=2.0.0, status=sent (ok)"
            ));
            assert_eq!(t.mail.warnings.len(), expected, "{failed}");
        }
    }

    #[test]
    fn a_failed_connection_is_of_its_own_process_and_of_the_record_that_names_it() {
        let other = document(
            "99 mx1 postfix/smtp[75]: connect to mx1.example.net[198.51.100.25]:25: Connection refused
             100 mx1 postfix/smtp[74]: 3A9C96093D: to=<b@example.net>, relay=none, delay=60, delays=56/0/3/1, dsn=4.4.1, status=deferred (x)",
        );
        assert_eq!(other.mail.warnings.len(), 0);
        let all = documents(
            "99 mx1 postfix/smtp[74]: connect to mx1.example.net[198.51.100.25]:25: Connection refused
             100 mx1 postfix/smtp[74]: 3A9C96093D: to=<b@example.net>, relay=mx2.example.net[198.51.100.26]:25, delay=60, delays=56/0/3/1, dsn=2.0.0, status=sent (ok)
             100 mx1 postfix/smtp[74]: 4A9C96093D: to=<b@example.net>, relay=none, delay=60, delays=56/0/3/1, dsn=4.4.1, status=deferred (connect to mx1.example.net[198.51.100.25]:25: Connection refused)",
        );
        let warned: Vec<(&str, usize)> =
            all.iter().map(|t| (t.email.local_id.as_deref().unwrap(), t.mail.warnings.len())).collect();
        assert_eq!(warned, [("3A9C96093D", 0), ("4A9C96093D", 1)]);
    }
}
