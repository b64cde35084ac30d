//! Lines as tests write them: `1.5 mx1 postfix/smtpd[11]: TEXT`, with seconds from 2026-11-22T20:00:00Z.

use super::{Gathered, Rules, gather, unite};
use crate::model::{Line, Time, Transaction, line::Intake};

/// 2026-11-22T20:00:00Z
pub const BEGINNING: Time = Time(1_795_377_600_000);

/// The moment so many milliseconds after the beginning.
pub fn at(ms: i64) -> Time {
    BEGINNING.plus(ms)
}

/// The lines of a text; blank ones are nothing.
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

/// What is gathered of lines that are all new.
pub fn gathered<'a>(lines: &'a mut Vec<Line>, rules: &Rules) -> Gathered<'a> {
    unite(lines);
    gather(lines, |_| false, rules)
}

/// The documents of a text, by the order in which their keys come.
#[track_caller]
pub fn documents(text: &str) -> Vec<Transaction> {
    documents_by(text, &Rules::default())
}

/// As [`documents`], with rules of one's own.
#[track_caller]
pub fn documents_by(text: &str, rules: &Rules) -> Vec<Transaction> {
    let mut lines = lines(text);
    gathered(&mut lines, rules).documents(rules).collect()
}

/// The only document of a text.
#[track_caller]
pub fn document(text: &str) -> Transaction {
    let mut all = documents(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}
