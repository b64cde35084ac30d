//! The program killed at every important place, at random moments, and blocked by a second one: the next run ends
//! with the same documents as an undisturbed one (laws L2 and L3).
//!
//! Places are named by `MAILSTITCH_FAULT`, which builds with debug assertions obey (`src/fault.rs`).

mod common;
#[path = "crash/dead_letters.rs"]
mod dead_letters;
#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/locks.rs"]
mod locks;
#[path = "crash/log.rs"]
mod log;
#[path = "crash/power_loss.rs"]
mod power_loss;
#[path = "crash/restored.rs"]
mod restored;
mod servers;
#[path = "crash/two_machines.rs"]
mod two_machines;

use common::fiveday::Random;
use log::{Growing, pieces};
use std::{
    process::Stdio,
    time::{Duration, Instant},
};

/// Places that every run with something to read passes, and whether the ledger is marked by then.
const PLACES: [(&str, bool); 10] = [
    ("after-read", false),
    ("before-write", false),
    ("before-delete", false),
    ("before-journeys", false),
    ("before-bury", false),
    ("before-commit", false),
    ("before-mark", false),
    ("before-rename", false),
    ("after-rename", true),
    ("after-mark", true),
];

/// The places at which the content of a search server differs from that at the place before.
const PLACES_OF_A_SERVER: [&str; 4] = ["before-write", "before-delete", "before-journeys", "before-mark"];

/// Kills every run at the place, and lets the one after it finish.
#[track_caller]
fn check_killed_at(place: &str, is_marked: bool, growing: &Growing, expected: &str) {
    for (n, piece) in pieces().into_iter().enumerate() {
        growing.append(piece);
        let killed = growing.command(&["run"]).env("MAILSTITCH_FAULT", place).output().expect("it starts");
        assert_eq!(killed.status.code(), None, "nothing was killed at {place} in piece {n}");
        let read = growing.lines_read();
        let new = if is_marked { 0 } else { piece.lines().count() };
        assert_eq!(read, new, "after {place} in piece {n}");
        assert_eq!(growing.lines_read(), 0, "{place}: nothing is read twice once a run has ended");
    }
    log::assert_same(&growing.export(), expected, place);
}

#[test]
fn killed_at_any_place_the_next_run_heals_it() {
    let calm = Growing::into_sqlite();
    let expected = calm.undisturbed();
    assert!(calm.deleted() > 0, "no life moved: the log is too tame for this test");
    for (place, is_marked) in PLACES {
        check_killed_at(place, is_marked, &Growing::into_sqlite(), &expected);
    }
}

#[test]
fn killed_at_a_later_passing_of_a_place_the_next_run_heals_it() {
    let expected = Growing::into_sqlite().undisturbed();
    let mut killed = 0;
    for nth in [2, 3] {
        for place in ["before-write", "before-delete"] {
            let growing = Growing::into_sqlite();
            for piece in pieces() {
                growing.append(piece);
                let fault = format!("{place}:{nth}");
                let ran = growing.command(&["run"]).env("MAILSTITCH_FAULT", fault).output().expect("it starts");
                killed += usize::from(ran.status.code().is_none());
                growing.lines_read();
            }
            log::assert_same(&growing.export(), &expected, place);
        }
    }
    assert!(killed > 0, "no run passed a place twice");
}

/// Kills every run at a random moment and lets the last one finish. An undisturbed run of `calm` shows how long a run
/// takes on this machine.
#[track_caller]
fn check_killed_at_random(growing: &Growing, calm: &Growing) {
    let since = Instant::now();
    let expected = calm.undisturbed();
    let whole_us = i64::try_from(since.elapsed().as_micros()).expect("an hour at most") / pieces().len() as i64;
    let (mut random, mut killed) = (Random::new(std::process::id().into()), 0);
    for piece in pieces() {
        growing.append(piece);
        for _ in 0..2 {
            let mut run = growing.command(&["run"]).stderr(Stdio::null()).spawn().expect("it starts");
            std::thread::sleep(Duration::from_micros(random.below(whole_us).unsigned_abs()));
            run.kill().expect("SIGKILL");
            killed += usize::from(run.wait().expect("its end").code().is_none());
        }
    }
    growing.lines_read();
    assert!(killed > 0, "every run was faster");
    log::assert_same(&growing.export(), &expected, "random kills");
}

#[test]
fn killed_at_random_moments_the_last_run_heals_it() {
    check_killed_at_random(&Growing::into_sqlite(), &Growing::into_sqlite());
}

#[test]
fn killed_at_random_moments_into_a_search_server_the_last_run_heals_it() {
    let engine = servers::Engine::opensearch();
    let (growing, calm) = (Growing::into_engine(engine), Growing::into_engine(engine));
    check_killed_at_random(&growing, &calm);
    growing.drop_indices(engine);
    calm.drop_indices(engine);
}

#[test]
fn killed_at_any_place_a_search_server_is_healed_by_the_next_run() {
    let engine = servers::Engine::opensearch();
    let calm = Growing::into_engine(engine);
    calm.undisturbed();
    let expected = calm.export();
    calm.drop_indices(engine);
    for place in PLACES_OF_A_SERVER {
        let growing = Growing::into_engine(engine);
        check_killed_at(place, false, &growing, &expected);
        growing.drop_indices(engine);
    }
}

/// Sends SIGTERM to a command that waits at an open pipe; returns its exit code and standard error.
fn terminated(growing: &Growing, arguments: &[&str], text: &str) -> (Option<i32>, String) {
    growing.log_is_a_pipe();
    let run = growing.command(arguments).spawn().expect("it starts");
    let mut pipe = growing.open_pipe();
    log::write(&mut pipe, text);
    log::signal(&run, "TERM");
    let ended = run.wait_with_output().expect("its end");
    drop(pipe);
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

const STOPPED: &str = "stopped by a signal before all was read; the next one goes on from here\n";

#[test]
fn a_backfill_that_a_signal_ends_is_not_done() {
    let text: String = pieces().into_iter().take(2).collect();
    let (code, told) = terminated(&Growing::into_sqlite(), &["backfill", "mail.log"], &text);
    assert!(code == Some(75) && told.contains(STOPPED), "{code:?} {told}");
}

#[test]
fn sigterm_ends_a_run_after_what_it_has_in_hand() {
    let growing = Growing::into_sqlite();
    let all: String = pieces().into_iter().take(2).collect();
    let since = Instant::now();
    let (code, told) = terminated(&growing, &["-v", "run"], &all);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(STOPPED), "{told}");
    assert!(since.elapsed() < Duration::from_secs(60));
    let calm = Growing::into_sqlite();
    calm.append(&all);
    assert_eq!(calm.lines_read(), all.lines().count());
    log::assert_same(&growing.export(), &calm.export(), "SIGTERM");
}
