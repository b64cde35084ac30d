//! Rebuilds mail transactions from the log lines of postfix and sendmail.
//!
//! ```text
//! source/ ─bytes─▶ frame/ ─Line─▶ parse/ ─Event─▶ stitch/ ─Transaction─▶ write/ ─▶ store/ ─acknowledged─▶ state/
//!                  └─ pure: no clock, no network, no files, no printing ─┘
//! ```
//!
//! Rooms stand below in the order in which they may use each other: each only those above it (`tests/tidy.rs` checks it).

// Not in `Cargo.toml`, which would ask it of tests too: whatever input can reach must end in an `Error` or in a count.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

// Shared by every room.

pub mod error;

pub mod outcome;

pub mod access;

pub mod escape;

pub mod fault;

// Lines, events, documents and times: what is carried from room to room.

pub mod model;

// The pure middle: from the bytes of a line to transactions and reports.

pub mod queue_id;

pub mod program;

pub mod frame;

pub mod parse;

pub mod stitch;

pub mod report;

pub mod window;

// Settings, as the configuration file gives them.

pub mod config;

// Lines come in, documents go out.

pub mod check;

pub mod net;

pub mod source;

pub mod store;

// The state between runs, and the way of a stretch of lines into the store.

pub mod state;

pub mod write;

pub mod pass;

// The command line.

pub mod when;

pub mod cli;

pub mod logging;

pub mod threads;

pub mod commands;

// Promises that tests and fuzzers hold any input to.

pub mod laws;
