//! Real lines, through the program, from and to real servers.

use crate::{
    common::{
        RawLine,
        fiveday::Random,
        real::{LOG, lines},
    },
    servers::{Engine, Shape, unique_name},
    setup::{Setup, assert_same, graylog_index, sqlite},
};
use mailstitch::model::Time;

/// The export after the file source has read the whole log.
fn from_the_file(until: Time) -> Vec<String> {
    let setup = Setup::new("", &sqlite(), "1s");
    setup.succeed(until, &["backfill", LOG]);
    setup.export(until)
}

/// A store table for an index in an engine.
fn transactions_index(engine: &Engine, index: &str) -> String {
    format!("[store.elasticsearch]\nurl = \"{}\"\nindex = \"{index}\"\nreplicas = 0", engine.url())
}

/// A new index with the lines in Graylog's shape.
fn loaded(engine: &Engine, lines: &[RawLine]) -> String {
    let index = unique_name("graylog");
    engine.load(&index, lines, Shape::GraylogRfc3164);
    index
}

#[test]
fn windows_of_an_index_give_what_one_backfill_and_the_file_give() {
    let engine = Engine::opensearch();
    let (lines, from, to) = lines();
    let expected = from_the_file(to);
    assert!(expected.len() > 500, "{} documents", expected.len());
    let source = graylog_index(engine, &loaded(engine, &lines));

    let whole = Setup::new(&source, &sqlite(), "1s");
    whole.backfill(from, to);
    assert_same(&whole.export(to), &expected, "one backfill of the index");

    let embedded = Setup::new(&source, &sqlite(), "5s");
    embedded.run_in_windows(from, to, 5_000);
    assert_same(&embedded.export(to), &expected, "windows of 5 s into SQLite");

    let indexed = Setup::new(&source, &transactions_index(engine, &unique_name("transactions")), "5s");
    indexed.run_in_windows(from, to, 5_000);
    assert_same(&indexed.export(to), &expected, "windows of 5 s into OpenSearch");
}

#[test]
fn windows_of_a_second_give_the_same() {
    let engine = Engine::opensearch();
    let (lines, from, to) = lines();
    let source = graylog_index(engine, &loaded(engine, &lines));
    let setup = Setup::new(&source, &sqlite(), "1s");
    setup.run_in_windows(from, to, 1_000);
    assert_same(&setup.export(to), &from_the_file(to), "windows of 1 s");
}

/// Runs a backfill for each window of `step_ms`, each window twice, in random order; none knows of the others.
#[track_caller]
fn backfill_in_windows(setup: &Setup, from: Time, to: Time, step_ms: i64, files: &[&str]) {
    let windows = (0..).map(|n| from.plus(n * step_ms)).take_while(|start| *start < to);
    let mut windows: Vec<Time> = windows.flat_map(|start| [start, start]).collect();
    let mut random = Random::new(step_ms.unsigned_abs());
    for n in (1..windows.len()).rev() {
        windows.swap(n, random.few(n as u32 + 1) as usize);
    }
    for start in windows {
        let (since, until) = (start.to_string(), start.plus(step_ms).to_string());
        setup.succeed(to, &[&["backfill", "--since", &since, "--until", &until], files].concat());
        // Removes the ledger and everything else the next backfill could know.
        std::fs::remove_dir_all(setup.place.file("state")).expect("a state directory");
    }
}

/// From the file and from OpenSearch, into SQLite and into OpenSearch.
#[track_caller]
fn check_random_windows(step_ms: i64) {
    let engine = Engine::opensearch();
    let (lines, from, to) = lines();
    let expected = from_the_file(to);
    let index = graylog_index(engine, &loaded(engine, &lines));
    for (source, files) in [("", &[LOG][..]), (&index, &[])] {
        for store in [sqlite(), transactions_index(engine, &unique_name("transactions"))] {
            let setup = Setup::new(source, &store, "1s");
            backfill_in_windows(&setup, from, to, step_ms, files);
            assert_same(&setup.export(to), &expected, &format!("windows of {step_ms} ms of {files:?} into {store}"));
        }
    }
}

#[test]
fn windows_of_5_seconds_in_random_order_each_twice_give_the_same() {
    check_random_windows(5_000);
}

#[test]
fn windows_of_a_second_in_random_order_each_twice_give_the_same() {
    check_random_windows(1_000);
}

#[test]
fn elasticsearch_is_source_and_store() {
    let engine = Engine::elasticsearch();
    let (lines, from, to) = lines();
    let source = graylog_index(engine, &loaded(engine, &lines));
    let alias = unique_name("transactions");
    let setup = Setup::new(&source, &transactions_index(engine, &alias), "5s");
    // A backfill without lines installs the template and writes nothing.
    setup.backfill(from.plus(-60_000), from.plus(-30_000));
    engine.plain_codec(&alias);
    setup.run_in_windows(from, to, 5_000);
    assert_same(&setup.export(to), &from_the_file(to), "windows of 5 s in Elasticsearch");
}

#[test]
fn one_backfill_split_over_three_processes_gives_the_same() {
    let engine = Engine::opensearch();
    let (lines, from, to) = lines();
    let source = graylog_index(engine, &loaded(engine, &lines));
    let store = transactions_index(engine, &unique_name("transactions"));
    let third = (to.0 - from.0) / 3;
    let cuts = [from, from.plus(third), from.plus(2 * third), to];
    // Each has its own state directory; all run at once.
    let machines: Vec<Setup> = (0..3).map(|_| Setup::new(&source, &store, "1s")).collect();
    std::thread::scope(|scope| {
        for (machine, cut) in machines.iter().zip(cuts.windows(2)) {
            scope.spawn(|| machine.backfill(cut[0], cut[1]));
        }
    });
    assert_same(&machines[0].export(to), &from_the_file(to), "three processes");
}

#[test]
fn readers_that_share_out_the_hosts_give_the_same() {
    let engine = Engine::opensearch();
    let (lines, from, to) = lines();
    let source = graylog_index(engine, &loaded(engine, &lines));
    let store = transactions_index(engine, &unique_name("transactions"));
    let expected = from_the_file(to);
    // Each has its own state directory and windows; both run at once.
    let machines = ["source:(app1 OR sm1)", "NOT source:(app1 OR sm1)"]
        .map(|hosts| Setup::new(&format!("{source}\nquery = {hosts:?}"), &store, "5s"));
    std::thread::scope(|scope| {
        for (machine, step_ms) in machines.iter().zip([5_000, 3_000]) {
            scope.spawn(move || machine.run_in_windows(from, to, step_ms));
        }
    });
    assert_same(&machines[1].export(to), &expected, "two readers, each with its hosts");
}
