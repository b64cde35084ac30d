//! Many lines of one process or session.

use super::Log;

const PEER: &str = "client.example.org[192.0.2.7]";

fn in_one_session(log: &mut Log, lines: usize, before: impl Fn(usize) -> String) {
    log.say("postfix/smtpd", 11, &format!("connect from {PEER}"));
    for round in 0..lines / 14 {
        for n in 0..9 {
            log.say("postfix/smtpd", 11, &before(round * 9 + n));
        }
        log.message("b@example.net");
    }
    log.say("postfix/smtpd", 11, &format!("disconnect from {PEER} ehlo=1 commands=1"));
}

pub fn failures_and_a_mail(log: &mut Log, lines: usize) {
    in_one_session(log, lines, |n| {
        format!("warning: {PEER}: SASL LOGIN authentication failed: {n}, sasl_username=user{n}")
    });
}

pub fn refusals_and_a_mail(log: &mut Log, lines: usize) {
    in_one_session(log, lines, |n| {
        let why = "Sender address triggers HOLD action";
        format!(
            "NOQUEUE: hold: RCPT from {PEER}: <a{n}@example.org>: {why}; from=<a{n}@example.org> to=<b@example.net> proto=ESMTP helo=<h>"
        )
    });
}

pub fn holds_before_one_mail(log: &mut Log, lines: usize) {
    for n in 0..lines {
        let why = "Sender address triggers HOLD action";
        let text = format!(
            "NOQUEUE: hold: RCPT from {PEER}: <a{n}@example.org>: {why}; from=<a{n}@example.org> to=<b@example.net> proto=ESMTP helo=<h>"
        );
        log.say("postfix/smtpd", 11, &text);
    }
    log.message("b@example.net");
}

pub fn never_ending(log: &mut Log, lines: usize) {
    for n in 0..lines / 3 {
        let peer = format!("unknown[2001:db8::{:x}:{:x}]", n >> 16, n & 0xFFFF);
        let pid = 1_000 + (n % 30_000) as u32;
        log.say("postfix/smtpd", pid, &format!("connect from {peer}"));
        let tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";
        log.say("postfix/smtpd", pid, &format!("Anonymous TLS connection established from {peer}: {tls}"));
        let id = log.id();
        log.say("postfix/smtpd", pid, &format!("{id}: client={peer}"));
    }
}

pub fn one_process(log: &mut Log, lines: usize) {
    for n in 0..lines / 7 {
        let peer = format!("unknown[192.0.2.{}]", n % 250);
        log.say("postfix/smtpd", 11, &format!("connect from {peer}"));
        log.message("b@example.net");
        log.say("postfix/smtpd", 11, &format!("disconnect from {peer} ehlo=1 commands=1"));
    }
}

pub fn one_process_of_sendmail(log: &mut Log, lines: usize) {
    let bits = "version=TLSv1.3, verify=NO, cipher=TLS_AES_256_GCM_SHA384, bits=256/256";
    for n in 0..lines / 2 {
        log.say("sm-mta", 7, &format!("STARTTLS=client, relay=mx{n}.example.net., {bits}"));
        let to = format!("to=<b{n}@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120000");
        let relay = format!("relay=mx{n}.example.net. [198.51.100.25], dsn=2.0.0, stat=Sent (ok)");
        log.say("sm-mta", 7, &format!("6AMKK{:03}042165: {to}, {relay}", n % 1_000));
    }
}

pub fn ports(log: &mut Log, lines: usize) {
    for n in 0..lines / 2 {
        let peer = format!("[192.0.2.{}]:{}", n % 250, 1_024 + n % 60_000);
        log.say("postfix/postscreen", 5, &format!("CONNECT from {peer} to [198.51.100.1]:25"));
        log.say(
            "postfix/dnsblog",
            6,
            &format!("addr 192.0.2.{} listed by domain bl.example.org as 127.0.0.2", n % 250),
        );
    }
}

pub fn failed_connections(log: &mut Log, lines: usize) {
    let id = log.id();
    log.arrival(&id, "1@example.org", 1);
    for n in 0..lines {
        let host = format!("mx{n}.example.net[198.51.100.{}]:25", n % 250);
        log.say("postfix/smtp", 13, &format!("connect to {host}: Connection timed out"));
    }
    let end = "dsn=4.4.1, status=deferred (connect to mx1.example.net[198.51.100.1]:25: Connection timed out)";
    log.to(&id, "b@example.net", "none", end);
}

pub fn one_second(log: &mut Log, lines: usize) {
    let ids: Vec<String> = (0..lines / 2).map(|_| log.id()).collect();
    let stamp = log.now.utc().format("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    for n in 0..lines / 2 {
        let tried = format!("connect to mx{n}.example.net[198.51.100.{}]:25: Connection timed out", n % 250);
        log.raw(format!("{stamp} mx1 postfix/smtp[13]: {tried}"));
    }
    for (n, id) in ids.iter().enumerate() {
        let end =
            format!("delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx{n}.example.net: timed out)");
        log.raw(format!("{stamp} mx1 postfix/smtp[13]: {id}: to=<b@mx{n}.example.net>, relay=none, {end}"));
    }
}

pub fn lost_lines(log: &mut Log, lines: usize) {
    for n in 0..lines / 5 {
        let text =
            format!("imuxsock[pid: {n}, name: qmgr] from <postfix/qmgr>: {n} messages lost due to rate-limiting");
        log.say("rsyslogd", 1, &text);
        let id = log.id();
        log.arrival(&id, &format!("{id}@example.org"), 1);
        log.to(&id, "b@example.net", "none", "dsn=4.4.1, status=deferred (no answer)");
    }
}

/// A day's mail within one second.
pub fn messages_of_one_second(log: &mut Log, lines: usize) {
    let now = log.now;
    for n in 0..lines / 5 {
        log.message(&format!("b{n}@example.net"));
        log.now = now;
    }
}
