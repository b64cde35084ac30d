//! Points in time as mailstitch keeps them: whole milliseconds since 1970, UTC.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Milliseconds since 1970-01-01 UTC. Every source is cut to this precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

impl Time {
    /// The first and the last moment that can be written: RFC 3339, used in documents, ledgers and queries, has four digits for a
    /// year, and dates of search engines begin with the year 1.
    pub const EARLIEST: Self = Self(-62_135_596_800_000);
    pub const LATEST: Self = Self(253_402_300_799_999);

    /// The times that a line may have: from 1970, where document ids and the names of monthly indices begin, to before the last
    /// day of the year 9999, so that a search up to [`LATEST`](Self::LATEST) finds all lines.
    pub const OF_LINES: Range = Range { from: Self(0), to: Self(253_402_214_400_000) };

    /// From whole seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The whole second that holds this time.
    pub const fn second(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time with its milliseconds cut off.
    pub const fn floor_second(self) -> Self {
        Self(self.second() * 1000)
    }

    /// `ms` later (earlier when negative), clamped to what can be written.
    #[must_use]
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms)).writable()
    }

    /// As chrono's type; clamped to what can be written.
    pub fn utc(self) -> DateTime<Utc> {
        // chrono can hold every clamped time.
        DateTime::from_timestamp_millis(self.writable().0).unwrap_or_default()
    }

    /// Parses RFC 3339, in any zone; `None` for an invalid text, and for a moment that cannot be written in UTC, such as
    /// `9999-12-31T23:59:59-12:00`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let time = Self(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis());
        (time == time.writable()).then_some(time)
    }

    fn writable(self) -> Self {
        self.clamp(Self::EARLIEST, Self::LATEST)
    }

    /// Parses a time in one of our own files. mailstitch 0.1 wrote years that RFC 3339 has no digits for, such as
    /// `+10000-01-01T11:59:59.000Z` and `-0001-12-31T12:00:00.000Z`; the nearest time that can be written is taken for these.
    fn read(text: &str) -> Option<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(time.timestamp_millis()).writable());
        }
        let (beyond, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (Self::LATEST, rest),
            ("-", rest) => (Self::EARLIEST, rest),
            _ => return None,
        };
        let (year, rest) = rest.split_once('-')?;
        let is_year = (4..=6).contains(&year.len()) && year.bytes().all(|b| b.is_ascii_digit());
        // Only the form of the rest is checked, in a leap year, which has every day.
        (is_year && Self::parse_rfc3339(&format!("2000-{rest}")).is_some()).then_some(beyond)
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(t: DateTime<Utc>) -> Self {
        Self(t.timestamp_millis())
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-22T20:20:11.599Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::read(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an RFC 3339 time")))
    }
}

/// A half-open range of time, `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// First moment inside.
    pub from: Time,
    /// First moment after it.
    pub to: Time,
}

impl Range {
    /// Whether `t` lies inside.
    pub fn contains(self, t: Time) -> bool {
        self.from <= t && t < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        let read = serde_json::from_value::<Time>(written.into());
        assert_eq!(read.map_or_else(|_| "none".to_owned(), |time| time.to_string()), expected, "{written}");
    }

    #[test]
    fn the_ends_are_those_of_the_calendar() {
        assert_eq!(Time::EARLIEST.to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Time::LATEST.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Time::OF_LINES.from.to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time::OF_LINES.to.to_string(), "9999-12-31T00:00:00.000Z");
    }

    #[test]
    fn a_moment_that_an_older_mailstitch_wrote_is_the_nearest_that_there_is() {
        check("+10000-01-01T11:59:59.000Z", "9999-12-31T23:59:59.999Z");
        check("-0001-12-31T12:00:00.000Z", "0001-01-01T00:00:00.000Z");
        check("0000-12-31T12:00:00.000Z", "0001-01-01T00:00:00.000Z");
        check("-262143-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z");
        check("+262142-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z");
        check("-2026-11-22", "none");
        check("+", "none");
        check("", "none");
        check("\u{fc}", "none");
    }

    #[test]
    fn a_moment_beyond_the_calendar_in_utc_is_none() {
        assert_eq!(Time::parse_rfc3339("9999-12-31T23:59:59-12:00"), None);
        assert_eq!(Time::parse_rfc3339("0001-01-01T00:00:00+00:01"), None);
        assert_eq!(Time::parse_rfc3339("9999-12-31T23:59:59Z").unwrap().plus(1000), Time::LATEST);
    }

    proptest! {
        #[test]
        fn what_is_written_of_any_number_can_be_read(ms in any::<i64>(), later in any::<i64>()) {
            for time in [Time(ms), Time(ms).plus(later), Time(ms / 36_500)] {
                let read: Time = serde_json::from_value(serde_json::to_value(time).unwrap()).unwrap();
                prop_assert_eq!(read, time.clamp(Time::EARLIEST, Time::LATEST));
                prop_assert_eq!(Time::parse_rfc3339(&time.to_string()), Some(read));
            }
        }
    }
}
