//! The stories of the two postfix servers: how a message arrives, or is refused.
//!
//! `queue.rs` has what happens to it in the queue.

use super::{
    Draft, END, HOUR, MINUTE, Refusal, SECOND, World,
    attempt::Ending,
    queue,
    random::{long_id, short_id},
};
use mailstitch::model::Time;

/// The MX, with short queue ids.
pub const MX: &str = "mx1.example.org";
/// The relay, with long queue ids; users submit here, and the other servers hand mail on to it.
pub const RELAY: &str = "relay1.example.org";

/// A client that hands in messages, and the service, as the lines name them.
struct Session {
    host: &'static str,
    program: &'static str,
    pid: u32,
    peer: String,
    /// The text after the peer in the `client=` line.
    login: &'static str,
}

impl Session {
    /// Writes the lines from `connect` to the greeting, before the first message at `at`.
    fn open(&self, world: &mut World, at: Time) {
        let Self { host, program, pid, peer, .. } = self;
        world.say(at.plus(-400), host, program, *pid, format!("connect from {peer}"));
        if world.random.chance(70) {
            let tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature \
                       RSA-PSS (2048 bits) server-digest SHA256";
            let text = format!("Anonymous TLS connection established from {peer}: {tls}");
            world.say(at.plus(-200), host, program, *pid, text);
        }
    }

    fn close(&self, world: &mut World, at: Time, messages: i64) {
        let n = messages;
        let text =
            format!("disconnect from {} ehlo=1 mail={n} rcpt={n} data={n} quit=1 commands={}", self.peer, 3 * n + 2);
        world.say(at, self.host, self.program, self.pid, text);
    }

    /// Writes the arrival of one message of the session and returns its draft.
    fn message(&self, world: &mut World, at: Time, id: String, sender: &str, message_id: Option<String>) -> Draft {
        let number = world.random.below(1 << 40);
        let message_id = message_id.unwrap_or_else(|| format!("{number:010x}@client.example.net"));
        let mut draft = Draft::new(self.host, id, at, sender, Some(message_id.clone()));
        draft.say(at.plus(1), self.program, self.pid, &format!("client={}{}", self.peer, self.login));
        draft.say(at.plus(60), "postfix/cleanup", world.pid(), &format!("message-id=<{message_id}>"));
        draft
    }
}

/// A session at the MX with one to three messages; short ids of removed messages come back.
pub fn session(world: &mut World, at: Time) {
    let messages = 1 + world.random.below(3) * i64::from(world.random.chance(30));
    let session = stranger(world);
    session.open(world, at);
    for n in 0..messages {
        let created = at.plus(n * 1_300);
        let id = short_id(created, world.random.below(1_000), world.inode());
        message_at_mx(world, &session, created, id);
    }
    session.close(world, at.plus(messages * 1_300 + 100), messages);
}

fn message_at_mx(world: &mut World, session: &Session, created: Time, id: String) {
    let sender = format!("news{}@example.net", world.random.below(400));
    let draft = session.message(world, created, id, &sender, None);
    let id = draft.id.clone();
    let removed = queue::run(world, draft, None);
    // The inode is free again; with the same microsecond of a later second, the id is the same.
    if let Some(removed) = removed.filter(|_| world.random.chance(25)) {
        let apart = match world.random.below(4) {
            0 => world.random.below(3),
            1 => 3 + world.random.below(57),
            2 => 60 + world.random.below(1_800),
            _ => HOUR / SECOND + world.random.below(10 * HOUR / SECOND),
        };
        let again = created.plus(((removed.0 - created.0) / SECOND + 1 + apart) * SECOND);
        if again < END.plus(-10 * MINUTE) {
            let session = stranger(world);
            session.open(world, again);
            message_at_mx(world, &session, again, id);
            session.close(world, again.plus(900), 1);
        }
    }
}

/// A user submits at the relay, after a login.
pub fn submission(world: &mut World, at: Time) {
    let user = world.random.pick(&["alice", "bob", "carol", "dave"]);
    let session = Session {
        host: RELAY,
        program: "postfix/submission/smtpd",
        pid: world.pid(),
        peer: format!("desk{0}.example.org[192.0.2.{0}]", 100 + world.random.below(20)),
        login: match user {
            "alice" => ", sasl_method=PLAIN, sasl_username=alice",
            "bob" => ", sasl_method=LOGIN, sasl_username=bob",
            "carol" => ", sasl_method=PLAIN, sasl_username=carol",
            _ => ", sasl_method=PLAIN, sasl_username=dave",
        },
    };
    session.open(world, at);
    let id = long_id(at, world.random.below(1_000), world.inode());
    let draft = session.message(world, at, id, &format!("{user}@example.org"), None);
    queue::run(world, draft, None);
    session.close(world, at.plus(1_400), 1);
}

/// A message that another of our hosts hands on at `at`; returns the id that the relay answers with.
pub fn handed_on(
    world: &mut World,
    at: Time,
    from: &str,
    sender: &str,
    message_id: Option<String>,
    to: &str,
) -> String {
    let peer = format!("{from}[192.0.2.{}]", if from == MX { 10 } else { 30 });
    let session = Session { host: RELAY, program: "postfix/smtpd", pid: world.pid(), peer, login: "" };
    session.open(world, at);
    let id = long_id(at, world.random.below(1_000), world.inode());
    let draft = session.message(world, at, id.clone(), sender, message_id);
    queue::run(world, draft, Some((to.to_owned(), Ending::Local)));
    session.close(world, at.plus(1_200), 1);
    id
}

/// A client whose recipients are refused, so there is no queue id.
pub fn refusal(world: &mut World, at: Time) {
    let session = stranger(world);
    let (pid, peer) = (session.pid, session.peer.clone());
    session.open(world, at);
    let sender = format!("offer{}@example.com", world.random.below(900));
    for n in 0..=world.random.below(2) {
        let recipient = format!("nobody{}@example.org", world.random.below(900));
        let time = at.plus(150 * n);
        let text = format!(
            "NOQUEUE: reject: RCPT from {peer}: 550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in \
             virtual mailbox table; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<mail.example.com>"
        );
        world.say(time, MX, session.program, pid, text);
        world.log.refusals.push(Refusal { host: "mx1".into(), time, sender: sender.clone(), recipient });
    }
    world.say(at.plus(600), MX, session.program, pid, format!("lost connection after RCPT from {peer}"));
    world.say(
        at.plus(601),
        MX,
        session.program,
        pid,
        format!("disconnect from {peer} ehlo=1 mail=1 rcpt=0/1 commands=2/3"),
    );
}

/// Lines of daemons about themselves, without a message.
pub fn housekeeping(world: &mut World, at: Time) {
    let pid = world.pid();
    let day = at.utc().format("%b %e %H:%M:%S");
    let text = format!("statistics: max connection rate 2/60s for (smtp:192.0.2.200) at {day}");
    world.say(at, MX, "postfix/anvil", pid, text);
    world.say(at.plus(1), MX, "postfix/anvil", pid, format!("statistics: max cache size 3 at {day}"));
}

fn stranger(world: &mut World) -> Session {
    let n = 200 + world.random.below(50);
    let peer = if world.random.chance(85) {
        format!("mail{n}.example.net[192.0.2.{n}]")
    } else {
        format!("unknown[192.0.2.{n}]")
    };
    Session { host: MX, program: "postfix/smtpd", pid: world.pid(), peer, login: "" }
}
