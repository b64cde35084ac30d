//! Documents as shippers write them (`tests/data/shippers.ndjson`), each shape in an index of its own: `check` says
//! whether it can be read, `run` reads it, and no shape is skipped silently.

use crate::{
    common::Workspace,
    servers::{Engine, unique_name},
};
use mailstitch::model::Time;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write, fs, sync::Mutex};

const NOW: &str = "2026-11-22T20:25:00Z";
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources.md");
const BEGIN: &str = "<!-- What follows is written by `UPDATE_GOLDEN=1 cargo test --test shippers`. -->\n";
const END: &str = "<!-- Up to here. -->\n";

/// Shapes that no longer hold the line; the remedy is named, and lies outside of mailstitch.
const UNREADABLE: [&str; 2] = ["v-nosource", "v-srcexcl"];

#[derive(Debug, Clone, Deserialize)]
struct Written {
    shape: String,
    preset: String,
    /// The line as logged.
    line: String,
    /// The shipper's own mapping if it matters; otherwise the engine derives one.
    mapping: Option<Value>,
    document: Value,
}

/// The output of `check`, by the marks of its rows.
struct Checked {
    complaints: Vec<String>,
    /// Settings to paste, each with its table.
    pastes: Vec<(String, String)>,
}

fn config(engine: &Engine, index: &str, pastes: &[(String, String)]) -> String {
    let mut tables: BTreeMap<&str, String> = BTreeMap::new();
    for (table, setting) in pastes {
        _ = writeln!(tables.entry(table).or_default(), "{setting}");
    }
    let source = tables.remove("source.elasticsearch").unwrap_or_default();
    let mut text = format!(
        "state_dir = \"state\"\n[source.elasticsearch]\nurl = {:?}\nindex = {index:?}\ntimezone = \"UTC\"\n{source}\
         [store.sqlite]\npath = \"mail.sqlite\"\n",
        engine.url()
    );
    for (table, settings) in tables {
        _ = write!(text, "[{table}]\n{settings}");
    }
    text
}

/// The settings in "… set `host = \"x\"` and `program = \"y\"` under `[table]`".
fn pastes(row: &str) -> Vec<(String, String)> {
    let Some((_, advice)) = row.split_once("set `") else { return Vec::new() };
    let Some((settings, rest)) = advice.split_once("` under `[") else { return Vec::new() };
    let table = rest.split(']').next().expect("a table");
    settings.split("` and `").map(|setting| (table.to_owned(), setting.to_owned())).collect()
}

fn check(workspace: &Workspace) -> Checked {
    let ran = workspace.run(["-c", "config.toml", "--now", NOW, "check"]);
    let odd = |row: &&str| !row.starts_with('✔');
    let complaints: Vec<String> = ran.stdout.lines().filter(odd).map(str::to_owned).collect();
    // The engine's clock does not agree with the documents.
    let complaints: Vec<String> = complaints.into_iter().filter(|row| !row.contains("source: clock")).collect();
    let mut found: Vec<(String, String)> = complaints.iter().flat_map(|row| pastes(row)).collect();
    found.dedup();
    Checked { complaints, pastes: found }
}

/// The lines in the documents of the store, as logged.
fn lines(workspace: &Workspace) -> Vec<String> {
    let run = workspace.run(["-c", "config.toml", "--now", NOW, "run"]);
    if run.code != 0 {
        return vec![format!("exit code {}: {}", run.code, run.stderr)];
    }
    let exported = workspace.succeed(["-c", "config.toml", "--now", NOW, "export"]);
    let mut lines: Vec<String> = exported
        .lines()
        .flat_map(|document| {
            let document: Value = serde_json::from_str(document).expect("a document");
            let host = document["host"]["name"].as_str().expect("a host").to_owned();
            let lines = document["mail"]["lines"].as_array().expect("lines").clone();
            lines.into_iter().map(move |line| {
                let time = Time::parse_rfc3339(line["time"].as_str().expect("a time")).expect("a time");
                let text = |name: &str| line[name].as_str().expect("a text").to_owned();
                format!("{time} {host} {}[{}]: {}", text("program"), line["pid"], text("text"))
            })
        })
        .collect();
    lines.sort();
    lines
}

/// A complaint, if anything is wrong, and the row of the table.
fn judge(engine: &Engine, shape: &str, written: &[Written]) -> (Option<String>, String) {
    let index = unique_name("shape");
    // Graylog's own analyzer.
    let analyzer = json!({"ak": {"tokenizer": "keyword", "filter": "lowercase"}});
    let settings = json!({"number_of_shards": 1, "number_of_replicas": 0, "analysis": {"analyzer": analyzer}});
    let mut made = json!({ "settings": settings });
    if let Some(mapping) = &written[0].mapping {
        made["mappings"] = mapping.clone();
    }
    engine.request("PUT", &format!("/{index}"), made);
    engine.index(&index, written.iter().map(|written| (None, written.document.clone())));
    let fresh = |pastes: &[(String, String)]| {
        let workspace = Workspace::new();
        workspace.write("config.toml", config(engine, &index, pastes));
        workspace
    };
    let workspace = fresh(&[]);
    let (checked, found) = (check(&workspace), lines(&workspace));
    let mut expected: Vec<String> = written.iter().map(|written| written.line.clone()).collect();
    expected.sort();
    let preset = &written[0].preset;
    let row = |verdict: &str| format!("| `{shape}` | {preset} | {verdict} |\n");
    let result = if found == expected {
        match &checked.complaints[..] {
            [] => (None, row("as it is")),
            [complaint, ..] => {
                let told = complaint.split_once(": ").map_or("", |(_, told)| told);
                (None, row(&format!("as it is; `check` remarks on the {}", told.split(':').next().unwrap_or_default())))
            }
        }
    } else if UNREADABLE.contains(&shape) {
        let told = checked.complaints.iter().any(|row| row.contains("`_source`"));
        (
            (!told).then(|| format!("is not told that there is nothing to read: {:?}", checked.complaints)),
            row("no: `_source` lacks the line, and `check` says so"),
        )
    } else {
        let pasted = fresh(&checked.pastes);
        let (again, read) = (check(&pasted), lines(&pasted));
        let settings: Vec<String> =
            checked.pastes.iter().map(|(table, setting)| format!("`{setting}` under `[{table}]`")).collect();
        let wholly = settings.iter().any(|setting| setting.contains("bare_daemons"));
        let expected: Vec<String> = expected
            .iter()
            .map(|line| if wholly { line.replace(" qmgr[", " postfix/qmgr[") } else { line.clone() })
            .collect();
        let right = read == expected && again.complaints.is_empty() && !checked.pastes.is_empty();
        let wrong = || {
            format!(
                "{found:#?}\ninstead of {expected:#?}\ncheck: {:#?}\npasted {settings:?}: {read:#?}\ncheck: {:#?}",
                checked.complaints, again.complaints
            )
        };
        ((!right).then(wrong), row(&format!("with {}, which `check` proposes", settings.join(" and "))))
    };
    engine.request("DELETE", &format!("/{index}"), Value::Null);
    (result.0.map(|wrong| format!("{shape}: {wrong}")), result.1)
}

#[test]
fn every_shape_is_read_or_told_with_what_to_set() {
    let engine = Engine::opensearch();
    let mut shapes: Vec<(String, Vec<Written>)> = Vec::new();
    for line in include_str!("../data/shippers.ndjson").lines() {
        let written: Written = serde_json::from_str(line).expect("a document and its line");
        match shapes.iter_mut().find(|(shape, _)| *shape == written.shape) {
            Some((_, all)) => all.push(written),
            None => shapes.push((written.shape.clone(), vec![written])),
        }
    }
    let judged: Mutex<BTreeMap<usize, (Option<String>, String)>> = Mutex::default();
    std::thread::scope(|threads| {
        for part in 0..3 {
            let (shapes, judged) = (&shapes, &judged);
            threads.spawn(move || {
                for (n, (shape, written)) in shapes.iter().enumerate().filter(|(n, _)| n % 3 == part) {
                    let verdict = judge(engine, shape, written);
                    judged.lock().expect("no thread has failed").insert(n, verdict);
                }
            });
        }
    });
    let judged = judged.into_inner().expect("no thread has failed");
    assert_eq!(judged.len(), shapes.len());
    let wrong: Vec<&str> = judged.values().filter_map(|(wrong, _)| wrong.as_deref()).collect();
    assert!(wrong.is_empty(), "{} of {} shapes:\n{}", wrong.len(), shapes.len(), wrong.join("\n\n"));
    let rows: String = judged.into_values().map(|(_, row)| row).collect();
    compare(&format!("{BEGIN}| shape | shipper | is read |\n|---|---|---|\n{rows}{END}"));
}

/// Checks that the table in the manual agrees with the results.
fn compare(table: &str) {
    let docs = fs::read_to_string(DOCS).expect("the manual");
    let (before, rest) = docs.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where it ends");
    let wanted = format!("{before}{table}{after}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return fs::write(DOCS, &wanted).expect("the manual can be written");
    }
    assert!(docs == wanted, "the table in {DOCS} is not what was found (UPDATE_GOLDEN=1 writes it):\n{table}");
}

#[test]
fn a_run_whose_documents_are_no_lines_says_so_once_in_six_hours() {
    let engine = Engine::opensearch();
    let index = unique_name("no-lines");
    let workspace = Workspace::new();
    let pastes = [("source.elasticsearch".to_owned(), "programs = []".to_owned())];
    workspace.write("config.toml", format!("metrics_file = \"figures.prom\"\n{}", config(engine, &index, &pastes)));
    let told = "none of 1 entries could be read as a line: see `mailstitch check` and `mailstitch coverage`";
    for (minute, is_told) in [("10:05", true), ("11:05", false), ("16:04", false), ("16:06", true)] {
        let before = minute.replace(":05", ":00").replace(":04", ":00").replace(":06", ":01");
        let document = json!({"@timestamp": format!("2026-11-22T{before}:00Z"), "message": "queued", "level": "info"});
        engine.index(&index, [(None, document)]);
        let now = format!("2026-11-22T{minute}:30Z");
        let ran = workspace.run(["-c", "config.toml", "--now", &now, "run"]);
        assert_eq!((ran.code, ran.stderr.contains(told)), (0, is_told), "{minute}: {}", ran.stderr);
        let figures = fs::read_to_string(workspace.file("figures.prom")).expect("metrics");
        assert!(figures.contains("last_run_not_understood{state_dir=\"state\"} 1\n"), "{figures}");
        let status = workspace.succeed(["-c", "config.toml", "--now", &now, "status"]);
        assert!(status.contains(told), "{status}");
    }
}
