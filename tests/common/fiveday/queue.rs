//! A message in a postfix queue: attempts over minutes or days, notices, removal.

use super::{
    Draft, Fate, HOUR, LIFETIME, MINUTE, World, postfix,
    postfix::{MX, RELAY},
    random::{long_id, short_id},
};
use mailstitch::model::Time;

/// What the world has in store for a recipient.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Into a mailbox of ours.
    Local,
    /// Accepted by a server that is not ours; `true`: by its second host, after the first did not answer.
    Remote(bool),
    /// Accepted by our relay, which tells the rest.
    Relayed,
    /// No such user there.
    Unknown,
    /// So many failures, then accepted.
    Late(u32),
    /// Failures until the message expires.
    Never,
}

/// How an attempt went.
struct Attempt {
    relay: &'static str,
    dsn: &'static str,
    fate: Fate,
    reply: String,
    connect_ms: i64,
}

const SLOW: &str = "mx.slow.example.net[192.0.2.66]:25";
const DEAD: &str = "mx1.remote.example.net[192.0.2.67]:25";
const REMOTE: &str = "mx2.remote.example.net[192.0.2.68]:25";

/// Tells the rest of a message that has just been queued and writes it down. `only`: one recipient whose ending is
/// known. Gives the time when its file was removed.
pub fn run(world: &mut World, mut draft: Draft, only: Option<(String, Ending)>) -> Option<Time> {
    let host = host_of(&draft);
    let mut open = match only {
        Some(one) => vec![one],
        None => recipients(world, host),
    };
    let size = 900 + world.random.below(90_000);
    let (created, sender) = (draft.created, draft.sender.clone());
    let mut start = created.plus(90);
    let mut pause = 5 * MINUTE;
    for round in 0.. {
        draft.say(
            start,
            "postfix/qmgr",
            1_001,
            &format!("from=<{sender}>, size={size}, nrcpt={} (queue active)", open.len()),
        );
        let mut end = start;
        let mut bounced = false;
        for (address, ending) in std::mem::take(&mut open) {
            let (done, fate) = attempt(world, &mut draft, host, start, round, &address, ending);
            end = end.max(done);
            bounced |= fate == Fate::Bounced;
            if fate == Fate::Deferred {
                open.push((address, ending));
            }
        }
        if !open.is_empty() && end.0 - created.0 > LIFETIME {
            end = end.plus(2);
            draft.say(end, "postfix/qmgr", 1_001, &format!("from=<{sender}>, status=expired, returned to sender"));
            draft.expire(end);
            open.clear();
            bounced = true;
        }
        if bounced && !sender.is_empty() {
            end = notice(world, &mut draft, end.plus(20));
        }
        if open.is_empty() {
            draft.say(end.plus(3), "postfix/qmgr", 1_001, "removed");
            draft.removed = Some(end.plus(3));
            break;
        }
        start = end.plus(pause + world.random.below(20_000));
        pause = (pause * 2).min(6 * HOUR);
    }
    // Concurrent recipients finish in another order than they were begun.
    draft.lines.sort_by_key(|line| line.time);
    let removed = draft.removed;
    world.close(draft);
    removed
}

/// One to three recipients, of whom at most one has trouble.
fn recipients(world: &mut World, host: &str) -> Vec<(String, Ending)> {
    let trouble = match world.random.below(100) {
        0..8 => Some(Ending::Unknown),
        8..16 => Some(Ending::Late(1 + world.random.below(3) as u32)),
        16..19 => Some(Ending::Late(8 + world.random.below(4) as u32)),
        19..22 => Some(Ending::Never),
        _ => None,
    };
    let count = 1 + world.random.below(3) * i64::from(world.random.chance(30));
    let mut all: Vec<(String, Ending)> = Vec::new();
    for n in 0..count {
        let ending = match (n, trouble) {
            (0, Some(trouble)) => trouble,
            _ if host == MX && world.random.chance(30) => Ending::Relayed,
            _ if world.random.chance(50) => Ending::Local,
            _ => Ending::Remote(world.random.chance(20)),
        };
        let domain = match ending {
            Ending::Local | Ending::Relayed => "example.org",
            _ => "remote.example.net",
        };
        // The number keeps the recipients of one message apart.
        all.push((format!("user{n}{}@{domain}", world.random.below(500)), ending));
    }
    all
}

/// The line or lines of one attempt; when it was over, and how.
fn attempt(
    world: &mut World,
    draft: &mut Draft,
    host: &str,
    start: Time,
    round: u32,
    to: &str,
    ending: Ending,
) -> (Time, Fate) {
    let pid = world.pid();
    let transmission = 40 + world.random.below(900);
    let how = outcome(world, draft, host, start, round, to, ending);
    let done = start.plus(10 + how.connect_ms + transmission);
    if how.relay == "none" || how.relay == REMOTE && how.connect_ms > 10_000 {
        let dead = if how.relay == "none" { SLOW } else { DEAD };
        world.say(
            start.plus(how.connect_ms),
            host,
            "postfix/smtp",
            pid,
            format!("connect to {dead}: Connection timed out"),
        );
    }
    let word = match how.fate {
        Fate::Sent => "sent",
        Fate::Bounced => "bounced",
        Fate::Deferred | Fate::Expired => "deferred",
    };
    let text = format!(
        "to=<{to}>, relay={}, delay={}, delays={}/{}/{}/{}, dsn={}, status={word} ({})",
        how.relay,
        delay(done.0 - draft.created.0),
        delay(start.0 - draft.created.0),
        delay(10),
        delay(how.connect_ms),
        delay(transmission),
        how.dsn,
        how.reply
    );
    let program = if how.relay.contains("dovecot") { "postfix/lmtp" } else { "postfix/smtp" };
    draft.say(done, program, pid, &text);
    draft.attempt(done, to, how.fate);
    (done, how.fate)
}

fn outcome(
    world: &mut World,
    draft: &mut Draft,
    host: &str,
    start: Time,
    round: u32,
    to: &str,
    ending: Ending,
) -> Attempt {
    let queued = |id: String| format!("250 2.0.0 Ok: queued as {id}");
    match ending {
        Ending::Local => Attempt {
            relay: if host == MX {
                "mx1.example.org[private/dovecot-lmtp]"
            } else {
                "relay1.example.org[private/dovecot-lmtp]"
            },
            dsn: "2.0.0",
            fate: Fate::Sent,
            reply: format!("250 2.0.0 <{to}> {:016x} Saved", world.random.below(i64::MAX)),
            connect_ms: 4,
        },
        Ending::Relayed => {
            let id = postfix::handed_on(world, start.plus(15), host, &draft.sender, draft.message_id.clone(), to);
            draft.child(start, &id);
            Attempt {
                relay: "relay1.example.org[192.0.2.12]:25",
                dsn: "2.0.0",
                fate: Fate::Sent,
                reply: queued(id),
                connect_ms: 30,
            }
        }
        Ending::Unknown => Attempt {
            relay: REMOTE,
            dsn: "5.1.1",
            fate: Fate::Bounced,
            reply: format!(
                "host mx2.remote.example.net[192.0.2.68] said: 550 5.1.1 <{to}>: Recipient address rejected: User unknown \
                 (in reply to RCPT TO command)"
            ),
            connect_ms: 120,
        },
        Ending::Never => failure(round),
        Ending::Late(failures) if round < failures => failure(round),
        Ending::Late(_) | Ending::Remote(false) => Attempt {
            relay: REMOTE,
            dsn: "2.0.0",
            fate: Fate::Sent,
            reply: queued(world.random.foreign_id()),
            connect_ms: 90,
        },
        Ending::Remote(true) => Attempt {
            relay: REMOTE,
            dsn: "2.0.0",
            fate: Fate::Sent,
            reply: queued(world.random.foreign_id()),
            connect_ms: 30_040,
        },
    }
}

/// In turn: nobody answers, or the answer is "later".
fn failure(round: u32) -> Attempt {
    if round % 3 == 1 {
        let said = "451 4.7.1 Greylisting in action, please come back later (in reply to RCPT TO command)";
        let reply = format!("host mx2.remote.example.net[192.0.2.68] said: {said}");
        Attempt { relay: REMOTE, dsn: "4.7.1", fate: Fate::Deferred, reply, connect_ms: 110 }
    } else {
        let reply = format!("connect to {SLOW}: Connection timed out");
        Attempt { relay: "none", dsn: "4.4.1", fate: Fate::Deferred, reply, connect_ms: 30_010 }
    }
}

/// The notice to the sender: a message of its own, which a server at the sender's takes. Up to postfix 3.10 the parent
/// names it after it is in the queue.
fn notice(world: &mut World, parent: &mut Draft, at: Time) -> Time {
    let host = host_of(parent);
    let inode = world.inode();
    let micros = world.random.below(1_000);
    let id = if host == MX { short_id(at, micros, inode) } else { long_id(at, micros, inode) };
    let message_id = format!("{}.{id}@{host}", at.utc().format("%Y%m%d%H%M%S"));
    let mut draft = Draft::new(host, id.clone(), at, "", Some(message_id.clone()));
    draft.say(at.plus(1), "postfix/cleanup", world.pid(), &format!("message-id=<{message_id}>"));
    parent.say(at.plus(95), "postfix/bounce", world.pid(), &format!("sender non-delivery notification: {id}"));
    parent.child(at.plus(95), &id);
    let sender = parent.sender.clone();
    run(world, draft, Some((sender, Ending::Remote(false))));
    at.plus(95)
}

fn host_of(draft: &Draft) -> &'static str {
    if draft.host() == MX { MX } else { RELAY }
}

/// As postfix writes seconds (`log_adhoc.c`): from 10 on whole, below two digits at most, no trailing zeros.
fn delay(ms: i64) -> String {
    let hundredths = if ms >= 1_000 { ms / 100 * 10 } else { ms / 10 };
    let text =
        if ms >= 10_000 { (ms / 1_000).to_string() } else { format!("{}.{:02}", hundredths / 100, hundredths % 100) };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
