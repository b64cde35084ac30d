//! Numeric dates with other separators than RFC 3339: `2026/11/22 20:19:26`, `2026.11.22 20:19:26`, `20261122T201926Z`, with a
//! tab (Kiwi), a comma (WinSyslog) or an underscore (svlogd -tt, which writes UTC) before the time.

use super::super::stamp::{DAY_MS, Stamp, clock, date, four, two};
use crate::model::Time;

pub fn read(b: &[u8]) -> Option<(Stamp, usize)> {
    let year = four(b, 0)?;
    let divided = usize::from(matches!(b.get(4), Some(b'-' | b'/' | b'.')));
    if divided == 1 && b.get(7) != b.get(4) {
        return None;
    }
    let month = two(b, 4 + divided)?;
    let at = 6 + divided * 2;
    let day = date(year, month, two(b, at)?)?;
    let at = at + 2;
    let between = b.get(at).filter(|byte| matches!(byte, b' ' | b'\t' | b',' | b'_' | b'T'))?;
    let (ms, end) = clock(b, at + 1).or_else(|| undivided_clock(b, at + 1))?;
    // In columns separated by commas, the comma after the time begins the next column, not a fraction.
    let (ms, end) = match b.get(at + 9) {
        Some(b',') if *between == b',' => (ms / 1000 * 1000, at + 9),
        _ => (ms, end),
    };
    let utc = *between == b'_' || b.get(end) == Some(&b'Z');
    let end = end + usize::from(b.get(end) == Some(&b'Z'));
    let stamp = if utc { Stamp::Exact(Time(day * DAY_MS + i64::from(ms))) } else { Stamp::NoZone { day, ms } };
    Some((stamp, end))
}

/// `201926`.
fn undivided_clock(b: &[u8], at: usize) -> Option<(u32, usize)> {
    let (hour, minute, second) = (two(b, at)?, two(b, at + 2)?, two(b, at + 4)?);
    let possible = hour < 24 && minute < 60 && second <= 60;
    possible.then(|| (((u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second)) * 1000, at + 6))
}
