//! Five days of mail across a month's end, with the truth about them.
//!
//! In: a number of lines and a seed. Out: the lines of three servers (postfix with short ids, postfix with long ids,
//! sendmail with a submission queue) in time order, and what became of every message and every refused recipient. The
//! same arguments give the same log. Formats are those of postfix 3.7 and sendmail 8.17.
//!
//! Left out on purpose: lines that no message needs to be understood (filters, content checks, aliases); stories of their
//! own in `tests/golden` hold those.

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
/// 2026-11-03T00:00:00Z. No line is at it or after it.
pub const END: Time = Time(START.0 + 5 * DAY);

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// Of all queues; short, so that messages expire within the five days.
pub const LIFETIME: i64 = 2 * DAY;

/// What the last line about a recipient says.
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
    /// As keys name it: `mx1`.
    pub host: String,
    pub queue_id: String,
    /// When its id was made: the time that long and sendmail ids hold.
    pub created: Time,
    /// First and last line with its id in front.
    pub first: Time,
    pub last: Time,
    /// How many lines have its id in front.
    pub lines: usize,
    /// As the lines have it (a bare login in sendmail's submission queue). Empty for a notice; of sendmail's own notices
    /// no line says so.
    pub sender: String,
    /// Without `<>`; sendmail logs none for its notices.
    pub message_id: Option<String>,
    pub recipients: BTreeMap<String, Fate>,
    /// Recipients of all attempts together.
    pub attempts: usize,
    /// Every recipient has a final fate (and postfix has removed the message).
    pub complete: bool,
    /// The queue ids that other messages of this log got from this one: handed on, or notices about it.
    pub children: Vec<String>,
}

impl Truth {
    /// The word for the whole message: `mail.status`.
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
    /// By host, id and time; messages with one short id follow each other.
    pub messages: Vec<Truth>,
    /// By time.
    pub refusals: Vec<Refusal>,
}

/// About `lines` lines, a few more; 5,000 hold every story.
pub fn five_days(lines: usize, seed: u64) -> FiveDays {
    let mut world = World { random: Random::new(seed), log: FiveDays::default(), pid: 2_000, inode: 0x57_C000 };
    while world.log.lines.len() < lines {
        // The last minutes are left to the attempts of what came before.
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
    // Stable: lines of one millisecond stay in the order in which they were said.
    log.lines.sort_by_key(|line| line.time);
    log.messages.sort_by(|a, b| (&a.host, &a.queue_id, a.created).cmp(&(&b.host, &b.queue_id, b.created)));
    log.refusals.sort_by_key(|refusal| refusal.time);
    log
}

/// What the stories share.
struct World {
    random: Random,
    log: FiveDays,
    pid: u32,
    inode: u64,
}

impl World {
    /// A process that has not spoken yet.
    fn pid(&mut self) -> u32 {
        self.pid = if self.pid > 60_000 { 2_000 } else { self.pid + 1 };
        self.pid
    }

    /// A queue file that was never there.
    fn inode(&mut self) -> u64 {
        self.inode += 1;
        self.inode
    }

    /// Says a line that has no queue id.
    fn say(&mut self, time: Time, host: &str, program: &str, pid: u32, text: String) {
        if time < END {
            let (host, program) = (host.to_owned(), program.to_owned());
            self.log.lines.push(RawLine { time, host, program, pid: Some(pid), text });
        }
    }

    /// Writes a message down: its lines, and the truth about it, as far as the five days go.
    fn close(&mut self, draft: Draft) {
        self.log.messages.extend(draft.truth());
        self.log.lines.extend(draft.lines);
    }
}
