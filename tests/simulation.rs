//! A program at work for hours over a real engine to which lines come late: left alone, killed, and with a store that was
//! restored from an older copy. It ends with what one pass over everything makes (laws L2, L3, L8).
//!
//! Not among the tests that `cargo test` runs, because it takes a run of the program every few minutes of those hours:
//! `cargo test --test simulation` tries a few, `tests/simulation.sh` 200 logs, 100 kills and 100 copies.

mod common;
#[path = "simulation/installation.rs"]
mod installation;
#[path = "simulation/killed.rs"]
mod killed;
#[path = "simulation/late.rs"]
mod late;
#[path = "simulation/restored.rs"]
mod restored;
mod servers;
