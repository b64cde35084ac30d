//! Adds the year and the zone that stamps lack.
//!
//! In: the stamps of a file, in file order.  Out: points in time.
//! Ignored on purpose: today's date.
//!
//! Year: `Nov 22 20:19:26` names none. The first such stamp of a file gets the latest year that the file allows: files hold
//! nothing after their modification time, plus a day. Each further stamp is dated from the line before it ([`Track`]). A stamp
//! that the file cannot hold after the line before it is a stray: it gets the latest possible year, and the lines after it are
//! dated as if it were not there. A configured year overrides all of this.
//!
//! Zone: a wall clock is read in the configured zone. In the hour that clocks repeat in autumn, the line before decides which of
//! the two passes is meant.

use super::{
    stamp::{DAY_MS, Stamp, day_number, days_in, year_of},
    track::{Doubt, Track},
};
use crate::model::Time;
use chrono::{DateTime, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;

/// A stamp in the repeated hour that would be more than this before the previous line belongs to the second pass.
const FOLD_JUMP_MS: i64 = 30 * 60_000;
/// A previous line further back than this does not decide the pass: it may be from last winter and have the offset of the second
/// pass for that reason.
const FOLD_MS: i64 = 3 * 3_600_000;

/// Turns stamps into times, one after the other in file order.
#[derive(Debug, Clone)]
pub struct Dater {
    zone: Tz,
    year: Option<i32>,
    latest_day: i64,
    /// The date that the file has reached; a stamp without a year is dated from it.
    track: Option<Track>,
    /// The time of the previous stamp that was no stray; tells the two passes through a repeated hour apart.
    last: Option<Time>,
    /// Cache: the last month and day without a year, their day number, and whether it was a stray.
    known_day: Option<(u8, u8, (i64, bool))>,
    /// Cache: the last minute of the wall clock and its offsets.
    known_minute: Option<(i64, Offsets)>,
}

/// Offsets of a zone at a minute of the wall clock, in milliseconds east of UTC. A minute of the hour that is repeated in autumn
/// has two.
#[derive(Debug, Clone, Copy)]
enum Offsets {
    Once(i64),
    Twice { first: i64, second: i64 },
}

impl Dater {
    /// `zone`, `year`: as configured. `latest`: unless a year is configured, no stamp without a year is dated after this day.
    /// `last`: the time of the line before, where reading resumes in the middle of a file.
    pub fn new(zone: Tz, year: Option<i32>, latest: Time, last: Option<Time>) -> Self {
        Self {
            zone,
            year,
            latest_day: latest.0.div_euclid(DAY_MS),
            track: last.map(|t| Track::new(t.0.div_euclid(DAY_MS))),
            last,
            known_day: None,
            known_minute: None,
        }
    }

    /// Sets the day from which the next stamp without a year is dated, where it was found by other means.
    pub fn begin_on(&mut self, day: i64) {
        self.track = Some(Track::new(day));
        self.known_day = None;
    }

    /// Resumes with the doubt that [`doubt`](Self::doubt) returned when reading stopped.
    #[must_use]
    pub fn with_doubt(mut self, doubt: Option<Doubt>) -> Self {
        self.track = self.track.map(|track| Track { doubt, ..track });
        self
    }

    /// The step in time that is still in doubt; pass it to [`with_doubt`](Self::with_doubt) to resume.
    pub fn doubt(&self) -> Option<Doubt> {
        self.track.and_then(|track| track.doubt)
    }

    /// The time of the last stamp that was no stray; pass it to [`new`](Self::new) to resume.
    pub fn last(&self) -> Option<Time> {
        self.last
    }

    /// Dates the next stamp.
    pub fn date(&mut self, stamp: Stamp) -> Time {
        let time = match stamp {
            Stamp::Exact(time) => {
                self.on(time.0.div_euclid(DAY_MS));
                time
            }
            Stamp::NoZone { day, ms } => {
                self.on(day);
                self.utc(day, ms)
            }
            Stamp::NoYear { month, day, ms } => {
                let (day, stray) = self.with_year(month, day);
                let time = self.utc(day, ms);
                if stray {
                    return time;
                }
                time
            }
        };
        self.last = Some(time);
        time
    }

    /// Follows a stamp that has its year.
    fn on(&mut self, day: i64) {
        self.track = Some(self.track.map_or(Track::new(day), |track| track.on(day)));
        self.known_day = None;
    }

    /// The day number of a stamp without a year, and whether it is a stray: a day that the file cannot hold after the line before
    /// it. A stray does not move the track.
    fn with_year(&mut self, month: u8, day: u8) -> (i64, bool) {
        if let Some((m, d, found)) = self.known_day
            && (m, d) == (month, day)
        {
            return found;
        }
        let found = match (self.year, self.track) {
            // With a configured year that has no 29 February, the day becomes 1 March: the line is kept.
            (Some(year), _) => (day_number(year, month, day), false),
            (None, None) => {
                let number = latest(self.latest_day, month, day);
                self.track = Some(Track::new(number));
                (number, false)
            }
            (None, Some(track)) => match track.after(month, day).filter(|next| next.day <= self.latest_day) {
                Some(next) => {
                    self.track = Some(next);
                    (next.day, false)
                }
                None => (latest(self.latest_day, month, day), true),
            },
        };
        self.known_day = Some((month, day, found));
        found
    }

    /// The point in time of a wall clock in the configured zone.
    fn utc(&mut self, day: i64, ms: u32) -> Time {
        let wall = day * DAY_MS + i64::from(ms);
        let minute = wall.div_euclid(60_000);
        let offsets = match self.known_minute {
            Some((known, offsets)) if known == minute => offsets,
            _ => {
                let offsets = self.offsets(minute);
                self.known_minute = Some((minute, offsets));
                offsets
            }
        };
        match offsets {
            Offsets::Once(east) => Time(wall - east),
            Offsets::Twice { first, second } => {
                let (early, late) = (Time(wall - first), Time(wall - second));
                if self.second_run(early, second) { late } else { early }
            }
        }
    }

    /// Whether a stamp belongs to the second pass through a repeated hour, after the clock was set back: the previous line was
    /// written after the change, or is too far ahead of the first pass. `early`: the time of the stamp in the first pass;
    /// `second`: the offset of the second pass.
    fn second_run(&self, early: Time, second: i64) -> bool {
        let Some(last) = self.last else { return false };
        last.0 - early.0 > FOLD_JUMP_MS || (last.0 >= early.0 - FOLD_MS && self.offset_at(last) == second)
    }

    /// The offsets of a minute. Zones change their offset on whole minutes (since 1972 at the latest), so one answer holds for
    /// the minute.
    fn offsets(&self, minute: i64) -> Offsets {
        let wall = Time(minute * 60_000);
        let east = |o: <Tz as TimeZone>::Offset| i64::from(o.fix().local_minus_utc()) * 1000;
        match self.zone.offset_from_local_datetime(&wall.utc().naive_utc()) {
            MappedLocalTime::Single(o) => Offsets::Once(east(o)),
            MappedLocalTime::Ambiguous(a, b) => {
                let (a, b) = (east(a), east(b));
                Offsets::Twice { first: a.max(b), second: a.min(b) }
            }
            // The hour that is skipped in spring, shown by a clock that was put forward late: the offset of the day before
            // applies.
            MappedLocalTime::None => Offsets::Once(self.offset_at(wall.plus(-DAY_MS))),
        }
    }

    fn offset_at(&self, time: Time) -> i64 {
        let utc: DateTime<chrono::Utc> = time.utc();
        i64::from(self.zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()) * 1000
    }
}

/// The latest day with this month and day that is not after `latest_day`. 29 February may be eight years back.
pub fn latest(latest_day: i64, month: u8, day: u8) -> i64 {
    let year = year_of(latest_day);
    (0..=8)
        .map(|back| year.saturating_sub(back))
        .filter(|year| day <= days_in(*year, month))
        .map(|year| day_number(year, month, day))
        .find(|number| *number <= latest_day)
        .unwrap_or_else(|| day_number(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::frame;

    /// Dates stamps in Berlin time, in a file that can hold nothing after `latest`, and compares them in UTC.
    #[track_caller]
    fn check(latest: &str, stamps: &[&str], expected: &[&str]) {
        let latest = Time::parse_rfc3339(latest).unwrap();
        let mut dater = Dater::new(Tz::Europe__Berlin, None, latest, None);
        let found: Vec<String> = stamps
            .iter()
            .map(|s| {
                let line = format!("{s} mx1 a[1]: b");
                let shown = dater.date(frame(&line).unwrap().stamp).to_string();
                shown.trim_end_matches(".000Z").to_owned()
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_year_is_the_latest_that_the_file_allows() {
        check("2026-11-23T00:00:00Z", &["Nov 22 12:00:00"], &["2026-11-22T11:00:00"]);
        check("2026-11-21T00:00:00Z", &["Nov 22 12:00:00"], &["2025-11-22T11:00:00"]);
        check("2026-11-23T00:00:00Z", &["Feb 29 12:00:00"], &["2024-02-29T11:00:00"]);
    }

    #[test]
    fn december_rolls_over_into_january_and_back_for_a_late_line() {
        check(
            "2026-01-02T00:00:00Z",
            &["Dec 31 23:59:59", "Jan 01 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02"],
            &["2025-12-31T22:59:59", "2025-12-31T23:00:01", "2025-12-31T22:59:59", "2025-12-31T23:00:02"],
        );
    }

    #[test]
    fn a_clock_that_starts_in_january_makes_no_new_year() {
        check(
            "2026-11-23T00:00:00Z",
            &["Nov 22 12:00:00", "Jan  1 00:00:05", "Nov 22 12:00:01"],
            &["2026-11-22T11:00:00", "2025-12-31T23:00:05", "2026-11-22T11:00:01"],
        );
        check(
            "2026-12-21T00:00:00Z",
            &["Dec 20 12:00:00", "Jan  1 00:00:05", "Dec 20 12:00:01"],
            &["2026-12-20T11:00:00", "2025-12-31T23:00:05", "2026-12-20T11:00:01"],
        );
    }

    #[test]
    fn a_stray_stamp_changes_the_year_of_no_other_line() {
        // In a file that was copied years later, every year is possible.
        check(
            "2026-11-23T00:00:00Z",
            &["2023-11-22 12:00:00", "Jan  1 00:00:05", "Nov 22 12:00:01", "Dec 31 12:00:00", "Jan  2 12:00:00"],
            &[
                "2023-11-22T11:00:00",
                "2023-12-31T23:00:05",
                "2023-11-22T11:00:01",
                "2023-12-31T11:00:00",
                "2024-01-02T11:00:00",
            ],
        );
        // The stray has a year.
        check(
            "2026-11-23T00:00:00Z",
            &["Nov 22 12:00:00", "1970-01-01T00:00:05Z", "Nov 22 12:00:01"],
            &["2026-11-22T11:00:00", "1970-01-01T00:00:05", "2026-11-22T11:00:01"],
        );
    }

    #[test]
    fn a_file_read_in_two_runs_is_dated_as_in_one() {
        let stamps = ["Dec 20 12:00:00", "Jan  1 00:00:05", "Jan  1 00:00:06", "Dec 21 12:00:00", "Nov 30 12:00:00"];
        let latest = Time::parse_rfc3339("2026-12-22T00:00:00Z").unwrap();
        let dated = |dater: &mut Dater, stamps: &[&str]| -> Vec<String> {
            let date = |s: &&str| dater.date(frame(&format!("{s} mx1 a[1]: b")).unwrap().stamp).to_string();
            stamps.iter().map(date).collect()
        };
        for latest in [latest, latest.plus(900 * DAY_MS)] {
            let mut once = Dater::new(Tz::UTC, None, latest, None);
            once.begin_on(day_number(2026, 12, 20));
            let expected = dated(&mut once, &stamps);
            assert!(expected[3].starts_with("2026-12-21") && expected[4].starts_with("2026-11-30"), "{expected:?}");
            for cut in 1..stamps.len() {
                let mut first = Dater::new(Tz::UTC, None, latest, None);
                first.begin_on(day_number(2026, 12, 20));
                let mut found = dated(&mut first, &stamps[..cut]);
                let mut second = Dater::new(Tz::UTC, None, latest, first.last()).with_doubt(first.doubt());
                found.extend(dated(&mut second, &stamps[cut..]));
                assert_eq!(found, expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_jump_back_of_half_an_hour_is_the_second_run_through_the_repeated_hour() {
        check(
            "2026-10-26T00:00:00Z",
            &[
                "Oct 25 02:10:00",
                "Oct 25 02:58:00",
                "Oct 25 02:57:59",
                "Oct 25 02:00:01",
                "Oct 25 02:59:00",
                "Oct 25 03:00:00",
                "Oct 25 02:59:59",
            ],
            &[
                "2026-10-25T00:10:00",
                "2026-10-25T00:58:00",
                "2026-10-25T00:57:59",
                "2026-10-25T01:00:01",
                "2026-10-25T01:59:00",
                "2026-10-25T02:00:00",
                "2026-10-25T01:59:59",
            ],
        );
    }

    #[test]
    fn a_time_that_never_was_moves_forward() {
        check(
            "2026-03-30T00:00:00Z",
            &["Mar 29 01:59:59", "Mar 29 02:30:00", "Mar 29 03:00:00", "2026-03-29 02:30:00"],
            &["2026-03-29T00:59:59", "2026-03-29T01:30:00", "2026-03-29T01:00:00", "2026-03-29T01:30:00"],
        );
    }

    #[test]
    fn a_configured_year_wins() {
        let stamp = frame("Feb 29 00:00:00 a b[1]: c").unwrap().stamp;
        let mut dater = Dater::new(Tz::UTC, Some(2019), Time(0), None);
        assert_eq!(dater.date(stamp).to_string(), "2019-03-01T00:00:00.000Z");
    }

    #[test]
    fn every_day_of_four_centuries_has_its_year() {
        for day in day_number(1970, 1, 1)..day_number(2370, 1, 1) {
            let year = year_of(day);
            assert!(day_number(year, 1, 1) <= day && day <= day_number(year, 12, 31), "{day}");
        }
    }

    #[test]
    fn a_stray_of_another_month_is_remembered_between_two_runs() {
        let date =
            |dater: &mut Dater, s: &str| dater.date(frame(&format!("{s} mx1 a[1]: b")).unwrap().stamp).to_string();
        let latest = Time::parse_rfc3339("2029-01-01T00:00:00Z").unwrap();
        let mut first = Dater::new(Tz::UTC, None, latest, None);
        first.begin_on(day_number(2026, 3, 1));
        assert_eq!(date(&mut first, "Mar  1 12:00:00"), "2026-03-01T12:00:00.000Z");
        assert_eq!(first.doubt(), None);
        assert_eq!(date(&mut first, "Nov  5 12:00:00"), "2026-11-05T12:00:00.000Z");
        let mut second = Dater::new(Tz::UTC, None, latest, first.last()).with_doubt(first.doubt());
        assert_eq!(date(&mut second, "Mar  2 12:00:00"), "2026-03-02T12:00:00.000Z");
        let mut without = Dater::new(Tz::UTC, None, latest, first.last());
        assert_eq!(date(&mut without, "Mar  2 12:00:00"), "2027-03-02T12:00:00.000Z");
    }

    #[test]
    fn a_stamp_that_the_file_cannot_hold_is_no_stamp_to_go_on_from() {
        let latest = Time::parse_rfc3339("2026-11-23T00:00:00Z").unwrap();
        let mut dater = Dater::new(Tz::UTC, None, latest, None);
        assert_eq!(dater.last(), None);
        for (stamp, last) in [
            ("Nov 22 12:00:00", "2026-11-22T12:00:00.000Z"),
            ("Jan  1 00:00:05", "2026-11-22T12:00:00.000Z"),
            ("Nov 23 12:00:00", "2026-11-23T12:00:00.000Z"),
        ] {
            dater.date(frame(&format!("{stamp} mx1 a[1]: b")).unwrap().stamp);
            assert_eq!(dater.last().unwrap().to_string(), last, "{stamp}");
        }
    }

    #[test]
    fn half_an_hour_back_is_a_late_line_and_more_is_the_second_run() {
        let latest = "2026-10-26T00:00:00Z";
        check(latest, &["Oct 25 02:40:00", "Oct 25 02:10:00"], &["2026-10-25T00:40:00", "2026-10-25T00:10:00"]);
        check(
            latest,
            &["Oct 25 02:40:00", "Oct 25 02:09:59.999"],
            &["2026-10-25T00:40:00", "2026-10-25T01:09:59.999Z"],
        );
        // A line that comes a quarter of an hour late, after the change.
        check(
            latest,
            &["Oct 25 02:59:00", "Oct 25 02:01:00", "Oct 25 03:05:00", "Oct 25 02:50:00"],
            &["2026-10-25T00:59:00", "2026-10-25T01:01:00", "2026-10-25T02:05:00", "2026-10-25T01:50:00"],
        );
    }

    #[test]
    fn a_line_of_last_winter_says_nothing_of_the_repeated_hour() {
        check(
            "2026-10-26T00:00:00Z",
            &["2026-01-15 12:00:00", "2026-10-25 02:30:00"],
            &["2026-01-15T11:00:00", "2026-10-25T00:30:00"],
        );
        check("2026-10-26T00:00:00Z", &["2026-10-25 02:30:00"], &["2026-10-25T00:30:00"]);
    }

    #[test]
    fn a_day_is_the_latest_that_is_not_after_the_last() {
        for (last, month, day, expected) in [
            ((2026, 11, 22), 11, 22, (2026, 11, 22)),
            ((2026, 11, 22), 11, 23, (2025, 11, 23)),
            ((2026, 11, 22), 1, 1, (2026, 1, 1)),
            ((2024, 2, 29), 2, 29, (2024, 2, 29)),
            ((2024, 2, 28), 2, 29, (2020, 2, 29)),
            ((2026, 3, 1), 2, 29, (2024, 2, 29)),
            ((2104, 2, 28), 2, 29, (2096, 2, 29)),
        ] {
            let found = latest(day_number(last.0, last.1, last.2), month, day);
            assert_eq!(found, day_number(expected.0, expected.1, expected.2), "{month}-{day} until {last:?}");
        }
    }
}
