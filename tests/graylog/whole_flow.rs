//! Real lines through real inputs into Graylog and from there into documents, which must equal those of the file.

use crate::{
    common::{
        RawLine,
        real::{lines_of, text},
    },
    servers::{Engine, Graylog, Shape, Sink, unique_name},
    setup::{Setup, assert_same, graylog_index, sqlite},
};
use mailstitch::model::Time;

/// A part of the log that every input accepts within seconds.
const LINES: usize = 4_000;

pub fn part() -> String {
    text().lines().take(LINES).map(|line| format!("{line}\n")).collect()
}

/// The export after the file source has read a log.
pub fn from_the_file(log: &str, until: Time) -> Vec<String> {
    let setup = Setup::new("", &sqlite(), "1s");
    let path = setup.place.write("mail.log", log);
    setup.succeed(until, &["backfill", &path.to_string_lossy()]);
    setup.export(until)
}

/// The source table for a stream, with a new token that may read only this stream.
pub fn source(graylog: &Graylog, sink: &Sink<'_>, url: &str, more: &str) -> String {
    let token = graylog.reader(&[&sink.stream]);
    format!("[source.graylog]\nurl = {url:?}\nstreams = [{:?}]\ntoken = {token:?}\nrate = 1000\n{more}", sink.title)
}

fn check(form: fn(&RawLine) -> String, more: &str) {
    let (graylog, _calm) = Graylog::shared();
    let log = part();
    let (lines, from, to) = lines_of(&log);
    let expected = from_the_file(&log, to);
    assert!(expected.len() > 300, "{} documents", expected.len());
    let sink = graylog.sink();
    sink.send(lines.iter().map(form));
    let source = source(graylog, &sink, &graylog.url(), more);

    let windows = Setup::new(&source, &sqlite(), "5s");
    windows.run_in_windows(from, to, 5_000);
    assert_same(&windows.export(to), &expected, "windows of 5 s");

    let whole = Setup::new(&source, &sqlite(), "1s");
    whole.backfill(from, to);
    assert_same(&whole.export(to), &expected, "one backfill");

    // The engine of 3.3 is too old to be read directly, so its documents are copied to another one.
    let engine = Engine::opensearch();
    let index = unique_name("graylog");
    engine.create_index(&index, Shape::GraylogRfc3164, 1);
    engine.index(&index, sink.documents().into_iter().map(|document| (None, document)));
    let behind = Setup::new(&graylog_index(engine, &index), &sqlite(), "1s");
    behind.backfill(from, to);
    assert_same(&behind.export(to), &expected, "the index behind Graylog");
}

#[test]
fn lines_of_rfc_5424_give_what_the_file_gives() {
    check(RawLine::rfc5424, "");
}

#[test]
fn lines_with_a_stamp_of_iso_8601_give_what_the_file_gives() {
    check(|line| format!("<22>{}", line.iso()), "page_size = 100\n");
}
