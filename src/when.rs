//! Moments as an administrator types them.
//!
//! In: `2026-11-22`, `2026-11-22 14:00`, RFC 3339, or how long ago (`14d`).  Out: [`When`], resolved against `now`
//! later. A moment without a zone is local time of this machine, as in the log files.

use crate::{
    config::duration::Span,
    error::{Error, Kind, Result},
    model::{Range, Time},
};
use chrono::{Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use std::str::FromStr;

/// A moment on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    At(Time),
    /// This long before now.
    Ago(Span),
}

impl When {
    /// The moment, given the current time.
    pub fn at(self, now: Time) -> Time {
        match self {
            Self::At(time) => time,
            // Never overflows: a span is at most a hundred years.
            Self::Ago(Span(span)) => now.plus(-i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Some(time) = moment(text) {
            return Ok(Self::At(time));
        }
        text.parse().map(Self::Ago).map_err(|_| {
            "neither a moment (\"2026-11-22\", \"2026-11-22 14:00\", \"2026-11-22T14:00:00Z\") nor a duration (\"14d\")".into()
        })
    }
}

/// An absolute moment, for `--now`, which cannot be relative to itself.
pub fn parse_moment(text: &str) -> std::result::Result<Time, String> {
    moment(text).ok_or_else(|| "not a moment such as \"2026-11-22T14:00:00Z\"".into())
}

/// `[since, until)`; an end not given is open. `None` if neither is given.
///
/// # Errors
/// `Kind::Usage` if the range is empty.
pub fn range(since: Option<When>, until: Option<When>, now: Time) -> Result<Option<Range>> {
    if since.is_none() && until.is_none() {
        return Ok(None);
    }
    let range =
        Range { from: since.map_or(Time::OF_LINES.from, |t| t.at(now)), to: until.map_or(Time::LATEST, |t| t.at(now)) };
    if range.from < range.to {
        return Ok(Some(range));
    }
    Err(Error::new(Kind::Usage, format!("there is no time between `{}` and `{}`", range.from, range.to))
        .hint("`--since` must be before `--until`"))
}

fn moment(text: &str) -> Option<Time> {
    if let Some(time) = Time::parse_rfc3339(text) {
        return Some(time);
    }
    let text = text.replacen('T', " ", 1);
    let with_time =
        || ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"].iter().find_map(|f| NaiveDateTime::parse_from_str(&text, f).ok());
    let day = || Some(NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN));
    let local = with_time().or_else(day)?;
    // In an hour that a clock change repeats, the first occurrence counts; a moment in a skipped hour does not exist.
    Some(Time(Local.from_local_datetime(&local).earliest()?.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_795_377_600_000);

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(text.parse::<When>().map_or_else(|e| e[..7].to_owned(), |w| w.at(NOW).to_string()), expected);
    }

    #[test]
    fn a_moment_with_a_zone_is_that_moment() {
        check("2026-11-22T14:00:00Z", "2026-11-22T14:00:00.000Z");
        check("2026-11-22 14:00:00.5+01:00", "2026-11-22T13:00:00.500Z");
    }

    #[test]
    fn a_duration_is_counted_back_from_now() {
        check("14d", "2026-11-08T20:00:00.000Z");
    }

    #[test]
    fn a_moment_without_a_zone_is_local() {
        let noon = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap().and_hms_opt(12, 0, 0).unwrap();
        let expected = Time(Local.from_local_datetime(&noon).unwrap().timestamp_millis());
        assert_eq!("2026-11-22 12:00".parse(), Ok(When::At(expected)));
        assert_eq!("2026-11-22T12:00:00".parse(), Ok(When::At(expected)));
    }

    #[test]
    fn nonsense_is_refused() {
        check("yesterday", "neither");
        check("2026-13-01", "neither");
    }

    #[test]
    fn an_empty_range_is_a_mistake() {
        let (early, late) = (When::Ago(Span::seconds(60)), When::Ago(Span::seconds(30)));
        assert_eq!(range(Some(late), Some(early), NOW).unwrap_err().kind(), Kind::Usage);
        assert_eq!(range(None, None, NOW).unwrap(), None);
        assert_eq!(range(Some(early), None, NOW).unwrap().unwrap().from, NOW.plus(-60_000));
    }
}
