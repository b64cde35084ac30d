//! Twice the lines take at most 2.6 times the time, whatever is in them (law L5).
//!
//! Measured as processor time of the real program, the least of several tries, because load on the machine only adds
//! to it. `cargo bench --bench adversarial` does the same with a million lines and measures memory.

mod common;

use common::adversarial::{self, Ask, Measured, Most, SHAPES};
use std::time::Duration;

/// Enough that reading them costs more than starting the program, even in an unoptimised build.
const LINES: usize = 2_000;
const MOST_TIMES: f64 = 2.6;
const TRIES: usize = 5;
const MOST: Most = Most { memory: 3 << 30, time: Duration::from_secs(120) };

/// Ratio of the time for twice the lines, with as many tries as it takes to get below the limit.
fn times_longer(cost: impl Fn(usize) -> Measured) -> f64 {
    let (mut once, mut twice) = (Duration::MAX, Duration::MAX);
    let mut times = f64::INFINITY;
    for _ in 0..TRIES {
        once = once.min(time(&cost(LINES)));
        twice = twice.min(time(&cost(2 * LINES)));
        times = twice.as_secs_f64() / once.as_secs_f64();
        if times <= MOST_TIMES {
            break;
        }
    }
    times
}

fn time(cost: &Measured) -> Duration {
    assert!(!cost.stopped, "more than {MOST:?}");
    cost.time
}

#[track_caller]
fn check(dry: bool) {
    let mut worse = Vec::new();
    for shape in SHAPES {
        let times = times_longer(|lines| adversarial::run(&adversarial::log(shape, lines, 1), shape.ask, dry, MOST));
        println!("{times:.2} times: {}", shape.name);
        if times > MOST_TIMES {
            worse.push(shape.name);
        }
    }
    assert!(worse.is_empty(), "more than {MOST_TIMES} times with twice the lines:\n{}", worse.join("\n"));
}

#[test]
fn no_shape_of_a_log_costs_a_square_of_its_lines_to_store() {
    check(false);
}

#[test]
fn no_shape_of_a_log_costs_a_square_of_its_lines_to_understand() {
    check(true);
}

#[test]
fn no_mixture_costs_a_square_of_its_lines() {
    for seed in 0..6 {
        let some = adversarial::some(SHAPES, 3, seed);
        let cost = |lines| adversarial::run(&adversarial::mixture(&some, lines, seed), Ask::Read, false, MOST);
        let times = times_longer(cost);
        assert!(times <= MOST_TIMES, "{times:.1} times, with twice the lines of {some:?}");
    }
}
