//! A message in a queue: its attempts, each by a delivery agent that may have tried several hosts, and its end.

use super::{
    super::fiveday::{HOUR, MINUTE, long_id, sendmail_id, short_id},
    World,
};
use mailstitch::model::Time;

/// The id of a message that begins at `at`. If an id is reused, `at` moves on by less than a second, since ids return
/// after whole seconds.
pub fn id(world: &mut World, host: &str, at: &mut Time) -> String {
    let inode = 0x57_C000 + world.random.below(4).unsigned_abs();
    if host != "mx1" {
        return long_id(*at, world.random.below(1_000), inode);
    }
    let gone = world.ids.iter().position(|(_, free)| *free <= *at);
    match gone.filter(|_| world.random.chance(50)) {
        Some(place) => {
            let (id, free) = world.ids.swap_remove(place);
            *at = at.plus((free.0 - at.0).rem_euclid(1_000));
            id
        }
        None => short_id(*at, world.random.below(1_000), inode),
    }
}

/// Writes the lines of a postfix message after its `client=` line.
pub fn message(world: &mut World, host: &str, id: &str, arrived: Time) {
    let mut at = arrived.plus(1 + world.random.below(400));
    let message_id = world.random.below(1_000);
    world.say(at, host, "postfix/cleanup", 30, format!("{id}: message-id=<{message_id}@example.org>"));
    at = at.plus(1 + world.random.below(50));
    let from = "from=<a@example.org>, size=500, nrcpt=1 (queue active)";
    world.say(at, host, "postfix/qmgr", 9, format!("{id}: {from}"));
    let mut attempts = 1 + world.random.below(3);
    loop {
        attempts -= 1;
        at = attempt(world, host, id, arrived, at, attempts == 0);
        if attempts == 0 {
            break;
        }
        at = at.plus(5 * MINUTE + world.random.below(HOUR / 2));
        world.say(at, host, "postfix/qmgr", 9, format!("{id}: {from}"));
    }
    at = at.plus(1 + world.random.below(20));
    world.say(at, host, "postfix/qmgr", 9, format!("{id}: removed"));
    if host == "mx1" {
        // The id is free again at the same microsecond of a later second.
        let seconds = (at.0 - arrived.0) / 1_000 + 2;
        world.ids.push((id.to_owned(), arrived.plus(seconds * 1_000)));
    }
}

/// An attempt by one of two delivery agents; returns the time of its record.
fn attempt(world: &mut World, host: &str, id: &str, arrived: Time, start: Time, last: bool) -> Time {
    let pid = 20 + world.random.few(2);
    let mut at = start;
    let hosts = ["mx.example.net[198.51.100.25]:25", "mx2.example.net[198.51.100.26]:25"];
    for _ in 0..world.random.below(3) {
        at = at.plus(world.step());
        let tried = world.random.pick(&hosts);
        world.say(at, host, "postfix/smtp", pid, format!("connect to {tried}: Connection timed out"));
    }
    let relay = world.random.pick(&hosts);
    if world.random.chance(30) {
        at = at.plus(world.step());
        let tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";
        world.say(at, host, "postfix/smtp", pid, format!("Trusted TLS connection established to {relay}: {tls}"));
    }
    at = at.plus(world.step());
    let end = match (last, world.random.chance(75)) {
        (false, _) => format!(
            "relay=none, DELAYS, dsn=4.4.1, status=deferred (connect to {}: Connection timed out)",
            world.random.pick(&hosts)
        ),
        (true, true) => format!("relay={relay}, DELAYS, dsn=2.0.0, status=sent (250 2.0.0 Ok)"),
        (true, false) => format!("relay={relay}, DELAYS, dsn=5.1.1, status=bounced (550 5.1.1 User unknown)"),
    };
    let delay = (at.0 - arrived.0) / 1_000;
    let end = end.replace("DELAYS", &format!("delay={delay}, delays=0.1/0/{delay}/0.1"));
    world.say(at, host, "postfix/smtp", pid, format!("{id}: to=<b@example.net>, {end}"));
    at
}

/// A message through one sendmail process, which speaks with both sides; returns the time of its end.
pub fn sendmail(world: &mut World, start: Time) -> Time {
    let pid = 4_000 + world.random.few(3);
    let mut at = start;
    let bits = "version=TLSv1.3, verify=NO, cipher=TLS_AES_256_GCM_SHA384, bits=256/256";
    if world.random.chance(50) {
        world.say(at, "sm1", "sm-mta", pid, format!("STARTTLS=server, relay=client.example.org [192.0.2.1], {bits}"));
    }
    for n in 0..1 + world.random.below(2) {
        at = at.plus(world.step());
        let id = sendmail_id(at, world.random.below(60) + n, pid);
        let from = "from=<a@example.org>, size=500, class=0, nrcpts=1, msgid=<m@example.org>, proto=ESMTP, daemon=MTA";
        world.say(at, "sm1", "sm-mta", pid, format!("{id}: {from}, relay=client.example.org [192.0.2.1]"));
        at = at.plus(world.step());
        if world.random.chance(50) {
            world.say(at, "sm1", "sm-mta", pid, format!("STARTTLS=client, relay=mx.example.net., {bits}"));
        }
        at = at.plus(world.step());
        let end = "mailer=esmtp, pri=120000, relay=mx.example.net. [198.51.100.25], dsn=2.0.0, stat=Sent (ok)";
        let to = format!("to=<b@example.net>, delay=00:00:01, xdelay=00:00:01, {end}");
        world.say(at, "sm1", "sm-mta", pid, format!("{id}: {to}"));
    }
    at
}
