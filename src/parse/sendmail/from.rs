//! The `from=` record (`headers.c logsender`): once per message, when its envelope is complete or given up.
//!
//! In: the text after the queue id.  Out: [`Event::From`].
//! Ignored on purpose: `class=`, `bodytype=`, `tls_verify=`.

use super::peer::peer;
use super::scan::{Fields, bare};
use crate::model::Event;
use crate::model::event::SendmailFrom;
use crate::parse::fields::number;

/// The keys in the order in which sendmail writes them. `relay` is last because it may hold anything.
const KEYS: &[&str] = &[
    "from",
    "size",
    "class",
    "nrcpts",
    "msgid",
    "bodytype",
    "proto",
    "daemon",
    "tls_verify",
    "tls_version",
    "cipher",
    "auth",
    "relay",
];

/// A record that begins with `from=`; `None` when it has no `size=`, which no version leaves out.
pub fn parse(text: &str) -> Option<Event<'_>> {
    let mut record = SendmailFrom::default();
    let mut sized = false;
    for (key, value) in Fields::new(text, KEYS) {
        match key {
            "from" => record.from = (value != "<NONE>").then(|| bare(value)),
            "size" => {
                sized = true;
                record.size = number(value);
            }
            "nrcpts" => record.nrcpts = number(value),
            "msgid" => record.msgid = Some(message_id(value)).filter(|id| !id.is_empty()),
            "proto" => record.proto = Some(value),
            "daemon" => record.daemon = Some(value),
            "tls_version" => record.tls_version = Some(value).filter(|v| *v != "NONE"),
            "cipher" => record.cipher = Some(value).filter(|v| *v != "NONE"),
            "auth" => record.auth = Some(value).filter(|v| *v != "NONE"),
            "relay" => {
                record.relay = Some(value);
                record.peer = peer(value);
            }
            _ => {}
        }
    }
    sized.then_some(Event::From(record))
}

/// A Message-ID without brackets. sendmail cuts it at 100 characters, so the closing one may be missing.
fn message_id(value: &str) -> &str {
    let value = value.strip_prefix('<').unwrap_or(value);
    value.strip_suffix('>').unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let compact = match parse(text) {
            Some(Event::From(r)) => [
                r.from.map(|v| format!("from={v}")),
                r.size.map(|v| format!("size={v}")),
                r.nrcpts.map(|v| format!("nrcpts={v}")),
                r.msgid.map(|v| format!("msgid={v}")),
                r.proto.map(|v| format!("proto={v}")),
                r.daemon.map(|v| format!("daemon={v}")),
                r.auth.map(|v| format!("auth={v}")),
                r.tls_version.map(|v| format!("tls={v}")),
                r.peer.name.map(|v| format!("name={v}")),
                r.peer.addr.map(|v| format!("addr={v}")),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("|"),
            other => format!("{other:?}"),
        };
        assert_eq!(compact, expected);
    }

    #[test]
    fn a_message_over_smtp_names_its_peer() {
        check(
            "from=<a@example.org>, size=23, class=-60, nrcpts=2, msgid=<1@example.org>, bodytype=8BITMIME, proto=ESMTPSA, \
             daemon=MSA, tls_verify=NO, tls_version=TLSv1.3, cipher=X, auth=PLAIN, relay=c.example.org [192.0.2.1] (may be forged)",
            "from=a@example.org|size=23|nrcpts=2|msgid=1@example.org|proto=ESMTPSA|daemon=MSA|auth=PLAIN|tls=TLSv1.3|name=c.example.org|addr=192.0.2.1",
        );
    }

    #[test]
    fn no_sender_is_not_the_null_sender() {
        check("from=<NONE>, size=0, class=0, nrcpts=0, relay=localhost", "size=0|nrcpts=0|name=localhost");
        check("from=<>, size=1, class=0, nrcpts=1, relay=[RESPONSE]", "from=|size=1|nrcpts=1");
        check("from=root, size=1, class=0, nrcpts=1, relay=root@localhost", "from=root|size=1|nrcpts=1|name=localhost");
    }

    #[test]
    fn a_field_inside_an_address_or_id_is_text() {
        check(
            r#"from=<"x>, size=1, nrcpts=9"@example.org>, size=2, class=0, nrcpts=1, msgid=<y, relay=evil [192.0.2.9]>, relay=[192.0.2.1]"#,
            r#"from="x>, size=1, nrcpts=9"@example.org|size=2|nrcpts=1|msgid=y, relay=evil [192.0.2.9]|addr=192.0.2.1"#,
        );
    }

    #[test]
    fn a_msgid_ends_at_its_last_bracket() {
        check(
            "from=[M1]<jan@example.org>, size=2, class=0, nrcpts=1, msgid=<a, from=<x@y>, proto=z, size=1@q>, proto=ESMTP, relay=[192.0.2.1]",
            "from=jan@example.org|size=2|nrcpts=1|msgid=a, from=<x@y>, proto=z, size=1@q|proto=ESMTP|addr=192.0.2.1",
        );
    }

    #[test]
    fn a_cut_msgid_has_no_end() {
        check(
            "from=<a@example.org>, size=2, class=0, nrcpts=1, msgid=<abc, proto=ESMTP, daemon=MTA, relay=[192.0.2.1]",
            "from=a@example.org|size=2|nrcpts=1|msgid=abc|proto=ESMTP|daemon=MTA|addr=192.0.2.1",
        );
    }

    #[test]
    fn without_a_size_it_is_no_record() {
        check("from=somewhere else", "None");
    }

    #[test]
    fn a_session_without_tls_and_login_has_none() {
        for (end, expected) in [
            ("tls_version=NONE, cipher=NONE, auth=NONE, relay=c", [None, None, None, Some("c")]),
            (
                "tls_version=TLSv1.3, cipher=X, auth=PLAIN, relay=c",
                [Some("TLSv1.3"), Some("X"), Some("PLAIN"), Some("c")],
            ),
        ] {
            let text = format!("from=a, size=1, class=0, nrcpts=1, {end}");
            let Some(Event::From(r)) = parse(&text) else { panic!("{text}") };
            assert_eq!([r.tls_version, r.cipher, r.auth, r.relay], expected, "{text}");
        }
    }

    #[test]
    fn an_empty_msgid_is_none() {
        check("from=a, size=1, class=0, nrcpts=1, msgid=<>, relay=c", "from=a|size=1|nrcpts=1|name=c");
        check("from=a, size=x, class=0, nrcpts=x, relay=c", "from=a|name=c");
    }
}
