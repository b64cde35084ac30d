//! Queue ids of postfix (`global/mail_queue.h`, `global/safe_ultostr.c`).
//!
//! Short ids are microseconds and inode in hexadecimal (`3F2A41C0E7`), and are used again. Long ids (`enable_long_queue_ids`)
//! hold the time of their creation in base 52 without vowels (`4dhRlh0sf8z9rvS`), and are not.

use super::BELIEVED;
use crate::model::Time;

/// Whether a word is a postfix queue id: short (hexadecimal, upper case) or long (base 52 without vowels, with its
/// `z` mark). Source: `global/mail_queue.h`, `global/safe_ultostr.c`.
pub fn is_id(word: &str) -> bool {
    let (len, classes) = leading_digits(word);
    len == word.len() && is_id_of(word, classes)
}

/// Short ids: five digits of microseconds, then the inode, at most 5 + 16 digits. Long ids: at least six digits of seconds
/// and four of microseconds, the last `z`, and the inode.
fn is_id_of(word: &str, classes: u8) -> bool {
    let long = || word.bytes().rposition(|b| b == b'z').is_some_and(|mark| mark >= 10 && mark + 1 < word.len());
    classes & SHORT != 0 && (6..=21).contains(&word.len())
        || classes & LONG != 0 && (12..=LONGEST_ID).contains(&word.len()) && long()
}

/// The length of the longest beginning of a text that has only digits of one form of queue id, and the forms that it fits. Stops
/// one byte after the longest possible id.
fn leading_digits(text: &str) -> (usize, u8) {
    let bytes = text.as_bytes();
    let (mut len, mut classes) = (0, SHORT | LONG);
    while len < bytes.len().min(LONGEST_ID + 1) {
        let left = classes & CLASSES[usize::from(bytes[len])];
        if left == 0 {
            break;
        }
        (len, classes) = (len + 1, left);
    }
    (len, classes)
}

/// Six digits of seconds, four of microseconds, the mark, and 15 of an inode.
const LONGEST_ID: usize = 26;

/// Digits of short ids: hexadecimal, upper case.
const SHORT: u8 = 1;
/// Digits of long ids: base 52, without vowels.
const LONG: u8 = 2;

/// For each byte, the forms of id that have it as a digit.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let short = matches!(byte as u8, b'0'..=b'9' | b'A'..=b'F') as u8 * SHORT;
        classes[byte] = short | ((VALUES[byte] != NO_DIGIT) as u8 * LONG);
        byte += 1;
    }
    classes
};

/// The digits of long ids, by value (`global/safe_ultostr.c`): digits, then letters without vowels.
const ALPHABET: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

const NO_DIGIT: u8 = 0xff;

/// For each byte, its value as a digit of long ids.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut n = 0;
    while n < ALPHABET.len() {
        values[ALPHABET[n] as usize] = n as u8;
        n += 1;
    }
    values
};

/// A postfix queue id at the start of a text, followed by `: `; and the text after that.
pub fn leading(text: &str) -> Option<(&str, &str)> {
    let (len, classes) = leading_digits(text);
    let rest = text[len..].strip_prefix(": ")?;
    is_id_of(&text[..len], classes).then_some((&text[..len], rest))
}

/// The creation time in a long postfix queue id: `secs(base 52, ≥ 6) usecs(base 52, 4) z inode(base 51)`.
pub fn time(queue_id: &str) -> Option<Time> {
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

/// The value of a digit of a long id.
fn base52(digit: u8) -> Option<i64> {
    Some(VALUES[usize::from(digit)]).filter(|n| *n != NO_DIGIT).map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_queue_id_are_known() {
        for id in ["3F2A41C0E7", "4dhRlh0sf8z9rvS", "000001", "4dhRlz0sf8z9rvS"] {
            assert!(is_id(id), "{id}");
        }
    }

    #[test]
    fn ordinary_words_are_not_queue_ids() {
        for word in
            ["statistics", "warning", "NOQUEUE", "SASL", "ABC12", "3f2a41c0e7", "foo.bar", "", "TLSRPT", "Requeued"]
        {
            assert!(!is_id(word), "{word}");
        }
    }

    #[test]
    fn a_queue_id_leads_only_with_colon_and_blank() {
        assert_eq!(leading("3F2A41C0E7: removed"), Some(("3F2A41C0E7", "removed")));
        assert_eq!(leading("3F2A41C0E7:removed"), None);
        assert_eq!(leading("3F2A41C0E7 removed"), None);
        assert_eq!(leading("ééééééééééééééééé: x"), None);
    }

    #[test]
    fn an_id_has_the_length_of_its_form() {
        for id in ["4dhRlh0sf8z9", "FFFFFFFFFFFFFFFFFFFFF", "4dhRlh0sf8z9rvS1234567890B", "4dhRlh"] {
            let known = id != "4dhRlh";
            assert_eq!(is_id(id), known, "{id}");
            let line = format!("{id}: removed");
            assert_eq!(leading(&line), known.then_some((id, "removed")), "{id}");
        }
        for word in
            ["FFFFFFFFFFFFFFFFFFFFFF", "4dhRlh0sf8z9rvS1234567890BC", "4dhRlh0sf8z", "4dhRlh0sfz9r", "4dhRlh0sf8xz"]
        {
            assert!(!is_id(word), "{word}");
            assert_eq!(leading(&format!("{word}: removed")), None, "{word}");
        }
    }

    #[test]
    fn a_long_id_has_no_vowels() {
        for letter in ('a'..='z').chain('A'..='Z') {
            let is_vowel = "aeiouAEIOU".contains(letter);
            assert_eq!(is_id(&format!("4dhRlh0sf8z9{letter}9")), !is_vowel, "{letter}");
            assert_eq!(is_id(&format!("00000{letter}")), ('A'..='F').contains(&letter), "{letter}");
        }
    }

    #[test]
    fn a_long_id_holds_its_time() {
        // The example in postfix's documentation of the format.
        assert_eq!(time("4dhRlh0sf8z9rvS"), Some(Time(1_767_225_600_123)));
        assert_eq!(time("4jXgRb5BTwzq68g").map(|t| t.second()), Some(1_795_378_811));
    }

    /// `z` separates the microseconds from the inode.
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
            assert_eq!(time(id).is_some(), has_time, "{id}");
        }
    }

    #[test]
    fn a_second_has_a_million_microseconds() {
        assert_eq!(time("4dhRlh0000z9rvS"), Some(Time(1_767_225_600_000)));
        assert_eq!(time("4dhRlh75plz9rvS"), Some(Time(1_767_225_600_999)));
        assert_eq!(time("4dhRlh75pmz9rvS"), None);
    }
}
