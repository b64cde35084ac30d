//! An incoming session of postfix: lines about the session, about messages to come, and the messages.

use super::{World, mail};
use mailstitch::model::Time;

const PEERS: [&str; 3] = ["client.example.org[192.0.2.1]", "unknown[192.0.2.2]", "mail.example.com[192.0.2.3]"];

/// A session of one smtpd process; returns the time of its end.
pub fn session(world: &mut World, host: &str, pid: u32, start: Time) -> Time {
    let peer = world.random.pick(&PEERS);
    let smtpd = |world: &mut World, at: &mut Time, text: String| {
        *at = at.plus(world.step());
        world.say(*at, host, "postfix/smtpd", pid, text);
    };
    let mut at = start;
    world.say(at, host, "postfix/smtpd", pid, format!("connect from {peer}"));
    if world.random.chance(30) {
        let tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)";
        smtpd(world, &mut at, format!("Anonymous TLS connection established from {peer}: {tls}"));
    }
    if world.random.chance(15) {
        smtpd(world, &mut at, format!("warning: {peer}: SASL LOGIN authentication failed: UGFzc3dvcmQ6"));
    }
    let login = if world.random.chance(15) { ", sasl_method=PLAIN, sasl_username=alice" } else { "" };
    for _ in 0..world.random.below(4) {
        let (from, to) = ("from=<a@example.org>", "to=<b@example.net>");
        match world.random.below(10) {
            action @ 0..4 => {
                let action = if action < 2 { "discard" } else { "hold" };
                let why = "<a@example.org>: Sender address triggers action";
                let text = format!("NOQUEUE: {action}: RCPT from {peer}: {why}; {from} {to} proto=ESMTP helo=<h>");
                smtpd(world, &mut at, text);
            }
            4 => {
                let why = "554 5.7.1 <c@example.net>: Relay access denied";
                let text = format!("NOQUEUE: reject: RCPT from {peer}: {why}; {from} {to} proto=ESMTP helo=<h>");
                smtpd(world, &mut at, text);
            }
            _ => {}
        }
        // Some clients give up before the message has an id.
        if world.random.chance(85) {
            let mut id = mail::id(world, host, &mut at);
            smtpd(world, &mut at, format!("{id}: client={peer}{login}"));
            if world.random.chance(10) {
                // The client gave up, and the next message may reuse the queue file.
                id = mail::id(world, host, &mut at);
                smtpd(world, &mut at, format!("{id}: client={peer}{login}"));
            }
            mail::message(world, host, &id, at);
        }
    }
    smtpd(world, &mut at, format!("disconnect from {peer} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"));
    at
}
