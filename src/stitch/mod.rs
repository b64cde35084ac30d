//! Folds the set of lines into transactions (laws L1 and L2): pure, no clock, no network, no files.
//!
//! ```text
//! lines ──unite──▶ gather: a set for each key ──▶ life: one message each ──▶ fold: its document
//!                    └─ session: lines without a queue id, shared with the keys that they concern
//! ```

pub mod bounds;
pub mod fold;
mod gap;
pub mod gather;
pub mod id;
pub mod journey;
pub mod key;
pub mod life;
pub mod lone;
mod near;
mod process;
mod reading;
pub mod session;
mod tally;
#[cfg(test)]
mod testing;

pub use bounds::Bounds;
pub use fold::{fold, fold_readings, single};
pub use gather::{Gathered, gather, unite};
pub use key::{Key, Rules};
pub use reading::Reading;
pub use tally::{Tally, percent};
