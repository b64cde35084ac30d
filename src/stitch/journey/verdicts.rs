//! The message that a filter's verdict is about.
//!
//! In: transactions.  Out: a parent for each verdict that was logged without a queue id of its own: the message that the
//! filter handed back, else one on its host with its Message-ID, rather one of its recipient, and of its sender.

use super::{
    CLOCKS_MS, Node,
    evidence::prefix,
    parents::{Best, before},
    spans::Spans,
};
use crate::model::transaction::Kind;
use std::collections::{HashMap, HashSet};

/// Messages that a verdict may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum About<'a> {
    QueueId(&'a str, &'a str),
    MessageId(&'a str, &'a str),
    Recipient(&'a str, &'a str, &'a str),
    Envelope(&'a str, &'a str, &'a str, &'a str),
}

/// Claims verdicts for their messages.
pub(super) fn owners(best: &mut Best<'_>) {
    let nodes = best.nodes;
    let verdicts = || nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Filter);
    let message_ids: HashSet<&str> = verdicts().filter_map(|(_, v)| v.message_id.as_deref()).map(prefix).collect();
    let queue_ids: HashSet<&str> = verdicts().flat_map(|(_, v)| v.onward.iter().map(|o| o.queue_id.as_str())).collect();
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
        let owner = first(&mut handed_back.filter(|n| !is_other(verdict, nodes[*n]))).or_else(|| {
            let id = prefix(verdict.message_id.as_deref()?);
            let from = verdict.from.as_deref().unwrap_or_default();
            first(&mut verdict.to.iter().filter_map(|to| nearest(About::Envelope(id, host, to, from))))
                .or_else(|| first(&mut verdict.to.iter().filter_map(|to| nearest(About::Recipient(id, host, to)))))
                .or_else(|| nearest(About::MessageId(id, host)))
        });
        if let Some(owner) = owner {
            best.claim(v, owner, 0);
        }
    }
}

/// Whether a verdict is surely about another message: neither its Message-ID nor any recipient is the same.
pub(super) fn is_other(verdict: &Node, message: &Node) -> bool {
    let is_other_id = |a: &str, b: &str| prefix(a) != prefix(b);
    let other_id =
        verdict.message_id.as_deref().zip(message.message_id.as_deref()).is_some_and(|(a, b)| is_other_id(a, b));
    other_id && !verdict.to.is_empty() && !message.to.is_empty() && verdict.to.is_disjoint(&message.to)
}
