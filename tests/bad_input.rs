//! Bad input of every kind, given to the program itself: what it says, the exit code, and that nothing else is lost.
//!
//! Mistakes in the configuration have their own files in `tests/config`.

#[path = "bad_input/files.rs"]
mod files;
#[path = "bad_input/liars.rs"]
mod liars;
#[path = "bad_input/network.rs"]
mod network;
#[path = "bad_input/packed.rs"]
mod packed;
#[path = "bad_input/pipes.rs"]
mod pipes;
#[path = "bad_input/state.rs"]
mod state;
#[path = "bad_input/trust.rs"]
mod trust;

mod common;

use common::{Ran, Workspace};

const NOW: &str = "2026-11-04T00:00:00Z";
const LINE: &str = "2026-11-03T00:00:01.000+00:00 mx1 postfix/qmgr[2638]: 3A9C96093D: removed\n";
/// Refused before it had a queue id: one line, one document.
const REJECT: &str = "2026-11-03T00:00:02.000+00:00 mx1 postfix/smtpd[2639]: NOQUEUE: reject: RCPT from \
                      client.example.net[192.0.2.7]: 554 5.7.1 <one@example.org>: Relay access denied; \
                      from=<two@example.net> to=<one@example.org> proto=ESMTP helo=<client.example.net>\n";

/// A workspace with a configuration: `mail.log` into SQLite, plus what `more` says.
fn workspace(more: &str) -> Workspace {
    let workspace = Workspace::new();
    let source =
        if more.contains("[source.") { "" } else { "[source.file]\npaths = [\"mail.log\"]\ntimezone = \"UTC\"\n" };
    let store = if more.contains("[store.") { "" } else { "[store.sqlite]\npath = \"mail.sqlite\"\n" };
    // `more` comes before the tables, because it may hold top-level keys.
    workspace.write("mailstitch.toml", format!("{}{more}{source}{store}", state_dir(more)));
    workspace
}

fn state_dir(more: &str) -> &'static str {
    if more.contains("state_dir") { "" } else { "state_dir = \"state\"\n" }
}

fn run(workspace: &Workspace, arguments: &[&str]) -> Ran {
    workspace.run(["--config", "mailstitch.toml", "--now", NOW].iter().chain(arguments))
}

/// Checks the exit code and the whole of standard error.
#[track_caller]
fn check(workspace: &Workspace, arguments: &[&str], code: i32, told: &str) {
    let ran = run(workspace, arguments);
    assert_eq!((ran.code, ran.stderr.as_str()), (code, told));
}

/// Checks that a run succeeds and reports these numbers of lines: used, unused, unrecognised, duplicate.
#[track_caller]
fn check_read(workspace: &Workspace, [used, unused, unrecognised, duplicate]: [usize; 4]) {
    let ran = run(workspace, &["-v", "run"]);
    let told = format!("{used} used, {unused} known and unused, {unrecognised} unrecognised, {duplicate} duplicates\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
}

fn documents(workspace: &Workspace) -> usize {
    let ran = run(workspace, &["export"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.lines().count()
}
