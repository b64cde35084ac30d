//! When to retry and how long to wait before: pure rules, and a count of the retries.

use crate::model::Time;
use chrono::DateTime;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Retries of this process, which is one run. One counter is enough: source and store are not told apart.
static RETRIES: AtomicU64 = AtomicU64::new(0);

/// Attempts for one request, or for the items of one bulk request, before it is an error.
pub(crate) const TRIES: u32 = 5;

/// Longest wait, whatever a server asks for: the next run comes in a quarter of an hour.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts requests or documents that are sent again.
pub(crate) fn note(sent_again: u64) {
    RETRIES.fetch_add(sent_again, Ordering::Relaxed);
}

/// Number of requests, and of documents in bulk requests, that this process has sent again.
pub(crate) fn noted() -> u64 {
    RETRIES.load(Ordering::Relaxed)
}

/// Whether a retry may succeed after this status: 408, 429 and server errors.
pub(crate) fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Whether another node may succeed at once: this one, or a proxy before it, is unable to answer.
pub(crate) fn try_next_node(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// The wait after the `failed`-th failure in a row: what the server asked for, else half a second, doubled each time.
pub(crate) fn wait(failed: u32, asked: Option<Duration>) -> Duration {
    let own = Duration::from_millis(500) * 2u32.saturating_pow(failed.saturating_sub(1).min(10));
    asked.unwrap_or(own).min(LONGEST)
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which is taken relative to the answer's own `Date`.
pub(crate) fn retry_after(header: Option<&str>, date: Option<Time>) -> Option<Duration> {
    let header = header?.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait_ms = http_date(header)?.0.saturating_sub(date?.0);
    u64::try_from(wait_ms).ok().map(Duration::from_millis)
}

/// The time in an HTTP `Date`: `Sun, 22 Nov 2026 20:20:11 GMT`.
pub(crate) fn http_date(header: &str) -> Option<Time> {
    DateTime::parse_from_rfc2822(header).ok().map(|date| Time(date.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_have_an_end() {
        let waits: Vec<_> = [1, 2, 3, 4, 40].map(|failed| wait(failed, None).as_millis()).into();
        assert_eq!(waits, [500, 1000, 2000, 4000, 60_000]);
    }

    #[test]
    fn the_server_may_ask_for_a_wait_but_not_for_an_hour() {
        assert_eq!(wait(1, retry_after(Some("7"), None)), Duration::from_secs(7));
        assert_eq!(wait(1, retry_after(Some("3600"), None)), Duration::from_secs(60));
    }

    #[test]
    fn a_date_to_retry_after_is_relative_to_the_servers_clock() {
        let date = http_date("Sun, 22 Nov 2026 20:20:11 GMT");
        let asked = retry_after(Some("Sun, 22 Nov 2026 20:20:41 GMT"), date);
        assert_eq!(asked, Some(Duration::from_secs(30)));
        assert_eq!(retry_after(Some("Sun, 22 Nov 2026 20:20:41 GMT"), None), None);
        assert_eq!(retry_after(Some("soon"), date), None);
    }

    #[test]
    fn a_refused_query_is_not_tried_again() {
        assert_eq!([400, 401, 403, 404, 409, 413].map(may_pass), [false; 6]);
        assert_eq!([408, 429, 500, 502, 503, 504].map(may_pass), [true; 6]);
    }
}
