//! Messages beyond all measure: recipients of whom not even the address is kept, and lines that are not kept at all.
//!
//! In: the courses of a message's lines.  Out: which of them, as functions of the set of lines that no further line takes
//! back (laws L1 and L2): recipients are kept by the order of their hashes, so that those kept of more recipients are among
//! those kept of fewer; of shortened lines the earliest and the latest are kept, and the first and the last of each course,
//! which tell where it is no longer whole.

use super::super::bounds::Bounds;
use crate::{
    model::{LineId, event::DeliveryStatus, transaction::RecipientStatus},
    stitch::id::hash64,
};
use hashbrown::HashMap;
use std::{collections::HashSet, hash::Hash};

/// Bytes of the names of recipients that count as one more.
const NAME: usize = 256;

/// A recipient, or those of one record of sendmail, and the one it stands for.
pub(super) type Named<'a> = (&'a str, Option<&'a str>);

/// Those of whom nothing is kept but what became of them.
pub(super) fn nameless<'a>(named: impl Iterator<Item = Named<'a>>, bounds: &Bounds) -> HashSet<Named<'a>> {
    let mut named: Vec<(u64, Named<'a>)> =
        named.map(|(to, instead_of)| (hash64(&[to, instead_of.unwrap_or_default()]), (to, instead_of))).collect();
    let weight = |(to, _): Named<'_>| 1 + to.len() / NAME + memchr::memchr_iter(b',', to.as_bytes()).count();
    if named.iter().map(|(_, named)| weight(*named)).sum::<usize>() <= bounds.recipients {
        return HashSet::new();
    }
    named.sort_unstable();
    let mut room = bounds.recipients;
    // The one that fills it stays: it keeps out those after it, whoever is known of them.
    let kept = named.iter().take_while(|(_, named)| {
        let is_in = room > 0;
        room = room.saturating_sub(weight(*named));
        is_in
    });
    let kept = kept.count();
    named.drain(..kept);
    named.into_iter().map(|(_, named)| named).collect()
}

/// What is left of an attempt whose recipient is beyond.
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

/// The same of a record of sendmail.
pub(super) fn kind_of_sendmails(status: RecipientStatus) -> &'static str {
    match status {
        RecipientStatus::Sent => "sent",
        RecipientStatus::Deferred => "deferred",
        RecipientStatus::Bounced => "bounced",
        RecipientStatus::Discarded => "discarded",
        _ => "attempt",
    }
}

/// The place of a line in the order of those of a message.
pub(super) type Place = (i64, LineId);

/// Lines that are shortened already, each with its course. Says which are not kept at all.
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
        // A name lost once stays lost, whatever others are known.
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
        // The recipients of a record of sendmail.
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
        // A line in each second, each of one of the courses that the letters name.
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
