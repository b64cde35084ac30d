//! `relay=` and similar fields: the host at the other end.
//!
//! In: `host [ip]`, `[ip]`, `host [IPv6:…] (may be forged)`, `ident@host [ip]`, `user@localhost`, `mx.example.net. [ip]`.
//! Out: a [`Peer`].  Left alone on purpose: `(may be forged)`; the name is given as logged.

use crate::model::event::Peer;

/// The peer that `relay=` names. `[RESPONSE]` (a bounce) and `local` (a mailer) name none. A final dot is dropped.
pub fn peer(relay: &str) -> Peer<'_> {
    let relay = relay.strip_suffix(" (may be forged)").unwrap_or(relay).trim();
    if relay == "[RESPONSE]" {
        return Peer::default();
    }
    let (name, addr) = match relay.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
        Some((name, addr)) => (name.trim_end(), Some(addr.strip_prefix("IPv6:").unwrap_or(addr))),
        None => (relay, None),
    };
    let name = name.rsplit('@').next().unwrap_or(name).trim_end_matches('.');
    let named = !(name.is_empty() || name.starts_with('[') || name == "unknown" || name == "local");
    Peer { name: named.then_some(name), addr: addr.filter(|a| !a.is_empty() && *a != "unknown"), port: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(relay: &str, name: &str, addr: &str) {
        let peer = peer(relay);
        assert_eq!((peer.name.unwrap_or(""), peer.addr.unwrap_or(""), peer.port), (name, addr, None), "{relay}");
    }

    #[test]
    fn a_relay_is_a_name_an_address_or_both() {
        check("a.example.org [192.0.2.1]", "a.example.org", "192.0.2.1");
        check("mx.example.org. [IPv6:2001:db8::25]", "mx.example.org", "2001:db8::25");
        check("[192.0.2.1] [192.0.2.1]", "", "192.0.2.1");
        check("[192.0.2.1]", "", "192.0.2.1");
        check("ident@a.example.org [192.0.2.1] (may be forged)", "a.example.org", "192.0.2.1");
        check("root@localhost", "localhost", "");
        check("example.org.", "example.org", "");
    }

    #[test]
    fn a_bounce_and_a_local_mailer_have_no_peer() {
        check("[RESPONSE]", "", "");
        check("local", "", "");
        check("", "", "");
        check("]", "]", "");
    }

    #[test]
    fn a_name_that_is_not_known_is_none() {
        check("unknown [192.0.2.1]", "", "192.0.2.1");
        check("a.example.org [unknown]", "a.example.org", "");
        check("a.example.org []", "a.example.org", "");
        check("[a.example.org", "", "");
        check("local [192.0.2.1]", "", "192.0.2.1");
        check(" a.example.org ", "a.example.org", "");
    }
}
