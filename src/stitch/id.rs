//! Ids: the form of a queue id, and the ids of documents.
//!
//! In: a queue id as logged. Out: its form, the time it holds, and the id of a document.

use super::{
    key::{Key, service_type},
    lone,
};
use crate::{
    model::{Line, LineId, Time},
    program, queue_id,
};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The form of a queue id. It decides whether the id can come back for another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdForm {
    /// Postfix default: microseconds and inode in hex (`global/mail_queue.h`). Comes back, always a whole number of
    /// seconds later. Any other id without a readable time counts as short too, such as sendmail's before 8.12.
    Short,
    /// Postfix `long_queue_ids`: holds the time of its creation. Never comes back.
    Long(Time),
    /// sendmail 8.12 and later (`queue.c assign_queueid`): holds the time of its creation. Comes back after 60 years at the
    /// earliest.
    Sendmail(Time),
    /// No queue id, but the name of a line that is a document of its own; see [`lone::name`].
    Line,
}

impl IdForm {
    /// The form of a queue id. The id itself decides, so that the form does not depend on which lines are known. Only a
    /// short id with a very large inode can look like one of sendmail's; then the program that logged it decides.
    pub fn of(queue_id: &str, by_postfix: bool) -> Self {
        if lone::is_name(queue_id) {
            return Self::Line;
        }
        if let Some(t) = queue_id::postfix::time(queue_id) {
            return Self::Long(t);
        }
        let sendmail = if by_postfix { None } else { queue_id::sendmail::time(queue_id) };
        sendmail.map_or(Self::Short, Self::Sendmail)
    }

    /// The form of the queue id of these lines; a single line of postfix makes it an id of postfix.
    pub fn of_lines<'a>(queue_id: &str, lines: impl IntoIterator<Item = &'a Line>) -> Self {
        Self::of(queue_id, lines.into_iter().any(|l| service_type(program::family(&l.program)) == Some("postfix")))
    }

    /// Whether the id never comes back for another message.
    pub fn is_unique(self) -> bool {
        self != Self::Short
    }
}

/// The id of a message's document: 12 hex digits of its id time, a hash of its key, and `-N` for a further part.
pub fn message_id(key: &Key, id_time: Time, part: u32) -> String {
    let mut id = time_digits(id_time);
    id.push('-');
    push_hex(&mut id, key_hash(key), 16);
    if part == 0 { id } else { format!("{id}-{part}") }
}

/// The hash of a key: the part that the ids of all its documents have in common.
pub fn key_hash(key: &Key) -> u64 {
    hash64(&[&key.host, &key.instance, &key.queue_id])
}

/// The [`key_hash`] in the id of a message's document; `None` if the 16 hex digits are not there.
pub fn key_hash_of(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(13..29)?, 16).ok()
}

/// The id of a document that is one line: a refusal, or a filter's verdict. It begins with the line's whole second, so
/// that a copy of the line with a finer stamp is the same document.
pub fn line_document_id(line: LineId, time: Time) -> String {
    format!("{}-{:016x}", time_digits(time.floor_second()), line.0 as u64)
}

/// The UTC milliseconds that a document id begins with; `None` if the 12 hex digits are not there.
pub fn time_of_document(id: &str) -> Option<Time> {
    let digits = id.get(..12)?;
    i64::from_str_radix(digits, 16).ok().map(Time)
}

/// A time as 12 hex digits. They hold every time from 1970 to 10889; times outside are clamped.
fn time_digits(t: Time) -> String {
    let mut digits = String::with_capacity(29);
    push_hex(&mut digits, u64::try_from(t.0).unwrap_or(0).min(0xffff_ffff_ffff), 12);
    digits
}

/// Appends the lowest `digits` hex digits of a number. Every document needs two such numbers, and `format!` is slow.
fn push_hex(out: &mut String, n: u64, digits: u32) {
    let hex = |at: u32| char::from(b"0123456789abcdef"[(n >> (4 * at) & 0xf) as usize]);
    out.extend((0..digits).rev().map(hex));
}

/// A number as 16 hex digits.
pub fn hex16(n: u64) -> String {
    let mut digits = String::with_capacity(16);
    push_hex(&mut digits, n, 16);
    digits
}

/// A 64-bit hash of several texts, the same on every machine. Lengths are hashed too: `ab`, `c` differs from `a`, `bc`.
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
            // Host and instance, written one after the other, read like those of the third key.
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
