//! Shortens the lines beyond the bounds of evidence: of those in the middle of a course, only id, time and a short text
//! are kept.
//!
//! In: all lines known under a key.  Out: the shortened lines, and the ids of lines that are dropped (`beyond.rs`);
//! nothing for nearly every key.
//!
//! Which lines are shortened depends only on the set of lines, and a line that is shortened in a set is shortened in
//! every larger set. A course is sorted by second and id, which a copy with a finer stamp does not change. From either
//! end it is kept whole up to the bounds, or up to the first line that is shortened already. So a set of shortened and
//! new lines folds to the same document as all original lines at once (law L2). This is decided per key, not per life,
//! because a late line may cut the lives differently.
//!
//! ```text
//! 4F1A2B3C4D: to=<b@example.net>, relay=…, dsn=4.4.1, status=deferred (…)
//! 4F1A2B3C4D: … warning
//! ```

use super::{
    super::{
        bounds::{Bounds, Ends},
        key::Key,
        life::{Life, Told},
    },
    beyond, sendmail,
};
use crate::{
    model::{
        Event, Line, LineId, Parsed,
        event::{Action, Delivery, DeliveryStatus, Operation, SendmailTo},
        transaction::RecipientStatus,
    },
    parse,
};
use hashbrown::HashMap;
use std::{collections::HashSet, sync::Arc};

/// The end of a shortened attempt, in place of the reply.
const NO_REPLY: &str = " (…)";
/// In any other shortened line: stands between the queue id and the kind.
const NO_TEXT: &str = ": … ";

/// Whether a text looks like a shortened one. Then it is treated as one, even if a program logged it like that.
pub(super) fn is_brief(queue_id: &str, text: &str) -> bool {
    text.strip_prefix(queue_id).is_some_and(|rest| rest.starts_with(NO_TEXT) || rest.ends_with(NO_REPLY))
}

/// The event of a shortened line that was no attempt; `None` for any other line. It tells whether the message goes on,
/// which decides which notices of lost lines are about it.
pub(super) fn left_of(queue_id: &str, text: &str) -> Option<&'static Event<'static>> {
    Some(match kind_of(queue_id, text)? {
        "arrival" | "message-id" | "queued" | "operation" => &Event::Brief { goes_on: Some(true) },
        "removed" | "canceled" | "deleted" => &Event::Brief { goes_on: Some(false) },
        _ => &Event::Brief { goes_on: None },
    })
}

/// The kind of a line of which only the kind is left: `4F1A2B3C4D: … warning`.
pub(super) fn kind_of<'a>(queue_id: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(queue_id)?.strip_prefix(NO_TEXT)
}

/// The subject of a course: lines with the same subject are shortened together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Course<'a> {
    /// A postfix recipient and its `orig_to`; or all recipients of a sendmail record.
    Attempts(&'a str, Option<&'a str>),
    /// A kind of line.
    Kind(&'a str),
    /// A host that was tried, and whether it was reached.
    Tried(&'a str, bool),
}

impl<'a> Course<'a> {
    fn of(event: &'a Event<'a>) -> Self {
        match event {
            Event::Delivery(record) => Self::Attempts(record.to, record.orig_to),
            Event::To(record) if attempt(event).is_some() => Self::Attempts(record.to, None),
            Event::ConnectFailed { peer, .. } => Self::Tried(peer.addr.or(peer.name).unwrap_or_default(), false),
            Event::Tls { inbound: false, peer, .. } => Self::Tried(peer.addr.or(peer.name).unwrap_or_default(), true),
            _ => Self::Kind(kind(event)),
        }
    }
}

/// The kind of a line, in one word.
fn kind(event: &Event<'_>) -> &'static str {
    match event {
        Event::Connect { .. } | Event::Disconnect { .. } => "connection",
        Event::Tls { .. } => "tls",
        Event::SaslFailed { .. } => "failed-login",
        Event::SaslLogin { .. } => "login",
        Event::Client { .. } | Event::Pickup { .. } | Event::From(_) => "arrival",
        Event::MessageId { .. } => "message-id",
        Event::Queued { .. } => "queued",
        Event::Delivery(_) | Event::To(_) => "attempt",
        Event::Removed | Event::Done => "removed",
        Event::Canceled { .. } => "canceled",
        Event::Expired { .. } => "expired",
        Event::Operation(Operation::Delete) => "deleted",
        Event::Operation(_) => "operation",
        Event::Notified { .. } | Event::Dsn { .. } => "notification",
        Event::Clone { .. } => "clone",
        Event::Policy(policy) => match policy.action {
            Action::Reject | Action::Hangup => "reject",
            Action::Hold => "hold",
            Action::Discard => "discard",
            Action::Warn => "warning",
            Action::Change | Action::Redirect => "change",
            Action::Accept => "accept",
        },
        Event::UserError { .. } => "reject",
        Event::Warning { .. } | Event::Aborted { .. } | Event::ConnectFailed { .. } => "warning",
        Event::MilterEdit { .. } => "edit",
        Event::Filter(_) => "filter",
        Event::Piece { .. } => "piece",
        Event::Gap { .. } => "gap",
        Event::Requeued { .. } => "requeued",
        Event::Note | Event::Brief { .. } => "note",
    }
}

/// The lines beyond the bounds.
#[derive(Default)]
pub(super) struct Thinned {
    /// Replacements for the lines with the same ids.
    pub shortened: Vec<Line>,
    /// Ids of the lines that are dropped.
    pub surplus: HashSet<LineId>,
}

/// Shortens or drops the lines beyond the bounds.
pub(super) fn shorten(key: &Key, told: &[Told<'_>], bounds: &Bounds) -> Thinned {
    let mut out = Thinned::default();
    for t in told.iter().filter(|t| !t.own && t.line.text.len() > bounds.session_text) {
        out.shortened.extend(clipped(t, bounds.session_text));
    }
    // The usual case: the lines are so few and short that no course of them can exceed the bounds.
    let own = told.iter().filter(|t| t.own);
    let (lines, bytes) = own.clone().fold((0, 0), |(n, bytes), t| (n + 1, bytes + t.line.text.len()));
    let fits = |ends: &Ends| {
        let (most_lines, most_bytes) = ends.of_each(lines);
        lines <= most_lines && bytes <= most_bytes
    };
    if fits(&bounds.attempts) && fits(&bounds.others) && !own.clone().any(|t| is_brief(&key.queue_id, &t.line.text)) {
        return out;
    }
    let mut courses: HashMap<Course<'_>, Vec<&Told<'_>>> = HashMap::new();
    for t in own {
        let course = kind_of(&key.queue_id, &t.line.text).map_or_else(|| Course::of(t.event), Course::Kind);
        courses.entry(course).or_default().push(t);
    }
    let named = courses.keys().filter_map(|course| match *course {
        Course::Attempts(to, instead_of) => Some((to, instead_of)),
        _ => None,
    });
    let nameless = beyond::nameless(named.clone(), bounds);
    let recipients = named.count() - nameless.len();
    let mut texts = Texts::default();
    let mut shortened: Vec<(beyond::Place, Course<'_>)> = Vec::new();
    for (course, mut lines) in courses {
        let (most, bytes) = match course {
            Course::Attempts(to, instead_of) if nameless.contains(&(to, instead_of)) => {
                for t in lines {
                    let kind = outcome(t.event);
                    shortened.push((place(t), Course::Kind(kind)));
                    out.shortened.push(texts.of_kind(&key.queue_id, kind, t.line));
                }
                continue;
            }
            Course::Attempts(..) => bounds.attempts.of_each(recipients),
            _ => bounds.others.of_each(1),
        };
        in_order(&mut lines);
        let middle = &lines[middle(&lines, most, bytes, &key.queue_id)];
        shortened.extend(middle.iter().map(|t| (place(t), course)));
        out.shortened.extend(middle.iter().filter_map(|t| texts.shortened(&key.queue_id, t)));
    }
    out.surplus = beyond::surplus(shortened, bounds);
    out.shortened.retain(|line| !out.surplus.contains(&line.id));
    out
}

fn place(t: &Told<'_>) -> beyond::Place {
    (t.line.time.second(), t.line.id)
}

/// The outcome of an attempt, in one word.
fn outcome(event: &Event<'_>) -> &'static str {
    match event {
        Event::Delivery(record) => beyond::kind_of(record.status),
        Event::To(record) => beyond::kind_of_sendmails(sendmail::status(record, record.stat.unwrap_or_default())),
        event => kind(event),
    }
}

/// Sorts by second and id: a copy of a line with a finer stamp has the same place.
fn in_order(lines: &mut [&Told<'_>]) {
    lines.sort_unstable_by_key(|t| place(t));
}

/// The range of a course between the lines that are kept whole at its ends.
fn middle(lines: &[&Told<'_>], most: usize, most_bytes: usize, queue_id: &str) -> std::ops::Range<usize> {
    let whole = |lines: &mut dyn Iterator<Item = &&Told<'_>>| {
        let mut bytes = 0usize;
        let fits = |(n, t): &(usize, &&Told<'_>)| {
            bytes = bytes.saturating_add(t.line.text.len());
            *n < most && (*n == 0 || bytes <= most_bytes) && !is_brief(queue_id, &t.line.text)
        };
        lines.enumerate().take_while(fits).count()
    };
    let first = whole(&mut lines.iter());
    let last = whole(&mut lines.iter().rev());
    first..(lines.len() - last).max(first)
}

/// The texts of shortened lines; equal texts are made once and shared.
#[derive(Default)]
struct Texts<'a> {
    attempts: HashMap<(&'a str, Attempt<'a>), Arc<str>>,
    kinds: HashMap<&'static str, Arc<str>>,
}

/// The facts of an attempt that are kept: recipient, `orig_to` or sendmail's `ctladdr`, DSN, status, and sendmail's
/// mailer or postfix's `relay=none`.
type Attempt<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'static str, Option<&'a str>);

impl<'a> Texts<'a> {
    /// The shortened line; `None` if nothing can be taken away.
    fn shortened(&mut self, queue_id: &str, t: &Told<'a>) -> Option<Line> {
        let text = match attempt(t.event) {
            _ if kind_of(queue_id, &t.line.text).is_some() => Arc::clone(&t.line.text),
            Some(attempt) => {
                let (program, event): (&'a str, &'a Event<'a>) = (&t.line.program, t.event);
                let text = self.attempts.entry((program, attempt)).or_insert_with(|| {
                    let text = attempt_text(queue_id, event, &attempt);
                    let is_same = says_the_same(program, &text, event);
                    if is_same { text } else { kind_text(queue_id, kind(event)) }.into()
                });
                Arc::clone(text)
            }
            None => return Some(self.of_kind(queue_id, kind(t.event), t.line)),
        };
        let is_short = t.line.pid.is_none() && t.line.text == text;
        (!is_short).then(|| Line { text, pid: None, ..t.line.clone() })
    }

    /// The line with only its kind left.
    fn of_kind(&mut self, queue_id: &str, kind: &'static str, line: &Line) -> Line {
        let text = self.kinds.entry(kind).or_insert_with(|| kind_text(queue_id, kind).into());
        Line { text: Arc::clone(text), pid: None, ..line.clone() }
    }
}

fn kind_text(queue_id: &str, kind: &str) -> String {
    format!("{queue_id}{NO_TEXT}{kind}")
}

fn attempt<'a>(event: &'a Event<'a>) -> Option<Attempt<'a>> {
    match event {
        Event::Delivery(Delivery { to, orig_to, relay, dsn, status, .. }) => {
            let status = match status {
                DeliveryStatus::Sent => "sent",
                DeliveryStatus::Deferred => "deferred",
                DeliveryStatus::Bounced => "bounced",
                DeliveryStatus::Deliverable => "deliverable",
                DeliveryStatus::Undeliverable => "undeliverable",
                DeliveryStatus::Unknown => "unknown",
            };
            // `relay=none` marks a discarded message; see `postfix::is_discarded`.
            Some((to, *orig_to, *dsn, status, (*relay == "none").then_some("none")))
        }
        Event::To(record @ SendmailTo { to, ctladdr, dsn, mailer, stat, .. }) => {
            let stat = stat.filter(|stat| !stat.is_empty())?;
            let status = match sendmail::status(record, stat) {
                RecipientStatus::Sent => "Sent",
                RecipientStatus::Deferred => "Deferred",
                RecipientStatus::Discarded => "discarded",
                RecipientStatus::Bounced => "Service unavailable",
                RecipientStatus::Held => return None,
                _ => "unknown",
            };
            Some((to, *ctladdr, *dsn, status, *mailer))
        }
        _ => None,
    }
}

/// A short record that says the same of the recipients.
fn attempt_text(queue_id: &str, event: &Event<'_>, (to, instead_of, dsn, status, mailer): &Attempt<'_>) -> String {
    let with = |name: &str, value: &Option<&str>| value.map(|v| format!("{name}{v}, ")).unwrap_or_default();
    match event {
        Event::To(_) => {
            let (ctladdr, mailer, dsn) = (with("ctladdr=", instead_of), with("mailer=", mailer), with("dsn=", dsn));
            format!("{queue_id}: to={to}, {ctladdr}{mailer}{dsn}stat={status}{NO_REPLY}")
        }
        _ => {
            let orig_to = instead_of.map(|o| format!(", orig_to=<{o}>")).unwrap_or_default();
            let (relay, dsn) = (mailer.unwrap_or("…"), with("dsn=", dsn));
            format!("{queue_id}: to=<{to}>{orig_to}, relay={relay}, {dsn}status={status}{NO_REPLY}")
        }
    }
}

/// Whether a text of the program is parsed to the same recipients and outcome as the event. It may not be: an address
/// may contain what ends an address.
fn says_the_same(program: &str, text: &str, event: &Event<'_>) -> bool {
    match (parse::parse_text(program, text), event) {
        (Parsed::Event { event: Event::Delivery(a), .. }, Event::Delivery(b)) => {
            (a.to, a.orig_to, a.dsn, a.status) == (b.to, b.orig_to, b.dsn, b.status)
        }
        (Parsed::Event { event: Event::To(a), .. }, Event::To(b)) => {
            let status = |record| sendmail::status(record, record.stat.unwrap_or_default());
            (a.to, a.ctladdr, a.dsn, a.mailer, status(&a)) == (b.to, b.ctladdr, b.dsn, b.mailer, status(b))
        }
        _ => false,
    }
}

/// A session line with its text cut to `longest` bytes; `None` if the cut text would be read as something else.
fn clipped(t: &Told<'_>, longest: usize) -> Option<Line> {
    let most = longest.saturating_sub('…'.len_utf8());
    let end = (0..=most).rev().find(|at| t.line.text.is_char_boundary(*at))?;
    let text = format!("{}…", &t.line.text[..end]);
    let is_same = match parse::parse_text(&t.line.program, &text) {
        Parsed::Event { queue_id: None, event } => Course::of(&event) == Course::of(t.event),
        _ => false,
    };
    is_same.then(|| Line { text: text.as_str().into(), ..t.line.clone() })
}

/// Drops session lines of a life that are beyond the bounds; the first and the last of each course are kept. Added
/// lines only push more of them into the middle. Notices of lost lines are never dropped here, because the others
/// decide which of them are about the message.
pub(super) fn leave_out(life: &mut Life<'_>, bounds: &Bounds) {
    let shared = life.told.iter().filter(|t| !t.own).count();
    let fits = |ends: &Ends| shared <= ends.of_each(shared).0;
    if fits(&bounds.tried) && fits(&bounds.session) {
        return;
    }
    let mut courses: HashMap<Course<'_>, Vec<&Told<'_>>> = HashMap::new();
    for t in life.told.iter().copied().filter(|t| !t.own && !matches!(t.event, Event::Gap { .. })) {
        courses.entry(Course::of(t.event)).or_default().push(t);
    }
    let hosts = courses.keys().filter(|course| matches!(course, Course::Tried(..))).count();
    let mut left_out: HashSet<LineId> = HashSet::new();
    for (course, mut lines) in courses {
        let (most, _) = match course {
            Course::Tried(..) => bounds.tried.of_each(hosts),
            _ => bounds.session.of_each(1),
        };
        if lines.len() > 2 * most {
            in_order(&mut lines);
            left_out.extend(lines[most..lines.len() - most].iter().map(|t| t.line.id));
        }
    }
    life.told.retain(|t| t.own || !left_out.contains(&t.line.id));
}

#[cfg(test)]
mod tests;
