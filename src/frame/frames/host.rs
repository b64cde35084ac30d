//! The host of a header: a name, an address, either of them in brackets, or a name adorned by syslog-ng or socklog.

use super::{Known, level};
use crate::frame::stamps;

/// Whether a word in the host's place can be a plain host: not a level, a year, a zone or several columns, not in brackets, not
/// adorned (`s_net@mx1`, `mx1/relay`), and not the `-` that stands for none.
pub fn is_host(word: &str) -> bool {
    let adorned = word == "-" || word.contains(['@', '/']);
    let year = word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    let bracketed = word.starts_with(['[', '(']);
    !(adorned || year || bracketed || word.contains('\t') || level::is_level(word, false) || stamps::is_zone(word))
}

/// Reads a host. A header that begins with a stamp has one; before the first stamp there may be several columns of them, and the
/// last counts.
pub fn read<'a>(text: &'a str, known: &mut Known<'a>) -> Option<&'a str> {
    if known.has_host && known.stamp.is_some() {
        return None;
    }
    let len = text.bytes().take(256).take_while(|b| !matches!(b, b' ' | b'\t' | b',')).count();
    let word = text.get(..len).filter(|word| !word.is_empty())?;
    let rest = &text[len..];
    if rest.is_empty() {
        return None;
    }
    let bare = word.strip_suffix(':').filter(|bare| !bare.ends_with(':')).unwrap_or(word);
    let bare = bare.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(bare);
    // syslog-ng writes `s_net@mx1` with long_hostnames, and `mx1/relay` with chain_hostnames.
    let bare = bare.rsplit('@').next().unwrap_or(bare);
    let bare = bare.split('/').next().unwrap_or(bare);
    let named = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:%".contains(&b) || !b.is_ascii());
    if !named || bare.is_empty() {
        // BusyBox on a machine without a name writes `(none)`.
        return (word == "(none)").then_some(rest);
    }
    if word.ends_with(':') && word != bare && !bare.contains(['.', ':']) {
        return None;
    }
    known.host = (bare != "-").then_some(bare).or(known.host);
    known.has_host = true;
    Some(rest)
}
