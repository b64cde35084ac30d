//! Queue ids in the reply of a delivery: the next hop's, or the child's of a forwarded message.
//!
//! In: the text of `status=sent (…)`, or sendmail's `Sent (…)`.  Out: an id. The reply is worded by the receiving server.
//! Ignored on purpose: qmail's pid, Gmail's token and Exchange's internal id, which appear in no log that is read here.

use crate::{parse::fields, queue_id};
use memchr::memrchr_iter;

const QUEUED_AS: &str = "queued as ";

/// The next hop's queue id: postfix `queued as X` (the last one, because a content filter puts the reply that it got at the end),
/// sendmail `X Message accepted for delivery`, Exim `OK id=X`, and the id of Proxmox' filter.
pub fn reply_queue_id(reply: &str) -> Option<&str> {
    if let Some(at) = memrchr_iter(b'q', reply.as_bytes()).find(|at| reply[*at..].starts_with(QUEUED_AS)) {
        return id(&reply[at + QUEUED_AS.len()..]);
    }
    if let Some((before, _)) = fields::split(reply, " Message accepted for delivery") {
        return before.rsplit(' ').next().and_then(id);
    }
    if let Some((_, rest)) = reply.rsplit_once("OK id=") {
        return id(rest);
    }
    // Proxmox' filter: `250 2.5.0 OK (2C225C6817C7EEE1481)`. Its own lines under that id say what it did with the message.
    let own = reply.strip_prefix("250 2.5.0 OK (")?.strip_suffix(')')?;
    Some(own).filter(|own| own.len() > 12 && queue_id::postfix::is_id(own))
}

/// The id of the message on this host into which local(8) turned a forwarded or list recipient: `forwarded as X`
/// (`local/forward.c`).
pub fn forwarded_queue_id(reply: &str) -> Option<&str> {
    id(reply.strip_prefix("forwarded as ")?)
}

/// Code and DSN of a remote server's reply: `host mx[192.0.2.1] said: 450 4.2.0 …`, `… refused to talk to me: 421 …`.
pub fn remote_reply(text: &str) -> (Option<u16>, Option<&str>) {
    let said = [" said: ", " refused to talk to me: "].iter().find_map(|words| fields::split(text, words));
    let (code, dsn, _) = said.map_or((None, None, ""), |(_, reply)| fields::reply(reply));
    (code, dsn)
}

/// The word at the start of a text, if it looks like an id: those of postfix and sendmail are alphanumeric, Exim's have dashes.
fn id(text: &str) -> Option<&str> {
    let len = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
    (6..=40).contains(&len).then_some(&text[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_words() {
        assert_eq!(reply_queue_id("250 2.0.0 Ok: queued as 7C1D2E3F40"), Some("7C1D2E3F40"));
        assert_eq!(reply_queue_id("250 2.0.0 Ok: 512 bytes queued as 4dhRlh0sf8z9rvS"), Some("4dhRlh0sf8z9rvS"));
        assert_eq!(reply_queue_id("250 2.0.0 6010000f004711 Message accepted for delivery"), Some("6010000f004711"));
        assert_eq!(
            reply_queue_id("250- 512 byte chunk, total 600?250 OK id=1vbAbC-0001Xy-0a"),
            Some("1vbAbC-0001Xy-0a")
        );
        assert_eq!(reply_queue_id("250 2.5.0 OK (2C225C6817C7EEE1481)"), Some("2C225C6817C7EEE1481"));
        assert_eq!(reply_queue_id("250 2.5.0 OK (see 3F2A41C0E7)"), None);
        assert_eq!(reply_queue_id("6010000f004711 Message accepted for delivery"), Some("6010000f004711"));
    }

    #[test]
    fn a_remote_server_has_code_and_dsn() {
        assert_eq!(
            remote_reply("host mx[192.0.2.1] said: 450 4.2.0 <b@example.org>: later"),
            (Some(450), Some("4.2.0"))
        );
        assert_eq!(remote_reply("host mx[192.0.2.1] refused to talk to me: 421 busy"), (Some(421), None));
        let login = "SASL authentication failed; server mx[192.0.2.1] said: 535 5.7.8 Error: authentication failed";
        assert_eq!(remote_reply(login), (Some(535), Some("5.7.8")));
        assert_eq!(
            remote_reply("lost connection with mx[192.0.2.1] while receiving the initial server greeting"),
            (None, None)
        );
    }

    #[test]
    fn behind_a_filter_the_last_id_counts() {
        let reply = "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 7C1D2E3F40";
        assert_eq!(reply_queue_id(reply), Some("7C1D2E3F40"));
    }

    #[test]
    fn other_replies_name_none() {
        for reply in [
            "250 ok 1767225600 qp 4711",
            "250 2.0.0 OK  1767225600 a-b.1 - gsmtp",
            "delivered to mailbox",
            "queued as ",
        ] {
            assert_eq!(reply_queue_id(reply), None, "{reply}");
        }
    }

    #[test]
    fn a_forwarded_message_has_a_child() {
        assert_eq!(forwarded_queue_id("forwarded as 7C1D2E3F40"), Some("7C1D2E3F40"));
        assert_eq!(forwarded_queue_id("delivered to mailbox"), None);
    }

    #[test]
    fn an_id_has_from_6_to_40_characters() {
        let named = |len: usize| reply_queue_id(&format!("250 2.0.0 Ok: queued as {}", "1".repeat(len))).map(str::len);
        assert_eq!((named(5), named(6), named(40), named(41)), (None, Some(6), Some(40), None));
        assert_eq!(reply_queue_id("250 OK id=1vbAbC-0001Xy-0a."), Some("1vbAbC-0001Xy-0a"));
    }

    #[test]
    fn the_filter_of_proxmox_has_long_ids() {
        assert_eq!(reply_queue_id("250 2.5.0 OK (2C225C6817C7)"), None);
        assert_eq!(reply_queue_id("250 2.5.0 OK (2C225C6817C7E)"), Some("2C225C6817C7E"));
        assert_eq!(reply_queue_id("250 2.5.0 OK (no id but a sentence)"), None);
    }

    #[test]
    fn words_that_only_begin_like_those_of_an_id_are_skipped() {
        assert_eq!(reply_queue_id("250 Ok: queued as 7C1D2E3F40, quickly"), Some("7C1D2E3F40"));
        assert_eq!(reply_queue_id("250 Ok: queued as 7C1D2E3F40: queued as 3F2A41C0E7"), Some("3F2A41C0E7"));
    }
}
