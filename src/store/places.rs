//! The places in a document where a search looks: one list for every store.
//!
//! In: nothing. Out: each place with its field name, how it is compared, and its values in a document. Stores that
//! match documents themselves (`matching.rs`) ask for the values; engines are asked by field name
//! (`elasticsearch/query.rs`), so their mapping must index every place.

use crate::model::{Text, Transaction};

/// How values at a place are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Queue ids, document ids, journeys and logins: long queue ids differ in case alone.
    Exact,
    /// Addresses, hosts and Message-IDs.
    Any,
    /// IP addresses: engines refuse to search an IP field for anything else.
    Ip,
}

/// Receives each value at a place.
type Take<'t, 'f> = &'f mut dyn FnMut(&'t str);

/// A place in the document where a search looks.
pub struct Place {
    pub name: &'static str,
    pub case: Case,
    /// Whether every row of an SQLite file has terms for this place. A place that was added later (`false`) has terms
    /// only in rows written since.
    pub from_the_first: bool,
    pub values: for<'t, 'f> fn(&'t Transaction, Take<'t, 'f>),
}

const fn exact(name: &'static str, values: for<'t, 'f> fn(&'t Transaction, Take<'t, 'f>)) -> Place {
    Place { name, case: Case::Exact, from_the_first: true, values }
}

const fn any_case(name: &'static str, values: for<'t, 'f> fn(&'t Transaction, Take<'t, 'f>)) -> Place {
    Place { name, case: Case::Any, from_the_first: true, values }
}

const fn ip(name: &'static str, values: for<'t, 'f> fn(&'t Transaction, Take<'t, 'f>)) -> Place {
    Place { name, case: Case::Ip, from_the_first: true, values }
}

const fn later(place: Place) -> Place {
    Place { from_the_first: false, ..place }
}

fn each<'t>(texts: impl IntoIterator<Item = &'t Text>, take: Take<'t, '_>) {
    texts.into_iter().for_each(|text| take(text));
}

/// All places.
pub const PLACES: [Place; 23] = [
    exact("mail.id", |t, take| take(&t.mail.id)),
    exact("mail.journey", |t, take| take(&t.mail.journey)),
    exact("email.local_id", |t, take| each(&t.email.local_id, take)),
    exact("user.name", |t, take| each(&t.user.name, take)),
    exact("related.user", |t, take| each(&t.related.user, take)),
    // A search for a queue id at the next hop also finds the message that was relayed under it.
    exact("mail.recipients.queued_as", |t, take| {
        each(t.mail.recipients.iter().filter_map(|r| r.queued_as.as_ref()), take);
    }),
    exact("mail.links.queue_id", |t, take| each(t.mail.links.iter().filter_map(|l| l.queue_id.as_ref()), take)),
    any_case("host.name", |t, take| take(&t.host.name)),
    any_case("email.message_id", |t, take| each(&t.email.message_id, take)),
    any_case("email.from.address", |t, take| each(&t.email.from.address, take)),
    any_case("email.to.address", |t, take| each(&t.email.to.address, take)),
    any_case("source.domain", |t, take| each(&t.source.domain, take)),
    any_case("related.hosts", |t, take| each(&t.related.hosts, take)),
    any_case("mail.recipients.address", |t, take| each(t.mail.recipients.iter().map(|r| &r.address), take)),
    any_case("mail.recipients.orig_to", |t, take| {
        each(t.mail.recipients.iter().filter_map(|r| r.orig_to.as_ref()), take);
    }),
    any_case("mail.recipients.relay.domain", |t, take| {
        each(t.mail.recipients.iter().filter_map(|r| r.relay.domain.as_ref()), take);
    }),
    any_case("mail.links.message_id", |t, take| each(t.mail.links.iter().filter_map(|l| l.message_id.as_ref()), take)),
    // For held, discarded and refused mail these may be the only recipients.
    any_case("mail.rejects.recipient", |t, take| {
        each(t.mail.rejects.iter().filter_map(|r| r.recipient.as_ref()), take);
    }),
    later(any_case("mail.warnings.recipient", |t, take| {
        each(t.mail.warnings.iter().filter_map(|r| r.recipient.as_ref()), take);
    })),
    later(any_case("mail.filters.recipients", |t, take| each(t.mail.filters.iter().flat_map(|f| &f.recipients), take))),
    ip("source.ip", |t, take| each(&t.source.ip, take)),
    ip("related.ip", |t, take| each(&t.related.ip, take)),
    ip("mail.recipients.relay.ip", |t, take| each(t.mail.recipients.iter().filter_map(|r| r.relay.ip.as_ref()), take)),
];
