//! Stamps at the beginning of a line.
//!
//! In: `Nov 22 20:19:26 …` (RFC 3164; also with a year or a fraction, as some daemons add) or
//! `2026-11-22T20:19:26.549623+00:00 …` (RFC 3339, ISO 8601; also with a blank for the `T` or without a zone).
//! Out: a [`Stamp`], which says only what the line says; [`Dater`](super::Dater) adds year and zone.
//! Ignored on purpose: everything below the millisecond.

use crate::model::Time;

/// The time of a line, as far as the line states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    Exact(Time),
    /// RFC 3164: neither year nor zone. `ms` counts from midnight by the wall clock.
    NoYear {
        month: u8,
        day: u8,
        ms: u32,
    },
    /// A wall clock: days since 1970-01-01, milliseconds since midnight.
    NoZone {
        day: i64,
        ms: u32,
    },
}

pub const DAY_MS: i64 = 86_400_000;

/// The stamp that `text` begins with, and the rest of the text without leading blanks.
pub fn read(text: &str) -> Option<(Stamp, &str)> {
    let (stamp, end) = match text.as_bytes().first()? {
        b'0'..=b'9' => iso(text.as_bytes())?,
        b'A'..=b'Z' => traditional(text.as_bytes())?,
        _ => return None,
    };
    match text.as_bytes().get(end) {
        None | Some(b' ' | b'\t') => Some((stamp, text[end..].trim_start_matches([' ', '\t']))),
        Some(_) => None,
    }
}

/// `Nov 22 20:19:26`. The day is padded with a blank, a zero (postlogd) or nothing.
fn traditional(b: &[u8]) -> Option<(Stamp, usize)> {
    let month = month(*b.first_chunk()?)?;
    blank(b, 3)?;
    let at = if b.get(4) == Some(&b' ') { 5 } else { 4 };
    let (day, at) = match two(b, at) {
        Some(day) => (day, at + 2),
        None => (digit(b, at)?, at + 1),
    };
    blank(b, at)?;
    let at = at + 1;
    // `Nov 22 2026 20:19:26`, as network devices and some relays write.
    if let Some(year) = four(b, at).filter(|_| b.get(at + 4) == Some(&b' ')) {
        let (ms, end) = clock(b, at + 5)?;
        return Some((Stamp::NoZone { day: date(year, month, day)?, ms }, end));
    }
    // A leap year (2000) has every day that any year can have.
    (1..=days_in(2000, month)).contains(&day).then_some(())?;
    let (ms, end) = clock(b, at)?;
    Some((Stamp::NoYear { month, day, ms }, end))
}

/// `2026-11-22T20:19:26.549623+00:00`.
fn iso(b: &[u8]) -> Option<(Stamp, usize)> {
    let year = four(b, 0)?;
    if b.get(4)? != &b'-' || b.get(7)? != &b'-' {
        return None;
    }
    let day = date(year, two(b, 5)?, two(b, 8)?)?;
    if !matches!(b.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    let (ms, at) = clock(b, 11)?;
    let wall = day * DAY_MS + i64::from(ms);
    let (east, end) = match b.get(at) {
        Some(b'Z' | b'z') => (0, at + 1),
        Some(sign @ (b'+' | b'-')) => {
            let hours = two(b, at + 1).filter(|h| *h < 24)?;
            let colon = usize::from(b.get(at + 3) == Some(&b':'));
            let (minutes, end) = match two(b, at + 3 + colon) {
                Some(minutes) if minutes < 60 => (minutes, at + 5 + colon),
                _ => (0, at + 3),
            };
            let east = i64::from(hours) * 3_600_000 + i64::from(minutes) * 60_000;
            (if *sign == b'-' { -east } else { east }, end)
        }
        _ => return Some((Stamp::NoZone { day, ms }, at)),
    };
    Some((Stamp::Exact(Time(wall - east)), end))
}

/// `20:19:26`, perhaps with a fraction, as milliseconds since midnight. A leap second counts as the second after it.
pub(super) fn clock(b: &[u8], at: usize) -> Option<(u32, usize)> {
    let [h, hh, b':', m, mm, b':', s, ss] = b.get(at..)?.first_chunk()? else { return None };
    let (hour, minute, second) = (pair(*h, *hh)?, pair(*m, *mm)?, pair(*s, *ss)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let ms = ((u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second)) * 1000;
    let end = at + 8;
    if !matches!(b.get(end), Some(b'.' | b',')) || digit(b, end + 1).is_none() {
        return Some((ms, end));
    }
    let (mut end, mut fraction, mut unit) = (end + 1, 0, 100);
    while let Some(digit) = digit(b, end) {
        fraction += u32::from(digit) * unit;
        unit /= 10;
        end += 1;
    }
    Some((ms + fraction, end))
}

fn month(name: [u8; 3]) -> Option<u8> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

fn blank(b: &[u8], at: usize) -> Option<()> {
    (b.get(at) == Some(&b' ')).then_some(())
}

pub(super) fn digit(b: &[u8], at: usize) -> Option<u8> {
    b.get(at).filter(|d| d.is_ascii_digit()).map(|d| d - b'0')
}

pub(super) fn two(b: &[u8], at: usize) -> Option<u8> {
    let [ten, one] = b.get(at..)?.first_chunk()?;
    pair(*ten, *one)
}

fn pair(ten: u8, one: u8) -> Option<u8> {
    (ten.is_ascii_digit() && one.is_ascii_digit()).then(|| (ten - b'0') * 10 + (one - b'0'))
}

pub(super) fn four(b: &[u8], at: usize) -> Option<i32> {
    Some(i32::from(two(b, at)?) * 100 + i32::from(two(b, at + 2)?))
}

/// The day number of a date that exists.
pub(super) fn date(year: i32, month: u8, day: u8) -> Option<i64> {
    (1..=12).contains(&month).then_some(())?;
    (day > 0 && day <= days_in(year, month)).then(|| day_number(year, month, day))
}

/// The number of days of a month (1 to 12).
pub fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar; a day past the end of its month runs over into the next.
/// <https://howardhinnant.github.io/date_algorithms.html>
pub fn day_number(year: i32, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    // Years are counted from March, so that the leap day comes last.
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The year of a day number.
pub fn year_of(day: i64) -> i32 {
    let day = day.saturating_add(719_468);
    let (era, day_of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // In a year that begins in March, January begins on day 306, counted from 0.
    let year = year_of_era + era * 400 + i64::from(day_of_year >= 306);
    i32::try_from(year).unwrap_or(if year < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Months, NaiveDate};

    /// The time of day in milliseconds.
    const fn at(hour: u32, minute: u32, second: u32) -> u32 {
        ((hour * 60 + minute) * 60 + second) * 1000
    }

    /// Compares the stamp before the word `mx1`; `None`: there is none.
    #[track_caller]
    fn check(text: &str, expected: Option<Stamp>) {
        assert_eq!(read(&format!("{text} mx1")), expected.map(|stamp| (stamp, "mx1")), "{text}");
    }

    #[test]
    fn days_are_counted_as_in_the_gregorian_calendar() {
        let first_of_all = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for (year, month) in (-802..=2802).flat_map(|year| (1..=12).map(move |month| (year, month))) {
            let first = NaiveDate::from_ymd_opt(year, month.into(), 1).unwrap();
            let days = (first.checked_add_months(Months::new(1)).unwrap() - first).num_days();
            let number = (first - first_of_all).num_days();
            assert_eq!(i64::from(days_in(year, month)), days, "{first}");
            assert_eq!(day_number(year, month, 1), number, "{first}");
            assert_eq!(day_number(year, month, days_in(year, month)), number + days - 1, "{first}");
            assert_eq!((year_of(number), year_of(number + days - 1)), (year, year), "{first}");
        }
    }

    #[test]
    fn the_years_of_all_days_are_numbers() {
        assert_eq!((year_of(i64::MIN), year_of(i64::MAX)), (i32::MIN, i32::MAX));
    }

    #[test]
    fn a_date_is_one_that_exists() {
        for (year, month, day, exists) in [
            (2026, 1, 1, true),
            (2026, 1, 31, true),
            (2026, 1, 32, false),
            (2026, 1, 0, false),
            (2026, 0, 1, false),
            (2026, 12, 31, true),
            (2026, 13, 1, false),
            (2026, 2, 29, false),
            (2024, 2, 29, true),
            (2100, 2, 29, false),
            (2000, 2, 29, true),
        ] {
            let expected = exists.then(|| day_number(year, month, day));
            assert_eq!(date(year, month, day), expected, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn a_clock_has_24_hours_and_perhaps_a_leap_second_and_a_fraction() {
        for (text, expected) in [
            ("00:00:00", Some((0, 8))),
            ("01:02:03", Some((at(1, 2, 3), 8))),
            ("23:59:59", Some((at(23, 59, 59), 8))),
            ("23:59:60", Some((at(24, 0, 0), 8))),
            ("23:59:61", None),
            ("23:60:00", None),
            ("24:00:00", None),
            ("1:02:03", None),
            ("01.02.03", None),
            ("01:02", None),
            ("01:02:03.4", Some((at(1, 2, 3) + 400, 10))),
            ("01:02:03,045", Some((at(1, 2, 3) + 45, 12))),
            ("01:02:03.0069", Some((at(1, 2, 3) + 6, 13))),
            ("01:02:03.999999999", Some((at(1, 2, 3) + 999, 18))),
            // A full stop or comma without a digit after it is not part of the time.
            ("01:02:03.", Some((at(1, 2, 3), 8))),
            ("01:02:03, x", Some((at(1, 2, 3), 8))),
            ("01:02:03-5", Some((at(1, 2, 3), 8))),
        ] {
            assert_eq!(clock(text.as_bytes(), 0), expected, "{text}");
            let expected = expected.map(|(ms, end)| (ms, end + 2));
            assert_eq!(clock(format!("x {text}").as_bytes(), 2), expected, "{text}");
        }
    }

    #[test]
    fn a_stamp_of_rfc_3164_has_a_month_and_a_day_of_it() {
        let ms = at(20, 19, 26);
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        for (month, name) in (1..).zip(months) {
            check(&format!("{name} 22 20:19:26"), Some(Stamp::NoYear { month, day: 22, ms }));
        }
        let november = |day| Some(Stamp::NoYear { month: 11, day, ms });
        for day in ["Nov 2", "Nov  2", "Nov 02"] {
            check(&format!("{day} 20:19:26"), november(2));
            check(&format!("{day} 2026 20:19:26"), Some(Stamp::NoZone { day: day_number(2026, 11, 2), ms }));
        }
        check("Nov 30 20:19:26", november(30));
        check("Feb 29 20:19:26", Some(Stamp::NoYear { month: 2, day: 29, ms }));
        check("Feb 29 2024 20:19:26", Some(Stamp::NoZone { day: day_number(2024, 2, 29), ms }));
        for text in [
            "Nov 31 20:19:26",
            "Nov 0 20:19:26",
            "Nov x 20:19:26",
            "Feb 30 20:19:26",
            "Feb 29 2026 20:19:26",
            "Nox 22 20:19:26",
            "nov 22 20:19:26",
            "Nov-22 20:19:26",
            "Nov 22-20:19:26",
            "Nov 22 2026-20:19:26",
            "Nov 22 20:19:26x",
            "Nov 22 24:19:26",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_stamp_of_iso_8601_has_an_offset_or_none() {
        let (day, ms) = (day_number(2026, 11, 22), at(20, 19, 26));
        let exact = |east_minutes: i64| Some(Stamp::Exact(Time(day * DAY_MS + i64::from(ms) - east_minutes * 60_000)));
        check("2026-11-22T20:19:26", Some(Stamp::NoZone { day, ms }));
        check("2026-11-22 20:19:26", Some(Stamp::NoZone { day, ms }));
        for (offset, east) in [
            ("Z", exact(0)),
            ("z", exact(0)),
            ("+00:00", exact(0)),
            ("+05:30", exact(330)),
            ("+0530", exact(330)),
            ("+05", exact(300)),
            ("-05:30", exact(-330)),
            ("-05", exact(-300)),
            ("+23:59", exact(23 * 60 + 59)),
            ("+24:00", None),
            ("+01:60", None),
            ("+0160", None),
            ("+01:", None),
            ("+1", None),
            ("Zx", None),
        ] {
            for between in ["T", "t", " "] {
                check(&format!("2026-11-22{between}20:19:26{offset}"), east);
            }
        }
        for text in [
            "2026/11-22T20:19:26",
            "2026-11/22T20:19:26",
            "2026-11-22_20:19:26",
            "2026-13-22T20:19:26",
            "2026-11-31T20:19:26",
            "2026-11-22T20:19",
            "226-11-22T20:19:26",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn blanks_and_tabs_follow_a_stamp_or_nothing() {
        let stamp = Stamp::NoYear { month: 11, day: 22, ms: at(20, 19, 26) };
        for (after, rest) in [("", ""), (" ", ""), ("\tmx1", "mx1"), (" \t mx1 x", "mx1 x")] {
            assert_eq!(read(&format!("Nov 22 20:19:26{after}")), Some((stamp, rest)), "{after:?}");
        }
        assert_eq!(read(""), None);
        assert_eq!(read("<22>Nov 22 20:19:26 mx1"), None);
    }
}
