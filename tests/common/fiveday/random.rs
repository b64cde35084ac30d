//! Reproducible random numbers, and the queue ids made from them.

use mailstitch::model::Time;

/// SplitMix64 (Steele, Lea, Flood 2014): good enough here, and the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A second generator, independent from here on.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: i64) -> i64 {
        (self.next() % bound.unsigned_abs()) as i64
    }

    /// Like [`below`](Self::below), for counts and indices.
    pub fn few(&mut self, bound: u32) -> u32 {
        (self.next() % u64::from(bound)) as u32
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[(self.next() % from.len() as u64) as usize]
    }

    /// An id for the "queued as" of a foreign server, unknown in this log.
    pub fn foreign_id(&mut self) -> String {
        format!("{:05X}{:X}", self.below(1_000_000), 0x1F_000 + self.below(0xFFF))
    }
}

const BASE52: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
const BASE60: &[u8; 60] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx";

/// Postfix's short id: microseconds and inode in hex (`global/mail_queue.h`).
pub fn short_id(created: Time, micros: i64, inode: u64) -> String {
    format!("{:05X}{inode:X}", created.0.rem_euclid(1_000) * 1_000 + micros)
}

/// Postfix's long id: seconds and microseconds in base 52, `z`, the inode in base 51 (`global/mail_queue.h`).
pub fn long_id(created: Time, micros: i64, inode: u64) -> String {
    let micros = created.0.rem_euclid(1_000) * 1_000 + micros;
    let (seconds, micros) = (created.second().unsigned_abs(), micros.unsigned_abs());
    format!("{:0>6}{:0>4}z{}", in_base(seconds, 52, BASE52), in_base(micros, 52, BASE52), in_base(inode, 51, BASE52))
}

/// sendmail's id: year, month, day, hour, minute, second in base 60, a sequence, the process (`queue.c assign_queueid`).
pub fn sendmail_id(created: Time, sequence: i64, pid: u32) -> String {
    use chrono::{Datelike, Timelike};
    let t = created.utc();
    let year = (t.year().unsigned_abs() - 1900) % 60;
    let sequence = sequence.unsigned_abs() as u32 % 3_600;
    let digits = [year, t.month0(), t.day(), t.hour(), t.minute(), t.second(), sequence / 60, sequence % 60];
    let text: String = digits.iter().map(|d| char::from(BASE60[*d as usize])).collect();
    format!("{text}{pid:06}")
}

fn in_base(mut value: u64, base: u64, digits: &[u8]) -> String {
    let mut text = Vec::new();
    loop {
        text.push(char::from(digits[(value % base) as usize]));
        value /= base;
        if value == 0 {
            return text.iter().rev().collect();
        }
    }
}
