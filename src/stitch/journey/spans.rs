//! Lookups by time among nodes that have something in common, without going through all of them.
//!
//! In: nodes, by index.  Out: the node that starts nearest to a time, or nearest before it if the node must have lasted
//! long enough.

use super::Node;
use crate::model::Time;

/// Nodes by start, with a segment tree that has for each range the two latest ends of nodes with different keys. So the
/// nearest node that lasted long enough and does not have a given key is found in logarithmic time.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Sorted by start; of those that start together, the smallest id is last.
    order: Vec<usize>,
    tree: Vec<[End; 2]>,
}

/// The end of a node, and its key; `NONE`, the least, where there is no node.
type End = (Time, usize);
const NONE: End = (Time(i64::MIN), usize::MAX);

impl Spans {
    pub fn new(mut order: Vec<usize>, nodes: &[&Node], key: impl Fn(usize) -> usize) -> Self {
        order.sort_unstable_by(|a, b| {
            nodes[*a].start.cmp(&nodes[*b].start).then_with(|| nodes[*b].id.cmp(&nodes[*a].id))
        });
        let leaves = order.len().next_power_of_two();
        let mut tree = vec![[NONE; 2]; 2 * leaves];
        for (at, n) in order.iter().enumerate() {
            tree[leaves + at][0] = (nodes[*n].end, key(*n));
        }
        for at in (1..leaves).rev() {
            tree[at] = latest(tree[2 * at], tree[2 * at + 1]);
        }
        Self { order, tree }
    }

    /// The node that starts nearest before `start`, else nearest after it, then the one with the smallest id. Only
    /// nodes count that end at `since` or later, start at `until` or earlier, and do not have the key `but`.
    pub fn nearest_before(&self, nodes: &[&Node], start: Time, since: Time, until: Time, but: usize) -> Option<usize> {
        let start = start.min(until);
        let after = self.order.partition_point(|n| nodes[*n].start <= start);
        let fits = |at: usize| self.tree[at].iter().any(|(end, key)| *end >= since && *key != but && *key != NONE.1);
        let found = self.last(after, &fits).or_else(|| {
            let first = nodes[self.order[self.first(after, &fits)?]].start;
            self.last(self.order.partition_point(|n| nodes[*n].start <= first), &fits)
        })?;
        Some(self.order[found]).filter(|n| nodes[*n].start <= until)
    }

    /// The last position before `end` that fits.
    fn last(&self, end: usize, fits: &impl Fn(usize) -> bool) -> Option<usize> {
        let leaves = self.tree.len() / 2;
        // Climb until the subtree on the left fits, then descend into it.
        let mut at = leaves + end;
        if end == leaves {
            at = 1;
        } else {
            while at > 1 && (at & 1 == 0 || !fits(at - 1)) {
                at /= 2;
            }
            at = at.checked_sub(1).filter(|at| *at > 0)?;
        }
        if !fits(at) {
            return None;
        }
        while at < leaves {
            at = if fits(2 * at + 1) { 2 * at + 1 } else { 2 * at };
        }
        Some(at - leaves)
    }

    /// The first position from `begin` on that fits.
    fn first(&self, begin: usize, fits: &impl Fn(usize) -> bool) -> Option<usize> {
        let leaves = self.tree.len() / 2;
        let mut at = leaves + begin;
        if begin >= leaves {
            return None;
        }
        while !fits(at) {
            // The next subtree on the right.
            while at & 1 == 1 {
                at /= 2;
            }
            if at == 0 {
                return None;
            }
            at += 1;
        }
        while at < leaves {
            at = if fits(2 * at) { 2 * at } else { 2 * at + 1 };
        }
        Some(at - leaves)
    }
}

/// The two latest ends of different keys.
fn latest(a: [End; 2], b: [End; 2]) -> [End; 2] {
    let mut all = [a[0], a[1], b[0], b[1]];
    all.sort_unstable_by(|a, b| b.cmp(a));
    let second = all.into_iter().find(|(_, key)| *key != all[0].1).unwrap_or(NONE);
    [all[0], second]
}

/// Nodes sorted by start and id.
#[derive(Debug, Default)]
pub(super) struct Starts(Vec<usize>);

impl Starts {
    pub fn new(mut order: Vec<usize>, nodes: &[&Node]) -> Self {
        order.sort_unstable_by_key(|n| (nodes[*n].start, &nodes[*n].id));
        Self(order)
    }

    /// The node that starts nearest to a time, then the one with the smallest id; never `but`.
    pub fn nearest(&self, nodes: &[&Node], to: Time, but: usize) -> Option<usize> {
        let order = &self.0;
        let start = |at: usize| nodes[order[at]].start;
        let group = |at: usize| order.partition_point(|n| nodes[*n].start < start(at));
        let after = order.partition_point(|n| nodes[*n].start <= to);
        // Candidates, enough even if one of them is `but`: the first two of the latest start up to `to`, the first of
        // the start before it, and the first two after `to`.
        let last = after.checked_sub(1).map(group);
        let before = last.and_then(|at| at.checked_sub(1)).map(group);
        let places = [before, last, last.map(|at| at + 1), Some(after), Some(after + 1)];
        let found = places.into_iter().flatten().filter_map(|at| order.get(at)).copied().filter(|n| *n != but);
        found.min_by_key(|n| (nodes[*n].start.0.abs_diff(to.0), &nodes[*n].id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::testing::{at, document};

    /// Pseudo-random numbers, the same ones each time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: u32) -> u32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as u32 % limit
        }
    }

    /// Up to 13 nodes that begin and end within a few milliseconds, often together; their ids are in another order.
    fn nodes(numbers: &mut Numbers) -> Vec<Node> {
        let one = Node::new(&document("1 mx1 postfix/qmgr[1]: 4F1A2B3C4D: removed"));
        let count = numbers.below(14);
        let node = |n| {
            let start = i64::from(numbers.below(9));
            let end = at(start + i64::from(numbers.below(5)));
            Node { id: format!("{:02}", n * 5 % 13), start: at(start), end, ..one.clone() }
        };
        (0..count).map(node).collect()
    }

    /// Expected: of the nodes that fit, the nearest before, else the nearest after, then the smallest id.
    #[test]
    fn what_lasted_long_enough_is_found_before_what_begins_later() {
        let mut numbers = Numbers(1);
        for _ in 0..400 {
            let nodes = nodes(&mut numbers);
            let nodes: Vec<&Node> = nodes.iter().collect();
            let keys: Vec<usize> = nodes.iter().map(|_| numbers.below(4) as usize).collect();
            let spans = Spans::new((0..nodes.len()).collect(), &nodes, |n| keys[n]);
            for ms in -1..11 {
                let (start, since, until) =
                    (at(ms), at(ms - i64::from(numbers.below(4))), at(ms - 3 + i64::from(numbers.below(7))));
                for but in [0, 1, 2, usize::MAX] {
                    let others = (0..nodes.len()).filter(|n| keys[*n] != but && nodes[*n].end >= since);
                    let order = |n: &usize| {
                        let (begins, id) = (nodes[*n].start, &nodes[*n].id);
                        (begins > start, begins.0.abs_diff(start.0), id)
                    };
                    let expected = others.filter(|n| nodes[*n].start <= until).min_by_key(order);
                    assert_eq!(
                        spans.nearest_before(&nodes, start, since, until, but),
                        expected,
                        "{ms} {but} {nodes:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_nearest_start_on_either_side_is_found_and_never_the_node_itself() {
        let mut numbers = Numbers(2);
        for _ in 0..400 {
            let nodes = nodes(&mut numbers);
            let nodes: Vec<&Node> = nodes.iter().collect();
            let starts = Starts::new((0..nodes.len()).collect(), &nodes);
            for ms in -1..11 {
                for but in 0..=nodes.len() {
                    let others = (0..nodes.len()).filter(|n| *n != but);
                    let expected = others.min_by_key(|n| (nodes[*n].start.0.abs_diff(at(ms).0), &nodes[*n].id));
                    assert_eq!(starts.nearest(&nodes, at(ms), but), expected, "{ms} {but} {nodes:?}");
                }
            }
        }
    }
}
