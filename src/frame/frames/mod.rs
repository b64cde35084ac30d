//! Headers that are not plain: those of other daemons and templates, and whole lines inside lines.
//!
//! In: a line, or the text of one.  Out: what all its headers say together; the innermost takes precedence.
//! A header is read as a row of pieces (stamp, level, container, host, tag, …) in any order: `2026-03-14T10:12:01Z stdout F Mar
//! 14 10:12:01 mailpod postfix/smtpd[123]: text`. To add a piece, write a reader in a small file and list it in [`PIECES`].
//!
//! The tag ends a header. If it names no mail server, it may come from a container runtime that put it around a whole line, so
//! the text after it is searched, too: `docker[32360]: May  2 20:56:12 mail postfix/smtpd[17730]: text`.

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

/// The most pieces that are read of one line. No real header has more; a hostile line may.
const MOST: usize = 16;

/// The parts of a header read so far.
#[derive(Clone, Copy, Default)]
struct Known<'a> {
    stamp: Option<Stamp>,
    host: Option<&'a str>,
    /// Whether the header being read has its host already. Each stamp begins a new header.
    has_host: bool,
    /// Whether the text of another program's line is being read: only a tag with a process id counts there.
    is_text: bool,
    /// The name of a container or program around the line; used as the host if nothing else names one.
    around: Option<&'a str>,
}

/// Reads one piece: notes what it says and returns the rest; `None` if the text does not begin with it.
type Piece = for<'a> fn(&'a str, &mut Known<'a>) -> Option<&'a str>;

const PIECES: &[Piece] =
    &[marks, priority, when, container::stream, container::prefix, level::read, forwarded::read, host::read];

/// Takes apart a line whose header is not plain; `None` if no program is found.
pub fn read(line: &str) -> Option<Message<'_>> {
    let first = line.bytes().find(|b| *b > b' ')?;
    // Many texts of foreign programs begin like this, and no piece does.
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
    /// Completes a message with stamp and host of the headers around it.
    fn with(self, found: Message<'a>) -> Message<'a> {
        let stamp = found.stamp.map_or(self.stamp, |stamp| Some(stamp.within(self.stamp)));
        Message { stamp, host: found.host.or(self.host).or(self.around), ..found }
    }
}

/// The mail program's line inside the text of `found`, or `found` itself. A header without a program must have a line inside it.
fn inside(found: Message<'_>, most: usize) -> Option<Message<'_>> {
    let Some(program) = found.program else {
        let known = Known { stamp: found.stamp, host: found.host, has_host: true, ..Known::default() };
        return walk(found.text, known, most);
    };
    if !may_carry(family(program)) {
        return Some(found);
    }
    // socklog puts the sender in front like a tag (`192.0.2.1: mail.info: Nov 22 …`): a name without a process id may be a host.
    let around = if found.pid.is_none() { Some(program) } else { None };
    let known = Known { stamp: found.stamp, host: found.host, has_host: true, is_text: true, around };
    let deeper = walk(found.text, known, most).filter(|deeper| deeper.program.is_some_and(is_mail));
    Some(deeper.unwrap_or(found))
}

/// Takes apart a text that is itself a whole line; `None` if it is not a mail program's.
pub fn inside_of<'a>(stamp: Stamp, host: Option<&'a str>, text: &'a str) -> Option<Message<'a>> {
    let known = Known { stamp: Some(stamp), host, has_host: true, is_text: true, around: None };
    may_be_line(text).then(|| walk(text, known, MOST)).flatten().filter(|found| found.program.is_some_and(is_mail))
}

/// A whole line shows a clock or the end of its tag within this many bytes.
const HEADER_BYTES: usize = 128;

/// Quick check whether a text could be a whole line: it begins like a stamp, a priority or a tag, and has a clock or the end of a
/// tag near its beginning. Runs for every line of a filter or of sendmail, most of which begin with a queue id.
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

/// Whether lines of a program may hold whole lines of another one. Only those of a named postfix daemon may not: a container can
/// have the name of a filter, or just `postfix`.
pub fn may_carry(family: Family<'_>) -> bool {
    !matches!(family, Family::Postfix(Some(_)))
}

/// Whether a program is a mail server or a neighbour of one.
pub fn is_mail(program: &str) -> bool {
    !matches!(family(program), Family::Foreign | Family::Transport)
}

/// A byte order mark, terminal colours, or a separator of columns.
fn marks<'a>(text: &'a str, _: &mut Known<'a>) -> Option<&'a str> {
    let coloured = || {
        let rest = text.strip_prefix("\u{1b}[")?;
        let end = rest.bytes().position(|b| !matches!(b, b'0'..=b'9' | b';'))?;
        rest[end..].strip_prefix('m')
    };
    // Facility or severity in a column of WinSyslog: `2,`.
    let number = || {
        let digits = text.bytes().take(3).take_while(u8::is_ascii_digit).count();
        text[digits..].strip_prefix(',').filter(|_| digits > 0)
    };
    let column = || ["| ", "- ", "-- ", ": ", "|\t", ", ", ","].iter().find_map(|mark| text.strip_prefix(mark));
    text.strip_prefix('\u{feff}').or_else(coloured).or_else(number).or_else(column)
}

/// `<22>`, or `117 <22>` with the frame length from a stream of RFC 6587 that was stored as it came.
fn priority<'a>(text: &'a str, _: &mut Known<'a>) -> Option<&'a str> {
    let counted = || {
        let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
        text[digits..].strip_prefix(" <").filter(|_| digits > 0).map(|_| &text[digits + 1..])
    };
    strip_priority(text).or_else(|| counted().filter(|rest| strip_priority(rest).is_some()))
}

/// A stamp; it begins a new header.
fn when<'a>(text: &'a str, known: &mut Known<'a>) -> Option<&'a str> {
    let (stamp, rest) = stamps::read(text)?;
    known.stamp = Some(stamp.within(known.stamp));
    known.has_host = false;
    known.is_text = false;
    Some(rest)
}

#[cfg(test)]
mod tests;
