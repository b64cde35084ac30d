//! Real lines, through the program, from and to real servers.

use crate::{
    common::RawLine,
    servers::{Engine, Shape, unique_name},
    setup::{Setup, assert_same, graylog_index, sqlite, transactions_index},
};
use flate2::read::GzDecoder;
use mailstitch::model::Time;
use std::{fs::File, io::Read};

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/real/lines.iso.log.gz");

fn text() -> String {
    let mut text = String::new();
    GzDecoder::new(File::open(LOG).expect("the log")).read_to_string(&mut text).expect("a gzip file of text");
    text
}

/// `STAMP HOST PROGRAM[PID]: TEXT`, taken apart without the parser that is to be tested.
fn raw(line: &str) -> RawLine {
    let mut parts = line.splitn(4, ' ');
    let mut part = || parts.next().expect("stamp, host and tag");
    let (stamp, host, tag) = (part(), part(), part());
    let text = parts.next().unwrap_or_default();
    // A tag that was cut at 32 characters has lost its end.
    let tag = tag.trim_end_matches(':').trim_end_matches(']');
    let (program, pid) = match tag.rsplit_once('[') {
        Some((program, pid)) => (program, pid.parse().ok()),
        None => (tag, None),
    };
    let time = Time::parse_rfc3339(stamp).expect("a stamp");
    RawLine { time, host: host.to_owned(), program: program.to_owned(), pid, text: text.to_owned() }
}

/// The lines, and the whole seconds around them.
fn lines() -> (Vec<RawLine>, Time, Time) {
    let lines: Vec<RawLine> = text().lines().map(raw).collect();
    let times = || lines.iter().map(|line| line.time.0);
    let first = times().min().expect("a line").div_euclid(1_000) * 1_000;
    let last = times().max().expect("a line").div_euclid(1_000) * 1_000 + 1_000;
    (lines, Time(first), Time(last))
}

/// What the file source makes of the whole log.
fn from_the_file(until: Time) -> Vec<String> {
    let setup = Setup::new("", &sqlite(), "1s");
    setup.succeed(until, &["backfill", LOG]);
    setup.export(until)
}

/// An index of the lines, in Graylog's shape.
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

#[test]
fn elasticsearch_is_source_and_store() {
    let engine = Engine::elasticsearch();
    let (lines, from, to) = lines();
    let source = graylog_index(engine, &loaded(engine, &lines));
    let alias = unique_name("transactions");
    let setup = Setup::new(&source, &transactions_index(engine, &alias), "5s");
    // A range without lines installs the template and writes nothing.
    setup.backfill(from.plus(-60_000), from.plus(-30_000));
    engine.plain_codec(&alias);
    setup.run_in_windows(from, to, 5_000);
    assert_same(&setup.export(to), &from_the_file(to), "windows of 5 s in Elasticsearch");
}
