//! Small scanners that several parsers share: queue ids, peers, bracketed addresses, numbers, SMTP replies.
//!
//! In: a text, at the place where the thing should begin.  Out: the thing and what follows it.  Each walks its text
//! once and takes any bytes: log text is written by strangers.

use crate::model::event::Peer;
use std::net::IpAddr;

/// Whether a word is a postfix queue id: short (hexadecimal, upper case) or long (base 52 without vowels, with its
/// `z` mark). Source: `global/mail_queue.h`, `global/safe_ultostr.c`.
pub fn is_queue_id(word: &str) -> bool {
    is_short_id(word) || is_long_id(word)
}

/// Five digits of microseconds, then the inode: at most 5 + 16 digits.
fn is_short_id(word: &str) -> bool {
    (6..=21).contains(&word.len()) && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
}

/// At least six digits of seconds and four of microseconds, the last `z`, and the inode.
fn is_long_id(word: &str) -> bool {
    let vowel = |b: u8| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u');
    (12..=26).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() && !vowel(b))
        && word.rfind('z').is_some_and(|mark| mark >= 10 && mark + 1 < word.len())
}

/// A postfix queue id at the start of a text, followed by `: `; and what comes after that.
pub fn leading_queue_id(text: &str) -> Option<(&str, &str)> {
    let colon = text.bytes().take(27).position(|b| b == b':')?;
    let id = text.get(..colon).filter(|id| is_queue_id(id))?;
    Some((id, text.get(colon..)?.strip_prefix(": ")?))
}

/// `name[addr]`, `[addr]` or either with `:port` at the start of a text, and what follows. What stands in the brackets
/// becomes the address only if it is one: `unknown` and the paths of unix sockets do not.
pub fn peer(text: &str) -> Option<(Peer<'_>, &str)> {
    let (name, inside) = text.split_once('[').filter(|(name, _)| !name.contains(' '))?;
    let (inside, rest) = inside.split_once(']').filter(|(inside, _)| !inside.contains(' '))?;
    let (port, rest) = port(rest);
    let name = Some(name).filter(|name| !name.is_empty() && *name != "unknown");
    Some((Peer { name, addr: address(inside), port }, rest))
}

/// An IP address without the zone that a link-local one may carry.
fn address(text: &str) -> Option<&str> {
    let bare = text.split('%').next()?;
    bare.parse::<IpAddr>().ok().map(|_| bare)
}

fn port(text: &str) -> (Option<u16>, &str) {
    let Some(digits) = text.strip_prefix(':') else { return (None, text) };
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    match digits[..len].parse() {
        Ok(port) => (Some(port), &digits[len..]),
        Err(_) => (None, text),
    }
}

/// The rest of an address after its `<`, up to the `>` that ends it, and what follows that. Addresses may hold `>`, so
/// the end is the first one outside a leading quoted string that the text's end or one of `ends` follows; failing that
/// the first one. In a cut line all of the text is the address.
pub fn angle<'a>(text: &'a str, ends: &[&str]) -> (&'a str, &'a str) {
    let mut first = None;
    let mut at = quoted_len(text);
    while let Some(found) = text[at..].find('>') {
        let end = at + found;
        let rest = &text[end + 1..];
        if rest.is_empty() || ends.iter().any(|e| rest.starts_with(e)) {
            return (&text[..end], rest);
        }
        first = first.or(Some(end));
        at = end + 1;
    }
    first.map_or((text, ""), |end| (&text[..end], &text[end + 1..]))
}

/// Length of the quoted string that a text begins with; 0 if there is none, or no end to it.
pub fn quoted_len(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate();
    if bytes.next().is_none_or(|(_, b)| b != b'"') {
        return 0;
    }
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    0
}

/// Splits at the first of `ends`; without any all of it is the value. `ends` stay with the rest.
pub fn until<'a>(text: &'a str, ends: &[&str]) -> (&'a str, &'a str) {
    let end = ends.iter().filter_map(|e| text.find(e)).min().unwrap_or(text.len());
    text.split_at(end)
}

/// Decimal digits and nothing else.
pub fn number(text: &str) -> Option<u64> {
    // `parse` alone would take a leading plus.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Seconds, with or without decimals; neither `inf` nor `1e9`, which `parse` alone would take.
pub fn seconds(text: &str) -> Option<f64> {
    text.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| text.parse().ok())?
}

/// `CODE x.y.z text` of an SMTP reply (RFC 5321 4.2, RFC 3463 2): code and enhanced status where present, then the
/// text. The first line of a folded reply has `-` after the code.
pub fn reply(text: &str) -> (Option<u16>, Option<&str>, &str) {
    let text = text.trim_start_matches(' ');
    let (code, rest) = match code(text) {
        Some((code, rest)) => (Some(code), rest),
        None => (None, text),
    };
    match dsn(rest) {
        Some((dsn, rest)) => (code, Some(dsn), rest),
        None => (code, None, rest),
    }
}

fn code(text: &str) -> Option<(u16, &str)> {
    let digits = text.get(..3).filter(|d| matches!(d.as_bytes()[0], b'2'..=b'5'))?;
    let code = number(digits).and_then(|n| u16::try_from(n).ok())?;
    match text.as_bytes().get(3) {
        None => Some((code, "")),
        Some(b' ' | b'-') => Some((code, &text[4..])),
        Some(_) => None,
    }
}

/// An enhanced status at the start of a text, and what follows its blank.
pub fn dsn(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = word.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |part: &str| (1..=3).contains(&part.len()) && number(part).is_some();
    let is_dsn = matches!(class, "2" | "4" | "5") && short(subject) && short(detail) && parts.next().is_none();
    is_dsn.then_some((word, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_queue_id_are_known() {
        for id in ["3F2A41C0E7", "4dhRlh0sf8z9rvS", "000001", "4dhRlz0sf8z9rvS"] {
            assert!(is_queue_id(id), "{id}");
        }
    }

    #[test]
    fn ordinary_words_are_not_queue_ids() {
        for word in
            ["statistics", "warning", "NOQUEUE", "SASL", "ABC12", "3f2a41c0e7", "foo.bar", "", "TLSRPT", "Requeued"]
        {
            assert!(!is_queue_id(word), "{word}");
        }
    }

    #[test]
    fn a_queue_id_leads_only_with_colon_and_blank() {
        assert_eq!(leading_queue_id("3F2A41C0E7: removed"), Some(("3F2A41C0E7", "removed")));
        assert_eq!(leading_queue_id("3F2A41C0E7:removed"), None);
        assert_eq!(leading_queue_id("3F2A41C0E7 removed"), None);
        assert_eq!(leading_queue_id("ééééééééééééééééé: x"), None);
    }

    #[test]
    fn unknown_and_paths_are_no_addresses() {
        let (p, rest) = peer("unknown[192.0.2.1]:25: x").unwrap();
        assert_eq!((p.name, p.addr, p.port, rest), (None, Some("192.0.2.1"), Some(25), ": x"));
        let (p, rest) = peer("mx.example.org[private/lmtp]; y").unwrap();
        assert_eq!((p.name, p.addr, p.port, rest), (Some("mx.example.org"), None, None, "; y"));
        let (p, _) = peer("a[fe80::1%eth0]:99999").unwrap();
        assert_eq!((p.addr, p.port), (Some("fe80::1"), None));
        assert!(peer("a b[192.0.2.1]").is_none());
        assert!(peer("a[192.0.2.1").is_none());
    }

    #[test]
    fn an_address_may_hold_its_closing_bracket() {
        assert_eq!(angle("\"a>, relay=x\"@b>, relay=y", &[", relay="]), ("\"a>, relay=x\"@b", ", relay=y"));
        assert_eq!(angle("a>b@c>, relay=y", &[", relay="]), ("a>b@c", ", relay=y"));
        assert_eq!(angle("a@b> new=1", &[", relay="]), ("a@b", " new=1"));
        assert_eq!(angle("cut@exam", &[", relay="]), ("cut@exam", ""));
        assert_eq!(angle("\"open> quote", &[]), ("\"open", " quote"));
    }

    #[test]
    fn replies_split_into_code_status_and_text() {
        assert_eq!(reply("550 5.1.1 no such user"), (Some(550), Some("5.1.1"), "no such user"));
        assert_eq!(reply("550-5.7.1 first"), (Some(550), Some("5.7.1"), "first"));
        assert_eq!(reply("5.7.1 spam"), (None, Some("5.7.1"), "spam"));
        assert_eq!(reply("250 OK"), (Some(250), None, "OK"));
        assert_eq!(reply("5.7 no"), (None, None, "5.7 no"));
        assert_eq!(reply("1234 x"), (None, None, "1234 x"));
        assert_eq!(reply("€ 5"), (None, None, "€ 5"));
    }

    #[test]
    fn seconds_are_plain_decimals() {
        assert_eq!(seconds("0.05"), Some(0.05));
        assert_eq!((seconds("inf"), seconds("1e9"), seconds(""), seconds("1.2.3")), (None, None, None, None));
        assert_eq!((number("+1"), number(""), number("12")), (None, None, Some(12)));
    }
}
