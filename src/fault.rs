//! Lets tests kill the process at given places, to show that a crash loses nothing (law L3).
//!
//! `MAILSTITCH_FAULT=NAME` or `NAME:N` aborts when that place is passed for the Nth time. Only in builds with debug
//! assertions.

/// A place between two steps.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "tests reach into the process by its environment")]
pub fn point(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let Ok(wanted) = std::env::var("MAILSTITCH_FAULT") else { return };
    let (place, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if place == name && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == nth.parse().unwrap_or(1) {
        std::process::abort();
    }
}

/// A place between two steps.
#[cfg(not(debug_assertions))]
pub fn point(_name: &str) {}

/// Called with the texts of the lines being processed. `MAILSTITCH_FAULT=abort=TEXT` or `panic=TEXT` dies if one of
/// them contains that text.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "tests reach into the process by its environment")]
#[expect(clippy::panic, reason = "a bug is what a test wants to see")]
pub fn lines<'a>(mut texts: impl Iterator<Item = &'a str>) {
    let Ok(wanted) = std::env::var("MAILSTITCH_FAULT") else { return };
    let Some((how, text)) = wanted.split_once('=') else { return };
    if texts.any(|line| line.contains(text)) {
        match how {
            "panic" => panic!("a line that was asked for"),
            _ => std::process::abort(),
        }
    }
}

/// Does nothing in builds without debug assertions.
#[cfg(not(debug_assertions))]
pub fn lines<'a>(_texts: impl Iterator<Item = &'a str>) {}
