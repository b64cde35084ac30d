//! What several test files share: raw lines, places to work in, and a log whose truth is known.
//!
//! In: nothing. Out: [`RawLine`], [`Workspace`], [`fiveday`]. No law is tested here.
#![allow(dead_code, unused_imports, reason = "each test binary uses the part that it needs")]

pub mod fiveday;
mod line;
pub mod live;
pub mod promises;
pub mod real;
pub mod stories;
mod workspace;

pub use line::RawLine;
pub use workspace::{Ran, Workspace};
