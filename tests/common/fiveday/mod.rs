//! Five days of mail across the end of a month, with the truth about them.
//!
//! In: a number of lines and a seed. Out: the lines of three servers (postfix with short ids, postfix with long ids,
//! sendmail with a submission queue) in time order, and the fate of every message and every refused recipient. The
//! same arguments give the same log. Formats are those of postfix 3.7 and sendmail 8.17.
//!
//! Left out on purpose: lines that are not needed to understand a message (filters, content checks, aliases); they
//! have stories of their own in `tests/golden`.

mod attempt;
mod draft;
mod postfix;
mod queue;
mod random;
mod sendmail;

pub use random::{Random, long_id, sendmail_id, short_id};

use super::RawLine;
use draft::Draft;
use mailstitch::model::Time;
use std::collections::BTreeMap;

/// 2026-10-29T00:00:00Z.
pub const START: Time = Time(1_793_232_000_000);
/// 2026-11-03T00:00:00Z. All lines are before it.
pub const END: Time = Time(START.0 + 5 * DAY);

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// Queue lifetime of all servers; short, so that messages expire within the five days.
pub const LIFETIME: i64 = 2 * DAY;

/// The fate of a recipient, by the last line about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Sent,
    Deferred,
    Bounced,
    Expired,
}

/// A message in one queue: one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The host as used in keys: `mx1`.
    pub host: String,
    pub queue_id: String,
    /// When its id was made: the time in long and sendmail ids.
    pub created: Time,
    /// First and last line that begin with its id.
    pub first: Time,
    pub last: Time,
    /// Number of lines that begin with its id.
    pub lines: usize,
    /// As logged (a bare login in sendmail's submission queue). Empty for a notice; no line names the sender of
    /// sendmail's own notices.
    pub sender: String,
    /// Without `<>`; sendmail logs none for its notices.
    pub message_id: Option<String>,
    pub recipients: BTreeMap<String, Fate>,
    /// Sum of the recipients over all attempts.
    pub attempts: usize,
    /// Every recipient has a final fate (and in postfix, the message is removed).
    pub complete: bool,
    /// Queue ids of messages of this log that came from this one: handed on, or notices about it.
    pub children: Vec<String>,
}

impl Truth {
    /// The status of the whole message: `mail.status`.
    pub fn status(&self) -> &'static str {
        let any = |fate| self.recipients.values().any(|f| *f == fate);
        match (any(Fate::Deferred), any(Fate::Sent), any(Fate::Bounced), any(Fate::Expired)) {
            (true, ..) => "deferred",
            (_, true, false, false) => "delivered",
            (_, true, ..) => "partial",
            (_, _, true, _) => "bounced",
            (_, _, _, true) => "expired",
            _ => "unknown",
        }
    }
}

/// A recipient that was refused before there was a queue id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub host: String,
    pub time: Time,
    pub sender: String,
    pub recipient: String,
}

/// The log and the truth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FiveDays {
    /// In time order.
    pub lines: Vec<RawLine>,
    /// By host, id and time; messages that share a short id follow each other.
    pub messages: Vec<Truth>,
    /// By time.
    pub refusals: Vec<Refusal>,
}

/// At least `lines` lines, and a few more; 5,000 contain every story.
pub fn five_days(lines: usize, seed: u64) -> FiveDays {
    let mut world = World { random: Random::new(seed), log: FiveDays::default(), pid: 2_000, inode: 0x57_C000 };
    while world.log.lines.len() < lines {
        // Leaves the last minutes to attempts for earlier messages.
        let at = START.plus(10 * MINUTE + world.random.below(5 * DAY - 30 * MINUTE));
        match world.random.below(100) {
            0..50 => postfix::session(&mut world, at),
            50..65 => postfix::submission(&mut world, at),
            65..85 => sendmail::command_line(&mut world, at),
            85..97 => postfix::refusal(&mut world, at),
            _ => postfix::housekeeping(&mut world, at),
        }
    }
    let mut log = world.log;
    // A stable sort: lines of one millisecond stay in the order in which they were written.
    log.lines.sort_by_key(|line| line.time);
    log.messages.sort_by(|a, b| (&a.host, &a.queue_id, a.created).cmp(&(&b.host, &b.queue_id, b.created)));
    log.refusals.sort_by_key(|refusal| refusal.time);
    log
}

/// State shared by the stories.
struct World {
    random: Random,
    log: FiveDays,
    pid: u32,
    inode: u64,
}

impl World {
    /// A new process id.
    fn pid(&mut self) -> u32 {
        self.pid = if self.pid > 60_000 { 2_000 } else { self.pid + 1 };
        self.pid
    }

    /// A new inode of a queue file.
    fn inode(&mut self) -> u64 {
        self.inode += 1;
        self.inode
    }

    /// Writes a line without a queue id.
    fn say(&mut self, time: Time, host: &str, program: &str, pid: u32, text: String) {
        if time < END {
            let (host, program) = (host.to_owned(), program.to_owned());
            self.log.lines.push(RawLine { time, host, program, pid: Some(pid), text });
        }
    }

    /// Adds a finished message to the log: its lines, and the truth about it as far as the five days go.
    fn close(&mut self, draft: Draft) {
        self.log.messages.extend(draft.truth());
        self.log.lines.extend(draft.lines);
    }
}
