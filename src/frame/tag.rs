//! The tag of RFC 3164: `postfix/smtpd[2134]: `.
//!
//! In: the text after the host.  Out: syslog name, process id, text.
//! Ignored on purpose: process ids that are not numbers; they stay part of the name.

/// Relays that follow RFC 3164 section 4.1.3 cut a tag at 32 characters, including colon and bracket. After
/// `postfix/submission/smtpd`, a process id of six digits loses the colon, and one of seven digits the bracket, too.
const CUT: usize = 32;

/// A syslog name must end within this many bytes: RFC 5424 allows 48, and names of postfix instances can be a little longer.
const LONGEST: usize = 128;

pub struct Tag<'a> {
    pub program: &'a str,
    pub pid: Option<u32>,
    pub text: &'a str,
}

/// The tag at the beginning of `text`, if there is one.
pub fn read(text: &str) -> Option<Tag<'_>> {
    let bytes = text.as_bytes();
    let longest = &bytes[..bytes.len().min(LONGEST)];
    for (at, byte) in longest.iter().enumerate().filter(|(_, byte)| STOPS[usize::from(**byte)]) {
        match byte {
            b'[' if at > 0 => {
                if let Some(tag) = numbered(text, at) {
                    return Some(tag);
                }
            }
            b':' if at > 0 && matches!(bytes.get(at + 1), None | Some(b' ' | b'\t')) => {
                return Some(Tag { program: &text[..at], pid: None, text: after(text, at + 1) });
            }
            b' ' if at == CUT => return Some(Tag { program: &text[..at], pid: None, text: after(text, at) }),
            0..=b' ' => return None,
            _ => {}
        }
    }
    None
}

/// Bytes that may end a syslog name.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'[' as usize] = true;
    stops[b':' as usize] = true;
    stops
};

/// `name[123]: text`, or `name[123 text` after a cut; the bracket is at `open`.
fn numbered(text: &str, open: usize) -> Option<Tag<'_>> {
    let bytes = text.as_bytes();
    let digits = bytes[open + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let end = open + 1 + digits;
    // A cut process id has lost its last digits, but what is left is the same in all lines of the process.
    let pid = text[open + 1..end].parse().ok();
    match bytes.get(end) {
        Some(b']') if digits > 0 => {
            let colon = usize::from(bytes.get(end + 1) == Some(&b':'));
            Some(Tag { program: &text[..open], pid, text: after(text, end + 1 + colon) })
        }
        None | Some(b' ') if end == CUT => Some(Tag { program: &text[..open], pid, text: after(text, end) }),
        _ => None,
    }
}

/// The text from `at` on, without the blank that separates it from the tag, and without the `[ID 197553 mail.info] ` of Solaris.
fn after(text: &str, at: usize) -> &str {
    let text = &text[at..];
    let text = text.strip_prefix(' ').unwrap_or(text);
    match text.strip_prefix("[ID ").and_then(|inner| inner.split_once("] ")) {
        Some((id, rest)) if id.len() <= 32 && id.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares a tag with "program|pid|text".
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = read(text).map_or_else(
            || "none".to_owned(),
            |tag| format!("{}|{}|{}", tag.program, tag.pid.map_or_else(String::new, |pid| pid.to_string()), tag.text),
        );
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_colon_or_a_process_id_ends_the_name() {
        check("postfix/smtpd[2134]: connect", "postfix/smtpd|2134|connect");
        check("postfix/smtpd[2134] connect", "postfix/smtpd|2134|connect");
        check("postfix/smtpd[2134]:", "postfix/smtpd|2134|");
        check("postfix/smtpd[2134]:connect", "postfix/smtpd|2134|connect");
        check("a[7]: b", "a|7|b");
        check("dovecot: lmtp(1): x", "dovecot||lmtp(1): x");
        check("dovecot:\tx", "dovecot||\tx");
        check("dovecot:", "dovecot||");
        check("a: b", "a||b");
        check("a:b: c", "a:b||c");
        // One blank separates; further ones belong to the text.
        check("a:   indented", "a||  indented");
        // The largest number that fits, and one more.
        check("a[4294967295]: x", "a|4294967295|x");
        check("a[4294967296]: x", "a||x");
    }

    #[test]
    fn a_process_id_that_is_no_number_is_part_of_the_name() {
        check("a[]: x", "a[]||x");
        check("a[b]: x", "a[b]||x");
        check("a[7b]: x", "a[7b]||x");
        check("a[b][7]: x", "a[b]|7|x");
    }

    #[test]
    fn a_name_has_a_byte_and_no_blank() {
        for text in ["", ":", ": x", "[7] x", "a", "a b: x", "a b[7]: x", "a\tb[7]: x", "a\u{1}b: x", "a:b c", "a[7 x"]
        {
            check(text, "none");
        }
        let name = "n".repeat(LONGEST - 1);
        check(&format!("{name}: x"), &format!("{name}||x"));
        check(&format!("{name}n: x"), "none");
    }

    #[test]
    fn a_relay_cuts_a_tag_at_32_bytes_and_nowhere_else() {
        let name = |len: usize| "n".repeat(len);
        check(&format!("{} x", name(31)), "none");
        check(&format!("{} x", name(32)), &format!("{}||x", name(32)));
        check(&format!("{} x", name(33)), "none");
        check(&format!("{}[1234 x", name(26)), "none");
        check(&format!("{}[12345 x", name(26)), &format!("{}|12345|x", name(26)));
        check(&format!("{}[123456 x", name(26)), "none");
        check(&format!("{}[12345", name(26)), &format!("{}|12345|", name(26)));
        check(&format!("{}[12345x", name(26)), "none");
    }

    #[test]
    fn solaris_puts_an_id_before_the_text() {
        check("a[7]: [ID 197553 mail.info] x", "a|7|x");
        check("a: [ID 197553 mail.info] x", "a||x");
        check("a: [ID mail.info] x", "a||[ID mail.info] x");
        check("a: [ID 197553 mail.info]", "a||[ID 197553 mail.info]");
        let id = |len: usize| format!("[ID 1{}] x", "d".repeat(len - 1));
        check(&format!("a: {}", id(32)), "a||x");
        check(&format!("a: {}", id(33)), &format!("a||{}", id(33)));
    }
}
