//! However late a line reaches the source, it is found, and what was read already is not requested twice (laws L2,
//! L6).

#[path = "late_lines/clock.rs"]
mod clock;
mod common;
#[path = "late_lines/engine.rs"]
mod engine;
#[path = "late_lines/ledger.rs"]
mod ledger;
#[path = "late_lines/long.rs"]
mod long;
mod servers;
