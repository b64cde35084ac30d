//! Rebuilds mail transactions from the log lines of postfix and sendmail.
//!
//! ```text
//! source/ ──Line──▶ parse/ ──Event──▶ stitch/ ──Transaction──▶ store/ ──acknowledged──▶ checkpoint/
//!                  └───────── pure: no clock, no network, no files, no printing ─────────┘
//! ```
//!
//! `model/` holds what is carried through the doors, `run/` walks the flow once, `commands/` are the ways in.

// Not in `Cargo.toml`, which would ask it of tests too: whatever input can reach must end in an `Error` or in a count.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod access;
pub mod error;
pub mod escape;
pub mod fault;
pub mod outcome;

pub mod model;

pub mod queue_id;

pub mod program;

pub mod frame;
pub mod parse;
pub mod report;
pub mod stitch;

pub mod window;

pub mod config;

pub mod check;
pub mod net;

pub mod source;

pub mod store;

pub mod state;

pub mod write;

pub mod pass;

pub mod when;

pub mod cli;

pub mod logging;
pub mod threads;

pub mod commands;

pub mod laws;
