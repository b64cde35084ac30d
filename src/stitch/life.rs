//! Lives: which lines under one key are one message.
//!
//! In: all lines known under a key.  Out: the same lines cut into lives, oldest first.
//!
//! A short postfix id is the microsecond of its creation and the inode, so a busy server sees it again within minutes,
//! a whole number of seconds later. Long postfix ids and sendmail ids hold their time and never come back: one life.

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

/// A line under a key with what it tells.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    pub line: &'a Line,
    /// Of the program that logged it.
    pub family: Family<'a>,
    pub event: &'a Event<'a>,
    /// Whether the line itself names the key; if not, it is a session line shared with it, or one of another message.
    pub own: bool,
    /// Whether the line names another key.
    pub of_another: bool,
    /// Whether the event is what several pieces of a split line say together; `line` is the first piece.
    pub joined: bool,
}

/// One message under a key.
#[derive(Debug, Clone, Default)]
pub struct Life<'a> {
    /// Own lines and those of its sessions, by time, phase and id.
    pub told: Vec<&'a Told<'a>>,
    /// Lines that tell nothing of this message, but of its session that another message took an earlier line: kept, so that
    /// the same is found when more lines are known. See [`session`].
    pub context: Vec<&'a Told<'a>>,
}

impl<'a> Life<'a> {
    /// A life of these lines, sorted.
    pub fn of(mut told: Vec<&'a Told<'a>>) -> Self {
        told.sort_by_key(|t| (t.line.time, phase(t), t.line.id));
        Self { told, context: Vec::new() }
    }

    /// The form of the queue id that these lines have in common.
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

/// The place of a line in the course of a message, for lines of one moment.
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

/// Cuts the lines under a key into lives. A key of which only shared lines are known has none.
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

/// The lives of an id that comes back.
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

/// A life while it is being found.
struct Draft<'a> {
    told: Vec<&'a Told<'a>>,
    start: Time,
    last: Time,
    /// The last queue-manager or delivery line.
    queued: Option<Time>,
    has_from: bool,
    removed: Option<Time>,
    /// Delivery records seen, and the largest nrcpt.
    deliveries: u64,
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

/// Whether a line begins a new life after the latest one.
fn begins(latest: Option<&Draft<'_>>, t: &Told<'_>, horizon_ms: i64) -> bool {
    let Some(latest) = latest else { return true };
    let time = t.line.time;
    if time.0.saturating_sub(latest.last.0) > horizon_ms {
        return true;
    }
    let later_than = |other: Option<Time>| other.is_some_and(|other| time.second() > other.second());
    match phase(t) {
        // Two arrivals of one moment cannot be two messages: an id comes back after a whole second at the earliest.
        Phase::Arrival => time > latest.start,
        // sendmail's ids before 8.12 come back. What was refused of a message is logged before its `from=`.
        Phase::From => latest.has_from && later_than(Some(latest.last)),
        Phase::MessageId => later_than(latest.queued),
        Phase::Queued | Phase::Attempt | Phase::Removed => later_than(latest.removed),
        Phase::Session | Phase::Other => false,
    }
}

/// Which life a line belongs to that begins none: the latest, unless that one began in the same whole second and the
/// stamps are too coarse to tell it from the end of the one before.
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

/// `delay=` tells when the message of a delivery record arrived: the nearer start wins. Less than a second is too little to tell,
/// where starts are whole seconds: then it is the life that still waits for a recipient.
fn belongs_before(before: &Draft<'_>, last: &Draft<'_>, record: &Delivery<'_>, time: Time) -> bool {
    let Some(delay) = record.delay else { return false };
    let arrival = time.0 - (delay * 1000.0) as i64;
    let distance = |draft: &Draft<'_>| (draft.start.0 - arrival).abs();
    let tolerance = 2000.max((delay * 20.0) as i64);
    let waiting = before.nrcpt > before.deliveries;
    distance(before) <= tolerance && (distance(before) < distance(last) || (waiting && delay < 1.0 && !last.has_from))
}

/// Gives lines of sessions to the lives that they are about. What is about another message is dropped.
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
            Role::Context(by) => {
                // Lines under the key are there whenever it is folded.
                if let (by, None) = all[by as usize] {
                    life.context.extend([by, line]);
                }
            }
        }
    }
    for life in lives {
        let context = std::mem::take(&mut life.context);
        *life = Life { context, ..Life::of(std::mem::take(&mut life.told)) };
    }
}

/// Gives lines of its session to the one line that a set is about.
pub fn give_session<'a>(lives: &mut [Life<'a>], shared: &[&'a Told<'a>], lead_ms: i64) {
    give_shared(lives, shared, lead_ms, true);
}

/// Takes the notices of lost lines out; almost always there are none.
fn take_notices<'a>(told: &mut Vec<&'a Told<'a>>) -> Vec<&'a Told<'a>> {
    told.extract_if(.., |t| matches!(t.event, Event::Gap { .. })).collect()
}

/// Gives notices of lost lines to the lives that they are about.
fn give_notices<'a>(lives: &mut [Life<'a>], notices: &[&'a Told<'a>], lead_ms: i64) {
    let mut own: Vec<(&Told<'_>, usize)> =
        lives.iter().enumerate().flat_map(|(n, life)| life.own().map(move |t| (t, n))).collect();
    own.sort_by_key(|(t, _)| (t.line.time, t.line.id));
    // Another piece may join otherwise and move an end, so pieces say nothing here, as where the notices were found.
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
