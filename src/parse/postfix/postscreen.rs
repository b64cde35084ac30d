//! `postfix/postscreen` and its helpers dnsblog and tlsproxy. Their refusals are in `policy.rs`.
//!
//! In: a whole text without queue id; a peer is always `[ip]:port`.  Out: `Connect`, `Disconnect` of postscreen.
//! Ignored on purpose: tests and verdicts (a refusal says why), answers of DNS lists, and tlsproxy's own connections, which
//! postscreen reports, too.

use crate::{model::Event, parse::fields};

/// `CONNECT from [ip]:port to [ip]:port`, `DISCONNECT [ip]:port`. tlsproxy's lines are nearly the same, without ` to `.
pub fn session<'a>(daemon: Option<&str>, text: &'a str) -> Option<Event<'a>> {
    if let Some(rest) = text.strip_prefix("CONNECT from ") {
        let (peer, rest) = fields::peer(rest)?;
        return rest.starts_with(" to ").then_some(Event::Connect { peer });
    }
    if daemon == Some("tlsproxy") {
        return None;
    }
    let (peer, _) = fields::peer(text.strip_prefix("DISCONNECT ")?)?;
    Some(Event::Disconnect { peer, commands: None })
}

/// Why a line of these daemons is not used, if it is one.
pub fn unused(text: &str) -> Option<&'static str> {
    const VERDICTS: [&str; 8] = [
        "PASS OLD [",
        "PASS NEW [",
        "ALLOWLISTED [",
        "WHITELISTED [",
        "DENYLISTED [",
        "BLACKLISTED [",
        "ALLOWLIST VETO [",
        "WHITELIST VETO [",
    ];
    const TESTS: [&str; 11] = [
        "DNSBL rank ",
        "PREGREET ",
        "HANGUP after ",
        "BARE NEWLINE from ",
        "COMMAND PIPELINING from ",
        "NON-SMTP COMMAND from ",
        "COMMAND TIME LIMIT from ",
        "COMMAND COUNT LIMIT from ",
        "COMMAND LENGTH LIMIT from ",
        "DATA without valid RCPT from ",
        "BDAT without valid RCPT from ",
    ];
    let starts = |list: &[&str]| list.iter().any(|start| text.starts_with(start));
    if starts(&VERDICTS) {
        Some("a verdict of postscreen")
    } else if starts(&TESTS) {
        Some("a test of postscreen")
    } else if text.starts_with("addr ") && text.contains(" listed by domain ") {
        Some("the answer of a DNS list")
    } else if starts(&["CONNECT from ", "CONNECT to ", "DISCONNECT "]) {
        Some("a connection of tlsproxy")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn sessions_are_known_by_address_and_port() {
        check("postscreen", "CONNECT from [192.0.2.1]:40122 to [203.0.113.5]:25", "connect -[192.0.2.1]:40122");
        check("postscreen", "DISCONNECT [2001:db8::1]:40122", "disconnect -[2001:db8::1]:40122");
    }

    #[test]
    fn tlsproxy_repeats_the_session_of_postscreen() {
        check("tlsproxy", "CONNECT from [192.0.2.1]:40122", "ignored");
        check("", "CONNECT from [192.0.2.1]:40122", "ignored");
        check("tlsproxy", "DISCONNECT [192.0.2.1]:40122", "ignored");
    }

    #[test]
    fn tests_and_verdicts_are_not_used() {
        check("postscreen", "PASS NEW [192.0.2.1]:49152", "ignored");
        check("postscreen", "PREGREET 14 after 0.05 from [192.0.2.1]:40122: EHLO x\\r\\n", "ignored");
        check("dnsblog", "addr 192.0.2.66 listed by domain zen.example.org as 127.0.0.4", "ignored");
    }

    #[test]
    fn each_line_that_is_not_used_has_its_reason() {
        for (text, reason) in [
            ("WHITELIST VETO [192.0.2.1]:49152", Some("a verdict of postscreen")),
            ("HANGUP after 0.3 from [192.0.2.1]:49152 in tests before SMTP handshake", Some("a test of postscreen")),
            ("addr 192.0.2.66 listed by domain zen.example.org as 127.0.0.4", Some("the answer of a DNS list")),
            ("CONNECT to [192.0.2.1]:25", Some("a connection of tlsproxy")),
            ("addr 192.0.2.66 is fine", None),
            ("192.0.2.66 listed by domain zen.example.org", None),
            ("hello", None),
        ] {
            assert_eq!(super::unused(text), reason, "{text}");
        }
    }
}
