//! The fields of a document that decide its journey.
//!
//! In: a document.  Out: its [`Node`], small enough that many can be compared at once.

use super::{own, place, place::Place};
use crate::{
    model::{
        Text, Time, Transaction,
        transaction::{Kind, Link, Origin, Recipient, Rel},
    },
    stitch::{key::service_name, lone},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// The fields of a transaction that decide its journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The document id, without the `-N` of a further part.
    pub id: String,
    /// The number of the part. Further parts take the journey of part 0.
    pub(super) part: u32,
    /// The journey that the document has now.
    pub journey: String,
    pub(super) host: Text,
    pub(super) instance: Text,
    pub(super) queue_id: Option<Text>,
    pub(super) message_id: Option<Text>,
    pub(super) kind: Kind,
    pub start: Time,
    pub end: Time,
    pub(super) own: String,
    pub(super) source: Source,
    /// The hops on which the message went on under another queue id.
    pub(super) onward: Vec<Onward>,
    /// Host and queue id of its `Previous` links (`orig_queue_id=`, `orig_id=`), sorted.
    pub(super) previous: Vec<(Text, Text)>,
    /// The relay of each recipient, with the host named as in documents.
    pub(super) relays: Vec<NextHost>,
    /// A program on its host took the message: a filter or a list manager, which may hand it in again.
    pub(super) to_program: bool,
    pub(super) from: Option<Text>,
    /// Envelope recipients, before and after rewriting, in lower case.
    pub(super) to: BTreeSet<Text>,
    pub(super) to_houses: Houses,
    /// Queue ids of all its links, of whatever kind.
    pub(super) linked: Vec<Text>,
    /// Facts of the documents that this one replaces: what was connected with these may no longer be.
    pub(super) former: Former,
    /// Recipients, in lower case, whose mail went to a mail store (`lmtp`, `pipe`), with its address.
    pub(super) mailboxes: BTreeMap<Text, Option<IpAddr>>,
    /// For a mail store's verdict `forwarded to <c@example.org>`: that address, in lower case.
    pub(super) forwarded: Option<Text>,
    /// For a policy server's verdict: queue ids of the messages that it may be about.
    pub(super) perhaps: Vec<Text>,
    /// For a policy server's verdict: the document id of the refused attempt that it is about.
    pub(super) refusal: Option<Text>,
}

/// Message-IDs and journeys that documents of the same queue id had, and that this document does not have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Former {
    pub message_ids: Vec<Text>,
    pub journeys: Vec<String>,
}

/// The client that handed the message in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Source {
    pub place: Place,
    /// It is a program or a command on the same host.
    pub is_local: bool,
}

/// The host behind the relay of a recipient.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NextHost {
    pub host: Text,
    pub house: Option<Text>,
    /// The recipient, in lower case.
    pub to: Text,
}

/// A hop to another queue id, from a reply or a link.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Onward {
    pub queue_id: Text,
    pub relay: Place,
    /// The message stayed on its host: forwarded, cloned, or handed to a program that listens there. Also set if the
    /// relay is unknown.
    pub is_local: bool,
    /// When the reply was logged, if known.
    pub at: Option<Time>,
    /// The recipients of the reply, in lower case.
    pub to: BTreeSet<Text>,
    pub to_houses: Houses,
}

/// The registered domains of some addresses; `None` if one of these has no domain.
pub(super) type Houses = Option<BTreeSet<Text>>;

impl Node {
    /// The node of a document. Further parts have the id of part 0.
    pub fn new(doc: &Transaction) -> Self {
        let recipients = &doc.mail.recipients;
        let previous = doc.mail.links.iter().filter(|l| l.rel == Rel::Previous);
        let previous =
            previous.filter_map(|l| Some((l.host.as_ref().unwrap_or(&doc.host.name).clone(), l.queue_id.clone()?)));
        let mut relays: Vec<NextHost> = recipients.iter().filter_map(|r| next_host(doc, r)).collect();
        relays.sort();
        relays.dedup();
        let to = recipients.iter().flat_map(|r| [Some(&r.address), r.orig_to.as_ref()]).flatten();
        let to: BTreeSet<Text> = to.chain(&doc.email.to.address).map(|a| a.to_lowercase()).collect();
        Self {
            id: base_id(doc).to_owned(),
            part: doc.mail.part,
            journey: doc.mail.journey.clone(),
            host: doc.host.name.clone(),
            instance: service_name(&doc.service.name).into(),
            queue_id: doc.email.local_id.clone(),
            message_id: doc.email.message_id.clone(),
            kind: doc.mail.kind,
            start: doc.event.start,
            end: doc.event.end,
            own: own(doc),
            source: source(doc),
            onward: onward(doc),
            previous: previous.collect::<BTreeSet<_>>().into_iter().collect(),
            relays,
            to_program: recipients.iter().any(is_to_program),
            from: doc.email.from.address.as_ref().map(|a| a.to_lowercase()),
            to_houses: houses(&to),
            to,
            former: Former::default(),
            mailboxes: mailboxes(doc),
            forwarded: forwarded(doc),
            perhaps: perhaps(doc),
            refusal: if doc.mail.kind == Kind::Filter { lone::refusal_of(doc) } else { None },
            linked: doc.mail.links.iter().filter_map(|l| l.queue_id.clone()).collect(),
        }
    }

    /// Whether this is still the node of the document.
    pub fn is_of(&self, doc: &Transaction) -> bool {
        Self::new(doc).after(self.former.clone()) == *self
    }

    /// The node with the facts of the documents that it replaces.
    pub fn after(mut self, former: Former) -> Self {
        self.former = former;
        self
    }

    /// The queue ids and the Message-IDs by which the neighbours of the document are found.
    pub fn traces(&self) -> (impl Iterator<Item = &str>, impl Iterator<Item = &str>) {
        let message_ids = self.message_id.iter().chain(&self.former.message_ids);
        (self.queue_id.iter().chain(&self.linked).map(Text::as_str), message_ids.map(Text::as_str))
    }
}

fn mailboxes(doc: &Transaction) -> BTreeMap<Text, Option<IpAddr>> {
    let given = doc.mail.recipients.iter().filter(|r| matches!(r.transport.as_deref(), Some("lmtp" | "pipe")));
    let address = |r: &Recipient| Place::new(None, r.relay.ip.as_deref()).ip;
    let names =
        given.flat_map(|r| [Some(&r.address), r.orig_to.as_ref()].into_iter().flatten().map(move |a| (a, address(r))));
    names.map(|(name, ip)| (name.to_lowercase(), ip)).collect()
}

/// The new recipient in dovecot's verdict `sieve: msgid=<1@example.org>: forwarded to <c@example.org>`.
fn forwarded(doc: &Transaction) -> Option<Text> {
    let [verdict] = doc.mail.filters.as_slice() else { return None };
    let is_forward = doc.mail.kind == Kind::Filter && verdict.name == "dovecot" && verdict.verdict == "forwarded";
    verdict.detail.as_ref().filter(|_| is_forward).map(|to| to.to_lowercase())
}

fn perhaps(doc: &Transaction) -> Vec<Text> {
    let is_lone = doc.mail.kind == Kind::Filter && doc.email.local_id.is_none();
    let links = doc.mail.links.iter().filter(|l| is_lone && l.rel == Rel::Parent);
    links.filter_map(|l| l.queue_id.clone()).collect()
}

/// The id of part 0 of a document.
pub fn base_id(doc: &Transaction) -> &str {
    let mail = &doc.mail;
    mail.id.strip_suffix(&format!("-{}", mail.part)).filter(|_| mail.part > 0).unwrap_or(&mail.id)
}

pub(super) fn houses(addresses: &BTreeSet<Text>) -> Houses {
    let mut domains: Vec<&str> = addresses.iter().map(|a| Some(a.rsplit_once('@')?.1)).collect::<Option<_>>()?;
    domains.sort_unstable();
    domains.dedup();
    Some(domains.into_iter().map(|domain| place::house(domain).unwrap_or_else(|| domain.into())).collect())
}

fn source(doc: &Transaction) -> Source {
    let mut place = Place::new(doc.source.domain.as_deref(), doc.source.ip.as_deref());
    // `relay=mx1.example.org [192.0.2.66] (may be forged)`: sendmail did not find the address under that name.
    if place.label.is_some() && doc.service.kind == "sendmail" {
        let is_forged = |line: &str| line.contains("] (may be forged)");
        if doc.mail.lines.iter().any(|line| is_forged(&line.text)) {
            place = Place { label: None, house: None, ..place };
        }
    }
    Source { is_local: place.is_loopback() || doc.mail.origin == Origin::Local, place }
}

/// The hops: one for each queue id and relay that replies name, and one for each further link.
fn onward(doc: &Transaction) -> Vec<Onward> {
    let links = || doc.mail.links.iter().filter(|l| matches!(l.rel, Rel::Next | Rel::Child));
    if links().next().is_none() {
        return Vec::new();
    }
    let mut replies: BTreeMap<(&Text, Place), Onward> = BTreeMap::new();
    for r in &doc.mail.recipients {
        let Some(queue_id) = &r.queued_as else { continue };
        let relay = Place::new(r.relay.domain.as_deref(), r.relay.ip.as_deref());
        let onward = replies.entry((queue_id, relay.clone())).or_insert_with(|| Onward {
            queue_id: queue_id.clone(),
            is_local: relay.is_loopback() || relay.is_unknown() || is_to_program(r),
            relay,
            at: None,
            to: BTreeSet::new(),
            to_houses: None,
        });
        onward.at = onward.at.max(r.last_attempt);
        onward.to.insert(r.address.to_lowercase());
    }
    // A link that no reply here explains comes from an earlier attempt or from a recipient in another part; only the
    // link is known then.
    let is_told = |l: &Link, queue_id: &Text| {
        let mut of_id = replies.range((queue_id, Place::default())..).take_while(|((id, _), _)| *id == queue_id);
        let is_of = |o: &Onward| l.host.is_none() || l.host == o.relay.label || o.is_local;
        l.rel == Rel::Next && of_id.any(|(_, onward)| is_of(onward))
    };
    let further = links().filter_map(|l| {
        let queue_id = l.queue_id.as_ref().filter(|id| !is_told(l, id))?;
        let (relay, is_local) = (Place::new(l.host.as_deref(), None), l.rel == Rel::Child || l.host.is_none());
        Some(Onward { queue_id: queue_id.clone(), relay, is_local, at: None, to: BTreeSet::new(), to_houses: None })
    });
    let further: Vec<Onward> = further.collect();
    let replies = replies.into_values().map(|o| Onward { to_houses: houses(&o.to), ..o });
    replies.chain(further).collect()
}

/// The host behind a relay, as documents name hosts.
fn next_host(doc: &Transaction, recipient: &Recipient) -> Option<NextHost> {
    let relay = Place::new(recipient.relay.domain.as_deref(), recipient.relay.ip.as_deref());
    let to = recipient.address.to_lowercase();
    match relay.is_loopback() {
        true => Some(NextHost { host: doc.host.name.clone(), house: None, to }),
        false => Some(NextHost { host: relay.label?, house: relay.house, to }),
    }
}

/// Whether a program took the mail: postfix's `pipe`, a command run by its `local`, or sendmail's `prog`.
fn is_to_program(recipient: &Recipient) -> bool {
    let to_command = || recipient.reply.as_deref().is_some_and(|r| r.starts_with("delivered to command: "));
    matches!(recipient.transport.as_deref(), Some("pipe" | "prog")) || to_command()
}

#[cfg(test)]
mod tests;
