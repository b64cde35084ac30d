//! Runs every quarter of an hour over a log whose lines come late end with the same documents as one pass over the
//! whole log (law L2), and so does reading a file whose lines are a little out of order.

mod common;
#[path = "live/file.rs"]
mod file;
#[path = "common/pieces.rs"]
mod pieces;
#[path = "live/runs.rs"]
mod runs;

use common::{RawLine, live::smallest};
use mailstitch::{
    access::Access,
    config::Window,
    model::{Intake, Line, Time, Transaction},
    pass::Pass,
    stitch::Rules,
    store::memory::MemoryStore,
};
use std::{path::Path, sync::atomic::AtomicBool, time::Duration};

#[expect(clippy::disallowed_methods, reason = "the tester says how long it may take")]
fn from_environment(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |n| n.parse().expect("a number"))
}

/// The number of logs to try: `LOGS`, or `usual`.
fn logs(usual: u64) -> u64 {
    from_environment("LOGS", usual)
}

/// The default windows except for `lookback`.
fn window(lookback: u64) -> Window {
    let s = Duration::from_secs;
    Window {
        bucket: s(60),
        first: s(3_600),
        settle: s(60),
        lookback: s(lookback),
        horizon: s(14 * 86_400),
        session_lead: s(600),
    }
}

/// A pass into this store.
fn pass<'a>(store: &'a MemoryStore, rules: &'a Rules, stop: &'a AtomicBool, window: Window, now: Time) -> Pass<'a> {
    Pass {
        store: Some(store),
        rules,
        window,
        now,
        state_dir: Path::new("/nonexistent"),
        notes: "under-way.json",
        access: Access::default(),
        save: &|_| Ok(()),
        progress: &|_| {},
        stop,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn taken<'a>(lines: impl IntoIterator<Item = &'a RawLine>) -> Vec<Line> {
    let mut intake = Intake::default();
    lines.into_iter().map(|line| line.line(&mut intake)).collect()
}

/// Number of documents that are missing, different or superfluous.
fn differing(found: &[Transaction], expected: &[Transaction]) -> usize {
    let missing = expected.iter().filter(|e| !found.iter().any(|f| f == *e)).count();
    let foreign = found.iter().filter(|f| !expected.iter().any(|e| e.mail.id == f.mail.id)).count();
    missing + foreign
}

/// One line per document, with its texts.
fn told(documents: &[Transaction]) -> String {
    let line = |t: &Transaction| {
        let texts: Vec<&str> = t.mail.lines.iter().map(|line| &*line.text).collect();
        format!("  {} {:?}\n    {}", t.mail.id, t.mail.status, texts.join("\n    "))
    };
    documents.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Tries logs; the first with a different outcome is shrunk and shown.
fn check<T: Clone + std::fmt::Debug>(
    usual: u64,
    log: impl Fn(u64) -> Vec<T>,
    show: impl Fn(&T) -> String,
    outcome: impl Fn(u64, &[T]) -> (Vec<Transaction>, Vec<Transaction>),
) {
    let (mut failed, mut documents, mut wrong) = (Vec::new(), 0, 0);
    for seed in 0..logs(usual) {
        let (found, expected) = outcome(seed, &log(seed));
        documents += expected.len();
        let n = differing(&found, &expected);
        wrong += n;
        if n > 0 {
            failed.push(seed);
        }
    }
    if failed.is_empty() {
        return;
    }
    for seed in failed.iter().take(from_environment("EXAMPLES", 1) as usize) {
        let differs = |part: &[T]| {
            let (found, expected) = outcome(*seed, part);
            found != expected
        };
        let part = smallest(&log(*seed), differs);
        let (found, expected) = outcome(*seed, &part);
        let lines: Vec<String> = part.iter().map(&show).collect();
        eprintln!("log {seed}:\n{}\nends with\n{}\nnot\n{}\n", lines.join("\n"), told(&found), told(&expected));
    }
    panic!("{wrong} of {documents} documents differ, in {} logs: {failed:?}", failed.len());
}
