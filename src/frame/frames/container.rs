//! Prefixes of container runtimes: `stdout F ` of Kubernetes' CRI after the stamp, `mail-1  | ` of docker compose,
//! `[pod/mail-0/postfix] ` of `kubectl logs --prefix`.

use super::Known;
use crate::frame::Message;

/// `stdout F `. There may be several tags, separated by colons; `F` marks a whole line or the last piece of one.
pub fn stream<'a>(text: &'a str, known: &mut Known<'a>) -> Option<&'a str> {
    known.stamp?;
    let rest = ["stdout ", "stderr "].iter().find_map(|stream| text.strip_prefix(stream))?;
    let (tags, rest) = rest.split_once(' ')?;
    tags.split(':').next().filter(|tag| *tag == "F")?;
    Some(rest)
}

/// Whether a line is the first or a middle piece of a longer one: `2026-03-14T10:12:01Z stdout P Mar 14 …`. `plain`: the line,
/// read as if its header were plain.
pub fn is_partial(plain: &Message<'_>) -> bool {
    let is_piece = plain.text.starts_with("P ") || plain.text.starts_with("P:");
    is_piece && matches!(plain.host, Some("stdout" | "stderr"))
}

/// `mail-1  | `, `mail.1.abc@node1    | `, `[pod/mail-0/postfix] `. The name serves as the host of lines that name none.
pub fn prefix<'a>(text: &'a str, known: &mut Known<'a>) -> Option<&'a str> {
    if let Some(pod) = text.strip_prefix("[pod/") {
        let (pod, rest) = pod.split_once("] ")?;
        known.around = pod.split('/').next();
        return Some(rest);
    }
    let len = text.bytes().take(128).take_while(|b| b.is_ascii_alphanumeric() || b"._-@/".contains(b)).count();
    let rest = text[len..].trim_start_matches(' ').strip_prefix('|').filter(|_| len > 0)?;
    known.around = text[..len].split('@').next();
    rest.starts_with([' ', '\u{1b}']).then_some(rest)
}
