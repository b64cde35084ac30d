//! Spells out characters that a terminal would act on.
//!
//! In: text with parts that strangers wrote: addresses, replies, whole log lines.  Out: the same with control
//! characters spelled out.  Left alone on purpose: backslashes, so that ordinary log lines look as they were logged.
//! The output is for people; programs read JSON.

use std::{borrow::Cow, fmt::Write};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The text in one line, with every hidden character spelled out (`\n`, `\x1b`, `\u{202e}`).
///
/// Besides C0, DEL and C1 (ECMA-48), hidden are characters that nobody sees or that make others look different: line
/// separators, changes of direction (Unicode TR 9), zero-width characters, tags, variation selectors, fillers,
/// unassigned and private-use ones. They can make an address look like another one.
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

/// JSON with the same meaning and no hidden characters: those that JSON allows (DEL, C1, changes of direction) are
/// written as `\u009b`.
pub fn in_json(text: String) -> String {
    // Outside of its strings, JSON has no hidden characters except the line breaks of indented output.
    let is_hidden = |c: char| c != '\n' && is_hidden(c);
    if !text.contains(is_hidden) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            // Writing to a String cannot fail.
            c if is_hidden(c) => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| _ = write!(out, "\\u{unit:04x}")),
            c => out.push(c),
        }
    }
    out
}

/// Removes logins from the URLs in a text: `https://user:secret@host` becomes `https://…@host`.
pub fn without_logins(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("//") {
        let (before, authority) = rest.split_at(at + 2);
        out.push_str(before);
        let end = authority.find(|c: char| "/\\?#\"'`<>)".contains(c) || c.is_whitespace()).unwrap_or(authority.len());
        let bare = authority[..end].rfind('@').unwrap_or(0);
        if bare > 0 {
            out.push('…');
        }
        rest = &authority[bare..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn is_hidden(c: char) -> bool {
    use GeneralCategory as G;
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Letters that look like nothing, and marks that change the look of the character before them (Unicode,
    // Default_Ignorable_Code_Point).
    let is_ignorable = matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
    is_ignorable
        || matches!(
            c.general_category(),
            G::Control
                | G::Format
                | G::Surrogate
                | G::PrivateUse
                | G::Unassigned
                | G::LineSeparator
                | G::ParagraphSeparator
        )
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
    fn what_nobody_sees_is_spelled_out() {
        // Zero width (two), tag, variation selector (two), soft hyphen, filler, unassigned, private use.
        for hidden in
            ["\u{200b}", "\u{feff}", "\u{e0041}", "\u{e0100}", "\u{fe0f}", "\u{ad}", "\u{3164}", "\u{378}", "\u{e000}"]
        {
            check(&format!("a{hidden}b"), &format!("a{}b", hidden.escape_unicode()));
        }
        check("naïve Zürich 東京 हिन्दी 😀", "naïve Zürich 東京 हिन्दी 😀");
    }

    #[test]
    fn an_address_is_told_without_its_login() {
        let check = |text: &str, expected: &str| assert_eq!(without_logins(text), expected);
        check("on https://u:p@ss@h:9200/x: no", "on https://…@h:9200/x: no");
        check("http://a@h, //u:p@h and ftp://u@h", "http://…@h, //…@h and ftp://…@h");
        check("from=<a@example.org> https://h/a@b", "from=<a@example.org> https://h/a@b");
        check("//", "//");
        check("@//@", "@//@");
    }

    #[test]
    fn text_does_not_change_direction() {
        check("gro.\u{202e}elpmaxe", "gro.\\u{202e}elpmaxe");
    }
}
