//! Lines in which everything collides: few queue ids, few processes, few seconds.

use crate::{SPAN_S, START};
use mailstitch::model::{Intake, Line};
use proptest::prelude::*;

/// Programs and texts of lines; `Q` stands for the queue id, `P` for the peer.
const SAYINGS: &[(&str, &str)] = &[
    ("postfix/smtpd", "connect from P"),
    (
        "postfix/smtpd",
        "Anonymous TLS connection established from P: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
    ),
    (
        "postfix/smtpd",
        "NOQUEUE: hold: RCPT from P: <a@example.org>: Sender address triggers HOLD action; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    ),
    ("postfix/smtpd", "Q: client=P"),
    ("postfix/smtpd", "disconnect from P ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"),
    (
        "postfix/smtpd",
        "NOQUEUE: reject: RCPT from P: 554 5.7.1 <b@example.net>: Relay access denied; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    ),
    ("postfix/pickup", "Q: uid=0 from=<root>"),
    ("postfix/cleanup", "Q: message-id=<m1@example.org>"),
    ("postfix/cleanup", "Q: message-id=<m2@example.org>"),
    ("postfix/qmgr", "Q: from=<a@example.org>, size=500, nrcpt=1 (queue active)"),
    ("postfix/qmgr", "Q: from=<c@example.org>, size=900, nrcpt=2 (queue active)"),
    ("postfix/smtp", "connect to mx.example.net[198.51.100.25]:25: Connection timed out"),
    (
        "postfix/smtp",
        "Trusted TLS connection established to mx.example.net[198.51.100.25]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
    ),
    (
        "postfix/smtp",
        "Q: to=<b@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=1.2, delays=0.1/0/0.6/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4F0)",
    ),
    (
        "postfix/smtp",
        "Q: to=<d@example.net>, relay=none, delay=8, delays=0.1/0/7.9/0, dsn=4.4.1, status=deferred (connect to mx.example.net[198.51.100.25]:25: Connection timed out)",
    ),
    ("postfix/qmgr", "Q: removed"),
    ("postfix/postsuper", "Q: placed on hold"),
    ("postfix/bounce", "Q: sender non-delivery notification: 9C2D96093D"),
    ("opendkim", "Q: no signature data"),
    ("rsyslogd", "imuxsock[pid: 7, name: qmgr] from <postfix/qmgr>: 12 messages lost due to rate-limiting"),
    (
        "sm-mta",
        "6AMKKBZu042165: from=<a@example.org>, size=500, class=0, nrcpts=1, msgid=<m1@example.org>, proto=ESMTP, daemon=MTA, relay=P",
    ),
    (
        "sm-mta",
        "6AMKKBZu042165: to=<b@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120000, relay=mx.example.net. [198.51.100.25], dsn=2.0.0, stat=Sent (ok)",
    ),
    (
        "sm-mta",
        "6AMKKBZu042165: to=<b@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120000, relay=mx.example.net. [198.51.100.25], dsn=4.0.0, stat=Deferred: Connection timed out",
    ),
    ("sm-mta", "6AMKKBZu042165[1]: from=<a@example.org>, size=500, class=0, nrcpts=1,  ..."),
    ("sm-mta", "6AMKKBZu042165[2]: msgid=<m1@example.org>, proto=ESMTP, daemon=MTA, relay=P"),
    (
        "sm-mta",
        "STARTTLS=client, relay=mx.example.net., version=TLSv1.3, verify=NO, cipher=TLS_AES_256_GCM_SHA384, bits=256/256",
    ),
    ("sm-mta", "6AMKKBZu042165[1]: to=<e@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp,  ..."),
    ("sm-mta", "6AMKKBZu042165[2]: pri=120000, relay=mx.example.net. [198.51.100.25], dsn=2.0.0, stat=Sent (ok)"),
    ("sm-mta", "6AMKKBZu042165[1]: to=<f@example.net>, delay=00:00:02, xdelay=00:00:01, mailer=esmtp,  ..."),
    ("sm-mta", "6AMKKBZu042165[2]: pri=120000, relay=mx.example.org. [198.51.100.26], dsn=5.1.1, stat=User unknown"),
    ("postfix/smtpd", "NOQUEUE: client=P, sasl_method=PLAIN, sasl_username=alice"),
    (
        "postfix/smtpd",
        "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as Q; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    ),
    (
        "postfix/smtpd",
        "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    ),
    (
        "postfix/smtpd",
        "proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    ),
    (
        "postfix/smtpd",
        "Q: reject: RCPT from P: 550 5.1.1 <x@example.net>: User unknown; from=<a@example.org> to=<x@example.net> proto=ESMTP helo=<h>",
    ),
    (
        "postfix/smtpd",
        "Q: redirect: RCPT from P: <b@example.net>: Recipient address triggers REDIRECT d@example.net; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    ),
    (
        "postfix/cleanup",
        "Q: discard: header Subject: x from P; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    ),
    ("postfix/smtp", "Q: host mx.example.net[198.51.100.25] said: 450 4.7.1 later (in reply to RCPT TO command)"),
    (
        "postgrey",
        "action=pass, reason=triplet found, client_name=c, client_address=P, sender=a@example.org, recipient=b@example.net",
    ),
    (
        "postgrey",
        "action=greylist, reason=new, client_name=c, client_address=P, sender=a@example.org, recipient=x@example.net",
    ),
    (
        "policyd-spf",
        ": prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=P; helo=h; envelope-from=a@example.org; receiver=b@example.net ",
    ),
    ("postfix/postsuper", "Q: requeued"),
    ("MailScanner", "Requeue: Q.AFE5C to 5C1D96093F"),
    ("dovecot", "lmtp(b@example.net)<1><s>: sieve: msgid=<m1@example.org>: discarded message"),
    ("dovecot", "lmtp(b@example.net)<1><s>: sieve: msgid=<m1@example.org>: forwarded to <d@example.net>"),
    (
        "pmg-smtp-filter",
        "2C225C6817C7EEE1481: moved mail for <b@example.net> to spam quarantine - 2C2265C6817C7F01234 (rule: Spam)",
    ),
    ("sendmail", "WAA09999: from=<a@example.org>, size=500, class=0, nrcpts=1, msgid=<m1@example.org>, relay=P"),
    (
        "sendmail",
        "WAA09999: to=<b@example.net>, delay=00:00:01, mailer=esmtp, relay=mx.example.net. [198.51.100.25], stat=Sent",
    ),
    ("sendmail", "e6G2M7O04977: to=<b@example.net>, delay=00:00:01, mailer=esmtp, stat=Deferred: Connection refused"),
    ("sm-mta", "STARTTLS=server, relay=P, version=TLSv1.3, verify=NO, cipher=TLS_AES_256_GCM_SHA384, bits=256/256"),
];

fn line() -> impl Strategy<Value = (usize, i64, bool, u32, usize, usize, usize)> {
    (0..SAYINGS.len(), 0..SPAN_S * 1000, any::<bool>(), 10u32..13, 0..2usize, 0..2usize, 0..2usize)
}

/// Lines with timestamps in milliseconds or seconds, as syslog daemons write them; lines of one moment are in the
/// order in which processes log them.
pub fn lines() -> impl Strategy<Value = Vec<Line>> {
    (proptest::collection::vec(line(), 0..120), any::<bool>()).prop_map(|(mut parts, coarse)| {
        parts.sort_by_key(|(saying, at, ..)| (if coarse { at / 1000 * 1000 } else { *at }, *saying));
        let mut intake = Intake::default();
        let make = |(saying, at, _, pid, host, queue_id, peer): (usize, i64, bool, u32, usize, usize, usize)| {
            let (program, text) = SAYINGS[saying];
            let at = if coarse { at / 1000 * 1000 } else { at };
            let queue_id = ["3A9C96093D", "4jXgRb5BTwzq68g"][queue_id];
            let peer = match (program, peer) {
                ("sm-mta" | "sendmail", 0) => "client.example.org [192.0.2.1]",
                ("sm-mta" | "sendmail", _) => "[192.0.2.2]",
                ("postgrey" | "policyd-spf", 0) => "192.0.2.1",
                ("postgrey" | "policyd-spf", _) => "192.0.2.2",
                (_, 0) => "client.example.org[192.0.2.1]",
                _ => "unknown[192.0.2.2]",
            };
            let text = text.replace('Q', "\u{1}").replace('P', "\u{2}");
            let text = text.replace("\u{1}: ", &format!("{queue_id}: ")).replace("NO\u{1}UEUE", "NOQUEUE");
            let text = ["as \u{1};", " \u{1}.A"]
                .iter()
                .fold(text, |text, place| text.replace(place, &place.replace('\u{1}', queue_id)));
            let text = restore(&text, peer);
            intake.line(START.plus(at), ["mx1", "mx2"][host], program, Some(pid), &text).expect("a time of lines")
        };
        parts.into_iter().map(make).collect()
    })
}

/// Lines of queues about each other: `Q` is a queue id, `R` another one, `H` the name of a host, `P` a peer.
const HOPS: &[(&str, &str)] = &[
    ("postfix/smtpd", "Q: client=P"),
    ("postfix/smtpd", "Q: client=P, orig_queue_id=R, orig_client=client.example.org[192.0.2.1]"),
    ("postfix/pickup", "Q: uid=0 from=<root> orig_id=R"),
    ("postfix/cleanup", "Q: message-id=<m1@example.org>"),
    ("postfix/cleanup", "Q: message-id=<m2@example.org>"),
    ("postfix/qmgr", "Q: from=<a@example.org>, size=500, nrcpt=1 (queue active)"),
    (
        "postfix/smtp",
        "Q: to=<b@example.net>, relay=H.example.com[192.0.2.3]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as R)",
    ),
    (
        "postfix/smtp",
        "Q: to=<c@example.net>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as R)",
    ),
    (
        "postfix/smtp",
        "Q: to=<d@example.net>, relay=H.example.com[192.0.2.3]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)",
    ),
    (
        "postfix/local",
        "Q: to=<e@example.net>, relay=local, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (forwarded as R)",
    ),
    (
        "postfix/smtp",
        "Q: to=<x@evil.example>, relay=H.evil.example[203.0.113.9]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as R)",
    ),
    ("postfix/bounce", "Q: sender non-delivery notification: R"),
    ("postfix/qmgr", "Q: removed"),
    ("postfix/pickup", "Q: uid=5000 from=<a@example.org>"),
    (
        "postfix/lmtp",
        "Q: to=<b@example.net>, relay=H[private/dovecot-lmtp], delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 2.0.0 <b@example.net> s Saved)",
    ),
    (
        "postfix/smtp",
        "Q: to=<d@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=1, delays=0/0/1/0, dsn=4.0.0, status=deferred (host mx.example.net[198.51.100.25] said: 450 later)",
    ),
    ("dovecot", "lmtp(b@example.net)<1><s>: sieve: msgid=<m1@example.org>: forwarded to <d@example.net>"),
    ("dovecot", "lmtp(b@example.net)<1><s>: sieve: msgid=<m1@example.org>: discarded message"),
    ("MailScanner", "Requeue: Q.AFE5C to R"),
    ("postfix/postsuper", "Q: requeued"),
    (
        "postgrey",
        "action=pass, reason=triplet found, client_name=c, client_address=127.0.0.1, sender=a@example.org, recipient=b@example.net",
    ),
    (
        "postgrey",
        "action=pass, reason=triplet found, client_name=c, client_address=192.0.2.3, sender=root, recipient=c@example.net",
    ),
    (
        "postfix/smtpd",
        "NOQUEUE: reject: RCPT from H.example.com[192.0.2.3]: 450 4.2.0 <c@example.net>: Greylisted; from=<root> to=<c@example.net> proto=ESMTP helo=<h>",
    ),
    (
        "amavis",
        "(1-1) Passed CLEAN {RelayedInbound}, [192.0.2.1]:5 [192.0.2.1] <a@example.org> -> <c@example.net>, Message-ID: <m1@example.org>, mail_id: x, Hits: -, size: 5, queued_as: R, 9 ms",
    ),
];

/// Hosts that hand mail to each other, also in circles, under ids that occur on all of them.
pub fn hops() -> impl Strategy<Value = Vec<Line>> {
    let ids = ["3A9C96093D", "5C1D96093F", "4jXgRb5BTwzq68g", "4jXgRc0X2qzq64t"];
    let hosts = ["app1", "mx1", "sm2"];
    let hop = (0..HOPS.len(), 0..SPAN_S * 1000, 0..ids.len(), 0..ids.len(), 0..hosts.len(), 0..hosts.len());
    proptest::collection::vec(hop, 0..60).prop_map(move |parts| {
        let mut intake = Intake::default();
        let make = |(saying, at, own, other, host, peer): (usize, i64, usize, usize, usize, usize)| {
            let (program, text) = HOPS[saying];
            let client = if peer == host { "localhost[127.0.0.1]" } else { "H.example.com[192.0.2.3]" };
            let text = text
                .replace("client=P", &format!("client={client}"))
                .replace("H.example", &format!("{}.example", hosts[peer]))
                .replace("H.evil", &format!("{}.evil", hosts[peer]));
            let text = match text.strip_prefix("Q: ") {
                Some(rest) => format!("{}: {rest}", ids[own]),
                None => text.replace("Requeue: Q.", &format!("Requeue: {}.", ids[own])),
            };
            let text = [
                "queued as R",
                "orig_queue_id=R",
                "orig_id=R",
                "forwarded as R",
                "notification: R",
                "queued_as: R",
                "C to R",
            ]
            .iter()
            .fold(text, |text, place| text.replace(place, &place.replace('R', ids[other])));
            intake.line(START.plus(at), hosts[host], program, Some(7), &text).expect("a time of lines")
        };
        parts.into_iter().map(make).collect()
    })
}

/// Puts the peer back where the placeholder stands alone; inside a word it was a letter.
fn restore(text: &str, peer: &str) -> String {
    let mut out = String::new();
    for (n, piece) in text.split('\u{2}').enumerate() {
        let letter_before = out.ends_with(|c: char| c.is_ascii_alphanumeric());
        let letter_after = piece.starts_with(|c: char| c.is_ascii_alphanumeric());
        match n {
            0 => {}
            _ if letter_before || letter_after => out.push('P'),
            _ => out.push_str(peer),
        }
        out.push_str(piece);
    }
    out
}
