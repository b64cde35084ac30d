//! Turns a draft into the document, with the field names of the index contract.

use super::{
    super::{
        Bounds, journey,
        key::{Key, service_name, service_type},
        life::{Life, Told},
    },
    draft::Draft,
    named,
    recipient::{Attempt, Person, is_final},
};
use crate::model::{
    Line, LineId, Text, Time, Transaction,
    event::Peer,
    transaction::{
        Address, Addresses, Attempt as HistoryAttempt, Auth, DATASET, DelaysS, ECS_VERSION, EVENT_CATEGORY, EVENT_KIND,
        Ecs, Email, EventInfo, Evidence, Host, Kind, Mail, Omitted, Outcome, Recipient, RecipientStatus, Related,
        Relay, SCHEMA, Service, Source, Status, Tls, User,
    },
};
use compact_str::ToCompactString;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::{net::IpAddr, sync::Arc};

/// The document of a life before it is split, without its id and its lines; and the recipients that its warnings and
/// session lines are about.
pub(super) fn document(key: &Key, life: &Life<'_>, mut draft: Draft<'_>, bounds: &Bounds) -> (Transaction, Owners) {
    let mut recipients: Vec<Recipient> = draft.recipients.iter().map(|p| recipient(p, &draft)).collect();
    let mut omitted = draft.omitted;
    omitted.rejects += bounded(&mut draft.rejects, bounds.listed);
    recipients.extend(named::beside(&recipients, &draft.rejects, &draft));
    recipients.sort_by(|a, b| (&a.address, &a.orig_to).cmp(&(&b.address, &b.orig_to)));
    let to = envelope(&recipients, draft.kind);
    draft.links.sort();
    draft.links.dedup();
    let attempts = recipients.iter().map(|r| r.attempts).sum();
    let mut doc = Transaction {
        email: Email {
            local_id: Some((&*key.queue_id).into()),
            message_id: draft.message_id.or(draft.resent_message_id).map(Text::from),
            from: Address { address: draft.from.take() },
            to: Addresses { address: to },
        },
        source: source(draft.peer),
        user: User { name: draft.user.map(Text::from) },
        tls: draft.tls.map(|(version, cipher)| tls(version, cipher)).unwrap_or_default(),
        ..frame(&key.host, life.start(), life.end(), service(life, &draft), Vec::new())
    };
    doc.event.outcome = outcome(draft.status);
    let believed = |arrival: &Time| Time::OF_LINES.contains(*arrival) && !draft.arrived && !draft.has_message_id;
    let arrival = draft.implied_arrival.filter(believed);
    omitted.links += bounded(&mut draft.links, bounds.links);
    omitted.filters += bounded(&mut draft.filters, bounds.listed);
    doc.mail = Mail {
        kind: draft.kind,
        origin: draft.origin,
        status: draft.status,
        complete: draft.complete,
        gap: draft.gap,
        arrival,
        size: draft.size,
        nrcpt: draft.nrcpt,
        attempts,
        helo: draft.helo.map(Text::from),
        protocol: draft.protocol.map(Text::from),
        auth: Auth { method: draft.auth_method.map(Text::from) },
        recipients,
        links: draft.links,
        rejects: draft.rejects,
        warnings: draft.warnings,
        filters: draft.filters,
        omitted,
        ..doc.mail
    };
    doc.mail.journey = journey::own(&doc);
    (doc, Owners { lines: draft.outgoing.lines, warnings: draft.outgoing.warnings })
}

/// The envelope recipients: all recipients of a refused attempt; of a message, those that it was not refused for.
pub(super) fn envelope(recipients: &[Recipient], kind: Kind) -> Vec<Text> {
    let has_it = |r: &&Recipient| kind == Kind::Reject || r.status != RecipientStatus::Rejected;
    unique(recipients.iter().filter(has_it).map(|r| &r.address))
}

/// The recipients that session lines and warnings (by their index) are about, as hashes of their addresses.
pub(super) struct Owners {
    pub lines: HashMap<LineId, u64>,
    pub warnings: HashMap<usize, u64>,
}

/// Drops the middle of a list longer than `most`; returns the number of dropped entries.
pub(super) fn bounded<T>(list: &mut Vec<T>, most: usize) -> u64 {
    let surplus = list.len().saturating_sub(most);
    if surplus > 0 {
        let first = most / 2;
        list.drain(first..first + surplus);
    }
    surplus as u64
}

/// A document with only the fields that every kind of document has.
pub(super) fn frame(host: &str, start: Time, end: Time, service: Service, lines: Vec<Evidence>) -> Transaction {
    // Nanoseconds: a search engine's `long` ends after 292 years.
    let duration = end.0.saturating_sub(start.0).max(0).saturating_mul(1_000_000).unsigned_abs();
    Transaction {
        timestamp: start,
        event: EventInfo {
            start,
            end,
            duration,
            kind: EVENT_KIND,
            category: [EVENT_CATEGORY],
            dataset: DATASET,
            outcome: Outcome::Unknown,
        },
        ecs: Ecs { version: ECS_VERSION },
        host: Host { name: host.into() },
        service,
        email: Email::default(),
        source: Source::default(),
        user: User::default(),
        tls: Tls::default(),
        related: Related::default(),
        mail: Mail {
            id: String::new(),
            kind: Kind::Message,
            origin: crate::model::transaction::Origin::Unknown,
            status: Status::Unknown,
            complete: false,
            gap: false,
            arrival: None,
            size: None,
            nrcpt: None,
            attempts: 0,
            part: 0,
            parts: 1,
            helo: None,
            protocol: None,
            auth: Auth::default(),
            recipients: Vec::new(),
            links: Vec::new(),
            rejects: Vec::new(),
            warnings: Vec::new(),
            filters: Vec::new(),
            lines,
            brief: Vec::new(),
            omitted: Omitted::default(),
            journey: String::new(),
            schema: SCHEMA,
        },
    }
}

/// A line as an entry of `mail.lines`.
pub(super) fn evidence(line: &Line) -> Evidence {
    Evidence {
        id: line.id,
        time: line.time,
        program: Arc::clone(&line.program),
        pid: line.pid,
        text: Arc::clone(&line.text),
        context: false,
    }
}

fn service(life: &Life<'_>, draft: &Draft<'_>) -> Service {
    if let (Kind::Filter, Some(filter)) = (draft.kind, draft.filters.first()) {
        return Service { kind: filter.name.clone(), name: filter.name.clone() };
    }
    let of_server = |t: &&&Told<'_>| t.own && service_type(t.family) == Some(draft.service_type);
    let program = life.told.iter().find(of_server).map_or(draft.service_type, |t| service_name(&t.line.program));
    Service { kind: draft.service_type.into(), name: program.into() }
}

pub(super) fn source(peer: Option<Peer<'_>>) -> Source {
    let peer = peer.unwrap_or_default();
    Source { ip: peer.addr.and_then(address), domain: peer.name.map(Text::from), port: peer.port }
}

/// An IP address in canonical form, without the `IPv6:` that may precede it; `None` if the text is not an address.
fn address(text: &str) -> Option<Text> {
    let text = text.get(..5).filter(|p| p.eq_ignore_ascii_case("ipv6:")).map_or(text, |p| &text[p.len()..]);
    match text.parse().ok()? {
        // Canonical already: the parser accepts no leading zeros.
        IpAddr::V4(_) => Some(text.into()),
        IpAddr::V6(ip) => Some(ip.to_compact_string()),
    }
}

/// The version as the servers log it: administrators read and search `TLSv1.3`, and other tools log it like that.
pub(super) fn tls(version: &str, cipher: Option<&str>) -> Tls {
    let protocol = version.split_once('v').map_or("tls", |(protocol, _)| protocol);
    Tls {
        version: Some(version.into()),
        version_protocol: Some(Text::from(protocol).to_ascii_lowercase()),
        cipher: cipher.map(Text::from),
    }
}

fn outcome(status: Status) -> Outcome {
    match status {
        Status::Delivered => Outcome::Success,
        Status::Bounced | Status::Expired | Status::Rejected | Status::Partial => Outcome::Failure,
        _ => Outcome::Unknown,
    }
}

fn recipient(person: &Person<'_>, draft: &Draft<'_>) -> Recipient {
    let last = person.last();
    let status = person.status();
    let done = draft.removed || draft.deleted || draft.canceled || draft.requeued;
    let owned = |text: Option<&str>| text.map(Text::from);
    Recipient {
        address: (&*person.address).into(),
        orig_to: person.orig_to.as_deref().map(Text::from),
        status,
        is_final: is_final(status) || done,
        dsn: last.and_then(|a| owned(a.dsn)),
        reply: last.and_then(|a| owned(a.reply)),
        relay: last.map(relay).unwrap_or_default(),
        transport: last.and_then(|a| owned(a.transport)),
        delay_s: last.and_then(|a| a.delay_s),
        delays_s: last.and_then(|a| a.delays).map(|d| DelaysS {
            before_qmgr: d.before_qmgr,
            in_qmgr: d.in_qmgr,
            conn_setup: d.conn_setup,
            transmission: d.transmission,
        }),
        queued_as: last.and_then(|a| owned(a.queued_as)),
        attempts: person.count(),
        first_attempt: person.first(),
        last_attempt: last.map(|a| a.time),
        tls: last.and_then(|a| a.tls).map(|(version, cipher)| tls(version, cipher)).unwrap_or_default(),
        history: person.attempts.iter().map(attempt).collect(),
    }
}

fn attempt(a: &Attempt<'_>) -> HistoryAttempt {
    HistoryAttempt {
        time: a.time,
        status: a.status,
        dsn: a.dsn.map(Text::from),
        relay: a.relay.map(Text::from),
        reply: a.reply.map(Text::from),
    }
}

fn relay(a: &Attempt<'_>) -> Relay {
    Relay {
        domain: a.peer.name.map(|n| n.trim_end_matches('.').into()),
        ip: a.peer.addr.and_then(address),
        port: a.peer.port,
        name: a.relay.map(Text::from),
    }
}

/// ECS `related.*`: all addresses, hosts and users that the document names.
pub(super) fn related(doc: &Transaction) -> Related {
    let relays = || doc.mail.recipients.iter().map(|r| &r.relay);
    let ips = doc.source.ip.iter().chain(relays().filter_map(|r| r.ip.as_ref()));
    let hosts = [&doc.host.name].into_iter().chain(&doc.source.domain);
    let hosts = hosts.chain(relays().filter_map(|r| r.domain.as_ref()));
    let hosts = hosts.chain(doc.mail.links.iter().filter_map(|l| l.host.as_ref()));
    Related { ip: unique(ips), hosts: unique(hosts), user: doc.user.name.iter().cloned().collect() }
}

/// The texts, sorted and without duplicates.
pub(super) fn unique<'t>(texts: impl Iterator<Item = &'t Text>) -> Vec<Text> {
    let mut sorted: SmallVec<[&Text; 8]> = texts.collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::{
        Rules,
        testing::{document, documents_by},
    };

    #[test]
    fn the_middle_of_a_long_list_is_left_out() {
        let check = |entries: &[u8], most: usize, kept: &[u8], surplus: u64| {
            let mut list = entries.to_vec();
            assert_eq!((bounded(&mut list, most), &*list), (surplus, kept), "{entries:?} {most}");
        };
        check(&[1, 2, 3, 4], 4, &[1, 2, 3, 4], 0);
        check(&[1, 2], 4, &[1, 2], 0);
        check(&[1, 2, 3, 4, 5], 4, &[1, 2, 4, 5], 1);
        check(&[1, 2, 3, 4, 5, 6, 7], 4, &[1, 2, 6, 7], 3);
        check(&[1, 2, 3, 4, 5, 6, 7], 5, &[1, 2, 5, 6, 7], 2);
    }

    const REFUSED: &str = "reject: RCPT from c.example.org[192.0.2.7]: 550 5.1.1 no; from=<a@example.org> to=<x@example.net> proto=ESMTP helo=<c>";

    #[test]
    fn entries_beyond_the_bounds_are_counted() {
        let line = |n: usize| {
            format!(
                "{n} mx1 postfix/smtpd[1]: 4F1A2B3C4D: {REFUSED}
                 {n} mx1 milter-greylist[2]: 4F1A2B3C4D: User a authenticated, bypassing greylist
                 {n} mx1 postfix/local[3]: 4F1A2B3C4D: to=<b@example.net>, relay=local, delay=1, dsn=2.0.0, status=sent (forwarded as 5F1A2B3C{n}D)\n"
            )
        };
        let log: String = (10..15).map(line).collect();
        let bounds = Bounds { listed: 2, links: 3, ..Bounds::default() };
        let t = documents_by(&log, &Rules { bounds, ..Rules::default() }).remove(0);
        let Omitted { rejects, filters, links, .. } = t.mail.omitted;
        assert_eq!([rejects, filters, links], [3, 3, 2]);
        assert_eq!([t.mail.rejects.len(), t.mail.filters.len(), t.mail.links.len()], [2, 2, 3]);
    }

    /// A refused attempt that led to no message keeps the refused recipients in `email.to`, so that a search for them
    /// finds it.
    #[test]
    fn a_message_is_not_to_those_that_it_was_refused_for() {
        let client = "4F1A2B3C4D: client=c.example.org[192.0.2.7]";
        let sent = "4F1A2B3C4D: to=<b@example.net>, relay=x[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (ok)";
        let log = format!("1 mx1 postfix/smtpd[1]: {client}\n2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: {REFUSED}\n");
        assert_eq!(document(&log).email.to.address, ["x@example.net"]);
        assert_eq!(document(&format!("{log}3 mx1 postfix/smtp[2]: {sent}")).email.to.address, ["b@example.net"]);
    }

    #[test]
    fn a_document_names_who_and_what_took_part() {
        let t = document(&format!(
            "1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7], sasl_method=PLAIN, sasl_username=ann
             2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: {REFUSED}
             3 mx1 postfix/smtp[2]: 4F1A2B3C4D: to=<b@example.net>, relay=mx.example.net[2001:db8::25]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 5F1A2B3C4D)"
        ));
        let mail = &t.mail;
        assert_eq!(
            [&mail.protocol, &mail.helo, &mail.auth.method, &t.user.name].map(Option::as_deref),
            [Some("ESMTP"), Some("c"), Some("PLAIN"), Some("ann")]
        );
        assert_eq!(t.related.ip, ["192.0.2.7", "2001:db8::25"]);
        assert_eq!(t.related.hosts, ["c.example.org", "mx", "mx.example.net", "mx1"]);
        assert_eq!(t.related.user, ["ann"]);
    }

    /// Neither success nor failure: a message that an operator deleted, or that was discarded or quarantined.
    #[test]
    fn an_outcome_is_that_all_have_it_or_that_somebody_has_it_not() {
        use Status as S;
        for (expected, statuses) in [
            (Outcome::Success, &[S::Delivered][..]),
            (Outcome::Failure, &[S::Bounced, S::Expired, S::Rejected, S::Partial]),
            (Outcome::Unknown, &[S::Queued, S::Deferred, S::Held, S::Requeued, S::Unknown]),
            (Outcome::Unknown, &[S::Discarded, S::Quarantined, S::Deleted]),
        ] {
            for status in statuses {
                assert_eq!(outcome(*status), expected, "{status:?}");
            }
        }
    }
}
