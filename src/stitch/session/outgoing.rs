//! Outgoing sessions: what a delivery agent met on the way to a delivery record.
//!
//! A delivery agent works on one message at a time, and its record tells how long. So a failed `connect to` belongs to the
//! records of its process whose work it falls into:
//!
//! ```text
//! 20:20:01.2 smtp[74]: connect to mx1.example.net[198.51.100.25]:25: Connection refused
//! 20:20:01.4 smtp[74]: 3A9C96093D: to=<bob@example.net>, relay=mx2.example.net[198.51.100.26]:25, …, delays=0.1/0/0.2/0.1, …
//! ```
//!
//! Numbers and stamps are rounded, so that the work of two records may seem to overlap: then a record between the two has
//! the failure, or the one that names the host.

use super::{Act, Record, Role, SessionLine, Shared};
use crate::model::{Time, event::Peer};
use std::collections::VecDeque;

/// Failed connections of a process that a record may still have: `smtp_mx_address_limit` is 5.
const FAILED: usize = 16;
/// Connections with TLS of a process that a record may still go over.
const SECURED: usize = 4;
/// `smtp_connection_reuse_time_limit`.
const REUSED_MS: i64 = 300_000;
/// Between a line's stamp and what it tells of.
const LAG_MS: i64 = 20;

/// A failed connection, with the latest record that names its host.
#[derive(Clone, Copy)]
struct Failure<'t, 'a> {
    line: &'t SessionLine<'a>,
    named: Option<&'t SessionLine<'a>>,
}

/// What a process has met until now.
#[derive(Default)]
struct Met<'t, 'a> {
    failed: VecDeque<Failure<'t, 'a>>,
    secured: VecDeque<&'t SessionLine<'a>>,
    /// Its last record, and the last one of an earlier moment than that.
    latest: Option<&'t SessionLine<'a>>,
    before: Option<&'t SessionLine<'a>>,
}

/// Walks the lines of one process. `unsettled`: from when on late lines may come between them.
pub(super) fn walk<'t, 'a>(lines: &[&'t SessionLine<'a>], unsettled: Option<Time>, lead_ms: i64, out: &mut Shared) {
    let settled = unsettled.map(|from| lines.partition_point(|line| line.time < from));
    let mut met = Met::default();
    let mut marked = 0;
    for (n, line) in lines.iter().enumerate() {
        if settled == Some(n) {
            met.keep_open(out);
        }
        match line.act {
            Act::Failed(_) => keep(&mut met.failed, Failure { line, named: None }, FAILED),
            Act::Onward(_) => keep(&mut met.secured, *line, SECURED),
            Act::Record(record) => {
                if met.latest.is_some_and(|latest| latest.time < line.time) {
                    met.before = met.latest;
                }
                met.latest = Some(line);
                if !met.failed.is_empty() && n >= marked {
                    let moment = lines[n..].iter().take_while(|other| other.time == line.time).count();
                    marked = n + moment;
                    met.name(&lines[n..marked]);
                }
                met.give(line, &record, lead_ms, out);
            }
            _ => {}
        }
    }
    if settled == Some(lines.len()) {
        met.keep_open(out);
    }
}

fn keep<T>(lines: &mut VecDeque<T>, line: T, most: usize) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

impl<'t, 'a> Met<'t, 'a> {
    /// Notes which failures the records of one moment name.
    fn name(&mut self, moment: &[&'t SessionLine<'a>]) {
        for line in moment {
            let Act::Record(record) = line.act else { continue };
            for failure in &mut self.failed {
                if in_reach(line.time, &record, failure.line.time) && record.names(failure.line) {
                    failure.named = Some(line);
                }
            }
        }
    }

    fn give(&self, to: &'t SessionLine<'a>, record: &Record<'a>, lead_ms: i64, out: &mut Shared) {
        let in_lead = |line: &SessionLine<'a>| to.time.0 - line.time.0 <= lead_ms;
        let secured = self.secured.iter().rev().find(|line| in_lead(line) && record.goes_over(to.time, line));
        if let Some(secured) = secured {
            out.add(to, secured, Role::Taken);
        }
        let mut denied = None;
        for Failure { line, named } in self.failed.iter().rev() {
            if !in_lead(line) || !in_reach(to.time, record, line.time) {
                continue;
            }
            let between = self.before.filter(|before| line.time < before.time);
            let of_another = named.filter(|by| by.time == line.time || by.time == to.time);
            match (between, of_another) {
                (Some(before), _) => {
                    if denied.is_none() {
                        denied = Some((before, line));
                    }
                }
                (None, Some(by)) if !record.names(line) => {
                    out.add(to, line, Role::Context(by.place));
                }
                (None, _) => out.add(to, line, Role::Taken),
            }
        }
        if let Some((before, line)) = denied {
            out.add(to, line, Role::Context(before.place));
        }
    }

    fn keep_open(&self, out: &mut Shared) {
        out.open.extend(self.secured.iter().map(|line| line.place));
        let mut denied = false;
        for Failure { line, named } in self.failed.iter().rev() {
            match self.latest.filter(|latest| line.time < latest.time) {
                Some(_) if denied => {}
                Some(latest) => {
                    denied = true;
                    out.open.extend([latest.place, line.place]);
                }
                None => out.open.extend(named.iter().map(|by| by.place).chain([line.place])),
            }
        }
    }
}

/// Whether a line of the process lies in the time that it worked on a record. Two significant digits of that time are
/// logged. Lines that are the same to the letter within one second are one line, and stamps may be whole seconds: so a
/// line counts as of its whole second.
fn in_reach(at: Time, record: &Record<'_>, line: Time) -> bool {
    let Some(busy_ms) = record.busy_ms else { return false };
    at.0 - (line.floor_second().0 + 999) <= busy_ms + busy_ms / 20 + LAG_MS
}

impl Record<'_> {
    /// Whether it names the host of a failed connection: as its relay, or as the reason.
    fn names(&self, failed: &SessionLine<'_>) -> bool {
        let Act::Failed(peer) = failed.act else { return false };
        names(self.relay, peer) || names(self.reply, peer)
    }

    /// Whether it went over a connection with TLS: the one that its own work opened, or one that it says it took over.
    fn goes_over(&self, at: Time, secured: &SessionLine<'_>) -> bool {
        let Act::Onward(peer) = secured.act else { return false };
        let opened = in_reach(at, self, secured.time);
        let taken_over = self.reused && at.0 - secured.time.0 <= REUSED_MS;
        (opened || taken_over) && names(self.relay, peer)
    }
}

/// Whether a text has the address of a peer in brackets or, where no address is known, its name.
fn names(text: &str, peer: Peer<'_>) -> bool {
    let (name, before, after) = match (peer.addr, peer.name) {
        (Some(addr), _) => (addr, b"[".as_slice(), b"]".as_slice()),
        (None, Some(name)) => (name, b" :".as_slice(), b" [:.".as_slice()),
        (None, None) => return false,
    };
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, name).any(|at| {
        let starts = at.checked_sub(1).is_none_or(|n| before.contains(&bytes[n]));
        let ends = bytes.get(at + name.len()).is_none_or(|byte| after.contains(byte));
        !name.is_empty() && starts && ends
    })
}
