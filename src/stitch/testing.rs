//! Log lines as tests write them: `1.5 mx1 postfix/smtpd[11]: TEXT`, in seconds since 2026-11-22T20:00:00Z.

use super::{Gathered, Rules, gather, unite};
use crate::model::{Line, Time, Transaction, line::Intake};

/// 2026-11-22T20:00:00Z
pub const BEGINNING: Time = Time(1_795_377_600_000);

/// The time `ms` milliseconds after [`BEGINNING`].
pub fn at(ms: i64) -> Time {
    BEGINNING.plus(ms)
}

/// The lines of a log; blank ones are skipped.
#[track_caller]
pub fn lines(text: &str) -> Vec<Line> {
    let mut intake = Intake::default();
    let line = |raw: &str| {
        let (seconds, rest) = raw.split_once(' ').unwrap();
        let (host, rest) = rest.split_once(' ').unwrap();
        let (tag, text) = rest.split_once(": ").unwrap();
        let (program, pid) =
            tag.split_once('[').map_or((tag, None), |(p, n)| (p, n.trim_end_matches(']').parse().ok()));
        let ms = (seconds.parse::<f64>().unwrap() * 1000.0).round() as i64;
        intake.line(at(ms), host, program, pid, text).unwrap()
    };
    text.lines().map(str::trim_start).filter(|raw| !raw.is_empty()).map(line).collect()
}

/// Unites and gathers lines that are all new.
pub fn gathered<'a>(lines: &'a mut Vec<Line>, rules: &Rules) -> Gathered<'a> {
    unite(lines);
    gather(lines, |_| false, rules)
}

/// The documents of a log: those of keys in the order of their first lines, then those of single lines.
#[track_caller]
pub fn documents(text: &str) -> Vec<Transaction> {
    documents_by(text, &Rules::default())
}

/// As [`documents`], by the given rules.
#[track_caller]
pub fn documents_by(text: &str, rules: &Rules) -> Vec<Transaction> {
    let mut lines = lines(text);
    gathered(&mut lines, rules).documents(rules).collect()
}

/// The document of a log that makes exactly one.
#[track_caller]
pub fn document(text: &str) -> Transaction {
    let mut all = documents(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}
