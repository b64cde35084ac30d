//! Seconds since 1970: `1795378811.599454` (journalctl -o short-unix, rsyslog's date-unixtimestamp), `[1795378811.599]` (OpenWrt's
//! logread -t), `@400000006b034e8523baf39c` (TAI64N of multilog, s6-log and svlogd).

use super::super::stamp::Stamp;
use crate::model::Time;

/// Seconds since 1970 have ten digits from 2001 on; a time since boot has fewer.
const DIGITS: usize = 10;
/// The label of 1970-01-01 UTC. TAI64 counts from 2^62; daemontools takes TAI to be ten seconds ahead and ignores leap seconds
/// since.
const TAI_1970: u64 = (1 << 62) + 10;

pub fn unix(b: &[u8]) -> Option<(Stamp, usize)> {
    let end = digits(b);
    let whole: i64 = std::str::from_utf8(&b[..end]).ok()?.parse().ok()?;
    match end {
        DIGITS if b.get(end) == Some(&b'.') => {
            let fraction = &b[end + 1..];
            let end = end + 1 + digits(fraction);
            let ms = fraction.iter().chain(b"000").take(3).take_while(|d| d.is_ascii_digit());
            let (ms, unit) = ms.fold((0, 1000), |(ms, unit), d| (ms + i64::from(d - b'0') * (unit / 10), unit / 10));
            debug_assert!(unit <= 1000);
            Some((Stamp::Exact(Time(whole * 1000 + ms)), end))
        }
        DIGITS => Some((Stamp::Exact(Time(whole * 1000)), end)),
        13 => Some((Stamp::Exact(Time(whole)), end)),
        16 => Some((Stamp::Exact(Time(whole / 1000)), end)),
        19 => Some((Stamp::Exact(Time(whole / 1_000_000)), end)),
        _ => None,
    }
}

pub fn bracketed(b: &[u8]) -> Option<(Stamp, usize)> {
    let (stamp, end) = unix(b.strip_prefix(b"[")?)?;
    (b.get(end + 1) == Some(&b']')).then_some((stamp, end + 2))
}

pub fn tai64n(b: &[u8]) -> Option<(Stamp, usize)> {
    let label = std::str::from_utf8(b.strip_prefix(b"@")?.get(..24)?).ok()?;
    if !label.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let seconds = u64::from_str_radix(&label[..16], 16).ok()?.checked_sub(TAI_1970)?;
    let nanos = u32::from_str_radix(&label[16..], 16).ok()?;
    let ms = i64::try_from(seconds).ok()?.checked_mul(1000)?.checked_add(i64::from(nanos / 1_000_000))?;
    Some((Stamp::Exact(Time(ms)), 25))
}

fn digits(b: &[u8]) -> usize {
    b.iter().take(20).take_while(|b| b.is_ascii_digit()).count()
}
