//! Queue ids of sendmail (`queue.c assign_queueid`). From 8.10 on they begin with the time of their creation (`6AMKJjq4009066`);
//! it is read from ids of 8.12 and later only.

use super::BELIEVED;
use crate::model::Time;
use chrono::{Datelike, NaiveDate};

/// The 60 digits of `queue.c QueueIdChars`.
const DIGITS: u32 = 60;

/// Whether a word is a queue id as `queue.c assign_queueid` makes it: `YMDhmsSSpid`, in UTC, with a process id of at least six
/// digits. Month, day, hour, minute and second must be possible. Ids before 8.12 have one digit of a sequence and a process id of
/// five or six digits (`e6G2PqO05058`); those before 8.10 have the hour, two letters of a sequence and the process id
/// (`JAB14995`).
pub fn is_id(word: &str) -> bool {
    parts(word).is_some() || is_8_10(word) || is_8_9(word)
}

/// Whether an id has the form of 8.12 and later, which no other server makes.
pub fn is_timed(word: &str) -> bool {
    parts(word).is_some()
}

fn is_8_10(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = |from: usize| bytes[from..].iter().all(u8::is_ascii_digit);
    (12..=13).contains(&bytes.len()) && digits(7) && digit(bytes[6]).is_some() && date(bytes).is_some()
}

/// The first letter is the hour, `A` to `X`.
fn is_8_9(word: &str) -> bool {
    let bytes = word.as_bytes();
    let letters = || bytes[1].is_ascii_alphabetic() && bytes[2].is_ascii_uppercase();
    (8..=10).contains(&bytes.len())
        && matches!(bytes[0], b'A'..=b'X')
        && letters()
        && bytes[3..].iter().all(u8::is_ascii_digit)
}

/// The year in an id is known modulo 60; the one nearest to this date is taken (2022-01-01, so 1992 to 2051).
const AROUND: Time = Time(1_640_995_200_000);

/// The UTC second in which a queue id was made; `None` if the word is no id, or one that holds no time.
pub fn time(id: &str) -> Option<Time> {
    time_near(id, AROUND).filter(|time| BELIEVED.contains(time))
}

/// The UTC second in which a queue id was made. The id holds its year only modulo 60, so the year nearest to that of `around` is
/// taken. `None` if the word is no id of 8.12 or later.
fn time_near(id: &str, around: Time) -> Option<Time> {
    let [year, month, day, hour, minute, second] = parts(id)?;
    let around = around.utc().year();
    // `year` counts from 1900, modulo 60: take the one from 30 years before to 29 years after the year of `around`.
    let offset = (1900 + i32::try_from(year).ok()? - around + 30).rem_euclid(60) - 30;
    let date = NaiveDate::from_ymd_opt(around.checked_add(offset)?, month + 1, day)?;
    Some(date.and_hms_opt(hour, minute, second)?.and_utc().into())
}

/// Year modulo 60 (from 1900), month from 0, day, hour, minute, second.
fn parts(id: &str) -> Option<[u32; 6]> {
    let bytes = id.as_bytes();
    if !(14..=18).contains(&bytes.len()) || !bytes[8..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    bytes[..8].iter().all(|byte| digit(*byte).is_some()).then(|| date(bytes))?
}

/// The date and time at the beginning of an id of at least six characters, if they are possible.
fn date(bytes: &[u8]) -> Option<[u32; 6]> {
    let mut values = [0; 6];
    for (value, byte) in values.iter_mut().zip(bytes) {
        *value = digit(*byte)?;
    }
    let [year, month, day, hour, minute, second] = values;
    let possible = month < 12 && (1..=31).contains(&day) && hour < 24;
    possible.then_some([year, month, day, hour, minute, second])
}

/// The value of one digit in base 60. Every digit is a possible minute or second.
fn digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        b'a'..=b'z' => byte - b'a' + 36,
        _ => return None,
    };
    Some(u32::from(value)).filter(|v| *v < DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_date_and_a_process() {
        assert!(is_id("6010000f004711"));
        assert!(is_id("6AMKJjq4009066"));
        assert!(is_id("6AMKJjq41009066"));
        for wrong in
            ["6C10000f004711", "6000000f004711", "6010O00f00471x", "601000zf004711", "6010000f04711", "collect"]
        {
            assert!(!is_id(wrong), "{wrong}");
        }
        assert!(!is_id("601Oxx0f004711"), "hour 24 does not exist");
    }

    #[test]
    fn ids_before_8_12_are_ids() {
        for id in [
            "e6G2PqO05058",
            "e6G2M7O04977",
            "e6EBXrO12616",
            "e6G2PqO105058",
            "JAB14995",
            "UAA01234",
            "WAA09999",
            "SAA123456",
        ] {
            assert!(is_id(id), "{id}");
        }
        for wrong in ["eCG2PqO05058", "e6G2PqO0505x", "ZAA12345", "AA123456", "JaB1499", "JAb14995", "timeout12345"] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }

    #[track_caller]
    fn check_time(id: &str, around: &str, expected: &str) {
        let around = Time::parse_rfc3339(around).unwrap();
        assert_eq!(time_near(id, around).map(|t| t.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn an_id_holds_its_second_and_the_line_its_century() {
        check_time("6010000f004711", "2026-01-01T00:00:05Z", "2026-01-01T00:00:00.000Z");
        check_time("6AMKJjq4009066", "2026-11-22T20:19:45Z", "2026-11-22T20:19:45.000Z");
        check_time("5BVNxx00004711", "2026-01-01T00:00:05Z", "2025-12-31T23:59:59.000Z");
        check_time("6010000f004711", "1970-01-01T00:00:00Z", "1966-01-01T00:00:00.000Z");
        check_time("61U0000f004711", "2026-01-01T00:00:00Z", "");
    }

    #[test]
    fn each_part_of_a_date_has_its_bounds() {
        for (id, known) in [
            ("6B10000f004711", true),
            ("6C10000f004711", false),
            ("6010000f004711", true),
            ("6000000f004711", false),
            ("60V0000f004711", true),
            ("60W0000f004711", false),
            ("601N000f004711", true),
            ("601O000f004711", false),
            ("601Nxx0f004711", true),
            ("601Nxy0f004711", false),
            ("601Nyx0f004711", false),
            ("601Nxxyf004711", false),
            ("6010000f0047110000", true),
            ("6010000f00471100000", false),
            ("6010000f00471", false),
            ("6010000-004711", false),
        ] {
            assert_eq!((is_id(id), is_timed(id)), (known, known), "{id}");
        }
    }

    #[test]
    fn an_old_id_has_the_length_of_its_form_and_no_time_that_is_sure() {
        for (id, known) in [
            ("e6G2PqO0505", false),
            ("e6G2PqO05058", true),
            ("e6G2PqO050581", true),
            ("e6G2Pq-05058", false),
            ("e6G2PqOO5058", false),
            ("JAB1499", false),
            ("JAB14995", true),
            ("XAB1499512", true),
            ("YAB14995", false),
            ("JAB14995123", false),
            ("J1B14995", false),
            ("JA114995", false),
            ("JAB1499x", false),
            ("1AB14995", false),
        ] {
            assert_eq!((is_id(id), is_timed(id)), (known, false), "{id}");
        }
    }

    /// The year is known modulo 60.
    #[test]
    fn the_year_of_an_id_is_the_nearest() {
        check_time("a010000f004711", "2026-01-01T00:00:05Z", "1996-01-01T00:00:00.000Z");
        check_time("Z010000f004711", "2026-01-01T00:00:05Z", "2055-01-01T00:00:00.000Z");
        check_time("60V0000f004711", "2026-01-01T00:00:05Z", "2026-01-31T00:00:00.000Z");
        check_time("JAB14995", "2026-01-01T00:00:05Z", "");
    }

    #[test]
    fn a_sendmail_id_holds_its_time() {
        let t = time("6AMKKBZu042165").unwrap();
        assert_eq!(t.to_string(), "2026-11-22T20:20:11.000Z");
        let t = time("6010000f004711").unwrap();
        assert_eq!(t.to_string(), "2026-01-01T00:00:00.000Z");
    }
}
