//! Messages that are related, or seem to be.

use super::Log;

const LOOPBACK: &str = "127.0.0.1[127.0.0.1]:10024";

pub fn one_message_id(log: &mut Log, lines: usize) {
    for n in 0..lines / 5 {
        let id = log.id();
        log.arrival(&id, "1@example.org", 1);
        log.sent(&id, &format!("b{n}@example.net"));
        log.removed(&id);
    }
}

/// One message per recipient, all with one Message-ID, handed on to the next host of ours.
pub fn personalised_list(log: &mut Log, lines: usize) {
    for n in 0..lines / 5 {
        let (id, next) = (log.id(), log.id());
        log.arrival(&id, "list@example.org", 1);
        let address = format!("b{n}@example.net");
        let end = format!("dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {next})");
        log.to(&id, &address, "mx2.example.org[192.0.2.12]:25", &end);
        log.say_on("mx2", "postfix/smtpd", 11, &format!("{next}: client=mx1.example.org[192.0.2.11]"));
        log.say_on("mx2", "postfix/cleanup", 12, &format!("{next}: message-id=<list@example.org>"));
    }
}

/// The same through a filter on the host itself, whose reply names no id.
pub fn through_loopback(log: &mut Log, lines: usize) {
    for n in 0..lines / 6 {
        let (id, next) = (log.id(), log.id());
        log.arrival(&id, "list@example.org", 1);
        log.to(&id, &format!("b{n}@example.net"), LOOPBACK, "dsn=2.0.0, status=sent (250 2.0.0 Ok)");
        log.say("postfix/smtpd", 14, &format!("{next}: client=localhost[127.0.0.1]"));
        log.say("postfix/cleanup", 12, &format!("{next}: message-id=<list@example.org>"));
    }
}

/// Each message was queued as the next one, in random order of time.
pub fn shuffled_chain(log: &mut Log, lines: usize) {
    let ids: Vec<String> = (0..=lines / 3).map(|_| log.id()).collect();
    let begin = log.now;
    for pair in ids.windows(2) {
        log.now = begin.plus(log.random.below(100_000));
        let [id, next] = pair else { continue };
        log.say("postfix/smtpd", 14, &format!("{id}: client=localhost[127.0.0.1]"));
        log.say("postfix/cleanup", 12, &format!("{id}: message-id=<1@example.org>"));
        let end = format!("dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {next})");
        log.to(id, "b@example.net", LOOPBACK, &end);
    }
}

pub fn circle(log: &mut Log, lines: usize) {
    let ids: Vec<String> = (0..=lines / 2).map(|_| log.id()).collect();
    for n in 0..ids.len() - 1 {
        let (id, next) = (&ids[n], &ids[(n + 1) % (ids.len() - 1)]);
        log.say("postfix/pickup", 3, &format!("{id}: uid=0 from=<root> orig_id={next}"));
        let end = format!("relay=local, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (forwarded as {next})");
        log.say("postfix/local", 4, &format!("{id}: to=<root@example.org>, {end}"));
    }
}

pub fn notices(log: &mut Log, lines: usize) {
    let parent = log.id();
    log.arrival(&parent, "1@example.org", 1);
    for _ in 0..lines / 3 {
        let id = log.id();
        log.say("postfix/bounce", 15, &format!("{parent}: sender non-delivery notification: {id}"));
        log.queued(&id, &format!("{id}@example.org"), "", 1);
    }
}

pub fn one_child(log: &mut Log, lines: usize) {
    let child = log.id();
    for n in 0..lines / 2 {
        let id = log.id();
        log.say("postfix/smtpd", 11, &format!("{id}: client=client.example.org[192.0.2.7]"));
        let end = format!("dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {child})");
        log.to(&id, &format!("b{n}@example.net"), LOOPBACK, &end);
    }
    log.say("postfix/smtpd", 14, &format!("{child}: client=localhost[127.0.0.1]"));
}
