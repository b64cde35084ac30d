//! Only one run at a time, and the message of a second one.

use crate::{
    common::Ran,
    log::{Growing, pieces, write},
};

/// The result of a command run while a first run waits for lines of a pipe.
fn beside_another(arguments: &[&str]) -> Ran {
    let (_, mut all) = all_beside_another(&[arguments]);
    all.remove(0)
}

fn all_beside_another(commands: &[&[&str]]) -> (Growing, Vec<Ran>) {
    let growing = Growing::into_sqlite();
    growing.log_is_a_pipe();
    let first = growing.command(&["run"]).spawn().expect("it starts");
    let mut pipe = growing.open_pipe();
    let command = |arguments: &&[&str]| {
        let all = ["--config", "mailstitch.toml"].iter().chain(*arguments);
        let mut ran: Ran = growing.workspace().command(all).output().expect("it starts").into();
        ran.stderr = ran.stderr.replace(&format!("pid {} ", first.id()), "pid PID ");
        ran
    };
    let ran = commands.iter().map(command).collect();
    write(&mut pipe, pieces()[0]);
    drop(pipe);
    let first: Ran = first.wait_with_output().expect("its end").into();
    assert_eq!((first.code, first.stderr.as_str()), (0, ""), "the first goes on unharmed");
    assert!(growing.export().lines().count() > 10);
    (growing, ran)
}

#[test]
fn a_second_run_leaves_the_work_to_the_first() {
    let second = beside_another(&["--now", "2026-11-04T00:15:00Z", "run"]);
    assert_eq!((second.code, second.stderr.as_str()), (0, ""));
    let second = beside_another(&["--now", "2026-11-04T00:15:00Z", "-v", "run"]);
    let told = "another run is under way: pid PID since 2026-11-04T00:00:00.000Z\n";
    assert_eq!(second.code, 0);
    assert!(second.stderr.ends_with(told), "{}", second.stderr);
}

#[test]
fn a_lock_held_for_over_an_hour_is_trouble() {
    let second = beside_another(&["--now", "2026-11-04T01:00:01Z", "run"]);
    let told = "error: cannot start a run on `state`: another one holds the lock: pid PID since \
                2026-11-04T00:00:00.000Z\nhint: if that process hangs, end it\n";
    assert_eq!((second.code, second.stderr.as_str()), (75, told));
}

#[test]
fn a_lock_held_for_over_an_hour_is_told_once_in_six_hours_and_shown() {
    let workspace_status = ["--now", "2026-11-04T02:30:00Z", "status"];
    let (growing, told) = all_beside_another(&[
        &["--now", "2026-11-04T01:00:01Z", "run"],
        &["--now", "2026-11-04T01:15:00Z", "run"],
        &["--now", "2026-11-04T06:59:00Z", "run"],
        &["--now", "2026-11-04T07:00:01Z", "run"],
        &workspace_status,
    ]);
    let codes: Vec<_> = told.iter().map(|ran| (ran.code, ran.stderr.is_empty())).collect();
    assert_eq!(codes, [(75, false), (75, true), (75, true), (75, false), (0, true)]);
    let shown = told[4].stdout.lines().find(|line| line.starts_with("kept out since")).expect("a row");
    assert!(
        shown.contains("2026-11-04T01:00:01.000Z: cannot start a run on `state`: another one holds the lock"),
        "{shown}"
    );
    let after = growing.command(&["run"]).spawn().expect("it starts");
    drop(growing.open_pipe());
    assert!(after.wait_with_output().expect("its end").status.success());
    let status = growing.command(&["status"]).output().expect("it starts");
    assert!(!String::from_utf8_lossy(&status.stdout).contains("kept out"));
}

#[test]
fn nothing_is_pruned_while_a_run_is_at_work() {
    let pruned = beside_another(&["--now", "2026-11-04T00:15:00Z", "prune", "--older-than", "1d"]);
    let told = "error: cannot prune what `state` is written from: a run is under way: pid PID since \
                2026-11-04T00:00:00.000Z\n";
    assert_eq!((pruned.code, pruned.stderr.as_str()), (75, told));
}
