//! Shared by several test files: raw lines, workspaces, and a log whose truth is known.
//!
//! In: nothing. Out: [`RawLine`], [`Workspace`], [`fiveday`]. No law is tested here.
#![allow(dead_code, unused_imports, reason = "each test binary uses the part that it needs")]

pub mod adversarial;
pub mod fiveday;
mod line;
pub mod live;
pub mod promises;
pub mod real;
pub mod stories;
mod workspace;

pub use line::RawLine;
pub use workspace::{Ran, Workspace};

/// The number in an environment variable, or `usual`.
#[expect(clippy::disallowed_methods, reason = "the tester says how long it may take")]
pub fn how_many(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |n| n.parse().expect("a number"))
}
