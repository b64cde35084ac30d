//! Headers that are not plain: those of other daemons and templates, and lines inside of lines.
//!
//! In: a line, or the text of one.  Out: what all its headers say together, the innermost first.
//! A header is taken for a row of pieces (stamp, level, container, host, tag, …), read one after the other in whichever order they
//! come: `2026-03-14T10:12:01Z stdout F Mar 14 10:12:01 mailpod postfix/smtpd[123]: text`. One more is one more reader in a
//! small file, and a line in [`PIECES`].
//!
//! The tag ends it. That of a program which is no mail server may be what a container's runtime put around a whole line, so
//! that its text is looked into (`docker[32360]: May  2 20:56:12 mail postfix/smtpd[17730]: text`).

mod container;
mod fields;
mod forwarded;
mod host;
mod level;
mod tagged;

pub use container::is_partial;
pub use host::is_host;

use super::{Message, protocol, stamp::Stamp, stamps, strip_priority};
use crate::program::{Family, family};
use memchr::memchr_iter;

/// No header has more pieces; a line of a stranger may.
const MOST: usize = 16;

/// What was read of a header so far.
#[derive(Clone, Copy, Default)]
struct Known<'a> {
    stamp: Option<Stamp>,
    host: Option<&'a str>,
    /// Whether the header that is being read, which began with its stamp, has its host.
    has_host: bool,
    /// Whether the text of another program's line is read, in which only a tag with a process id is one.
    is_text: bool,
    /// The name of a container or of the program around the line, which stands for a host that nothing else tells.
    around: Option<&'a str>,
}

/// One piece: notes what it tells, and gives what follows it; `None` where the text does not begin with it.
type Piece = for<'a> fn(&'a str, &mut Known<'a>) -> Option<&'a str>;

const PIECES: &[Piece] =
    &[marks, priority, when, container::stream, container::prefix, level::read, forwarded::read, host::read];

/// Takes a line apart whose header is not plain; `None` when no program is found.
pub fn read(line: &str) -> Option<Message<'_>> {
    let first = line.bytes().find(|b| *b > b' ')?;
    // Most texts of foreign programs begin like none of the pieces.
    if matches!(first, b'{' | b'"' | b'}') {
        return None;
    }
    walk(line, Known::default(), MOST)
}

fn walk<'a>(text: &'a str, mut known: Known<'a>, most: usize) -> Option<Message<'a>> {
    let mut rest = text.trim_start_matches([' ', '\t']);
    for left in (0..most).rev() {
        if let Some(found) = strip_priority(rest).unwrap_or(rest).strip_prefix("1 ").and_then(protocol) {
            return inside(known.with(found), left);
        }
        if let Some(found) = tagged::read(rest, &known) {
            return inside(known.with(found), left);
        }
        rest = PIECES.iter().find_map(|piece| piece(rest, &mut known))?.trim_start_matches([' ', '\t']);
    }
    None
}

impl<'a> Known<'a> {
    /// A message with what the headers around it said.
    fn with(self, found: Message<'a>) -> Message<'a> {
        let stamp = found.stamp.map_or(self.stamp, |stamp| Some(stamp.within(self.stamp)));
        Message { stamp, host: found.host.or(self.host).or(self.around), ..found }
    }
}

/// The line that the text of `found` is, where it is one.
fn inside(found: Message<'_>, most: usize) -> Option<Message<'_>> {
    let Some(program) = found.program else {
        let known = Known { stamp: found.stamp, host: found.host, has_host: true, ..Known::default() };
        return walk(found.text, known, most);
    };
    if !may_carry(family(program)) {
        return Some(found);
    }
    // `192.0.2.1: mail.info: Nov 22 …`, as socklog names the sender: a name without a process id may be that of a host.
    let around = if found.pid.is_none() { Some(program) } else { None };
    let known = Known { stamp: found.stamp, host: found.host, has_host: true, is_text: true, around };
    let deeper = walk(found.text, known, most).filter(|deeper| deeper.program.is_some_and(is_mail));
    Some(deeper.unwrap_or(found))
}

/// Takes apart the line that the text of another one is; `None` where it is none of a mail server's.
pub fn inside_of<'a>(stamp: Stamp, host: Option<&'a str>, text: &'a str) -> Option<Message<'a>> {
    let known = Known { stamp: Some(stamp), host, has_host: true, is_text: true, around: None };
    may_be_line(text).then(|| walk(text, known, MOST)).flatten().filter(|found| found.program.is_some_and(is_mail))
}

/// How far into a text the tag of a whole line may stand.
const HEADER_BYTES: usize = 128;

/// Whether a text could be a whole line at all: it begins as a stamp, a priority or a tag does, and has a clock or the end of a
/// tag near its beginning. Asked for every line of a filter or of sendmail, most of which begin with a queue id.
pub fn may_be_line(text: &str) -> bool {
    let b = text.as_bytes();
    let begins = match b {
        [b'@' | b'<' | b'[' | b'\x1b', ..] => return true,
        [b'A'..=b'Z', _, _, after, ..] => matches!(after, b' ' | b'.' | b',') || !b[..4].is_ascii(),
        [b'0'..=b'9', a, b, _, c, ..] => {
            let divides = |byte: &u8| matches!(byte, b' ' | b'-' | b'/' | b'.');
            divides(a)
                || divides(b)
                || divides(c)
                // `20261122 20:19:26`, `1795378766.5`, `11月 22`.
                || text.as_bytes().get(..8).is_some_and(|s| s.iter().all(u8::is_ascii_digit))
                || !a.is_ascii()
                || !b.is_ascii()
        }
        _ => true,
    };
    begins && holds_clock_or_tag(&b[..b.len().min(HEADER_BYTES)])
}

fn holds_clock_or_tag(head: &[u8]) -> bool {
    let digit = |at: usize| head.get(at).is_some_and(u8::is_ascii_digit);
    let clock = |at: usize| digit(at - 1) && digit(at + 1) && digit(at + 2) && head.get(at + 3) == Some(&b':');
    memchr_iter(b':', head).any(|at| at > 0 && (head[at - 1] == b']' || clock(at)))
        || head.get(..10).is_some_and(|seconds| seconds.iter().all(u8::is_ascii_digit))
}

/// Whether lines of such a program may hold whole lines of another: a container may have the name of a filter, or just `postfix`.
pub fn may_carry(family: Family<'_>) -> bool {
    !matches!(family, Family::Postfix(Some(_)))
}

/// Whether a program's lines are read.
pub fn is_mail(program: &str) -> bool {
    !matches!(family(program), Family::Foreign | Family::Transport)
}

/// A byte order mark, colours of a terminal, and marks that divide columns.
fn marks<'a>(text: &'a str, _: &mut Known<'a>) -> Option<&'a str> {
    let coloured = || {
        let rest = text.strip_prefix("\u{1b}[")?;
        let end = rest.bytes().position(|b| !matches!(b, b'0'..=b'9' | b';'))?;
        rest[end..].strip_prefix('m')
    };
    // Facility and severity of WinSyslog.
    let number = || {
        let digits = text.bytes().take(3).take_while(u8::is_ascii_digit).count();
        text[digits..].strip_prefix(',').filter(|_| digits > 0)
    };
    let column = || ["| ", "- ", "-- ", ": ", "|\t", ", ", ","].iter().find_map(|mark| text.strip_prefix(mark));
    text.strip_prefix('\u{feff}').or_else(coloured).or_else(number).or_else(column)
}

/// `<22>`, with the length of the frame before it where a stream of RFC 6587 was kept as it came: `117 <22>`.
fn priority<'a>(text: &'a str, _: &mut Known<'a>) -> Option<&'a str> {
    let counted = || {
        let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
        text[digits..].strip_prefix(" <").filter(|_| digits > 0).map(|_| &text[digits + 1..])
    };
    strip_priority(text).or_else(|| counted().filter(|rest| strip_priority(rest).is_some()))
}

/// A stamp begins a header of its own.
fn when<'a>(text: &'a str, known: &mut Known<'a>) -> Option<&'a str> {
    let (stamp, rest) = stamps::read(text)?;
    known.stamp = Some(stamp.within(known.stamp));
    known.has_host = false;
    known.is_text = false;
    Some(rest)
}

#[cfg(test)]
mod tests;
