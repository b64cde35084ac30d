//! Which transaction is the parent of which, strongest evidence first: the queue id in the next hop's reply, together
//! with the relay; `forwarded as`, `orig_queue_id`, `orig_id`; the Message-ID, only where the parent's relay is the
//! child's host and the child's source is the parent's host, or where a program of that host took the parent.

use super::{CLOCKS_MS, Node};
use crate::{
    model::{Time, transaction::Kind},
    stitch::id::IdForm,
};
use std::collections::HashMap;

/// sendmail cuts Message-IDs at 100 characters; that many decide then.
const CUT_AT: usize = 95;

/// A program hands a message in again this long after it was done with it, at most. Programs take most mail of many
/// hosts, so that more would join what only happens to have the same Message-ID.
const PROGRAM_MS: i64 = 10_000;

/// The parent of each node, if it has one.
pub(super) fn parents(nodes: &[&Node]) -> Vec<Option<usize>> {
    let mut by_queue_id: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_message_id: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, node) in nodes.iter().enumerate() {
        if let Some(id) = node.queue_id.as_deref().filter(|_| node.kind == Kind::Message) {
            by_queue_id.entry(id).or_default().push(n);
        }
        if let Some(id) = node.message_id.as_deref() {
            by_message_id.entry(prefix(id)).or_default().push(n);
        }
    }
    let found = |id: &str| by_queue_id.get(id).map(Vec::as_slice).unwrap_or_default();
    let mut by_reply: Vec<Option<usize>> = vec![None; nodes.len()];
    for (p, parent) in nodes.iter().enumerate() {
        for onward in &parent.onward {
            let fits = |c: &&usize| **c != p && takes(parent, onward.host.as_deref(), nodes[**c]);
            let at = onward.at.unwrap_or(parent.end);
            let near = |c: &&usize| {
                let child = &nodes[**c];
                (!same_message_id(parent, child), child.start.0.abs_diff(at.0), &child.id)
            };
            let child = found(&onward.queue_id).iter().filter(fits).min_by_key(near);
            if let Some(&c) = child.filter(|c| in_time(parent, nodes[**c], at)) {
                by_reply[c] = nearest_before(nodes, c, by_reply[c].into_iter().chain([p]));
            }
        }
    }
    let parent = |c: usize| {
        let child = &nodes[c];
        if child.kind == Kind::Filter {
            return owner(nodes, c, found, &by_message_id);
        }
        by_reply[c].or_else(|| previous(nodes, c, found)).or_else(|| by_id(nodes, c, &by_message_id))
    };
    (0..nodes.len()).map(parent).collect()
}

/// Whether a child may be what a reply's queue id means: on the host that the relay names, or, where the relay has
/// another name, by a queue id that exists only once or by the same Message-ID.
fn takes(parent: &Node, relay: Option<&str>, child: &Node) -> bool {
    let same_host = relay == Some(child.host.as_str()) || (relay.is_none() && parent.host == child.host);
    let unique = child.queue_id.as_deref().is_some_and(|id| IdForm::of(id, false).is_unique());
    same_host || unique || same_message_id(parent, child)
}

fn in_time(parent: &Node, child: &Node, at: Time) -> bool {
    parent.start.0 <= child.start.0.saturating_add(CLOCKS_MS) && child.start.0 <= at.0.saturating_add(CLOCKS_MS)
}

fn prefix(message_id: &str) -> &str {
    let mut end = CUT_AT.min(message_id.len());
    while !message_id.is_char_boundary(end) {
        end -= 1;
    }
    &message_id[..end]
}

fn same_message_id(a: &Node, b: &Node) -> bool {
    match (&a.message_id, &b.message_id) {
        (Some(a), Some(b)) => a == b || (a.len().min(b.len()) >= CUT_AT && prefix(a) == prefix(b)),
        _ => false,
    }
}

/// Of several, the one that starts nearest before the child, else nearest after it; then the smallest id.
fn nearest_before(nodes: &[&Node], c: usize, candidates: impl Iterator<Item = usize>) -> Option<usize> {
    let start = nodes[c].start;
    let key = |p: &usize| {
        let parent = &nodes[*p];
        (parent.start > start, parent.start.0.abs_diff(start.0), &parent.id)
    };
    candidates.filter(|p| *p != c).min_by_key(key)
}

/// The parent that the child's own lines name: `orig_queue_id` and `orig_id`.
fn previous<'a>(nodes: &'a [&'a Node], c: usize, found: impl Fn(&str) -> &'a [usize]) -> Option<usize> {
    let child = &nodes[c];
    child.previous.iter().find_map(|(host, queue_id)| {
        let host = host.as_deref().unwrap_or(&child.host);
        let here = found(queue_id).iter().copied().filter(|p| {
            let parent = &nodes[*p];
            parent.host == host && in_time(parent, child, parent.end)
        });
        nearest_before(nodes, c, here)
    })
}

/// The parent by Message-ID: its relay is the child's host, and the child's source is its host.
fn by_id(nodes: &[&Node], c: usize, by_message_id: &HashMap<&str, Vec<usize>>) -> Option<usize> {
    let child = &nodes[c];
    let others = by_message_id.get(prefix(child.message_id.as_deref()?))?;
    let fits = |p: &usize| {
        let parent = &nodes[*p];
        let handed_in = match parent.host == child.host {
            true => child.source.loopback && is_other(parent, child),
            false => child.source.host.as_deref() == Some(parent.host.as_str()),
        };
        let by_relay = handed_in && in_time(parent, child, parent.end) && parent.relays.contains(&child.host);
        *p != c
            && parent.kind == Kind::Message
            && (by_relay || by_program(parent, child))
            && same_message_id(parent, child)
    };
    nearest_before(nodes, c, others.iter().copied().filter(fits))
}

fn is_other(parent: &Node, child: &Node) -> bool {
    parent.queue_id != child.queue_id || parent.instance != child.instance
}

/// Whether a program that took the parent may have handed in the child, on the same host and by the same clock.
fn by_program(parent: &Node, child: &Node) -> bool {
    let soon = parent.start <= child.start && child.start.0 <= parent.end.0.saturating_add(PROGRAM_MS);
    let here = parent.host == child.host && (child.source.loopback || child.source.command);
    parent.to_program && here && soon && is_other(parent, child)
}

/// The message that a filter's verdict is about: the one it handed back, else one with its Message-ID on its host.
fn owner<'a>(
    nodes: &'a [&'a Node],
    c: usize,
    found: impl Fn(&str) -> &'a [usize],
    by_message_id: &HashMap<&str, Vec<usize>>,
) -> Option<usize> {
    let filter = &nodes[c];
    let touches = |p: &usize| {
        let message = &nodes[*p];
        let in_time = message.start.0 <= filter.end.0 + CLOCKS_MS && filter.start.0 <= message.end.0 + CLOCKS_MS;
        message.kind == Kind::Message && message.host == filter.host && in_time
    };
    let handed_back = filter.onward.iter().flat_map(|o| found(&o.queue_id)).copied().filter(touches);
    nearest_before(nodes, c, handed_back).or_else(|| {
        let others = by_message_id.get(prefix(filter.message_id.as_deref()?))?;
        let of_recipient = |p: &usize| !nodes[*p].to.is_disjoint(&filter.to);
        nearest_before(nodes, c, others.iter().copied().filter(touches).filter(of_recipient))
            .or_else(|| nearest_before(nodes, c, others.iter().copied().filter(touches)))
    })
}
