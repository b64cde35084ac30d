//! Journeys: the transactions of one message across queues and hosts.
//!
//! In: transactions that may belong together.  Out: for each the id of its journey, a hash of the root's host, queue id
//! and Message-ID, so that it does not move with the start of a life.
//!
//! A transaction has at most one parent (`parents.rs`, by what `evidence.rs` says of two); the root is the one without.
//! Bounces and delay notices begin a journey of their own, with a link to the old one; what was forwarded, split or cloned
//! for a list's owner is still the same message.

mod evidence;
mod node;
mod parents;
mod place;
mod spans;
mod verdicts;

pub use node::{Node, base_id};

use super::{
    id::{IdForm, hash64, hex16},
    lone,
};
use crate::{
    model::{Event, Parsed, Time, Transaction, transaction::Kind},
    parse,
};
use std::collections::{HashMap, HashSet};

/// A parent may begin this long after its child: clocks differ, and a reply may be logged late.
pub const CLOCKS_MS: i64 = 120_000;

/// The journey of a transaction that has no parent. A refused attempt or a filter's verdict is known by its document id
/// instead of a queue id.
pub fn own(doc: &Transaction) -> String {
    // A policy server's verdict on an attempt that was refused is one with it.
    let refusal = if doc.mail.kind == Kind::Filter { lone::refusal_of(doc) } else { None };
    let queue_id = doc.email.local_id.as_deref().or(refusal.as_deref()).unwrap_or(&doc.mail.id);
    let message_id = doc.email.message_id.as_deref().unwrap_or_default();
    let comes_back =
        || doc.email.local_id.is_some() && !IdForm::of(queue_id, doc.service.kind == "postfix").is_unique();
    if message_id.is_empty() && comes_back() {
        let second = arrival(doc).second().to_string();
        return hex16(hash64(&[&doc.host.name, queue_id, message_id, &second]));
    }
    hex16(hash64(&[&doc.host.name, queue_id, message_id]))
}

/// Whether the mail of a document began with it, as the journey pass found.
pub fn is_root(doc: &Transaction) -> bool {
    doc.mail.journey.is_empty() || doc.mail.journey == own(doc)
}

/// [`is_root`] by what a store has at hand of a document; `None` where only the whole of it tells.
pub fn is_root_of(journey: &str, host: &str, queue_id: &str, message_id: &str) -> Option<bool> {
    let is_root = journey.is_empty() || journey == hex16(hash64(&[host, queue_id, message_id]));
    (is_root || !message_id.is_empty()).then_some(is_root)
}

/// When the arrival line of a message was logged; of one without, its first line. Of two messages that had one short id the
/// arrivals, and the lives, are whole seconds apart.
fn arrival(doc: &Transaction) -> Time {
    let is_arrival = |program: &str, text: &str| match parse::parse_text(program, text) {
        Parsed::Event { queue_id, event: Event::Client { .. } | Event::Pickup { .. } } => {
            queue_id == doc.email.local_id.as_deref()
        }
        _ => false,
    };
    let first = doc.mail.lines.iter().find(|line| is_arrival(&line.program, &line.text));
    first.map_or(doc.event.start, |line| line.time)
}

/// The parent of each node, in their order; `None` for a root.
pub fn parents(nodes: &[&Node]) -> Vec<Option<usize>> {
    parents::parents(nodes)
}

/// The journeys of documents by their [`base_id`]. All neighbours of those whose answer is wanted must be there; of further
/// parts nothing is taken.
pub fn of<'a>(nodes: impl Iterator<Item = &'a Node>) -> HashMap<&'a str, &'a str> {
    let nodes: Vec<&Node> = nodes.filter(|node| node.part == 0).collect();
    let roots = roots(&parents(&nodes), &nodes);
    nodes.iter().zip(roots).map(|(node, root)| (node.id.as_str(), nodes[root].own.as_str())).collect()
}

/// Which nodes hang together with those given and are none of them: by claims, won or not, or by the journey they have now.
/// Of further parts nothing is taken.
pub fn hanging(nodes: &[&Node], given: &[bool]) -> Vec<bool> {
    let whole: Vec<usize> = (0..nodes.len()).filter(|n| nodes[*n].part == 0).collect();
    let (_, claims) = parents::claims(&whole.iter().map(|n| nodes[*n]).collect::<Vec<_>>());
    let mut beside: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (child, parent) in claims {
        let (child, parent) = (whole[child], whole[parent]);
        beside[child].push(parent);
        beside[parent].push(child);
    }
    let of_given = || nodes.iter().zip(given).filter(|(_, given)| **given).map(|(node, _)| *node);
    let journeys: HashSet<&str> = of_given().flat_map(|node| [node.journey.as_str(), node.own.as_str()]).collect();
    let mut found = vec![false; nodes.len()];
    let mut next: Vec<usize> =
        (0..nodes.len()).filter(|n| given[*n] || journeys.contains(nodes[*n].journey.as_str())).collect();
    while let Some(n) = next.pop() {
        if !std::mem::replace(&mut found[n], true) {
            next.extend(&beside[n]);
        }
    }
    found.into_iter().zip(given).map(|(found, given)| found && !given).collect()
}

/// The root above each node. A cycle is cut at its earliest member.
fn roots(parents: &[Option<usize>], nodes: &[&Node]) -> Vec<usize> {
    let mut roots: Vec<Option<usize>> = vec![None; nodes.len()];
    // The place of a node on the way up that is being gone.
    let mut place: Vec<Option<usize>> = vec![None; nodes.len()];
    for n in 0..nodes.len() {
        let mut way = Vec::new();
        let mut at = n;
        let root = loop {
            if let Some(root) = roots[at] {
                break root;
            }
            if let Some(begin) = place[at] {
                let cycle = way[begin..].iter().copied();
                break cycle.min_by_key(|m: &usize| (nodes[*m].start, &nodes[*m].id)).unwrap_or(at);
            }
            place[at] = Some(way.len());
            way.push(at);
            match parents[at] {
                Some(parent) => at = parent,
                None => break at,
            }
        };
        way.into_iter().for_each(|m| roots[m] = Some(root));
    }
    roots.into_iter().enumerate().map(|(n, root)| root.unwrap_or(n)).collect()
}
