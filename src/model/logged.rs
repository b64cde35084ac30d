//! Undoes the escapes by which sendmail makes texts printable before it logs them.

use std::borrow::Cow;

/// A logged text as it was before `libsm str2prt` made it printable: `\\`, `\t`, `\n`, `\r` and `\ooo`.
///
/// Bytes that are not UTF-8 become U+FFFD. An unknown escape is left as it is.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut raw = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        let (plain, length) = match (byte, rest) {
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                ((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), 4)
            }
            _ => (byte, 1),
        };
        raw.push(plain);
        bytes = &bytes[length..];
    }
    match String::from_utf8(raw) {
        Ok(text) => Cow::Owned(text),
        Err(bad) => Cow::Owned(String::from_utf8_lossy(bad.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_bytes_are_utf8() {
        assert_eq!(unescape(r"j\303\274rgen\\x\n"), "jürgen\\x\n");
        assert_eq!(unescape(r"\377 \9 \"), "\u{fffd} \\9 \\");
        assert!(matches!(unescape("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn a_control_character_is_written_as_in_c() {
        assert_eq!(unescape(r"a\tb\rc\nd\\e"), "a\tb\rc\nd\\e");
        assert_eq!(unescape(r"\101\175\052\176"), "A}*~");
        assert_eq!(unescape(r"\400 \380 \308 \12"), r"\400 \380 \308 \12");
    }
}
