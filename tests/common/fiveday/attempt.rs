//! One delivery attempt of postfix: its lines and their meaning.

use super::{Draft, Fate, World, postfix, postfix::MX};
use mailstitch::model::Time;

/// How the delivery to a recipient will end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Delivered into a local mailbox.
    Local,
    /// Accepted by a foreign server; `true`: by its second host, after the first did not answer.
    Remote(bool),
    /// Accepted by our relay, where the story goes on.
    Relayed,
    /// Bounced: no such user.
    Unknown,
    /// This many failures, then accepted.
    Late(u32),
    /// Fails until the message expires.
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

/// Writes the lines of one attempt; returns when it was over, and its fate.
pub fn attempt(
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

/// A failure, in turn: no answer, or the reply "later".
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

/// Seconds as postfix writes them (`log_adhoc.c`): whole from 10 on, below with at most two decimals and no trailing
/// zeros.
fn delay(ms: i64) -> String {
    let hundredths = if ms >= 1_000 { ms / 100 * 10 } else { ms / 10 };
    let text =
        if ms >= 10_000 { (ms / 1_000).to_string() } else { format!("{}.{:02}", hundredths / 100, hundredths % 100) };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
