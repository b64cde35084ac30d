//! `postfix/smtpd` and `postfix/qmqpd`: the servers that take mail in. Their refusals are in `policy.rs`.
//!
//! In: the text after a queue id or `NOQUEUE` ([`message`]), a whole text ([`session`]), or one after a severity word
//! ([`sasl_failed`]).  Out: `Connect`, `Disconnect`, `Client`, `Aborted`, `SaslFailed`.

use super::policy;
use crate::{model::Event, parse::fields};

/// `client=…`, an aborted session (with an id since 3.10), or qmqpd's words for one.
pub fn message(text: &str) -> Option<Event<'_>> {
    if let Some(rest) = text.strip_prefix("client=") {
        return client(rest);
    }
    if text.starts_with("reply filter ") {
        return Some(Event::Note);
    }
    aborted(text).or_else(|| qmqpd_aborted(text))
}

/// `connect from`, `disconnect from`, and a session that is aborted before there is an id.
pub fn session(text: &str) -> Option<Event<'_>> {
    if let Some(rest) = text.strip_prefix("connect from ") {
        return fields::peer(rest).map(|(peer, _)| Event::Connect { peer });
    }
    if let Some(rest) = text.strip_prefix("disconnect from ") {
        let (peer, rest) = fields::peer(rest)?;
        return Some(Event::Disconnect { peer, commands: rest.strip_prefix(' ').filter(|c| !c.is_empty()) });
    }
    aborted(text)
}

/// `NAMADDR[, sasl_method=%s][, sasl_username=%s][, sasl_sender=%s][, orig_queue_id=%s][, orig_client=%s]`
/// (`smtpd/smtpd.c`). The login name is raw and may hold commas, so each value ends where a later field begins.
fn client(text: &str) -> Option<Event<'_>> {
    const KEYS: [&str; 5] =
        [", sasl_method=", ", sasl_username=", ", sasl_sender=", ", orig_queue_id=", ", orig_client="];
    let (peer, mut rest) = fields::peer(text)?;
    let mut values = [None; 5];
    for (at, key) in KEYS.iter().enumerate() {
        if let Some(after) = rest.strip_prefix(key) {
            let (value, after) = fields::until(after, &KEYS[at + 1..]);
            values[at] = Some(value);
            rest = after;
        }
    }
    let [sasl_method, sasl_username, sasl_sender, orig_queue_id, orig_client] = values;
    let orig_client = orig_client.and_then(fields::peer).map(|(peer, _)| peer);
    Some(Event::Client { peer, sasl_method, sasl_username, sasl_sender, orig_queue_id, orig_client })
}

/// `lost connection|timeout|too many errors|bare <LF> received after STAGE[ (N bytes)] from NAMADDR`,
/// `abort: TLS from NAMADDR: reason`.
fn aborted(text: &str) -> Option<Event<'_>> {
    if let Some(rest) = text.strip_prefix("abort: TLS from ") {
        let (peer, rest) = fields::peer(rest)?;
        return Some(Event::Aborted { peer, reason: rest.strip_prefix(": ")?, stage: "starttls" });
    }
    let (reason, rest) = ["lost connection", "timeout", "too many errors", "bare <LF> received"]
        .iter()
        .find_map(|reason| Some((*reason, text.strip_prefix(reason)?.strip_prefix(" after ")?)))?;
    let (stage, from) = fields::split(rest, " from ")?;
    let stage = fields::split(stage, " (").map_or(stage, |(stage, _)| stage);
    let (peer, _) = fields::peer(from)?;
    Some(Event::Aborted { peer, reason, stage: policy::stage(stage) })
}

/// `NAMADDR: reason while state` (`qmqpd/qmqpd.c`).
fn qmqpd_aborted(text: &str) -> Option<Event<'_>> {
    let (peer, rest) = fields::peer(text)?;
    let (reason, stage) = rest.strip_prefix(": ")?.split_once(" while ")?;
    Some(Event::Aborted { peer, reason, stage })
}

/// `NAMADDR: SASL MECH authentication failed: reason[, sasl_username=user]`, `… authentication aborted`
/// (`smtpd/smtpd_sasl_glue.c`; the user since 3.9).
pub fn sasl_failed(text: &str) -> Option<Event<'_>> {
    let (peer, rest) = fields::peer(text)?;
    let (method, rest) = rest.strip_prefix(": SASL ")?.split_once(" authentication ")?;
    let reason = rest.strip_prefix("failed: ").unwrap_or(rest);
    let (reason, user) = fields::until(reason, &[", sasl_username="]);
    let user = user.strip_prefix(", sasl_username=").filter(|user| !user.is_empty() && *user != "(unavailable)");
    Some(Event::SaslFailed { peer, method: Some(method), user, reason })
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn a_session_begins_and_ends() {
        check("smtpd", "connect from a.example.org[192.0.2.1]:49152", "connect a.example.org[192.0.2.1]:49152");
        check("", "connect from unknown[unknown]", "connect -[-]");
        check(
            "smtpd",
            "disconnect from unknown[192.0.2.1] ehlo=1 quit=1 commands=2",
            "disconnect -[192.0.2.1] `ehlo=1 quit=1 commands=2`",
        );
        check("qmqpd", "disconnect from a[192.0.2.1]", "disconnect a[192.0.2.1]");
    }

    #[test]
    fn the_client_brings_its_login() {
        check(
            "smtpd",
            "3F2A41C0E7: client=a[192.0.2.1], sasl_method=LOGIN, sasl_username=x, y, sasl_sender=bob+40example.org",
            "3F2A41C0E7 client a[192.0.2.1] method=LOGIN user=x, y sender=bob+40example.org",
        );
        check("", "NOQUEUE: client=a[192.0.2.1], sasl_method=PLAIN", "client a[192.0.2.1] method=PLAIN");
    }

    #[test]
    fn a_filtered_message_names_its_parent() {
        check(
            "smtpd",
            "4dhRlh0sf8z9rvS: client=localhost[127.0.0.1], orig_queue_id=3F2A41C0E7, orig_client=a[192.0.2.1]",
            "4dhRlh0sf8z9rvS client localhost[127.0.0.1] orig_queue_id=3F2A41C0E7 orig_client=a[192.0.2.1]",
        );
    }

    #[test]
    fn a_session_breaks_off_with_or_without_id() {
        check(
            "smtpd",
            "lost connection after RCPT from unknown[192.0.2.1]",
            "aborted -[192.0.2.1] rcpt `lost connection`",
        );
        check("smtpd", "NOQUEUE: timeout after CONNECT from a[192.0.2.1]", "aborted a[192.0.2.1] connect `timeout`");
        let text = "3F2A41C0E7: lost connection after DATA (51200 bytes) from a[192.0.2.1]";
        check("smtpd", text, "3F2A41C0E7 aborted a[192.0.2.1] data `lost connection`");
        let text = "3F2A41C0E7: bare <LF> received after DATA (1234 bytes) from a[192.0.2.1]";
        check("smtpd", text, "3F2A41C0E7 aborted a[192.0.2.1] data `bare <LF> received`");
        let text = "bare <LF> received after BDAT from a[192.0.2.1]";
        check("smtpd", text, "aborted a[192.0.2.1] bdat `bare <LF> received`");
        let text = "NOQUEUE: abort: TLS from a[192.0.2.1]: No client certificate presented";
        check("smtpd", text, "aborted a[192.0.2.1] starttls `No client certificate presented`");
        let text = "NOQUEUE: a[192.0.2.1]: lost connection while receiving header";
        check("qmqpd", text, "aborted a[192.0.2.1] receiving header `lost connection`");
    }

    #[test]
    fn a_failed_login_names_the_peer_and_perhaps_the_user() {
        let text = "warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=admin";
        check("smtpd", text, "sasl-failed -[192.0.2.1] method=LOGIN user=admin `UGFzc3dvcmQ6`");
        let text = "warning: a[192.0.2.1]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=(unavailable)";
        check("smtpd", text, "sasl-failed a[192.0.2.1] method=PLAIN `(reason unavailable)`");
        check(
            "",
            "warning: a[192.0.2.1]: SASL PLAIN authentication aborted",
            "sasl-failed a[192.0.2.1] method=PLAIN `aborted`",
        );
    }

    #[test]
    fn a_login_name_may_repeat_its_own_key() {
        check(
            "smtpd",
            "3F2A41C0E7: client=a[192.0.2.1], sasl_method=LOGIN, sasl_username=x, sasl_username=y, sasl_method=z",
            "3F2A41C0E7 client a[192.0.2.1] method=LOGIN user=x, sasl_username=y, sasl_method=z",
        );
    }

    #[test]
    fn nothing_is_not_a_user_and_no_command() {
        let text = "warning: a[192.0.2.1]: SASL PLAIN authentication failed: no, sasl_username=";
        check("smtpd", text, "sasl-failed a[192.0.2.1] method=PLAIN `no`");
        check("smtpd", "disconnect from a[192.0.2.1] ", "disconnect a[192.0.2.1]");
    }

    #[test]
    fn a_reply_that_was_replaced_is_a_note() {
        check("smtpd", "3F2A41C0E7: reply filter substitution: \"250 a\" -> \"250 b\"", "3F2A41C0E7 note");
        check("smtpd", "timeout of something from a[192.0.2.1]", "unrecognised");
    }
}
