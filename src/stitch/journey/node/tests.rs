use super::*;
use crate::{
    model::transaction::{Mail, Verdict},
    stitch::testing::{at, document, documents},
};

const ARRIVAL: &str = "1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.com[198.51.100.9]\n";

/// A mail with these deliveries: agent, recipient, relay and reply.
fn delivered(deliveries: &[(&str, &str, &str, &str)]) -> Transaction {
    let mut text = ARRIVAL.to_owned();
    for (n, (agent, to, relay, reply)) in deliveries.iter().enumerate() {
        text += &format!(
            "{} mx1 {agent}[2]: 4F1A2B3C4D: to=<{to}>, relay={relay}, delay=1, dsn=2.0.0, status=sent ({reply})\n",
            n + 2
        );
    }
    document(&text)
}

#[test]
fn a_node_is_of_its_document_until_that_says_something_else() {
    let before = document(ARRIVAL);
    let after = delivered(&[("postfix/smtp", "b@example.net", "mx2.example.org[192.0.2.2]:25", "250 ok")]);
    let node = Node::new(&before);
    assert!(node.is_of(&before));
    assert!(!node.is_of(&after));
    // Former Message-IDs say nothing of the document itself.
    assert!(
        Node::new(&before)
            .after(Former { message_ids: vec!["1@example.org".into()], ..Former::default() })
            .is_of(&before)
    );
}

#[test]
fn the_parts_of_a_document_have_the_id_of_the_first_in_common() {
    let doc = document(ARRIVAL);
    let id = doc.mail.id.clone();
    let check = |part: u32, suffix: &str, expected: &str| {
        let mail = Mail { id: format!("{id}{suffix}"), part, ..doc.mail.clone() };
        assert_eq!(base_id(&Transaction { mail, ..doc.clone() }), expected);
    };
    check(0, "", &id);
    check(1, "-1", &id);
    check(12, "-12", &id);
}

#[test]
fn a_mail_store_is_known_by_its_address_for_each_name_of_a_recipient() {
    let doc = delivered(&[
        ("postfix/lmtp", "B@example.net>, orig_to=<all@example.net", "store.example.net[192.0.2.40]:24", "Saved"),
        ("postfix/pipe", "c@example.net", "dovecot", "delivered via dovecot service"),
        ("postfix/smtp", "d@example.net", "mx2.example.org[192.0.2.2]:25", "250 ok"),
    ]);
    let store = Some("192.0.2.40".parse().unwrap());
    let expected = [("all@example.net", store), ("b@example.net", store), ("c@example.net", None)];
    assert_eq!(Node::new(&doc).mailboxes, expected.map(|(name, ip)| (name.into(), ip)).into());
}

const FORWARDED: &str = "1 mx1 dovecot: lmtp(b@example.net)<5><kAD1FdVxzGJqgQgAVWC8bA>: sieve: msgid=<1@example.org>: forwarded to <C@example.org>";

#[test]
fn only_dovecot_says_whom_it_sent_a_mail_on_to() {
    let doc = document(FORWARDED);
    let check = |kind, change: &dyn Fn(&mut Verdict), expected: Option<&str>| {
        let mut filters = doc.mail.filters.clone();
        filters.iter_mut().for_each(change);
        let found = Node::new(&Transaction { mail: Mail { kind, filters, ..doc.mail.clone() }, ..doc.clone() });
        assert_eq!(found.forwarded.as_deref(), expected);
    };
    check(Kind::Filter, &|_| {}, Some("c@example.org"));
    check(Kind::Message, &|_| {}, None);
    check(Kind::Filter, &|verdict| verdict.name = "rspamd".into(), None);
    check(Kind::Filter, &|verdict| verdict.verdict = "discarded".into(), None);
}

/// A policy server is asked before there is a message, so its verdict may be about any of the next messages.
#[test]
fn a_policy_servers_verdict_may_be_of_the_next_mails_of_its_client() {
    let text = format!(
        "1 mx1 postgrey[5]: action=pass, reason=triplet found, client_name=c.example.com, client_address=198.51.100.9, sender=a@example.org, recipient=b@example.net\n{ARRIVAL}"
    );
    let all = documents(&text);
    let verdict = all.iter().find(|doc| doc.mail.kind == Kind::Filter).unwrap();
    assert_eq!(Node::new(verdict).perhaps, ["4F1A2B3C4D"]);
    // Not for a message, for a verdict with a queue id of its own, or for a link to a next hop.
    let none: [Text; 0] = [];
    let mut message = verdict.clone();
    message.mail.kind = Kind::Message;
    assert_eq!(Node::new(&message).perhaps, none);
    let mut named = verdict.clone();
    named.email.local_id = Some("5F1A2B3C4D".into());
    assert_eq!(Node::new(&named).perhaps, none);
    let mut handed_on = verdict.clone();
    handed_on.mail.links.iter_mut().for_each(|link| link.rel = Rel::Next);
    assert_eq!(Node::new(&handed_on).perhaps, none);
}

/// sendmail says so of its client; in a postfix line it is the text of another server.
#[test]
fn a_name_that_sendmail_calls_forged_is_none() {
    let by_sendmail = |relay: &str| {
        let from = "1 mx1 sm-mta[1]: 6AMKK5jq012345: from=<a@example.org>, size=9, nrcpts=1, proto=ESMTP";
        Node::new(&document(&format!("{from}, relay={relay}"))).source.place
    };
    let address = Place::new(None, Some("192.0.2.66"));
    assert_eq!(by_sendmail("mx2.example.org [192.0.2.66] (may be forged)"), address);
    assert_eq!(by_sendmail("mx2.example.org [192.0.2.66]"), Place::new(Some("mx2.example.org"), Some("192.0.2.66")));
    let reply = "250 Hello c.example.com [198.51.100.9] (may be forged)";
    let doc = delivered(&[("postfix/smtp", "b@example.net", "mx2.example.org[192.0.2.2]:25", reply)]);
    assert_eq!(Node::new(&doc).source.place, Place::new(Some("c.example.com"), Some("198.51.100.9")));
}

/// An expected hop: queue id, first label of the relay, whether it stayed on the host, second, and recipients.
type Way<'t> = (&'t str, Option<&'t str>, bool, Option<i64>, &'t [&'t str]);

#[track_caller]
fn check_onward(deliveries: &[(&str, &str, &str, &str)], expected: &[Way<'_>]) {
    let node = Node::new(&delivered(deliveries));
    let found: Vec<_> = node
        .onward
        .iter()
        .map(|o| {
            let to: Vec<&str> = o.to.iter().map(Text::as_str).collect();
            (o.queue_id.as_str(), o.relay.label.as_deref(), o.is_local, o.at, to)
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(id, label, is_local, second, to)| (*id, *label, *is_local, second.map(|s| at(s * 1000)), to.to_vec()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_reply_names_the_id_of_its_recipients_on_the_next_host() {
    let (relay, reply) = ("mx2.example.org[192.0.2.2]:25", "250 2.0.0 Ok: queued as 5F1A2B3C4D");
    check_onward(
        &[("postfix/smtp", "b@example.net", relay, reply), ("postfix/smtp", "C@example.net", relay, reply)],
        &[("5F1A2B3C4D", Some("mx2"), false, Some(3), &["b@example.net", "c@example.net"])],
    );
    // A filter on the host.
    check_onward(
        &[("postfix/smtp", "b@example.net", "127.0.0.1[127.0.0.1]:10024", reply)],
        &[("5F1A2B3C4D", None, true, Some(2), &["b@example.net"])],
    );
}

/// If no recipient's last reply names an id, only its link is known.
#[test]
fn an_id_of_an_earlier_attempt_is_not_forgotten() {
    check_onward(
        &[
            ("postfix/smtp", "b@example.net", "mx3.example.org[192.0.2.3]:25", "250 2.0.0 Ok: queued as 6F1A2B3C4D"),
            ("postfix/smtp", "b@example.net", "mx2.example.org[192.0.2.2]:25", "250 2.0.0 Ok: queued as 5F1A2B3C4D"),
        ],
        &[
            ("5F1A2B3C4D", Some("mx2"), false, Some(3), &["b@example.net"]),
            ("6F1A2B3C4D", Some("mx3"), false, None, &[]),
        ],
    );
}

#[test]
fn a_forwarded_mail_stays_on_its_host() {
    check_onward(
        &[("postfix/local", "all@example.org", "local", "forwarded as 5F1A2B3C4D")],
        &[("5F1A2B3C4D", Some("mx1"), true, None, &[])],
    );
}

#[test]
fn a_program_takes_a_mail_by_pipe_by_a_command_or_by_sendmails_prog() {
    for (agent, relay, reply, expected) in [
        ("postfix/pipe", "mailman", "delivered via mailman service", true),
        ("postfix/local", "local", "delivered to command: /usr/bin/procmail", true),
        ("postfix/local", "local", "delivered to mailbox", false),
        ("postfix/lmtp", "store.example.net[192.0.2.40]:24", "250 2.0.0 Saved", false),
        ("postfix/smtp", "mx2.example.org[192.0.2.2]:25", "250 ok", false),
    ] {
        let node = Node::new(&delivered(&[(agent, "b@example.net", relay, reply)]));
        assert_eq!(node.to_program, expected, "{agent} {reply}");
    }
    for (mailer, expected) in [("prog", true), ("local", false)] {
        let text = format!(
            "1 mx1 sm-mta[1]: 6AMKK5jq012345: to=\"|/usr/bin/vacation b\", delay=00:00:01, mailer={mailer}, dsn=2.0.0, stat=Sent"
        );
        assert_eq!(Node::new(&document(&text)).to_program, expected, "{mailer}");
    }
}
