//! A table that keeps its largest rows, whatever number of names comes by.

use super::behind::{Behind, Brief};
use crate::model::Text;
use std::{collections::HashMap, sync::Arc};

/// Rows that are surely kept.
const KEPT: usize = 10_000;
/// Names come from strangers: longer ones are cut.
const LONGEST: usize = 200;

/// What is counted under a name.
pub trait Counts: Default {
    /// What decides which rows stay.
    fn weight(&self) -> u64;

    /// What a weight is of what the table counts.
    fn times(weight: u64) -> u64 {
        weight
    }
}

/// Rows by name, bounded.
#[derive(Debug)]
pub struct Top<C> {
    rows: HashMap<Text, Entry<C>>,
    kept: usize,
    /// How much a row may be short, because it was forgotten meanwhile.
    error: u64,
}

#[derive(Debug, Default)]
pub struct Entry<C> {
    pub counts: C,
    pub behind: Behind,
}

impl<C: Counts> Default for Top<C> {
    fn default() -> Self {
        Self::keeping(KEPT)
    }
}

impl<C: Counts> Top<C> {
    fn keeping(kept: usize) -> Self {
        Self { rows: HashMap::new(), kept, error: 0 }
    }

    /// Counts something under a name.
    pub fn count(&mut self, name: &str, brief: &Arc<Brief>, count: impl FnOnce(&mut C)) {
        let entry = match self.rows.get_mut(name) {
            Some(entry) => entry,
            None => {
                if self.rows.len() >= 2 * self.kept {
                    self.forget();
                }
                let cut: Text = name.chars().take(LONGEST).collect();
                self.rows.entry(cut).or_default()
            }
        };
        count(&mut entry.counts);
        entry.behind.add(brief);
    }

    /// Forgets the smaller half.
    fn forget(&mut self) {
        let mut weights: Vec<u64> = self.rows.values().map(|entry| entry.counts.weight()).collect();
        weights.sort_unstable_by(|a, b| b.cmp(a));
        let least = weights[self.kept];
        self.error += least;
        // Of equals all go: the table must become smaller.
        self.rows.retain(|_, entry| entry.counts.weight() > least);
    }

    /// All rows, largest first, and how much what they count may be short.
    pub fn finish(self) -> (Vec<(Text, Entry<C>)>, u64) {
        let mut rows: Vec<_> = self.rows.into_iter().collect();
        rows.sort_by(|a, b| (b.1.counts.weight(), &a.0).cmp(&(a.1.counts.weight(), &b.0)));
        (rows, C::times(self.error))
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
        let (rows, error) = top.finish();
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
        let (rows, error) = top.finish();
        let rows: Vec<_> = rows.iter().map(|(name, entry)| (name.as_str(), entry.counts)).collect();
        assert_eq!((rows, error), (vec![("b", 66), ("a", 34)], 0));
    }

    #[test]
    fn a_name_without_end_is_cut() {
        let mut top: Top<u64> = Top::default();
        top.count(&"ü".repeat(5000), &Arc::new(Brief::default()), |c| *c += 1);
        assert_eq!(top.finish().0[0].0.chars().count(), LONGEST);
    }
}
