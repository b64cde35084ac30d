//! The rule for parents without lookups, over all pairs: slow, but plain. The lookups must find the same parents.

use super::*;
use crate::stitch::journey::{
    node::{NextHost, Source},
    place::Place,
};
use proptest::{prelude::*, sample::select};
use std::collections::BTreeSet;

/// The message that `before` puts first, among those that fit.
fn nearest(nodes: &[&Node], c: usize, fits: impl Fn(&Node) -> bool) -> Option<usize> {
    let messages = (0..nodes.len()).filter(|p| *p != c && nodes[*p].kind == Kind::Message);
    messages.filter(|p| fits(nodes[*p])).min_by_key(|p| before(nodes, c, *p))
}

fn in_time(parent: &Node, child: &Node, after_end: i64, after_start: i64) -> bool {
    parent.start.0 <= child.start.0 + after_start && child.start.0 <= parent.end.0 + after_end
}

fn same_message_id(a: &Node, b: &Node) -> bool {
    a.message_id.is_some() && a.message_id.as_deref().map(prefix) == b.message_id.as_deref().map(prefix)
}

fn plain(nodes: &[&Node]) -> Vec<Option<usize>> {
    let mut best = Best { nodes, of: vec![None; nodes.len()], all: Vec::new() };
    for (p, parent) in nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Message) {
        for onward in &parent.onward {
            let sorts: [&dyn Fn(&Node) -> bool; 5] = [
                &|c| same_message_id(parent, c),
                &|c| onward.relay.label.as_ref() == Some(&c.host),
                &|c| c.host == parent.host,
                &|c| c.source.place.label.as_ref() == Some(&parent.host),
                &|_| true,
            ];
            let nearest = |is_of: &&dyn Fn(&Node) -> bool| {
                let named =
                    |c: &Node| c.kind == Kind::Message && c.queue_id.as_ref() == Some(&onward.queue_id) && is_of(c);
                let key = |c: &usize| (nodes[*c].start.0.abs_diff(at(parent, onward).0), &nodes[*c].id);
                (0..nodes.len()).filter(|c| *c != p && named(nodes[*c])).min_by_key(key)
            };
            if let Some((weight, c)) = child(nodes, p, onward, sorts.iter().filter_map(nearest)) {
                best.claim(c, p, weight);
            }
        }
    }
    for (c, child) in nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Message) {
        for (host, id) in &child.previous {
            let is_named = |p: &Node| p.host == *host && p.queue_id.as_ref() == Some(id);
            let found = nearest(nodes, c, |p| is_named(p) && in_time(p, child, CLOCKS_MS, CLOCKS_MS));
            if let Some(p) = found {
                best.claim(c, p, evidence::of_previous(nodes[p], child));
            }
        }
        let is_other = |p: &Node| p.queue_id != child.queue_id || p.instance != child.instance;
        let here = |p: &Node| same_message_id(p, child) && p.host == child.host && is_other(p);
        let client = &child.source.place;
        for with_recipient in [false, true] {
            let is_for = |relay: &NextHost| !with_recipient || child.to.contains(&relay.to);
            let leads_here = |relay: &NextHost| is_for(relay) && relay.host == child.host;
            let of_house = |r: &NextHost| r.house.is_none() || client.house.is_none() || r.house == client.house;
            let has_recipient = |p: &Node| !with_recipient || !p.to.is_disjoint(&child.to);
            let close = |p: &Node| in_time(p, child, CLOCKS_MS, CLOCKS_MS);
            let over = |p: &Node| here(p) && client.is_loopback() && p.relays.iter().any(leads_here) && close(p);
            let taken = |p: &Node| p.to_program && has_recipient(p) && in_time(p, child, PROGRAM_MS, 0);
            let program = |p: &Node| here(p) && child.source.is_local && taken(p);
            let remote = |p: &Node| {
                let is_client = !client.is_loopback() && client.label.as_ref() == Some(&p.host);
                let knows = p.host != child.host && is_client && same_message_id(p, child);
                knows && p.relays.iter().any(|r| leads_here(r) && of_house(r)) && close(p)
            };
            for (parent, weight) in [
                (nearest(nodes, c, over), evidence::BY_MESSAGE_ID_HERE),
                (nearest(nodes, c, program), evidence::BY_MESSAGE_ID_HERE),
                (nearest(nodes, c, remote), evidence::BY_MESSAGE_ID),
            ] {
                parent.into_iter().for_each(|p| best.claim(c, p, weight + i32::from(with_recipient)));
            }
        }
    }
    for (v, verdict) in nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Filter) {
        let near = |p: &Node| p.host == verdict.host && in_time(p, verdict, CLOCKS_MS, CLOCKS_MS);
        let by_id = |id| nearest(nodes, v, |p| near(p) && p.queue_id.as_ref() == Some(id));
        let handed_back = verdict.onward.iter().filter_map(|o| by_id(&o.queue_id));
        let same = |p: &Node| near(p) && same_message_id(p, verdict);
        let of_recipient = |p: &Node| same(p) && !p.to.is_disjoint(&verdict.to);
        let owner = handed_back
            .filter(|n| !verdicts::is_other(verdict, nodes[*n]))
            .min_by_key(|n| before(nodes, v, *n))
            .or_else(|| nearest(nodes, v, |p| of_recipient(p) && p.from.is_some() && p.from == verdict.from))
            .or_else(|| nearest(nodes, v, of_recipient))
            .or_else(|| nearest(nodes, v, same));
        owner.into_iter().for_each(|owner| best.claim(v, owner, 0));
    }
    best.of.into_iter().map(|claim| claim.map(|(_, parent)| parent)).collect()
}

fn place() -> impl Strategy<Value = Place> {
    const NAMES: &[Option<&str>] =
        &[None, Some("mx1.example.org"), Some("mx1.evil.example"), Some("app1.example.org"), Some("app1"), Some("mx2")];
    const ADDRESSES: &[Option<&str>] = &[None, Some("192.0.2.1"), Some("127.0.0.1"), Some("192.0.2.9")];
    (select(NAMES), select(ADDRESSES)).prop_map(|(name, ip)| Place::new(name, ip))
}

fn texts(of: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<crate::model::Text>> {
    proptest::collection::btree_set(select(of).prop_map(Into::into), 0..3)
}

const IDS: &[&str] = &["3A9C96093D", "5C1D96093F", "4jXgRb5BTwzq68g"];
const HOSTS: &[&str] = &["mx1", "app1", "mx2"];
const TO: &[&str] = &["a@example.org", "b@example.org", "x@evil.example", "root"];

fn onward() -> impl Strategy<Value = Onward> {
    let at = proptest::option::of((0..40i64).prop_map(|s| Time(s * 20_000)));
    (select(IDS), place(), any::<bool>(), at, texts(TO)).prop_map(|(id, relay, local, at, to)| Onward {
        queue_id: id.into(),
        is_local: local || relay.is_loopback() || relay.is_unknown(),
        relay,
        at,
        to_houses: crate::stitch::journey::node::houses(&to),
        to,
    })
}

fn node() -> impl Strategy<Value = Node> {
    let head =
        (select(HOSTS), proptest::option::of(select(IDS)), proptest::option::of(select(&["m1", "m2"][..])), 0..5u8);
    let span = (0..40i64, 0..20i64, any::<[bool; 3]>());
    let sides = (
        place(),
        proptest::collection::vec(onward(), 0..3),
        proptest::collection::vec((select(HOSTS), select(IDS)), 0..2),
    );
    let relays = proptest::collection::btree_set(
        (select(HOSTS), select(&[None, Some("example.org"), Some("evil.example")][..]), select(TO)),
        0..3,
    );
    let envelope = (texts(TO), proptest::option::of(select(&["a@example.net", "e@evil.example"][..])));
    (head, span, sides, relays, envelope).prop_map(
        |((host, id, mid, kind), (start, lasts, flags), (place, onward, previous), relays, (to, from))| Node {
            id: String::new(),
            part: 0,
            journey: String::new(),
            host: host.into(),
            instance: "postfix".into(),
            queue_id: id.map(Into::into),
            message_id: mid.map(Into::into),
            kind: if kind == 0 { Kind::Filter } else { Kind::Message },
            start: Time(start * 20_000),
            end: Time((start + lasts) * 20_000),
            own: String::new(),
            source: Source { is_local: place.is_loopback() || flags[0], place },
            onward,
            previous: previous
                .into_iter()
                .map(|(h, q)| (h.into(), q.into()))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            relays: relays
                .into_iter()
                .map(|(h, house, to)| NextHost { host: h.into(), house: house.map(Into::into), to: to.into() })
                .collect(),
            to_program: flags[1],
            from: from.map(Into::into),
            to_houses: crate::stitch::journey::node::houses(&to),
            to,
            linked: Vec::new(),
            former: crate::stitch::journey::Former::default(),
            mailboxes: std::collections::BTreeMap::new(),
            forwarded: None,
            perhaps: Vec::new(),
            refusal: None,
        },
    )
}

proptest! {
    #[test]
    fn lookups_find_what_going_through_all_pairs_finds(nodes in proptest::collection::vec(node(), 0..40)) {
        let nodes: Vec<Node> =
            nodes.into_iter().enumerate().map(|(n, node)| Node { id: format!("{:02}", n * 7 % 40), ..node }).collect();
        let nodes: Vec<&Node> = nodes.iter().collect();
        prop_assert_eq!(parents(&nodes), plain(&nodes));
    }
}
