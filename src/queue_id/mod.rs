//! The forms of queue ids, and the time that some of them hold. `stitch` decides which message an id stands for.

pub mod postfix;
pub mod sendmail;

use crate::model::Time;

/// The times in ids that are believed: 1992 to 2099. Outside of this range the digits do not hold a time.
const BELIEVED: std::ops::Range<Time> = Time(694_224_000_000)..Time(4_102_444_800_000);

/// Whether a word is a queue id of postfix or sendmail.
pub fn is_id(word: &str) -> bool {
    postfix::is_id(word) || sendmail::is_id(word)
}

/// The time in the queue id at the beginning of a line's text, if it holds one. Used for stamps that have no year.
pub fn time_in_text(text: &str) -> Option<Time> {
    let (id, _) = text.split_once(": ")?;
    postfix::time(id).or_else(|| sendmail::time(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_either_mail_server_is_an_id() {
        for id in ["3F2A41C0E7", "4dhRlh0sf8z9rvS", "4jXgRD331Czq5q4", "6AMKJjq4009066"] {
            assert!(is_id(id), "{id}");
        }
        for word in ["warning", "DKIM", "3f2a41c0e7", "key retrieval", "spamd", "NOQUEUE", "", "4dhRlh0sf8z"] {
            assert!(!is_id(word), "{word}");
        }
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
}
