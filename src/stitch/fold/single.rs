//! Documents of single lines without a queue id: a refused attempt, a remark on an attempt, a filter's verdict.

use super::{
    bound,
    document::{self, evidence, frame, related, source},
    draft::{remark, verdict},
    fate,
    named::without_attempt,
};
use crate::{
    model::{
        Event, Line, Parsed, Text, Transaction,
        event::{Action, Fate, Filter, Peer, Policy},
        transaction::{Addresses, Kind, Origin, Outcome, Recipient, RecipientStatus, Service, Status},
    },
    parse::{self, transport::Repeat},
    program::Family,
    stitch::{
        Reading, id, journey,
        key::{service_name, service_type},
    },
};

/// The document of a line that stands alone; `None` for any other line.
pub fn single(reading: &Reading<'_>) -> Option<Transaction> {
    let Reading { line, family, parsed: Parsed::Event { event, .. } } = reading else { return None };
    of(line, *family, event)
}

/// The document of an event that stands alone.
pub(super) fn of(line: &Line, family: Family<'_>, event: &Event<'_>) -> Option<Transaction> {
    let mut doc = match event {
        Event::Policy(policy @ Policy { action: Action::Reject | Action::Hangup, .. }) => refusal(line, family, policy),
        Event::Policy(
            policy @ Policy { action: Action::Warn | Action::Change | Action::Redirect | Action::Accept, .. },
        ) => remarked(line, family, policy),
        Event::Filter(filter) => filtered(line, filter),
        _ => return None,
    };
    doc.mail.id = id::line_document_id(line.id, line.time);
    doc.related = related(&doc);
    bound::bound(&mut doc);
    doc.mail.journey = journey::own(&doc);
    Some(doc)
}

fn refusal(line: &Line, family: Family<'_>, policy: &Policy<'_>) -> Transaction {
    let mut doc = attempt(line, family, policy);
    doc.event.outcome = Outcome::Failure;
    doc.mail.kind = Kind::Reject;
    doc.mail.status = Status::Rejected;
    doc.mail.rejects = vec![remark(policy)];
    let refused = |to| Recipient {
        dsn: policy.dsn.map(Text::from),
        ..without_attempt(to, RecipientStatus::Rejected, Some(policy.text))
    };
    doc.mail.recipients = policy.to.map(refused).into_iter().collect();
    doc
}

/// A decision that did not end the attempt: `NOQUEUE: reject_warning: …`, `NOQUEUE: redirect: …`.
fn remarked(line: &Line, family: Family<'_>, policy: &Policy<'_>) -> Transaction {
    let mut doc = attempt(line, family, policy);
    doc.mail.kind = Kind::Session;
    doc.mail.warnings = vec![remark(policy)];
    doc
}

fn attempt(line: &Line, family: Family<'_>, policy: &Policy<'_>) -> Transaction {
    let service =
        Service { kind: service_type(family).unwrap_or("postfix").into(), name: service_name(&line.program).into() };
    let mut doc = frame(&line.host, line.time, line.time, service, vec![evidence(line)]);
    envelope(&mut doc, policy.from, policy.to);
    doc.source = source(Some(policy.peer));
    doc.user.name = policy.sasl_username.map(Text::from);
    doc.mail.origin = Origin::Smtp;
    doc.mail.complete = true;
    doc.mail.helo = policy.helo.map(Text::from);
    doc.mail.protocol = policy.proto.map(Text::from);
    doc.mail.auth.method = policy.sasl_method.map(Text::from);
    doc.mail.attempts = match parse::transport::repeated(&line.text) {
        Some(Repeat::Text { times, .. }) => times,
        _ => 1,
    };
    doc
}

fn filtered(line: &Line, filter: &Filter<'_>) -> Transaction {
    let service = Service { kind: filter.name.into(), name: service_name(&line.program).into() };
    let mut doc = frame(&line.host, line.time, line.time, service, vec![evidence(line)]);
    envelope(&mut doc, filter.from, None);
    doc.email.to.address = document::unique(fate::recipients(filter).map(Text::from).collect::<Vec<_>>().iter());
    decided(&mut doc, line, filter);
    doc.email.message_id = filter.message_id.map(Text::from);
    doc.source = source(Some(Peer { addr: filter.client, ..Peer::default() }));
    doc.mail.kind = Kind::Filter;
    doc.mail.complete = true;
    doc.mail.filters = vec![verdict(filter)];
    if let Some(id) = filter.queued_as {
        doc.mail.links = vec![crate::model::transaction::Link {
            rel: crate::model::transaction::Rel::Next,
            queue_id: Some(id.into()),
            host: Some((&*line.host).into()),
            message_id: None,
        }];
    }
    doc
}

/// Sets the status of the document and of its recipients by what the filter did.
fn decided(doc: &mut Transaction, line: &Line, filter: &Filter<'_>) {
    let Some(status) = filter.fate.filter(|fate| *fate != Fate::Passed).map(fate::status) else { return };
    doc.mail.status = match status {
        RecipientStatus::Quarantined => Status::Quarantined,
        RecipientStatus::Discarded => Status::Discarded,
        RecipientStatus::Rejected => Status::Rejected,
        RecipientStatus::Bounced => Status::Bounced,
        _ => Status::Unknown,
    };
    let recipient = |address: &Text| Recipient {
        transport: Some(filter.name.into()),
        last_attempt: Some(line.time),
        ..without_attempt(address, status, filter.detail)
    };
    doc.mail.recipients = doc.email.to.address.iter().map(recipient).collect();
}

fn envelope(doc: &mut Transaction, from: Option<&str>, to: Option<&str>) {
    doc.email.from.address = from.map(|f| if f.is_empty() { "<>" } else { f }.into());
    doc.email.to = Addresses { address: to.map(Text::from).into_iter().collect() };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::testing::{at, document};

    #[test]
    fn a_filter_decides_the_fate_of_its_recipients() {
        use RecipientStatus as S;
        for (did, recipient, message) in [
            ("DiscardedInbound,Quarantined", S::Quarantined, Status::Quarantined),
            ("DiscardedInbound", S::Discarded, Status::Discarded),
            ("RejectedInbound,Quarantined", S::Rejected, Status::Rejected),
            ("BouncedInbound", S::Bounced, Status::Bounced),
        ] {
            let t = document(&format!(
                "1.5 mx1 amavis[9]: (1-2) Blocked SPAM {{{did}}}, [192.0.2.7]:4 <a@example.org> -> <b@example.net>, Message-ID: <1@example.org>, Hits: 9, 1 ms"
            ));
            assert_eq!((t.mail.kind, t.mail.status), (Kind::Filter, message), "{did}");
            let b = &t.mail.recipients[0];
            assert_eq!((&*b.address, b.status, b.transport.as_deref()), ("b@example.net", recipient, Some("amavis")));
            assert_eq!((b.last_attempt, b.reply.as_deref()), (Some(at(1500)), Some(did)));
        }
    }
}
