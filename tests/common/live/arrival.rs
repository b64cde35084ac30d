//! Decides when lines arrive.

use super::{
    super::{
        RawLine,
        fiveday::{HOUR, MINUTE, Random, SECOND},
    },
    BEGIN, LATEST, Late, SPAN,
};
use mailstitch::model::Time;

/// The way in which a log is late.
#[derive(Clone, Copy)]
enum Way {
    /// This percentage of lines, each late by up to hours on its own.
    Lines(i64),
    /// All lines of a host while it is cut off, between these times.
    Host(&'static str, Time, Time),
    /// All lines of one program: a forwarder that reads several files.
    Program(&'static str, i64),
}

/// Gives each line its time of arrival.
pub fn arrivals(random: &mut Random, lines: Vec<RawLine>) -> Vec<Late> {
    let away = BEGIN.plus(random.below(SPAN));
    let way = match random.below(4) {
        0 => Way::Lines(10),
        1 => Way::Lines(50),
        2 => {
            let host = ["mx1", "mx2", "sm1"][random.few(3) as usize];
            Way::Host(host, away, away.plus(MINUTE + random.below(3 * HOUR)))
        }
        _ => {
            let programs = ["postfix/smtpd", "postfix/smtp", "postfix/qmgr", "postfix/cleanup"];
            Way::Program(programs[random.few(4) as usize], random.below(LATEST - MINUTE))
        }
    };
    let mut late = |line: &RawLine| match way {
        Way::Lines(share) if random.chance(share) => line.time.plus(random.below(LATEST)),
        Way::Host(host, from, to) if line.host == host && from <= line.time && line.time < to => to,
        Way::Program(program, by) if line.program == program => line.time.plus(by),
        _ => line.time,
    };
    lines.into_iter().map(|line| Late { arrives: late(&line).plus(2 * SECOND), line }).collect()
}
