//! From what `stitch` gathered of a stretch to documents in the store (law L3: they are acknowledged before anything is marked).
//!
//! `merge.rs` unites new lines with the documents that the store has, `singles.rs` writes what stands alone, `journeys.rs`
//! finds the journeys of what changed, and `dead.rs` keeps documents that a store refuses for good.

pub mod dead;
pub mod journeys;
pub mod merge;
mod singles;
