//! A table that keeps its largest rows in bounded memory, however many names there are.

use super::behind::{Behind, Brief};
use crate::{model::Text, stitch::id::hash64};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The rows that survive when small ones are dropped; up to twice as many are held.
const KEPT: usize = 10_000;
/// Most characters of a name; strangers choose names, so longer ones are cut.
const LONGEST: usize = 200;

/// Dropped names that are counted exactly; beyond, a sample is.
const NAMES_COUNTED: usize = 1 << 20;

/// The counts of one row.
pub trait Counts: Default {
    /// Decides which rows are kept.
    fn weight(&self) -> u64;

    /// The largest number in the row: dropping it makes no number too small by more than this.
    fn largest(&self) -> u64 {
        self.weight()
    }
}

/// Rows by name, bounded.
#[derive(Debug)]
pub struct Top<C> {
    rows: HashMap<Text, Entry<C>>,
    kept: usize,
    /// By how much a number may be too small, because its row was dropped in between.
    error: u64,
    forgotten: Names,
}

#[derive(Debug, Default)]
pub struct Entry<C> {
    pub counts: C,
    pub behind: Behind,
}

/// The rows of a table.
#[derive(Debug)]
pub struct Finished<C> {
    /// Largest first.
    pub rows: Vec<(Text, Entry<C>)>,
    /// Number of further names; exact up to about a million.
    pub left_out: u64,
    /// By how much a number may be too small.
    pub error: u64,
}

impl<C: Counts> Default for Top<C> {
    fn default() -> Self {
        Self::keeping(KEPT)
    }
}

impl<C: Counts> Top<C> {
    fn keeping(kept: usize) -> Self {
        Self { rows: HashMap::new(), kept, error: 0, forgotten: Names::default() }
    }

    /// Lets `count` change the counts of a name.
    pub fn count(&mut self, name: &str, brief: &Arc<Brief>, count: impl FnOnce(&mut C)) {
        let cut = name.char_indices().nth(LONGEST).map_or(name, |(end, _)| &name[..end]);
        let entry = match self.rows.get_mut(cut) {
            Some(entry) => entry,
            None => {
                if self.rows.len() >= 2 * self.kept {
                    self.forget();
                }
                self.rows.entry(cut.into()).or_default()
            }
        };
        count(&mut entry.counts);
        entry.behind.add(brief);
    }

    /// Drops all but the `kept` largest rows.
    fn forget(&mut self) {
        let mut rows = sorted(std::mem::take(&mut self.rows));
        let gone = rows.split_off(self.kept);
        let largest = gone.iter().map(|(_, entry)| entry.counts.largest()).max();
        self.error = self.error.saturating_add(largest.unwrap_or(0));
        gone.iter().for_each(|(name, _)| self.forgotten.add(name));
        self.rows = rows.into_iter().collect();
    }

    /// The first `limit` rows, and how many further names there were.
    pub fn finish(self, limit: usize) -> Finished<C> {
        let mut forgotten = self.forgotten;
        // A name may have come back after it was dropped.
        self.rows.keys().for_each(|name| forgotten.remove(name));
        let names = forgotten.count().saturating_add(self.rows.len() as u64);
        let mut rows = sorted(self.rows);
        rows.truncate(limit);
        Finished { left_out: names - rows.len() as u64, rows, error: self.error }
    }
}

fn sorted<C: Counts>(rows: HashMap<Text, Entry<C>>) -> Vec<(Text, Entry<C>)> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|a, b| (b.1.counts.weight(), &a.0).cmp(&(a.1.counts.weight(), &b.0)));
    rows
}

/// The number of distinct names, in bounded memory: past a million, every second one is kept, then every fourth, and
/// so on.
#[derive(Debug, Default)]
struct Names {
    hashes: HashSet<u64>,
    /// Only names whose hash ends in at least this many zero bits are kept.
    zeros: u32,
}

impl Names {
    fn add(&mut self, name: &str) {
        let hash = hash64(&[name]);
        if hash.trailing_zeros() >= self.zeros {
            self.hashes.insert(hash);
        }
        while self.hashes.len() > NAMES_COUNTED {
            self.zeros += 1;
            let zeros = self.zeros;
            self.hashes.retain(|hash| hash.trailing_zeros() >= zeros);
        }
    }

    fn remove(&mut self, name: &str) {
        self.hashes.remove(&hash64(&[name]));
    }

    fn count(&self) -> u64 {
        (self.hashes.len() as u64) << self.zeros.min(32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Counts for u64 {
        fn weight(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn the_largest_stay_whatever_comes_by() {
        let mut top: Top<u64> = Top::keeping(10);
        let brief = Arc::new(Brief::default());
        for n in 0..10_000 {
            top.count(&format!("name {n}"), &brief, |c| *c += 1);
            if n % 10 == 0 {
                top.count("often", &brief, |c| *c += 1);
            }
        }
        assert!(top.rows.len() <= 20);
        let Finished { rows, error, .. } = top.finish(20);
        assert_eq!(rows[0].0, "often");
        assert!(rows[0].1.counts + error >= 1000, "{} and {error}", rows[0].1.counts);
        assert!(rows[0].1.counts <= 1000);
    }

    #[test]
    fn a_small_table_is_exact() {
        let mut top: Top<u64> = Top::keeping(10);
        let brief = Arc::new(Brief::default());
        for n in 0..100 {
            top.count(["a", "b", "b"][n % 3], &brief, |c| *c += 1);
        }
        let Finished { rows, left_out, error } = top.finish(10);
        let rows: Vec<_> = rows.iter().map(|(name, entry)| (name.as_str(), entry.counts)).collect();
        assert_eq!((rows, left_out, error), (vec![("b", 66), ("a", 34)], 0, 0));
    }

    #[test]
    fn a_name_without_end_is_cut() {
        let mut top: Top<u64> = Top::default();
        top.count(&"ü".repeat(5000), &Arc::new(Brief::default()), |c| *c += 1);
        assert_eq!(top.finish(1).rows[0].0.chars().count(), LONGEST);
    }

    /// A case that once failed: with 21,000 senders of one mail each, rows within the limit were missing and "990
    /// more" were reported.
    #[test]
    fn of_many_equals_some_stay_and_all_others_are_counted() {
        let mut top: Top<u64> = Top::default();
        let brief = Arc::new(Brief::default());
        (0..21_000).for_each(|n| top.count(&format!("s{n}@example.org"), &brief, |c| *c += 1));
        // A dropped name that comes again counts once.
        (0..21_000).for_each(|n| top.count(&format!("s{n}@example.org"), &brief, |c| *c += 1));
        let Finished { rows, left_out, .. } = top.finish(10);
        assert_eq!((rows.len(), left_out), (10, 20_990));
    }

    /// All numbers of a row are shown, so the error must cover the largest of them, not only what ranks the row.
    #[test]
    fn the_error_is_the_largest_number_that_was_forgotten() {
        #[derive(Default)]
        struct Two(u64, u64);
        impl Counts for Two {
            fn weight(&self) -> u64 {
                self.0 << 20 | self.1
            }
            fn largest(&self) -> u64 {
                self.0.max(self.1)
            }
        }
        let mut top: Top<Two> = Top::keeping(1);
        let brief = Arc::new(Brief::default());
        for (name, counts) in [("a", Two(2, 0)), ("b", Two(1, 700)), ("c", Two(3, 0))] {
            top.count(name, &brief, |c| *c = counts);
        }
        let found = top.finish(10);
        assert_eq!(found.rows.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["c", "a"]);
        assert_eq!((found.left_out, found.error), (1, 700));
    }

    #[test]
    fn of_very_many_names_about_all_are_counted() {
        let mut names = Names::default();
        (0..3_000_000).for_each(|n| names.add(&n.to_string()));
        assert!(names.hashes.len() <= NAMES_COUNTED);
        assert!(names.count().abs_diff(3_000_000) < 30_000, "{}", names.count());
    }
}
