//! (being written)

pub mod outcome;
