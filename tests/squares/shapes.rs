//! Logs of mail connected in ways that tempt code into comparing all pairs.
//!
//! In: a number.  Out: the lines of about that many messages.

use mailstitch::model::{Intake, Line, Time};

/// 2026-11-22T20:20:00Z.
const START: Time = Time(1_795_378_800_000);

/// The name of a shape, and its lines.
pub type Shape = (&'static str, fn(usize) -> Vec<Line>);

pub const SHAPES: &[Shape] = &[
    ("one Message-ID, replies without an id", one_message_id),
    ("a list of one Message-ID, a message for each", list),
    ("one Message-ID through a filter beside the server", loopback),
    ("a shuffled chain", chain),
    ("a cycle", cycle),
    ("one queue id on many hosts", many_hosts),
    ("one queue id that comes back", comes_back),
    ("verdicts of one Message-ID", verdicts),
];

#[derive(Default)]
struct Log(Intake, Vec<Line>);

impl Log {
    fn say(&mut self, at: i64, host: &str, program: &str, text: &str) {
        self.1.extend(self.0.line(START.plus(at), host, program, Some(7), text));
    }

    /// A message that came from a client and went to a relay.
    #[expect(clippy::too_many_arguments, reason = "a row of a table, one column each")]
    fn message(&mut self, at: i64, host: &str, id: &str, client: &str, message_id: &str, to: &str, sent: &str) {
        self.say(at, host, "postfix/smtpd", &format!("{id}: client={client}"));
        self.say(at, host, "postfix/cleanup", &format!("{id}: message-id=<{message_id}>"));
        let sent = format!("{id}: to=<{to}>, relay={sent})");
        let program = if sent.contains("relay=local") { "postfix/local" } else { "postfix/smtp" };
        self.say(at + 500, host, program, &sent);
        self.say(at + 501, host, "postfix/qmgr", &format!("{id}: removed"));
    }
}

const CLIENT: &str = "client.example.net[198.51.100.7]";
const APP: &str = "app1.example.org[192.0.2.11]";

fn sent(relay: &str, reply: &str) -> String {
    format!("{relay}, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent ({reply}")
}

fn delivered() -> String {
    sent("local", "delivered to mailbox")
}

fn to(n: usize) -> String {
    format!("r{n}@example.org")
}

/// A short queue id.
fn id(n: usize) -> String {
    format!("{:010X}", 0x10_0000_0000_u64 + n as u64)
}

fn queued(relay: &str, n: usize) -> String {
    sent(relay, &format!("250 2.0.0 Ok: queued as {}", id(n)))
}

fn one_message_id(n: usize) -> Vec<Line> {
    let mut log = Log::default();
    for i in 0..n / 2 {
        let at = i as i64 * 10;
        log.message(
            at,
            "app1",
            &id(2 * i),
            CLIENT,
            "m@example.org",
            &to(i),
            &sent("mx1.example.org[192.0.2.1]:25", "250 ok"),
        );
        log.message(at + 400, "mx1", &id(2 * i + 1), APP, "m@example.org", &to(i), &delivered());
    }
    log.1
}

fn list(n: usize) -> Vec<Line> {
    let mut log = Log::default();
    for i in 0..n / 2 {
        let at = i as i64 * 10;
        log.message(
            at,
            "app1",
            &id(2 * i),
            CLIENT,
            "m@example.org",
            &to(i),
            &queued("mx1.example.org[192.0.2.1]:25", 2 * i + 1),
        );
        log.message(at + 400, "mx1", &id(2 * i + 1), APP, "m@example.org", &to(i), &delivered());
    }
    log.1
}

fn loopback(n: usize) -> Vec<Line> {
    let mut log = Log::default();
    for i in 0..n / 2 {
        let at = i as i64 * 10;
        log.message(
            at,
            "mx1",
            &id(2 * i),
            CLIENT,
            "m@example.org",
            &to(i),
            &sent("127.0.0.1[127.0.0.1]:10024", "250 ok"),
        );
        log.message(at + 400, "mx1", &id(2 * i + 1), "localhost[127.0.0.1]", "m@example.org", &to(i), &delivered());
    }
    log.1
}

/// Hops of one mail between two hosts, not in order of time.
fn hops(n: usize, next: impl Fn(usize) -> usize) -> Vec<Line> {
    let mut log = Log::default();
    for i in 0..n {
        let (here, there) = if i % 2 == 0 { ("app1", "mx1") } else { ("mx1", "app1") };
        let at = (i * 7919 % n) as i64;
        let relay = format!("{there}.example.org[192.0.2.1]:25");
        let client = format!("{there}.example.org[192.0.2.11]");
        log.message(at, here, &id(i), &client, "m@example.org", "r@example.org", &queued(&relay, next(i)));
    }
    log.1
}

fn chain(n: usize) -> Vec<Line> {
    hops(n, |i| i + 1)
}

fn cycle(n: usize) -> Vec<Line> {
    hops(n, |i| (i + 1) % n)
}

fn many_hosts(n: usize) -> Vec<Line> {
    let mut log = Log::default();
    for i in 0..n / 2 {
        let (at, message_id) = (i as i64, format!("m{i}@example.org"));
        let relay = format!("h{i}.example.org[192.0.2.1]:25");
        log.message(at, "app1", &id(i + 1), CLIENT, &message_id, &to(i), &queued(&relay, 0));
        log.message(at + 400, &format!("h{i}"), &id(0), APP, &message_id, &to(i), &delivered());
    }
    log.1
}

fn comes_back(n: usize) -> Vec<Line> {
    let mut log = Log::default();
    for i in 0..n / 2 {
        let (at, message_id) = (i as i64 * 2000, format!("m{}@example.org", i % 3));
        log.message(at, "app1", &id(i + 1), CLIENT, &message_id, &to(i), &queued("mx1.example.org[192.0.2.1]:25", 0));
        log.message(at + 400, "mx1", &id(0), APP, &message_id, &to(i), &delivered());
    }
    log.1
}

fn verdicts(n: usize) -> Vec<Line> {
    let mut log = Log::default();
    for i in 0..n / 2 {
        let at = i as i64 * 10;
        log.message(at, "mx1", &id(i), CLIENT, "m@example.org", &to(i % 5), &delivered());
        let verdict = format!(
            "({i}-1) Passed CLEAN {{RelayedInbound}}, [192.0.2.1]:5 [192.0.2.1] <a@example.org> -> <{}>, Message-ID: <m@example.org>, mail_id: x, Hits: -, size: 5, 9 ms",
            to(i % 5)
        );
        log.say(at + 100, "mx1", "amavis", &verdict);
    }
    log.1
}
