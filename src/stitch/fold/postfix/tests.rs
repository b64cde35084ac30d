//! Postfix lines, and the documents that they lead to.

use super::*;
use crate::{
    model::{Line, Parsed, Transaction, transaction::Status},
    stitch::{
        Reading,
        life::Life,
        testing::{at, document, lines},
    },
};

/// The document of a message with these lines, one second apart, each given as `PROGRAM TEXT`.
#[track_caller]
fn of(texts: &[&str]) -> Transaction {
    let line = |(n, line): (usize, &&str)| {
        let (program, text) = line.split_once(' ').expect("a program and a text");
        format!("{} mx1 postfix/{program}[{n}]: 4F1A2B3C4D: {text}\n", n + 1)
    };
    document(&texts.iter().enumerate().map(line).collect::<String>())
}

fn warnings(t: &Transaction) -> Vec<(Option<&str>, &str)> {
    t.mail.warnings.iter().map(|w| (w.stage.as_deref(), &*w.text)).collect()
}

fn links(t: &Transaction) -> Vec<(Rel, Option<&str>, Option<&str>)> {
    t.mail.links.iter().map(|l| (l.rel, l.queue_id.as_deref(), l.host.as_deref())).collect()
}

const CLIENT: &str = "smtpd client=c.example.org[192.0.2.7]";
const QUEUED: &str = "qmgr from=<a@example.org>, size=900, nrcpt=1 (queue active)";
const LATER: &str =
    "smtp to=<b@example.net>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (timed out)";
const REMOVED: &str = "qmgr removed";

/// Asks a draft that has read this one line. `own`: the line names the message; `of_another`: it names another one.
fn after<T>(line: &Line, own: bool, of_another: bool, ask: impl Fn(&Draft<'_>) -> T) -> T {
    let Reading { family, parsed, .. } = Reading::new(line);
    let Parsed::Event { event, .. } = parsed else { panic!("not understood: {}", line.text) };
    let told = Told { line, family, event: &event, own, of_another, joined: false };
    let mut draft = Draft::new("4F1A2B3C4D", &Life::of(vec![&told]));
    read(&mut draft, &told);
    ask(&draft)
}

#[test]
fn only_a_line_of_the_message_or_of_its_session_names_the_client() {
    let client = &lines("1 mx1 postfix/smtpd[11]: NOQUEUE: client=c.example.org[192.0.2.7]")[0];
    let named = |draft: &Draft<'_>| (draft.peer.is_some(), draft.before_filter.is_some());
    assert_eq!(after(client, true, false, named), (true, false));
    assert_eq!(after(client, false, false, named), (false, true));
    assert_eq!(after(client, false, true, named), (false, false));
    let lost = &lines("1 mx1 postfix/smtpd[11]: lost connection after DATA (9 bytes) from c.example.org[192.0.2.7]")[0];
    let aborted = |draft: &Draft<'_>| (draft.aborted, draft.peer.is_some(), draft.warnings.len());
    assert_eq!(after(lost, true, false, aborted), (true, true, 1));
    assert_eq!(after(lost, false, false, aborted), (false, false, 0));
    let failed =
        &lines("1 mx1 postfix/smtpd[11]: warning: c.example.org[192.0.2.7]: SASL PLAIN authentication failed: no")[0];
    let refused = |draft: &Draft<'_>| (draft.auth_method.is_some(), draft.peer.is_some(), draft.warnings.len());
    assert_eq!(after(failed, true, false, refused), (true, true, 1));
    assert_eq!(after(failed, false, false, refused), (false, false, 0));
}

#[test]
fn a_login_of_the_session_is_the_messages() {
    let t = document(
        "1 mx1 sm-mta[11]: AUTH=server, relay=c.example.org [192.0.2.7], authid=alice, mech=PLAIN, bits=0
         2 mx1 sm-mta[11]: 7AMJ0c7Q012345: from=<a@example.org>, size=9, class=0, nrcpts=1, msgid=<1@example.org>, proto=ESMTP, daemon=MTA, relay=c.example.org [192.0.2.7]",
    );
    assert_eq!((t.user.name.as_deref(), t.mail.auth.method.as_deref()), (Some("alice"), Some("PLAIN")));
}

#[test]
fn the_queue_manager_names_sender_size_and_recipients() {
    let t = of(&[
        CLIENT,
        "qmgr from=<>, size=900, nrcpt=3 (queue active)",
        "qmgr from=<>, size=900, nrcpt=1 (queue active)",
    ]);
    assert_eq!((t.email.from.address.as_deref(), t.mail.size, t.mail.nrcpt), (Some("<>"), Some(900), Some(3)));
    assert_eq!((t.mail.status, t.mail.kind), (Status::Queued, crate::model::transaction::Kind::Message));
}

#[test]
fn an_expired_message_has_a_sender_and_no_open_recipient() {
    let t = of(&[LATER, "qmgr from=<a@example.org>, status=expired, returned to sender", REMOVED]);
    assert_eq!((t.email.from.address.as_deref(), t.mail.status), (Some("a@example.org"), Status::Expired));
    // The line names the sender of the queue file; a sender that was known before stays.
    let t = of(&[QUEUED, LATER, "qmgr from=<x@example.org>, status=expired, returned to sender"]);
    assert_eq!(t.email.from.address.as_deref(), Some("a@example.org"));
}

#[test]
fn cleanup_tells_whether_what_it_dropped_was_taken() {
    let t = of(&[CLIENT, "cleanup removed (canceled)"]);
    assert_eq!((t.mail.status, t.mail.complete), (Status::Unknown, true));
    assert_eq!(warnings(&t), [(Some("cleanup"), "4F1A2B3C4D: removed (canceled)")]);
    let t = of(&[CLIENT, "cleanup removed (discarded)"]);
    assert_eq!((t.mail.status, t.mail.complete), (Status::Discarded, true));
    let discard = "cleanup discard: header X: y from c.example.org[192.0.2.7]; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>: dropped";
    assert_eq!(of(&[CLIENT, discard, "cleanup removed (canceled)"]).mail.status, Status::Discarded);
}

#[test]
fn an_operator_does_to_a_message_what_postsuper_logs() {
    for (operation, status, complete, warning) in [
        ("postsuper removed", Status::Deleted, true, None),
        ("postsuper placed on hold", Status::Held, false, Some("placed on hold")),
        ("postsuper requeued", Status::Requeued, true, Some("requeued")),
        ("postsuper expired", Status::Expired, false, None),
    ] {
        let t = of(&[CLIENT, QUEUED, LATER, operation]);
        let warned: Vec<_> = warning.map(|text| (Some("postsuper"), text)).into_iter().collect();
        assert_eq!((t.mail.status, t.mail.complete, warnings(&t)), (status, complete, warned), "{operation}");
    }
    let t = of(&[CLIENT, "postsuper placed on hold", "postsuper released from hold"]);
    assert_eq!(t.mail.status, Status::Unknown);
}

#[test]
fn a_filter_that_requeues_a_message_names_the_next_one() {
    let t = document(
        "1 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
         2 mx1 MailScanner[5]: Requeue: 4F1A2B3C4D.AFE5C to 5F1A2B3C4D",
    );
    assert_eq!((t.mail.status, t.mail.complete), (Status::Requeued, true));
    assert_eq!(links(&t), [(Rel::Next, Some("5F1A2B3C4D"), Some("mx1"))]);
}

#[test]
fn a_decision_on_a_message_is_told() {
    let said = "END-OF-MESSAGE from c.example.org[192.0.2.7]: milter says so; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
    let milter = |what: &str| format!("cleanup milter-{what}: {said}");
    let t = of(&[CLIENT, &milter("hold")]);
    assert_eq!((t.mail.status, t.mail.warnings.len(), t.mail.rejects.len()), (Status::Held, 1, 0));
    assert_eq!((t.email.from.address.as_deref(), t.mail.helo.as_deref()), (Some("a@example.org"), Some("c")));
    let t = of(&[CLIENT, &milter("discard")]);
    assert_eq!((t.mail.status, t.mail.warnings.len(), t.mail.rejects.len()), (Status::Discarded, 1, 0));
    let t = of(&[CLIENT, &milter("reject")]);
    assert_eq!((t.mail.status, t.mail.warnings.len(), t.mail.rejects.len()), (Status::Rejected, 0, 1));
    // A refused recipient does not refuse the message.
    let rcpt = "smtpd reject: RCPT from c.example.org[192.0.2.7]: 550 5.1.1 <x@example.net>: unknown; from=<a@example.org> to=<x@example.net> proto=ESMTP helo=<c>";
    let t = of(&[CLIENT, rcpt, QUEUED]);
    assert_eq!((t.mail.status, t.mail.rejects.len()), (Status::Queued, 1));
}

#[test]
fn a_filters_verdict_is_kept() {
    let t = document(
        "1 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
         2 mx1 opendkim[5]: 4F1A2B3C4D: DKIM-Signature field added (s=x, d=example.org)",
    );
    assert_eq!(t.mail.filters.iter().map(|f| &*f.name).collect::<Vec<_>>(), ["opendkim"]);
}

#[test]
fn a_remote_servers_words_are_a_warning_with_code_and_dsn() {
    let t = of(&[
        CLIENT,
        "smtp host mx.example.net[192.0.2.25] said: 450 4.2.0 <b@example.net>: later (in reply to RCPT TO command)",
    ]);
    let warned: Vec<_> = t.mail.warnings.iter().map(|w| (w.stage.as_deref(), w.code, w.dsn.as_deref())).collect();
    assert_eq!(warned, [(None, Some(450), Some("4.2.0"))]);
}

#[test]
fn tls_is_that_of_the_client_or_of_the_next_hop() {
    let t = document(
        "1 mx1 postfix/smtpd[11]: Anonymous TLS connection established from c.example.org[192.0.2.7]: TLSv1.2 with cipher X (256/256 bits)
         2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
         3 mx1 postfix/smtp[13]: Untrusted TLS connection established to mx.example.net[192.0.2.25]:25: TLSv1.3 with cipher Y (256/256 bits)
         4 mx1 postfix/smtp[13]: 4F1A2B3C4D: to=<b@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=2, delays=0/0/1/1, dsn=2.0.0, status=sent (ok)
         4 mx1 postfix/smtp[14]: 4F1A2B3C4D: to=<c@example.net>, relay=mx.example.net[192.0.2.25]:25, conn_use=1, delay=2, delays=0/0/1/1, dsn=2.0.0, status=sent (ok)
         5 mx1 postfix/smtp[15]: 4F1A2B3C4D: to=<d@example.net>, relay=mx.example.net[192.0.2.25]:25, conn_use=2, delay=3, delays=0/0/1/1, dsn=2.0.0, status=sent (ok)",
    );
    let onward: Vec<_> = t.mail.recipients.iter().map(|r| r.tls.version.as_deref()).collect();
    // The first use of a connection opens it; a later use may be of a connection that another process opened.
    assert_eq!((t.tls.version.as_deref(), onward), (Some("TLSv1.2"), vec![Some("TLSv1.3"), None, Some("TLSv1.3")]));
}

#[test]
fn a_record_tells_of_one_recipient() {
    let t = of(&[
        "smtp to=<b@example.net>, relay=mx.example.org[192.0.2.25]:25, delay=2.5, delays=1/0.5/0.4/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D2E3F40)",
    ]);
    let r = &t.mail.recipients[0];
    assert_eq!((&*r.address, r.status, r.transport.as_deref()), ("b@example.net", RecipientStatus::Sent, Some("smtp")));
    assert_eq!(
        (r.reply.as_deref(), r.queued_as.as_deref()),
        (Some("250 2.0.0 Ok: queued as 7C1D2E3F40"), Some("7C1D2E3F40"))
    );
    assert_eq!((links(&t), t.mail.arrival), (vec![(Rel::Next, Some("7C1D2E3F40"), Some("mx"))], Some(at(-1500))));
    let t = of(&["smtp to=<>, relay=none, delay=1, dsn=4.4.1, status=deferred ()"]);
    let r = &t.mail.recipients[0];
    assert_eq!((&*r.address, r.reply.as_deref(), r.status), ("<>", None, RecipientStatus::Deferred));
}

/// See `thin.rs`: only recipient, DSN and status are left of the record.
#[test]
fn a_shortened_record_has_no_reply_and_no_relay() {
    for relay in ["…", "none"] {
        let t = of(&[&format!("smtp to=<b@example.net>, relay={relay}, dsn=4.4.1, status=deferred (…)")]);
        let r = &t.mail.recipients[0];
        assert_eq!((r.status, r.dsn.as_deref(), r.attempts), (RecipientStatus::Deferred, Some("4.4.1"), 1));
        assert_eq!((r.reply.as_deref(), r.relay.name.as_deref(), r.history.len()), (None, None, 0), "{relay}");
    }
}

#[test]
fn a_message_is_thrown_away_by_discard_or_by_a_filter_that_says_so() {
    for (agent, relay, reply, expected) in [
        ("smtp", "mx.example.net[192.0.2.25]:25", "250 2.0.0 Ok", RecipientStatus::Sent),
        ("discard", "none", "silently", RecipientStatus::Discarded),
        ("discard", "discard", "silently", RecipientStatus::Discarded),
        // discard(8) under another transport name.
        ("blackhole", "none", "silently", RecipientStatus::Discarded),
        ("lmtp", "127.0.0.1[127.0.0.1]:10024", "250 2.7.0 Ok, discarded, id=1-2", RecipientStatus::Discarded),
    ] {
        let t = of(&[&format!(
            "{agent} to=<b@example.net>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent ({reply})"
        )]);
        assert_eq!(t.mail.recipients[0].status, expected, "{agent} {relay} {reply}");
    }
    for (reply, expected) in [
        ("250 2.7.0 Ok, discarded, id=1-2", true),
        ("250 2.7.0 BLOCKED (1234)", true),
        ("250 2.7.1 Ok, discarded, id=1-2", true),
        ("250 2.7.0 Ok", false),
        ("250 2.7.1 Ok", false),
        ("250 2.0.0 Ok, discarded", false),
        ("250 2.0.0 BLOCKED (1234)", false),
        ("", false),
    ] {
        assert_eq!(is_discard(reply), expected, "{reply}");
    }
}

#[test]
fn the_next_host_is_the_first_label_of_a_name() {
    for (name, expected) in [
        (Some("mx1.example.net"), Some("mx1")),
        (Some("mx1"), Some("mx1")),
        (Some("localhost"), None),
        (Some("localhost.example.net"), None),
        (Some("192.0.2.25"), None),
        (Some("300.example.net"), Some("300")),
        (Some(""), None),
        (Some(".example.net"), None),
        (None, None),
    ] {
        assert_eq!(next_host(Peer { name, ..Peer::default() }), expected, "{name:?}");
    }
}
