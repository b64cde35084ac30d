//! Finds the year in which a log file without years begins (`Nov 22 20:19:26 mx1 …`).
//!
//! In: the text of a file, and the latest time that it can hold.  Out: the day of its first stamp without a year.
//! Ignored on purpose: everything but stamps and queue ids.
//!
//! While lines are read, `frame::Dater` carries the year from stamp to stamp, so only that of the first stamp is
//! needed. [`Track`] follows the stamps from a made-up year and so counts the new years that pass. Two facts can fix
//! the real year:
//!
//! 1. A queue id that holds its time, of sendmail or a long one of postfix, among the first [`ASKED`] lines. It tells
//!    the year of its own line; the new years passed before that line are subtracted.
//! 2. Without such an id, the end of the file: its last stamp is given the latest year that the file allows, and all
//!    new years passed are subtracted. This costs a pass over the file, the price of dating a log that nobody rotated
//!    for years.
//!
//! For example, a file whose stamps run from `Nov 22` over two new years to `Jan 11`, and that was last changed on
//! 2026-01-11, begins on 2024-11-22.

use crate::{
    frame::{Stamp, dating::latest, day_number, frame, track::Track, year_of},
    model::Time,
    queue_id,
    source::lines::Lines,
};
use chrono::Datelike;
use std::io::Read;

/// Bytes of a file that are searched at most; new years that come later in the file are not seen.
const SEARCHED_BYTES: u64 = 256 << 20;
/// Lines (with a stamp without a year) that are searched for a queue id that holds its time.
const ASKED: usize = 10_000;
/// Length of the day in a stamp without a year, with the blank after it: `Nov 22 `.
const DAY_BYTES: usize = 7;
const DAY_MS: i64 = 86_400_000;
/// The made-up year of the first stamp: a leap year, so that it has a 29 February.
const SOME_YEAR: i32 = 2000;

/// The day number of the first stamp without a year in `text`; `None` if it has none. An error ends the search: it is
/// reported when the lines are read.
pub fn first_day(text: impl Read, latest_time: Time) -> Option<i64> {
    let latest_day = latest_time.0.div_euclid(DAY_MS);
    // Month and day of the first stamp; where the last one is on the track; the day that the last line begins with.
    let mut first = None;
    let mut track: Option<Track> = None;
    let mut asked = 0;
    let mut today: Option<[u8; DAY_BYTES]> = None;
    let mut lines = Lines::new(text.take(SEARCHED_BYTES), 0);
    while let Ok(Some(raw)) = lines.next() {
        // No more ids are looked for, and a line of the same day as the one before cannot pass a new year: skip it.
        if asked == ASKED && today.is_some_and(|today| raw.starts_with(&today)) {
            continue;
        }
        let line = String::from_utf8_lossy(raw);
        let Some((Stamp::NoYear { month, day, .. }, text)) = frame(&line).map(|f| (f.stamp, f.text)) else { continue };
        today = raw.first_chunk().copied().filter(|begin| begin[0].is_ascii_alphabetic());
        first.get_or_insert((month, day));
        let before = track.unwrap_or_else(|| Track::new(day_number(SOME_YEAR, month, day)));
        let now = before.after(month, day).unwrap_or(before);
        track = Some(now);
        if asked < ASKED {
            asked += 1;
            if let Some(year) = queue_id::time_in_text(text).and_then(|id| year_by_id(id, latest_day, month, day)) {
                return first.map(|(m, d)| day_number(year - years_passed(now.day), m, d));
            }
        }
    }
    let (month, day) = first?;
    let track = track?;
    // If the last step is still in doubt, either it leads to the end of the file or it was a stray. Take whichever end
    // can lie nearer to the latest time of the file.
    let ends = [Some(track.day), track.doubt.map(|doubt| doubt.from)].into_iter().flatten();
    let dated = ends.map(|end| {
        let date = Time(end * DAY_MS).utc().date_naive();
        // A month and a day fit into a byte.
        (end, latest(latest_day, date.month() as u8, date.day() as u8))
    });
    let (end, is) = dated.min_by_key(|(_, is)| latest_day - is)?;
    Some(day_number(year_of(is) - years_passed(end), month, day))
}

/// How many new years lie between the first stamp and a day that was counted from [`SOME_YEAR`].
fn years_passed(day: i64) -> i32 {
    year_of(day) - SOME_YEAR
}

/// The year of a stamp on a line with the id of a message that arrived at `id`: the first year in which the stamp is at
/// most a day before the arrival (the wall clock may be behind UTC). `None` if it would be after the end of the file.
fn year_by_id(id: Time, latest_day: i64, month: u8, day: u8) -> Option<i32> {
    let arrived = id.0.div_euclid(DAY_MS);
    let year = year_of(arrived - 1);
    (year..=year.saturating_add(1))
        .find(|year| day_number(*year, month, day) >= arrived - 1)
        .filter(|year| day_number(*year, month, day) <= latest_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id that does not hold its time.
    const UNDATED: &str = "4Zk3";

    #[track_caller]
    fn check(lines: &[&str], latest: &str, id: &str, expected: &str) {
        let text: String = lines.iter().map(|l| format!("{l} mx1 postfix/qmgr[1]: {id}: removed\n")).collect();
        let day = first_day(text.as_bytes(), Time::parse_rfc3339(latest).unwrap()).unwrap();
        assert_eq!(Time(day * DAY_MS).utc().format("%F").to_string(), expected);
    }

    #[test]
    fn a_file_of_three_years_begins_two_turns_before_its_end() {
        let days = ["Nov 22", "Feb  1", "Feb  2", "Mar  3", "Apr  4", "Jul  1", "Aug  8", "Nov 22", "Jan 11"];
        let lines = days.map(|day| format!("{day} 01:00:00"));
        check(&lines.each_ref().map(String::as_str), "2026-01-12T00:00:00Z", UNDATED, "2024-11-22");
    }

    #[test]
    fn turns_are_counted_beyond_the_lines_that_are_asked_for_an_id() {
        let days = ["Nov  2", "Nov 22", "Feb  1", "Feb 11", "Mar 3", "Mar 30", "Jul  1", "Aug  8", "Nov 22", "Jan 11"];
        let lines: Vec<String> =
            days.iter().flat_map(|day| (0..ASKED / 4).map(move |_| format!("{day} 01:00:00"))).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        check(&lines, "2026-01-12T00:00:00Z", UNDATED, "2024-11-02");
    }

    #[test]
    fn a_machine_that_starts_without_a_clock_makes_no_turn() {
        let lines = ["Nov 21 01:00:00", "Jan  1 00:00:02", "Nov 22 01:00:00"];
        check(&lines, "2026-11-23T00:00:00Z", UNDATED, "2026-11-21");
    }

    #[test]
    fn a_stray_at_either_end_leaves_the_year_of_the_rest() {
        check(
            &["Nov 21 01:00:00", "Nov 22 01:00:00", "Jan  1 00:00:05"],
            "2026-11-29T00:00:00Z",
            UNDATED,
            "2026-11-21",
        );
        check(&["Dec 20 01:00:00", "Jan  1 00:00:05"], "2026-12-21T00:00:00Z", UNDATED, "2026-12-20");
        // The stray is the first stamp: it gets a year that is still to come, which puts the others into the right one.
        check(
            &["Jan  1 00:00:05", "Dec 20 01:00:00", "Dec 21 01:00:00"],
            "2026-12-22T00:00:00Z",
            UNDATED,
            "2027-01-01",
        );
    }

    #[test]
    fn a_file_that_ends_with_the_new_year_began_in_the_old_one() {
        check(
            &["Dec 30 01:00:00", "Dec 31 01:00:00", "Jan  1 00:00:05"],
            "2026-01-02T00:10:00Z",
            UNDATED,
            "2025-12-30",
        );
        check(&["Nov 22 01:00:00", "Jan 11 01:00:00"], "2026-01-12T00:00:00Z", UNDATED, "2025-11-22");
        check(&["Feb 29 01:00:00", "Mar  1 01:00:00"], "2024-03-02T00:00:00Z", UNDATED, "2024-02-29");
    }

    #[test]
    fn an_id_that_holds_its_time_says_the_year() {
        // The id is of 2019-12-30.
        check(&["Jan  2 01:00:00"], "2026-11-23T00:00:00Z", "xBU00000004711", "2020-01-02");
        // The id is later than the file and says nothing.
        check(&["Jan  2 01:00:00"], "2018-11-23T00:00:00Z", "xBU00000004711", "2018-01-02");
    }

    /// The first day of a file that was last changed on 2026-11-22.
    #[track_caller]
    fn check_id(lines: &[&str], expected: &str) {
        let text: String = lines.iter().map(|l| format!("{l}: removed\n")).collect();
        let day = first_day(text.as_bytes(), Time::parse_rfc3339("2026-11-23T00:00:00Z").unwrap()).unwrap();
        assert_eq!(Time(day * DAY_MS).utc().format("%F").to_string(), expected);
    }

    #[test]
    fn a_file_without_such_stamps_begins_nowhere() {
        for text in ["", "hello\n", "2026-11-22T20:19:26Z mx1 a[1]: b\n"] {
            assert_eq!(first_day(text.as_bytes(), Time(0)), None, "{text}");
        }
    }

    #[test]
    fn any_line_may_have_the_id_that_says_the_year() {
        check_id(&["Jan 12 01:00:00 mx1 a[1]: 4F", "Jan 12 02:00:00 mx1 a[1]: 00C00000004711"], "2020-01-12");
        check_id(&["Jan 11 01:00:00 mx1 a[1]: 4F", "Jan 12 02:00:00 mx1 a[1]: 00C00000004711"], "2020-01-11");
        // A new year passes in between.
        check_id(&["Nov 22 01:00:00 mx1 a[1]: 4F", "Jan 12 02:00:00 mx1 a[1]: 00C00000004711"], "2019-11-22");
    }

    #[test]
    fn ten_thousand_lines_are_asked_for_an_id() {
        for (without, expected) in [(ASKED - 1, "2020-01-11"), (ASKED, "2026-01-11")] {
            let mut lines = vec!["Jan 11 01:00:00 mx1 a[1]: 4F"; without];
            lines.push("Jan 12 01:00:00 mx1 a[1]: 00C00000004711");
            check_id(&lines, expected);
        }
    }

    #[test]
    fn a_wall_clock_may_be_a_day_behind_the_id() {
        for (arrived, month, day, year) in [
            ("2020-01-01T03:00:00Z", 12, 31, 2019),
            ("2020-01-01T03:00:00Z", 1, 1, 2020),
            ("2020-01-02T03:00:00Z", 1, 1, 2020),
            ("2020-01-03T03:00:00Z", 1, 1, 2021),
            ("2019-12-31T03:00:00Z", 12, 31, 2019),
            ("2019-12-31T03:00:00Z", 1, 3, 2020),
        ] {
            let id = Time::parse_rfc3339(arrived).unwrap();
            let found = year_by_id(id, day_number(2026, 11, 23), month, day);
            assert_eq!(found, Some(year), "{month}-{day} of a message of {arrived}");
        }
        // A stamp after the end of the file has no year.
        let arrived = Time::parse_rfc3339("2020-01-12T00:00:00Z").unwrap();
        assert_eq!(year_by_id(arrived, day_number(2020, 1, 12), 1, 12), Some(2020));
        assert_eq!(year_by_id(arrived, day_number(2020, 1, 11), 1, 12), None);
    }
}
