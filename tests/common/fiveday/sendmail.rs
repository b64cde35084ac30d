//! The stories of the sendmail server: mail of a local user has two ids, one in the submission queue and one in the
//! daemon's queue behind it.
//!
//! At the default log level sendmail logs no line when a message is done: it is done when its recipients are.

use super::{
    Draft, Fate, HOUR, LIFETIME, MINUTE, SECOND, World,
    postfix::{self, RELAY},
    random::sendmail_id,
};
use mailstitch::model::Time;

const HOST: &str = "sm1.example.org";

/// How the daemon's delivery to the recipient ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Relayed,
    Remote,
    Unknown,
    Late(u32),
    Never,
}

/// A user calls `sendmail`; the submission queue hands the message to the daemon at once.
pub fn command_line(world: &mut World, at: Time) {
    let (user, uid) = [("alice", 1_001), ("bob", 1_002), ("carol", 1_003)][world.random.few(3) as usize];
    let size = 400 + world.random.below(20_000);
    let (to, ending) = recipient(world);
    let pid = world.pid();
    let id = sendmail_id(at, world.random.below(3_600), pid);
    let message_id = format!("{}.{id}@{HOST}", at.utc().format("%Y%m%d%H%M"));
    let mut submitted = Draft::new(HOST, id, at, user, Some(message_id.clone()));
    let from = format!("from={user}, size={size}, class=0, nrcpts=1, msgid=<{message_id}>, relay={user}@localhost");
    submitted.say(at.plus(5), "sendmail", pid, &from);

    let daemon = world.pid();
    let arrived = at.plus(60);
    let id = sendmail_id(arrived, world.random.below(3_600), daemon);
    let sender = format!("{user}@{HOST}");
    let mut draft = Draft::new(HOST, id.clone(), arrived, &sender, Some(message_id.clone()));
    let size = size + 210;
    let from = format!(
        "from=<{sender}>, size={size}, class=0, nrcpts=1, msgid=<{message_id}>, proto=ESMTP, daemon=MTA-v4, \
         relay=localhost [127.0.0.1]"
    );
    draft.say(arrived.plus(40), "sm-mta", daemon, &from);

    let done = at.plus(140);
    let sent = format!(
        "to={to}, ctladdr={user} ({uid}/{uid}), delay=00:00:00, xdelay=00:00:00, mailer=relay, pri={}, \
         relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent ({id} Message accepted for delivery)",
        30_000 + size
    );
    submitted.say(done, "sendmail", pid, &sent);
    submitted.attempt(done, &to, Fate::Sent);
    submitted.child(done, &id);
    submitted.removed = Some(done);
    world.close(submitted);
    run(world, draft, &to, ending, &format!("ctladdr=<{sender}> ({uid}/{uid}), "));
}

fn recipient(world: &mut World) -> (String, Ending) {
    let ending = match world.random.below(100) {
        0..10 => Ending::Unknown,
        10..19 => Ending::Late(1 + world.random.few(10)),
        19..27 => Ending::Never,
        27..60 => Ending::Relayed,
        _ => Ending::Remote,
    };
    let domain = if ending == Ending::Relayed { "example.org" } else { "remote.example.net" };
    (format!("user{}@{domain}", world.random.below(500)), ending)
}

/// The daemon's attempts, over minutes or days.
fn run(world: &mut World, mut draft: Draft, to: &str, ending: Ending, ctladdr: &str) {
    let mut start = draft.created.plus(200);
    let mut pause = 10 * MINUTE;
    for round in 0.. {
        let pid = world.pid();
        let (fate, rest) = outcome(world, &mut draft, start, round, to, ending);
        let took = if fate == Fate::Deferred { 30_000 } else { 300 + world.random.below(900) };
        let done = start.plus(took);
        let times = format!("delay={}, xdelay={}", clock(done.0 - draft.created.0), clock(took));
        let pri = 120_000 + 90_000 * i64::from(round);
        draft.say(done, "sm-mta", pid, &format!("to=<{to}>, {ctladdr}{times}, mailer=esmtp, pri={pri}, {rest}"));
        draft.attempt(done, to, fate);
        let over = done.0 - draft.created.0 > LIFETIME;
        if fate == Fate::Bounced {
            notice(world, &mut draft, done.plus(5), pid, "DSN: User unknown");
        } else if fate == Fate::Deferred && over {
            notice(world, &mut draft, done.plus(5), pid, "sender notify: Cannot send message for 2 days");
            draft.expire(done.plus(5));
        }
        if fate != Fate::Deferred || over {
            draft.removed = Some(done.plus(5));
            break;
        }
        // A queue run starts some seconds after messages are due.
        start = done.plus(pause + world.random.below(30 * SECOND));
        pause = (pause * 2).min(6 * HOUR);
    }
    world.close(draft);
}

/// The fate of an attempt, and its line from `relay=` on.
fn outcome(world: &mut World, draft: &mut Draft, start: Time, round: u32, to: &str, ending: Ending) -> (Fate, String) {
    let remote = "relay=mx2.remote.example.net. [192.0.2.68]";
    let sent = |relay: &str, id: &str| (Fate::Sent, format!("{relay}, dsn=2.0.0, stat=Sent (Ok: queued as {id})"));
    match ending {
        Ending::Relayed => {
            let id = postfix::handed_on(world, start.plus(50), HOST, &draft.sender, draft.message_id.clone(), to);
            draft.child(start, &id);
            sent(&format!("relay={RELAY}. [192.0.2.12]"), &id)
        }
        Ending::Unknown => (Fate::Bounced, format!("{remote}, dsn=5.1.1, stat=User unknown")),
        Ending::Late(failures) if round >= failures => sent(remote, &world.random.foreign_id()),
        Ending::Remote => sent(remote, &world.random.foreign_id()),
        Ending::Late(_) | Ending::Never => {
            let slow = "mx.slow.example.net.";
            (
                Fate::Deferred,
                format!("relay={slow} [192.0.2.66], dsn=4.0.0, stat=Deferred: Connection timed out with {slow}"),
            )
        }
    }
}

/// sendmail's own notices have no `from=` line: the parent logs their id, and they are delivered.
fn notice(world: &mut World, parent: &mut Draft, at: Time, pid: u32, text: &str) {
    let id = sendmail_id(at, world.random.below(3_600), pid);
    parent.say(at, "sm-mta", pid, &format!("{id}: {text}"));
    parent.child(at, &id);
    let mut draft = Draft::new(HOST, id, at, "", None);
    let to = parent.sender.clone();
    let done = at.plus(90);
    let line = format!("to=<{to}>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=31054, dsn=2.0.0, stat=Sent");
    draft.say(done, "sm-mta", pid, &line);
    draft.attempt(done, &to, Fate::Sent);
    draft.removed = Some(done);
    world.close(draft);
}

/// `[days+]hh:mm:ss`.
fn clock(ms: i64) -> String {
    let seconds = ms / SECOND;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let time = format!("{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    if days > 0 { format!("{days}+{time}") } else { time }
}
