//! The whole flow on real servers: however a log is cut into runs, the store ends with the same documents (law L2).
//!
//! Real lines of five mail servers (`tests/data/real`) and a log whose truth is known (`tests/common/fiveday`) are
//! read in many small windows and all at once, from an index and from a file, into an index and into SQLite; all
//! exports must be identical.

mod common;
#[path = "end_to_end/five_days.rs"]
mod five_days;
#[path = "end_to_end/real_lines.rs"]
mod real_lines;
#[path = "end_to_end/sample.rs"]
mod sample;
mod servers;
#[path = "end_to_end/setup.rs"]
mod setup;
