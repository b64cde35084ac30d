//! Which year a stamp without one is of, after the stamps before it.
//!
//! In: months and days in file order.  Out: day numbers.
//! A step of more than a month, or over the new year, may be the passing of time or a machine that started without a clock
//! (`Jan  1 00:00:05`). The line itself is dated as if time had passed; the lines after it decide. When they go on from where the step
//! began it was a stray, and the year of no other line changes; when so many days go on from where it ended it was none.

use super::stamp::{day_number, days_in, year_of};
use serde::{Deserialize, Serialize};

/// How far a stamp may lie before the line before it without being taken for one of the next year.
const BACKWARDS_DAYS: i64 = 31;
/// A step is believed when so many days followed it.
const BELIEVED_DAYS: u32 = 5;

/// Where in time a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    /// The day of the line before.
    pub day: i64,
    pub doubt: Option<Doubt>,
}

/// A step that may yet be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// The day before it.
    pub from: i64,
    /// How many other days came after it.
    days: u32,
}

impl Track {
    pub fn new(day: i64) -> Self {
        Self { day, doubt: None }
    }

    /// Where the file is after a line of this month and day; `None` for a day that no year near has.
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
    /// Where the file is after a line of a day that is known.
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

/// The day with this month and day from a month before `around` to `ahead` days after it.
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

    /// Follows days from 2024 on, the first of them given with its year.
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
        // A clock that is months ahead.
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
}
