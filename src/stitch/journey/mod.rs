//! Journeys: the transactions of one message across queues and hosts.
//!
//! In: transactions that may belong together.  Out: for each the id of its journey, a hash of the root's host, queue id
//! and Message-ID, so that it does not move with the start of a life.
//!
//! A transaction has at most one parent (`evidence.rs`); the root is the one without. Bounces and delay notices begin a
//! journey of their own, with a link to the old one; what was forwarded, split or cloned for a list's owner is still the
//! same message.

mod evidence;

use super::{
    id::{hash64, hex16},
    key::service_name,
};
use crate::model::{
    Text, Time, Transaction,
    transaction::{Kind, Origin, Recipient, Rel},
};
use std::collections::{BTreeSet, HashMap};

/// A parent may begin this long after its child: clocks differ, and a reply may be logged late.
pub const CLOCKS_MS: i64 = 120_000;

/// The journey of a transaction that has no parent. A refused attempt or a filter's verdict is known by its document id
/// instead of a queue id.
pub fn own(doc: &Transaction) -> String {
    let queue_id = doc.email.local_id.as_deref().unwrap_or(&doc.mail.id);
    let message_id = doc.email.message_id.as_deref().unwrap_or_default();
    hex16(hash64(&[&doc.host.name, queue_id, message_id]))
}

/// What of a transaction decides its journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The document id, without the number of a further part.
    pub id: String,
    /// Further parts go where part 0 goes.
    part: u32,
    /// The journey that the document has now.
    pub journey: String,
    host: Text,
    instance: Text,
    queue_id: Option<Text>,
    message_id: Option<Text>,
    kind: Kind,
    pub start: Time,
    pub end: Time,
    own: String,
    source: Source,
    /// What this one handed on under another queue id.
    onward: Vec<Onward>,
    /// What it was made from.
    previous: Vec<(Option<Text>, Text)>,
    /// What its relays are called.
    relays: Vec<Text>,
    /// A program on its host took it: a filter or a list manager, which may hand it in again.
    to_program: bool,
    /// Envelope recipients, in lower case.
    to: BTreeSet<Text>,
    /// Queue ids that it is linked with, whatever the link means.
    linked: Vec<Text>,
}

/// Who handed it in.
#[derive(Debug, Clone, Default, PartialEq)]
struct Source {
    /// First label of the client's name.
    host: Option<Text>,
    loopback: bool,
    /// A command on the same host.
    command: bool,
}

/// A queue id that the next hop gave.
#[derive(Debug, Clone, PartialEq)]
struct Onward {
    queue_id: Text,
    host: Option<Text>,
    /// When the reply was logged, where known.
    at: Option<Time>,
}

impl Node {
    /// The node of a document; further parts are known by their part 0.
    pub fn new(doc: &Transaction) -> Self {
        let replies = doc.mail.recipients.iter().filter_map(|r| Some((r.queued_as.as_deref()?, r.last_attempt)));
        let replied: HashMap<&str, Option<Time>> = replies.collect();
        let onward = doc.mail.links.iter().filter(|l| matches!(l.rel, Rel::Next | Rel::Child)).filter_map(|l| {
            let queue_id = l.queue_id.clone()?;
            let at = replied.get(queue_id.as_str()).copied().flatten();
            Some(Onward { queue_id, host: l.host.clone(), at })
        });
        let previous = doc.mail.links.iter().filter(|l| l.rel == Rel::Previous);
        let mut relays: Vec<Text> = doc.mail.recipients.iter().filter_map(|r| relay_host(doc, r)).collect();
        relays.sort();
        relays.dedup();
        Self {
            id: base_id(doc).to_owned(),
            part: doc.mail.part,
            journey: doc.mail.journey.clone(),
            host: doc.host.name.clone(),
            instance: service_name(&doc.service.name).into(),
            queue_id: doc.email.local_id.clone(),
            message_id: doc.email.message_id.clone(),
            kind: doc.mail.kind,
            start: doc.event.start,
            end: doc.event.end,
            own: own(doc),
            source: Source {
                host: doc.source.domain.as_deref().map(first_label),
                loopback: doc.source.ip.as_deref().is_some_and(is_loopback),
                command: doc.mail.origin == Origin::Local,
            },
            onward: onward.collect(),
            previous: previous.filter_map(|l| Some((l.host.clone(), l.queue_id.clone()?))).collect(),
            relays,
            to_program: doc.mail.recipients.iter().any(is_to_program),
            to: doc.email.to.address.iter().map(|a| a.to_lowercase()).collect(),
            linked: doc.mail.links.iter().filter_map(|l| l.queue_id.clone()).collect(),
        }
    }

    /// The queue ids and the Message-ID by which the neighbours of the document are found.
    pub fn traces(&self) -> (impl Iterator<Item = &str>, Option<&str>) {
        (self.queue_id.iter().chain(&self.linked).map(Text::as_str), self.message_id.as_deref())
    }
}

/// The id of part 0 of a document.
pub fn base_id(doc: &Transaction) -> &str {
    let mail = &doc.mail;
    mail.id.strip_suffix(&format!("-{}", mail.part)).filter(|_| mail.part > 0).unwrap_or(&mail.id)
}

fn first_label(name: &str) -> Text {
    Text::from(name.split('.').next().unwrap_or(name)).to_ascii_lowercase()
}

fn is_loopback(ip: &str) -> bool {
    ip.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The host behind a relay, as documents name hosts.
fn relay_host(doc: &Transaction, recipient: &Recipient) -> Option<Text> {
    match recipient.relay.ip.as_deref() {
        Some(ip) if is_loopback(ip) => Some(doc.host.name.clone()),
        _ => recipient.relay.domain.as_deref().map(first_label),
    }
}

/// postfix's `pipe`, a command that its `local` ran, sendmail's `prog`.
fn is_to_program(recipient: &Recipient) -> bool {
    let to_command = || recipient.reply.as_deref().is_some_and(|r| r.starts_with("delivered to command: "));
    matches!(recipient.transport.as_deref(), Some("pipe" | "prog")) || to_command()
}

/// The parent of each node, in their order; `None` for a root.
pub fn parents(nodes: &[&Node]) -> Vec<Option<usize>> {
    evidence::parents(nodes)
}

/// The journeys of documents by their [`base_id`]. All neighbours of those whose answer is wanted must be there; of further
/// parts nothing is taken.
pub fn of<'a>(nodes: impl Iterator<Item = &'a Node>) -> HashMap<&'a str, &'a str> {
    let nodes: Vec<&Node> = nodes.filter(|node| node.part == 0).collect();
    let parents = parents(&nodes);
    let journey = |n: usize| nodes[root(n, &parents, &nodes)].own.as_str();
    nodes.iter().enumerate().map(|(n, node)| (node.id.as_str(), journey(n))).collect()
}

/// The root above a node. A cycle is cut at its earliest member.
fn root(n: usize, parents: &[Option<usize>], nodes: &[&Node]) -> usize {
    let mut path = vec![n];
    let mut at = n;
    while let Some(parent) = parents[at] {
        if let Some(first) = path.iter().position(|p| *p == parent) {
            let cycle = &path[first..];
            return cycle.iter().copied().min_by_key(|m| (nodes[*m].start, &nodes[*m].id)).unwrap_or(parent);
        }
        path.push(parent);
        at = parent;
    }
    at
}
