//! What filters decide: quarantined, discarded, refused. A server's record that the filter took the message is then no
//! delivery.
//!
//! In: a filter's line.  Out: what it says of the recipients.

use super::{
    draft::Draft,
    named::{Named, Said},
    recipient::{Attempt, is_success},
};
use crate::{
    model::{
        event::{Fate, Filter, Peer},
        transaction::{RecipientStatus, Rel},
    },
    parse::neighbours,
    stitch::life::Told,
};

/// A recipient's status by what a filter did.
pub(super) fn status(fate: Fate) -> RecipientStatus {
    match fate {
        Fate::Passed => RecipientStatus::Sent,
        Fate::Quarantined => RecipientStatus::Quarantined,
        Fate::Discarded => RecipientStatus::Discarded,
        Fate::Rejected => RecipientStatus::Rejected,
        Fate::Bounced => RecipientStatus::Bounced,
        Fate::Deferred => RecipientStatus::Deferred,
    }
}

/// The recipients that a filter's line names.
pub(super) fn recipients<'a>(filter: &Filter<'a>) -> impl Iterator<Item = &'a str> {
    let one = filter.to.filter(|_| filter.list.is_none());
    filter.list.into_iter().flat_map(neighbours::addresses).chain(one)
}

/// The recipients that a filter's line names, for those whom no record tells of. What became of the message, its server says.
pub(super) fn named<'a>(filter: &'a Filter<'a>) -> impl Iterator<Item = Named<'a>> {
    let said = match filter.fate {
        Some(Fate::Quarantined) => Said::Held,
        Some(Fate::Discarded) => Said::Discarded,
        // The server's own line has the reply.
        Some(Fate::Rejected | Fate::Bounced | Fate::Deferred | Fate::Passed) | None => Said::Spoken,
    };
    let named = recipients(filter).filter(|address| !address.is_empty());
    named.map(move |to| Named { to, said, text: filter.verdict })
}

/// A transaction of a filter: what it did is the recipient's record.
pub(super) fn passed_by<'a>(draft: &mut Draft<'a>, filter: &'a Filter<'a>, told: &Told<'a>) {
    let Some(fate) = filter.fate else { return };
    if let Some(id) = filter.queued_as {
        draft.link(Rel::Next, id, Some(&told.line.host));
    }
    for address in recipients(filter) {
        let attempt = Attempt {
            time: told.line.time,
            status: status(fate),
            dsn: None,
            relay: None,
            peer: Peer::default(),
            reply: filter.detail,
            transport: Some(filter.name),
            delay_s: None,
            delays: None,
            queued_as: filter.queued_as,
            tls: None,
        };
        draft.recipients.add(address.into(), None, attempt);
    }
}

/// Puts the word of a filter that took the message out of the queue in the place of `sent`.
pub(super) fn settle(draft: &mut Draft<'_>) {
    for filter in std::mem::take(&mut draft.fates) {
        let Some(fate) = filter.fate.filter(|fate| filter.takes && *fate != Fate::Passed) else { continue };
        let named: Vec<&str> = recipients(filter).collect();
        for person in draft.recipients.iter_mut() {
            let is = |address: &str| named.iter().any(|name| name.eq_ignore_ascii_case(address));
            let meant = named.is_empty() || is(&person.address) || person.orig_to.as_deref().is_some_and(is);
            if meant && (is_success(person.status()) || person.status() == RecipientStatus::Discarded) {
                person.settled = Some(status(fate));
            }
        }
    }
}
