//! Lines that are documents of their own and say too little alone.
//!
//! In: an event without a queue id.  Out: whether its document needs other lines, and a key for it, as a message has one: its
//! set is the line, what its session said (`session`), or what a policy server's verdict may be about (`near`).
//!
//! ```text
//! smtpd[11]: connect from c.example.org[192.0.2.7]
//! smtpd[11]: proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
//! ```

use super::{id::line_document_id, key::Key};
use crate::{
    model::{
        Event, LineId, Parsed, Text, Transaction,
        event::{Filter, Policy},
        transaction::Evidence,
    },
    parse,
};
use std::sync::Arc;

/// Begins the key of a line; no queue id does.
const MARK: char = '#';

/// Whether a line without a queue id needs others: what a filter before the queue answered, which names no client; the verdict
/// of a policy server, which names no message.
pub fn needs_others(event: &Event<'_>, has_sessions: bool) -> bool {
    match event {
        Event::Policy(policy) => has_sessions && names_no_client(policy),
        Event::Filter(filter) => is_policy(filter),
        _ => false,
    }
}

fn names_no_client(policy: &Policy<'_>) -> bool {
    policy.peer.addr.is_none() && policy.peer.name.is_none() && policy.from.is_some()
}

/// A verdict on an attempt to send, before there is a message.
fn is_policy(filter: &Filter<'_>) -> bool {
    let of_message = filter.message_id.is_some() || filter.queued_as.is_some();
    !of_message && filter.client.is_some() && (filter.from.is_some() || filter.to.is_some())
}

/// What stands for the queue id in the key of a line.
pub fn name(line: LineId) -> String {
    format!("{MARK}{:032x}", line.0)
}

/// The line that a key is of; `None` for the key of a message.
pub fn line_of(key: &Key) -> Option<LineId> {
    u128::from_str_radix(key.queue_id.strip_prefix(MARK)?, 16).ok().map(LineId)
}

/// Whether something stands for a queue id.
pub fn is_name(queue_id: &str) -> bool {
    queue_id.starts_with(MARK)
}

/// The name of the line that a document is about, if it is one that needs others.
pub fn name_in(doc: &Transaction) -> Option<Arc<str>> {
    let is_own = |line: &&Evidence| !line.context && line_document_id(line.id, line.time) == doc.mail.id;
    let own = doc.mail.lines.iter().find(is_own)?;
    match parse::parse_text(&own.program, &own.text) {
        Parsed::Event { queue_id: None, event } if needs_others(&event, has_sessions(&own.program)) => {
            Some(name(own.id).into())
        }
        _ => None,
    }
}

/// postscreen hands its clients on to smtpd, which logs them anew; its own sessions have no messages, and no end where the
/// client passed.
pub fn has_sessions(program: &str) -> bool {
    !program.ends_with("/postscreen")
}

/// The document of the refused attempt that a verdict without a message was found to be about.
pub fn refusal_of(doc: &Transaction) -> Option<Text> {
    let contexts = doc.mail.lines.iter().filter(|line| line.context && doc.email.local_id.is_none());
    contexts.into_iter().find_map(|line| match parse::parse_text(&line.program, &line.text) {
        Parsed::Event { queue_id: None, event: Event::Policy(_) } => Some(line_document_id(line.id, line.time).into()),
        _ => None,
    })
}
