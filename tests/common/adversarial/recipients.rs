//! Messages to many recipients, tried for a long time.

use super::{
    super::fiveday::{DAY, HOUR},
    Log,
};

const DEAD: &str = "dsn=4.4.1, status=deferred (connect to mx.example.net[198.51.100.25]:25: Connection timed out)";

pub fn domains_with_tls(log: &mut Log, lines: usize) {
    let id = log.id();
    log.arrival(&id, "1@example.org", lines / 2);
    for n in 0..lines / 2 {
        let relay = format!("mx.d{n}.example.net[198.51.{}.{}]:25", n / 250 % 250, n % 250);
        let tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";
        log.say("postfix/smtp", 13, &format!("Trusted TLS connection established to {relay}: {tls}"));
        log.to(&id, &format!("b@d{n}.example.net"), &relay, "dsn=2.0.0, status=sent (250 2.0.0 Ok)");
    }
    log.removed(&id);
}

pub fn many(log: &mut Log, lines: usize) {
    let id = log.id();
    log.arrival(&id, "1@example.org", lines);
    (0..lines).for_each(|n| log.sent(&id, &format!("b{n}@example.net")));
    log.removed(&id);
}

pub fn one_for_days(log: &mut Log, lines: usize) {
    let id = log.id();
    log.arrival(&id, "1@example.org", 1);
    for _ in 0..lines / 2 {
        log.say("postfix/smtp", 13, "connect to mx.example.net[198.51.100.25]:25: Connection timed out");
        log.to(&id, "b@example.net", "none", DEAD);
        log.wait(5 * DAY / lines as i64);
    }
}

/// 2,000 recipients, each in a domain that does not answer, again and again.
pub fn dead_domains(log: &mut Log, lines: usize) {
    let (id, recipients) = (log.id(), lines.div_ceil(32).min(2_000));
    log.arrival(&id, "1@example.org", recipients);
    for round in 0..lines / 2 / recipients {
        for n in 0..recipients {
            let host = format!("mx.d{n}.example.net[198.51.100.{}]:25", n % 250);
            log.say("postfix/smtp", 13, &format!("connect to {host}: Connection timed out"));
            let end = format!("dsn=4.4.1, status=deferred (connect to {host}: Connection timed out, {round})");
            log.to(&id, &format!("b@d{n}.example.net"), "none", &end);
        }
        log.wait(HOUR);
    }
}

/// 20 messages whose recipients are deferred in each round.
pub fn mass_mail(log: &mut Log, lines: usize) {
    let recipients = (lines / 20 / 10).clamp(1, 1_000);
    let ids: Vec<String> = (0..20).map(|_| log.id()).collect();
    ids.iter().enumerate().for_each(|(n, id)| log.arrival(id, &format!("{n}@example.org"), recipients));
    for round in 0..lines / 20 / recipients {
        for id in &ids {
            for n in 0..recipients {
                let end = format!("dsn=4.4.1, status=deferred (host mx.example.net said: 450 try {round} later)");
                log.to(id, &format!("b{n}@example.net"), "none", &end);
            }
        }
        log.wait(HOUR);
    }
}

pub fn aliases(log: &mut Log, lines: usize) {
    let id = log.id();
    log.arrival(&id, "1@example.org", lines);
    for n in 0..lines {
        let delays = "delay=1, delays=0/0/1/0";
        let text = format!("{id}: to=<b{n}@example.net>, orig_to=<list@example.org>, relay=local, {delays}");
        log.say("postfix/local", 4, &format!("{text}, dsn=2.0.0, status=sent (delivered to mailbox)"));
    }
}

pub fn of_sendmail(log: &mut Log, lines: usize) {
    for n in 0..lines {
        let to: Vec<String> = (0..20).map(|r| format!("<b{}@example.net>", n * 20 + r)).collect();
        let end = "delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120000, relay=mx.example.net. [198.51.100.25]";
        let text = format!("69T0xL0u004002: to={}, {end}, dsn=2.0.0, stat=Sent (ok)", to.join(","));
        log.say("sm-mta", 7, &text);
    }
}

/// First pieces of split records; the last pieces follow after all of them.
pub fn split_pieces(log: &mut Log, lines: usize) {
    for n in 0..lines / 2 {
        let to = format!("to=<b{n}@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp,  ...");
        log.say("sm-mta", 7, &format!("69T0xL0u004002[1]: {to}"));
    }
    for n in 0..lines / 2 {
        let end = format!("pri={n}, relay=mx.example.net. [198.51.100.25], dsn=2.0.0, stat=Sent (ok)");
        log.say("sm-mta", 7, &format!("69T0xL0u004002[2]: {end}"));
    }
}
