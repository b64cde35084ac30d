//! Detects that the clock was set between two runs.
//!
//! In: the time of the last run and of this one, each by the clock and by the uptime of the system. Out: a message for
//! the administrator. Without the uptime, an hour without a run cannot be told from a clock that was set.

use crate::model::Time;
use serde::{Deserialize, Serialize};

/// Smaller jumps are not reported.
const JUMP_MS: i64 = 3_600_000;

/// How long the system has been up: a clock that nobody sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uptime {
    /// Changes with every start of the system.
    pub boot: String,
    pub ms: i64,
}

impl Uptime {
    /// The uptime of this system; `None` if it cannot be read.
    pub fn read() -> Option<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let up = std::fs::read_to_string("/proc/uptime").ok()?;
        let (seconds, parts) = up.split_whitespace().next()?.split_once('.')?;
        let ms = seconds.parse::<i64>().ok()?.checked_mul(1000)? + parts.parse::<i64>().ok()?.checked_mul(10)?;
        Some(Self { boot, ms })
    }

    /// Milliseconds since `last`, if both belong to the same start of the system.
    fn since(&self, last: &Self) -> Option<i64> {
        (self.boot == last.boot && self.ms >= last.ms).then_some(self.ms - last.ms)
    }
}

/// The message about a run at `now` after one at `last`, if the clock was set in between.
pub fn told(last: (Time, Option<&Uptime>), now: (Time, Option<&Uptime>)) -> Option<String> {
    let by_clock = now.0.0.saturating_sub(last.0.0);
    let by_uptime = now.1.zip(last.1).and_then(|(now, last)| now.since(last));
    let hours = |ms: i64| format!("{:.1} h", ms.unsigned_abs() as f64 / 3_600_000.0);
    match by_uptime.map(|up| by_clock.saturating_sub(up)) {
        Some(jump) if jump.saturating_abs() > JUMP_MS => {
            let way = if jump < 0 { "back" } else { "forward" };
            Some(format!("the clock was set {way} by {} since the last run at {}", hours(jump), last.0))
        }
        None if by_clock < -JUMP_MS => Some(format!(
            "the last run was at {}, {} ahead of now: the clock was wrong then, or is now",
            last.0,
            hours(by_clock)
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[track_caller]
    fn check(last: (i64, &str, i64), now: (i64, &str, i64), expected: Option<&str>) {
        let up = |(_, boot, ms): (i64, &str, i64)| Uptime { boot: boot.to_owned(), ms };
        let found = told((Time(last.0), Some(&up(last))), (Time(now.0), Some(&up(now))));
        assert_eq!(found.as_deref().and_then(|told| told.split(" since").next()), expected);
    }

    #[test]
    fn a_clock_that_was_set_is_told_from_a_machine_that_was_idle() {
        check((0, "a", 0), (5 * HOUR, "a", 5 * HOUR), None);
        check((0, "a", 0), (5 * HOUR, "a", HOUR / 4), Some("the clock was set forward by 4.8 h"));
        check((5 * HOUR, "a", 0), (2 * HOUR, "a", HOUR / 4), Some("the clock was set back by 3.2 h"));
    }

    #[test]
    fn after_a_start_of_the_system_only_a_step_back_is_sure() {
        check((0, "a", 7), (5 * HOUR, "b", 1), None);
        check((0, "a", 7 * HOUR), (5 * HOUR, "a", 1), None);
        let back =
            "the last run was at 1970-01-01T05:00:00.000Z, 3.0 h ahead of now: the clock was wrong then, or is now";
        check((5 * HOUR, "a", 7), (2 * HOUR, "b", 1), Some(back));
        assert_eq!(told((Time(5 * HOUR), None), (Time(5 * HOUR - 1), None)), None);
    }
}
