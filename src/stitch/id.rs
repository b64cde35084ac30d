//! Ids: what a queue id is made of, and the document ids made from it.
//!
//! In: a queue id as logged. Out: its form, the time it holds, and the id of a document.

use super::{
    key::{Key, service_type},
    lone,
};
use crate::{
    model::{Line, LineId, Time},
    parse,
};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

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
    /// No queue id: the name of a line that is a document of its own.
    Line,
}

/// Sendmail ids tell their year modulo 60; the one nearest to this is meant (2022-01-01, so 1992 to 2051).
const AROUND: Time = Time(1_640_995_200_000);
/// Times inside ids that are believed: 1992 to 2099. What decodes to another one is no such id.
const BELIEVED: std::ops::Range<Time> = Time(694_224_000_000)..Time(4_102_444_800_000);

impl IdForm {
    /// The form of a queue id. Decided by the id itself, so that it is the same whatever lines are known; only a short
    /// id of a very large inode can look like one of sendmail's, and there the program that logged it decides.
    pub fn of(queue_id: &str, by_postfix: bool) -> Self {
        if lone::is_name(queue_id) {
            return Self::Line;
        }
        if let Some(t) = long_id_time(queue_id) {
            return Self::Long(t);
        }
        let sendmail = if by_postfix { None } else { sendmail_id_time(queue_id) };
        sendmail.map_or(Self::Short, Self::Sendmail)
    }

    /// The form of the queue id of these lines.
    pub fn of_lines<'a>(queue_id: &str, lines: impl IntoIterator<Item = &'a Line>) -> Self {
        Self::of(queue_id, lines.into_iter().any(|l| service_type(parse::family(&l.program)) == Some("postfix")))
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
    let time = Time(seconds.saturating_mul(1000).saturating_add(micros / 1000));
    Some(time).filter(|t| micros < 1_000_000 && BELIEVED.contains(t))
}

/// The value of a digit of postfix's 52-letter alphabet (`global/safe_ultostr.c`): digits, then letters without vowels.
fn base52(digit: u8) -> Option<i64> {
    const ALPHABET: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    const NONE: u8 = 0xff;
    const VALUES: [u8; 256] = {
        let mut values = [NONE; 256];
        let mut n = 0;
        while n < ALPHABET.len() {
            values[ALPHABET[n] as usize] = n as u8;
            n += 1;
        }
        values
    };
    Some(VALUES[usize::from(digit)]).filter(|n| *n != NONE).map(i64::from)
}

/// The time in the queue id that a line's text begins with, if it holds one; for stamps that have no year.
pub fn time_in_text(text: &str) -> Option<Time> {
    let (id, _) = text.split_once(": ")?;
    long_id_time(id).or_else(|| sendmail_id_time(id))
}

fn sendmail_id_time(queue_id: &str) -> Option<Time> {
    parse::sendmail::id_time(queue_id, AROUND).filter(|t| BELIEVED.contains(t))
}

/// The id of a message's document: 12 hex digits of its id time, then a hash of its key; `-N` for a further part.
pub fn message_id(key: &Key, id_time: Time, part: u32) -> String {
    let mut id = time_digits(id_time);
    id.push('-');
    push_hex(&mut id, key_hash(key), 16);
    if part == 0 { id } else { format!("{id}-{part}") }
}

/// What the ids of all documents of a key have in common.
pub fn key_hash(key: &Key) -> u64 {
    hash64(&[&key.host, &key.instance, &key.queue_id])
}

/// [`key_hash`] of the key of a message's document.
pub fn key_hash_of(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(13..29)?, 16).ok()
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
    let mut digits = String::with_capacity(29);
    push_hex(&mut digits, u64::try_from(t.0).unwrap_or(0).min(0xffff_ffff_ffff), 12);
    digits
}

/// The lowest `digits` hex digits of a number. Every document needs two such: too many for the formatting machinery.
fn push_hex(out: &mut String, n: u64, digits: u32) {
    let hex = |at: u32| char::from(b"0123456789abcdef"[(n >> (4 * at) & 0xf) as usize]);
    out.extend((0..digits).rev().map(hex));
}

/// 16 hex digits.
pub fn hex16(n: u64) -> String {
    let mut digits = String::with_capacity(16);
    push_hex(&mut digits, n, 16);
    digits
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
        let t = sendmail_id_time("6AMKKBZu042165").unwrap();
        assert_eq!(t.to_string(), "2026-11-22T20:20:11.000Z");
        let t = sendmail_id_time("6010000f004711").unwrap();
        assert_eq!(t.to_string(), "2026-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_short_id_is_short_even_with_many_digits() {
        for id in ["3A9C96093D", "923B0321F2", "8E65A57C83E", "6010000A004711"] {
            assert_eq!(IdForm::of(id, true), IdForm::Short, "{id}");
        }
    }

    #[test]
    fn document_ids_sort_by_time() {
        let key = Key { host: "mx1".into(), instance: "".into(), queue_id: "3A9C96093D".into() };
        assert!(message_id(&key, Time(999), 0) < message_id(&key, Time(1_000_000_000_000), 0));
        assert_eq!(time_of_document(&message_id(&key, NEAR, 3)), Some(NEAR));
    }

    /// `z` stands between the microsecond and the inode.
    #[test]
    fn what_has_not_the_parts_of_a_long_id_is_none() {
        let long = |inode_digits: usize| format!("4dhRlh0sf8z{}", "9".repeat(inode_digits));
        for (id, has_time) in [
            (&*long(1), true),
            (&long(0), false),
            (&long(29), true),
            (&long(30), false),
            ("4dhRlh0sf89rvS", false),
            ("dhRlh0sf8z9rvS", false),
            ("4dhRlh0sf8z9rvA", false),
            ("4dhRlh0af8z9rvS", false),
            ("4dhRlA0sf8z9rvS", false),
            ("0000000000z9rvS", false),
            ("zzzzzz0000z9rvS", false),
        ] {
            assert_eq!(long_id_time(id).is_some(), has_time, "{id}");
        }
    }

    #[test]
    fn a_second_has_a_million_microseconds() {
        assert_eq!(long_id_time("4dhRlh0000z9rvS"), Some(Time(1_767_225_600_000)));
        assert_eq!(long_id_time("4dhRlh75plz9rvS"), Some(Time(1_767_225_600_999)));
        assert_eq!(long_id_time("4dhRlh75pmz9rvS"), None);
    }

    #[test]
    fn the_id_before_a_text_tells_the_year_of_a_stamp_without_one() {
        let year = |text: &str| time_in_text(text).map(|t| t.to_string()[..4].to_owned());
        assert_eq!(year("4dhRlh0sf8z9rvS: removed").as_deref(), Some("2026"));
        assert_eq!(year("6AMKKBZu042165: done; delay=00:00:03, ntries=1").as_deref(), Some("2026"));
        assert_eq!(year("3A9C96093D: removed"), None);
        assert_eq!(year("4dhRlh0sf8z9rvS removed"), None);
        assert_eq!(year("connect from c.example.org[192.0.2.7]"), None);
    }

    #[test]
    fn of_an_id_that_either_server_could_have_made_the_program_decides() {
        let form = |program: &str, id: &str| {
            let lines = crate::stitch::testing::lines(&format!("1 mx1 rsyslogd: x\n2 mx1 {program}[1]: {id}: x"));
            IdForm::of_lines(id, &lines)
        };
        let (new_year, both) = (Time(1_767_225_600_000), "6010000f004711");
        assert_eq!(form("sendmail", both), IdForm::Sendmail(new_year));
        assert_eq!(form("postfix/smtpd", both), IdForm::Short);
        assert_eq!(form("postfix/smtpd", "4dhRlh0sf8z9rvS"), IdForm::Long(new_year.plus(123)));
    }

    #[test]
    fn only_a_short_id_comes_back() {
        assert!(!IdForm::of("3A9C96093D", true).is_unique());
        assert!(!IdForm::of("JAB14995", false).is_unique(), "sendmail before 8.10");
        assert!(IdForm::of("4dhRlh0sf8z9rvS", true).is_unique());
        assert!(IdForm::of("6010000f004711", false).is_unique());
        assert_eq!(IdForm::of(&lone::name(LineId(7)), false), IdForm::Line);
        assert!(IdForm::Line.is_unique());
    }

    #[test]
    fn a_document_tells_the_time_and_the_key_of_its_message() {
        let key = |host: &str, instance: &str, queue_id: &str| Key {
            host: host.into(),
            instance: instance.into(),
            queue_id: queue_id.into(),
        };
        let keys = [
            key("mx1", "", "3A9C96093D"),
            key("mx2", "", "3A9C96093D"),
            key("mx1", "postfix-out", "3A9C96093D"),
            key("mx1", "", "4A9C96093D"),
            // The names run together are those of the third.
            key("mx1postfix-out", "", "3A9C96093D"),
        ];
        for (n, key) in keys.iter().enumerate() {
            for part in [0, 1, 12] {
                let id = message_id(key, NEAR, part);
                assert_eq!(key_hash_of(&id), Some(key_hash(key)), "{id}");
                assert_eq!(time_of_document(&id), Some(NEAR), "{id}");
                assert_eq!(
                    id.get(29..).filter(|end| !end.is_empty()),
                    (part > 0).then(|| format!("-{part}")).as_deref()
                );
            }
            assert!(keys[..n].iter().all(|other| key_hash(other) != key_hash(key)), "{key:?}");
        }
        for other in
            ["", "01a2b3c4d5e6", "01a2b3c4d5e6-0123456789abcde", "01a2b3c4d5e6-0123456789abcdex", "üüüüüüüüüüüüüüü"]
        {
            assert_eq!(key_hash_of(other), None, "{other}");
        }
        assert_eq!(time_of_document("01a2b3c4d5"), None);
        assert_eq!(time_of_document("no document id"), None);
    }

    #[test]
    fn hex_digits_are_those_of_the_number() {
        assert_eq!(hex16(0x0123_4567_89ab_cdef), "0123456789abcdef");
        assert_eq!(hex16(0xf), "000000000000000f");
        let begins = |ms: i64| line_document_id(LineId(0), Time(ms))[..13].to_owned();
        assert_eq!(begins(0x0123_4567_89ab), format!("{:012x}-", 0x0123_4567_89ab_u64 / 1000 * 1000));
        assert_eq!(begins(-5), "000000000000-");
        assert_eq!(begins(i64::MAX / 1000), "ffffffffffff-");
    }

    #[test]
    fn a_copy_of_a_line_with_a_finer_stamp_is_the_same_document() {
        let line = LineId(0x1122_3344_5566_7788_99aa_bbcc_ddee_ff00);
        let id = line_document_id(line, NEAR);
        assert!(id.ends_with("-99aabbccddeeff00"), "{id}");
        assert_eq!(line_document_id(line, NEAR.plus(999)), id);
        assert_ne!(line_document_id(line, NEAR.plus(1000)), id);
        assert_eq!(time_of_document(&id), Some(NEAR));
    }
}
