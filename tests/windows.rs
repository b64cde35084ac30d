//! Law L2 on real servers: however a log is cut into windows, the store ends with the same documents, ids included.
//!
//! Real lines lie in a real engine as Graylog stores them. The program is run again and again with its clock moved on,
//! and once over the whole; once more it reads the same lines from a file. All exports are the same to the byte.

mod common;
mod servers;

use common::{RawLine, Workspace};
use mailstitch::{
    model::Time,
    parse::syslog::{Stamp, frame},
};
use servers::{Engine, Shape, unique_name};
use std::path::Path;

/// Real lines, three thousand of five servers.
fn lines() -> Vec<RawLine> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/mail.log");
    let text = std::fs::read_to_string(path).unwrap();
    let raw = |line: &str| {
        let frame = frame(line).expect("a line of syslog");
        let Stamp::Exact(time) = frame.stamp else { panic!("a stamp without its year: {line}") };
        RawLine {
            time,
            host: frame.host.unwrap_or("localhost").to_owned(),
            program: frame.program.to_owned(),
            pid: frame.pid,
            text: frame.text.to_owned(),
        }
    };
    text.lines().map(raw).collect()
}

/// A workspace that reads an index into the embedded store, or into a store that `more` says.
fn workspace(engine: &Engine, index: &str, more: &str) -> Workspace {
    let workspace = Workspace::new();
    let url = engine.url();
    let config = format!(
        "state_dir = \"state\"\ninstances = [\"postfix-out\"]\n\
         [window]\nbucket = \"1s\"\nsettle = \"0s\"\n\
         [source.elasticsearch]\nurl = \"{url}\"\nindex = \"{index}\"\npreset = \"graylog\"\n{more}"
    );
    workspace.write("config.toml", config);
    workspace
}

fn into_engine(engine: &Engine) -> String {
    let (url, alias) = (engine.url(), unique_name("transactions"));
    format!("[store.elasticsearch]\nurl = \"{url}\"\nindex = \"{alias}\"\nreplicas = 0\n")
}

fn export(workspace: &Workspace) -> String {
    workspace.succeed(["-c", "config.toml", "export"])
}

/// Runs once for each window, then once more, which must change nothing.
fn by_runs(workspace: &Workspace, lines: &[RawLine], step_ms: i64) -> String {
    let (first, last) = (lines.iter().map(|l| l.time).min().unwrap(), lines.iter().map(|l| l.time).max().unwrap());
    let mut now = first.floor_second();
    while now <= last {
        now = now.plus(step_ms);
        workspace.succeed(["-c", "config.toml", "run", "--now", &now.to_string()]);
    }
    let before = export(workspace);
    let again = workspace.run(["-c", "config.toml", "-v", "run", "--now", &now.plus(1000).to_string()]);
    assert!(again.stderr.contains("0 lines read"), "what was read is not read again: {}", again.stderr);
    assert_eq!(export(workspace), before);
    before
}

fn at_once(workspace: &Workspace, lines: &[RawLine]) -> String {
    let since = lines.iter().map(|l| l.time).min().unwrap().floor_second();
    let until = lines.iter().map(|l| l.time).max().unwrap().plus(1000).floor_second();
    let (since, until) = (since.to_string(), until.to_string());
    workspace.succeed(["-c", "config.toml", "backfill", "--since", &since, "--until", &until]);
    export(workspace)
}

fn from_file(lines: &[RawLine]) -> String {
    let workspace = Workspace::new();
    workspace.write("config.toml", "state_dir = \"state\"\ninstances = [\"postfix-out\"]\n");
    workspace.write("mail.log", lines.iter().map(|l| l.iso() + "\n").collect::<String>());
    workspace.succeed(["-c", "config.toml", "backfill", "mail.log"]);
    export(&workspace)
}

/// The first difference, not two exports of megabytes.
#[track_caller]
fn assert_same(found: &str, expected: &str, what: &str) {
    let differing = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
    if let Some((a, b)) = differing {
        panic!("{what} differs:\n{a}\n{b}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{what} has another number of documents");
}

fn check(engine: &Engine, shape: Shape) {
    let lines = lines();
    let index = unique_name("graylog");
    engine.create_index(&index, shape, 2);
    engine.load(&index, &lines, shape);
    let expected = from_file(&lines);
    assert!(expected.lines().count() > 400, "the lines hold hundreds of transactions");

    assert_same(&at_once(&workspace(engine, &index, ""), &lines), &expected, "one backfill into SQLite");
    assert_same(&by_runs(&workspace(engine, &index, ""), &lines, 5000), &expected, "windows of 5 s into SQLite");
    let store = into_engine(engine);
    assert_same(&by_runs(&workspace(engine, &index, &store), &lines, 5000), &expected, "windows of 5 s into an engine");
}

#[test]
fn opensearch_as_source_and_store_in_any_windows() {
    check(Engine::opensearch(), Shape::GraylogRfc3164);
}

#[test]
fn windows_of_one_second_from_opensearch() {
    let engine = Engine::opensearch();
    let lines: Vec<RawLine> = lines().into_iter().filter(|l| l.time < Time(1_795_378_782_000)).collect();
    let index = unique_name("graylog");
    engine.load(&index, &lines, Shape::GraylogRfc5424);
    let expected = from_file(&lines);
    assert_same(&by_runs(&workspace(engine, &index, ""), &lines, 1000), &expected, "windows of 1 s into SQLite");
}

#[test]
fn elasticsearch_as_source_in_any_windows() {
    let engine = Engine::elasticsearch();
    let lines = lines();
    let index = unique_name("graylog");
    engine.load(&index, &lines, Shape::GraylogRfc5424);
    let found = by_runs(&workspace(engine, &index, ""), &lines, 5000);
    assert_same(&found, &from_file(&lines), "windows of 5 s from Elasticsearch");
}
