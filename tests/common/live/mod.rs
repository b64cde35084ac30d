//! Sessions and messages on servers whose lines reach the log late, as seen by a program that runs every quarter of
//! an hour.
//!
//! In: a seed. Out: lines, each with its time of arrival at the source. The same seed gives the same log. There are
//! few processes, peers and queue ids, so that it takes lines that are not there yet to tell what belongs to which
//! message.

mod arrival;
mod mail;
mod session;
mod shrink;

pub use arrival::arrivals;
pub use shrink::smallest;

use super::{
    RawLine,
    fiveday::{HOUR, Random, START},
};
use mailstitch::model::Time;

/// Time from the first line of a log to the last, without retries.
pub const SPAN: i64 = 3 * HOUR;
/// Longest delay of a line.
pub const LATEST: i64 = 6 * HOUR;

pub const BEGIN: Time = START;
/// After the last line has arrived.
pub const DONE: Time = Time(BEGIN.0 + SPAN + 3 * HOUR + LATEST);

/// A line and its time of arrival at the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    pub line: RawLine,
    pub arrives: Time,
}

/// The log of a seed in time order, about 250 lines.
pub fn live(seed: u64) -> Vec<Late> {
    let mut random = Random::new(seed);
    let lines = lines(&mut random);
    arrivals(&mut random, lines)
}

/// The lines of such a log without arrivals, in time order.
pub fn lines(random: &mut Random) -> Vec<RawLine> {
    let mut world = World { coarse: random.chance(30), random: random.fork(), lines: Vec::new(), ids: Vec::new() };
    let processes: Vec<(&str, u32)> = HOSTS.iter().flat_map(|host| (10..12).map(move |pid| (*host, pid))).collect();
    for (host, pid) in processes {
        let mut at = BEGIN.plus(world.random.below(HOUR));
        for _ in 0..5 {
            at = match host {
                SENDMAIL => mail::sendmail(&mut world, at),
                _ => session::session(&mut world, host, pid, at),
            };
            at = at.plus(world.pause());
        }
    }
    let mut lines = world.lines;
    lines.sort_by_key(|line| line.time);
    lines
}

/// `mx1` writes short queue ids, `mx2` long ones.
const HOSTS: [&str; 3] = ["mx1", "mx2", SENDMAIL];
const SENDMAIL: &str = "sm1";

/// State shared by the stories.
struct World {
    random: Random,
    /// Timestamps are whole seconds.
    coarse: bool,
    lines: Vec<RawLine>,
    /// Short ids whose message is gone, and the time from which each may be reused.
    ids: Vec<(String, Time)>,
}

impl World {
    fn say(&mut self, at: Time, host: &str, program: &str, pid: u32, text: String) {
        let time = if self.coarse { at.floor_second() } else { at };
        self.lines.push(RawLine { time, host: host.to_owned(), program: program.to_owned(), pid: Some(pid), text });
    }

    /// Time between two lines of a session: mostly short.
    fn step(&mut self) -> i64 {
        match self.random.below(10) {
            0 => self.random.below(90_000),
            1..4 => self.random.below(2_000),
            _ => 1 + self.random.below(100),
        }
    }

    /// Time between two sessions of a process.
    fn pause(&mut self) -> i64 {
        match self.random.below(10) {
            0..3 => 1 + self.random.below(300),
            3..7 => self.random.below(60_000),
            _ => self.random.below(HOUR / 2),
        }
    }
}
