//! Runs over a counting source whose lines come late.

use crate::{
    block_on, check,
    common::{
        fiveday::{HOUR, MINUTE},
        live::{BEGIN, DONE, Late, live},
    },
    pass, taken, window,
};
use mailstitch::{
    model::{Range, Transaction},
    pass::counting,
    source::memory::MemorySource,
    state::Checkpoint,
    stitch::Rules,
    store::memory::MemoryStore,
};
use std::sync::{Arc, atomic::AtomicBool};

const QUARTER: i64 = 15 * MINUTE;
const DAY_S: u64 = 86_400;

fn one_pass(log: &[Late]) -> Vec<Transaction> {
    let source = Arc::new(MemorySource::new(taken(log.iter().map(|late| &late.line))));
    let (store, rules, stop) = (MemoryStore::default(), Rules::default(), AtomicBool::new(false));
    let mut ledger = Checkpoint::new(String::new());
    let range = Range { from: BEGIN, to: DONE };
    block_on(counting::backfill(source, range, &mut ledger, &pass(&store, &rules, &stop, window(DAY_S), DONE)))
        .unwrap();
    store.export()
}

fn every_quarter(log: &[Late], lookback: u64) -> Vec<Transaction> {
    let source = Arc::new(MemorySource::default());
    for (late, line) in log.iter().zip(taken(log.iter().map(|late| &late.line))) {
        source.arrive(late.arrives, [line]);
    }
    let (store, rules, stop) = (MemoryStore::default(), Rules::default(), AtomicBool::new(false));
    let mut ledger = Checkpoint::new(String::new());
    let mut now = BEGIN;
    // The last run counts the whole horizon, which is done once an hour.
    while now < DONE.plus(HOUR + QUARTER) {
        now = now.plus(QUARTER);
        source.set_now(now);
        let source: Arc<MemorySource> = Arc::clone(&source);
        block_on(counting::run(source, &mut ledger, &pass(&store, &rules, &stop, window(lookback), now))).unwrap();
    }
    store.export()
}

fn show(late: &Late) -> String {
    format!("{} (at {}) {} {}", late.line.time, late.arrives, late.line.host, late.line.tagged())
}

#[test]
fn lines_that_come_hours_late_change_nothing() {
    check(30, live, show, |seed, log| {
        // Half of the logs have a short lookback, so that late lines are found by the hourly count.
        let lookback = if seed % 2 == 0 { DAY_S } else { 3_600 };
        (every_quarter(log, lookback), one_pass(log))
    });
}
