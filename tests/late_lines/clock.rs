//! A clock that was wrong for a run or for days: the documents are those of a correct clock.

use super::ledger::{Installation, QUARTER, assert_same, expected, in_time, source};
use crate::common::fiveday::{DAY, END, HOUR, START};
use mailstitch::{model::Time, source::memory::MemorySource};
use std::sync::Arc;

/// Runs at the time `really` with a clock that says `clock`.
async fn run_wrongly(installation: &mut Installation, source: &Arc<MemorySource>, really: Time, clock: Time) {
    source.set_now(really);
    installation.run(source.clone(), clock).await;
}

async fn check_ahead_by(ahead: i64) {
    let source = source(in_time);
    let mut wrong = Installation::new();
    wrong.run_through(&source, START, START.plus(DAY)).await;
    run_wrongly(&mut wrong, &source, START.plus(DAY), START.plus(DAY + ahead)).await;
    // The clock was set right three days later.
    wrong.run_through(&source, START.plus(4 * DAY), END.plus(2 * HOUR)).await;
    assert!(wrong.ledger.watermark <= Some(END.plus(2 * HOUR)), "{:?}", wrong.ledger.watermark);
    assert_same(&wrong.store.export(), expected().await);
}

#[tokio::test]
async fn after_a_run_of_next_month_the_days_between_are_read() {
    check_ahead_by(30 * DAY).await;
}

#[tokio::test]
async fn after_a_run_of_next_year_the_days_between_are_read() {
    check_ahead_by(365 * DAY).await;
}

#[tokio::test]
async fn after_a_first_run_of_next_year_all_that_came_since_is_read() {
    let source = source(in_time);
    let mut wrong = Installation::new();
    run_wrongly(&mut wrong, &source, START, START.plus(365 * DAY)).await;
    wrong.run_through(&source, START.plus(3 * DAY), END.plus(2 * HOUR)).await;
    assert_same(&wrong.store.export(), expected().await);
}

#[tokio::test]
async fn days_of_runs_with_a_clock_ahead_lose_nothing_either() {
    let source = source(in_time);
    let mut wrong = Installation::new();
    wrong.run_through(&source, START, START.plus(DAY)).await;
    for quarter in 0..2 * DAY / QUARTER {
        let really = START.plus(DAY + quarter * QUARTER);
        run_wrongly(&mut wrong, &source, really, really.plus(40 * DAY)).await;
    }
    wrong.run_through(&source, START.plus(3 * DAY), END.plus(2 * HOUR)).await;
    assert_same(&wrong.store.export(), expected().await);
}

#[tokio::test]
async fn lines_of_a_time_to_come_that_a_clock_ahead_has_read_hide_nothing() {
    // Another host, whose clock is wrong by as much as ours was.
    let ahead = 30 * DAY;
    let source = source(in_time);
    let other: Vec<_> = super::ledger::lines().into_iter().filter(|line| line.time < START.plus(10 * HOUR)).collect();
    let intake = &mut mailstitch::model::Intake::default();
    let moved = other.iter().flat_map(|l| intake.line(l.time.plus(DAY + ahead), "other", &l.program, l.pid, &l.text));
    source.arrive(START, moved.collect::<Vec<_>>());
    let mut wrong = Installation::new();
    wrong.run_through(&source, START, START.plus(DAY)).await;
    run_wrongly(&mut wrong, &source, START.plus(DAY), START.plus(DAY + ahead + 12 * HOUR)).await;
    wrong.run_through(&source, START.plus(4 * DAY), END.plus(2 * HOUR)).await;
    let mut found = wrong.store.export();
    let all = found.len();
    found.retain(|document| document.host.name != "other");
    assert!(found.len() < all, "they were read");
    assert_same(&found, expected().await);
}

#[tokio::test]
async fn a_clock_that_was_behind_costs_no_reading_again() {
    for behind in [40 * DAY, START.plus(3 * DAY).0] {
        let source = source(in_time);
        let mut wrong = Installation::new();
        wrong.run_through(&source, START, START.plus(3 * DAY)).await;
        for quarter in 0..4 {
            let clock = START.plus(3 * DAY - behind + quarter * QUARTER);
            run_wrongly(&mut wrong, &source, START.plus(3 * DAY), clock).await;
        }
        let now = START.plus(3 * DAY + QUARTER);
        source.set_now(now);
        let summary = wrong.run(source.clone(), now).await;
        assert!(summary.tally.read() < 100, "{:?}", summary.tally);
        wrong.run_through(&source, now, END.plus(2 * HOUR)).await;
        assert_same(&wrong.store.export(), expected().await);
    }
}
