//! Chooses the parent of each transaction: of all claims on it, the heaviest.
//!
//! In: transactions.  Out: the index of the parent of each.
//!
//! A claim comes from a reply that names a queue id (`queued as`, sendmail's `Message accepted`), from `forwarded as`
//! or a clone, from the child's own `orig_queue_id=` or `orig_id=`, or from the Message-ID if each side knows the other
//! as a host. Candidates are looked up by what they must have in common: nothing goes through all pairs.

use super::{
    CLOCKS_MS, Node, evidence,
    evidence::prefix,
    node::Onward,
    spans::{Spans, Starts},
    verdicts,
};
use crate::model::{Time, transaction::Kind};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

/// A program hands a message in again at most this long after the last line of the message that it took. Most mail of
/// many hosts goes to programs, so a longer time would join mails that share a Message-ID by chance. Milliseconds.
pub(super) const PROGRAM_MS: i64 = 10_000;

/// The parent of each node, if it has one.
pub(super) fn parents(nodes: &[&Node]) -> Vec<Option<usize>> {
    claims(nodes).0
}

/// The parent of each node, and all claims, won or lost, as pairs of child and parent.
pub(super) fn claims(nodes: &[&Node]) -> (Vec<Option<usize>>, Vec<(usize, usize)>) {
    let mut best = Best { nodes, of: vec![None; nodes.len()], all: Vec::new() };
    by_queue_id(&mut best);
    by_message_id(&mut best);
    verdicts::owners(&mut best);
    (best.of.into_iter().map(|claim| claim.map(|(_, parent)| parent)).collect(), best.all)
}

/// The best claim on each node so far: its weight and the parent.
pub(super) struct Best<'a> {
    pub nodes: &'a [&'a Node],
    of: Vec<Option<(i32, usize)>>,
    all: Vec<(usize, usize)>,
}

impl Best<'_> {
    /// Takes a claim. The heaviest wins; of equal ones the parent that starts nearest before the child, else nearest
    /// after it, then the one with the smallest id.
    pub fn claim(&mut self, child: usize, parent: usize, weight: i32) {
        self.all.push((child, parent));
        let nodes = self.nodes;
        let key = |(weight, p): (i32, usize)| (Reverse(weight), before(nodes, child, p));
        let claim = (weight, parent);
        if self.of[child].is_none_or(|known| key(claim) < key(known)) {
            self.of[child] = Some(claim);
        }
    }
}

/// The order of possible parents: the one that starts nearest before the child is first, then the nearest after it,
/// then the smallest id.
pub(super) fn before<'n>(nodes: &[&'n Node], child: usize, parent: usize) -> (bool, u64, &'n str) {
    let (start, parent) = (nodes[child].start, nodes[parent]);
    (parent.start > start, parent.start.0.abs_diff(start.0), &parent.id)
}

/// A lookup key: nodes with a queue id (the first field) and something else in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Named<'a> {
    Host(&'a str, &'a str),
    MessageId(&'a str, &'a str),
    Client(&'a str, &'a str),
    Any(&'a str),
}

/// Makes the claims that name a queue id.
fn by_queue_id(best: &mut Best<'_>) {
    let nodes = best.nodes;
    let messages = || nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Message);
    let onward = messages().flat_map(|(_, node)| node.onward.iter().map(|o| o.queue_id.as_str()));
    let previous = messages().flat_map(|(_, node)| node.previous.iter().map(|(_, id)| id.as_str()));
    let named: HashSet<&str> = onward.chain(previous).collect();
    let mut lists: HashMap<Named<'_>, Vec<usize>> = HashMap::new();
    for (n, node) in messages() {
        let Some(id) = node.queue_id.as_deref().filter(|id| named.contains(id)) else { continue };
        let message_id = node.message_id.as_deref().map(|m| Named::MessageId(id, prefix(m)));
        let client = node.source.place.label.as_deref().map(|label| Named::Client(id, label));
        let keys = [Some(Named::Any(id)), Some(Named::Host(id, &node.host)), message_id, client];
        keys.into_iter().flatten().for_each(|key| lists.entry(key).or_default().push(n));
    }
    let hosts = lists.iter().filter(|(key, _)| matches!(key, Named::Host(..)));
    let spans: HashMap<Named<'_>, Spans> =
        hosts.map(|(key, list)| (*key, Spans::new(list.clone(), nodes, |n| n))).collect();
    let starts: HashMap<Named<'_>, Starts> = lists.into_iter().map(|(key, l)| (key, Starts::new(l, nodes))).collect();
    for (p, parent) in messages() {
        for onward in &parent.onward {
            let candidates =
                named_by(parent, onward).filter_map(|key| starts.get(&key)?.nearest(nodes, at(parent, onward), p));
            if let Some((weight, c)) = child(nodes, p, onward, candidates) {
                best.claim(c, p, weight);
            }
        }
    }
    for (c, child) in messages() {
        let (since, until) = (child.start.plus(-CLOCKS_MS), child.start.plus(CLOCKS_MS));
        for (host, id) in &child.previous {
            let parent =
                spans.get(&Named::Host(id, host)).and_then(|s| s.nearest_before(nodes, child.start, since, until, c));
            if let Some(p) = parent {
                best.claim(c, p, evidence::of_previous(nodes[p], child));
            }
        }
    }
}

/// The keys under which the child that a reply names is looked up.
fn named_by<'a>(parent: &'a Node, onward: &'a Onward) -> impl Iterator<Item = Named<'a>> {
    let id = onward.queue_id.as_str();
    let message_id = parent.message_id.as_deref().map(|m| Named::MessageId(id, prefix(m)));
    let relay = onward.relay.label.as_deref().map(|label| Named::Host(id, label));
    let here = Some(Named::Host(id, &parent.host));
    let client = Some(Named::Client(id, &parent.host));
    [message_id, relay, here, client, Some(Named::Any(id))].into_iter().flatten()
}

/// When a reply was logged; the end of the parent if that is unknown.
fn at(parent: &Node, onward: &Onward) -> Time {
    onward.at.unwrap_or(parent.end)
}

/// The child that a reply means: the heaviest of the candidates, which are the nearest in time under each key.
fn child(nodes: &[&Node], p: usize, onward: &Onward, candidates: impl Iterator<Item = usize>) -> Option<(i32, usize)> {
    let (parent, at) = (nodes[p], at(nodes[p], onward));
    let in_time = |c: &usize| {
        let start = nodes[*c].start;
        parent.start <= start.plus(CLOCKS_MS) && start <= at.plus(CLOCKS_MS)
    };
    let weighed = candidates.filter(in_time).filter_map(|c| Some((evidence::of_reply(parent, onward, nodes[c])?, c)));
    weighed.min_by_key(|(weight, c)| (Reverse(*weight), nodes[*c].start.0.abs_diff(at.0), &nodes[*c].id))
}

/// A lookup key: nodes with a Message-ID (the first field) that may have handed it on, all of them or those with the
/// recipient in the last field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Handed<'a> {
    /// Handed from a host (second field) to another (third).
    Over(&'a str, &'a str, &'a str, Option<&'a str>),
    /// The same, with the registered domain of the relay as the fourth field.
    OfHouse(&'a str, &'a str, &'a str, Option<&'a str>, Option<&'a str>),
    /// Handed to a program on a host (second field).
    ToProgram(&'a str, &'a str, Option<&'a str>),
}

/// Makes the claims by Message-ID: the parent's relay is the child's host and the child's client is the parent's host,
/// or a program on the child's host took the parent. A parent with a recipient of the child weighs one more.
fn by_message_id<'a>(best: &mut Best<'a>) {
    let nodes = best.nodes;
    let mut seen: HashMap<&str, usize> = HashMap::new();
    nodes.iter().filter_map(|n| n.message_id.as_deref()).for_each(|m| *seen.entry(prefix(m)).or_default() += 1);
    let shared =
        |n: &Node| -> bool { n.message_id.as_deref().is_some_and(|m| seen.get(prefix(m)).is_some_and(|c| *c > 1)) };
    let messages = || nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Message && shared(node));
    let mut lists: HashMap<Handed<'a>, Vec<usize>> = HashMap::new();
    // Lives of one queue id have one key: they do not hand on to each other.
    let mut firsts: HashMap<(&str, &str, Option<&str>), usize> = HashMap::new();
    let mut key = vec![0; nodes.len()];
    for (n, node) in messages() {
        key[n] = *firsts.entry((&node.host, &node.instance, node.queue_id.as_deref())).or_insert(n);
        let id = prefix(node.message_id.as_deref().unwrap_or_default());
        let mut add = |handed: Handed<'a>| {
            let list: &mut Vec<usize> = lists.entry(handed).or_default();
            if list.last() != Some(&n) {
                list.push(n);
            }
        };
        for relay in &node.relays {
            for to in [None, Some(relay.to.as_str())] {
                add(Handed::Over(id, &node.host, &relay.host, to));
                add(Handed::OfHouse(id, &node.host, &relay.host, relay.house.as_deref(), to));
            }
        }
        if node.to_program {
            add(Handed::ToProgram(id, &node.host, None));
            node.to.iter().for_each(|to| add(Handed::ToProgram(id, &node.host, Some(to))));
        }
    }
    let spans: HashMap<Handed<'_>, Spans> =
        lists.into_iter().map(|(handed, list)| (handed, Spans::new(list, nodes, |n| key[n]))).collect();
    for (c, child) in messages() {
        let id = prefix(child.message_id.as_deref().unwrap_or_default());
        let start = child.start;
        let mut look = |handed: &dyn Fn(Option<&'a str>) -> Handed<'a>, since: i64, until: i64, weight: i32| {
            for to in std::iter::once(None).chain(child.to.iter().map(|to| Some(to.as_str()))) {
                let nearest = |s: &Spans| s.nearest_before(nodes, start, start.plus(-since), start.plus(until), key[c]);
                if let Some(p) = spans.get(&handed(to)).and_then(nearest) {
                    best.claim(c, p, weight + i32::from(to.is_some()));
                }
            }
        };
        let (client, here) = (&child.source.place, child.host.as_str());
        if client.is_loopback() {
            let over = |to| Handed::Over(id, here, here, to);
            look(&over, CLOCKS_MS, CLOCKS_MS, evidence::BY_MESSAGE_ID_HERE);
        }
        if child.source.is_local {
            // One host has one clock.
            look(&|to| Handed::ToProgram(id, here, to), PROGRAM_MS, 0, evidence::BY_MESSAGE_ID_HERE);
        }
        let from = client.label.as_deref().filter(|from| *from != here && !client.is_loopback());
        match (from, client.house.as_deref()) {
            (Some(from), Some(house)) => {
                for house in [Some(house), None] {
                    let of_house = |to| Handed::OfHouse(id, from, here, house, to);
                    look(&of_house, CLOCKS_MS, CLOCKS_MS, evidence::BY_MESSAGE_ID);
                }
            }
            (Some(from), None) => {
                look(&|to| Handed::Over(id, from, here, to), CLOCKS_MS, CLOCKS_MS, evidence::BY_MESSAGE_ID);
            }
            (None, _) => {}
        }
    }
}

#[cfg(test)]
#[path = "naive.rs"]
mod naive;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::{
        journey::tests::{check_parents, nodes},
        testing::at as moment,
    };

    /// Checks whether a mail that mx2 took from a client without a name is a child of the mail that mx1 handed on.
    /// Times in seconds.
    #[track_caller]
    fn check_reply(taken: f64, replied: f64, arrived: f64, is_child: bool) {
        let text = format!(
            "{taken} mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.com[198.51.100.9]
             {taken} mx1 postfix/cleanup[1]: 4F1A2B3C4D: message-id=<1@example.org>
             {replied} mx1 postfix/smtp[2]: 4F1A2B3C4D: to=<b@example.net>, relay=mx2.example.org[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 5F1A2B3C4D)
             {arrived} mx2 postfix/smtpd[1]: 5F1A2B3C4D: client=unknown[192.0.2.1]
             {arrived} mx2 postfix/cleanup[1]: 5F1A2B3C4D: message-id=<1@example.org>"
        );
        check_parents(&text, if is_child { &[("5F1A2B3C4D", "4F1A2B3C4D")] } else { &[] });
    }

    #[test]
    fn a_reply_is_about_what_arrived_while_the_parent_was_there_as_far_as_clocks_agree() {
        check_reply(200.0, 210.0, 205.0, true);
        // The arrival may be two minutes before the start of the parent, or two minutes after the reply.
        check_reply(200.0, 210.0, 80.0, true);
        check_reply(200.0, 210.0, 79.999, false);
        check_reply(200.0, 210.0, 330.0, true);
        check_reply(200.0, 210.0, 330.001, false);
    }

    const CHILD: &str = "5F1A2B3C4D";
    const PARENT: &str = "4F1A2B3C4D";

    /// A mail that a server handed to another one, whose reply names no queue id.
    fn handed_on(id: &str, second: u32, host: &str, message_id: &str, to: &str, relay: &str) -> String {
        format!(
            "{second} {host} postfix/smtpd[1]: {id}: client=c.example.com[198.51.100.9]
             {second} {host} postfix/cleanup[1]: {id}: message-id=<{message_id}>
             {second} {host} postfix/smtp[2]: {id}: to=<{to}>, relay={relay}, delay=1, dsn=2.0.0, status=sent (250 ok)\n"
        )
    }

    /// The lines of a mail that a server took from a client.
    fn taken(second: u32, host: &str, message_id: &str, client: &str) -> String {
        format!(
            "{second} {host} postfix/smtpd[1]: {CHILD}: client={client}
             {second} {host} postfix/cleanup[1]: {CHILD}: message-id=<{message_id}>
             {second} {host} postfix/local[2]: {CHILD}: to=<b@example.net>, relay=local, delay=1, dsn=2.0.0, status=sent (delivered to mailbox)\n"
        )
    }

    #[test]
    fn a_message_id_joins_what_two_hosts_say_of_each_other() {
        let relay = "mx2.example.org[192.0.2.2]:25";
        let parent = |message_id| handed_on(PARENT, 2, "mx1", message_id, "b@example.net", relay);
        let child = |message_id, client| taken(3, "mx2", message_id, client);
        let client = "mx1.example.org[192.0.2.1]";
        check_parents(&(parent("1@example.org") + &child("1@example.org", client)), &[(CHILD, PARENT)]);
        check_parents(&(parent("1@example.org") + &child("2@example.org", client)), &[]);
        check_parents(&(parent("1@example.org") + &child("1@example.org", "mx9.example.org[192.0.2.9]")), &[]);
        // Mails without a Message-ID do not have one in common.
        check_parents(&(parent("") + &child("", client)), &[]);
        // A hosts file may give loopback any name; mail from there was handed in on the host itself.
        check_parents(&(parent("1@example.org") + &child("1@example.org", "mx1.example.org[127.0.0.1]")), &[]);
    }

    #[test]
    fn of_two_mails_with_one_message_id_the_one_to_the_same_recipient_is_the_parent() {
        let mail = |id, second, to| handed_on(id, second, "mx1", "1@example.org", to, "mx2.example.org[192.0.2.2]:25");
        let child = taken(4, "mx2", "1@example.org", "mx1.example.org[192.0.2.1]");
        let of_recipient = mail(PARENT, 2, "b@example.net");
        check_parents(&(of_recipient.clone() + &mail("6F1A2B3C4D", 3, "x@example.net") + &child), &[(CHILD, PARENT)]);
        check_parents(&(of_recipient + &mail("6F1A2B3C4D", 3, "b@example.net") + &child), &[(CHILD, "6F1A2B3C4D")]);
    }

    /// Checks which parent wins a child that begins at second 5: claims by name, start and weight, made in either
    /// order.
    #[track_caller]
    fn check_claims(claims: &[(&str, i64, i32)], expected: &str) {
        let one = &nodes("1 mx1 postfix/qmgr[1]: 4F1A2B3C4D: removed")[0];
        let node = |id: &str, second: i64| Node { id: id.to_owned(), start: moment(second * 1000), ..one.clone() };
        let mut all = vec![node("child", 5)];
        all.extend(claims.iter().map(|(id, second, _)| node(id, *second)));
        let all: Vec<&Node> = all.iter().collect();
        let forward: Vec<usize> = (0..claims.len()).collect();
        let backward = forward.iter().rev().copied().collect();
        for order in [forward, backward] {
            let mut best = Best { nodes: &all, of: vec![None; all.len()], all: Vec::new() };
            order.iter().for_each(|n| best.claim(0, n + 1, claims[*n].2));
            assert_eq!(best.of[0].map(|(_, parent)| all[parent].id.as_str()), Some(expected), "{claims:?}");
            assert_eq!(best.all.len(), claims.len(), "a claim that lost is known too");
        }
    }

    #[test]
    fn the_heaviest_claim_wins_then_the_nearest_before_the_child() {
        check_claims(&[("far", 1, 3), ("near", 4, 2)], "far");
        check_claims(&[("far", 1, 2), ("near", 4, 2)], "near");
        check_claims(&[("before", 1, 2), ("after", 6, 2)], "before");
        check_claims(&[("together", 5, 2), ("before", 4, 2)], "together");
        check_claims(&[("soon", 6, 2), ("late", 7, 2)], "soon");
        check_claims(&[("b", 4, 2), ("a", 4, 2)], "a");
    }
}
