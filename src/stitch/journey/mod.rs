//! Journeys: the transactions of one message across queues and hosts.
//!
//! In: transactions that may belong together.  Out: the journey id of each: a hash of the root's host, queue id and
//! Message-ID. The start of a life, which a late line may move, is part of it only if a short queue id has no
//! Message-ID.
//!
//! A transaction has at most one parent (`evidence.rs` weighs the claims, `parents.rs` chooses); the root has none.
//! Bounces and delay notices begin a journey of their own, and the old message links to them. A message that is
//! forwarded, split, or cloned for a list's owner stays the same message.

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

/// A parent may begin this long after its child: clocks differ, and a reply may be logged late. Milliseconds.
pub const CLOCKS_MS: i64 = 120_000;

/// The journey id of a transaction without a parent. A refused attempt or a filter's verdict without a queue id is
/// identified by its document id.
pub fn own(doc: &Transaction) -> String {
    // A policy server's verdict on a refused attempt belongs to that attempt.
    let refusal = if doc.mail.kind == Kind::Filter { lone::refusal_of(doc) } else { None };
    let queue_id = doc.email.local_id.as_deref().or(refusal.as_deref()).unwrap_or(&doc.mail.id);
    let message_id = doc.email.message_id.as_deref().unwrap_or_default();
    let comes_back =
        || doc.email.local_id.is_some() && !IdForm::of(queue_id, doc.service.kind == "postfix").is_unique();
    if message_id.is_empty() && comes_back() {
        // A short id comes back after whole seconds, so the second tells its lives apart.
        let second = doc.event.start.second().to_string();
        return hex16(hash64(&[&doc.host.name, queue_id, message_id, &second]));
    }
    hex16(hash64(&[&doc.host.name, queue_id, message_id]))
}

/// Whether a document is the root of its journey, as the journey pass found.
pub fn is_root(doc: &Transaction) -> bool {
    doc.mail.journey.is_empty() || doc.mail.journey == own(doc)
}

/// [`is_root`] from a few fields that a store can return; `None` if only the whole document tells.
pub fn is_root_of(journey: &str, host: &str, queue_id: &str, message_id: &str) -> Option<bool> {
    let is_root = journey.is_empty() || journey == hex16(hash64(&[host, queue_id, message_id]));
    (is_root || !message_id.is_empty()).then_some(is_root)
}

/// The parent of each node, as an index into `nodes`; `None` for a root.
pub fn parents(nodes: &[&Node]) -> Vec<Option<usize>> {
    parents::parents(nodes)
}

/// The journeys of documents, by their [`base_id`]. All neighbours of a document must be among the nodes for its
/// journey to be right. Only part 0 of a document counts.
pub fn of<'a>(nodes: impl Iterator<Item = &'a Node>) -> HashMap<&'a str, &'a str> {
    let nodes: Vec<&Node> = nodes.filter(|node| node.part == 0).collect();
    let roots = roots(&parents(&nodes), &nodes);
    nodes.iter().zip(roots).map(|(node, root)| (node.id.as_str(), nodes[root].own.as_str())).collect()
}

/// Which nodes, other than the given ones, are connected with these: by claims, won or lost, or by the journey that
/// they have now. Only part 0 of a document makes claims.
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

/// The root of each node. In a cycle, the earliest member is the root.
fn roots(parents: &[Option<usize>], nodes: &[&Node]) -> Vec<usize> {
    let mut roots: Vec<Option<usize>> = vec![None; nodes.len()];
    // The position of a node on the path that is being followed.
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

    /// The nodes of all documents that a text folds to.
    #[track_caller]
    pub(super) fn nodes(text: &str) -> Vec<Node> {
        documents(text).iter().map(Node::new).collect()
    }

    /// The name of a transaction in tests: its queue id or, without one, its kind.
    pub(super) fn name(node: &Node) -> String {
        node.queue_id.as_ref().map_or_else(|| format!("{:?}", node.kind), ToString::to_string)
    }

    /// Checks the children in a text and their parents, sorted by the names of the children.
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

    /// The journey of a mail about which only the second of its arrival and its Message-ID are known.
    fn own_of(queue_id: &str, second: u32, message_id: &str) -> String {
        own(&document(&format!(
            "{second} mx1 postfix/smtpd[1]: {queue_id}: client=c.example.net[192.0.2.7]
             {second} mx1 postfix/cleanup[2]: {queue_id}: message-id=<{message_id}>"
        )))
    }

    /// A short id comes back, always a whole number of seconds later; the Message-ID, or the second, tells which mail
    /// it is.
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

    /// The journey of a mail without a Message-ID may contain the second of its arrival.
    #[test]
    fn without_a_message_id_a_store_cannot_tell_that_a_mail_is_no_root() {
        assert_eq!(is_root_of("", "mx1", SHORT, ""), Some(true));
        assert_eq!(is_root_of(&own_of(LONG, 1, ""), "mx1", LONG, ""), Some(true));
        assert_eq!(is_root_of(&own_of(SHORT, 1, ""), "mx1", SHORT, ""), None);
        assert_eq!(is_root_of(&own_of(LONG, 1, ""), "mx1", SHORT, ""), None);
    }

    /// A mail from mx1 through mx2 to mx3, and another mail.
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

    /// Checks which nodes of the chain are connected with its first node, after a change.
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
        // The other mail was given this journey before, or this mail the other's journey.
        check_hanging(|nodes| nodes[3].journey = nodes[0].own.clone(), [false, true, true, true]);
        check_hanging(|nodes| nodes[0].journey = nodes[3].journey.clone(), [false, true, true, true]);
        // A further part makes no claim, so the chain is cut.
        let cut = |nodes: &mut [Node]| {
            nodes[1].part = 1;
            nodes.iter_mut().for_each(|node| node.journey = node.own.clone());
        };
        check_hanging(cut, [false, false, false, false]);
    }

    /// Two servers may each say that the other one gave them the mail.
    #[test]
    fn a_cycle_begins_with_its_earliest_member() {
        let nodes = nodes(CHAIN);
        let nodes: Vec<&Node> = nodes.iter().collect();
        assert_eq!(roots(&[None, Some(0), Some(1), None], &nodes), [0, 0, 0, 3]);
        assert_eq!(roots(&[Some(2), Some(0), Some(1), Some(2)], &nodes), [0, 0, 0, 0]);
        assert_eq!(roots(&[None, Some(2), Some(1), Some(2)], &nodes), [0, 1, 1, 1]);
    }
}
