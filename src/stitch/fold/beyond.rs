//! Bounds for extremely large messages: recipients whose addresses are dropped, and lines that are dropped entirely.
//!
//! In: the courses of a message's lines.  Out: what is dropped. It depends only on the set of lines, and what is
//! dropped stays dropped when lines are added (laws L1 and L2). Recipients are kept in the order of their hashes, so
//! one that is dropped from a set is dropped from every larger set. Of the shortened lines the earliest and the latest
//! are kept, and the first and the last of each course, which show where the course is no longer whole.

use super::super::bounds::Bounds;
use crate::{
    model::{LineId, event::DeliveryStatus, transaction::RecipientStatus},
    stitch::id::hash64,
};
use hashbrown::HashMap;
use std::{collections::HashSet, hash::Hash};

/// A long recipient name counts as one more recipient for each 256 bytes.
const NAME: usize = 256;

/// A recipient, or all recipients of a sendmail record; and the `orig_to` of postfix.
pub(super) type Named<'a> = (&'a str, Option<&'a str>);

/// The recipients of whom only the outcome is kept, not the address.
pub(super) fn nameless<'a>(named: impl Iterator<Item = Named<'a>>, bounds: &Bounds) -> HashSet<Named<'a>> {
    let mut named: Vec<(u64, Named<'a>)> =
        named.map(|(to, instead_of)| (hash64(&[to, instead_of.unwrap_or_default()]), (to, instead_of))).collect();
    let weight = |(to, _): Named<'_>| 1 + to.len() / NAME + memchr::memchr_iter(b',', to.as_bytes()).count();
    if named.iter().map(|(_, named)| weight(*named)).sum::<usize>() <= bounds.recipients {
        return HashSet::new();
    }
    named.sort_unstable();
    let mut room = bounds.recipients;
    // The recipient that fills the room is kept, even if it needs more than is left; all after it are dropped.
    let kept = named.iter().take_while(|(_, named)| {
        let is_in = room > 0;
        room = room.saturating_sub(weight(*named));
        is_in
    });
    let kept = kept.count();
    named.drain(..kept);
    named.into_iter().map(|(_, named)| named).collect()
}

/// The kind that is left of a postfix attempt whose recipient is dropped: `4F1A2B3C4D: … deferred`.
pub(super) fn kind_of(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Deferred => "deferred",
        DeliveryStatus::Bounced => "bounced",
        DeliveryStatus::Deliverable => "deliverable",
        DeliveryStatus::Undeliverable => "undeliverable",
        DeliveryStatus::Unknown => "attempt",
    }
}

/// The same for a sendmail record.
pub(super) fn kind_of_sendmails(status: RecipientStatus) -> &'static str {
    match status {
        RecipientStatus::Sent => "sent",
        RecipientStatus::Deferred => "deferred",
        RecipientStatus::Bounced => "bounced",
        RecipientStatus::Discarded => "discarded",
        _ => "attempt",
    }
}

/// The sort key of a line within its message: second and id.
pub(super) type Place = (i64, LineId);

/// The lines to drop entirely. `shortened`: the shortened lines, each with its course.
pub(super) fn surplus<C: Hash + Eq>(shortened: Vec<(Place, C)>, bounds: &Bounds) -> HashSet<LineId> {
    if shortened.len() <= bounds.shortened {
        return HashSet::new();
    }
    let mut ends: HashMap<&C, (Place, Place)> = HashMap::new();
    for (place, course) in &shortened {
        let (first, last) = ends.entry(course).or_insert((*place, *place));
        (*first, *last) = ((*first).min(*place), (*last).max(*place));
    }
    let ends: HashSet<Place> = ends.into_values().flat_map(|(first, last)| [first, last]).collect();
    let mut places: Vec<Place> = shortened.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    let (first, last) = (bounds.shortened / 2, places.len() - bounds.shortened / 2);
    places[first..last].iter().filter(|place| !ends.contains(*place)).map(|(_, id)| *id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nameless_of(names: &[String], recipients: usize) -> HashSet<Named<'_>> {
        let bounds = Bounds { recipients, ..Bounds::default() };
        nameless(names.iter().map(|name| (name.as_str(), None)), &bounds)
    }

    fn names(n: usize, name: impl Fn(usize) -> String) -> Vec<String> {
        (0..n).map(name).collect()
    }

    #[test]
    fn recipients_beyond_the_bounds_lose_their_names() {
        let five = names(5, |n| format!("b{n}@example.net"));
        for (recipients, expected) in [(6, 0), (5, 0), (4, 1), (1, 4), (0, 5)] {
            assert_eq!(nameless_of(&five, recipients).len(), expected, "{recipients}");
        }
        // A name that was dropped stays dropped when more recipients are known.
        let more = names(50, |n| format!("b{n}@example.net"));
        let (few, many) = (nameless_of(&five, 3), nameless_of(&more, 3));
        assert_eq!((few.len(), many.len()), (2, 47));
        assert!(few.is_subset(&many));
    }

    #[test]
    fn one_with_a_long_name_counts_as_several() {
        // Twelve names of this length compete for the room of twelve short ones; `kept` of them stay.
        let check = |length: usize, commas: usize, kept: usize| {
            let name = |n| format!("{n:02}{}{}", ",".repeat(commas), "x".repeat(length - commas - 2));
            assert_eq!(nameless_of(&names(12, name), 12).len(), 12 - kept, "{length} {commas}");
        };
        check(20, 0, 12);
        check(255, 0, 12);
        check(256, 0, 6);
        check(511, 0, 6);
        check(512, 0, 4);
        // Each comma adds a recipient of a sendmail record.
        check(20, 1, 6);
        check(20, 2, 4);
        check(256, 2, 3);
    }

    #[test]
    fn the_outcome_of_an_attempt_is_one_word() {
        use {DeliveryStatus as D, RecipientStatus as R};
        for (status, expected) in [
            (D::Sent, "sent"),
            (D::Deferred, "deferred"),
            (D::Bounced, "bounced"),
            (D::Deliverable, "deliverable"),
            (D::Undeliverable, "undeliverable"),
            (D::Unknown, "attempt"),
        ] {
            assert_eq!(kind_of(status), expected);
        }
        for (status, expected) in [
            (R::Sent, "sent"),
            (R::Deferred, "deferred"),
            (R::Bounced, "bounced"),
            (R::Discarded, "discarded"),
            (R::Rejected, "attempt"),
            (R::Unknown, "attempt"),
        ] {
            assert_eq!(kind_of_sendmails(status), expected);
        }
    }

    #[test]
    fn of_shortened_lines_the_middle_is_left_out_but_for_the_ends_of_courses() {
        // One line per second; each letter names the course of one line.
        #[track_caller]
        fn check(courses: &str, shortened: usize, expected: &[u128]) {
            let line = |(n, course): (u8, char)| ((i64::from(n), LineId(u128::from(n))), course);
            let mut lines: Vec<(Place, char)> = (1..).zip(courses.chars()).map(line).collect();
            let left_out = |lines| {
                let mut ids: Vec<u128> =
                    surplus(lines, &Bounds { shortened, ..Bounds::default() }).iter().map(|id| id.0).collect();
                ids.sort_unstable();
                ids
            };
            assert_eq!(left_out(lines.clone()), expected, "{courses} {shortened}");
            lines.reverse();
            assert_eq!(left_out(lines), expected, "{courses} {shortened}, from the end");
        }
        check("aaaaaaaaaa", 11, &[]);
        check("aaaaaaaaaa", 10, &[]);
        check("aaaaaaaaaa", 9, &[5, 6]);
        check("aaaaaaaaaa", 4, &[3, 4, 5, 6, 7, 8]);
        check("aaabababaa", 4, &[3, 5, 6, 7]);
        check("aaaabcaaaa", 4, &[3, 4, 7, 8]);
        check("aaa", 3, &[]);
        check("aaaaa", 0, &[2, 3, 4]);
    }
}
