//! Documents in a store that cannot be read: a damaged row, or a document that is not ours. Such a document is left
//! out, reported once and counted (law L7); all others are read as usual.

use crate::escape::visible;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// At most this many are reported by id; one more warning stands for the rest.
const NAMED: usize = 10;
/// At most this many are remembered, so that each is counted once; further ones are not counted.
const REMEMBERED: usize = 100_000;

/// The unreadable documents met so far, with the cause for each id.
#[derive(Debug, Default)]
pub struct Unreadable(Mutex<BTreeMap<String, String>>);

impl Unreadable {
    /// Remembers a document, and reports it when it is new. `place`: the database or index.
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

    /// Number of documents left out so far.
    pub fn count(&self) -> u64 {
        self.known().len() as u64
    }

    /// Why this document cannot be read; `None` if it is not among them.
    pub fn cause_of(&self, id: &str) -> Option<String> {
        self.known().get(id).cloned()
    }

    /// Entries are only ever added, so the map is usable even after a panic elsewhere.
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
