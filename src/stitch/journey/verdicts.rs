//! The message that a filter's verdict is about.
//!
//! In: transactions.  Out: a parent for each verdict that was logged without a queue id of its own: the message that the
//! filter handed back, else one on its host with its Message-ID, rather one of its recipient, and of its sender.

use super::{
    CLOCKS_MS, Node,
    evidence::{BY_MESSAGE_ID_HERE, prefix},
    parents::{Best, PROGRAM_MS, before},
    spans::Spans,
};
use crate::model::{Text, transaction::Kind};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

/// Messages that a verdict may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum About<'a> {
    QueueId(&'a str, &'a str),
    MessageId(&'a str, &'a str),
    Recipient(&'a str, &'a str, &'a str),
    /// A recipient whose mail went to a mail store, on whatever host: containers log under names of their own.
    Mailbox(&'a str, &'a str),
    Envelope(&'a str, &'a str, &'a str, &'a str),
}

/// Claims verdicts for their messages.
pub(super) fn owners(best: &mut Best<'_>) {
    let nodes = best.nodes;
    let verdicts = || nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Filter);
    let message_ids: HashSet<&str> = verdicts().filter_map(|(_, v)| v.message_id.as_deref()).map(prefix).collect();
    let handed_on = verdicts().flat_map(|(_, v)| v.onward.iter().map(|o| &o.queue_id));
    let perhaps = verdicts().flat_map(|(_, v)| &v.perhaps);
    let queue_ids: HashSet<&str> = handed_on.chain(perhaps).map(Text::as_str).collect();
    of_refusals(best);
    if message_ids.is_empty() && queue_ids.is_empty() {
        return;
    }
    let mut lists: HashMap<About<'_>, Vec<usize>> = HashMap::new();
    for (n, node) in nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Message) {
        let host = node.host.as_str();
        if let Some(id) = node.queue_id.as_deref().filter(|id| queue_ids.contains(id)) {
            lists.entry(About::QueueId(id, host)).or_default().push(n);
        }
        let Some(id) = node.message_id.as_deref().map(prefix).filter(|id| message_ids.contains(id)) else { continue };
        lists.entry(About::MessageId(id, host)).or_default().push(n);
        node.mailboxes.keys().for_each(|to| lists.entry(About::Mailbox(id, to)).or_default().push(n));
        for to in &node.to {
            lists.entry(About::Recipient(id, host, to)).or_default().push(n);
            let from = node.from.as_deref().map(|from| About::Envelope(id, host, to, from));
            from.into_iter().for_each(|key| lists.entry(key).or_default().push(n));
        }
    }
    let spans: HashMap<About<'_>, Spans> =
        lists.into_iter().map(|(key, list)| (key, Spans::new(list, nodes, |n| n))).collect();
    for (v, verdict) in verdicts() {
        let (since, until) = (verdict.start.plus(-CLOCKS_MS), verdict.start.plus(CLOCKS_MS));
        let nearest =
            |about: About<'_>| spans.get(&about)?.nearest_before(nodes, verdict.start, since, until, usize::MAX);
        let host = verdict.host.as_str();
        let handed_back = verdict.onward.iter().filter_map(|o| nearest(About::QueueId(&o.queue_id, host)));
        let first = |found: &mut dyn Iterator<Item = usize>| found.min_by_key(|n| before(nodes, v, *n));
        let perhaps = verdict.perhaps.iter().filter_map(|id| nearest(About::QueueId(id, host)));
        let likely = perhaps.filter_map(|n| Some((Reverse(agreement(verdict, nodes[n])?), before(nodes, v, n), n)));
        if let Some((.., owner)) = likely.min() {
            best.claim(v, owner, 0);
            continue;
        }
        let owner = first(&mut handed_back.filter(|n| !is_other(verdict, nodes[*n]))).or_else(|| {
            let id = prefix(verdict.message_id.as_deref()?);
            let from = verdict.from.as_deref().unwrap_or_default();
            first(&mut verdict.to.iter().filter_map(|to| nearest(About::Envelope(id, host, to, from))))
                .or_else(|| first(&mut verdict.to.iter().filter_map(|to| nearest(About::Recipient(id, host, to)))))
                .or_else(|| nearest(About::MessageId(id, host)))
                .or_else(|| first(&mut verdict.to.iter().filter_map(|to| nearest(About::Mailbox(id, to)))))
        });
        let Some(owner) = owner else { continue };
        best.claim(v, owner, 0);
        let (Some(id), Some(to)) = (verdict.message_id.as_deref(), verdict.forwarded.as_deref()) else { continue };
        let parent = nodes[owner];
        let (here, until) = (About::Recipient(prefix(id), &parent.host, to), parent.end.plus(PROGRAM_MS));
        let again = spans
            .get(&here)
            .and_then(|s| s.nearest_before(nodes, verdict.start.plus(PROGRAM_MS), parent.start, until, owner));
        if let Some(c) = again.filter(|c| came_back(parent, verdict, nodes[*c])) {
            best.claim(c, owner, BY_MESSAGE_ID_HERE + 1);
        }
    }
}

/// A verdict on an attempt that was refused belongs to it.
fn of_refusals(best: &mut Best<'_>) {
    let nodes = best.nodes;
    let verdicts: Vec<(usize, &str)> =
        nodes.iter().enumerate().filter_map(|(v, node)| Some((v, node.refusal.as_deref()?))).collect();
    if verdicts.is_empty() {
        return;
    }
    let refusals = nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Reject);
    let by_id: HashMap<&str, usize> = refusals.map(|(n, node)| (node.id.as_str(), n)).collect();
    for (v, refusal) in verdicts {
        if let Some(n) = by_id.get(refusal) {
            best.claim(v, *n, 0);
        }
    }
}

/// How much of sender and recipients a verdict and a message have in common; `None` when it is surely about another message.
fn agreement(verdict: &Node, message: &Node) -> Option<u8> {
    let sender = verdict.from.as_ref().zip(message.from.as_ref()).map(|(a, b)| a == b);
    let are_known = !verdict.to.is_empty() && !message.to.is_empty();
    let recipient = are_known.then(|| !verdict.to.is_disjoint(&message.to));
    let facts = [sender, recipient];
    // Aliases and rewriting change either.
    let is_other = facts.contains(&Some(false)) && !facts.contains(&Some(true));
    (!is_other).then(|| facts.iter().map(|fact| u8::from(*fact == Some(true))).sum())
}

/// Whether a message came from the mail store that says that it sent it on: by a command on the host, or from where the mail had
/// been given to.
fn came_back(parent: &Node, verdict: &Node, child: &Node) -> bool {
    let client = &child.source.place;
    let of_store = || parent.mailboxes.values().flatten().any(|ip| Some(*ip) == client.ip);
    let by_name = || client.label.as_ref().is_some_and(|label| *label == verdict.host);
    child.start >= parent.start && (child.source.is_local || of_store() || by_name())
}

/// Whether a verdict is surely about another message: neither its Message-ID nor any recipient is the same.
pub(super) fn is_other(verdict: &Node, message: &Node) -> bool {
    let is_other_id = |a: &str, b: &str| prefix(a) != prefix(b);
    let other_id =
        verdict.message_id.as_deref().zip(message.message_id.as_deref()).is_some_and(|(a, b)| is_other_id(a, b));
    other_id && !verdict.to.is_empty() && !message.to.is_empty() && verdict.to.is_disjoint(&message.to)
}
