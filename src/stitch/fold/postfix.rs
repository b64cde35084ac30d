//! Interprets postfix lines.
//!
//! In: one line of a life, in order of time.  Out: the draft with what the line adds.

use super::{
    super::life::Told,
    draft::{Draft, remark},
    recipient::Attempt,
    thin,
};
use crate::{
    model::{
        Event, Text,
        event::{Action, Delivery, DeliveryStatus, Operation, Peer, Policy},
        transaction::{Origin, RecipientStatus, Rel, Remark},
    },
    parse,
    stitch::id::hash64,
};

/// Adds one line to the draft.
pub(super) fn read<'a>(draft: &mut Draft<'a>, told: &Told<'a>) {
    let time = told.line.time;
    let host = Some(&*told.line.host);
    match told.event {
        Event::Client { peer, sasl_method, sasl_username, orig_queue_id, orig_client, .. } if told.own => {
            draft.arrived = true;
            draft.origin = Origin::Smtp;
            // A before-queue filter passes on its client as `orig_client=`. With `orig_queue_id=` the filter is behind
            // the queue: it is the client, and a hop of its own.
            draft.peer = Some(orig_client.filter(|_| orig_queue_id.is_none()).unwrap_or(*peer));
            draft.user = draft.user.or(*sasl_username);
            draft.auth_method = draft.auth_method.or(*sasl_method);
            if let Some(id) = orig_queue_id {
                draft.link(Rel::Previous, id, orig_client.is_none().then_some(host).flatten());
            }
        }
        // `NOQUEUE: client=` of the session that passed the message to a before-queue filter.
        Event::Client { peer, sasl_method, sasl_username, .. } if !told.of_another => {
            draft.before_filter = Some((*peer, *sasl_username, *sasl_method));
        }
        Event::Pickup { from, orig_id, .. } => {
            draft.arrived = true;
            draft.origin = Origin::Local;
            if draft.from.is_none() {
                draft.sender(from);
            }
            if let Some(id) = orig_id {
                draft.link(Rel::Previous, id, host);
            }
        }
        Event::MessageId { id, resent } => {
            draft.has_message_id = true;
            let place = if *resent { &mut draft.resent_message_id } else { &mut draft.message_id };
            *place = place.or(*id);
        }
        Event::Queued { from, size, nrcpt } => {
            draft.sender(from);
            draft.queued = Some(time);
            draft.size = draft.size.max(*size);
            draft.nrcpt = draft.nrcpt.max(*nrcpt);
        }
        Event::Delivery(record) => delivery(draft, told, record),
        Event::Removed => draft.removed = true,
        Event::Canceled { discarded } => {
            draft.canceled = true;
            draft.discarded |= discarded;
            draft.warn(Some("cleanup"), &told.line.text);
        }
        Event::Expired { from } => {
            draft.expired = true;
            if draft.from.is_none() {
                draft.sender(from);
            }
        }
        Event::Notified { child, .. } => draft.link(Rel::Bounce, child, host),
        Event::Operation(operation) => match operation {
            Operation::Delete => draft.deleted = true,
            Operation::Hold => {
                draft.held = Some(time);
                draft.warn(Some("postsuper"), "placed on hold");
            }
            Operation::Release => draft.released = Some(time),
            Operation::Expire => draft.expired = true,
            // The queue file goes on under another id, whatever state it was in.
            Operation::Requeue => {
                draft.released = Some(time);
                draft.requeued = true;
                draft.warn(Some("postsuper"), "requeued");
            }
        },
        Event::Policy(policy) => decision(draft, told, policy),
        Event::Requeued { child } => {
            draft.released = Some(time);
            draft.requeued = true;
            draft.link(Rel::Next, child, host);
        }
        Event::Filter(filter) => draft.verdict(filter, told),
        _ => common(draft, told),
    }
}

/// Reads the events that mean the same for postfix and sendmail.
pub(super) fn common<'a>(draft: &mut Draft<'a>, told: &Told<'a>) {
    match &told.event {
        Event::Tls { inbound: true, version, cipher, .. } => draft.tls = Some((version, *cipher)),
        Event::Tls { inbound: false, peer, version, cipher } => draft.outgoing.session(told, *peer, (version, *cipher)),
        Event::ConnectFailed { .. } => {
            draft.outgoing.waits(told, Some(draft.warnings.len()));
            draft.warn(Some("connect"), &told.line.text);
        }
        Event::Warning { text } => {
            // The remote server's words (`host mx.example.net[192.0.2.25] said: 450 …`) are about the recipient of the
            // next record.
            if told.own {
                draft.outgoing.waits(told, Some(draft.warnings.len()));
            }
            let (code, dsn) = parse::postfix::remote_reply(text);
            draft.warnings.push(Remark {
                stage: None,
                code,
                dsn: dsn.map(Text::from),
                text: (*text).into(),
                recipient: None,
            });
        }
        Event::Aborted { peer, stage, .. } if told.own => {
            draft.aborted = true;
            draft.client(*peer);
            draft.warn(Some(stage), &told.line.text);
        }
        Event::SaslFailed { peer, user, method, .. } if told.own => {
            draft.client(*peer);
            draft.refused_user = draft.refused_user.or(*user);
            draft.auth_method = draft.auth_method.or(*method);
            draft.warn(Some("auth"), &told.line.text);
        }
        Event::SaslLogin { user, method, .. } => {
            draft.user = draft.user.or(*user);
            draft.auth_method = draft.auth_method.or(*method);
        }
        _ => {}
    }
}

/// Adds a delivery record: the outcome for one recipient.
fn delivery<'a>(draft: &mut Draft<'a>, told: &Told<'a>, record: &Delivery<'a>) {
    let time = told.line.time;
    // Some log transports cut `postfix/smtp` to its first part; then the agent is unknown.
    let agent = told.line.program.rsplit_once('/').map(|(_, agent)| agent);
    let reply = Some(record.reply).filter(|r| !r.is_empty());
    let peer = parse::postfix::relay(record.relay);
    let status = match record.status {
        DeliveryStatus::Sent if is_discarded(agent, record) => RecipientStatus::Discarded,
        DeliveryStatus::Sent => match parse::postfix::forwarded_queue_id(record.reply) {
            Some(child) => {
                draft.link(Rel::Child, child, Some(&told.line.host));
                RecipientStatus::Expanded
            }
            None => RecipientStatus::Sent,
        },
        DeliveryStatus::Deferred => RecipientStatus::Deferred,
        DeliveryStatus::Bounced => RecipientStatus::Bounced,
        DeliveryStatus::Deliverable => RecipientStatus::Deliverable,
        DeliveryStatus::Undeliverable => RecipientStatus::Undeliverable,
        DeliveryStatus::Unknown => RecipientStatus::Unknown,
    };
    let queued_as = match status {
        RecipientStatus::Sent => parse::postfix::reply_queue_id(record.reply),
        _ => None,
    };
    if let Some(id) = queued_as {
        draft.link(Rel::Next, id, next_host(peer));
    }
    let is_reused = record.conn_use.is_some_and(|n| n > 1);
    let tls = draft.outgoing.record(told, peer, is_reused, || hash64(&[shown(record.to)]));
    if draft.implied_arrival.is_none() {
        draft.implied_arrival = record.delay.map(|delay| time.plus(-((delay * 1000.0) as i64)));
    }
    let attempt = Attempt {
        time,
        status,
        dsn: record.dsn,
        relay: Some(record.relay),
        peer,
        reply,
        transport: agent,
        delay_s: record.delay,
        delays: record.delays,
        queued_as,
        tls,
    };
    let to = shown(record.to);
    let (to, orig_to) = (to.into(), record.orig_to.map(Into::into));
    match thin::is_brief(draft.queue_id, &told.line.text) {
        true => draft.recipients.add_brief(to, orig_to, Attempt { reply: None, relay: None, ..attempt }),
        false => draft.recipients.add(to, orig_to, attempt),
    }
}

/// Whether a record says that the message was thrown away: by discard(8) or by a content filter. A log transport may
/// have cut the agent name, but every other agent that delivers names a relay.
fn is_discarded(agent: Option<&str>, record: &Delivery<'_>) -> bool {
    agent == Some("discard") || record.relay == "none" || is_discard(record.reply)
}

/// Whether a reply says that a content filter accepted the message and discarded it: `250 2.7.0 Ok, discarded`
/// (amavis).
pub(super) fn is_discard(reply: &str) -> bool {
    // Proxmox's filter says `250 2.7.0 BLOCKED (ID)`.
    reply.starts_with("250 2.7.0") && (reply.contains("discarded") || reply.starts_with("250 2.7.0 BLOCKED"))
        || reply.starts_with("250 2.7.1 Ok, discarded")
}

/// The host that gave the next queue id, named by first label as in documents; `None` if the relay has no name that
/// tells the host.
pub(super) fn next_host(peer: Peer<'_>) -> Option<&str> {
    let name = peer.name.map(|n| n.split('.').next().unwrap_or(n));
    name.filter(|n| !n.is_empty() && n.parse::<u8>().is_err() && *n != "localhost")
}

/// Adds a policy line of this queue id, or a `NOQUEUE: hold|discard` line of its session.
fn decision<'a>(draft: &mut Draft<'a>, told: &Told<'a>, policy: &Policy<'a>) {
    if told.own {
        draft.envelope(policy);
    }
    draft.decided(policy);
    match policy.action {
        Action::Reject | Action::Hangup => {
            draft.rejects.push(remark(policy));
            // Before DATA a refusal is about one recipient or command; from then on it is about the message.
            draft.refused |=
                matches!(policy.stage, "data" | "bdat" | "end-of-message" | "header" | "body" | "mime" | "eom");
        }
        // No delivery record will say why.
        Action::Hold => {
            draft.held = Some(told.line.time);
            draft.warnings.push(remark(policy));
        }
        Action::Discard => {
            draft.discarded = true;
            draft.warnings.push(remark(policy));
        }
        Action::Warn | Action::Change | Action::Redirect => draft.warnings.push(remark(policy)),
        Action::Accept => {}
    }
}

/// An address as documents have it: the null address is `<>`.
pub(super) fn shown(address: &str) -> &str {
    if address.is_empty() { "<>" } else { address }
}

#[cfg(test)]
mod tests;
