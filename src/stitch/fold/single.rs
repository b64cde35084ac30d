//! Lines that are documents of their own: a refused attempt without a queue id, a filter's verdict without one.

use super::{
    document::{evidence, frame, related, source},
    draft::{remark, verdict},
};
use crate::{
    model::{
        Event, Line, Parsed, Transaction,
        event::{Filter, Peer, Policy},
        transaction::{Addresses, Kind, Origin, Outcome, Service, Status},
    },
    parse,
    stitch::{
        id, journey,
        key::{service_name, service_type},
    },
};

/// The document of a line that stands alone; `None` for any other line.
pub fn single(line: &Line) -> Option<Transaction> {
    let Parsed::Event { event, .. } = parse::parse(line) else { return None };
    let mut doc = match &event {
        Event::Policy(policy) => refusal(line, policy),
        Event::Filter(filter) => filtered(line, filter),
        _ => return None,
    };
    doc.mail.id = id::line_document_id(line.id, line.time);
    doc.related = related(&doc);
    doc.mail.journey = journey::own(&doc);
    Some(doc)
}

fn refusal(line: &Line, policy: &Policy<'_>) -> Transaction {
    let service = Service {
        kind: service_type(&line.program).unwrap_or("postfix").to_owned(),
        name: service_name(&line.program).to_owned(),
    };
    let mut doc = frame(&line.host, line.time, line.time, service, vec![evidence(line)]);
    envelope(&mut doc, policy.from, policy.to);
    doc.source = source(Some(policy.peer));
    doc.user.name = policy.sasl_username.map(str::to_owned);
    doc.event.outcome = Outcome::Failure;
    doc.mail.kind = Kind::Reject;
    doc.mail.origin = Origin::Smtp;
    doc.mail.status = Status::Rejected;
    doc.mail.complete = true;
    doc.mail.helo = policy.helo.map(str::to_owned);
    doc.mail.protocol = policy.proto.map(str::to_owned);
    doc.mail.auth.method = policy.sasl_method.map(str::to_owned);
    doc.mail.rejects = vec![remark(policy)];
    doc
}

fn filtered(line: &Line, filter: &Filter<'_>) -> Transaction {
    let service = Service { kind: filter.name.to_owned(), name: service_name(&line.program).to_owned() };
    let mut doc = frame(&line.host, line.time, line.time, service, vec![evidence(line)]);
    envelope(&mut doc, filter.from, filter.to);
    doc.email.message_id = filter.message_id.map(str::to_owned);
    doc.source = source(Some(Peer { addr: filter.client, ..Peer::default() }));
    doc.mail.kind = Kind::Filter;
    doc.mail.complete = true;
    doc.mail.filters = vec![verdict(filter)];
    if let Some(id) = filter.queued_as {
        doc.mail.links = vec![crate::model::transaction::Link {
            rel: crate::model::transaction::Rel::Next,
            queue_id: Some(id.to_owned()),
            host: Some(line.host.to_string()),
            message_id: None,
        }];
    }
    doc
}

fn envelope(doc: &mut Transaction, from: Option<&str>, to: Option<&str>) {
    doc.email.from.address = from.map(|f| if f.is_empty() { "<>" } else { f }.to_owned());
    doc.email.to = Addresses { address: to.map(str::to_owned).into_iter().collect() };
}
