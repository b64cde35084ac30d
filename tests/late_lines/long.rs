//! Very long lines: a stretch is limited by bytes as well as by lines.

use super::ledger::{Installation, QUARTER};
use crate::common::fiveday::{MINUTE, SECOND, START};
use mailstitch::{
    model::{Intake, Line, Range, Time},
    source::{
        CountingSource,
        memory::{Asked, MemorySource},
    },
    window::STRETCH_BYTES,
};
use std::sync::Arc;

const MESSAGES: i64 = 2400;

/// A minute of lines with more bytes than a stretch may have, forty in each second.
fn lines() -> Vec<Line> {
    let mut intake = Intake::default();
    let reply = "x".repeat(15_000);
    let line = |n: i64| {
        let end = "relay=mx.example.net[198.51.100.25]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent";
        let text = format!("4F1A2B3{n:03X}: to=<b{n}@example.net>, {end} ({n} {reply})");
        let time = START.plus(n * MINUTE / MESSAGES / SECOND * SECOND);
        intake.line(time, "mx1", "postfix/smtp", Some(13), &text).expect("a time that can be kept")
    };
    (0..MESSAGES).map(line).collect()
}

#[tokio::test]
async fn a_minute_of_long_lines_is_read_in_pieces_and_nothing_of_it_is_lost() {
    let lines = lines();
    let all: u64 = lines.iter().map(|line| line.text.len() as u64).sum();
    assert!(all > STRETCH_BYTES);
    let source = Arc::new(MemorySource::new(lines));
    let whole = Range { from: START, to: START.plus(MINUTE) };
    assert!(source.read_at_most(whole, STRETCH_BYTES).await.expect("memory does not fail").is_none());
    source.take_asked();

    let mut installation = Installation::new();
    let summary = installation.run(source.clone(), START.plus(QUARTER)).await;
    assert_eq!(summary.tally.used, MESSAGES as u64);
    assert_eq!(installation.store.export().len(), MESSAGES as usize);
    let halves: Vec<Time> = source
        .take_asked()
        .into_iter()
        .filter_map(|asked| match asked {
            Asked::Read(range) if range != whole && START <= range.from => Some(range.from),
            _ => None,
        })
        .collect();
    assert_eq!(halves, [START, START.plus(MINUTE / 2)]);
}
