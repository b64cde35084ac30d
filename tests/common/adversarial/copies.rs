//! Repeated lines, and time that goes backwards.

use super::Log;

pub fn same_message(log: &mut Log, lines: usize) {
    let id = log.id();
    for _ in 0..lines / 5 {
        log.arrival(&id, "1@example.org", 1);
        log.sent(&id, "b@example.net");
        log.removed(&id);
        log.wait(1_000 - 5);
    }
}

/// Repetitions as syslog daemons shorten them.
pub fn told_as_repeated(log: &mut Log, lines: usize) {
    for n in 0..lines / 3 {
        let id = log.id();
        log.to(&id, "b@example.net", "none", "dsn=4.4.1, status=deferred (no answer)");
        log.raw(format!("{} mx1 last message repeated {n} times", log.now));
        let said = "NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 450 4.7.1 <b@example.net>: Greylisted";
        log.say(
            "postfix/smtpd",
            11,
            &format!("message repeated 2147483647 times: [ {said}; from=<> to=<{n}@example.net>]"),
        );
    }
}

pub fn same_line(log: &mut Log, lines: usize) {
    let line = format!("{} mx1 postfix/qmgr[9]: 4F1A257C001: removed", log.now.utc().format("%Y-%m-%dT%H:%M:%SZ"));
    (0..lines).for_each(|_| log.raw(line.clone()));
}

pub fn finer_copies(log: &mut Log, lines: usize) {
    let id = log.id();
    for n in 0..lines {
        log.say("postfix/smtp", 13, &format!("{id}: to=<b{}@example.net>, relay=none, status=deferred (no)", n % 10));
    }
}

pub fn backwards(log: &mut Log, lines: usize) {
    for n in 0..lines / 5 {
        // The lines stay in this order in the file, against their timestamps.
        let (at, id) = (log.now.plus(-60_000 * n as i64).utc(), log.id());
        let stamp = at.format("%Y-%m-%dT%H:%M:%S%.3f+00:00");
        for (program, text) in [
            ("postfix/qmgr[9]", "removed"),
            ("postfix/smtp[13]", "to=<b@example.net>, relay=none, delay=9, dsn=4.4.1, status=deferred (no)"),
            ("postfix/qmgr[9]", "from=<a@example.org>, size=900, nrcpt=1 (queue active)"),
            ("postfix/cleanup[12]", "message-id=<1@example.org>"),
            ("postfix/smtpd[11]", "client=client.example.org[192.0.2.7]"),
        ] {
            log.raw(format!("{stamp} mx1 {program}: {id}: {text}"));
        }
    }
}
