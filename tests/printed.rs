//! An event written as the server writes it is read back as the same event (`laws::print` is the inverse of the
//! parsers). Addresses, names and replies are as strangers write them: quoted, with blanks, commas, `>`, `=` and
//! brackets inside.

use mailstitch::{
    laws::print,
    model::{
        Event, Parsed,
        event::{Action, Delays, Delivery, DeliveryStatus, Peer, Policy, SendmailFrom, SendmailTo},
    },
    parse::{parse_text, sendmail},
};
use proptest::{option, prelude::*, sample::select};

const POSTFIX_IDS: &[&str] = &["3F2A41C0E7", "00000A", "4dhRlh0sf8z9rvS", "4dhRlz0sf8z9rvS"];
const SENDMAIL_ID: &str = "6AMKJjq4009066";

#[track_caller]
fn check(queue_id: Option<&str>, event: &Event<'_>) -> Result<(), TestCaseError> {
    let (program, text) = print(queue_id, event).expect("a form that can be printed");
    let found = parse_text(program, &text);
    let expected = Parsed::Event { queue_id, event: event.clone() };
    prop_assert_eq!(found, expected, "{}", text);
    Ok(())
}

/// Plain, or with a quoted local part that imitates the text after an address.
fn address() -> impl Strategy<Value = String> {
    let odd = r#"[a-z ,;:<>=\[\]()@.]{0,12}"#;
    prop_oneof![
        4 => "[a-z]{1,8}(\\.[a-z]{1,5})?@[a-z]{1,8}\\.example",
        1 => odd.prop_map(|local| format!("\"{local}\"@c.example")),
        1 => select(vec![
            "\"a>, relay=none, delay=0, status=sent (\"@c.example",
            "\"a> to=<b@example.org> proto=SMTP helo=<h\"@c.example",
            "\"a>, size=9, nrcpt=9 (queue active)\"@c.example",
            "\"a, b\"@c.example",
            "<>",
            "root",
        ])
        .prop_map(|a| a.trim_matches(['<', '>']).to_owned()),
    ]
}

fn name() -> impl Strategy<Value = Option<String>> {
    option::of("[a-z][a-z0-9-]{0,8}(\\.[a-z]{2,6}){1,2}")
}

fn ip() -> impl Strategy<Value = Option<String>> {
    option::of(prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
    ])
}

type Who = (Option<String>, Option<String>, Option<u16>);

fn who() -> impl Strategy<Value = Who> {
    (name().prop_filter("it stands for none", |n| n.as_deref() != Some("unknown")), ip(), option::of(any::<u16>()))
}

fn peer(who: &Who) -> Peer<'_> {
    Peer { name: who.0.as_deref(), addr: who.1.as_deref(), port: who.2 }
}

/// The words of a remote server: anything printable, with parts that imitate the record around it.
fn reply() -> impl Strategy<Value = String> {
    prop_oneof![
        "250 2\\.0\\.0 Ok: queued as [0-9A-F]{6,12}",
        "[ -~]{0,60}",
        select(vec![
            "host mx[192.0.2.1] said: 550 5.1.1 <x>: no (in reply to RCPT TO command)",
            "x), status=sent (y",
            "((nested) (twice))",
            "to=<a@example.org>, relay=none, status=sent (no)",
        ])
        .prop_map(str::to_owned),
    ]
}

fn seconds() -> impl Strategy<Value = f64> {
    (0u32..10_000_000).prop_map(|n| f64::from(n) / 100.0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn sessions(who in who(), commands in option::of("ehlo=1( mail=[0-9]/[0-9])? commands=[0-9]{1,3}")) {
        check(None, &Event::Connect { peer: peer(&who) })?;
        check(None, &Event::Disconnect { peer: peer(&who), commands: commands.as_deref() })?;
    }

    #[test]
    fn arrivals(
        id in option::of(select(POSTFIX_IDS)),
        who in who(),
        orig in option::of(who()),
        method in option::of("[A-Z0-9-]{3,12}"),
        user in option::of("[a-z, =@<>]{1,12}"),
        sender in option::of("[a-z+0-9.]{1,12}"),
        orig_id in option::of(select(POSTFIX_IDS)),
    ) {
        check(id, &Event::Client {
            peer: peer(&who),
            sasl_method: method.as_deref(),
            sasl_username: user.as_deref(),
            sasl_sender: sender.as_deref(),
            orig_queue_id: orig_id,
            orig_client: orig.as_ref().map(peer),
        })?;
    }

    #[test]
    fn the_queue(id in select(POSTFIX_IDS), from in address(), size in any::<u32>(), nrcpt in any::<u32>(), message_id in "[!-;=?-~]{1,40}", resent: bool) {
        let id = Some(id);
        check(id, &Event::MessageId { id: Some(&message_id), resent })?;
        check(id, &Event::MessageId { id: None, resent })?;
        check(id, &Event::Queued { from: &from, size: Some(size.into()), nrcpt: Some(nrcpt.into()) })?;
        check(id, &Event::Expired { from: &from })?;
        check(id, &Event::Removed)?;
    }

    #[test]
    fn deliveries(
        id in select(POSTFIX_IDS),
        (to, orig_to) in (address(), option::of(address())),
        relay in prop_oneof!["none|local|virtual|dovecot", "[a-z]{1,6}\\.example\\[192\\.0\\.2\\.[0-9]\\]:25", Just("mx[/run/a, b/lmtp]".to_owned())],
        delay in option::of(seconds()),
        conn_use in option::of(2u32..100),
        delays in option::of((seconds(), seconds(), seconds(), seconds())),
        tls in option::of("!?(may|dane|encrypt)(:none)?\\??"),
        dsn in option::of("[245]\\.[0-9]{1,3}\\.[0-9]{1,3}"),
        status in select(vec![
            DeliveryStatus::Sent, DeliveryStatus::Deferred, DeliveryStatus::Bounced, DeliveryStatus::Deliverable,
            DeliveryStatus::Undeliverable, DeliveryStatus::Unknown,
        ]),
        reply in reply(),
    ) {
        let delays = delays.map(|(before_qmgr, in_qmgr, conn_setup, transmission)| {
            Delays { before_qmgr, in_qmgr, conn_setup, transmission }
        });
        check(Some(id), &Event::Delivery(Delivery {
            to: &to, orig_to: orig_to.as_deref(), relay: &relay, conn_use, delay, delays, tls: tls.as_deref(),
            dsn: dsn.as_deref(), status, reply: &reply,
        }))?;
    }

    #[test]
    fn refusals(
        id in option::of(select(POSTFIX_IDS)),
        action in select(vec![Action::Reject, Action::Warn, Action::Hold, Action::Discard, Action::Hangup, Action::Change, Action::Redirect]),
        stage in select(vec!["connect", "ehlo", "mail", "rcpt", "data", "end-of-message"]),
        who in who(),
        (code, dsn) in (option::of(200u16..560), option::of("[245]\\.[0-9]\\.[0-9]")),
        reason in "[A-Z][a-z]{0,8}( [a-z]{1,8}){0,4}(; [a-z]{1,6})?",
        // `to=<>` is not a recipient.
        (from, to) in (option::of(address()), option::of(address().prop_filter("a recipient", |to| !to.is_empty()))),
        (proto, helo) in ("E?SMTP", option::of("[a-z0-9.:\\[\\]-]{1,16}")),
        (method, user) in (option::of("[A-Z]{3,8}"), option::of("[a-z]{1,8}( [a-z]{1,4})?")),
    ) {
        // At least one context field, because it ends the reason.
        check(id, &Event::Policy(Policy {
            action, stage, peer: peer(&who), code, dsn: dsn.as_deref(), text: &reason,
            from: from.as_deref(), to: to.as_deref(), proto: Some(&proto), helo: helo.as_deref(),
            sasl_method: method.as_deref(), sasl_username: user.as_deref(),
        }))?;
    }

    #[test]
    fn sendmail_takes_a_message(
        from in option::of(address()),
        (size, nrcpts) in (any::<u32>(), 0u64..1000),
        msgid in option::of("[!-;=?-~]{1,40}"),
        proto in option::of("E?SMTPS?A?"),
        daemon in option::of("MTA-v[46]|MSA"),
        (version, cipher) in (option::of("TLSv1\\.[23]"), option::of("[A-Z0-9-]{4,20}")),
        auth in option::of("PLAIN|LOGIN"),
        relay in option::of(prop_oneof![
            "[a-z]{1,6}\\.example \\[192\\.0\\.2\\.[0-9]\\]( \\(may be forged\\))?",
            "\\[IPv6:2001:db8::[0-9]\\]", "[a-z]{1,6}@localhost", Just("[RESPONSE]".to_owned()),
        ]),
    ) {
        // A sender called NONE looks like no sender.
        prop_assume!(from.as_deref() != Some("NONE"));
        let event = Event::From(SendmailFrom {
            from: from.as_deref(), size: Some(size.into()), nrcpts: Some(nrcpts), msgid: msgid.as_deref(),
            proto: proto.as_deref(), daemon: daemon.as_deref(), auth: auth.as_deref(), tls_version: version.as_deref(),
            cipher: cipher.as_deref(), relay: relay.as_deref(), peer: relay.as_deref().map(sendmail::peer).unwrap_or_default(),
        });
        check(Some(SENDMAIL_ID), &event)?;
    }

    #[test]
    fn sendmail_delivers(
        to in prop::collection::vec(address().prop_map(|a| format!("<{a}>")), 0..4),
        ctladdr in option::of(address()),
        (delay, xdelay) in (option::of(0u32..10_000_000), option::of(0u32..10_000_000)),
        mailer in option::of("esmtp|local|prog"),
        relay in option::of("mx[0-9]\\.example\\.( \\[192\\.0\\.2\\.[0-9]\\])?"),
        dsn in option::of("[245]\\.[0-9]\\.[0-9]"),
        reply in option::of("550[- ]5\\.1\\.1 <[a-z]@b>\\.\\.\\. (no|, stat=Sent|such, user)"),
        stat in prop_oneof!["Sent \\([ -~]{0,20}\\)", "Deferred: [A-Za-z ]{1,20}", "User unknown", "queued"],
    ) {
        // The last `, stat=` is the field: words of a server that contain one look the same.
        prop_assume!(!stat.contains(", stat="));
        let to = to.join(",");
        check(Some(SENDMAIL_ID), &Event::To(SendmailTo {
            to: &to, ctladdr: ctladdr.as_deref(), delay: delay.map(f64::from), xdelay: xdelay.map(f64::from),
            mailer: mailer.as_deref(), relay: relay.as_deref(), dsn: dsn.as_deref(), reply: reply.as_deref(),
            quarantine: None, stat: Some(&stat),
        }))?;
    }
}
