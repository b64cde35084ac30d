//! Recipients that no delivery record tells of, and that other lines name: refused, held, discarded, redirected, removed by a
//! milter, warned about. Whoever looks for such a mail has no more than this address.
//!
//! In: a draft that was summed up.  Out: recipients beside those of its records.

use super::{draft::Draft, recipient::is_final, status::is_held};
use crate::model::{
    Text,
    transaction::{Recipient, RecipientStatus, Relay, Remark, Status, Tls},
};
use std::collections::{BTreeMap, HashSet};

/// What was said of a recipient; of several things the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    /// `warn`, `prepend`, `bcc`, … : nothing of its fate.
    Spoken,
    Refused,
    /// The message went to another address instead.
    Redirected,
    Held,
    Discarded,
    /// A milter took it out of the envelope.
    Removed,
}

/// A recipient that a line names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub to: &'a str,
    pub said: Said,
    pub text: &'a str,
}

/// Recipients that are none of `recorded`, sorted by address.
pub(super) fn beside(recorded: &[Recipient], rejects: &[Remark], draft: &Draft<'_>) -> Vec<Recipient> {
    if draft.named.is_empty() && rejects.is_empty() {
        return Vec::new();
    }
    let known: HashSet<Text> = recorded
        .iter()
        .flat_map(|r| [Some(&r.address), r.orig_to.as_ref()])
        .flatten()
        .map(|a| a.to_lowercase())
        .collect();
    // Under another name, an alias say, its record may be there.
    let is_missing = recorded.is_empty() || draft.nrcpt.is_some_and(|nrcpt| nrcpt > recorded.len() as u64);
    let mut found: BTreeMap<Text, (Said, Recipient)> = BTreeMap::new();
    let mut add = |said: Said, recipient: Recipient| {
        let name = recipient.address.to_lowercase();
        if !known.contains(&name) && found.get(&name).is_none_or(|(other, _)| *other < said) {
            found.insert(name, (said, recipient));
        }
    };
    for named in &draft.named {
        let status = match named.said {
            Said::Redirected => RecipientStatus::Expanded,
            Said::Removed => RecipientStatus::Discarded,
            Said::Discarded if draft.discarded => RecipientStatus::Discarded,
            Said::Held if is_held(draft) => RecipientStatus::Held,
            _ if draft.status == Status::Rejected => RecipientStatus::Rejected,
            _ if is_missing => match draft.status {
                Status::Held => RecipientStatus::Held,
                Status::Discarded => RecipientStatus::Discarded,
                _ => RecipientStatus::Unknown,
            },
            _ => continue,
        };
        let done = draft.removed || draft.deleted || draft.canceled || draft.requeued;
        let reply = Some(named.text).filter(|_| named.said != Said::Spoken && status != RecipientStatus::Unknown);
        let recipient = without_attempt(named.to, status, reply);
        add(named.said, Recipient { is_final: is_final(status) || done, ..recipient });
    }
    for reject in rejects {
        let Some(to) = &reject.recipient else { continue };
        let refused = without_attempt(to, RecipientStatus::Rejected, Some(&reject.text));
        add(Said::Refused, Recipient { dsn: reject.dsn.clone(), ..refused });
    }
    found.into_values().map(|(_, recipient)| recipient).collect()
}

/// A recipient whom no delivery was tried for.
pub(super) fn without_attempt(address: &str, status: RecipientStatus, reply: Option<&str>) -> Recipient {
    Recipient {
        address: address.into(),
        orig_to: None,
        status,
        is_final: is_final(status),
        dsn: None,
        reply: reply.map(Into::into),
        relay: Relay::default(),
        transport: None,
        delay_s: None,
        delays_s: None,
        queued_as: None,
        attempts: 0,
        first_attempt: None,
        last_attempt: None,
        tls: Tls::default(),
        history: Vec::new(),
    }
}
