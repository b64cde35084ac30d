//! Which monthly index a document belongs to. It is computed from the document id, so that gets, writes and deletes
//! need not ask.

use crate::model::{Range, Time};
use chrono::Datelike;

/// The leading hex digits of an id that are its time in UTC milliseconds.
const TIME_DIGITS: usize = 12;

/// `mail-transactions-2026.11` for an id of November 2026; `None` for an id that mailstitch did not make.
pub fn index_of(alias: &str, id: &str) -> Option<String> {
    let digits = id.get(..TIME_DIGITS).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let time = Time(i64::from_str_radix(digits, 16).ok()?).utc();
    Some(format!("{alias}-{:04}.{:02}", time.year(), time.month()))
}

/// The first moment after the month of an index; `None` if the index is not one of ours.
pub fn end_of(alias: &str, index: &str) -> Option<Time> {
    range_of(alias, index).map(|range| range.to)
}

/// The month of an index; `None` if the index is not one of ours.
pub fn range_of(alias: &str, index: &str) -> Option<Range> {
    let (year, month) = index.strip_prefix(alias)?.strip_prefix('-')?.split_once('.')?;
    if month.len() != 2 || year.len() < 4 {
        return None;
    }
    let (year, month): (i32, u32) = (year.parse().ok()?, month.parse().ok()?);
    let first = |year, month| {
        let first = chrono::NaiveDate::from_ymd_opt(year, month, 1)?.and_time(chrono::NaiveTime::MIN);
        Some(Time::from(first.and_utc()))
    };
    let next = if month == 12 { (year.checked_add(1)?, 1) } else { (year, month.checked_add(1)?) };
    Some(Range { from: first(year, month)?, to: first(next.0, next.1)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_comes_from_the_id() {
        let id = |ms: i64| format!("{ms:012x}0123456789abcdef");
        let november = Time::parse_rfc3339("2026-11-30T23:59:59.999Z").unwrap().0;
        assert_eq!(index_of("mail", &id(november)).as_deref(), Some("mail-2026.11"));
        assert_eq!(index_of("mail", &id(november + 1)).as_deref(), Some("mail-2026.12"));
        assert_eq!(index_of("mail", &id(0)).as_deref(), Some("mail-1970.01"));
    }

    #[test]
    fn an_id_of_somebody_else_has_no_month() {
        for id in ["", "abc", "+00000000000x", "zzzzzzzzzzzz", "ääääääääääää"] {
            assert_eq!(index_of("mail", id), None, "{id}");
        }
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let end = |index| end_of("mail", index).map(|time| time.to_string());
        assert_eq!(end("mail-2026.11").as_deref(), Some("2026-12-01T00:00:00.000Z"));
        assert_eq!(end("mail-2026.12").as_deref(), Some("2027-01-01T00:00:00.000Z"));
        assert_eq!(end("mail-2026.13"), None);
        assert_eq!(end("mail-old"), None);
        assert_eq!(end("post-2026.11"), None);
    }
}
