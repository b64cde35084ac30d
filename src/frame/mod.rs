//! The frame that a syslog daemon, a relay or a log server puts around a text.
//!
//! In: one line of a log file ([`frame`]), one line of `journalctl -o json` ([`journal`]), or the message field of an
//! indexed document, which may still hold all or part of its frame ([`message`]).
//! Out: stamp, host, syslog name, process id and text, borrowed from the line.
//! Ignored on purpose: priority, message id and structured data, which say nothing about mail.
//!
//! This runs on every line of every file, so nothing is copied and the plain header is tried first.

pub mod dating;
mod frames;
mod journal;
mod stamp;
mod stamps;
mod tag;
pub mod track;
mod within;

pub use dating::Dater;
pub use frames::{is_mail, may_carry};
pub use journal::{Journalled, journal, journal_fields};
pub use stamp::{Stamp, day_number, read as stamp, year_of};

use crate::{
    model::Time,
    program::{Family, family, looks_like_mail},
};
use memchr::memchr;
use tag::Tag;

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub stamp: Stamp,
    /// As logged; `None` where a relay lost it.
    pub host: Option<&'a str>,
    /// The syslog name, whole: `postfix/submission/smtpd`. Empty where the line carries none
    /// (`last message repeated 3 times`).
    pub program: &'a str,
    pub pid: Option<u32>,
    /// The text after the tag, without the blank between.
    pub text: &'a str,
    /// Whether the line has more than one plain header before the text.
    pub wrapped: bool,
}

/// A message field taken apart; `None` where neither the field nor the document says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The stamp inside the field: the document's own time may only be the time of receipt.
    pub stamp: Option<Stamp>,
    pub host: Option<&'a str>,
    pub program: Option<&'a str>,
    pub pid: Option<u32>,
    pub text: &'a str,
}

/// Takes a line of a log file apart: RFC 3164, the same with an ISO 8601 stamp, RFC 5424, or a form that `frames` knows.
///
/// `None` if no frame with a time fits, or the line is a first or middle piece of a longer one. Also `None` if the program is no
/// mail server although the part before the text looks like a mail server's line: such a line must count as unrecognised, not as
/// another program's (law L4).
pub fn frame(line: &str) -> Option<Frame<'_>> {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let plain = header(line).filter(|found| found.stamp.is_some());
    if let Some(found) = plain
        && is_plain(&found)
        && let family = family(found.program?)
        && (!may_carry(family) || family == Family::Sendmail && !frames::may_be_line(found.text))
    {
        return framed(found, false);
    }
    let nothing_inside = plain.is_some_and(|found| is_plain(&found) && !frames::may_be_line(found.text));
    let deep = if nothing_inside { None } else { frames::read(line).filter(|found| found.stamp.is_some()) };
    let found = match (plain, deep) {
        (_, Some(deep)) if deep.program.is_some_and(is_mail) => deep,
        (Some(plain), _) if frames::is_partial(&plain) => return None,
        (Some(plain), _) if is_plain(&plain) => plain,
        (_, Some(deep)) => deep,
        (plain, None) => plain?,
    };
    let is_server = matches!(family(found.program.unwrap_or_default()), Family::Postfix(_) | Family::Sendmail);
    if !is_server && looks_like_mail("", &line[..line.len() - found.text.len()]) {
        return None;
    }
    framed(found, plain != Some(found))
}

fn framed(found: Message<'_>, wrapped: bool) -> Option<Frame<'_>> {
    let Message { stamp, host, program, pid, text } = found;
    Some(Frame { stamp: stamp?, host, program: program.unwrap_or_default(), pid, text, wrapped })
}

/// Whether a header has a program, and no host or a word that can be one.
fn is_plain(found: &Message<'_>) -> bool {
    found.program.is_some() && found.host.is_none_or(frames::is_host)
}

/// Whether the text of a program's line is itself a whole line of a mail program.
pub fn is_line(text: &str) -> bool {
    frames::inside_of(Stamp::Exact(Time(0)), None, text).is_some()
}

/// The mail program's line inside a text that `program` logged, as the log driver of a container runtime hands it over. `time`
/// and `host` are those of the outer line.
pub fn inside<'a>(program: &str, time: Time, host: Option<&'a str>, text: &'a str) -> Option<Message<'a>> {
    may_carry(family(program)).then(|| frames::inside_of(Stamp::Exact(time), host, text)).flatten()
}

/// Takes the message field of a document apart. `host`, `program` and `pid` come from the document's other fields. A header
/// inside the field takes precedence over them, because a log server may have replaced the host by the sender's address or its
/// reverse name.
///
/// A header counts only if it agrees with `program`, or if it has a time and names a mail program while `program` is none
/// (rsyslog's imfile gives each file a tag of its own). Without a header, a tag needs a process id or the name of a known
/// program, so that `warning: …` is not taken for a program's name.
pub fn message<'a>(text: &'a str, host: Option<&'a str>, program: Option<&'a str>, pid: Option<u32>) -> Message<'a> {
    let plain = header(text).filter(|h| h.program.is_some());
    let inside = match plain {
        Some(plain) if is_plain(&plain) && !may_carry(family(plain.program.unwrap_or_default())) => Some(plain),
        plain => frames::read(text).filter(|deep| deep.stamp.is_some() && deep.program.is_some_and(is_mail)).or(plain),
    };
    let inside = inside.or_else(|| bare_tag(text));
    let agrees = |name: &str| match program {
        None => true,
        // A transport that cuts `postfix/smtpd` at the slash leaves `postfix`.
        Some(known) => name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    };
    match inside {
        Some(h)
            if h.program.is_some_and(|name| {
                agrees(name) || h.stamp.is_some() && is_mail(name) && !program.is_some_and(is_mail)
            }) =>
        {
            Message { host: h.host.or(host), pid: h.pid.or(pid), ..h }
        }
        _ => Message { stamp: None, host, program, pid, text },
    }
}

/// The header of a line that begins with a priority or a stamp.
fn header(line: &str) -> Option<Message<'_>> {
    let after_priority = strip_priority(line);
    if let Some(rest) = after_priority.and_then(|rest| rest.strip_prefix("1 ")) {
        return protocol(rest);
    }
    match stamp::read(after_priority.unwrap_or(line)) {
        Some((stamp, rest)) => named(Some(stamp), rest),
        None => named(None, after_priority?),
    }
}

/// `<22>`; RFC 5424 section 6.2.1.
fn strip_priority(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('<')?;
    let digits = rest.bytes().take(4).take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits).then(|| rest[digits..].strip_prefix('>')).flatten()
}

/// Host and tag after the stamp of RFC 3164. Either may be missing.
fn named(stamp: Option<Stamp>, rest: &str) -> Option<Message<'_>> {
    let rest = skip_level(rest);
    if rest.is_empty() {
        return None;
    }
    let bare = |host, text| Message { stamp, host, program: None, pid: None, text };
    let token = &rest[..memchr(b' ', rest.as_bytes()).unwrap_or(rest.len())];
    if looks_like_tag(token)
        && let Some(tag) = tag::read(rest)
    {
        return Some(tagged(stamp, None, tag));
    }
    if rest.starts_with("last message repeated ") {
        return Some(bare(None, rest));
    }
    let after = rest[token.len()..].trim_start_matches(' ');
    Some(match tag::read(after) {
        Some(tag) => tagged(stamp, Some(token), tag),
        None => bare(Some(token), after),
    })
}

/// FreeBSD's `syslogd -v -v` writes `<mail.info>` before the host.
fn skip_level(rest: &str) -> &str {
    match rest.strip_prefix('<').and_then(|inner| inner.split_once("> ")) {
        Some((level, after)) if level.len() <= 20 && !level.contains(' ') => after,
        _ => rest,
    }
}

/// Whether a word is a tag rather than a host: it has a bracket after its first byte, or ends in a colon. An IPv6 address may end
/// in two colons.
fn looks_like_tag(token: &str) -> bool {
    (token.ends_with(':') && !token.ends_with("::")) || token.as_bytes().iter().skip(1).any(|b| *b == b'[')
}

fn tagged<'a>(stamp: Option<Stamp>, host: Option<&'a str>, tag: Tag<'a>) -> Message<'a> {
    Message { stamp, host, program: Some(tag.program), pid: tag.pid, text: tag.text }
}

/// `mx1 postfix/smtpd[2134]: …` or `postfix/smtpd[2134]: …`, as a syslog input leaves an RFC 3164 line.
fn bare_tag(text: &str) -> Option<Message<'_>> {
    let believable = |tag: &Tag<'_>| tag.pid.is_some() || family(tag.program) != Family::Foreign;
    if let Some(tag) = tag::read(text).filter(believable) {
        return Some(tagged(None, None, tag));
    }
    let (host, rest) = text.split_once(' ')?;
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b));
    let tag = tag::read(rest).filter(|tag| is_host && believable(tag))?;
    Some(tagged(None, Some(host), tag))
}

/// RFC 5424 after its version: `STAMP HOST APP PROCID MSGID SD TEXT`, `-` for what is not known.
fn protocol(rest: &str) -> Option<Message<'_>> {
    let (time, rest) = rest.split_once(' ')?;
    let (host, rest) = rest.split_once(' ')?;
    let (program, rest) = rest.split_once(' ')?;
    let (pid, rest) = rest.split_once(' ')?;
    let (_message_id, rest) = rest.split_once(' ')?;
    let text = &rest[structured_data_end(rest)?..];
    // rsyslog keeps the blank after the tag of RFC 3164, so the nil structured data may be followed by two blanks.
    let text = text.trim_start_matches(' ');
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let stamp = match nil(time) {
        Some(time) => Some(stamp::read(time).filter(|(_, left)| left.is_empty())?.0),
        None => None,
    };
    Some(Message { stamp, host: nil(host), program: nil(program), pid: pid.parse().ok(), text })
}

fn nil(field: &str) -> Option<&str> {
    (field != "-").then_some(field)
}

/// The length of `-` or of `[id name="value"]…`. A bracket inside quotes does not end an element.
fn structured_data_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'-') {
        return Some(1);
    }
    let mut at = 0;
    while bytes.get(at) == Some(&b'[') {
        let mut quoted = false;
        loop {
            match bytes.get(at)? {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
            at += 1;
        }
        at += 1;
    }
    // The byte after a backslash is skipped, so `at` may be inside a character there, but never after a closing bracket.
    (at > 0).then_some(at)
}

#[cfg(test)]
mod tests;
