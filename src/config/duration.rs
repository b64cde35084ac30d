//! Durations as an administrator writes them: `90s`, `15m`, `24h`, `14d`.
//!
//! In: a text.  Out: a [`Span`] of at most a hundred years, so that no sum of them overflows milliseconds in 64 bits.
//! Refused on purpose: bare numbers, whose unit would be a guess.

use serde::{Deserialize, Deserializer, de};
use std::{fmt, str::FromStr, time::Duration};

/// Hint for a text that is not a duration.
pub const HINT: &str = "write a number with its unit, such as \"90s\", \"15m\", \"24h\" or \"14d\"";

/// The longest span accepted: a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// A duration typed as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// A span of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = String;

    /// Reads `15m`, `1h 30m`, `14days`. The error is a sentence without the hint.
    fn from_str(text: &str) -> Result<Self, String> {
        match humantime::parse_duration(text) {
            Ok(duration) if duration <= LONGEST => Ok(Self(duration)),
            Ok(_) => Err(format!("`{text}` is longer than a hundred years")),
            Err(_) => Err(format!("`{text}` is not a duration")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        /// Accepts strings only; the error for a bare number says what is expected.
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration in quotes")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        d.deserialize_str(Text)
    }
}

#[cfg(test)]
impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown =
            text.parse::<Span>().map_or_else(|why| format!("error: {why}"), |span| span.0.as_millis().to_string());
        assert_eq!(shown, expected);
    }

    #[test]
    fn units_are_read() {
        check("500ms", "500");
        check("90s", "90000");
        check("15m", "900000");
        check("60m", "3600000");
        check("24h", "86400000");
        check("14d", "1209600000");
        check("1h 30m", "5400000");
    }

    #[test]
    fn a_bare_number_is_not_a_duration() {
        check("15", "error: `15` is not a duration");
    }

    #[test]
    fn nonsense_is_not_a_duration() {
        check("", "error: `` is not a duration");
        check("15x", "error: `15x` is not a duration");
        check("-15m", "error: `-15m` is not a duration");
        check("99999999999999999999d", "error: `99999999999999999999d` is not a duration");
    }

    #[test]
    fn a_thousand_years_are_too_long() {
        check("1000y", "error: `1000y` is longer than a hundred years");
    }
}
