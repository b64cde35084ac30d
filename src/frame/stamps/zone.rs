//! The zone and the year that may follow a stamp: the zone as a word or as an offset after a blank, the year as ctime(3) and
//! date(1) write it.
//!
//! `Sun 2026-11-22 20:19:26 CET mx1 …`, `Sun Nov 22 20:19:26 UTC 2026 mx1 …`, `Nov 22 20:19:26 2026 mx1 …`.

use super::super::stamp::{DAY_MS, Stamp, date, four, two};
use crate::model::Time;

/// Abbreviations that mean one offset, in hours east. For others the configured zone is used: `IST` is used in three countries.
const ZONES: [(&str, i64); 16] = [
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("CEST", 2),
    ("MEZ", 1),
    ("MESZ", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("EDT", -4),
    ("CDT", -5),
    ("MDT", -6),
    ("PDT", -7),
    ("AKDT", -8),
];
/// Abbreviations that are recognised but say no offset: they are ambiguous, or used by other countries, too.
const UNSURE: [&str; 12] = ["BST", "IST", "EST", "CST", "MST", "PST", "AKST", "HST", "JST", "KST", "SAST", "AEST"];
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

/// The stamp completed by the zone and year after it, and their length; `None` if neither follows.
pub fn and_year(stamp: Stamp, rest: &str) -> Option<(Stamp, usize)> {
    if matches!(stamp, Stamp::Exact(_)) {
        return None;
    }
    let b = rest.as_bytes();
    let (zone, at) = zone(b).map_or((None, 0), |(zone, end)| (Some(zone), end));
    let after = at + usize::from(at > 0 && b.get(at) == Some(&b' '));
    let ended = |at: usize| matches!(b.get(at), None | Some(b' ' | b'\t'));
    let (dated, end) = match stamp {
        Stamp::NoYear { month, day, ms } => {
            match four(b, after).filter(|year| YEARS.contains(year) && ended(after + 4)) {
                Some(year) => (Stamp::NoZone { day: date(year, month, day)?, ms }, after + 4),
                None => (stamp, at),
            }
        }
        _ => (stamp, at),
    };
    let zoned = match (dated, zone.flatten()) {
        (Stamp::NoZone { day, ms }, Some(east)) => Stamp::Exact(Time(day * DAY_MS + i64::from(ms) - east)),
        _ => dated,
    };
    (end > 0).then_some((zoned, end))
}

/// Whether a word is the abbreviation of a zone.
pub fn is_zone(word: &str) -> bool {
    UNSURE.contains(&word) || ZONES.iter().any(|(name, _)| *name == word)
}

/// The zone at the beginning of a text: its offset in milliseconds east, if the word says it, and its length.
fn zone(b: &[u8]) -> Option<(Option<i64>, usize)> {
    let len = b.iter().take(7).take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
    let word = std::str::from_utf8(&b[..len]).ok()?;
    if let Some(sign @ (b'+' | b'-')) = b.first() {
        let hours = two(b, 1).filter(|h| *h < 24)?;
        let at = if b.get(3) == Some(&b':') { 4 } else { 3 };
        let (minutes, end) = if len == 3 { (0, 3) } else { (two(b, at).filter(|m| *m < 60)?, at + 2) };
        let east = i64::from(hours) * 3_600_000 + i64::from(minutes) * 60_000;
        return (end == len).then_some((Some(if *sign == b'-' { -east } else { east }), end));
    }
    if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == word) {
        return Some((Some(hours * 3_600_000), len));
    }
    UNSURE.contains(&word).then_some((None, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the zone at the beginning of a text: its length, and its minutes east if the word says them.
    #[track_caller]
    fn check(text: &str, expected: Option<(Option<i64>, usize)>) {
        let expected = expected.map(|(minutes, end)| (minutes.map(|minutes| minutes * 60_000), end));
        assert_eq!(zone(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn an_offset_has_hours_and_perhaps_minutes() {
        for after in ["", " 2026", "\tmx1"] {
            check(&format!("+0530{after}"), Some((Some(330), 5)));
            check(&format!("-05:30{after}"), Some((Some(-330), 6)));
            check(&format!("-05{after}"), Some((Some(-300), 3)));
            check(&format!("+23:59{after}"), Some((Some(23 * 60 + 59), 6)));
        }
        for text in ["+24", "+2400", "+0060", "+053", "+05300", "+05:300", "+5", "+", "+x530", "0530", "mx1", ""] {
            check(text, None);
        }
    }

    #[test]
    fn an_abbreviation_is_a_whole_word() {
        check("CET mx1", Some((Some(60), 3)));
        check("MESZ", Some((Some(120), 4)));
        check("UTC\tmx1", Some((Some(0), 3)));
        check("AKDT mx1", Some((Some(-480), 4)));
        check("IST mx1", Some((None, 3)));
        check("CETX mx1", None);
        check("cet mx1", None);
        for (word, expected) in
            [("CET", true), ("IST", true), ("UTC", true), ("mx1", false), ("CETX", false), ("", false)]
        {
            assert_eq!(is_zone(word), expected, "{word}");
        }
    }

    #[test]
    fn nothing_may_follow_a_stamp() {
        let wall = Stamp::NoYear { month: 11, day: 22, ms: 0 };
        assert_eq!(and_year(wall, "mx1"), None);
        assert_eq!(and_year(wall, ""), None);
        assert_eq!(and_year(Stamp::Exact(Time(0)), "CET mx1"), None);
    }
}
