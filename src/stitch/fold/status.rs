//! Sums up a life: its kind, its status, whether it is complete, and the statuses of recipients that records leave
//! open.

use super::{
    draft::Draft,
    fate,
    recipient::{Person, is_final, is_success},
};
use crate::model::transaction::{Kind, Origin, RecipientStatus as R, Rel, Status};
use smallvec::SmallVec;

/// Sums up a draft after all its lines are read.
pub(super) fn settle(draft: &mut Draft<'_>) {
    if draft.origin == Origin::Unknown && draft.has_message_id {
        // Notices and forwards are made inside postfix, without an arrival line: cleanup's line is their first.
        draft.origin = Origin::Internal;
    }
    if let Some((peer, user, method)) = draft.before_filter {
        draft.peer = Some(peer);
        draft.user = user.or(draft.user);
        draft.auth_method = method.or(draft.auth_method);
    }
    close_recipients(draft);
    fate::settle(draft);
    draft.kind = kind(draft);
    if draft.kind != Kind::Message {
        draft.user = draft.user.or(draft.refused_user);
    }
    draft.status = status(draft);
    draft.complete = complete(draft);
}

/// Open recipients of an expired message are expired, unless an operator deleted the message.
fn close_recipients(draft: &mut Draft<'_>) {
    let (expired, deleted) = (draft.expired, draft.deleted);
    for person in draft.recipients.iter_mut() {
        let status = person.status();
        if !is_final(status) && expired && !deleted {
            person.settled = Some(R::Expired);
        }
    }
}

/// Whether a life is a message, a refusal, a filter's hop, or a mere session.
///
/// sendmail gives an id to every session. `size=` is only what the client announced: with `nrcpts=0` no recipient was
/// accepted, so nothing was sent. postfix gives an id with the first recipient that it accepts, and cleanup logs
/// `message-id=` for every message that arrives.
fn kind(draft: &Draft<'_>) -> Kind {
    let some = |n: Option<u64>| n.is_some_and(|n| n > 0);
    let came = !draft.recipients.is_empty()
        || draft.message_id.is_some()
        || some(draft.nrcpt)
        || draft.links.iter().any(|l| l.queue_id.is_some());
    let message = match draft.service_type {
        "sendmail" => came || some(draft.size) && draft.nrcpt != Some(0),
        _ => {
            came || draft.has_message_id
                || draft.queued.is_some()
                || draft.rejects.is_empty()
                || draft.refused
                || is_over(draft)
        }
    };
    match () {
        () if is_probe(draft) => Kind::Session,
        () if draft.is_hop && !draft.arrived && !draft.has_message_id && draft.queued.is_none() => Kind::Filter,
        () if message => Kind::Message,
        () if !draft.rejects.is_empty() => Kind::Reject,
        () => Kind::Session,
    }
}

/// Whether something was done to a queue file, which shows that there was one.
fn is_over(draft: &Draft<'_>) -> bool {
    let done = draft.removed || draft.canceled || draft.deleted || draft.requeued || draft.expired;
    done || draft.discarded || draft.held.is_some()
}

/// Whether postfix only asked a server if it would accept the address (`verify(8)`, `sendmail -bv`): no mail is sent.
fn is_probe(draft: &Draft<'_>) -> bool {
    let asked = |p: &Person<'_>| matches!(p.status(), R::Deliverable | R::Undeliverable);
    !draft.recipients.is_empty() && draft.recipients.iter().all(asked)
}

fn status(draft: &Draft<'_>) -> Status {
    if is_probe(draft) {
        return Status::Unknown;
    }
    if draft.kind == Kind::Reject {
        return Status::Rejected;
    }
    if draft.deleted {
        return Status::Deleted;
    }
    let statuses: SmallVec<[R; 8]> = draft.recipients.iter().map(|p| p.status()).collect();
    if statuses.is_empty() {
        return without_recipients(draft);
    }
    if is_held(draft) || statuses.contains(&R::Held) {
        return Status::Held;
    }
    if draft.discarded && statuses.iter().all(|s| !is_success(*s)) {
        return Status::Discarded;
    }
    // Recipients without a logged attempt keep the message in the queue, unless it was removed. This holds for postfix
    // only: sendmail also counts addresses of VRFY and EXPN as recipients.
    let missing = draft.service_type == "postfix" && draft.nrcpt.is_some_and(|n| n > ends(draft));
    if statuses.iter().all(|s| is_final(*s)) && !missing {
        return sum(&statuses);
    }
    match () {
        () if draft.requeued => Status::Requeued,
        () if draft.removed => with_gaps(&statuses),
        () if statuses.contains(&R::Deferred) => Status::Deferred,
        () if draft.queued.is_some() => Status::Queued,
        () => Status::Unknown,
    }
}

/// The number of envelope recipients that the records account for. A client may name an address twice, each time with
/// another `ORCPT`: then two records end it.
fn ends(draft: &Draft<'_>) -> u64 {
    let of = |p: &Person<'_>| p.attempts.iter().filter(|a| is_final(a.status)).count().max(1) as u64;
    draft.recipients.iter().map(of).sum()
}

/// The status of a removed message if the outcome of some recipients was not logged: it may have been any.
fn with_gaps(statuses: &[R]) -> Status {
    let reached = statuses.iter().any(|s| is_success(*s));
    let failed = statuses.iter().any(|s| is_final(*s) && !is_success(*s));
    if reached && failed { Status::Partial } else { Status::Unknown }
}

/// The status of a message whose recipients are all final.
fn sum(statuses: &[R]) -> Status {
    let all = |wanted: fn(R) -> bool| statuses.iter().all(|s| wanted(*s));
    match () {
        () if all(is_success) => Status::Delivered,
        () if statuses.iter().any(|s| is_success(*s)) => Status::Partial,
        () if all(|s| s == R::Discarded) => Status::Discarded,
        () if all(|s| matches!(s, R::Quarantined | R::Discarded)) => Status::Quarantined,
        () if all(|s| s == R::Expired) => Status::Expired,
        () if all(|s| s == R::Rejected) => Status::Rejected,
        () => Status::Bounced,
    }
}

fn without_recipients(draft: &Draft<'_>) -> Status {
    match () {
        () if is_held(draft) => Status::Held,
        () if draft.discarded => Status::Discarded,
        () if draft.expired => Status::Expired,
        () if draft.refused && draft.queued.is_none_or(|_| draft.service_type == "sendmail") => Status::Rejected,
        () if draft.bounced => Status::Bounced,
        () if draft.requeued => Status::Requeued,
        // sendmail logs `from=` for aborted messages too; they were never in the queue.
        () if draft.service_type == "sendmail" && (draft.aborted || is_empty(draft)) => Status::Unknown,
        // For a list with an owner, sendmail delivers under the id of a clone.
        () if draft.links.iter().any(|l| l.rel == Rel::Child) => Status::Delivered,
        () if draft.queued.is_some() && !draft.removed && draft.nrcpt != Some(0) => Status::Queued,
        () => Status::Unknown,
    }
}

/// Whether nothing followed the envelope: sendmail logs a size and a Message-ID for everything with a header.
fn is_empty(draft: &Draft<'_>) -> bool {
    draft.size == Some(0) && draft.message_id.is_none()
}

/// Whether the message is on hold: not released, active or removed since.
pub(super) fn is_held(draft: &Draft<'_>) -> bool {
    let Some(held) = draft.held else { return false };
    let active = match draft.service_type {
        "postfix" => draft.queued,
        // sendmail tries nothing that is in quarantine, so a later final attempt shows a release.
        _ => draft.recipients.iter().filter_map(|p| p.last()).filter(|a| is_final(a.status)).map(|a| a.time).max(),
    };
    draft.released.is_none_or(|t| t < held) && active.is_none_or(|t| t <= held) && !draft.removed
}

/// Whether both ends were seen: for postfix the arrival and the removal; for sendmail `from=`, and the removal or a
/// final status of every recipient.
fn complete(draft: &Draft<'_>) -> bool {
    let ended = draft.removed || draft.canceled || draft.deleted || draft.requeued;
    if draft.service_type == "postfix" {
        return (draft.arrived || draft.origin == Origin::Internal) && ended;
    }
    let settled = draft.recipients.iter().filter(|p| is_final(p.status())).count() as u64;
    draft.arrived && (ended || (settled > 0 && draft.nrcpt.is_some_and(|n| settled >= n)))
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{
            Transaction,
            transaction::{Kind, Status},
        },
        stitch::testing::document,
    };

    /// The document of a message with these lines of one program, one second apart.
    #[track_caller]
    fn message(program: &str, id: &str, texts: &[&str]) -> Transaction {
        let line = |(n, text): (usize, &&str)| format!("{} mx1 {program}[1]: {id}: {text}\n", n + 1);
        document(&texts.iter().enumerate().map(line).collect::<String>())
    }

    /// Checks the status of a postfix message.
    #[track_caller]
    fn check(texts: &[&str], expected: Status) {
        assert_eq!(message("postfix/x", "4F1A2B3C4D", texts).mail.status, expected, "{texts:?}");
    }

    /// Checks the status of a sendmail message.
    #[track_caller]
    fn check_sendmail(texts: &[&str], expected: Status) {
        assert_eq!(message("sendmail", "6AMK00Zx042166", texts).mail.status, expected, "{texts:?}");
    }

    const CLIENT: &str = "client=c.example.org[192.0.2.7]";
    const QUEUED: &str = "from=<a@example.org>, size=900, nrcpt=1 (queue active)";
    const TWO: &str = "from=<a@example.org>, size=900, nrcpt=2 (queue active)";
    const SENT: &str = "to=<b@example.net>, relay=x[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (ok)";
    const BOUNCED: &str = "to=<c@example.net>, relay=x[192.0.2.2]:25, delay=1, dsn=5.1.1, status=bounced (no)";
    const LATER: &str = "to=<b@example.net>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)";
    const EXPIRED: &str = "from=<a@example.org>, status=expired, returned to sender";

    #[test]
    fn recipients_add_up() {
        check(&[CLIENT, QUEUED], Status::Queued);
        check(&[CLIENT, QUEUED, SENT], Status::Delivered);
        check(&[CLIENT, TWO, SENT], Status::Queued);
        check(&[CLIENT, TWO, SENT, "removed"], Status::Unknown);
        check(&[CLIENT, TWO, SENT, BOUNCED], Status::Partial);
        check(&[CLIENT, QUEUED, BOUNCED], Status::Bounced);
        check(&[CLIENT, QUEUED, LATER], Status::Deferred);
        check(&[CLIENT, QUEUED, LATER, SENT], Status::Delivered);
        check(&[CLIENT, QUEUED, LATER, EXPIRED], Status::Expired);
        check(&[CLIENT], Status::Unknown);
        check(&[CLIENT, "to=<b@example.net>, relay=none, delay=1, status=flurble (x)"], Status::Unknown);
        check(&[CLIENT, QUEUED, EXPIRED], Status::Expired);
    }

    /// From DATA on, a refusal is about the message. A refusal by the SMTP client's header checks is about a queued
    /// message, and is logged before its delivery record.
    #[test]
    fn a_message_refused_whole_never_was_in_the_queue() {
        let milter = "milter-reject: END-OF-MESSAGE from c.example.org[192.0.2.7]: 5.7.1 no; from=<a@example.org>";
        check(&[CLIENT, milter], Status::Rejected);
        check(&[CLIENT, QUEUED, "reject: header Subject: x"], Status::Queued);
        let from = "from=<a@example.org>, size=900, class=0, nrcpts=1, msgid=<1@example.org>, relay=c [192.0.2.7]";
        check_sendmail(&[from], Status::Queued);
        check_sendmail(&["Milter: data, reject=554 5.7.1 Command rejected", from], Status::Rejected);
    }

    #[test]
    fn without_size_and_message_id_nothing_came_after_the_envelope() {
        let from = |size: u32| format!("from=<a@example.org>, size={size}, class=0, nrcpts=1, relay=c [192.0.2.7]");
        check_sendmail(&[&from(0)], Status::Unknown);
        check_sendmail(&[&from(9)], Status::Queued);
    }

    #[test]
    fn sendmail_holds_what_is_in_quarantine() {
        let from = "from=<a@example.org>, size=9, class=0, nrcpts=1, relay=c [192.0.2.7]";
        check_sendmail(&[from, "to=NO-TO-LIST, delay=00:00:01, quarantine=odd, stat=queued"], Status::Held);
        check_sendmail(&[from, "to=NO-TO-LIST, delay=00:00:01, stat=quarantined"], Status::Held);
        check_sendmail(&[from, "to=NO-TO-LIST, delay=00:00:01, stat=queued"], Status::Queued);
    }

    /// sendmail runs the ruleset check_compat for each recipient.
    #[test]
    fn a_discard_for_one_recipient_undoes_no_delivery() {
        let discard = "ruleset=check_compat, arg1=<a@example.org>, arg2=<b@example.net>, relay=c [192.0.2.7], discard";
        let to = |rest: &str| format!("to=<c@example.net>, delay=00:00:01, mailer=esmtp, {rest}");
        check_sendmail(&[discard, &to("dsn=2.0.0, stat=Sent (ok)")], Status::Delivered);
        check_sendmail(&[discard, &to("dsn=4.4.1, stat=Deferred")], Status::Discarded);
        check_sendmail(&[discard], Status::Discarded);
    }

    /// smtpd gives an id with the first recipient that it accepts; the lines that show this recipient may be lost.
    #[test]
    fn a_refusal_is_part_of_a_message_where_there_was_a_queue_file() {
        let kind = |program: &str, text: &str| {
            let refused = "reject: RCPT from c.example.org[192.0.2.7]: 550 5.1.1 no; from=<a@example.org> to=<x@example.net> proto=ESMTP helo=<c>";
            document(&format!(
                "1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: {CLIENT}
                 2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: {refused}
                 3 mx1 postfix/{program}[2]: 4F1A2B3C4D: {text}"
            ))
            .mail
            .kind
        };
        for (program, text) in [
            ("qmgr", "removed"),
            ("qmgr", EXPIRED),
            ("cleanup", "removed (canceled)"),
            ("postsuper", "removed"),
            ("postsuper", "requeued"),
            ("postsuper", "placed on hold"),
            ("smtpd", "discard: RCPT from c.example.org[192.0.2.7]: x; from=<a@example.org> to=<b@example.net>"),
            ("smtp", SENT),
        ] {
            assert_eq!(kind(program, text), Kind::Message, "{program}: {text}");
        }
        assert_eq!(kind("smtpd", "lost connection after RCPT from c.example.org[192.0.2.7]"), Kind::Reject);
    }

    /// postsuper -h, -H and -d. A released message has the status that its other lines give it.
    #[test]
    fn held_is_what_was_not_released_since() {
        check(&[CLIENT, QUEUED, "placed on hold"], Status::Held);
        check(&[CLIENT, QUEUED, LATER, "placed on hold"], Status::Held);
        check(&[CLIENT, QUEUED, "placed on hold", "released from hold"], Status::Queued);
        check(&[CLIENT, "placed on hold", "released from hold"], Status::Unknown);
        check(&[CLIENT, QUEUED, LATER, "placed on hold", "released from hold"], Status::Deferred);
        check(&[CLIENT, QUEUED, "placed on hold", "released from hold", "placed on hold"], Status::Held);
        // The queue manager takes no message that is on hold, so this one was released.
        check(&[CLIENT, "placed on hold", QUEUED], Status::Queued);
        check(&[CLIENT, QUEUED, LATER, "placed on hold", "removed"], Status::Unknown);
    }

    /// With stamps of whole seconds, the hold is taken to come before the release.
    #[test]
    fn of_one_moment_the_release_is_the_last() {
        let t = document(&format!(
            "1 mx1 postfix/qmgr[1]: 4F1A2B3C4D: {QUEUED}
             2 mx1 postfix/postsuper[2]: 4F1A2B3C4D: placed on hold
             2 mx1 postfix/postsuper[3]: 4F1A2B3C4D: released from hold"
        ));
        assert_eq!(t.mail.status, Status::Queued);
    }

    /// Even if the line that ends the quarantine is lost.
    #[test]
    fn mail_of_sendmail_that_went_out_is_in_quarantine_no_more() {
        let log = |last: &str| {
            format!(
                "1 mx1 sm-mta[1]: 6AMKK5jq012345: from=<a@example.org>, size=9, nrcpts=1
                 2 mx1 sm-mta[1]: 6AMKK5jq012345: Milter: header, quarantine=looks odd
                 3 mx1 sm-mta[1]: 6AMKK5jq012345: to=<b@example.net>, mailer=esmtp, quarantine=looks odd, stat=quarantined
                 {last}"
            )
        };
        assert_eq!(document(&log("")).mail.status, Status::Held);
        let sent = "9 mx1 sm-mta[2]: 6AMKK5jq012345: to=<b@example.net>, mailer=esmtp, relay=mx.example.net. [192.0.2.25], dsn=2.0.0, stat=Sent (ok)";
        assert_eq!(document(&log(sent)).mail.status, Status::Delivered);
    }

    #[test]
    fn an_operator_deletes_whatever_the_state() {
        let log =
            format!("1 mx1 postfix/qmgr[1]: 4F1A2B3C4D: {QUEUED}\n2 mx1 postfix/postsuper[1]: 4F1A2B3C4D: removed\n");
        assert_eq!(document(&log).mail.status, Status::Deleted);
    }

    #[test]
    fn both_ends_make_it_complete() {
        let complete = |texts: &[&str]| message("postfix/x", "4F1A2B3C4D", texts).mail.complete;
        assert!(complete(&[CLIENT, QUEUED, SENT, "removed"]));
        assert!(complete(&["message-id=<1@x>", QUEUED, SENT, "removed"]), "made inside");
        assert!(!complete(&[QUEUED, SENT, "removed"]));
        assert!(!complete(&[CLIENT, QUEUED, SENT]));
        let complete = |texts: &[&str]| message("sendmail", "6AMK00Zx042166", texts).mail.complete;
        let from = |nrcpts: u32| format!("from=<a@example.org>, size=9, class=0, nrcpts={nrcpts}, relay=c [192.0.2.7]");
        let sent = "to=<b@example.net>, delay=00:00:01, mailer=esmtp, dsn=2.0.0, stat=Sent (ok)";
        assert!(complete(&[&from(1), sent]));
        assert!(!complete(&[sent]));
        assert!(!complete(&[&from(2), sent]));
        assert!(complete(&[&from(2), sent, "done; delay=00:00:01, ntries=1"]));
    }
}
