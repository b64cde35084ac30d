//! Two stamps in one line: the server's own, and an outer one of a relay or a container runtime.
//!
//! In: both.  Out: the server's, with the year and the zone that only the outer one tells.
//! The clock of a container often runs in UTC, whatever the zone of its host: `2026-05-02T20:56:12Z stdout F May  2 20:56:12 mail
//! …`. If the outer stamp is a point in time and the inner wall clock differs from it by whole quarters of an hour, give or take
//! a minute, that difference is the zone. Any other difference means that the line came late; its zone is the configured one.

use super::stamp::{DAY_MS, Stamp, day_number, days_in, year_of};
use crate::model::Time;

/// Offsets of zones are multiples of a quarter of an hour.
const QUARTER_MS: i64 = 15 * 60_000;
/// The zone is inferred if the two clocks differ by at most this much beyond whole quarters of an hour.
const AT_ONCE_MS: i64 = 60_000;
/// Offsets of zones reach from 12 hours west to 14 hours east.
const ZONES_MS: std::ops::RangeInclusive<i64> = -12 * 3_600_000..=14 * 3_600_000;

impl Stamp {
    /// This stamp, as found inside a line with the stamp `outer`, with what `outer` adds to it.
    pub fn within(self, outer: Option<Self>) -> Self {
        let near = match outer {
            Some(Self::Exact(time)) => time.0,
            Some(Self::NoZone { day, ms }) => day.saturating_mul(DAY_MS).saturating_add(i64::from(ms)),
            Some(Self::NoYear { .. }) | None => return self,
        };
        let dated = match self {
            Self::NoYear { month, day, ms } => Self::NoZone { day: nearest(near.div_euclid(DAY_MS), month, day), ms },
            dated => dated,
        };
        match (dated, outer) {
            (Self::NoZone { day, ms }, Some(Self::Exact(outer))) => zoned(day, ms, outer).unwrap_or(dated),
            _ => dated,
        }
    }
}

/// The wall clock as a point in time, if it shows `outer` in some zone.
fn zoned(day: i64, ms: u32, outer: Time) -> Option<Stamp> {
    let wall = day.checked_mul(DAY_MS)?.checked_add(i64::from(ms))?;
    let apart = wall.checked_sub(outer.0)?;
    let east = apart.checked_add(QUARTER_MS / 2)?.div_euclid(QUARTER_MS) * QUARTER_MS;
    let fits = (apart - east).abs() <= AT_ONCE_MS && ZONES_MS.contains(&east);
    fits.then(|| Stamp::Exact(Time(wall - east)))
}

/// The day with this month and day that is nearest to `near`. 29 February may be four years away.
fn nearest(near: i64, month: u8, day: u8) -> i64 {
    let year = year_of(near);
    (-4..=4)
        .map(|away| year.saturating_add(away))
        .filter(|year| day <= days_in(*year, month))
        .map(|year| day_number(year, month, day))
        .min_by_key(|number| number.abs_diff(near))
        .unwrap_or_else(|| day_number(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Stamp {
        super::super::stamp(text).unwrap().0
    }

    #[track_caller]
    fn check(inner: &str, outer: &str, expected: Stamp) {
        assert_eq!(stamp(inner).within(Some(stamp(outer))), expected, "{inner} in {outer}");
    }

    #[test]
    fn the_outer_stamp_tells_the_zone_of_the_inner_one() {
        let exact = |text| Stamp::Exact(Time::parse_rfc3339(text).unwrap());
        check("May  2 20:56:11", "2026-05-02T20:56:12Z", exact("2026-05-02T20:56:11Z"));
        check("May  2 22:56:11", "2026-05-02T20:56:12Z", exact("2026-05-02T20:56:11Z"));
        check("May  3 02:26:12.5", "2026-05-02T20:56:12Z", exact("2026-05-02T20:56:12.5Z"));
        check("2026-05-02 20:56:11", "2026-05-02T22:56:12+02:00", exact("2026-05-02T20:56:11Z"));
        check("Jan  1 00:00:01", "2025-12-31T23:00:02Z", exact("2025-12-31T23:00:01Z"));
    }

    #[test]
    fn a_line_that_came_late_keeps_its_clock_and_takes_the_year() {
        check("May  2 20:05:11", "2026-05-02T20:56:12Z", stamp("2026-05-02 20:05:11"));
        check("Dec 31 23:50:00", "2026-01-01 00:02:00", stamp("2025-12-31 23:50:00"));
        check("Feb 29 10:00:00", "2026-01-01 00:00:00", stamp("2024-02-29 10:00:00"));
    }

    #[test]
    fn the_inner_stamp_is_the_servers() {
        check("2026-05-02T20:56:11Z", "May 02 23:56:12", stamp("2026-05-02T20:56:11Z"));
        check("May  2 20:56:11", "May 02 22:56:12", stamp("May  2 20:56:11"));
    }

    /// Compares the zone of a clock inside a line of 2026-05-02T12:00:00Z, in minutes east; `None` if no zone fits.
    #[track_caller]
    fn check_zone(clock: &str, east_minutes: Option<i64>) {
        let inner = stamp(&format!("2026-05-0{clock}"));
        let Stamp::NoZone { day, ms } = inner else { panic!("{clock}") };
        let exact = |east| Stamp::Exact(Time(day * DAY_MS + i64::from(ms) - east * 60_000));
        check(&format!("2026-05-0{clock}"), "2026-05-02T12:00:00Z", east_minutes.map_or(inner, exact));
    }

    #[test]
    fn a_line_is_handed_on_within_a_minute() {
        check_zone("2 14:00:00", Some(120));
        check_zone("2 13:59:00", Some(120));
        check_zone("2 13:58:59.999", None);
        check_zone("2 14:01:00", Some(120));
        check_zone("2 14:01:00.001", None);
    }

    #[test]
    fn zones_lie_quarters_of_an_hour_apart_from_12_hours_west_to_14_east() {
        check_zone("2 12:00:00", Some(0));
        check_zone("2 17:45:00", Some(345));
        check_zone("2 17:30:00", Some(330));
        check_zone("2 17:37:30", None);
        check_zone("2 08:30:00", Some(-210));
        check_zone("2 00:00:00", Some(-720));
        check_zone("1 23:45:00", None);
        check_zone("3 02:00:00", Some(840));
        check_zone("3 02:15:00", None);
    }

    #[test]
    fn the_year_is_that_of_the_nearest_such_day() {
        for (inner, outer, expected) in [
            ("Jul  2 10:00:00", "2026-01-01 00:00:00", "2026-07-02 10:00:00"),
            ("Jul  3 10:00:00", "2026-01-01 00:00:00", "2025-07-03 10:00:00"),
            ("Jan  1 10:00:00", "2026-12-31 00:00:00", "2027-01-01 10:00:00"),
            ("Feb 29 10:00:00", "2026-02-28 00:00:00", "2024-02-29 10:00:00"),
            ("Feb 29 10:00:00", "2026-03-01 00:00:00", "2028-02-29 10:00:00"),
            ("Feb 29 10:00:00", "2100-02-28 00:00:00", "2096-02-29 10:00:00"),
            ("Feb 29 10:00:00", "2100-03-01 00:00:00", "2104-02-29 10:00:00"),
        ] {
            check(inner, outer, stamp(expected));
        }
    }

    #[test]
    fn a_stamp_alone_is_what_it_is() {
        for text in ["May  2 20:56:11", "2026-05-02 20:56:11", "2026-05-02T20:56:11Z"] {
            assert_eq!(stamp(text).within(None), stamp(text), "{text}");
        }
    }
}
