//! Rows, dead letters and history files that cannot be read: each is named, and costs only itself.

use super::{LINE, documents, run, workspace};
use rusqlite::Connection;
use std::fs;

const OTHER: &str = "2026-11-03T00:00:02.000+00:00 mx1 postfix/qmgr[2638]: 3A9C960940: removed\n";

fn damage(workspace: &super::Workspace, what: &str) {
    let database = Connection::open(workspace.file("mail.sqlite")).expect("the database");
    let changed = database.execute(&format!("UPDATE transactions SET {what} WHERE queue_id = '3A9C96093D'"), []);
    assert_eq!(changed.expect("it"), 1);
}

#[test]
fn a_damaged_row_costs_its_document_and_is_written_anew_by_a_backfill() {
    for what in
        ["blob = x'00'", "blob = zeroblob(1000000)", "blob = 'text'", "blob = substr(blob, 1, length(blob) - 3)"]
    {
        let workspace = workspace();
        workspace.write("mail.log", format!("{LINE}{OTHER}"));
        assert_eq!(run(&workspace, &["run"]).code, 0);
        let whole = documents(&workspace);
        damage(&workspace, what);
        for command in ["export", "report --since 30d", "trace mx1", "reparse"] {
            let ran = run(&workspace, &command.split(' ').collect::<Vec<_>>());
            assert_eq!(ran.code, 65, "{what}: {command}: {ran:?}");
            assert_eq!(ran.stderr.matches(&format!("left out document `{}`", whole[0])).count(), 1, "{ran:?}");
            assert!(ran.stderr.contains("1 documents of the store could not be read"), "{ran:?}");
        }
        assert_eq!(documents(&workspace), whole[1..]);
        for command in ["run", "status"] {
            assert_eq!(run(&workspace, &[command]).code, 0);
        }
        let ran = run(&workspace, &["backfill", "mail.log"]);
        assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
        assert_eq!(documents(&workspace), whole, "{what}");
        assert_eq!(run(&workspace, &["trace", "3A9C96093D"]).code, 0);
    }
}

#[test]
fn words_of_nobody_in_the_columns_count_as_nothing() {
    let workspace = workspace();
    workspace.write("mail.log", format!("{LINE}{OTHER}"));
    assert_eq!(run(&workspace, &["run"]).code, 0);
    damage(&workspace, "status = 'odd', kind = x'ff'");
    let ran = run(&workspace, &["backfill", "mail.log"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_torn_memory_of_runs_is_put_aside_and_told_once() {
    for file in ["history.json", "failure.json"] {
        let workspace = workspace();
        workspace.write("mail.log", LINE);
        let torn = workspace.write(&format!("state/{file}"), "{\"version\":1,\"runs\":[{\"at\"");
        let ran = run(&workspace, &["run"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("it was moved to `state/{file}.unreadable`")), "{}", ran.stderr);
        assert!(fs::read_to_string(torn.with_extension("json.unreadable")).expect("it").starts_with("{\"version\""));
        let ran = run(&workspace, &["run"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    }
}

#[test]
fn a_spoilt_dead_letter_stays_is_told_and_stops_nothing() {
    let workspace = workspace();
    workspace.write("mail.log", LINE);
    let letters =
        workspace.write("state/dead-letters.ndjson", b"{\"reason\":\"\xff\n{\"reason\":\"x\",\"transaction\":{}}\n");
    for _ in 0..2 {
        let ran = run(&workspace, &["run"]);
        assert_eq!(ran.code, 65, "{}", ran.stderr);
        let told = "2 lines of `state/dead-letters.ndjson` are no dead letters: repair or remove them";
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
        assert_eq!(fs::read(&letters).expect("it").iter().filter(|b| **b == b'\n').count(), 2);
    }
    assert_eq!(documents(&workspace).len(), 1);
}
