//! The marks that tie a ledger to its store (law L8): numbers of the writes that the ledger counts as done.
//!
//! Each write leaves its number in the store, in the places where it wrote documents, before the ledger is saved. So a
//! store may be ahead of its ledger (a crash between the two, an older copy of the ledger), but never behind it, unless
//! it went back in time: it was restored, emptied or removed, or is another store.

use crate::model::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most writes that are remembered one by one: a week of runs every 15 minutes.
const WRITES_KEPT: usize = 672;

/// The marks of a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// The name of this ledger, different from that of any other ledger with the same store.
    pub ledger: String,
    /// The number of the last write.
    pub last: u64,
    /// The number of the last write to each place of the store.
    pub places: BTreeMap<String, u64>,
    /// The earliest line of each write.
    pub writes: BTreeMap<u64, Time>,
}

impl Marks {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Records a write.
    pub fn wrote(&mut self, number: u64, places: Vec<String>, earliest: Time) {
        self.last = self.last.max(number);
        self.places.extend(places.into_iter().map(|place| (place, number)));
        self.writes.insert(number, earliest);
        while self.writes.len() > WRITES_KEPT {
            let Some((_, first)) = self.writes.pop_first() else { break };
            // The oldest write is merged into the second: whoever misses the second reads from the earlier of both.
            if let Some(mut second) = self.writes.first_entry() {
                let earliest = first.min(*second.get());
                second.insert(earliest);
            }
        }
    }

    /// Places where the store has a lower number than was written, or none, each with the number found.
    pub fn missing(&self, found: &BTreeMap<String, u64>) -> Vec<(String, Option<u64>)> {
        let at = |place: &String| found.get(place).copied();
        let behind = self.places.iter().filter(|(place, number)| at(place) < Some(**number));
        behind.map(|(place, _)| (place.clone(), at(place))).collect()
    }

    /// The earliest line of all writes after number `found`; of all writes if it is `None`.
    pub fn earliest_after(&self, found: Option<u64>) -> Option<Time> {
        self.writes.iter().filter(|(number, _)| Some(**number) > found).map(|(_, earliest)| *earliest).min()
    }

    /// Takes over the numbers found in the store; places without one are forgotten.
    pub fn accept(&mut self, found: &BTreeMap<String, u64>) {
        self.last = self.last.max(found.values().copied().max().unwrap_or(0));
        self.places.retain(|place, number| found.get(place).inspect(|found| *number = **found).is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(writes: &[(u64, &str, i64)]) -> Marks {
        let mut marks = Marks::default();
        writes
            .iter()
            .for_each(|(number, place, earliest)| marks.wrote(*number, vec![(*place).to_owned()], Time(*earliest)));
        marks
    }

    fn found(places: &[(&str, u64)]) -> BTreeMap<String, u64> {
        places.iter().map(|(place, number)| ((*place).to_owned(), *number)).collect()
    }

    #[test]
    fn a_store_ahead_of_its_ledger_misses_nothing() {
        let mut marks = marks(&[(1, "a", 10), (2, "b", 20)]);
        assert_eq!(marks.missing(&found(&[("a", 1), ("b", 7)])), []);
        marks.accept(&found(&[("a", 1), ("b", 7)]));
        assert_eq!(marks.last, 7, "the next write is a later one than all that the store has seen");
    }

    #[test]
    fn a_store_that_went_back_misses_the_writes_after_it() {
        let marks = marks(&[(1, "a", 10), (2, "b", 5), (3, "a", 30)]);
        assert_eq!(marks.missing(&found(&[("a", 1), ("b", 2)])), [("a".to_owned(), Some(1))]);
        assert_eq!(marks.earliest_after(Some(1)), Some(Time(5)));
        assert_eq!(marks.earliest_after(Some(2)), Some(Time(30)));
        assert_eq!(marks.missing(&found(&[])), [("a".to_owned(), None), ("b".to_owned(), None)]);
        assert_eq!(marks.earliest_after(None), Some(Time(5)));
    }

    #[test]
    fn old_writes_are_remembered_together() {
        let count = WRITES_KEPT as i64 + 10;
        let marks = marks(&(1..=count).map(|n| (n.cast_unsigned(), "a", n * 100)).collect::<Vec<_>>());
        assert_eq!(marks.writes.len(), WRITES_KEPT);
        assert_eq!(marks.earliest_after(Some(3)), Some(Time(100)), "rather too much than too little");
        assert_eq!(marks.earliest_after(Some(100)), Some(Time(10_100)));
    }
}
