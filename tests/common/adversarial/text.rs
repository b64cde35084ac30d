//! Long and odd texts of lines.

use super::Log;

/// A text as long as syslog daemons with generous settings allow.
const LONG: usize = 8_000;

pub fn long_lines(log: &mut Log, lines: usize) {
    for n in 0..lines / 5 {
        let id = log.id();
        log.arrival(&id, &"m".repeat(LONG), 1);
        let end = format!("dsn=2.0.0, status=sent (250 {n} {})", "Ok ".repeat(LONG / 3));
        log.to(&id, "b@example.net", "mx.example.net[198.51.100.25]:25", &end);
        log.removed(&id);
    }
}

pub fn unknown(log: &mut Log, lines: usize) {
    for _ in 0..lines {
        let words: Vec<String> = (0..6).map(|_| word(log)).collect();
        log.say("postfix/smtpd", 11, &words.join(" "));
    }
}

/// Daemons of instances that do not exist.
pub fn programs(log: &mut Log, lines: usize) {
    for n in 0..lines {
        let id = log.id();
        log.say(&format!("postfix-{n}/qmgr"), n as u32, &format!("{id}: removed"));
    }
}

/// Letters only, so that no two lines have the same shape.
fn word(log: &mut Log) -> String {
    (0..8).map(|_| char::from(b'a' + log.random.few(26) as u8)).collect()
}

pub fn noise(log: &mut Log, lines: usize) {
    for _ in 0..lines {
        let bytes = (0..80).map(|_| char::from(b' ' + log.random.few(95) as u8)).collect();
        log.raw(bytes);
    }
}

pub fn filters(log: &mut Log, lines: usize) {
    for n in 0..lines {
        let who = "[192.0.2.1]:5 [192.0.2.1] <a@example.org> -> <c@example.net>";
        let text = format!(
            "(1-{n}) Passed CLEAN {{RelayedInbound}}, {who}, Message-ID: <1@example.org>, mail_id: x{n}, Hits: -, size: 5, 9 ms"
        );
        log.say("amavis", 16, &text);
    }
}

pub fn refusals(log: &mut Log, lines: usize) {
    for n in 0..lines {
        let who = format!("h{n}.example.org[2001:db8::{:x}:{:x}]", n >> 16, n & 0xFFFF);
        let why = format!("554 5.7.1 <b{n}@example.net>: Relay access denied");
        let text = format!(
            "NOQUEUE: reject: RCPT from {who}: {why}; from=<a{n}@example.org> to=<b{n}@example.net> proto=ESMTP helo=<h{n}>"
        );
        log.say("postfix/smtpd", 11, &text);
    }
}

/// Lines of up to 500,000 bytes, 100 bytes for each of `lines`.
pub fn at_signs(log: &mut Log, lines: usize) {
    let mut left = lines * 100;
    while left > 0 {
        let length = left.min(500_000);
        left -= length;
        let id = log.id();
        log.to(&id, &"a@".repeat(length / 2), "none", "dsn=5.1.3, status=bounced (bad address)");
    }
}

pub fn senders(log: &mut Log, lines: usize) {
    for n in 0..lines / 4 {
        let id = log.id();
        log.queued(&id, &format!("{id}@example.org"), &format!("a{n}@d{n}.example.org"), 1);
        log.sent(&id, &format!("b{n}@d{n}.example.net"));
        log.removed(&id);
    }
}

pub fn replies(log: &mut Log, lines: usize) {
    for n in 0..lines / 2 {
        let id = log.id();
        log.queued(&id, &format!("{id}@example.org"), "a@example.org", 1);
        let said: Vec<String> = (0..6).map(|_| word(log)).collect();
        let end = format!("dsn=5.1.1, status=bounced (host mx{n}.example.net said: 550 5.1.1 {})", said.join(" "));
        log.to(&id, &format!("b{n}@example.net"), &format!("mx{n}.example.net[198.51.100.25]:25"), &end);
    }
}

/// Lines of a megabyte, and one that is as long as all of them.
pub fn enormous_lines(log: &mut Log, lines: usize) {
    let count = lines / 20_000 + 1;
    for _ in 0..count {
        let id = log.id();
        log.to(&id, "b@example.net", "none", &format!("dsn=4.0.0, status=deferred ({})", "x".repeat(1 << 20)));
    }
    log.raw("x".repeat(count << 20));
}
