//! Ids: what a queue id is made of, and the document ids made from it.
//!
//! In: a queue id as logged, and a time near it. Out: its form, the time it holds, and the id of a document.

use crate::model::{LineId, Time};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

use super::key::Key;

/// Which generator made a queue id; decides whether the id can come back for another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdForm {
    /// Postfix default: microseconds and inode in hex (`global/mail_queue.h`). Comes back, always a whole number of
    /// seconds later.
    Short,
    /// Postfix `long_queue_ids`: holds the time of its creation. Never comes back.
    Long(Time),
    /// sendmail (`queue.c assign_queueid`): holds the time of its creation. Never comes back within 60 years.
    Sendmail(Time),
}

/// How far from its lines the time inside an id may lie and still be believed: a held message may wait for years.
const BELIEVED_MS: i64 = 1000 * 86_400_000;
/// How far it may lie after them: clocks differ.
const AHEAD_MS: i64 = 2 * 86_400_000;

impl IdForm {
    /// The form of a queue id whose first known line was logged `near`. What can be read as two forms is told apart by
    /// the time it would hold: a random hex id hardly ever decodes to a moment near its own lines.
    pub fn of(queue_id: &str, near: Time) -> Self {
        let believed = |t: &Time| t.0 <= near.0 + AHEAD_MS && t.0 >= near.0 - BELIEVED_MS;
        if let Some(t) = long_id_time(queue_id).filter(believed) {
            return Self::Long(t);
        }
        sendmail_id_time(queue_id, near).filter(believed).map_or(Self::Short, Self::Sendmail)
    }

    /// Whether the id stands for one message for ever.
    pub fn is_unique(self) -> bool {
        self != Self::Short
    }
}

/// The creation time in a long postfix queue id: `secs(base 52, ≥ 6) usecs(base 52, 4) z inode(base 51)`.
pub fn long_id_time(queue_id: &str) -> Option<Time> {
    let id = queue_id.as_bytes();
    let z = id.iter().rposition(|&b| b == b'z').filter(|&z| z >= 10 && z + 1 < id.len())?;
    if id.len() > 40 {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().try_fold(0i64, |n, &b| n.checked_mul(52)?.checked_add(base52(b)?));
    let (seconds, micros) = (number(&id[..z - 4])?, number(&id[z - 4..z])?);
    id[z + 1..].iter().all(|&b| base52(b).is_some()).then_some(())?;
    (micros < 1_000_000).then(|| Time(seconds.saturating_mul(1000).saturating_add(micros / 1000)))
}

/// The value of a digit of postfix's 52-letter alphabet (`global/safe_ultostr.c`): digits, then letters without vowels.
fn base52(digit: u8) -> Option<i64> {
    const ALPHABET: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    ALPHABET.iter().position(|&b| b == digit).map(|n| n as i64)
}

/// The time in the queue id that a line's text begins with, if it holds one; for stamps that have no year. A sendmail
/// id tells its year modulo 60: the one of 1992 to 2051 is meant.
pub fn time_in_text(text: &str) -> Option<Time> {
    const KNOWN_YEARS_END: Time = Time(4_102_444_800_000); // 2100
    const KNOWN_YEARS_START: Time = Time(946_684_800_000); // 2000
    let (id, _) = text.split_once(": ")?;
    let known = |t: &Time| (KNOWN_YEARS_START..KNOWN_YEARS_END).contains(t);
    long_id_time(id).filter(known).or_else(|| sendmail_id_time(id, Time(2_556_057_600_000)).filter(known))
}

/// The creation time in a sendmail queue id: `YMDhms` in base 60, two sequence digits, at least six digits of pid. The
/// year digit is the year modulo 60 from 1900; the latest such year not after `near` is meant.
pub fn sendmail_id_time(queue_id: &str, near: Time) -> Option<Time> {
    let id = queue_id.as_bytes();
    if !(14..=20).contains(&id.len()) || !id[8..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |n: usize| base60(id[n]);
    let (year, month, day) = (digit(0)?, digit(1)? + 1, digit(2)?);
    let (hour, minute, second) = (digit(3)?, digit(4)?, digit(5)?);
    digit(6).and(digit(7))?;
    let last = i64::from(chrono::Datelike::year(&near.plus(AHEAD_MS).utc()));
    let year = last - (last - 1900 - i64::from(year)).rem_euclid(60);
    let date = chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(Time(date.and_hms_opt(hour, minute, second)?.and_utc().timestamp_millis()))
}

fn base60(digit: u8) -> Option<u32> {
    match digit {
        b'0'..=b'9' => Some(u32::from(digit - b'0')),
        b'A'..=b'Z' => Some(u32::from(digit - b'A') + 10),
        b'a'..=b'x' => Some(u32::from(digit - b'a') + 36),
        _ => None,
    }
}

/// The id of a message's document: 12 hex digits of its id time, then a hash of its key; `-N` for a further part.
pub fn message_id(key: &Key, id_time: Time, part: u32) -> String {
    let hash = hash64(&[&key.host, &key.instance, &key.queue_id]);
    let id = format!("{}-{hash:016x}", time_digits(id_time));
    if part == 0 { id } else { format!("{id}-{part}") }
}

/// The id of a document that is one line: a reject, or a filter's verdict. Its time is the line's whole second, so that
/// a copy of the line with a finer stamp is the same document.
pub fn line_document_id(line: LineId, time: Time) -> String {
    format!("{}-{:016x}", time_digits(time.floor_second()), line.0 as u64)
}

/// The UTC milliseconds that a document id begins with; `None` for what is no document id.
pub fn time_of_document(id: &str) -> Option<Time> {
    let digits = id.get(..12)?;
    i64::from_str_radix(digits, 16).ok().map(Time)
}

/// 12 hex digits hold every time from 1970 to 10889; what lies outside is clamped.
fn time_digits(t: Time) -> String {
    format!("{:012x}", t.0.clamp(0, 0xffff_ffff_ffff))
}

/// A stable 64-bit hash of several texts, length-prefixed.
pub fn hash64(parts: &[&str]) -> u64 {
    let mut h = SipHasher13::new_with_keys(0x6d61_696c_7374_6974, 0x6368_2d64_6f63_6964);
    for part in parts {
        h.write_u64(part.len() as u64);
        h.write(part.as_bytes());
    }
    h.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: Time = Time(1_795_378_811_000); // 2026-11-22T20:20:11Z

    #[test]
    fn a_long_id_holds_its_time() {
        // The example of postfix's own documentation of the format.
        assert_eq!(long_id_time("4dhRlh0sf8z9rvS"), Some(Time(1_767_225_600_123)));
        assert_eq!(long_id_time("4jXgRb5BTwzq68g").map(|t| t.second()), Some(NEAR.second()));
    }

    #[test]
    fn a_sendmail_id_holds_its_time() {
        let t = sendmail_id_time("6AMKKBZu042165", NEAR).unwrap();
        assert_eq!(t.to_string(), "2026-11-22T20:20:11.000Z");
        let t = sendmail_id_time("6010000f004711", NEAR).unwrap();
        assert_eq!(t.to_string(), "2026-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_short_id_is_short_even_with_many_digits() {
        for id in ["3A9C96093D", "923B0321F2", "8E65A57C83E", "12345678901234"] {
            assert_eq!(IdForm::of(id, NEAR), IdForm::Short, "{id}");
        }
    }

    #[test]
    fn document_ids_sort_by_time() {
        let key = Key { host: "mx1".into(), instance: "".into(), queue_id: "3A9C96093D".into() };
        assert!(message_id(&key, Time(999), 0) < message_id(&key, Time(1_000_000_000_000), 0));
        assert_eq!(time_of_document(&message_id(&key, NEAR, 3)), Some(NEAR));
    }
}
