//! Small scanners that several parsers share: peers, bracketed addresses, numbers, SMTP replies.
//!
//! In: a text, at the place where the thing should begin.  Out: the thing and the rest. Each scanner reads its text once and
//! accepts any bytes: log text is written by strangers.

use crate::model::event::Peer;
use memchr::{memchr, memchr_iter, memchr2};
use std::net::IpAddr;

/// The place of the first `word` in a text. For words whose first byte is rare in logs: there it is faster than [`str::find`],
/// whose preparation is expensive in short texts.
pub fn find(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let first = *word.first()?;
    memchr_iter(first, text).find(|at| text[*at..].starts_with(word))
}

/// The texts before and after the first `word`; see [`find`].
pub fn split<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let at = find(text, word)?;
    Some((&text[..at], &text[at + word.len()..]))
}

/// The texts before and after the first `byte`, which must be ASCII.
pub fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr(byte, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// `name[addr]` or `[addr]`, perhaps with `:port`, at the start of a text; and the rest. The text in the brackets becomes the
/// address only if it is one: `unknown` and the paths of unix sockets do not.
pub fn peer<'a>(text: &'a str) -> Option<(Peer<'a>, &'a str)> {
    let word = |text: &'a str, end: u8| {
        let at = memchr2(end, b' ', text.as_bytes()).filter(|at| text.as_bytes()[*at] == end)?;
        Some((&text[..at], &text[at + 1..]))
    };
    let (name, inside) = word(text, b'[')?;
    let (inside, rest) = word(inside, b']')?;
    let (port, rest) = port(rest);
    let name = Some(name).filter(|name| !name.is_empty() && *name != "unknown");
    Some((Peer { name, addr: address(inside), port }, rest))
}

/// An IP address without the zone that a link-local one may carry.
fn address(text: &str) -> Option<&str> {
    let bare = split_at_byte(text, b'%').map_or(text, |(bare, _)| bare);
    (is_ipv4(bare) || bare.parse::<IpAddr>().is_ok()).then_some(bare)
}

/// Whether a text is an IPv4 address: four numbers up to 255 without leading zeros.
fn is_ipv4(text: &str) -> bool {
    let (mut number, mut digits, mut dots) = (0, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if digits == 0 || number > 0 => {
                (number, digits) = (number * 10 + u32::from(byte - b'0'), digits + 1);
            }
            b'.' if digits > 0 && dots < 3 => (number, digits, dots) = (0, 0, dots + 1),
            _ => return false,
        }
        if number > 255 {
            return false;
        }
    }
    dots == 3 && digits > 0
}

fn port(text: &str) -> (Option<u16>, &str) {
    let Some(digits) = text.strip_prefix(':') else { return (None, text) };
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    match digits[..len].parse() {
        Ok(port) => (Some(port), &digits[len..]),
        Err(_) => (None, text),
    }
}

/// The rest of an address after its `<`, up to the closing `>`, and the text after that. An address may hold `>`: the end is the
/// first `>` that is outside a leading quoted string and followed by one of `ends` or the end of the text. If there is none, it
/// is the first `>`; in a line that was cut before it, all of the text is the address.
pub fn angle<'a>(text: &'a str, ends: &[&str]) -> (&'a str, &'a str) {
    let mut first = None;
    let mut at = quoted_len(text);
    while let Some(found) = memchr(b'>', &text.as_bytes()[at..]) {
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

/// The length of the quoted string at the beginning of a text; 0 if there is none, or if it does not end.
pub fn quoted_len(text: &str) -> usize {
    if !text.starts_with('"') {
        return 0;
    }
    let mut bytes = text.bytes().enumerate().skip(1);
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

/// Splits before the first of `ends`; if there is none, all of the text is the value.
pub fn until<'a>(text: &'a str, ends: &[&str]) -> (&'a str, &'a str) {
    let bytes = text.as_bytes();
    let ended = |at: &usize| ends.iter().any(|end| bytes[*at..].starts_with(end.as_bytes()));
    let first = |end: &&str| end.as_bytes().first().copied();
    let end = match ends.split_first().map(|(one, others)| (first(one), others)) {
        Some((Some(byte), others)) if others.iter().all(|end| first(end) == Some(byte)) => {
            memchr_iter(byte, bytes).find(ended)
        }
        _ => (0..bytes.len()).find(ended),
    };
    text.split_at(end.unwrap_or(text.len()))
}

/// A number of decimal digits only, up to `i64::MAX`: the servers' own `long`, the `long` of search engines and the integers of
/// SQLite hold no more.
pub fn number(text: &str) -> Option<u64> {
    // `parse` alone would take a leading plus.
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?;
    number.filter(|number| i64::try_from(*number).is_ok())
}

/// Seconds below 10^10, with or without decimals. `parse` alone would also take `inf`, `1e9`, and hundreds of digits as infinity.
pub fn seconds(text: &str) -> Option<f64> {
    const LONGEST: f64 = 1e10;
    // Up to this many digits make a whole number that a float holds exactly. Divided by an exact power of ten it is rounded once,
    // as `parse` does (W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990).
    const EXACT: usize = 15;
    const POWERS: [f64; EXACT + 1] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (mut digits, mut decimals, mut point) = (0u64, 0, false);
    for byte in text.bytes().take(EXACT + 1) {
        match byte {
            b'0'..=b'9' => (digits, decimals) = (digits * 10 + u64::from(byte - b'0'), decimals + usize::from(point)),
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    let seconds = match text.len() {
        0..=EXACT if text.len() > usize::from(point) => digits as f64 / POWERS[decimals],
        _ => text.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| text.parse().ok())??,
    };
    Some(seconds).filter(|seconds| *seconds < LONGEST)
}

/// `CODE x.y.z text` of an SMTP reply (RFC 5321 4.2, RFC 3463 2): code and enhanced status, if present, and the text. The first
/// line of a folded reply has `-` after the code.
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

/// An enhanced status at the start of a text, and the text after its blank.
pub fn dsn(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    if !matches!(bytes, [b'2' | b'4' | b'5', b'.', ..]) {
        return None;
    }
    let digits = |from: usize| {
        let len = bytes[from..].iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        (1..=3).contains(&len).then_some(from + len)
    };
    let subject = digits(2).filter(|end| bytes.get(*end) == Some(&b'.'))?;
    let end = digits(subject + 1)?;
    match bytes.get(end) {
        None => Some((text, "")),
        Some(b' ') => Some((&text[..end], &text[end + 1..])),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
