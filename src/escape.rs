//! Makes visible what a terminal would obey.
//!
//! In: text, parts of which strangers wrote: addresses, replies, whole log lines.  Out: the same with control characters
//! spelled out.  Left alone on purpose: backslashes, so that ordinary log lines look as they were logged; what is printed
//! here is for eyes, and JSON is for programs.

use std::{borrow::Cow, fmt::Write};

/// The text with every control character spelled out (`\n`, `\x1b`, `\u{202e}`), in one line.
///
/// Besides C0, DEL and C1 (ECMA-48) these are the line separators and the characters that change the direction of text
/// (Unicode TR 9), with which an address can be made to look like another one.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String cannot fail.
            c if is_hidden(c) && c.is_ascii() => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c if is_hidden(c) => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// JSON text with the same meaning and without hidden characters: what JSON itself lets through (DEL, C1, directions) is
/// written as `\u009b`.
pub fn in_json(text: String) -> String {
    // Outside of its texts JSON has no such characters but the line breaks of an indented one.
    let is_hidden = |c: char| c != '\n' && is_hidden(c);
    if !text.contains(is_hidden) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            // All of them are of one UTF-16 unit. Writing to a String cannot fail.
            c if is_hidden(c) => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(visible(text), expected);
    }

    #[test]
    fn ordinary_text_is_not_copied() {
        assert!(matches!(visible("to=<jürgen@example.org> \\o/"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_terminal_sequence_is_spelled_out() {
        check("\x1b[2Jgone", "\\x1b[2Jgone");
        check("\u{9b}31m", "\\u{9b}31m");
        check("a\x7f\0", "a\\x7f\\x00");
    }

    #[test]
    fn a_line_stays_one_line() {
        check("a\r\n\tb\u{2028}", "a\\r\\n\\tb\\u{2028}");
    }

    #[test]
    fn json_means_the_same_without_hidden_characters() {
        let value = serde_json::json!({"a": "\u{9b}2J \x7f \u{202e}x \x1b \n"});
        let text = in_json(serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains(|c| c != '\n' && is_hidden(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn text_does_not_change_direction() {
        check("gro.\u{202e}elpmaxe", "gro.\\u{202e}elpmaxe");
    }
}
