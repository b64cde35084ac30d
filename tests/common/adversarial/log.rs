//! A log being written, and the lines that every shape needs.

use super::super::fiveday::{Random, START, long_id, short_id};
use mailstitch::model::Time;

/// Lines with their times.
pub struct Log {
    pub random: Random,
    /// Time of the next line.
    pub now: Time,
    lines: Vec<(Time, String)>,
    last_id: u64,
    /// Ids that may come back.
    short: bool,
}

impl Log {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self { short: random.chance(50), random, now: START, lines: Vec::new(), last_id: 0x57_C000 }
    }

    /// Lets another shape begin at the same time.
    pub fn rewind(&mut self) {
        self.now = START;
    }

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// The lines in order of time.
    pub fn text(mut self) -> String {
        self.lines.sort_by_key(|(time, _)| *time);
        let mut text = String::with_capacity(self.lines.iter().map(|(_, line)| line.len() + 1).sum());
        for (_, line) in self.lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    pub fn wait(&mut self, ms: i64) {
        self.now = self.now.plus(ms);
    }

    /// A line of `mx1`, a millisecond after the last one.
    pub fn say(&mut self, program: &str, pid: u32, text: &str) {
        self.say_on("mx1", program, pid, text);
    }

    pub fn say_on(&mut self, host: &str, program: &str, pid: u32, text: &str) {
        let stamp = self.now.utc().format("%Y-%m-%dT%H:%M:%S%.3f+00:00");
        self.raw(format!("{stamp} {host} {program}[{pid}]: {text}"));
    }

    /// Adds a line as given.
    pub fn raw(&mut self, line: String) {
        self.lines.push((self.now, line));
        self.wait(1);
    }

    /// A queue id that is new.
    pub fn id(&mut self) -> String {
        self.last_id += 1;
        let micros = self.random.below(1_000);
        match self.short {
            true => short_id(self.now, micros, self.last_id),
            false => long_id(self.now, micros, self.last_id),
        }
    }

    /// `client=`, `message-id=` and `from=`: three lines.
    pub fn arrival(&mut self, id: &str, message_id: &str, recipients: usize) {
        self.say("postfix/smtpd", 11, &format!("{id}: client=client.example.org[192.0.2.7]"));
        self.queued(id, message_id, "a@example.org", recipients);
    }

    /// `message-id=` and `from=`: two lines.
    pub fn queued(&mut self, id: &str, message_id: &str, sender: &str, recipients: usize) {
        self.say("postfix/cleanup", 12, &format!("{id}: message-id=<{message_id}>"));
        let from = format!("from=<{sender}>, size=900, nrcpt={recipients} (queue active)");
        self.say("postfix/qmgr", 9, &format!("{id}: {from}"));
    }

    /// A delivery record.
    pub fn to(&mut self, id: &str, address: &str, relay: &str, end: &str) {
        let delays = "delay=1, delays=0.1/0/0.5/0.4";
        self.say("postfix/smtp", 13, &format!("{id}: to=<{address}>, relay={relay}, {delays}, {end}"));
    }

    pub fn sent(&mut self, id: &str, address: &str) {
        self.to(id, address, "mx.example.net[198.51.100.25]:25", "dsn=2.0.0, status=sent (250 2.0.0 Ok)");
    }

    pub fn removed(&mut self, id: &str) {
        self.say("postfix/qmgr", 9, &format!("{id}: removed"));
    }

    /// A whole message: five lines.
    pub fn message(&mut self, address: &str) {
        let id = self.id();
        self.arrival(&id, &format!("{id}@example.org"), 1);
        self.sent(&id, address);
        self.removed(&id);
    }
}
