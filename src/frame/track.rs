//! Finds the year of a stamp without one, from the stamps before it.
//!
//! In: months and days in file order.  Out: day numbers.
//! A step of more than a month ahead, or into the next year, has two possible causes: time has passed, or a machine started
//! without a clock (`Jan  1 00:00:05`). The line is dated as if time had passed, but the step stays in doubt until the lines
//! after it decide. If one of them continues from where the step began, the step was a stray, and the year of no other line
//! changes. If several days follow where it ended (`BELIEVED_DAYS`), it is believed.

use super::stamp::{day_number, days_in, year_of};
use serde::{Deserialize, Serialize};

/// A stamp this far before the previous line, or less, is not dated to the next year.
const BACKWARDS_DAYS: i64 = 31;
/// A step is believed after this many further changes of day.
const BELIEVED_DAYS: u32 = 5;

/// The date that a file has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    /// The day of the previous line.
    pub day: i64,
    pub doubt: Option<Doubt>,
}

/// A step in time that may turn out to be a stray.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// The day before the step.
    pub from: i64,
    /// Changes of day since the step.
    days: u32,
}

impl Track {
    pub fn new(day: i64) -> Self {
        Self { day, doubt: None }
    }

    /// The track after a line of this month and day; `None` if no year within reach has that day (29 February).
    pub fn after(self, month: u8, day: u8) -> Option<Self> {
        let next = within(self.day, 366 - BACKWARDS_DAYS, month, day);
        let Some(doubt) = self.doubt else {
            let next = next?;
            let step = next - self.day > BACKWARDS_DAYS || year_of(next) > year_of(self.day);
            return Some(Self { day: next, doubt: step.then_some(Doubt { from: self.day, days: 0 }) });
        };
        let back = within(doubt.from, BACKWARDS_DAYS + 1, month, day);
        if back.is_some() && back != next {
            return back.map(Self::new);
        }
        let days = doubt.days + u32::from(next != Some(self.day));
        Some(Self { day: next?, doubt: (days < BELIEVED_DAYS).then_some(Doubt { days, ..doubt }) })
    }
}

impl Track {
    /// The track after a line whose day is known.
    pub fn on(self, day: i64) -> Self {
        let far = |a: i64, b: i64| a.abs_diff(b) > BACKWARDS_DAYS.unsigned_abs();
        match self.doubt {
            None => Self { day, doubt: far(day, self.day).then_some(Doubt { from: self.day, days: 0 }) },
            Some(doubt) if far(day, self.day) && !far(day, doubt.from) => Self::new(day),
            Some(doubt) => {
                let days = doubt.days + u32::from(day != self.day);
                Self { day, doubt: (days < BELIEVED_DAYS).then_some(Doubt { days, ..doubt }) }
            }
        }
    }
}

/// The day with this month and day, from [`BACKWARDS_DAYS`] before `around` to less than `ahead` days after it.
fn within(around: i64, ahead: i64, month: u8, day: u8) -> Option<i64> {
    let year = year_of(around);
    (year.saturating_sub(1)..=year.saturating_add(1))
        .filter(|year| day <= days_in(*year, month))
        .map(|year| day_number(year, month, day))
        .find(|number| (around - BACKWARDS_DAYS..around + ahead).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    /// Follows months and days; the first day is in 2024.
    #[track_caller]
    fn check(days: &[(u8, u8)], expected: &[&str]) {
        let mut track = Track::new(day_number(2024, days[0].0, days[0].1));
        let found: Vec<String> = days
            .iter()
            .map(|(month, day)| {
                track = track.after(*month, *day).unwrap();
                Time(track.day * 86_400_000).to_string()[..10].to_owned()
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_stray_in_the_middle_changes_no_other_year() {
        check(&[(11, 22), (1, 1), (11, 22), (11, 23)], &["2024-11-22", "2025-01-01", "2024-11-22", "2024-11-23"]);
        check(&[(12, 20), (1, 1), (12, 20), (12, 21)], &["2024-12-20", "2025-01-01", "2024-12-20", "2024-12-21"]);
        check(&[(2, 20), (1, 1), (1, 2), (2, 20)], &["2024-02-20", "2025-01-01", "2025-01-02", "2024-02-20"]);
        // A clock that was months ahead for one line.
        check(&[(3, 1), (11, 5), (3, 1)], &["2024-03-01", "2024-11-05", "2024-03-01"]);
    }

    #[test]
    fn a_new_year_is_one_when_days_of_it_follow() {
        let days = [(12, 31), (1, 1), (12, 31), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (12, 30)];
        let expected = [
            "2024-12-31",
            "2025-01-01",
            "2024-12-31",
            "2025-01-02",
            "2025-01-03",
            "2025-01-04",
            "2025-01-05",
            "2025-01-06",
            "2025-01-07",
            "2024-12-30",
        ];
        check(&days, &expected);
    }

    #[test]
    fn fourteen_months_come_back_to_the_month_they_began_with() {
        let mut track = Track::new(day_number(2023, 11, 20));
        for number in day_number(2023, 11, 20)..day_number(2025, 1, 20) {
            let shown = Time(number * 86_400_000).to_string();
            track = track.after(shown[5..7].parse().unwrap(), shown[8..10].parse().unwrap()).unwrap();
            assert_eq!(track.day, number, "{shown}");
        }
    }

    /// Compares the day after one more line, and whether that line is in doubt.
    #[track_caller]
    fn check_step(from: (i32, u8, u8), to: (u8, u8), expected: Option<((i32, u8, u8), bool)>) {
        let from = day_number(from.0, from.1, from.2);
        let found = Track::new(from).after(to.0, to.1);
        let expected = expected.map(|((year, month, day), doubted)| Track {
            day: day_number(year, month, day),
            doubt: doubted.then_some(Doubt { from, days: 0 }),
        });
        assert_eq!(found, expected, "{to:?}");
    }

    #[test]
    fn a_step_of_more_than_a_month_or_over_the_new_year_is_doubted() {
        check_step((2025, 3, 1), (3, 1), Some(((2025, 3, 1), false)));
        check_step((2025, 3, 1), (3, 2), Some(((2025, 3, 2), false)));
        check_step((2025, 3, 1), (4, 1), Some(((2025, 4, 1), false)));
        check_step((2025, 3, 1), (4, 2), Some(((2025, 4, 2), true)));
        check_step((2025, 12, 31), (1, 1), Some(((2026, 1, 1), true)));
        check_step((2026, 1, 1), (12, 31), Some(((2025, 12, 31), false)));
    }

    #[test]
    fn a_line_may_be_31_days_late_and_otherwise_is_of_the_year_that_follows() {
        check_step((2025, 6, 15), (5, 15), Some(((2025, 5, 15), false)));
        check_step((2025, 6, 15), (5, 14), Some(((2026, 5, 14), true)));
        // Only 29 February can be missing from the range.
        check_step((2023, 4, 1), (2, 29), Some(((2024, 2, 29), true)));
        check_step((2023, 3, 31), (2, 29), None);
        check_step((2025, 6, 15), (2, 29), None);
        check_step((2024, 3, 31), (2, 29), Some(((2024, 2, 29), false)));
        check_step((2024, 4, 1), (2, 29), None);
    }

    #[test]
    fn a_line_within_a_month_of_where_the_step_began_ends_it() {
        for (date, expected, doubted) in [
            ((4, 1), (2025, 4, 1), false),
            ((4, 2), (2026, 4, 2), true),
            ((1, 29), (2025, 1, 29), false),
            ((1, 28), (2026, 1, 28), true),
            ((11, 5), (2025, 11, 5), true),
            ((11, 20), (2025, 11, 20), true),
        ] {
            let track = Track::new(day_number(2025, 3, 1)).after(11, 5).unwrap().after(date.0, date.1).unwrap();
            let expected = day_number(expected.0, expected.1, expected.2);
            assert_eq!((track.day, track.doubt.is_some()), (expected, doubted), "{date:?}");
        }
    }

    #[test]
    fn a_step_is_believed_when_five_other_days_followed_it() {
        let dates = |last: u8| (5..=last).flat_map(|day| [(11, day), (11, day)]);
        for (last, year) in [(9, 2025), (10, 2026)] {
            let mut track = Track::new(day_number(2025, 3, 1));
            for (month, day) in dates(last).chain([(3, 1)]) {
                track = track.after(month, day).unwrap();
            }
            assert_eq!(track.day, day_number(year, 3, 1), "until {last}");
        }
    }

    /// Follows known days and compares the doubt at the end: the day before the step, and the changes of day since.
    #[track_caller]
    fn check_known(days: &[i64], doubt: Option<(i64, u32)>) {
        let mut track = Track::new(days[0]);
        for day in &days[1..] {
            track = track.on(*day);
            assert_eq!(track.day, *day);
        }
        assert_eq!(track.doubt.map(|doubt| (doubt.from, doubt.days)), doubt, "{days:?}");
    }

    #[test]
    fn a_known_day_is_doubted_as_one_without_a_year() {
        check_known(&[1000, 1031], None);
        check_known(&[1000, 969], None);
        check_known(&[1000, 1032], Some((1000, 0)));
        check_known(&[1000, 968], Some((1000, 0)));
        // Back to where the step began, or to at most a month from there.
        check_known(&[1000, 5000, 1000], None);
        check_known(&[1000, 5000, 1031], None);
        check_known(&[1000, 5000, 969], None);
        check_known(&[1000, 5000, 1032], Some((1000, 1)));
        // A small step cannot be told from going on.
        check_known(&[1000, 1040, 1020], Some((1000, 1)));
        check_known(&[1000, 1040, 1008], None);
        // Lines continue from where the step ended.
        check_known(&[1000, 5000, 5000], Some((1000, 0)));
        check_known(&[1000, 5000, 5001, 5001, 5002, 5003, 5004], Some((1000, 4)));
        check_known(&[1000, 5000, 5001, 5002, 5003, 5004, 5005], None);
    }
}
