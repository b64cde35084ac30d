//! A message in a postfix queue: attempts over minutes or days, notices, removal.

use super::{
    Draft, Fate, HOUR, LIFETIME, MINUTE, World,
    attempt::{Ending, attempt},
    postfix::{MX, RELAY},
    random::{long_id, short_id},
};
use mailstitch::model::Time;

/// Writes the rest of a message that was just queued and closes it. `only`: its one recipient, if the ending is
/// known. Returns when its queue file was removed.
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
    // Concurrent attempts do not finish in the order in which they began.
    draft.lines.sort_by_key(|line| line.time);
    let removed = draft.removed;
    world.close(draft);
    removed
}

/// One to three recipients, at most one of them with a problem.
fn recipients(world: &mut World, host: &str) -> Vec<(String, Ending)> {
    let trouble = match world.random.below(100) {
        0..8 => Some(Ending::Unknown),
        8..16 => Some(Ending::Late(1 + world.random.few(3))),
        16..19 => Some(Ending::Late(8 + world.random.few(4))),
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
        // The number makes the recipients of one message distinct.
        all.push((format!("user{n}{}@{domain}", world.random.below(500)), ending));
    }
    all
}

/// The notice to the sender: a message of its own, delivered to a server at the sender's. Up to postfix 3.10 the
/// parent logs its id after it is queued.
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
