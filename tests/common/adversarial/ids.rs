//! Many lines under one queue id, and many queue ids.

use super::{super::fiveday::DAY, Log};

const SHORT: &str = "4F1A257C001";
const FIVE_DAYS: i64 = 5 * DAY;

fn life(log: &mut Log, n: usize) {
    log.arrival(SHORT, &format!("{n}@example.org"), 1);
    log.sent(SHORT, "b@example.net");
    log.removed(SHORT);
    log.wait(2_000 - 5);
}

pub fn lives(log: &mut Log, lines: usize) {
    (0..lines / 5).for_each(|n| life(log, n));
}

pub fn lives_shuffled(log: &mut Log, lines: usize) {
    let begin = log.now;
    for n in 0..lines / 5 {
        log.now = begin.plus(log.random.below(1 + lines as i64 / 5) * 1_000);
        life(log, n);
    }
}

pub fn on_many_hosts(log: &mut Log, lines: usize) {
    for n in 0..lines / 2 {
        let host = format!("mx{}", n % 1_000);
        log.say_on(&host, "postfix/smtpd", 11, &format!("{SHORT}: client=mx{}.example.org[192.0.2.7]", n * 7 % 1_000));
        let relay = format!("mx{}.example.org[192.0.2.8]:25", (n + 1) % 1_000);
        let end =
            format!("relay={relay}, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {SHORT})");
        log.say_on(&host, "postfix/smtp", 13, &format!("{SHORT}: to=<b{n}@example.net>, {end}"));
    }
}

pub fn hosts(log: &mut Log, lines: usize) {
    for n in 0..lines {
        let id = log.id();
        log.say_on(&format!("mx{n}"), "postfix/qmgr", 9, &format!("{id}: removed"));
    }
}

pub fn strangers(log: &mut Log, lines: usize) {
    for _ in 0..lines {
        let id = log.id();
        log.say("postfix/qmgr", 9, &format!("{id}: removed"));
    }
}

pub fn warnings(log: &mut Log, lines: usize) {
    let id = log.id();
    log.arrival(&id, "1@example.org", 1);
    for n in 0..lines {
        let what = "from client.example.org[192.0.2.7]; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>";
        log.say("postfix/cleanup", 12, &format!("{id}: warning: header Subject: {n} {what}: number {n}"));
    }
}

pub fn activations(log: &mut Log, lines: usize) {
    let id = log.id();
    log.arrival(&id, "1@example.org", 1);
    for n in 0..lines {
        log.say("postfix/qmgr", 9, &format!("{id}: from=<a@example.org>, size={n}, nrcpt=1 (queue active)"));
        log.wait(FIVE_DAYS / lines as i64);
    }
}

/// Messages that arrive and are never mentioned again.
pub fn never_ended(log: &mut Log, lines: usize) {
    for _ in 0..lines {
        let id = log.id();
        log.say("postfix/smtpd", 11, &format!("{id}: client=client.example.org[192.0.2.7]"));
    }
}

/// Ends of messages that were never mentioned before.
pub fn ends(log: &mut Log, lines: usize) {
    for _ in 0..lines {
        log.removed(SHORT);
        log.wait(1_000 - 1);
    }
}
