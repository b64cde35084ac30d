//! State directories, ledgers and databases that cannot be used, and the messages before the first run.

use super::{LINE, NOW, check, check_read, run, workspace};
use std::fs;

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    let workspace = workspace("state_dir = \"file/state\"\n");
    workspace.write("file", "");
    workspace.write("mail.log", LINE);
    let told = "error: cannot create directory `file`: a file is in its place\n\
                hint: the user that runs mailstitch must own `state_dir`\n";
    check(&workspace, &["run"], 78, told);
    assert!(!workspace.file("mail.sqlite").exists());
}

#[test]
fn a_corrupt_ledger_is_refused_and_kept() {
    for (content, why) in [
        ("", "not what mailstitch writes: EOF while parsing a value at line 1 column 0"),
        ("{\"version\":1,", "not what mailstitch writes: EOF while parsing a value at line 1 column 13"),
    ] {
        let workspace = workspace("");
        workspace.write("mail.log", LINE);
        let ledger = workspace.write("state/checkpoint.json", content);
        let told = format!(
            "error: cannot read `state/checkpoint.json`: {why}\n\
             hint: move the file away to start anew, or restore it from a backup\n"
        );
        check(&workspace, &["run"], 78, &told);
        assert_eq!(fs::read_to_string(&ledger).expect("the ledger"), content);
        assert!(!workspace.file("mail.sqlite").exists(), "nothing was written without a ledger");
        fs::remove_file(ledger).expect("the ledger");
        let ran = run(&workspace, &["run"]);
        let told = "works again; it had failed since 2026-11-04T00:00:00.000Z; 1 lines caught up\n";
        assert_eq!((ran.code, ran.stderr.as_str()), (0, told));
    }
}

#[test]
fn a_ledger_of_a_newer_version_is_refused_and_kept() {
    let workspace = workspace("");
    workspace.write("mail.log", LINE);
    let content = "{\"version\":99,\"else\":\"other\"}";
    let ledger = workspace.write("state/checkpoint.json", content);
    let ran = run(&workspace, &["run"]);
    assert_eq!(ran.code, 78);
    assert!(
        ran.stderr
            .starts_with("error: cannot read `state/checkpoint.json`: it has version 99, this mailstitch knows up to ")
    );
    assert!(ran.stderr.ends_with("\nhint: use the newer mailstitch that wrote the file\n"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(ledger).expect("the ledger"), content);
}

#[test]
fn the_same_failure_speaks_every_six_hours_and_recovery_once() {
    let workspace = workspace("");
    let told = "error: cannot read `mail.log`: no such file or directory\n";
    let at = |time: &str| {
        let ran = workspace.run(["--config", "mailstitch.toml", "--now", time, "run"]);
        (ran.code, ran.stderr)
    };
    assert_eq!(at("2026-11-04T00:00:00Z"), (78, told.to_owned()));
    assert_eq!(at("2026-11-04T00:15:00Z"), (78, String::new()));
    assert_eq!(at("2026-11-04T05:59:59Z"), (78, String::new()));
    assert_eq!(at("2026-11-04T06:00:00Z"), (78, told.to_owned()));
    assert_eq!(at("2026-11-04T06:15:00Z"), (78, String::new()));
    workspace.write("mail.log", LINE);
    let told = "works again; it had failed since 2026-11-04T00:00:00.000Z; 1 lines caught up\n";
    assert_eq!(at("2026-11-04T06:30:00Z"), (0, told.to_owned()));
    assert_eq!(at("2026-11-04T06:45:00Z"), (0, String::new()));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let workspace = workspace("");
    workspace.write("mail.log", LINE);
    let content = "To be or not to be, that is the question. ".repeat(100);
    let file = workspace.write("mail.sqlite", &content);
    let ran = run(&workspace, &["run"]);
    assert_eq!(ran.code, 78, "{}", ran.stderr);
    assert!(ran.stderr.contains("database `mail.sqlite`: file is not a database\nhint: "), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(file).expect("the file"), content);
}

#[test]
fn a_database_in_a_missing_directory_gets_its_directory_by_run_only() {
    let workspace = workspace("[store.sqlite]\npath = \"a/b/mail.sqlite\"\n");
    workspace.write("mail.log", LINE);
    for command in [vec!["export"], vec!["trace", "3A9C96093D"], vec!["status"]] {
        let told = "error: cannot open database `a/b/mail.sqlite`: no such file or directory\nhint: `mailstitch run` or `backfill` makes it\n";
        check(&workspace, &command, 78, told);
    }
    run(&workspace, &["check"]);
    assert!(!workspace.file("a").exists() && !workspace.file("state").exists(), "looking makes nothing");
    check_read(&workspace, [1, 0, 0, 0]);
    assert!(workspace.file("a/b/mail.sqlite").exists());
}

#[test]
fn a_dry_run_makes_nothing() {
    let workspace = workspace("");
    workspace.write("mail.log", LINE);
    for command in [vec!["run", "--dry-run"], vec!["backfill", "--dry-run", "mail.log"]] {
        let ran = run(&workspace, &command);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.ends_with("1 transactions found; nothing was written\n"), "{}", ran.stdout);
        let mut left: Vec<_> =
            fs::read_dir(workspace.path()).expect("it").map(|e| e.expect("it").file_name()).collect();
        left.sort();
        assert_eq!(left, ["mail.log", "mailstitch.toml"], "at {NOW}");
    }
}

#[test]
fn a_clock_that_was_set_back_is_told() {
    let workspace = workspace("");
    workspace.write("mail.log", LINE);
    let at = |time: &str| workspace.run(["--config", "mailstitch.toml", "--now", time, "run"]);
    assert_eq!(at("2027-11-04T00:00:00Z").stderr, "");
    let told = at("2026-11-04T00:15:00Z");
    let back =
        "the last run was at 2027-11-04T00:00:00.000Z, 8759.8 h ahead of now: the clock was wrong then, or is now";
    assert!(told.code == 0 && told.stderr.contains(back), "{}", told.stderr);
    assert_eq!(at("2026-11-04T00:30:00Z").stderr, "", "it is told once");
    // A clock that was wrong must not silence a failure for a year.
    fs::remove_file(workspace.file("mail.log")).expect("the log");
    assert!(at("2027-11-04T00:00:00Z").stderr.contains("cannot read `mail.log`"));
    assert!(at("2026-11-04T00:45:00Z").stderr.contains("cannot read `mail.log`"));
}
