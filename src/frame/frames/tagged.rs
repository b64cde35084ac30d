//! The tag at the end of a header: plain, in brackets (metalog: `[postfix/smtpd] text`), or as columns of a template
//! (`postfix/smtpd 2134 text`).

use super::{Known, fields};
use crate::{
    frame::{Message, tag},
    program::{Family, family},
};

pub fn read<'a>(text: &'a str, known: &Known<'a>) -> Option<Message<'a>> {
    if let Some(found) = tag::read(text)
        && is_tag(&found, known)
    {
        return Some(message(unit(&found), found.pid, found.text));
    }
    if known.is_text {
        return None;
    }
    bracketed(text).or_else(|| fields::read(text)).or_else(|| columns(text))
}

/// The program of a tag. journalctl -o with-unit writes the unit in its place: `postfix@-.service[2134]` stands for `postfix`.
fn unit<'a>(found: &tag::Tag<'a>) -> &'a str {
    let Some(unit) = found.program.strip_suffix(".service").filter(|_| found.pid.is_some()) else {
        return found.program;
    };
    let name = unit.split('@').next().unwrap_or(unit);
    if family(name) == Family::Foreign { found.program } else { name }
}

/// Whether a tag that was read is one. A foreign name with only a colon may be a host or a level, so it needs a host before it,
/// or a process id; before any stamp it never counts. Names of known programs always do.
fn is_tag(found: &tag::Tag<'_>, known: &Known<'_>) -> bool {
    let program = found.program.trim_end_matches(':');
    if known.is_text && found.pid.is_none() {
        return false;
    }
    let wordy = is_name(program);
    match family(program) {
        Family::Foreign => {
            let is_program = known.has_host && !super::level::is_level(program, true);
            // With a process id, `CRON[7]` is a program and not a facility.
            wordy && known.stamp.is_some() && (found.pid.is_some() || is_program)
        }
        _ => wordy,
    }
}

/// Whether a word can be a program's name, and not several columns.
pub fn is_name(word: &str) -> bool {
    word.bytes().all(|b| b > b' ' && !b"<|,[\"".contains(&b))
}

/// metalog writes `[postfix/smtpd] text`; newer versions can write `[postfix/smtpd] [2134] text`.
fn bracketed(text: &str) -> Option<Message<'_>> {
    let (program, rest) = text.strip_prefix('[')?.split_once("] ")?;
    // `[pod/mail-0/postfix]` names a container.
    if family(program) == Family::Foreign || program.starts_with("pod/") {
        return None;
    }
    let pid = rest
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
        .and_then(|(pid, rest)| Some((pid.parse().ok()?, rest)));
    Some(pid.map_or_else(|| message(program, None, rest), |(pid, rest)| message(program, Some(pid), rest)))
}

/// `postfix/smtpd 2134 text` and `postfix/smtpd text`. Only a full postfix name can be told from an ordinary word.
fn columns(text: &str) -> Option<Message<'_>> {
    let (program, rest) = text.split_once([' ', '\t'])?;
    let program = program.trim_end_matches(':');
    if !(is_name(program) && program.contains('/') && matches!(family(program), Family::Postfix(Some(_)))) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let pid =
        rest.split_once([' ', '\t']).and_then(|(pid, rest)| Some((pid.trim_end_matches(':').parse().ok()?, rest)));
    Some(pid.map_or_else(|| message(program, None, rest), |(pid, rest)| message(program, Some(pid), rest)))
}

fn message<'a>(program: &'a str, pid: Option<u32>, text: &'a str) -> Message<'a> {
    Message { stamp: None, host: None, program: Some(program), pid, text }
}
