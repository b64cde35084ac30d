//! A message while its story is written: its lines and their meaning.

use super::{END, Fate, Truth};
use crate::common::RawLine;
use mailstitch::model::Time;
use std::collections::BTreeMap;

/// An unfinished message. Lines and facts may lie after the end of the log; they do not count.
pub struct Draft {
    host: String,
    pub id: String,
    pub created: Time,
    pub sender: String,
    pub message_id: Option<String>,
    pub lines: Vec<RawLine>,
    attempts: Vec<(Time, String, Fate)>,
    expired: Option<Time>,
    /// When the queue file was removed; sendmail logs no line about it.
    pub removed: Option<Time>,
    children: Vec<(Time, String)>,
}

impl Draft {
    pub fn new(host: &str, id: String, created: Time, sender: &str, message_id: Option<String>) -> Self {
        Self {
            host: host.to_owned(),
            id,
            created,
            sender: sender.to_owned(),
            message_id,
            lines: Vec::new(),
            attempts: Vec::new(),
            expired: None,
            removed: None,
            children: Vec::new(),
        }
    }

    /// Full name of the server that has the message.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Adds a line that begins with the message's id.
    pub fn say(&mut self, time: Time, program: &str, pid: u32, text: &str) {
        if time < END {
            let text = format!("{}: {text}", self.id);
            let (host, program) = (self.host.clone(), program.to_owned());
            self.lines.push(RawLine { time, host, program, pid: Some(pid), text });
        }
    }

    /// Records the fact behind the delivery line just added.
    pub fn attempt(&mut self, time: Time, recipient: &str, fate: Fate) {
        self.attempts.push((time, recipient.to_owned(), fate));
    }

    /// Recipients still deferred expire.
    pub fn expire(&mut self, time: Time) {
        self.expired = Some(time);
    }

    /// Another message of this log came from this one; `time` is when a line of this message says so.
    pub fn child(&mut self, time: Time, id: &str) {
        self.children.push((time, id.to_owned()));
    }

    /// The truth according to the lines before the end; `None` if there are none.
    pub fn truth(&self) -> Option<Truth> {
        let (first, last) = (self.lines.first()?.time, self.lines.last()?.time);
        let attempts = self.attempts.iter().filter(|(time, ..)| *time < END);
        let mut recipients: BTreeMap<String, Fate> =
            attempts.clone().map(|(_, address, fate)| (address.clone(), *fate)).collect();
        if self.expired.is_some_and(|time| time < END) {
            recipients.values_mut().filter(|fate| **fate == Fate::Deferred).for_each(|fate| *fate = Fate::Expired);
        }
        Some(Truth {
            host: self.host.split('.').next().unwrap_or(&self.host).to_owned(),
            queue_id: self.id.clone(),
            created: self.created,
            first,
            last,
            lines: self.lines.len(),
            sender: self.sender.clone(),
            message_id: self.message_id.clone(),
            recipients,
            attempts: attempts.count(),
            complete: self.removed.is_some_and(|time| time < END),
            children: self.children.iter().filter(|(time, _)| *time < END).map(|(_, id)| id.clone()).collect(),
        })
    }
}
