//! Sessions: TLS, logins, and connections that are suspicious, refused or lost.
//!
//! In: texts with a queue id (sendmail gives one to every SMTP session, with or without mail) and without.
//! Out: `Connect`, `Aborted`, `Tls`, `SaslLogin`, `SaslFailed`, `Policy` (for a probe with [`Action::Warn`], so that its client
//! is known).
//! Ignored on purpose: logins and TLS errors of outgoing sessions; the delivery record has their result.

use super::peer::peer;
use super::reject::policy;
use super::scan::{Fields, bare};
use crate::model::Event;
use crate::model::event::{Action, Peer};

/// `STARTTLS=server|client, relay=R, version=V, verify=…, cipher=C, …`; `None` for other lines about TLS.
pub fn tls(text: &str) -> Option<Event<'_>> {
    const KEYS: &[&str] = &["STARTTLS", "relay", "version", "verify", "cipher", "bits", "pubkey_fp", "status", "note"];
    let (mut inbound, mut at, mut version, mut cipher) = (false, None, None, None);
    for (key, value) in Fields::new(text, KEYS) {
        match key {
            "STARTTLS" => inbound = value == "server",
            "relay" => at = Some(peer(value)),
            "version" => version = Some(value),
            "cipher" => cipher = Some(value),
            _ => {}
        }
    }
    Some(Event::Tls { inbound, peer: at?, version: version?, cipher })
}

/// `AUTH=server, relay=R, authid=U, mech=M, bits=N`: a client logged in.
pub fn login(text: &str) -> Option<Event<'_>> {
    let rest = text.strip_prefix("AUTH=server, ")?;
    let mut login = (None, None, None);
    for (key, value) in Fields::new(rest, &["relay", "authid", "mech", "bits"]) {
        match key {
            "relay" => login.0 = Some(peer(value)),
            "authid" => login.1 = Some(value),
            "mech" => login.2 = Some(value),
            _ => {}
        }
    }
    Some(Event::SaslLogin { peer: login.0?, user: login.1, method: login.2 })
}

/// `AUTH failure (MECH): REASON[, user=U], relay=R`. The user is the client's text.
pub fn login_failed(text: &str) -> Option<Event<'_>> {
    let (method, rest) = text.strip_prefix("AUTH failure (")?.split_once("): ")?;
    let (rest, relay) = rest.rsplit_once(", relay=")?;
    let (reason, user) = match rest.split_once(", user=") {
        Some((reason, user)) => (reason, Some(user)),
        None => (rest, None),
    };
    Some(Event::SaslFailed { peer: peer(relay), method: Some(method), user, reason })
}

/// `connect from H [ip]` (`LogLevel` above 9).
pub fn connect(text: &str) -> Option<Event<'_>> {
    Some(Event::Connect { peer: peer(text.strip_prefix("connect from ")?) })
}

/// Aborted sessions. The stage is sendmail's own word (`rcpt`, `server cmd read`), or `data` while it reads a message.
pub fn aborted(text: &str) -> Option<Event<'_>> {
    let event = |peer, reason, stage| Some(Event::Aborted { peer, reason, stage });
    if let Some(rest) = text.strip_prefix("lost input channel from ") {
        let (from, stage) = rest.rsplit_once(" after ")?;
        let relay = from.rsplit_once(" to ").map_or(from, |(relay, _)| relay);
        return event(peer(relay), "lost input channel", stage);
    }
    if let Some(rest) = text.strip_prefix("timeout waiting for input from ") {
        let (host, stage) = rest.rsplit_once(" during ")?;
        return event(peer(host), "timeout waiting for input", stage);
    }
    // A timeout while reading the message is logged as an error of the system.
    let text = text.strip_prefix("SYSERR(").and_then(|t| t.split_once("): ")).map_or(text, |(_, text)| text);
    let rest = text.strip_prefix("collect: ")?;
    if let Some(rest) = rest.strip_prefix("relay=") {
        // 8.17 and later: `relay=H, from=A, info=REASON`.
        let (host, rest) = rest.split_once(", ")?;
        return event(peer(host), rest.rsplit_once("info=")?.1, "data");
    }
    if let Some((reason, host)) = rest.split_once(" on connection from ") {
        let host = host.split_once(", ").map_or(host, |(host, _)| host);
        return event(peer(host), reason, "data");
    }
    let broke_off = rest.starts_with("premature EOM") || rest.starts_with("Cannot write ");
    broke_off.then(|| Event::Aborted { peer: Peer::default(), reason: rest, stage: "data" })
}

/// Remarks on a client: a session without mail, a refusal, a probe, a suspected attack. The client's relay is at the beginning of
/// the line, or inside it.
pub fn watched(text: &str) -> Option<Event<'_>> {
    if let Some((relay, _)) = text.split_once(" did not issue MAIL/EXPN/VRFY/ETRN during connection to ") {
        return Some(Event::Policy(policy(Action::Warn, "connect", peer(relay), &text[relay.len() + 1..])));
    }
    if let Some((stage, rest)) = text.strip_prefix("rejecting ").and_then(|t| t.split_once(" from ")) {
        let (relay, _) = rest.split_once(" due to ")?;
        let stage = match stage {
            "commands" => "connect",
            "DATA" => "data",
            "STARTTLS" => "starttls",
            other => other,
        };
        return Some(Event::Policy(policy(Action::Reject, stage, peer(relay), text)));
    }
    if let Some(rest) = text.strip_prefix("tcpwrappers (") {
        let (host, addr) = rest.strip_suffix(") rejection")?.split_once(", ")?;
        let peer = Peer { addr: Some(addr), ..peer(host) };
        return Some(Event::Policy(policy(Action::Reject, "connect", peer, text)));
    }
    if text.starts_with("POSSIBLE ATTACK from ") || (text.starts_with('"') && text.contains("\" command from ")) {
        return Some(Event::Warning { text });
    }
    let at = text.find("]: ").or_else(|| text.find("(may be forged): ").map(|at| at + "(may be forged".len()))?;
    let (relay, what) = (&text[..=at], text.get(at + "]: ".len()..)?);
    // A command is logged in the client's spelling.
    let begins = |start: &str| what.get(..start.len()).is_some_and(|what| what.eq_ignore_ascii_case(start));
    let (_, stage) = PROBES.iter().find(|(start, _)| begins(start))?;
    let action = if what.ends_with(" [rejected]") { Action::Reject } else { Action::Warn };
    Some(Event::Policy(policy(action, stage, peer(relay), what)))
}

/// Beginnings of remarks that follow a client's relay, with the SMTP stage of each.
const PROBES: &[(&str, &str)] = &[
    ("VRFY ", "vrfy"),
    ("EXPN ", "expn"),
    ("ETRN ", "etrn"),
    ("Possible SMTP RCPT flood, ", "rcpt"),
    ("possible SMTP attack: ", "connect"),
    ("probable open proxy: ", "connect"),
    ("SMTP violation, ", "connect"),
];

/// `ADDR... TEXT`: an error about an address, reported to the client or the sender (`err.c usrerr`).
pub fn user_error(text: &str) -> Option<Event<'_>> {
    let end = match text.strip_prefix('<') {
        // The first `>... ` ends the address. A quoted address may hold one itself; then its end is taken for a part of the text.
        Some(_) => text.find(">... ")? + 1,
        None => text.find("... ")?,
    };
    let addr = &text[..end];
    if addr.contains([' ', ':']) && !addr.starts_with(['<', '"']) {
        return None;
    }
    let (code, dsn, text) = super::scan::reply(&text[end + 4..]);
    Some(Event::UserError { addr: bare(addr), code, dsn, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::sendmail::reject::tests::compact;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let who = |p: Peer<'_>| format!("{}[{}]", p.name.unwrap_or("-"), p.addr.unwrap_or("-"));
        let event =
            [tls, login, login_failed, connect, aborted, watched, user_error].iter().find_map(|read| read(text));
        let found = match event {
            Some(Event::Tls { inbound, peer, version, cipher }) => {
                format!("tls {inbound} {} {version} {cipher:?}", who(peer))
            }
            Some(Event::SaslLogin { peer, method, user }) => format!("login {} {method:?} {user:?}", who(peer)),
            Some(Event::SaslFailed { peer, method, user, reason }) => {
                format!("failed {} {method:?} {user:?} {reason}", who(peer))
            }
            Some(Event::Connect { peer }) => format!("connect {}", who(peer)),
            Some(Event::Aborted { peer, reason, stage }) => format!("aborted {} {stage}: {reason}", who(peer)),
            Some(Event::UserError { addr, code, dsn, text }) => format!("user error {addr} {code:?} {dsn:?} {text}"),
            other => compact(other),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn tls_knows_its_direction() {
        check(
            "STARTTLS=server, relay=c.example.org [192.0.2.1], version=TLSv1.3, verify=NOT, cipher=X, bits=256/256",
            "tls true c.example.org[192.0.2.1] TLSv1.3 Some(\"X\")",
        );
        check(
            "STARTTLS=client, relay=mx.example.org., version=TLSv1.2, verify=FAIL, cipher=X, bits=1/1, pubkey_fp=S",
            "tls false mx.example.org[-] TLSv1.2 Some(\"X\")",
        );
        check("STARTTLS=client, error: connect failed=-1", "None");
    }

    #[test]
    fn a_login_succeeds_or_fails() {
        check(
            "AUTH=server, relay=l.example.org [192.0.2.2], authid=a@example.org, mech=PLAIN, bits=0",
            "login l.example.org[192.0.2.2] Some(\"PLAIN\") Some(\"a@example.org\")",
        );
        check(
            "AUTH failure (LOGIN): no (-13), user=admin, relay=[192.0.2.66]",
            "failed -[192.0.2.66] Some(\"LOGIN\") Some(\"admin\") no (-13)",
        );
        check(
            "AUTH failure (LOGIN): no (-13), relay=[192.0.2.66]",
            "failed -[192.0.2.66] Some(\"LOGIN\") None no (-13)",
        );
    }

    #[test]
    fn a_session_breaks_off_at_a_stage() {
        check(
            "lost input channel from c.example.org [192.0.2.1] to MTA-v4 after rcpt",
            "aborted c.example.org[192.0.2.1] rcpt: lost input channel",
        );
        check(
            "timeout waiting for input from c.example.org during server cmd read",
            "aborted c.example.org[-] server cmd read: timeout waiting for input",
        );
        check("collect: premature EOM: unexpected close", "aborted -[-] data: premature EOM: unexpected close");
        check(
            "SYSERR(root): collect: read timeout on connection from c.example.org, from=<a@example.org>",
            "aborted c.example.org[-] data: read timeout",
        );
        check(
            "collect: relay=c.example.org, from=<a@example.org>, info=unexpected close",
            "aborted c.example.org[-] data: unexpected close",
        );
    }

    #[test]
    fn a_session_without_mail_names_its_client() {
        check(
            "c.example.org [192.0.2.1] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
            "Warn connect|name=c.example.org|addr=192.0.2.1|text=did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
        );
        check("connect from c.example.org [192.0.2.1]", "connect c.example.org[192.0.2.1]");
    }

    #[test]
    fn a_client_that_talks_too_early_is_refused() {
        let text = "rejecting commands from c.example.org [192.0.2.66] due to pre-greeting traffic after 0 seconds";
        check(text, &format!("Reject connect|name=c.example.org|addr=192.0.2.66|text={text}"));
    }

    #[test]
    fn a_probe_names_its_client() {
        check("c.example.org [192.0.2.66]: VRFY root", "Warn vrfy|name=c.example.org|addr=192.0.2.66|text=VRFY root");
        check("[192.0.2.66]: EXPN root [rejected]", "Reject expn|addr=192.0.2.66|text=EXPN root [rejected]");
        check("[192.0.2.66]: Vrfy root [rejected]", "Reject vrfy|addr=192.0.2.66|text=Vrfy root [rejected]");
        check("[192.0.2.66]: expn root [rejected]", "Reject expn|addr=192.0.2.66|text=expn root [rejected]");
        check(
            "c.example.org [192.0.2.66] (may be forged): probable open proxy: command=GET / HTTP/1.1",
            "Warn connect|name=c.example.org|addr=192.0.2.66|text=probable open proxy: command=GET / HTTP/1.1",
        );
    }

    #[test]
    fn a_user_error_begins_with_an_address() {
        check("<b@example.org>... User unknown", "user error b@example.org None None User unknown");
        check("<b@example.org>... 550 5.7.1 no", "user error b@example.org Some(550) Some(\"5.7.1\") no");
        check("bob... User unknown", "user error bob None None User unknown");
        check("--- 250 2.1.5 <b@example.org>... Recipient ok", "None");
    }

    #[test]
    fn an_outgoing_login_and_a_session_without_a_version_are_nothing() {
        check("AUTH=client, relay=mx.example.org [192.0.2.1], mech=PLAIN, bits=0", "None");
        check("AUTH=server, flurble", "None");
        check("STARTTLS=server, relay=c.example.org [192.0.2.1]", "None");
        check("STARTTLS=server, version=TLSv1.3", "None");
        check("STARTTLS=server, relay=c [192.0.2.1], version=TLSv1.3", "tls true c[192.0.2.1] TLSv1.3 None");
    }

    #[test]
    fn each_way_to_lose_a_message_is_known() {
        check(
            "collect: Cannot write ./df6010000f004711 (bfcommit)",
            "aborted -[-] data: Cannot write ./df6010000f004711 (bfcommit)",
        );
        check(
            "collect: premature EOM: error on connection from c.example.org, from=<a@example.org>",
            "aborted c.example.org[-] data: premature EOM: error",
        );
        check("collect: something else", "None");
    }

    #[test]
    fn a_client_that_talks_too_early_is_refused_at_its_stage() {
        for (said, stage) in [("commands", "connect"), ("DATA", "data"), ("STARTTLS", "starttls"), ("vrfy", "vrfy")] {
            let text = format!("rejecting {said} from c.example.org [192.0.2.66] due to pre-greeting traffic");
            check(&text, &format!("Reject {stage}|name=c.example.org|addr=192.0.2.66|text={text}"));
        }
        let text = "tcpwrappers (c.example.org, 192.0.2.66) rejection";
        check(text, &format!("Reject connect|name=c.example.org|addr=192.0.2.66|text={text}"));
    }

    #[test]
    fn an_attack_is_a_warning() {
        for text in [
            "POSSIBLE ATTACK from c.example.org: newline in string",
            "\"DEBUG\" command from c.example.org [192.0.2.1]",
        ] {
            check(text, &format!("warning: {text}"));
        }
        check("DEBUG\" command from c.example.org", "None");
        check("\"DEBUG\" from c.example.org", "None");
    }

    #[test]
    fn each_probe_has_its_stage() {
        for (said, stage) in [
            ("ETRN example.org", "etrn"),
            ("Possible SMTP RCPT flood, throttling.", "rcpt"),
            ("possible SMTP attack: command=AUTH, count=9", "connect"),
            ("SMTP violation, input too long: 1", "connect"),
        ] {
            check(&format!("c [192.0.2.66]: {said}"), &format!("Warn {stage}|name=c|addr=192.0.2.66|text={said}"));
        }
        check("c [192.0.2.66]: flurble", "None");
        check("c [192.0.2.66]: ", "None");
        check("c [192.0.2.66] (may be forged): ", "None");
    }

    #[test]
    fn a_user_error_is_about_one_address() {
        check("\"a b\"@example.org... User unknown", "user error \"a b\"@example.org None None User unknown");
        check("<a b>... User unknown", "user error a b None None User unknown");
        check("a: b... no", "None");
        check("a b... no", "None");
        check("<a@example.org> no", "None");
    }
}
