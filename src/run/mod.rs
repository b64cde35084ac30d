//! (being written)

pub mod lock;
