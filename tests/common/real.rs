//! Real lines of five mail servers, from `tests/data/real`.

use super::RawLine;
use flate2::read::GzDecoder;
use mailstitch::model::Time;
use std::{fs::File, io::Read};

/// The compressed log, with ISO 8601 timestamps.
pub const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/real/lines.iso.log.gz");

/// The log as text.
pub fn text() -> String {
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
    // A tag cut at 32 characters has no `]:` at its end.
    let tag = tag.trim_end_matches(':').trim_end_matches(']');
    let (program, pid) = match tag.rsplit_once('[') {
        Some((program, pid)) => (program, pid.parse().ok()),
        None => (tag, None),
    };
    let time = Time::parse_rfc3339(stamp).expect("a stamp");
    RawLine { time, host: host.to_owned(), program: program.to_owned(), pid, text: text.to_owned() }
}

/// The lines, and the whole seconds before the first and after the last.
pub fn lines() -> (Vec<RawLine>, Time, Time) {
    lines_of(&text())
}

/// The same for part of the log.
pub fn lines_of(text: &str) -> (Vec<RawLine>, Time, Time) {
    let lines: Vec<RawLine> = text.lines().map(raw).collect();
    let times = || lines.iter().map(|line| line.time.0);
    let first = times().min().expect("a line").div_euclid(1_000) * 1_000;
    let last = times().max().expect("a line").div_euclid(1_000) * 1_000 + 1_000;
    (lines, Time(first), Time(last))
}
