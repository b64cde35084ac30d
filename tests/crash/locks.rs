//! One run at a time, and what a second one is told.

use crate::{
    common::Ran,
    log::{Growing, pieces, write},
};

/// What a second run says while a first one, begun at the same `--now`, waits for lines of a pipe.
fn beside_another(arguments: &[&str]) -> Ran {
    let growing = Growing::into_sqlite();
    growing.log_is_a_pipe();
    let first = growing.command(&["run"]).spawn().expect("it starts");
    let mut pipe = growing.open_pipe();
    let all = ["--config", "mailstitch.toml"].iter().chain(arguments);
    let mut second: Ran = growing.workspace().command(all).output().expect("it starts").into();
    write(&mut pipe, pieces()[0]);
    drop(pipe);
    let (pid, first): (_, Ran) = (first.id(), first.wait_with_output().expect("its end").into());
    assert_eq!((first.code, first.stderr.as_str()), (0, ""), "the first goes on unharmed");
    assert!(growing.export().lines().count() > 10);
    second.stderr = second.stderr.replace(&format!("pid {pid} "), "pid PID ");
    second
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
