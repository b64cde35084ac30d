//! Scanning of sendmail's texts: fields, quotes, brackets, escapes.
//!
//! In: a text, or a part of one.  Out: slices of it.
//! Left alone on purpose: the meaning of a field.
//!
//! Strangers write addresses and Message-IDs and may imitate a field: `from=<"a, relay=x"@example.org>, size=900`. So a separator
//! inside quotes or angle brackets is text. sendmail cuts the middle out of long values, and a quote or bracket with it:
//! `from=<"aaaa...a@example.org>, size=900`. So a separator that is not found outside quotes and brackets is then looked for
//! everywhere.

use memchr::{memchr_iter, memchr2, memchr3, memrchr_iter};

/// Follows quotes and angle brackets through a text, byte by byte. In a log, `conf.c sm_syslog` writes `\\` for one backslash.
#[derive(Default)]
struct Nesting {
    quoted: bool,
    angle: bool,
    /// Inside quotes, the next byte is escaped and closes nothing.
    escaped: bool,
    /// The previous byte was a backslash: the first half of the log's `\\`, or a single one.
    backslash: bool,
}

impl Nesting {
    /// Takes the next byte; returns whether it is outside quotes and brackets.
    fn outside(&mut self, byte: u8) -> bool {
        if byte == b'\\' && !self.backslash {
            self.backslash = true;
            return !self.quoted && !self.angle;
        }
        if byte == b'\\' {
            self.backslash = false;
            self.escaped = self.quoted && !self.escaped;
            return !self.quoted && !self.angle;
        }
        // A single backslash begins `\n` or `\ooo`: one control character, which closes nothing. Before a quote it escapes the
        // quote: then something other than sendmail made the log printable.
        let lone = std::mem::take(&mut self.backslash);
        if std::mem::take(&mut self.escaped) || (lone && self.quoted && byte == b'"') {
            return false;
        }
        match byte {
            b'"' => {
                self.quoted = !self.quoted;
                false
            }
            _ if self.quoted => false,
            b'<' => {
                self.angle = true;
                false
            }
            b'>' => {
                self.angle = false;
                false
            }
            _ => !self.angle,
        }
    }
}

/// The first place of `needle` outside quotes and angle brackets. `None` says nothing about places inside them.
pub fn find_outside(text: &str, needle: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let first = *needle.as_bytes().first()?;
    let mut nesting = Nesting::default();
    let mut at = 0;
    while at < bytes.len() {
        // The nesting cannot change before the next of these bytes.
        let plain = match () {
            () if nesting.backslash || nesting.escaped => Some(0),
            () if nesting.quoted => memchr2(b'"', b'\\', &bytes[at..]),
            () if nesting.angle => memchr3(b'>', b'"', b'\\', &bytes[at..]),
            () => memchr3(b'<', b'"', b'\\', &bytes[at..]),
        };
        let end = plain.map_or(bytes.len(), |plain| at + plain);
        if !nesting.quoted && !nesting.angle {
            // `needle` begins with ASCII in every call, so a place is a character boundary.
            let mut places = memchr_iter(first, &bytes[at..end]).map(|place| at + place);
            if let Some(place) = places.find(|place| bytes[*place..].starts_with(needle.as_bytes())) {
                return Some(place);
            }
        }
        if let Some(byte) = bytes.get(end)
            && nesting.outside(*byte)
            && bytes[end..].starts_with(needle.as_bytes())
        {
            return Some(end);
        }
        at = end + 1;
    }
    None
}

/// Splits at the first `needle` outside quotes and brackets, or at the first of all if there is none outside.
pub fn split_outside<'a>(text: &'a str, needle: &str) -> Option<(&'a str, &'a str)> {
    let at = find_outside(text, needle).or_else(|| text.find(needle))?;
    Some((&text[..at], &text[at + needle.len()..]))
}

/// Iterates over `key=value, key=value`, with the keys in the order in which sendmail writes them.
///
/// Each value ends where one of the *later* keys begins, so a key inside a hostile value is rarely taken for a field. The value
/// of the last key is the rest of the text.
pub struct Fields<'a, 'k> {
    rest: Option<&'a str>,
    keys: &'k [&'k str],
}

impl<'a, 'k> Fields<'a, 'k> {
    /// `text` begins with the first field; `keys` are all keys that may follow, in order.
    pub fn new(text: &'a str, keys: &'k [&'k str]) -> Self {
        Self { rest: Some(text), keys }
    }
}

impl<'a, 'k> Iterator for Fields<'a, 'k> {
    type Item = (&'k str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        let (key, value) = text.split_once('=')?;
        let at = self.keys.iter().position(|k| *k == key)?;
        let key = self.keys[at];
        self.keys = &self.keys[at + 1..];
        if self.keys.is_empty() {
            return Some((key, value));
        }
        // A stranger's Message-ID may hold brackets and fields, so it ends at the last `>` before a field: no later value ends
        // with a bracket.
        let end = (key == "msgid").then(|| last_bracket(value, self.keys)).flatten();
        let end = end.or_else(|| boundary(value, self.keys, true)).or_else(|| boundary(value, self.keys, false));
        self.rest = end.map(|end| &value[end + 2..]);
        Some((key, end.map_or(value, |end| &value[..end])))
    }
}

/// The place of the first `, KEY=` with one of the keys; if `nested`, outside quotes and brackets only.
fn boundary(value: &str, keys: &[&str], nested: bool) -> Option<usize> {
    let mut nesting = Nesting::default();
    value.bytes().enumerate().find_map(|(at, byte)| {
        let outside = nesting.outside(byte) || !nested;
        (outside && byte == b',' && starts_field(&value.as_bytes()[at..], keys)).then_some(at)
    })
}

/// The place after the last `>` that is followed by a field.
fn last_bracket(value: &str, keys: &[&str]) -> Option<usize> {
    let bytes = value.as_bytes();
    memrchr_iter(b'>', bytes).map(|at| at + 1).find(|at| starts_field(&bytes[*at..], keys))
}

fn starts_field(text: &[u8], keys: &[&str]) -> bool {
    let Some(text) = text.strip_prefix(b", ") else { return false };
    keys.iter().any(|key| text.strip_prefix(key.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'=')))
}

/// An address without its angle brackets, and without a phrase before them (`Alice <alice@example.org>`). Anything else, such as
/// a file or a command, stays as it is.
pub fn bare(address: &str) -> &str {
    let Some(open) = address.strip_suffix('>') else { return address };
    match open.strip_prefix('<') {
        Some(inside) => inside,
        None if address.starts_with(['|', '/', ':']) || address.starts_with("\"|") => address,
        None => open.rsplit_once('<').map_or(address, |(_, inside)| inside),
    }
}

/// Splits `550 5.7.1 text` into code, DSN and text. Code and DSN may be missing.
pub fn reply(text: &str) -> (Option<u16>, Option<&str>, &str) {
    let (code, text) = match text.split_at_checked(3) {
        Some((digits, rest)) if is_code(digits) && (rest.is_empty() || rest.starts_with([' ', '-'])) => {
            (digits.parse().ok(), rest.get(1..).unwrap_or(""))
        }
        _ => (None, text),
    };
    match text.split_once(' ') {
        Some((dsn, rest)) if is_dsn(dsn) => (code, Some(dsn), rest),
        None if is_dsn(text) => (code, Some(text), ""),
        _ => (code, None, text),
    }
}

fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 3 && matches!(bytes[0], b'2'..=b'5') && bytes.iter().all(u8::is_ascii_digit)
}

/// Whether a word is an enhanced status code (RFC 3463): `5.7.1`.
pub fn is_dsn(word: &str) -> bool {
    let mut parts = word.split('.');
    let class = parts.next().is_some_and(|p| matches!(p, "2" | "4" | "5"));
    let number =
        |p: Option<&str>| p.is_some_and(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()));
    class && number(parts.next()) && number(parts.next()) && parts.next().is_none()
}

/// `[d+]hh:mm:ss` in seconds (`libsm pintvl`).
pub fn interval(text: &str) -> Option<f64> {
    let (days, clock) = text.split_once('+').unwrap_or(("0", text));
    let mut parts = clock.split(':').map(small);
    let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
    let seconds = small(days)? * 86_400 + h * 3600 + m * 60 + s;
    parts.next().is_none().then_some(seconds as f64)
}

/// A number of at most six digits, so that sums of them cannot overflow.
fn small(digits: &str) -> Option<u64> {
    let fits = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_separator_in_quotes_or_brackets_is_text() {
        assert_eq!(split_outside(r#""a, b"@x, c"#, ", "), Some((r#""a, b"@x"#, "c")));
        assert_eq!(split_outside("<@a, b:c@d>, e", ", "), Some(("<@a, b:c@d>", "e")));
        assert_eq!(split_outside(r#"<"x>, y"@z>, e"#, ", "), Some((r#"<"x>, y"@z>"#, "e")));
    }

    #[test]
    fn an_escaped_quote_closes_nothing() {
        assert_eq!(split_outside(r#""a\\", b"@x, c"#, ", "), Some((r#""a\\", b"@x"#, "c")));
        assert_eq!(split_outside(r#""a\\\\", b"#, ", "), Some((r#""a\\\\""#, "b")));
        assert_eq!(split_outside(r"\\erin, b", ", "), Some((r"\\erin", "b")));
    }

    #[test]
    fn what_never_closes_ends_at_the_first_separator() {
        assert_eq!(split_outside("<cut.., c", ", "), Some(("<cut..", "c")));
    }

    #[test]
    fn a_field_does_not_begin_with_an_earlier_key() {
        let fields: Vec<_> = Fields::new("a=1, b=x, a=2, c=3, b=4", &["a", "b", "c"]).collect();
        assert_eq!(fields, [("a", "1"), ("b", "x, a=2"), ("c", "3, b=4")]);
    }

    #[test]
    fn a_phrase_before_an_address_is_no_part_of_it() {
        for address in [
            "<jan@example.org>",
            "[M1]<jan@example.org>",
            "Jan <jan@example.org>",
            "\"Doe, <J>\" <jan@example.org>",
            "jan@example.org",
        ] {
            assert_eq!(bare(address), "jan@example.org", "{address}");
        }
        for other in ["|cmd <in>", "\"|cmd <in>\"", "/var/mail/<x>", "<\"a>b\"@example.org"] {
            assert_eq!(bare(other), other);
        }
    }

    #[test]
    fn a_reply_is_code_dsn_and_text() {
        assert_eq!(reply("550 5.7.1 no"), (Some(550), Some("5.7.1"), "no"));
        assert_eq!(reply("550-5.7.1 no"), (Some(550), Some("5.7.1"), "no"));
        assert_eq!(reply("421"), (Some(421), None, ""));
        assert_eq!(reply("5500 no"), (None, None, "5500 no"));
        assert_eq!(reply("ü"), (None, None, "ü"));
    }

    #[test]
    fn an_interval_is_days_and_a_clock() {
        assert_eq!(interval("00:00:02"), Some(2.0));
        assert_eq!(interval("1+02:03:04"), Some(93_784.0));
        assert_eq!(interval("99999999999:00:00"), None);
        assert_eq!(interval("00:02"), None);
    }

    /// The log writes each backslash twice; a single one begins a control character.
    #[test]
    fn quotes_and_brackets_enclose_what_stands_between_them() {
        for (text, found) in [
            ("a<b>c", "ac"),
            (r#"a"b<"c"#, "ac"),
            (r#"a<"b>"c>d"#, "ad"),
            (r"a\\b", r"a\\b"),
            (r"<a\\b>c", "c"),
            (r#""a\\b"c"#, "c"),
            (r#""a\\"b"c"#, "c"),
            (r#""a\\\\"b"#, "b"),
            (r#""a\\\\\\"b"c"#, "c"),
            (r#"a\\"b"c"#, r"a\\c"),
            (r#""a\"b"c"#, "c"),
            (r#"a\"b"c"#, r"a\c"),
            (r#""a\nb"c"#, "c"),
            (r"<a\>b", "b"),
            (r"a\\\\b<c", r"a\\\\b"),
        ] {
            let mut nesting = Nesting::default();
            let outside: String = text.chars().filter(|c| nesting.outside(*c as u8)).collect();
            assert_eq!(outside, found, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_place_is_the_first_outside(text in r#"[a<>"\\, é]{0,16}"#, needle in r"(, |,|a|\\|, a)") {
            let mut nesting = Nesting::default();
            let is_place = |(at, byte): (usize, &u8)| {
                (nesting.outside(*byte) && text.as_bytes()[at..].starts_with(needle.as_bytes())).then_some(at)
            };
            let first = text.as_bytes().iter().enumerate().find_map(is_place);
            prop_assert_eq!(find_outside(&text, &needle), first);
        }
    }

    #[test]
    fn a_separator_that_is_nowhere_outside_is_looked_for_inside() {
        assert_eq!(split_outside("<a, b>", ", "), Some(("<a", "b>")));
        assert_eq!(split_outside("<a; b>", ", "), None);
        assert_eq!(find_outside("a", ""), None);
    }

    #[test]
    fn a_message_id_ends_at_the_last_bracket_that_a_field_follows() {
        let keys = ["msgid", "relay", "proto"];
        let fields = |text| Fields::new(text, &keys).collect::<Vec<_>>();
        assert_eq!(fields("msgid=<a>, relay=b>, relay=c"), [("msgid", "<a>, relay=b>"), ("relay", "c")]);
        assert_eq!(fields("msgid=<a, relay=b"), [("msgid", "<a"), ("relay", "b")]);
        assert_eq!(fields("relay=<a>, proto=b>, proto=c"), [("relay", "<a>"), ("proto", "b>, proto=c")]);
        assert_eq!(fields("relay=a, protocol=b,proto=c"), [("relay", "a, protocol=b,proto=c")]);
        assert_eq!(fields("proto=a, relay=b"), [("proto", "a, relay=b")]);
        assert!(fields("flurble=a").is_empty() && fields("msgid").is_empty());
    }

    #[test]
    fn a_file_a_command_and_a_list_are_no_phrase() {
        for other in ["|cmd <in>", ":include:<x>", "a>", "<a@example.org", ""] {
            assert_eq!(bare(other), other);
        }
        assert_eq!(bare("a <b <c@example.org>"), "c@example.org");
    }

    #[test]
    fn a_code_is_three_digits_from_2_to_5() {
        for text in ["199 no", "600 no", "55", "5x0 no", "550x no", "250no"] {
            assert_eq!(reply(text), (None, None, text), "{text}");
        }
        assert_eq!((reply("200 ok"), reply("599-ok")), ((Some(200), None, "ok"), (Some(599), None, "ok")));
        assert_eq!((reply("250 2.1.5"), reply("5.1.1")), ((Some(250), Some("2.1.5"), ""), (None, Some("5.1.1"), "")));
        assert!(is_code("250") && !is_code("25") && !is_code("2500"));
    }

    #[test]
    fn an_enhanced_status_is_a_class_and_two_numbers_of_up_to_three_digits() {
        for word in ["2.0.0", "4.12.345", "5.123.4"] {
            assert!(is_dsn(word), "{word}");
        }
        for word in
            ["3.1.1", "5.1234.1", "5.1.1234", "5..1", "5.1.", "5.1.x", "5.x.1", "5.1.1.1", "5.1", "5", "55.1.1", ""]
        {
            assert!(!is_dsn(word), "{word}");
        }
    }

    #[test]
    fn an_interval_has_three_numbers_of_up_to_six_digits() {
        assert_eq!((interval("999999:00:00"), interval("1000000:00:00")), (Some(3_599_996_400.0), None));
        for text in ["00:00:02:01", "x:00:00", "00::00", "1+00:00", "+00:00:01", "+1:00:00x", ""] {
            assert_eq!(interval(text), None, "{text}");
        }
    }
}
