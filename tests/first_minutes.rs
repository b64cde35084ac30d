//! The first five minutes: at each typical first mistake, the message leads a new user to the right next step.

mod common;
mod servers;

use common::{Ran, Workspace};
use serde_json::json;
use servers::{Engine, unique_name};

#[track_caller]
fn told(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in\n{}", ran.stderr);
    }
}

const LINE: &str = "2026-11-22T20:00:00.000+00:00 mx1 postfix/qmgr[30]: 4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=1 (queue active)\n";

#[test]
fn a_log_file_is_enough_and_each_step_names_the_next() {
    let workspace = Workspace::new();
    // No store yet, and no log where one is expected.
    told(&workspace.run(["trace", "a@example.org"]), 78, &["no such file", "`mailstitch run` or `backfill` makes it"]);
    told(
        &workspace.run(["backfill", "old*.log"]),
        66,
        &["no log file matches `old*.log`", "`mailstitch backfill FILE`"],
    );
    workspace.write("empty.log", "");
    told(&workspace.run(["backfill", "empty.log"]), 0, &["0 lines read"]);
    told(&workspace.run(["trace", "a@example.org"]), 1, &["the store is empty", "backfill --since 7d"]);

    workspace.write("some.log", format!("{LINE}something else\n"));
    let ran = workspace.run(["backfill", "some.log"]);
    told(&ran, 0, &["1 unrecognised", "`mailstitch coverage [FILE]`", "trace a@example.org"]);
    assert!(workspace.succeed(["coverage", "some.log"]).contains("something else"));
    assert!(workspace.succeed(["trace", "a@example.org"]).contains("4F1A2B3C4D"));
    let found_whole = ["transactions from 2026-11-22T20:00:00.000Z", "found whole"];
    told(&workspace.run(["trace", "example.org"]), 1, &found_whole);
}

#[test]
fn a_configuration_that_is_no_table_is_told_in_words_of_toml() {
    let workspace = Workspace::new();
    workspace.write("c.toml", "source = \"/var/log/mail.log\"\n");
    told(&workspace.run(["-c", "c.toml", "check"]), 78, &["`source` at line 1 of `c.toml`", "expected a table"]);
}

#[test]
fn an_index_that_is_missing_empty_or_of_other_fields_is_told_apart() {
    let engine = Engine::opensearch();
    let (missing, empty, other) = (unique_name("missing"), unique_name("empty"), unique_name("other"));
    let fields = json!({"mappings": {"properties": {
        "timestamp": {"type": "date"}, "message": {"type": "text"}, "source": {"type": "keyword"},
    }}});
    engine.request("PUT", &format!("/{empty}"), fields);
    engine.index(&other, [(None, json!({"when": "2026-11-22T20:00:00Z", "words": "hello"}))]);
    let workspace = Workspace::new();
    let run = |index: &str, command: &[&str]| {
        let source = format!("[source.elasticsearch]\nurl = \"{}\"\nindex = \"{index}\"\n", engine.url());
        workspace.write("c.toml", format!("state_dir = \"state-{index}\"\n{source}preset = \"graylog\"\n"));
        workspace.run(["-c", "c.toml"].iter().chain(command))
    };
    told(&run(&missing, &["run"]), 78, &[&missing, "no such index"]);
    told(&run(&other, &["run"]), 78, &["timestamp", "hint: "]);
    let ran = run(&empty, &["check"]);
    assert_eq!(ran.code, 78);
    assert!(ran.stdout.contains("none: is `index` the right one, and do `programs` match?"), "{}", ran.stdout);
}
