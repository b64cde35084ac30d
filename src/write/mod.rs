//! Turns what `stitch` gathered from a stretch into documents in the store. They are acknowledged before anything is
//! marked (law L3).
//!
//! `merge.rs` unites new lines with stored documents, `singles.rs` writes documents of single lines, `journeys.rs`
//! settles the journeys of what changed, and `dead.rs` keeps documents that a store refuses for good.

pub mod dead;
pub mod journeys;
pub mod merge;
mod merged;
mod singles;
pub mod stored;

pub use merged::Merged;

/// Rounds lost to another writer before we give up and leave the stretch to the next run.
const ROUNDS: usize = 20;
