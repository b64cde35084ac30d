//! From lines to sets: which lines belong to which key, and which stand alone.
//!
//! In: the lines of a stretch and the session lines before it.  Out: a set of lines for each key, the lines that are a
//! document of their own, the sessions still open, and a tally that accounts for every line (law L4).

use super::{
    key::{Key, Rules},
    session::{self, Told},
};
use crate::{
    model::{
        Event, Line, Parsed,
        event::{Action, Policy},
    },
    parse,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What became of the lines read. The four counts add up to the lines read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Belong to a document, or to a session.
    pub used: u64,
    /// Known, and deliberately unused.
    pub unused: u64,
    /// Nobody claimed them.
    pub unrecognised: u64,
    /// Read before in the same stretch.
    pub duplicate: u64,
}

impl Tally {
    /// All lines read.
    pub fn read(&self) -> u64 {
        self.used + self.unused + self.unrecognised + self.duplicate
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.used += other.used;
        self.unused += other.unused;
        self.unrecognised += other.unrecognised;
        self.duplicate += other.duplicate;
    }
}

/// The lines of a stretch, sorted into sets. Numbers are places in the lines given to [`gather`].
#[derive(Debug, Default)]
pub struct Gathered {
    /// For each key its own lines and the session lines it shares. Sorted by key, so that writing is deterministic.
    pub sets: BTreeMap<Key, Vec<u32>>,
    /// Lines that are documents of their own: refused attempts and filters' verdicts without a queue id.
    pub single: Vec<u32>,
    /// Session lines that later lines may still need.
    pub open: Vec<u32>,
    pub tally: Tally,
}

/// Removes copies and sorts by time, then id. Of copies the finer time is kept, then the smaller.
/// Returns the number of copies removed.
pub fn unite(lines: &mut Vec<Line>) -> u64 {
    let before = lines.len();
    lines.sort_unstable_by_key(|line| line.id);
    lines.dedup_by(|later, kept| {
        let same = later.id == kept.id;
        if same {
            kept.time = Line::better_time(kept.time, later.time);
        }
        same
    });
    lines.sort_unstable_by_key(|line| (line.time, line.id));
    (before - lines.len()) as u64
}

/// Sorts a stretch into sets. `lines` must be united; the first `context` of the *times before* the stretch are marked
/// by `is_context`: they are looked at for sessions only and are not counted.
pub fn gather(lines: &[Line], is_context: impl Fn(usize) -> bool, rules: &Rules) -> Gathered {
    let mut out = Gathered::default();
    let mut keys = Keys { rules, known: HashMap::new() };
    let mut sets: HashMap<Key, Vec<u32>> = HashMap::new();
    let mut told: Vec<Told<'_>> = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let place = n as u32;
        let parsed = parse::parse(line);
        let context = is_context(n);
        if !context {
            match parsed {
                Parsed::Event { .. } => out.tally.used += 1,
                Parsed::Ignored(_) => out.tally.unused += 1,
                Parsed::Unrecognised => out.tally.unrecognised += 1,
            }
        }
        let Parsed::Event { queue_id, event } = parsed else { continue };
        let key = queue_id.map(|id| keys.key(line, id));
        if !context {
            match &key {
                Some(key) => match sets.get_mut(key) {
                    Some(set) => set.push(place),
                    None => drop(sets.insert(key.clone(), vec![place])),
                },
                None if stands_alone(&event) => out.single.push(place),
                None => {}
            }
        }
        if session::matters(&line.program, &event) {
            told.push(Told { place, line, key, event });
        }
    }
    let shared = session::share(told, rules.session_lead_ms);
    for (key, place) in shared.shared {
        // A key that only lines of the context name is not touched: its message was stitched with its own stretch.
        if let Some(set) = sets.get_mut(&key) {
            set.push(place);
        }
    }
    out.open = shared.open;
    out.sets = sets
        .into_iter()
        .map(|(key, mut set)| {
            set.sort_unstable();
            set.dedup();
            (key, set)
        })
        .collect();
    out
}

/// Whether an event without a queue id makes a document.
fn stands_alone(event: &Event<'_>) -> bool {
    matches!(event, Event::Policy(Policy { action: Action::Reject | Action::Hangup, .. }) | Event::Filter(_))
}

/// Makes keys whose parts are shared, not copied.
struct Keys<'r> {
    rules: &'r Rules,
    known: HashMap<String, Arc<str>>,
}

impl Keys<'_> {
    fn key(&mut self, line: &Line, queue_id: &str) -> Key {
        let queue_id = match self.known.get(queue_id) {
            Some(id) => Arc::clone(id),
            None => {
                let id: Arc<str> = queue_id.into();
                self.known.insert(queue_id.to_owned(), Arc::clone(&id));
                id
            }
        };
        Key { host: Arc::clone(&line.host), instance: self.rules.instance(&line.program), queue_id }
    }
}
