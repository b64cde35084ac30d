//! Sessions and messages on servers whose lines reach the log late: what a program that runs every quarter of an hour sees.
//!
//! In: a seed. Out: lines, each with the time at which the source has it. The same seed gives the same log. Few processes,
//! few peers, few queue ids, so that who said what for whom has to be found out from lines that are not there yet.

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

/// From the first line of a log to the last, but for retries.
pub const SPAN: i64 = 3 * HOUR;
/// No line comes later than this after its stamp.
pub const LATEST: i64 = 6 * HOUR;

pub const BEGIN: Time = START;
/// After the last line and its arrival.
pub const DONE: Time = Time(BEGIN.0 + SPAN + 3 * HOUR + LATEST);

/// A line and the time at which the source has it.
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

/// Its lines alone, in time order.
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

/// What the stories share.
struct World {
    random: Random,
    /// Stamps of whole seconds.
    coarse: bool,
    lines: Vec<RawLine>,
    /// Short ids whose message is gone, with the time from which the id may come again.
    ids: Vec<(String, Time)>,
}

impl World {
    fn say(&mut self, at: Time, host: &str, program: &str, pid: u32, text: String) {
        let time = if self.coarse { at.floor_second() } else { at };
        self.lines.push(RawLine { time, host: host.to_owned(), program: program.to_owned(), pid: Some(pid), text });
    }

    /// From one line of a session to the next: mostly at once.
    fn step(&mut self) -> i64 {
        match self.random.below(10) {
            0 => self.random.below(90_000),
            1..4 => self.random.below(2_000),
            _ => 1 + self.random.below(100),
        }
    }

    /// From one session of a process to the next.
    fn pause(&mut self) -> i64 {
        match self.random.below(10) {
            0..3 => 1 + self.random.below(300),
            3..7 => self.random.below(60_000),
            _ => self.random.below(HOUR / 2),
        }
    }
}
