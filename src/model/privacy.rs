//! Removes identities and subjects from lines: local parts of addresses become hashes, subjects are dropped.
//!
//! In: the text of a line as it came, or an address that someone searches for.  Out: the text to keep. This happens before a line
//! gets its id, so everything after it knows only the replaced text.
//! Left alone on purpose: Message-IDs, which are not addresses of people; domains; and names without a domain.

mod message_ids;

use super::logged::unescape;
use hmac::{Hmac, Mac};
use message_ids::MessageIds;
use sha2::Sha256;
use std::{borrow::Cow, fmt};

/// Bytes of a hash that are kept, as 16 hexadecimal digits.
const KEPT: usize = 8;

/// Stands in place of a dropped subject.
const DROPPED: &str = " (dropped)";

/// The longest part of an address before its `@`, in bytes; bounds the work on hostile text.
const LONGEST: usize = 1000;

/// Keys that may precede an address without brackets. They are listed because `=` may be part of a local part, too.
const KEYS: &[&str] = &[
    "addr",
    "arg1",
    "arg2",
    "authid",
    "client",
    "ctladdr",
    "daemon",
    "envelope-from",
    "envelope_from",
    "from",
    "header.from",
    "header.i",
    "helo",
    "i",
    "login",
    "mailer",
    "mailfrom",
    "mfrom",
    "orig_to",
    "owner",
    "rcpt",
    "recipient",
    "reject",
    "relay",
    "ruser",
    "sasl_sender",
    "sasl_username",
    "sender",
    "smtp.mailfrom",
    "stat",
    "to",
    "user",
    "username",
];

/// The settings of `[privacy]`.
#[derive(Clone)]
pub struct Privacy {
    key: Vec<u8>,
    local_parts: bool,
    subjects: bool,
}

/// Shows no key.
impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key: _, local_parts, subjects } = self;
        f.debug_struct("Privacy").field("local_parts", local_parts).field("subjects", subjects).finish_non_exhaustive()
    }
}

impl Privacy {
    /// `key`: if given, the local parts of addresses are replaced by a hash with this key. `subjects`: whether subjects are
    /// dropped.
    pub fn new(key: Option<&str>, subjects: bool) -> Self {
        Self { key: key.unwrap_or_default().as_bytes().to_vec(), local_parts: key.is_some(), subjects }
    }

    /// A mark that is the same for the same settings and key, and does not reveal the key.
    pub fn mark(&self) -> String {
        let Self { key: _, local_parts, subjects } = self;
        format!("local_parts {local_parts} subjects {subjects} key {}", self.hash("mailstitch [privacy]"))
    }

    /// The text to keep of a line's text.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = if self.subjects { without_subject(text) } else { Cow::Borrowed(text) };
        if !self.local_parts || !text.contains('@') {
            return text;
        }
        Cow::Owned(self.hashed(&text))
    }

    /// An address as it is in the store; other search terms stay as they are.
    pub fn address(&self, address: &str) -> String {
        let bare = address.trim().trim_start_matches('<').trim_end_matches('>');
        match bare.rsplit_once('@') {
            Some((local, domain)) if self.local_parts && !local.is_empty() => format!("{}@{domain}", self.hash(local)),
            _ => address.to_owned(),
        }
    }

    fn hashed(&self, text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        let mut kept = String::with_capacity(text.len() + 32);
        let mut done = 0;
        let mut from = 0;
        let mut brackets = Brackets::default();
        let mut message_ids = MessageIds::new(&lower);
        while let Some(found) = text[from..].find('@') {
            let first = from + found;
            let bare = || (bare_start(text, done, first), first);
            let (start, at) = brackets.around(text, done, first).unwrap_or_else(bare);
            from = at + 1;
            if start < at && begins_domain(&text[from..]) && !message_ids.is_inside(first) {
                kept.push_str(&text[done..start]);
                kept.push_str(&self.hash(&text[start..at]));
                done = at;
            }
        }
        kept.push_str(&text[done..]);
        kept
    }

    /// The hash of a local part. Case does not matter to mail servers in practice, and sendmail escapes what is not ASCII;
    /// without undoing both, one person would get several hashes.
    fn hash(&self, local: &str) -> String {
        // Never fails: HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(unescape(local).to_lowercase().as_bytes());
        mac.finalize().into_bytes().iter().take(KEPT).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// `… header Subject: TEXT from CLIENT; from=<…>`, as postfix' cleanup writes it. The subject may hold ` from ` and `; from=<` as
/// well; the last of each is cleanup's.
fn without_subject(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = " header subject:";
    let Some(start) = text.to_ascii_lowercase().find(BEGIN).map(|at| at + BEGIN.len()) else { return text.into() };
    let head = text[start..].rfind("; from=<").map_or(text.len(), |at| start + at);
    let end = text[start..head].rfind(" from ").map_or(text.len(), |at| start + at);
    format!("{}{DROPPED}{}", &text[..start], &text[end..]).into()
}

/// Finds the ends of brackets, once for all the `@` before them.
#[derive(Default)]
struct Brackets {
    /// The place from which the last search began, and the `>` that it found.
    close: Option<(usize, Option<usize>)>,
}

impl Brackets {
    /// The first `>` after a place; places must not go back.
    fn close(&mut self, text: &str, at: usize) -> Option<usize> {
        match self.close {
            Some((_, None)) => None,
            Some((_, Some(close))) if close >= at => Some(close),
            _ => {
                let close = memchr::memchr(b'>', &text.as_bytes()[at..]).map(|n| at + n);
                self.close = Some((at, close));
                close
            }
        }
    }

    /// The beginning of the local part and the place of the `@`, for an address between `<` and `>`, whatever the local part is
    /// made of. A source route is not part of it.
    fn around(&mut self, text: &str, done: usize, at: usize) -> Option<(usize, usize)> {
        in_brackets(text, done, at, || self.close(text, at))
    }
}

/// The place from which to look for a local part that ends at `at`: as far back as an address can reach, but not before `done`.
fn near(text: &str, done: usize, at: usize) -> usize {
    let near = (at.saturating_sub(LONGEST + 1)..at).find(|n| text.is_char_boundary(*n)).unwrap_or(at);
    near.max(done)
}

fn in_brackets(text: &str, done: usize, at: usize, close: impl FnOnce() -> Option<usize>) -> Option<(usize, usize)> {
    let near = near(text, done, at);
    let open = near + text[near..at].rfind('<')?;
    let start = open + 1;
    if text[start..at].contains('>') || at - start > LONGEST {
        return None;
    }
    let close = close()?;
    // rspamd's `rcpts: <a@example.org,b@example.org>` is a list: addresses after the first are found as ones without brackets.
    let last = if text[..open].ends_with("rcpts: ") { 0 } else { text[at..close].rfind('@')? };
    let sign = at + last;
    let route = if text[start..].starts_with('@') {
        text[start..sign].rfind(':').map_or(sign, |n| start + n + 1)
    } else {
        start
    };
    Some((route, sign))
}

/// The beginning of a local part without brackets: a quoted string, or the longest run of characters of a dot-atom.
fn bare_start(text: &str, done: usize, at: usize) -> usize {
    let near = near(text, done, at);
    if let Some(inside) = text[near..at].strip_suffix('"') {
        let is_open = |n: &usize| inside[..*n].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0;
        if let Some(quote) = inside.rmatch_indices('"').map(|(n, _)| n).find(is_open) {
            return near + quote;
        }
    }
    let before = &text[done..at];
    let of_atom = |c: char| c.is_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let local = before.trim_end_matches(of_atom).len();
    let local = local + before[local..].len() - before[local..].trim_start_matches(['\'', '`']).len();
    match before[local..].split_once('=') {
        Some((key, _)) if KEYS.contains(&key.to_ascii_lowercase().as_str()) => done + local + key.len() + 1,
        _ => done + local,
    }
}

fn begins_domain(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_alphanumeric() || c == '[')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privacy() -> Privacy {
        Privacy::new(Some("key"), true)
    }

    /// Local parts in « » stand for their hashes.
    fn check(text: &str, expected: &str) {
        let privacy = privacy();
        let mut wanted = String::new();
        for (n, piece) in expected.split('«').enumerate() {
            match piece.split_once('»') {
                Some((local, rest)) if n > 0 => wanted.extend([privacy.hash(local).as_str(), rest]),
                _ => wanted.push_str(piece),
            }
        }
        assert_eq!(privacy.text(text), wanted, "{text}");
    }

    #[test]
    fn every_form_of_an_address_is_hashed() {
        check("4F: from=<Ann@example.org>, size=1", "4F: from=<«ann»@example.org>, size=1");
        check(
            "4F: client=c[192.0.2.1], sasl_username=ann@example.org",
            "4F: client=c[192.0.2.1], sasl_username=«ann»@example.org",
        );
        check("to=<\"ann b@c\"@example.org>,<bob@[192.0.2.1]>", "to=<«\"ann b@c\"»@example.org>,<«bob»@[192.0.2.1]>");
        check("rcpt \"ann \\\" b\"@example.org", "rcpt «\"ann \\\" b\"»@example.org");
        check("lmtp(ann@example.org)<1><k>: x", "lmtp(«ann»@example.org)<1><k>: x");
        check("to=<@a.example,@b.example:ann@example.org>", "to=<@a.example,@b.example:«ann»@example.org>");
        check("from 'ann@example.org'", "from '«ann»@example.org'");
        check("to=<jürgen@example.org>", "to=<«jürgen»@example.org>");
        check("to=<j\\303\\274rgen@example.org>", "to=<«jürgen»@example.org>");
        check("to=<ann b@example.org>", "to=<«ann b»@example.org>");
        check("rcpts: <ann@example.org,bob@example.org>", "rcpts: <«ann»@example.org,«bob»@example.org>");
    }

    #[test]
    fn an_address_in_an_address_is_one() {
        check("from=<SRS0=x=y=example.org=ann@example.net>", "from=<«SRS0=x=y=example.org=ann»@example.net>");
        check("bounce-ann=example.org@example.net", "«bounce-ann=example.org»@example.net");
        check("user=ann=example.org@example.net", "user=«ann=example.org»@example.net");
    }

    #[test]
    fn a_message_id_stays() {
        for text in [
            "4F: message-id=<1.ann@example.org>",
            "4F: resent-message-id=<1@example.org>",
            "from=<>, msgid=<1@example.org>, proto=ESMTP",
            "x scantime=1,mid=<1@example.org>,bayes=1",
            "Passed CLEAN, Message-ID: <1@example.org>, mail_id: x",
            "rspamd_task_write_log: id: <1@example.org>, qid: <4F>",
        ] {
            check(text, text);
        }
        check("msgid=<1@example.org>, relay=ann@example.org", "msgid=<1@example.org>, relay=«ann»@example.org");
        check(
            "msgid=<1@example.org>: forwarded to <c@example.org>",
            "msgid=<1@example.org>: forwarded to <«c»@example.org>",
        );
    }

    #[test]
    fn what_is_no_address_stays() {
        for text in ["@example.org", "a @ b", "ann@", "user=<ann>", "warning: @@"] {
            check(text, text);
        }
    }

    /// CPU time of this thread, in nanoseconds, so that other load on the machine does not count.
    fn cpu() -> i64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    #[test]
    fn a_longer_text_takes_no_more_than_its_share_of_time_whatever_is_in_it() {
        let shapes = [
            "@",
            "a@",
            "@a",
            "<@",
            "<a@b",
            "\\\"@",
            "\"@",
            "\\",
            "message-id=<@",
            "mid=@",
            "id: @, ",
            "msgid= @",
            "<@:",
            ">@<",
            "user=a@b.c ",
            "x@y=",
            "=@",
            "'@`",
            "log: id: <@",
        ];
        // Repeated shapes: alone, after something that begins and never ends, and all of one shape before all of another.
        let text = |begin: &str, shape: &str, end: &str, length: usize| {
            format!("{begin}{}{end}", shape.repeat(length / shape.len()))
        };
        let begins = ["", "message-id=<", "<", "\""];
        for (begin, shape) in begins.iter().flat_map(|b| shapes.iter().map(move |s| (b, s))) {
            let time = |length| {
                let text = text(begin, shape, ">\"@a", length);
                let once = || {
                    let since = cpu();
                    privacy().text(&text);
                    cpu() - since
                };
                (0..5).map(|_| once()).min().unwrap()
            };
            // Quadratic work always takes 16 times as long. Other load on the machine and its caches rarely makes 8 of 4. Below a
            // millisecond only noise is measured.
            let holds = || time(16_384) <= time(4_096).max(1_000_000) * 8;
            assert!((0..4).any(|_| holds()), "{begin}{shape}: four times the text takes more than eight times as long");
        }
    }

    #[test]
    fn a_subject_is_dropped_whatever_it_says() {
        check(
            "4F: warning: header Subject: a from b[192.0.2.9]; from=<x@example.org> c from a[192.0.2.1]; from=<ann@example.org>: logged",
            "4F: warning: header Subject: (dropped) from a[192.0.2.1]; from=<«ann»@example.org>: logged",
        );
        check("4F: warning: header subject: secret", "4F: warning: header subject: (dropped)");
        check("4F: warning: header From: x from local", "4F: warning: header From: x from local");
    }

    #[test]
    fn other_settings_have_another_mark() {
        let marks =
            [Privacy::new(None, true), privacy(), Privacy::new(Some("key"), false), Privacy::new(Some("k"), true)];
        let marks: std::collections::BTreeSet<String> = marks.iter().map(Privacy::mark).collect();
        assert_eq!(marks.len(), 4);
    }

    #[test]
    fn who_asks_for_an_address_finds_it() {
        let kept = privacy().text("from=<Ann.B@example.org>").into_owned();
        assert!(kept.contains(&privacy().address("<ann.b@example.org>")), "{kept}");
        assert_eq!(privacy().address("example.org"), "example.org");
    }
}
