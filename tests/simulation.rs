//! The program at work for hours over a real engine whose lines come late: undisturbed, killed, and with a store
//! restored from an older copy. It ends with the documents of one pass over everything (laws L2, L3, L8).
//!
//! Not part of `cargo test`, because it runs the program every few minutes of those hours: `cargo test --test
//! simulation` tries a few, `tests/simulation.sh` 200 logs, 100 kills and 100 copies.

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
