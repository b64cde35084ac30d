//! Facility and severity, as words: `mail.info` (BusyBox, OpenWrt), `Mail.Info` (Kiwi), `mail:info` (AIX), `mail.info:` (socklog),
//! `<mail.info>` and `<2.6>` (FreeBSD), `[mail.info]`, `mail info` (columns of a template).

use super::Known;

const FACILITIES: [&str; 22] = [
    "kern", "user", "mail", "daemon", "auth", "security", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", "system",
];
const SEVERITIES: [&str; 16] = [
    "emerg",
    "panic",
    "emergency",
    "alert",
    "crit",
    "critical",
    "err",
    "error",
    "warning",
    "warn",
    "notice",
    "info",
    "information",
    "informational",
    "debug",
    "none",
];

pub fn read<'a>(text: &'a str, known: &mut Known<'a>) -> Option<&'a str> {
    if let Some((inner, rest)) = text.strip_prefix('<').and_then(|inner| inner.split_once('>'))
        && is_level(inner, true)
    {
        return Some(rest);
    }
    let (word, rest) = text.split_once([' ', '\t'])?;
    is_level(word, known.has_host).then_some(rest)
}

/// Whether a word is a level. `alone`: whether a single word without brackets is enough, such as `mail`, which may also be a
/// host.
pub fn is_level(word: &str, alone: bool) -> bool {
    let inner = word.trim_end_matches([':', ',']);
    let bare = inner.trim_start_matches(['<', '[', '(']).trim_end_matches(['>', ']', ')']);
    let bracketed = bare.len() < inner.len();
    match bare.split_once(['.', ':', '|', '/']) {
        Some((facility, severity)) => {
            let numbers = (bracketed || alone) && is_number(facility) && is_number(severity);
            numbers || (among(&FACILITIES, facility) || is_number(facility)) && among(&SEVERITIES, severity)
        }
        None => (alone || bracketed) && (among(&FACILITIES, bare) || among(&SEVERITIES, bare)),
    }
}

fn among(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn is_number(word: &str) -> bool {
    (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
}
