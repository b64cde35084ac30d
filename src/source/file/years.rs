//! The year in which a file without years begins.
//!
//! In: the text of a file, and the latest time that it can hold.  Out: the day of its first stamp without a year.
//! Ignored on purpose: everything but stamps and queue ids. The year is carried forward from here while lines are read
//! (`frame::Dater`), so only the beginning must be found: from the first queue id that holds its time, else by
//! counting the turns of the year and going back from the end. The second costs a pass over the file, the price of
//! dating a log that nobody rotated for years.

use crate::{
    frame::{Stamp, dating::latest, day_number, frame, track::Track, year_of},
    model::Time,
    queue_id,
    source::lines::Lines,
};
use chrono::Datelike;
use std::io::Read;

/// A file that is longer than this and has not turned the year by then is judged by this much of it.
const SEARCHED_BYTES: u64 = 256 << 20;
/// How many lines are asked for a queue id.
const ASKED: usize = 10_000;
/// What a stamp without a year says of its day, with the blank after it: `Nov 22 `.
const DAY_BYTES: usize = 7;
const DAY_MS: i64 = 86_400_000;
/// The year that stamps are put into to compare them: a leap year.
const SOME_YEAR: i32 = 2000;

/// The day number of the first stamp without a year in `text`; `None` when it holds none. Errors end the search: they
/// are reported when the lines are read.
pub fn first_day(text: impl Read, latest_time: Time) -> Option<i64> {
    let latest_day = latest_time.0.div_euclid(DAY_MS);
    let mut first = None;
    let mut track: Option<Track> = None;
    let mut asked = 0;
    let mut today: Option<[u8; DAY_BYTES]> = None;
    let mut lines = Lines::new(text.take(SEARCHED_BYTES), 0);
    while let Ok(Some(raw)) = lines.next() {
        // Nearly every line is of the day of the one before, which it cannot tell anything new about.
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
    // A step that nothing confirmed is the end of the file or a stray: whichever leaves the file ending nearer to its time.
    let ends = [Some(track.day), track.doubt.map(|doubt| doubt.from)].into_iter().flatten();
    let dated = ends.map(|end| {
        let date = Time(end * DAY_MS).utc().date_naive();
        // A month and a day fit into a byte.
        (end, latest(latest_day, date.month() as u8, date.day() as u8))
    });
    let (end, is) = dated.min_by_key(|(_, is)| latest_day - is)?;
    Some(day_number(year_of(is) - years_passed(end), month, day))
}

/// How many years lie between the beginning of the file and a day that was counted from [`SOME_YEAR`].
fn years_passed(day: i64) -> i32 {
    year_of(day) - SOME_YEAR
}

/// The year of a stamp on the line of a message that arrived at `id`: the first in which it is not before that.
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

    /// An id that holds no time.
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
        // That the first is of a year that is still to come leaves it without one, and the rest in this one.
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
        // Of 2019-12-30.
        check(&["Jan  2 01:00:00"], "2026-11-23T00:00:00Z", "xBU00000004711", "2020-01-02");
        // An id from the future says nothing.
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
        // The year turned in between.
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
        // After the end of the file.
        let arrived = Time::parse_rfc3339("2020-01-12T00:00:00Z").unwrap();
        assert_eq!(year_by_id(arrived, day_number(2020, 1, 12), 1, 12), Some(2020));
        assert_eq!(year_by_id(arrived, day_number(2020, 1, 11), 1, 12), None);
    }
}
