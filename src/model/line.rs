//! A line: one log message, the same from whichever source it comes.
//!
//! Every line enters through [`Intake`]. It gives the host the name used in keys, refuses times that cannot be stored, trims the
//! text as every transport does, applies `[privacy]`, cuts what is too long, and computes the [`LineId`].

use super::{Privacy, Time};
use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip128::{Hash128, Hasher128, SipHasher13};
use std::{fmt, hash::Hasher, sync::Arc};

/// 128-bit identity of a line: a hash of host, second, syslog name, pid and text, and of nothing else, so that the same line has
/// the same id whether it is read from a file, from Graylog or from an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u128);

/// One log message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Identity; see [`LineId`].
    pub id: LineId,
    /// When it was logged, UTC.
    pub time: Time,
    /// The logging host: first label, lower case, after `[hosts] alias`.
    pub host: Arc<str>,
    /// The syslog name, whole: `postfix/submission/smtpd`, `sm-mta`; `postfix` where the transport lost the daemon.
    pub program: Arc<str>,
    /// The process id, if the transport kept it.
    pub pid: Option<u32>,
    /// The text after `tag[pid]: `. Bytes that are not UTF-8 were replaced by U+FFFD when the line was read.
    pub text: Arc<str>,
}

/// The longest text that is kept, in bytes. Mail servers and syslog daemons write a few thousand at most.
pub const LONGEST: usize = 16 << 10;
/// Marks the end of a text that was cut.
const CUT: char = '…';

impl Line {
    /// Whether the text looks cut: it has about [`LONGEST`] bytes and ends with the mark.
    pub fn is_cut(&self) -> bool {
        self.text.len() + 3 >= LONGEST && self.text.ends_with(CUT)
    }

    /// The time to keep of two copies with the same id, and so of the same second: one with a fraction wins, then the earlier
    /// one.
    pub fn better_time(a: Time, b: Time) -> Time {
        match (a.0.rem_euclid(1000) != 0, b.0.rem_euclid(1000) != 0) {
            (true, false) => a,
            (false, true) => b,
            _ => a.min(b),
        }
    }
}

/// The origin of lines: host, program and process id, which all lines of a process share.
#[derive(Debug, Clone)]
pub struct Origin {
    host: Arc<str>,
    program: Arc<str>,
    pid: Option<u32>,
    /// Hash of host, program and process id; a part of each line's id.
    hash: [u64; 2],
    privacy: Option<Arc<Privacy>>,
}

/// The line's time is one that stores, index names and document ids cannot hold: a wrong clock, or a hostile line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misdated;

impl Origin {
    /// A line of this origin. `text` may have surrounding blanks.
    ///
    /// # Errors
    /// [`Misdated`] where the time does not lie in [`Time::OF_LINES`].
    pub fn line(&self, time: Time, text: &str) -> Result<Line, Misdated> {
        if !Time::OF_LINES.contains(time) {
            return Err(Misdated);
        }
        let text = trim(text);
        let private = self.privacy.as_ref().map(|privacy| privacy.text(text));
        let text = private.as_deref().unwrap_or(text);
        let short = cut(text);
        let text = short.as_deref().unwrap_or(text);
        let mut before = [0; 24];
        let parts = [time.second().cast_unsigned(), self.hash[0], self.hash[1]];
        before.chunks_exact_mut(8).zip(parts).for_each(|(place, part)| place.copy_from_slice(&part.to_le_bytes()));
        let mut h = SipHasher13::new_with_keys(KEYS.0, KEYS.1);
        h.write(&before);
        h.write(text.as_bytes());
        let id = LineId(h.finish128().as_u128());
        let (host, program) = (Arc::clone(&self.host), Arc::clone(&self.program));
        Ok(Line { id, time, host, program, pid: self.pid, text: text.into() })
    }
}

/// Fixed keys of the hash behind a [`LineId`]: an id must be the same on every machine.
const KEYS: (u64, u64) = (0x6d61_696c_7374_6974, 0x6368_2d6c_696e_6531);

/// Turns the parts that a source found into lines. Host and program names are shared, not copied.
#[derive(Debug, Default)]
pub struct Intake {
    aliases: HashMap<String, String>,
    programs: HashMap<String, Arc<str>>,
    hosts: HashMap<String, Arc<str>>,
    privacy: Option<Arc<Privacy>>,
    is_bare_daemon: Option<IsBareDaemon>,
}

/// Whether a program and its text are postfix's although the name is only the daemon's: `smtpd` instead of `postfix/smtpd`.
pub type IsBareDaemon = fn(&str, &str) -> bool;

/// The most names that a table holds before it is cleared. Names come from strangers too, and memory must stay bounded (law L5).
pub const NAMES_KEPT: usize = 65_536;

impl Intake {
    /// `aliases`: `[hosts] alias`, from a host name as logged (first label or whole) to the name to use.
    pub fn new(aliases: impl IntoIterator<Item = (String, String)>) -> Self {
        let aliases = aliases.into_iter().map(|(from, to)| (from.to_ascii_lowercase(), to)).collect();
        Self { aliases, ..Self::default() }
    }

    /// Applies `[privacy]` to every line.
    pub fn with_privacy(self, privacy: Option<Arc<Privacy>>) -> Self {
        Self { privacy, ..self }
    }

    /// Sets the test for postfix daemons that lost the name before the slash; [`line`](Self::line) restores it.
    pub fn with_bare_daemons(self, is_bare_daemon: Option<IsBareDaemon>) -> Self {
        Self { is_bare_daemon, ..self }
    }

    /// A line from its parts. `host` may be fully qualified; `text` may have surrounding blanks.
    ///
    /// # Errors
    /// [`Misdated`], as [`Origin::line`].
    pub fn line(
        &mut self,
        time: Time,
        host: &str,
        program: &str,
        pid: Option<u32>,
        text: &str,
    ) -> Result<Line, Misdated> {
        match self.is_bare_daemon {
            Some(is_bare_daemon) if is_bare_daemon(program, text) => {
                self.origin(host, &format!("postfix/{program}"), pid).line(time, text)
            }
            _ => self.origin(host, program, pid).line(time, text),
        }
    }

    /// Whether the program of a line can depend on its text: with `[programs] bare_daemons`.
    pub fn has_bare_daemons(&self) -> bool {
        self.is_bare_daemon.is_some()
    }

    /// The origin of a process's lines. `host` may be fully qualified.
    pub fn origin(&mut self, host: &str, program: &str, pid: Option<u32>) -> Origin {
        let host = known(&mut self.hosts, host, |host| named(&self.aliases, host));
        let program = known(&mut self.programs, program, |program| program.into());
        let mut h = SipHasher13::new_with_keys(KEYS.0, KEYS.1);
        h.write_u64(pid.map_or(u64::MAX, u64::from));
        // Length before content, so that different origins never hash the same bytes.
        for part in [&host, &program] {
            h.write_u64(part.len() as u64);
            h.write(part.as_bytes());
        }
        let Hash128 { h1, h2 } = h.finish128();
        Origin { host, program, pid, hash: [h1, h2], privacy: self.privacy.clone() }
    }
}

/// The host as used in keys: first label, lower case, alias applied.
fn named(aliases: &HashMap<String, String>, raw: &str) -> Arc<str> {
    let whole = raw.to_ascii_lowercase();
    let whole = whole.trim_end_matches('.');
    // Behind a raw input the host is the sender's IP address; it has no labels and is kept whole.
    let label = match whole.parse::<std::net::IpAddr>() {
        Ok(_) => whole,
        Err(_) => whole.split('.').next().unwrap_or(whole),
    };
    aliases.get(whole).or_else(|| aliases.get(label)).map_or(label, String::as_str).into()
}

/// The entry of a name in its table; `meaning` computes it the first time.
fn known(names: &mut HashMap<String, Arc<str>>, raw: &str, meaning: impl FnOnce(&str) -> Arc<str>) -> Arc<str> {
    if names.len() >= NAMES_KEPT && !names.contains_key(raw) {
        names.clear();
    }
    Arc::clone(names.entry_ref(raw).or_insert_with(|| meaning(raw)))
}

/// The beginning of a text that is too long, with the mark; `None` if it is not.
fn cut(text: &str) -> Option<String> {
    let most = LONGEST - CUT.len_utf8();
    let end = (text.len() > LONGEST).then(|| (most - 3..=most).rev().find(|at| text.is_char_boundary(*at)))??;
    Some(format!("{}{CUT}", &text[..end]))
}

/// Graylog trims a message at both ends (Java's `String.trim`: everything up to the blank), syslog daemons drop the newline. A
/// line's identity is made of the form that is left by all of them.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for LineId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LineId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        u128::from_str_radix(&text, 16).map(LineId).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected_len: usize, expected_cut: bool) {
        let line = Intake::default().line(Time(0), "mx1", "postfix/smtpd", None, text).unwrap();
        assert_eq!((line.text.len(), line.is_cut()), (expected_len, expected_cut));
        // A cut text that comes back from a store or a log server is not cut again.
        let again = Intake::default().line(Time(0), "mx1", "postfix/smtpd", None, &line.text).unwrap();
        assert_eq!(again, line);
    }

    #[test]
    fn a_text_of_any_length_is_kept_up_to_a_limit() {
        check("connect from unknown[192.0.2.1]", 31, false);
        check(&"x".repeat(LONGEST), LONGEST, false);
        check(&"x".repeat(LONGEST + 1), LONGEST, true);
        check(&format!("x{}", "ü".repeat(LONGEST)), LONGEST, true);
        check(&"ü".repeat(LONGEST), LONGEST - 1, true);
    }
}
