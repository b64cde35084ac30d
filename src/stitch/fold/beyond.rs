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
