//! Applies what filters decide: quarantined, discarded, refused. The server's record that such a filter took the
//! message is then not a delivery.
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

/// The recipient status for a filter's action.
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

/// The recipients that a filter's line names, for those without a delivery record. The fate of the message is taken
/// from the server's lines.
pub(super) fn named<'a>(filter: &'a Filter<'a>) -> impl Iterator<Item = Named<'a>> {
    let said = match filter.fate {
        Some(Fate::Quarantined) => Said::Held,
        Some(Fate::Discarded) => Said::Discarded,
        // The server's own line has the reply, so these are only named.
        Some(Fate::Rejected | Fate::Bounced | Fate::Deferred | Fate::Passed) | None => Said::Spoken,
    };
    let named = recipients(filter).filter(|address| !address.is_empty());
    named.map(move |to| Named { to, said, text: filter.verdict })
}

/// For a filter with a queue id of its own: records what it did as an attempt of each recipient, and links the next
/// queue id.
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

/// Overrides the status of recipients, if it is a success or `discarded`, by the fate that a filter decided when it
/// took the message out of the queue.
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

#[cfg(test)]
mod tests {
    use crate::{
        model::transaction::{RecipientStatus as S, RecipientStatus::*},
        stitch::testing::document,
    };

    /// Checks the statuses of recipients whose postfix records follow this line of a filter.
    #[track_caller]
    fn check(filter: &str, records: &[(&str, &str)], expected: &[S]) {
        let record = |(to, status): &(&str, &str)| {
            format!(
                "2 mx1 postfix/smtp[3]: 4F1A2B3C4D: to=<{to}>, relay=filter[127.0.0.1]:10024, delay=1, dsn=2.0.0, status={status} (x)\n"
            )
        };
        let log: String = records.iter().map(record).collect();
        let t = document(&format!("1 mx1 {filter}\n{log}"));
        let found: Vec<S> = t.mail.recipients.iter().map(|r| r.status).collect();
        assert_eq!(found, expected, "{filter} {records:?}");
    }

    const AMAVIS: &str = "amavis[9]: (1-2) Blocked SPAM {DiscardedInbound,Quarantined}, [192.0.2.7]:4 <a@example.org> -> <B@example.net>, Queue-ID: 4F1A2B3C4D, Message-ID: <1@example.org>, Hits: 9, 1 ms";

    #[test]
    fn a_filter_that_took_the_message_decides_for_those_that_it_names() {
        check(AMAVIS, &[("b@example.net", "sent"), ("c@example.net", "sent")], &[Quarantined, Sent]);
        check(AMAVIS, &[("b@example.net", "deferred"), ("c@example.net", "bounced")], &[Deferred, Bounced]);
    }

    #[test]
    fn a_filter_that_names_nobody_decides_for_all() {
        let filter = "MailScanner[9]: Spam Actions: message 4F1A2B3C4D.AFE5C actions are ";
        let records = [("b@example.net", "sent"), ("c@example.net", "sent")];
        check(&format!("{filter}store"), &records, &[Quarantined, Quarantined]);
        check(&format!("{filter}deliver,store"), &records, &[Sent, Sent]);
    }

    /// The server need not follow a milter's advice.
    #[test]
    fn a_filter_that_only_advises_takes_nothing_back() {
        let filter = "rspamd[9]: <a1b2c3>; proxy; rspamd_task_write_log: id: <1@example.org>, qid: <4F1A2B3C4D>, ip: 192.0.2.7, from: <a@example.org>, \
                      (default: T (reject): [17.50/15.00] [BAYES_SPAM(5.10){99.9%;}]), len: 2345, rcpts: <b@example.net>";
        check(filter, &[("b@example.net", "sent")], &[Sent]);
    }
}
