//! Documents that a store holds and nobody can read: a damaged row, a document that is not ours. Each costs itself and
//! nothing else, is named once, and is counted (law L7).

use crate::escape::visible;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So many are named; of more it is enough to say how many.
const NAMED: usize = 10;
/// So many are remembered, to count each once.
const REMEMBERED: usize = 100_000;

/// Those that were met.
#[derive(Debug, Default)]
pub struct Unreadable(Mutex<BTreeMap<String, String>>);

impl Unreadable {
    /// Remembers a document, and tells of it when it is new. `place`: the database or index.
    pub fn add(&self, id: &str, place: &str, cause: &str, hint: &str) {
        let mut known = self.known();
        if known.len() >= REMEMBERED || known.contains_key(id) {
            return;
        }
        known.insert(id.to_owned(), cause.to_owned());
        if known.len() <= NAMED {
            let told = format!("left out document `{id}` of {place}: {cause}; {hint}");
            tracing::warn!("{}", visible(&told));
        } else if known.len() == NAMED + 1 {
            tracing::warn!("left out more documents of {}, which are not named", visible(place));
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.known().len() as u64
    }

    /// Why one cannot be read.
    pub fn cause_of(&self, id: &str) -> Option<String> {
        self.known().get(id).cloned()
    }

    /// A panic elsewhere leaves it as usable as it was: it is only added to.
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
