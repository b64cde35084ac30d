//! Lives: which lines under one key are one message.
//!
//! In: all lines known under a key.  Out: the same lines cut into lives, oldest first.
//!
//! A short postfix id is the microsecond of its creation and the inode, so on a busy server it comes back within minutes, a
//! whole number of seconds later. Long postfix ids and sendmail ids hold their time and never come back: one life.
//!
//! ```text
//! 20:00:00 smtpd[11]: connect from c.example.org[192.0.2.7]
//! 20:00:01 smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
//! 20:00:01 cleanup[12]: 4F1A2B3C4D: message-id=<1@example.org>
//! 20:00:01 qmgr[9]: 4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=1 (queue active)
//! 20:00:02 qmgr[9]: 4F1A2B3C4D: removed
//! 20:07:01 smtpd[21]: 4F1A2B3C4D: client=d.example.org[192.0.2.8]      (a second life)
//! ```
//!
//! Invariants, with what they mean for these lines:
//!
//! - The result depends on the set of lines only: before the cut they are sorted by time, phase of the message and id. The
//!   `client=` of 20:00:01 comes before the `message-id=`, whichever the log has first.
//! - The cut puts each line that names the key into exactly one life, and a life has at least one such line. The `removed` is
//!   in the first life only.
//! - Session lines and notices of lost lines are given to lives after the cut: to one, to several or to none. The `connect` is
//!   in the first life.
//! - A life begins at an arrival, at a line that the life before can no longer have, or after `horizon` of silence; `begins` has
//!   the rules. A `from=… (queue active)` of 20:00:05 would begin a life, since the message was removed at 20:00:02.
//! - Once a life has begun, lines go to it. Only a line with the stamp of its beginning, a whole second, may still go to the life
//!   before (`choose`): a `removed` of 20:07:01 would, if the first life had no `removed` yet.
//! - A line known later may cut the lives otherwise, so they are cut anew whenever the set has grown.

use super::{
    gap,
    id::IdForm,
    key::{Key, Rules},
    session::{self, Pair, Role, SessionLine},
};
use crate::{
    model::{
        Event, Line, Time,
        event::{Delivery, Operation},
    },
    program::Family,
};
use hashbrown::HashMap;

/// A line in the set of a key, with what it tells.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    pub line: &'a Line,
    /// Family of the program that logged it.
    pub family: Family<'a>,
    pub event: &'a Event<'a>,
    /// Whether the line itself names the key, or is the lone line that the key stands for. If not, it is a session line, a
    /// notice of lost lines, or a line of another message.
    pub own: bool,
    /// Whether the line names another key.
    pub of_another: bool,
    /// Whether the event was parsed from the joined pieces of a split line; `line` is the first piece.
    pub joined: bool,
}

/// One message under a key.
#[derive(Debug, Clone, Default)]
pub struct Life<'a> {
    /// Own lines, lines of its sessions and notices of lost lines; by time, phase and id.
    pub told: Vec<&'a Told<'a>>,
    /// Session lines of another message or another session, and the lines that show this. They tell nothing of this message,
    /// but are kept so that the same is found when more lines are known; see [`session`].
    pub context: Vec<&'a Told<'a>>,
}

impl<'a> Life<'a> {
    /// A life of these lines, which it sorts.
    pub fn of(mut told: Vec<&'a Told<'a>>) -> Self {
        told.sort_by_key(|t| (t.line.time, phase(t), t.line.id));
        Self { told, context: Vec::new() }
    }

    /// The form of the queue id, which these lines have in common.
    pub fn id_form(&self, queue_id: &str) -> IdForm {
        IdForm::of(queue_id, self.told.iter().any(|t| matches!(t.family, Family::Postfix(_))))
    }

    /// The time of the first own line.
    pub fn start(&self) -> Time {
        self.own().map(|t| t.line.time).min().unwrap_or_default()
    }

    /// The time of the last own line.
    pub fn end(&self) -> Time {
        self.own().map(|t| t.line.time).max().unwrap_or_default()
    }

    fn own(&self) -> impl Iterator<Item = &'a Told<'a>> {
        self.told.iter().copied().filter(|t| t.own)
    }
}

/// The stage of a message that a line belongs to. It orders the lines of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Session,
    Arrival,
    From,
    MessageId,
    Queued,
    Attempt,
    Other,
    Removed,
}

fn phase(t: &Told<'_>) -> Phase {
    match t.event {
        _ if !t.own => Phase::Session,
        Event::Client { .. } | Event::Pickup { .. } => Phase::Arrival,
        Event::From(_) => Phase::From,
        Event::MessageId { .. } => Phase::MessageId,
        Event::Queued { .. } => Phase::Queued,
        Event::Delivery(_) => Phase::Attempt,
        Event::Removed | Event::Expired { .. } | Event::Canceled { .. } | Event::Operation(Operation::Delete) => {
            Phase::Removed
        }
        _ => Phase::Other,
    }
}

/// Cuts the lines in the set of a key into lives. A set in which no line names the key has none.
pub fn cut<'a>(key: &Key, told: &'a [Told<'a>], rules: &Rules) -> Vec<Life<'a>> {
    if !told.iter().any(|t| t.own) {
        return Vec::new();
    }
    let mut all = Life::of(told.iter().collect());
    let notices = take_notices(&mut all.told);
    let shared: Vec<_> = all.told.extract_if(.., |t| !t.own).collect();
    let mut lives = match all.id_form(&key.queue_id).is_unique() {
        true => vec![all],
        false => several(all, rules),
    };
    if !shared.is_empty() {
        give_shared(&mut lives, &shared, rules.session_lead_ms, false);
    }
    if !notices.is_empty() {
        give_notices(&mut lives, &notices, rules.session_lead_ms);
    }
    lives
}

/// The lives of an id that may come back.
fn several<'a>(all: Life<'a>, rules: &Rules) -> Vec<Life<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    for t in all.told {
        let n = match begins(drafts.last(), t, rules.horizon_ms) {
            true => {
                drafts.push(Draft::new(t));
                drafts.len() - 1
            }
            false => choose(&drafts, t),
        };
        if let Some(draft) = drafts.get_mut(n) {
            draft.add(t);
        }
    }
    drafts.into_iter().map(|draft| Life::of(draft.told)).collect()
}

/// A life to which lines are still being added, in order of time.
struct Draft<'a> {
    told: Vec<&'a Told<'a>>,
    start: Time,
    last: Time,
    /// Time of the last line that shows the message in the queue, or its end: queue manager, delivery, removal.
    queued: Option<Time>,
    /// Whether the envelope sender was logged: `from=` of the queue manager, or of sendmail.
    has_from: bool,
    /// Time of the first removal.
    removed: Option<Time>,
    /// Delivery records so far.
    deliveries: u64,
    /// The largest `nrcpt=` so far.
    nrcpt: u64,
}

impl<'a> Draft<'a> {
    fn new(t: &'a Told<'a>) -> Self {
        let time = t.line.time;
        Self {
            told: Vec::new(),
            start: time,
            last: time,
            queued: None,
            has_from: false,
            removed: None,
            deliveries: 0,
            nrcpt: 0,
        }
    }

    fn add(&mut self, t: &'a Told<'a>) {
        let time = t.line.time;
        self.last = self.last.max(time);
        match &t.event {
            Event::Queued { nrcpt, .. } => {
                self.queued = Some(time);
                self.has_from = true;
                self.nrcpt = self.nrcpt.max(nrcpt.unwrap_or(0));
            }
            Event::From(_) => self.has_from = true,
            Event::Delivery(_) => {
                self.queued = Some(time);
                self.deliveries += 1;
            }
            Event::Expired { .. } => self.queued = Some(time),
            Event::Removed | Event::Canceled { .. } | Event::Operation(Operation::Delete) => {
                self.queued = Some(time);
                self.removed = Some(self.removed.map_or(time, |r| r.min(time)));
            }
            _ => {}
        }
        self.told.push(t);
    }
}

/// Whether a line begins a new life after the latest one. After a silence of more than the horizon every line does; otherwise
/// its phase decides, and whether the latest life can still have it.
fn begins(latest: Option<&Draft<'_>>, t: &Told<'_>, horizon_ms: i64) -> bool {
    let Some(latest) = latest else { return true };
    let time = t.line.time;
    if time.0.saturating_sub(latest.last.0) > horizon_ms {
        return true;
    }
    let later_than = |other: Option<Time>| other.is_some_and(|other| time.second() > other.second());
    match phase(t) {
        // `client=`, `uid=`. An id comes back after a whole second at the earliest, so two arrivals with the stamp of the first
        // line of a life are one message.
        Phase::Arrival => time > latest.start,
        // sendmail's `from=`: its ids before 8.12 come back. Refused recipients are logged before the `from=` of their message,
        // so a life without one waits for it.
        Phase::From => latest.has_from && later_than(Some(latest.last)),
        // cleanup logs `message-id=` before the queue manager takes the message.
        Phase::MessageId => later_than(latest.queued),
        // No such line is logged in a later second than the `removed` of its message.
        Phase::Queued | Phase::Attempt | Phase::Removed => later_than(latest.removed),
        Phase::Session | Phase::Other => false,
    }
}

/// The life of a line that begins none: the latest one. Only if that life begins with the stamp of the line, and the stamp is
/// a whole second, may the line belong to the life before, since the stamps do not tell which came first. It does if the life
/// before still lacks it (`removed`, or `from=` of the queue manager) or, for a delivery record, if `delay=` says so.
fn choose(drafts: &[Draft<'_>], t: &Told<'_>) -> usize {
    let latest = drafts.len().saturating_sub(1);
    let [.., before, last] = drafts else { return latest };
    let coarse = last.start == t.line.time && t.line.time == t.line.time.floor_second();
    if !coarse || before.removed.is_some_and(|r| r < t.line.time) {
        return latest;
    }
    let to_the_one_before = match &t.event {
        Event::Removed => before.removed.is_none() && before.queued.is_some(),
        Event::Queued { .. } => !before.has_from && before.removed.is_none(),
        Event::Delivery(record) => belongs_before(before, last, record, t.line.time),
        _ => false,
    };
    if to_the_one_before { latest - 1 } else { latest }
}

/// Whether a delivery record belongs to the life before. `delay=` tells when its message arrived: the life with the nearer start
/// has it, but the life before only within two seconds, or 2 % of the delay. A delay below one second does not decide between
/// whole seconds; then the life before has it if it lacks a record (`nrcpt=`) and the last life has no `from=` yet.
fn belongs_before(before: &Draft<'_>, last: &Draft<'_>, record: &Delivery<'_>, time: Time) -> bool {
    let Some(delay) = record.delay else { return false };
    let arrival = time.0 - (delay * 1000.0) as i64;
    let distance = |draft: &Draft<'_>| (draft.start.0 - arrival).abs();
    let tolerance = 2000.max((delay * 20.0) as i64);
    let waiting = before.nrcpt > before.deliveries;
    distance(before) <= tolerance && (distance(before) < distance(last) || (waiting && delay < 1.0 && !last.has_from))
}

/// Gives session lines to the lives that they concern, and drops those of other messages. `lone`: the own line is a document of
/// its own, without a queue id.
fn give_shared<'a>(lives: &mut [Life<'a>], shared: &[&'a Told<'a>], lead_ms: i64, lone: bool) {
    let own = lives.iter().enumerate().flat_map(|(n, life)| life.told.iter().map(move |t| (*t, Some(n as u32))));
    let all: Vec<(&'a Told<'a>, Option<u32>)> = own.chain(shared.iter().map(|t| (*t, None))).collect();
    let mut processes: HashMap<(&str, Option<u32>), u32> = HashMap::new();
    let mut lines: Vec<SessionLine<'_>> = Vec::with_capacity(all.len());
    for (place, (t, life)) in all.iter().enumerate() {
        let next = processes.len() as u32;
        let process = *processes.entry((&t.line.program, t.line.pid)).or_insert(next);
        let key = life.or(t.of_another.then_some(session::OTHER));
        lines.extend(SessionLine::new(place as u32, process, t.line, key, lone && life.is_some(), t.event));
    }
    let mut pairs = session::share(&lines, &vec![None; processes.len()], lead_ms).pairs;
    pairs.sort_unstable_by_key(|pair| (pair.key, pair.other, pair.role));
    pairs.dedup_by_key(|pair| (pair.key, pair.other, pair.role));
    for Pair { key, other, role, .. } in pairs {
        let life = &mut lives[key as usize];
        let (line, _) = all[other as usize];
        match role {
            Role::Taken => life.told.push(line),
            Role::Context(by) => match all[by as usize] {
                (by, None) => life.context.extend([by, line]),
                // One of its own lines may be shortened later, and no longer deny the other one to the message.
                (_, of) if of == Some(key) => life.context.push(line),
                // A line of another life is in every set of the key.
                _ => {}
            },
        }
    }
    for life in lives {
        let context = std::mem::take(&mut life.context);
        *life = Life { context, ..Life::of(std::mem::take(&mut life.told)) };
    }
}

/// Gives the lone line that a set is about the lines of its session.
pub fn give_session<'a>(lives: &mut [Life<'a>], shared: &[&'a Told<'a>], lead_ms: i64) {
    give_shared(lives, shared, lead_ms, true);
}

/// Removes and returns the notices of lost lines; nearly always there are none.
fn take_notices<'a>(told: &mut Vec<&'a Told<'a>>) -> Vec<&'a Told<'a>> {
    told.extract_if(.., |t| matches!(t.event, Event::Gap { .. })).collect()
}

/// Gives notices of lost lines to the lives that they are about, and drops the others.
fn give_notices<'a>(lives: &mut [Life<'a>], notices: &[&'a Told<'a>], lead_ms: i64) {
    let mut own: Vec<(&Told<'_>, usize)> =
        lives.iter().enumerate().flat_map(|(n, life)| life.own().map(move |t| (t, n))).collect();
    own.sort_by_key(|(t, _)| (t.line.time, t.line.id));
    // A joined line does not count for the end of a message: a late piece may change it, and `gather` sees single pieces only,
    // which say nothing of an end.
    let goes_on = |t: &Told<'_>| gap::goes_on(t.event).filter(|_| !t.joined);
    let times: Vec<_> = own.iter().map(|(t, _)| (t.line.time, goes_on(t))).collect();
    let noticed: Vec<_> = notices.iter().map(|t| t.line.time).collect();
    let mut given: Vec<_> = gap::concerned(&times, &noticed, lead_ms).into_iter().map(|(o, n)| (own[o].1, n)).collect();
    given.sort_unstable();
    given.dedup();
    for (life, notice) in given {
        lives[life].told.push(notices[notice]);
    }
    for life in lives {
        let context = std::mem::take(&mut life.context);
        *life = Life { context, ..Life::of(std::mem::take(&mut life.told)) };
    }
}

#[cfg(test)]
mod tests;
