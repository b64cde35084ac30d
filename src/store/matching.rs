//! Which documents match a search: the rules for stores that decide this themselves (memory, SQLite).
//!
//! In: a document, a search term, a range. Out: the terms under which the document is found, and whether it matches.
//! Left alone: the texts of replies and lines; `trace` searches for names, not for words.

use super::{
    Search,
    places::{Case, PLACES, Place},
};
use crate::{
    model::{
        Range, Transaction,
        searchable::searchable,
        transaction::{Kind, Status},
    },
    stitch::journey::base_id,
};
use std::collections::BTreeSet;

/// A search term in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term<'a> {
    /// Queue ids, document ids, journeys and SASL users: long queue ids differ in case alone.
    Exact(&'a str),
    /// Addresses, hosts, Message-IDs and IP addresses, in lower case.
    Folded(String),
}

/// All terms under which a document is found.
pub fn terms(t: &Transaction) -> BTreeSet<Term<'_>> {
    terms_at(t, |_| true)
}

/// The terms that a document has at the wanted places.
pub fn terms_at(t: &Transaction, wanted: impl Fn(&Place) -> bool) -> BTreeSet<Term<'_>> {
    let mut terms = BTreeSet::new();
    for place in PLACES.iter().filter(|place| wanted(place)) {
        (place.values)(t, &mut |text| {
            // Values that an engine would not index are not found in any store.
            if !text.is_empty() && searchable(text).len() == text.len() {
                terms.insert(if place.case == Case::Exact { Term::Exact(text) } else { fold(text) });
            }
        });
    }
    terms
}

/// The forms in which a search term may occur in a document.
pub fn forms(term: &str) -> [Term<'_>; 2] {
    let term = bare(term);
    [Term::Exact(term), fold(term)]
}

/// A term without its angle brackets, with which a Message-ID or an address is often copied; `<>` is the null sender
/// and stays. Cut to the searchable length, as document values are.
pub fn bare(term: &str) -> &str {
    searchable(
        term.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).filter(|id| !id.is_empty()).unwrap_or(term),
    )
}

fn fold(text: &str) -> Term<'_> {
    Term::Folded(text.to_lowercase())
}

/// Whether `search` finds this document.
pub fn matches(t: &Transaction, search: &Search) -> bool {
    if !search.within.is_none_or(|range| touches(t, range)) {
        return false;
    }
    let places = terms(t);
    search.terms.iter().all(|term| forms(term).iter().any(|form| places.contains(form)))
}

/// Adds the next match of a search to `found`. Matches must come newest first, then by descending id, so that the parts
/// of one large message are adjacent; the lowest part that matches stands for the message. `false` when `found` is full
/// and `next` is another message.
pub fn take(found: &mut Vec<Transaction>, next: Transaction, limit: usize) -> bool {
    if let Some(last) = found.last_mut().filter(|last| base_id(last) == base_id(&next)) {
        if next.mail.part < last.mail.part {
            *last = next;
        }
        return true;
    }
    let is_room = found.len() < limit;
    if is_room {
        found.push(next);
    }
    is_room
}

/// The terms by which neighbours are found: queue ids (own or in a link) and Message-IDs.
pub fn neighbour_terms<'a>(queue_ids: &'a [String], message_ids: &'a [String]) -> BTreeSet<Term<'a>> {
    let queue_ids = queue_ids.iter().map(|id| Term::Exact(id.as_str()));
    queue_ids.chain(message_ids.iter().map(|id| fold(id))).collect()
}

/// Whether a document has one of these queue ids, names one in a link, or has one of these Message-IDs.
pub fn is_neighbour(t: &Transaction, wanted: &BTreeSet<Term<'_>>) -> bool {
    let linked = t.mail.links.iter().filter_map(|link| link.queue_id.as_deref());
    let mut queue_ids = t.email.local_id.as_deref().into_iter().chain(linked);
    queue_ids.any(|id| wanted.contains(&Term::Exact(id)))
        || t.email.message_id.as_deref().is_some_and(|id| wanted.contains(&fold(id)))
}

/// Whether the time span of a document, from its first to its last line, touches a range.
pub fn touches(t: &Transaction, range: Range) -> bool {
    t.event.start < range.to && range.from <= t.event.end
}

/// Whether this is a message still on its way; of a large message only part 0 counts.
pub fn is_open(t: &Transaction) -> bool {
    t.mail.part == 0
        && t.mail.kind == Kind::Message
        && matches!(t.mail.status, Status::Queued | Status::Deferred | Status::Held)
}
