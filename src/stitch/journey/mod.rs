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

pub use node::{Former, Node, base_id};

use super::{
    id::{IdForm, hash64, hex16},
    lone,
};
use crate::model::{Transaction, transaction::Kind};
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
        // Of two messages that had one short id the lives are whole seconds apart.
        let second = doc.event.start.second().to_string();
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
    let former = of_given().flat_map(|node| node.former.journeys.iter().map(String::as_str));
    let journeys: HashSet<&str> =
        of_given().flat_map(|node| [node.journey.as_str(), node.own.as_str()]).chain(former).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::transaction::Mail,
        stitch::testing::{document, documents},
    };

    /// The nodes of the documents of a text.
    #[track_caller]
    pub(super) fn nodes(text: &str) -> Vec<Node> {
        documents(text).iter().map(Node::new).collect()
    }

    /// How a test calls a transaction: by its queue id or, where it has none, by its kind.
    pub(super) fn name(node: &Node) -> String {
        node.queue_id.as_ref().map_or_else(|| format!("{:?}", node.kind), ToString::to_string)
    }

    /// All children of a text with their parents, by the children's names.
    #[track_caller]
    pub(super) fn check_parents(text: &str, expected: &[(&str, &str)]) {
        let nodes = nodes(text);
        let nodes: Vec<&Node> = nodes.iter().collect();
        let name = |n: usize| name(nodes[n]);
        let pairs = parents(&nodes).into_iter().enumerate().filter_map(|(c, p)| Some((name(c), name(p?))));
        let mut pairs: Vec<(String, String)> = pairs.collect();
        pairs.sort();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(c, p)| (c.as_str(), p.as_str())).collect();
        assert_eq!(pairs, expected, "{text}");
    }

    const SHORT: &str = "4F1A2B3C4D";
    const LONG: &str = "4jXgRb5BTwzq68g";

    /// The journey of a mail that came at that second, of which nothing more is known than its Message-ID.
    fn own_of(queue_id: &str, second: u32, message_id: &str) -> String {
        own(&document(&format!(
            "{second} mx1 postfix/smtpd[1]: {queue_id}: client=c.example.net[192.0.2.7]
             {second} mx1 postfix/cleanup[2]: {queue_id}: message-id=<{message_id}>"
        )))
    }

    /// A short id comes back, always a whole number of seconds later; the Message-ID, or the second, tells which mail it is.
    #[test]
    fn a_journey_is_known_by_its_second_only_where_nothing_else_tells_it_from_another() {
        assert_ne!(own_of(SHORT, 1, ""), own_of(SHORT, 2, ""));
        assert_eq!(own_of(SHORT, 1, "1@example.org"), own_of(SHORT, 2, "1@example.org"));
        assert_ne!(own_of(SHORT, 1, "1@example.org"), own_of(SHORT, 1, "2@example.org"));
        assert_eq!(own_of(LONG, 1, ""), own_of(LONG, 2, ""));
        assert_ne!(own_of(LONG, 1, ""), own_of(SHORT, 1, ""));
        let by_sendmail = |second| {
            let text = format!("{second} mx1 sendmail[1]: 6AMKK5jq012345: from=<a@example.org>, size=9, nrcpts=1");
            own(&document(&text))
        };
        assert_eq!(by_sendmail(1), by_sendmail(2), "an id of sendmail holds its time");
    }

    #[test]
    fn a_refused_attempt_is_known_by_its_document_id() {
        let refused = document(
            "1 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from c.example.net[192.0.2.7]: 554 5.7.1 no; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>",
        );
        assert_eq!(own(&refused), hex16(hash64(&["mx1", &refused.mail.id, ""])));
    }

    #[test]
    fn a_mail_is_a_root_until_its_journey_is_that_of_another() {
        let doc = document(&format!(
            "1 mx1 postfix/smtpd[1]: {SHORT}: client=c.example.net[192.0.2.7]\n1 mx1 postfix/cleanup[2]: {SHORT}: message-id=<1@example.org>"
        ));
        let with = |journey: String| Transaction { mail: Mail { journey, ..doc.mail.clone() }, ..doc.clone() };
        let other = own_of(LONG, 1, "1@example.org");
        for (journey, expected) in [(String::new(), true), (own(&doc), true), (other, false)] {
            assert_eq!(is_root_of(&journey, "mx1", SHORT, "1@example.org"), Some(expected), "{journey}");
            assert_eq!(is_root(&with(journey)), expected);
        }
    }

    /// The second of the arrival may be in the journey of a mail without a Message-ID.
    #[test]
    fn without_a_message_id_a_store_cannot_tell_that_a_mail_is_no_root() {
        assert_eq!(is_root_of("", "mx1", SHORT, ""), Some(true));
        assert_eq!(is_root_of(&own_of(LONG, 1, ""), "mx1", LONG, ""), Some(true));
        assert_eq!(is_root_of(&own_of(SHORT, 1, ""), "mx1", SHORT, ""), None);
        assert_eq!(is_root_of(&own_of(LONG, 1, ""), "mx1", SHORT, ""), None);
    }

    /// From mx1 by mx2 to mx3, and another mail.
    const CHAIN: &str = "1 mx1 postfix/smtpd[1]: 1F1A2B3C4D: client=c.example.com[198.51.100.9]
        1 mx1 postfix/cleanup[1]: 1F1A2B3C4D: message-id=<1@example.org>
        2 mx1 postfix/smtp[2]: 1F1A2B3C4D: to=<b@example.net>, relay=mx2.example.org[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 2F1A2B3C4D)
        2 mx2 postfix/smtpd[1]: 2F1A2B3C4D: client=mx1.example.org[192.0.2.1]
        2 mx2 postfix/cleanup[1]: 2F1A2B3C4D: message-id=<1@example.org>
        3 mx2 postfix/smtp[2]: 2F1A2B3C4D: to=<b@example.net>, relay=mx3.example.org[192.0.2.3]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 3F1A2B3C4D)
        3 mx3 postfix/smtpd[1]: 3F1A2B3C4D: client=mx2.example.org[192.0.2.2]
        3 mx3 postfix/cleanup[1]: 3F1A2B3C4D: message-id=<1@example.org>
        4 mx3 postfix/local[2]: 3F1A2B3C4D: to=<b@example.net>, relay=local, delay=1, dsn=2.0.0, status=sent (delivered to mailbox)
        5 mx1 postfix/smtpd[1]: 9F1A2B3C4D: client=c.example.com[198.51.100.9]
        5 mx1 postfix/cleanup[1]: 9F1A2B3C4D: message-id=<9@example.org>";

    #[test]
    fn all_of_a_chain_have_the_journey_of_its_first() {
        check_parents(CHAIN, &[("2F1A2B3C4D", "1F1A2B3C4D"), ("3F1A2B3C4D", "2F1A2B3C4D")]);
        let nodes = nodes(CHAIN);
        let journeys = of(nodes.iter());
        assert_eq!(journeys.len(), 4);
        for (node, root) in nodes.iter().zip([0, 0, 0, 3]) {
            assert_eq!(journeys[node.id.as_str()], nodes[root].own, "{}", name(node));
        }
    }

    #[test]
    fn further_parts_claim_nothing() {
        let mut nodes = nodes(CHAIN);
        nodes[1].part = 1;
        let journeys = of(nodes.iter());
        assert_eq!(journeys.len(), 3);
        assert_eq!(journeys[nodes[2].id.as_str()], nodes[2].own);
    }

    /// The nodes of the chain that hang together with its first, after a change.
    #[track_caller]
    fn check_hanging(change: impl Fn(&mut [Node]), expected: [bool; 4]) {
        let mut nodes = nodes(CHAIN);
        change(&mut nodes);
        let nodes: Vec<&Node> = nodes.iter().collect();
        assert_eq!(hanging(&nodes, &[true, false, false, false]), expected);
    }

    #[test]
    fn neighbours_hang_together_by_claims_and_by_the_journey_they_have_now() {
        check_hanging(|_| {}, [false, true, true, false]);
        // The other mail was thought to be of this journey, or this one of another's.
        check_hanging(|nodes| nodes[3].journey = nodes[0].own.clone(), [false, true, true, true]);
        check_hanging(|nodes| nodes[0].journey = nodes[3].journey.clone(), [false, true, true, true]);
        // No claim leads over a further part.
        let cut = |nodes: &mut [Node]| {
            nodes[1].part = 1;
            nodes.iter_mut().for_each(|node| node.journey = node.own.clone());
        };
        check_hanging(cut, [false, false, false, false]);
    }

    /// Two servers that each say that the other one gave them the mail.
    #[test]
    fn a_cycle_begins_with_its_earliest_member() {
        let nodes = nodes(CHAIN);
        let nodes: Vec<&Node> = nodes.iter().collect();
        assert_eq!(roots(&[None, Some(0), Some(1), None], &nodes), [0, 0, 0, 3]);
        assert_eq!(roots(&[Some(2), Some(0), Some(1), Some(2)], &nodes), [0, 0, 0, 0]);
        assert_eq!(roots(&[None, Some(2), Some(1), Some(2)], &nodes), [0, 1, 1, 1]);
    }
}
