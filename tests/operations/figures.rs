//! Metrics, status and logs of runs that succeed and of runs that fail.

use crate::{NOW, common::Workspace, run_at, workspace};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

const METRICS: &str = "metrics_file = \"metrics/mail.prom\"";

/// A sample of the metrics file, by name and further labels; all samples have the label of the state directory.
#[track_caller]
fn sample(workspace: &Workspace, name: &str) -> Option<f64> {
    let text = fs::read_to_string(workspace.file("metrics/mail.prom")).expect("the metrics");
    let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
    let comma = if labels == "}" { "" } else { "," };
    let start = format!("mailstitch_{name}{{state_dir=\"state\"{comma}{labels} ");
    text.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().expect("a number"))
}

fn status(workspace: &Workspace) -> Value {
    serde_json::from_str(&run_at(workspace, NOW, &["status", "--json"]).stdout).expect("JSON")
}

#[test]
fn every_run_leaves_figures_to_alert_on() {
    let workspace = workspace(METRICS);
    fs::create_dir(workspace.file("metrics")).expect("a directory");
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    for (name, value) in [
        ("last_run_timestamp_seconds", 1_793_664_062.0),
        ("last_success_timestamp_seconds", 1_793_664_062.0),
        ("lag_seconds", 60.0),
        ("last_run_exit_code", 0.0),
        ("runs_total", 1.0),
        ("dead_letters", 0.0),
        ("retries_total", 0.0),
        ("lines_total{fate=\"used\"}", 3.0),
        ("lines_total{fate=\"unrecognised\"}", 1.0),
        ("transactions_total{change=\"created\"}", 1.0),
        ("transactions_total{change=\"updated\"}", 0.0),
    ] {
        assert_eq!(sample(&workspace, name), Some(value), "{name}");
    }
    // Sums continue from the first run.
    assert_eq!(run_at(&workspace, "2026-11-03T00:16:02Z", &["run"]).code, 0);
    assert_eq!(sample(&workspace, "lines_total{fate=\"used\"}"), Some(3.0));
    assert_eq!((sample(&workspace, "runs_total"), sample(&workspace, "lag_seconds")), (Some(2.0), Some(960.0)));
}

#[test]
fn a_run_that_fails_is_an_error_in_the_figures_and_in_the_status() {
    let workspace = workspace(METRICS);
    fs::create_dir(workspace.file("metrics")).expect("a directory");
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    fs::rename(workspace.file("mail.log"), workspace.file("gone")).expect("the log");
    for minute in [16, 31] {
        assert_eq!(run_at(&workspace, &format!("2026-11-03T00:{minute}:02Z"), &["run"]).code, 78);
    }
    assert_eq!(sample(&workspace, "errors_total{exit_code=\"78\"}"), Some(2.0));
    assert_eq!(sample(&workspace, "last_run_exit_code"), Some(78.0));
    assert_eq!(sample(&workspace, "last_success_timestamp_seconds"), Some(1_793_664_062.0));
    let status = status(&workspace);
    assert_eq!(status["last_success"], "2026-11-03T00:01:02.000Z");
    assert_eq!(status["failing"]["since"], "2026-11-03T00:16:02.000Z");
    assert_eq!(status["runs"][0]["failed"], "cannot read `mail.log`: no such file or directory");
    let text = run_at(&workspace, NOW, &["status"]).stdout;
    let told = "0 lines, - understood, 0 created, 0 updated, 0 deleted, 0.0 s, failed: cannot read `mail.log`: no such";
    assert!(text.lines().any(|l| l.starts_with("run ") && l.contains(told)), "{text}");
}

#[test]
fn the_metrics_are_replaced_as_a_whole_and_readable_by_their_collector() {
    let workspace = workspace(METRICS);
    fs::create_dir(workspace.file("metrics")).expect("a directory");
    let file = workspace.write("metrics/mail.prom", "half a li");
    let before = fs::metadata(&file).expect("it").ino();
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    let after = fs::metadata(&file).expect("it");
    assert_ne!(before, after.ino(), "a new file took its place");
    assert_eq!(after.mode() & 0o777, 0o644);
    let left: Vec<_> = fs::read_dir(workspace.file("metrics")).expect("it").collect();
    assert_eq!(left.len(), 1, "nothing else is left behind");
}

#[test]
fn a_directory_of_metrics_that_is_not_there_is_told_and_fails_nothing() {
    let workspace = workspace(METRICS);
    let ran = run_at(&workspace, NOW, &["run"]);
    let told = " WARN cannot write `metrics/mail.prom`: no such file or directory\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, told));
    assert!(!workspace.file("metrics").exists());
}

#[test]
fn the_status_tells_lag_coverage_dead_letters_and_what_is_on_its_way() {
    let workspace = workspace("");
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    let text = run_at(&workspace, NOW, &["status"]).stdout;
    for row in [
        "read up to       2026-11-03T00:00:02.000Z (60 s ago)",
        "transactions     1, from 2026-11-03T00:00:01.000Z to 2026-11-03T00:00:01.000Z",
        "on their way     1",
        "dead letters     0",
        "lines            4 read, 75.00 % understood, 1 not recognised: see `mailstitch coverage`",
    ] {
        assert!(text.lines().any(|line| line == row), "{row} is not in\n{text}");
    }
    let status = status(&workspace);
    assert_eq!((&status["lag_s"], &status["store"]["open"]), (&60.0.into(), &1.into()));
    assert_eq!(status["coverage"]["understood"], 0.75);
    assert_eq!(status["coverage"]["lines"]["unrecognised"], 1);
}

#[test]
fn a_history_of_an_older_mailstitch_is_read_on() {
    let workspace = workspace("");
    let old = "{\"version\":1,\"runs\":[{\"at\":\"2026-11-02T00:00:00.000Z\",\"tally\":{\"used\":7,\"unused\":0,\
               \"unrecognised\":0,\"duplicate\":0},\"created\":1,\"updated\":0,\"deleted\":0,\"journeys\":0}]}";
    workspace.write("state/history.json", old);
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    let runs = status(&workspace)["runs"].as_array().expect("runs").clone();
    assert_eq!((runs.len(), &runs[1]["tally"]["used"]), (2, &7.into()));
}

/// Each line of standard error as JSON.
#[track_caller]
fn logged(workspace: &Workspace, now: &str, arguments: &[&str]) -> Vec<Value> {
    let ran = run_at(workspace, now, &[&["--log-format", "json"], arguments].concat());
    ran.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn every_line_of_a_json_log_is_one_object() {
    let workspace = workspace("");
    let told = logged(&workspace, NOW, &["-v", "run"]);
    let done = told.iter().find(|e| e["message"] == "read and written").expect("a summary");
    assert_eq!((&done["level"], &done["lines"], &done["unrecognised"]), (&"INFO".into(), &4.into(), &1.into()));
    fs::rename(workspace.file("mail.log"), workspace.file("gone")).expect("the log");
    let told = logged(&workspace, NOW, &["run"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["level"], &told[0]["exit_code"]), (&"ERROR".into(), &78.into()));
    assert_eq!(told[0]["message"], "cannot read `mail.log`: no such file or directory");
    fs::rename(workspace.file("gone"), workspace.file("mail.log")).expect("the log");
    let told = logged(&workspace, NOW, &["run"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["message"].as_str().expect("text").starts_with("works again; "), "{told:?}");
    assert_eq!(logged(&workspace, NOW, &["run"]), Vec::<Value>::new(), "silent when all is well");
}

#[test]
fn a_hint_is_a_field_of_a_json_log() {
    let workspace = workspace("");
    workspace.write("state/checkpoint.json", "{");
    let told = logged(&workspace, NOW, &["run"]);
    assert_eq!(told[0]["hint"], "move the file away to start anew, or restore it from a backup");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_told_each_time() {
    let workspace = workspace("");
    fs::create_dir(workspace.file("state")).expect("a directory");
    // A directory in place of the lock cannot be opened for writing, not even by root.
    fs::create_dir(workspace.file("state/run.lock")).expect("a directory");
    fs::set_permissions(workspace.file("state"), fs::Permissions::from_mode(0o500)).expect("its owner");
    for _ in 0..2 {
        let ran = run_at(&workspace, NOW, &["run"]);
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.starts_with("error: cannot lock `state/run.lock`"), "{}", ran.stderr);
    }
    assert!(!workspace.file("mail.sqlite").exists());
    fs::set_permissions(workspace.file("state"), fs::Permissions::from_mode(0o700)).expect("its owner");
}

#[test]
fn what_prune_says_is_json_where_json_is_asked_for() {
    let workspace = workspace("");
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    let ran = run_at(&workspace, NOW, &["-v", "--log-format", "json", "prune", "--older-than", "1d"]);
    let lines: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((ran.code, lines.len(), &lines[0]["deleted"]), (0, 1, &Value::from(0)), "{}", ran.stderr);
}
