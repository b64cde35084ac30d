//! Logs that a stranger, a broken server or a busy one could write, each made to cost as much as possible.
//!
//! In: a [`Shape`], a number of lines, a seed. Out: about that many lines of a log file, in order of time. The same
//! arguments give the same log. Each shape grows in one direction, so that quadratic cost shows; a mixture of several
//! shapes under the same hosts, processes and ids is like the find of a fuzzer.

mod copies;
mod ids;
mod journeys;
mod log;
mod measure;
mod recipients;
mod sessions;
mod text;

pub use log::Log;
pub use measure::{Measured, Most, run};

use super::fiveday::Random;

/// The commands to run on a log of this shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Read and store it.
    Read,
    /// The same with `[privacy]`.
    Privately,
    /// Read it, then make a report.
    Report,
    /// Read it in this many runs while it grows.
    Runs(usize),
}

/// One way to be expensive.
#[derive(Clone, Copy)]
pub struct Shape {
    pub name: &'static str,
    pub ask: Ask,
    write: fn(&mut Log, usize),
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn read(name: &'static str, write: fn(&mut Log, usize)) -> Shape {
    Shape { name, ask: Ask::Read, write }
}

const fn asked(name: &'static str, ask: Ask, write: fn(&mut Log, usize)) -> Shape {
    Shape { name, ask, write }
}

/// All of them.
pub const SHAPES: &[Shape] = &[
    read("9 failed logins and a mail, again and again in one session", sessions::failures_and_a_mail),
    read("9 refusals and a mail, again and again in one session", sessions::refusals_and_a_mail),
    read("a session whose holds are all for its last mail", sessions::holds_before_one_mail),
    read("sessions that never end", sessions::never_ending),
    read("one process, one client after the other", sessions::one_process),
    read("a process of sendmail that says everything", sessions::one_process_of_sendmail),
    read("postscreen and a port for each line", sessions::ports),
    read("failed connections before one delivery", sessions::failed_connections),
    read("deliveries and failed connections in one second", sessions::one_second),
    read("notices of lost lines between messages", sessions::lost_lines),
    read("as many messages as there are in one second", sessions::messages_of_one_second),
    read("lives of one short id", ids::lives),
    read("lives of one short id, in order of nothing", ids::lives_shuffled),
    read("one id on a thousand hosts", ids::on_many_hosts),
    read("a host for each line", ids::hosts),
    read("an id for each line", ids::strangers),
    read("a message with nothing but warnings", ids::warnings),
    read("messages that never end", ids::never_ended),
    read("ends of messages with one short id", ids::ends),
    read("activations of one message", ids::activations),
    read("messages with one Message-ID", journeys::one_message_id),
    read("a personalised list", journeys::personalised_list),
    read("a list through loopback", journeys::through_loopback),
    read("a chain of queued as, shuffled", journeys::shuffled_chain),
    read("a circle of forwards", journeys::circle),
    read("notices of one message", journeys::notices),
    read("one message that all others were queued as", journeys::one_child),
    read("one message to a domain for each TLS line", recipients::domains_with_tls),
    read("one message to many recipients", recipients::many),
    read("one recipient for days", recipients::one_for_days),
    read("dead domains over attempts", recipients::dead_domains),
    asked("dead domains over attempts, a run for each", Ask::Runs(8), recipients::dead_domains),
    read("mass mail deferred for days", recipients::mass_mail),
    asked("mass mail deferred for days, a run for each round", Ask::Runs(8), recipients::mass_mail),
    read("aliases of one list", recipients::aliases),
    read("recipients of sendmail in long lines", recipients::of_sendmail),
    read("split pieces of sendmail", recipients::split_pieces),
    read("the same message again and again", copies::same_message),
    read("the same line again and again", copies::same_line),
    read("lines told as repeated", copies::told_as_repeated),
    read("copies within a second, each a millisecond later", copies::finer_copies),
    read("lines backwards in time", copies::backwards),
    read("very long lines", text::long_lines),
    read("enormous lines", text::enormous_lines),
    read("lines that nobody knows, each another", text::unknown),
    read("lines that are none", text::noise),
    read("a program and a process for each line", text::programs),
    read("filters without an id", text::filters),
    read("refusals, each of another client", text::refusals),
    asked("at signs in a line", Ask::Privately, text::at_signs),
    asked("distinct senders in a report", Ask::Report, text::senders),
    asked("distinct replies in a report", Ask::Report, text::replies),
];

/// About `lines` lines of this shape.
pub fn log(shape: &Shape, lines: usize, seed: u64) -> String {
    let mut log = Log::new(seed);
    (shape.write)(&mut log, lines);
    log.text()
}

/// Several shapes at once, with about `lines` lines in all.
pub fn mixture(shapes: &[Shape], lines: usize, seed: u64) -> String {
    let mut log = Log::new(seed);
    for shape in shapes {
        log.rewind();
        (shape.write)(&mut log, lines / shapes.len());
    }
    log.text()
}

/// `count` of these shapes, chosen at random.
pub fn some(of: &[Shape], count: usize, seed: u64) -> Vec<Shape> {
    let mut random = Random::new(seed);
    (0..count).map(|_| of[random.few(of.len() as u32) as usize]).collect()
}
