//! Recipients without a delivery record that other lines name: refused, held, discarded, redirected, removed by a
//! milter, warned about. Whoever looks for such a mail may know only this address.
//!
//! In: a settled draft.  Out: recipients in addition to those of its records.

use super::{draft::Draft, recipient::is_final, status::is_held};
use crate::model::{
    Text,
    transaction::{Recipient, RecipientStatus, Relay, Remark, Status, Tls},
};
use std::{
    cell::LazyCell,
    collections::{BTreeMap, HashSet},
};

/// A statement about a recipient. If lines differ, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    /// `warn`, `prepend`, `bcc`, …: nothing about its fate.
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

/// The named recipients that are not in `recorded`, sorted by address.
pub(super) fn beside(recorded: &[Recipient], rejects: &[Remark], draft: &Draft<'_>) -> Vec<Recipient> {
    if draft.named.is_empty() && rejects.is_empty() {
        return Vec::new();
    }
    // Lazy: filters mostly name recipients that have a record, and the loop skips these without a look-up.
    let known: LazyCell<HashSet<Text>, _> = LazyCell::new(|| {
        let names = recorded.iter().flat_map(|r| [Some(&r.address), r.orig_to.as_ref()]);
        names.flatten().map(|a| a.to_lowercase()).collect()
    });
    let is_held = is_held(draft);
    // A named recipient may have its record under another name, such as an alias; it counts only if a record is
    // missing.
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
            Said::Held if is_held => RecipientStatus::Held,
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

/// A recipient without a delivery attempt.
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

#[cfg(test)]
mod tests {
    use crate::{
        model::{
            Transaction,
            transaction::{RecipientStatus as S, RecipientStatus::*},
        },
        stitch::testing::document,
    };

    const CLIENT: &str = "client=c.example.org[192.0.2.7]";
    const SENT: &str = "to=<b@example.net>, relay=x[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (ok)";

    #[track_caller]
    fn message(texts: &[&str]) -> Transaction {
        let line = |(n, text): (usize, &&str)| format!("{} mx1 postfix/x[1]: 4F1A2B3C4D: {text}\n", n + 1);
        document(&texts.iter().enumerate().map(line).collect::<String>())
    }

    /// A decision of smtpd at RCPT.
    fn said(action: &str, to: &str, text: &str) -> String {
        format!(
            "{action}: RCPT from c.example.org[192.0.2.7]: {text}; from=<a@example.org> to=<{to}> proto=ESMTP helo=<c>"
        )
    }

    #[track_caller]
    fn check(texts: &[&str], expected: &[(&str, S)]) {
        let t = message(texts);
        let found: Vec<_> = t.mail.recipients.iter().map(|r| (&*r.address, r.status)).collect();
        assert_eq!(found, expected, "{texts:?}");
    }

    /// For example an alias, whose record has another name.
    #[test]
    fn a_name_without_a_record_is_a_recipient_where_records_are_missing() {
        let queued = |nrcpt: u32| format!("from=<a@example.org>, size=900, nrcpt={nrcpt} (queue active)");
        let warned = said("warn", "list@example.net", "x");
        check(&[CLIENT, &warned, &queued(1), SENT], &[("b@example.net", Sent)]);
        check(&[CLIENT, &warned, &queued(2), SENT], &[("b@example.net", Sent), ("list@example.net", Unknown)]);
        check(&[CLIENT, &warned, &queued(1)], &[("list@example.net", Unknown)]);
        check(&[CLIENT, &said("warn", "B@example.net", "x"), &queued(2), SENT], &[("b@example.net", Sent)]);
    }

    #[test]
    fn of_what_was_said_of_a_recipient_the_greatest_counts() {
        let [warn, reject, redirect, hold, discard] =
            ["warn", "reject", "redirect", "hold", "discard"].map(|action| said(action, "b@example.net", "x"));
        for (one, other, status) in [
            (&warn, &reject, Rejected),
            (&reject, &redirect, Expanded),
            (&warn, &hold, Held),
            (&reject, &hold, Held),
            (&hold, &discard, Discarded),
        ] {
            check(&[CLIENT, one, other], &[("b@example.net", status)]);
            check(&[CLIENT, other, one], &[("b@example.net", status)]);
        }
    }

    #[test]
    fn of_several_refusals_the_first_is_the_reason() {
        let texts = ["550 5.1.1 unknown", "450 4.2.0 too many"].map(|text| said("reject", "b@example.net", text));
        let t = message(&[CLIENT, &texts[0], &texts[1]]);
        let b = &t.mail.recipients[0];
        assert_eq!((b.dsn.as_deref(), b.reply.as_deref()), (Some("5.1.1"), Some("unknown")));
    }

    #[test]
    fn no_attempt_follows_where_the_message_is_gone() {
        let is_final = |program: &str, text: &str| {
            let warned = said("warn", "b@example.net", "x");
            let log =
                format!("1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: {warned}\n2 mx1 postfix/{program}[2]: 4F1A2B3C4D: {text}");
            document(&log).mail.recipients[0].is_final
        };
        assert!(!is_final("postsuper", "released from hold"));
        for (program, text) in [
            ("qmgr", "removed"),
            ("postsuper", "removed"),
            ("cleanup", "removed (canceled)"),
            ("postsuper", "requeued"),
        ] {
            assert!(is_final(program, text), "{program}: {text}");
        }
    }
}
