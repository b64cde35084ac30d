//! Stamps other than the plain ones of [`stamp`](super::stamp): of other daemons, other settings and other languages.
//!
//! In: a text that may begin with a stamp.  Out: the stamp, and the rest without leading blanks.
//! To add a form, write a reader in a small file and list it in [`FORMS`].
//! Ignored on purpose: dates whose day and month cannot be told apart (`11/12/2026`), twelve-hour clocks, and times since boot
//! (`[   12.345678]`), which give no point in time.

mod named;
mod numeric;
mod since;
mod zone;

pub use zone::is_zone;

use super::stamp::{self, Stamp};

/// A form: the stamp that bytes begin with, and its length.
type Form = fn(&[u8]) -> Option<(Stamp, usize)>;

const FORMS: &[Form] = &[numeric::read, named::read, since::tai64n, since::unix, since::bracketed];

/// The stamp that `text` begins with, in any form.
pub fn read(text: &str) -> Option<(Stamp, &str)> {
    let (stamp, rest) = stamp::read(text).or_else(|| other(text))?;
    Some(zone::and_year(stamp, rest).map_or((stamp, rest), |(stamp, end)| (stamp, unblanked(&rest[end..]))))
}

fn other(text: &str) -> Option<(Stamp, &str)> {
    let (stamp, end) = FORMS.iter().find_map(|form| form(text.as_bytes()))?;
    let rest = text.get(end..)?;
    // WinSyslog separates columns by commas.
    rest.starts_with([' ', '\t', ',']).then(|| (stamp, unblanked(&rest[1..])))
}

fn unblanked(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    /// Compares a stamp with its meaning: `…Z` is a point in time, without `Z` a wall clock; `?` stands for the year.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = read(&format!("{text} mx1")).map(|(stamp, rest)| {
            assert_eq!(rest, "mx1", "{text}");
            match stamp {
                Stamp::Exact(time) => time.to_string(),
                Stamp::NoZone { day, ms } => {
                    Time(day * stamp::DAY_MS + i64::from(ms)).to_string().trim_end_matches('Z').to_owned()
                }
                Stamp::NoYear { month, day, ms } => {
                    let clock = Time(i64::from(ms)).to_string();
                    format!("?-{month:02}-{day:02}{}", clock[10..].trim_end_matches('Z'))
                }
            }
        });
        assert_eq!(found.unwrap_or_else(|| "none".to_owned()), expected, "{text}");
    }

    #[test]
    fn a_year_may_stand_anywhere_and_a_weekday_before() {
        check("2013 Jun 10 06:27:30.123", "2013-06-10T06:27:30.123");
        check("Nov 22 20:19:26 2026", "2026-11-22T20:19:26.000");
        check("Nov 22 2026 20:19:26", "2026-11-22T20:19:26.000");
        check("Sun Nov 22 20:19:26 2026", "2026-11-22T20:19:26.000");
        check("Sun Nov  2 20:19:26 2026", "2026-11-02T20:19:26.000");
        check("Sun Nov 22 20:19:26", "?-11-22T20:19:26.000");
        check("Sun, 22 Nov 2026 20:19:26 +0100", "2026-11-22T19:19:26.000Z");
        check("22-Nov-2026 20:19:26.5", "2026-11-22T20:19:26.500");
        check("22/Nov/2026:20:19:26 +0100", "2026-11-22T19:19:26.000Z");
    }

    #[test]
    fn a_zone_may_stand_as_a_word() {
        check("Sun 2026-11-22 20:19:26 CET", "2026-11-22T19:19:26.000Z");
        check("Sun 2026-11-22 20:19:26.123456 UTC", "2026-11-22T20:19:26.123Z");
        check("Sun 2026-11-22 20:19:26 +0530", "2026-11-22T14:49:26.000Z");
        check("2026-07-01 20:19:26 CEST", "2026-07-01T18:19:26.000Z");
        check("Sun Nov 22 20:19:26 UTC 2026", "2026-11-22T20:19:26.000Z");
        // `IST` is used in three countries: the settings decide.
        check("Sun 2026-11-22 20:19:26 IST", "2026-11-22T20:19:26.000");
    }

    #[test]
    fn a_date_of_numbers_has_many_divisions() {
        check("2026/11/22 20:19:26", "2026-11-22T20:19:26.000");
        check("2026.11.22 20:19:26,5", "2026-11-22T20:19:26.500");
        check("2026-11-22\t20:19:26", "2026-11-22T20:19:26.000");
        check("2026-11-22,20:19:26", "2026-11-22T20:19:26.000");
        check("2026-11-22_20:19:26.12345", "2026-11-22T20:19:26.123Z");
        check("20261122T201926Z", "2026-11-22T20:19:26.000Z");
        check("20261122 20:19:26", "2026-11-22T20:19:26.000");
        check("2026/13/22 20:19:26", "none");
        check("11/12/2026 20:19:26", "none");
    }

    #[test]
    fn seconds_since_1970_come_in_several_units() {
        check("1795378811", "2026-11-22T20:20:11.000Z");
        check("1795378811.599454", "2026-11-22T20:20:11.599Z");
        check("1795378811599", "2026-11-22T20:20:11.599Z");
        check("[1795378811.599]", "2026-11-22T20:20:11.599Z");
        check("@400000006b034e8523baf39c", "2026-11-22T20:20:11.599Z");
        check("[   12.345678]", "none");
        check("[12345.678901]", "none");
        check("17953788", "none");
        check("@400000006b034e852", "none");
    }

    #[test]
    fn months_are_written_in_the_language_of_the_locale() {
        for (stamp, month) in [
            ("nov. 22", 11),
            ("août 22", 8),
            ("févr. 22", 2),
            ("déc. 22", 12), // French
            ("Mär 22", 3),
            ("Mai 22", 5),
            ("Okt 22", 10),
            ("Dez 22", 12), // German
            ("ene 22", 1),
            ("abr 22", 4),
            ("ago 22", 8),
            ("dic 22", 12), // Spanish
            ("gen 22", 1),
            ("mag 22", 5),
            ("lug 22", 7),
            ("set 22", 9),
            ("ott 22", 10), // Italian
            ("mrt 22", 3),
            ("mei 22", 5), // Dutch
            ("fev 22", 2),
            ("out 22", 10), // Portuguese
            ("maj 22", 5),
            ("juli 22", 7), // Danish, Swedish
            ("sty 22", 1),
            ("paź 22", 10),
            ("gru 22", 12), // Polish
            ("led 22", 1),
            ("kvě 22", 5),
            ("zář 22", 9), // Czech
            ("янв 22", 1),
            ("мая 22", 5),
            ("дек 22", 12), // Russian
            ("1月 22", 1),
            ("11月 22", 11), // Chinese, Japanese
            ("12월 22", 12), // Korean
        ] {
            check(&format!("{stamp} 20:19:26"), &format!("?-{month:02}-22T20:19:26.000"));
        }
        check("to 22 20:19:26", "none");
        check("13月 22 20:19:26", "none");
    }

    #[test]
    fn zones_west_of_greenwich_are_behind() {
        for (zone, hours) in [("EDT", 4), ("CDT", 5), ("MDT", 6), ("PDT", 7), ("AKDT", 8)] {
            check(&format!("2026-07-01 10:19:26 {zone}"), &format!("2026-07-01T{}:19:26.000Z", 10 + hours));
        }
        for (zone, hours) in
            [("GMT", 0), ("WET", 0), ("WEST", 1), ("MEZ", 1), ("MESZ", 2), ("EET", 2), ("EEST", 3), ("MSK", 3)]
        {
            check(&format!("2026-07-01 20:19:26 {zone}"), &format!("2026-07-01T{}:19:26.000Z", 20 - hours));
        }
    }

    #[test]
    fn a_year_after_the_clock_is_one_of_our_age_in_the_column_of_its_stamp() {
        for (text, rest) in [
            ("Nov 22 20:19:26 1970 mx1", "mx1"),
            ("Nov 22 20:19:26 1969 mx1", "1969 mx1"),
            ("Nov 22 20:19:26 2199 mx1", "mx1"),
            ("Nov 22 20:19:26 2200 mx1", "2200 mx1"),
            ("Nov 22 20:19:26 2026\tmx1", "mx1"),
            ("Nov 22 20:19:26 2026", ""),
            ("Nov 22 20:19:26 2026x mx1", "2026x mx1"),
            ("Nov 22 20:19:26 UTC\t2026 mx1", "2026 mx1"),
            ("Nov 22 20:19:26 UTC mx1", "mx1"),
            ("2026-11-22 20:19:26 2026 mx1", "2026 mx1"),
            ("2026-11-22T20:19:26Z CET mx1", "CET mx1"),
        ] {
            assert_eq!(read(text).map(|(_, rest)| rest), Some(rest), "{text}");
        }
    }

    #[test]
    fn a_fraction_of_a_second_has_any_number_of_digits() {
        check("1795378811.5", "2026-11-22T20:20:11.500Z");
        check("1795378811.05", "2026-11-22T20:20:11.050Z");
        check("1795378811.0059", "2026-11-22T20:20:11.005Z");
        check("1795378811.123456789", "2026-11-22T20:20:11.123Z");
        check("1795378811599454", "2026-11-22T20:20:11.599Z");
        check("1795378811599454321", "2026-11-22T20:20:11.599Z");
        check("[1795378811]", "2026-11-22T20:20:11.000Z");
        check("[1795378811.599", "none");
        check("179537881159", "none");
    }

    #[test]
    fn a_label_of_tai_is_24_digits_of_base_16_from_1970_on() {
        check("@400000000000000a00000000", "1970-01-01T00:00:00.000Z");
        check("@400000000000000b3B9AC9FF", "1970-01-01T00:00:01.999Z");
        check("@400000000000000900000000", "none");
        check("@400000006b034e8523baf39g", "none");
        check("400000006b034e8523baf39c", "none");
    }

    #[test]
    fn days_and_months_have_their_number_also_in_words() {
        check("nov.  2 20:19:26", "?-11-02T20:19:26.000");
        check("nov. 2 20:19:26", "?-11-02T20:19:26.000");
        check("ene  2 20:19:26", "?-01-02T20:19:26.000");
        check("nov. 30 20:19:26.5", "?-11-30T20:19:26.500");
        check("févr. 29 20:19:26", "?-02-29T20:19:26.000");
        check("11月 2 20:19:26", "?-11-02T20:19:26.000");
        check("Sun 2013 Jun  9 06:27:30", "2013-06-09T06:27:30.000");
        check("2 Nov 2026 20:19:26", "2026-11-02T20:19:26.000");
        check("22/Nov/2026 20:19:26", "2026-11-22T20:19:26.000");
        check("Mon, 2 Nov 2026 20:19:26", "2026-11-02T20:19:26.000");
        for text in [
            "nov. 31 20:19:26",
            "nov. 0 20:19:26",
            "nov. 22-20:19:26",
            "févr. 30 20:19:26",
            "0月 22 20:19:26",
            "11月 31 20:19:26",
            "2013 Jun 31 06:27:30",
            "2013-Jun 10 06:27:30",
            "2013 Jun 10-06:27:30",
            "31 Nov 2026 20:19:26",
            "22-Nov/2026 20:19:26",
            "22+Nov+2026 20:19:26",
            "22-Nov-2026-20:19:26",
            "Son 22 Nov 20:19:26",
            "Sun,Nov 22 20:19:26",
        ] {
            check(text, "none");
        }
    }

    #[test]
    fn a_date_of_numbers_is_one_that_exists_with_a_clock_that_does() {
        check("20261122T235960Z", "2026-11-23T00:00:00.000Z");
        check("20261122T010203", "2026-11-22T01:02:03.000");
        check("2026/11/22 20:19:26.25", "2026-11-22T20:19:26.250");
        // In columns separated by commas, the next column is not a fraction.
        assert_eq!(read("2026-11-22,20:19:26,500,mx1").map(|(_, rest)| rest), Some("500,mx1"));
        for text in [
            "20261122T240000",
            "20261122T236000",
            "20261122T235961",
            "20261131T201926",
            "2026-11/22,20:19:26",
            "2026/11-22 20:19:26",
            "2026/11/31 20:19:26",
            "2026/11/22+20:19:26",
            "202611-22 20:19:26",
        ] {
            check(text, "none");
        }
    }
}
