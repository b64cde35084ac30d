//! A line: one log message, the same whichever source it came from.
//!
//! [`Intake`] is the one door through which a line enters: it names the host as keys name it, cuts the time to the
//! millisecond, trims the text as every transport does, and computes the [`LineId`].

use super::Time;
use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::{fmt, hash::Hasher, sync::Arc};

/// 128-bit identity of a line: a hash of host, second, syslog name, pid and text, and of nothing else, so that one
/// line read from a file, from Graylog and from an index is one line.
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

impl Line {
    /// Of two copies with one id: the finer time wins, then the smaller. Identical ids mean identical seconds.
    pub fn better_time(a: Time, b: Time) -> Time {
        match (a.0.rem_euclid(1000) != 0, b.0.rem_euclid(1000) != 0) {
            (true, false) => a,
            (false, true) => b,
            _ => a.min(b),
        }
    }
}

/// Turns what a source found into lines. Host and program names are shared, not copied.
#[derive(Debug, Default)]
pub struct Intake {
    aliases: HashMap<String, String>,
    names: HashMap<Box<str>, Arc<str>>,
    hosts: HashMap<Box<str>, Arc<str>>,
}

/// Names come from strangers too; past this many the tables start anew, so that memory stays bounded.
const NAMES_KEPT: usize = 65_536;

impl Intake {
    /// `aliases`: `[hosts] alias`, from a host name as logged (first label or whole) to the name to use.
    pub fn new(aliases: impl IntoIterator<Item = (String, String)>) -> Self {
        let aliases = aliases.into_iter().map(|(from, to)| (from.to_ascii_lowercase(), to)).collect();
        Self { aliases, ..Self::default() }
    }

    /// A line from its parts. `host` may be fully qualified; `text` may have surrounding blanks.
    pub fn line(&mut self, time: Time, host: &str, program: &str, pid: Option<u32>, text: &str) -> Line {
        let host = self.host(host);
        let program = intern(&mut self.names, program);
        let text = trim(text);
        let id = line_id(&host, time, &program, pid, text);
        Line { id, time, host, program, pid, text: text.into() }
    }

    fn host(&mut self, raw: &str) -> Arc<str> {
        if let Some(known) = self.hosts.get(raw) {
            return Arc::clone(known);
        }
        let whole = raw.to_ascii_lowercase();
        let whole = whole.trim_end_matches('.');
        // The sender's address stands for the host behind a raw input; its first label says nothing.
        let label = match whole.parse::<std::net::IpAddr>() {
            Ok(_) => whole,
            Err(_) => whole.split('.').next().unwrap_or(whole),
        };
        let name: Arc<str> = match self.aliases.get(whole).or_else(|| self.aliases.get(label)) {
            Some(alias) => alias.as_str().into(),
            None => label.into(),
        };
        if self.hosts.len() >= NAMES_KEPT {
            self.hosts.clear();
        }
        self.hosts.insert(raw.into(), Arc::clone(&name));
        name
    }
}

fn intern(names: &mut HashMap<Box<str>, Arc<str>>, name: &str) -> Arc<str> {
    if let Some(known) = names.get(name) {
        return Arc::clone(known);
    }
    if names.len() >= NAMES_KEPT {
        names.clear();
    }
    let shared: Arc<str> = name.into();
    names.insert(name.into(), Arc::clone(&shared));
    shared
}

/// Graylog trims a message at both ends (Java's `String.trim`: everything up to the blank), syslog daemons drop the
/// newline: the form that all of them leave is the identity of a line.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// The hash behind a [`LineId`]. Its parts are length-prefixed, so that no two different lines read the same.
fn line_id(host: &str, time: Time, program: &str, pid: Option<u32>, text: &str) -> LineId {
    let mut h = SipHasher13::new_with_keys(0x6d61_696c_7374_6974, 0x6368_2d6c_696e_6531);
    h.write_i64(time.second());
    h.write_u64(pid.map_or(u64::MAX, u64::from));
    for part in [host, program, text] {
        h.write_u64(part.len() as u64);
        h.write(part.as_bytes());
    }
    LineId(h.finish128().as_u128())
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
