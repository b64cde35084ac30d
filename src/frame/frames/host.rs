//! The host of a header: a name, an address, either in brackets, or one that syslog-ng or socklog adorned.

use super::{Known, level};
use crate::frame::stamps;

/// Whether a word at the place of the host is one as it is, and not a level, a year, a zone or several columns, nor an adorned
/// name, nor the `-` of none.
pub fn is_host(word: &str) -> bool {
    let adorned = word == "-" || word.contains(['@', '/']);
    let year = word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    let bracketed = word.starts_with(['[', '(']);
    !(adorned || year || bracketed || word.contains('\t') || level::is_level(word, false) || stamps::is_zone(word))
}

/// One for each header, and at the beginning of a line as many as there are columns of them, of which the last counts.
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
    // syslog-ng's `s_net@mx1` of long_hostnames, and `mx1/relay` of chain_hostnames.
    let bare = bare.rsplit('@').next().unwrap_or(bare);
    let bare = bare.split('/').next().unwrap_or(bare);
    let named = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:%".contains(&b) || !b.is_ascii());
    if !named || bare.is_empty() {
        // BusyBox on a machine without a name.
        return (word == "(none)").then_some(rest);
    }
    if word.ends_with(':') && word != bare && !bare.contains(['.', ':']) {
        return None;
    }
    known.host = (bare != "-").then_some(bare).or(known.host);
    known.has_host = true;
    Some(rest)
}
