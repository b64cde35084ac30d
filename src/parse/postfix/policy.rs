//! Refusals and other decisions about a message: access and restriction lists of smtpd, postscreen, milters, the
//! header and body checks of cleanup and of the smtp client.
//!
//! In: the text after a queue id or `NOQUEUE` ([`message`], [`client_check`]), or a whole text ([`session`]).
//! Out: `Policy`. Who wrote what matters here: header content, addresses and login names are a stranger's words and may
//! imitate the rest of the line.

use crate::{
    model::event::{Action, Event, Peer, Policy},
    parse::fields,
};
use memchr::memchr2;

/// `ACTION: STAGE from NAMADDR: [CODE ][x.y.z ]text[; context]` (`smtpd/smtpd_check.c log_whatsup`, `postscreen_smtpd.c`,
/// `cleanup_milter.c`) or `ACTION: header|body|mime-error …` (`cleanup/cleanup_message.c`).
pub fn message(text: &str) -> Option<Event<'_>> {
    let (action, rest) = split_action(text)?;
    let policy = match rest.split_once(' ') {
        Some((stage @ ("header" | "body" | "eom"), content)) => content_check(action, stage, content, CONTENT_MAX),
        // The complaint of the MIME parser stands before the content, and both are short.
        Some(("mime-error", content)) => content_check(action, "mime", content, 2 * CONTENT_MAX),
        _ => smtp_stage(action, rest)?,
    };
    Some(Event::Policy(policy))
}

/// `ACTION: header|body CONTENT[: TEXT]` of `smtp_header_checks` and its like (`smtp/smtp_proto.c`): no client and no
/// envelope. Content and text cannot be told apart.
pub fn client_check(text: &str) -> Option<Event<'_>> {
    let (action, rest) = split_action(text)?;
    let (stage @ ("header" | "body" | "eom"), content) = rest.split_once(' ')? else { return None };
    Some(Event::Policy(Policy { text: content, ..empty(action, stage) }))
}

/// The decisions that are logged without so much as `NOQUEUE`: `proxy-accept|proxy-reject: END-OF-MESSAGE: REPLY; …`
/// (smtpd's before-queue filter) and `reject: connect from NAMADDR: all screening ports busy` (postscreen).
pub fn session(text: &str) -> Option<Event<'_>> {
    if !["proxy-accept: ", "proxy-reject: ", "reject: connect from "].iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let (action, rest) = split_action(text)?;
    smtp_stage(action, rest).map(Event::Policy)
}

/// The id under which a filter logs what it took, in its reply: `OK (2C225C6817C7EEE1481)` (pmg-smtp-filter).
pub fn filter_id(reply: &str) -> Option<&str> {
    let id = reply.strip_prefix("OK (")?.strip_suffix(')')?;
    (id.len() >= 10 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// Header and body checks log at most this many bytes of content (`%.200s`), so that the client follows within them.
const CONTENT_MAX: usize = 200;

fn split_action(text: &str) -> Option<(Action, &str)> {
    let (word, rest) = fields::split(text, ": ")?;
    let word = word.strip_prefix("milter-header-").or_else(|| word.strip_prefix("milter-")).unwrap_or(word);
    let action = match word {
        "reject" | "proxy-reject" => Action::Reject,
        "reject_warning" | "warn" | "warning" | "info" | "permit" => Action::Warn,
        "hold" => Action::Hold,
        "discard" => Action::Discard,
        "hangup" => Action::Hangup,
        "redirect" => Action::Redirect,
        "filter" | "bcc" | "prepend" | "replace" | "strip" | "delay" | "pass" => Action::Change,
        "proxy-accept" => Action::Accept,
        _ => return None,
    };
    Some((action, rest))
}

fn empty<'a>(action: Action, stage: &'a str) -> Policy<'a> {
    Policy {
        action,
        stage,
        peer: Peer::default(),
        code: None,
        dsn: None,
        text: "",
        from: None,
        to: None,
        proto: None,
        helo: None,
        sasl_method: None,
        sasl_username: None,
    }
}

/// SMTP stages in lower case; a word never seen stays as written.
pub fn stage(word: &str) -> &str {
    match word {
        "CONNECT" => "connect",
        "HELO" => "helo",
        "EHLO" => "ehlo",
        "STARTTLS" => "starttls",
        "AUTH" => "auth",
        "MAIL" => "mail",
        "RCPT" => "rcpt",
        "DATA" => "data",
        "BDAT" => "bdat",
        "END-OF-MESSAGE" => "end-of-message",
        "RSET" => "rset",
        "NOOP" => "noop",
        "VRFY" => "vrfy",
        "ETRN" => "etrn",
        "QUIT" => "quit",
        "HELP" => "help",
        "XCLIENT" => "xclient",
        "XFORWARD" => "xforward",
        "UNKNOWN" => "unknown",
        _ => word,
    }
}

/// `STAGE[ from NAMADDR]: text[; context]`.
fn smtp_stage(action: Action, text: &str) -> Option<Policy<'_>> {
    let (word, rest) = fields::until(text, &[" ", ":"]);
    let (peer, rest) = match rest.strip_prefix(" from ") {
        Some(rest) => fields::peer(rest)?,
        // Only the answer of a before-queue filter names no client.
        None if stage(word) != word => (Peer::default(), rest),
        None => return None,
    };
    let body = rest.strip_prefix(": ")?;
    let (reason, context) = match context_at(body) {
        Some(at) => (&body[..at], &body[at + 2..]),
        None => (body, ""),
    };
    let mut policy = Policy { peer, ..empty(action, stage(word)) };
    (policy.code, policy.dsn, policy.text) = fields::reply(reason);
    context_fields(&mut policy, context);
    Some(policy)
}

/// Where the context begins: the last `; ` before a context field, outside quoted local parts. The reason may quote a
/// client's address that imitates it, and the addresses in the context themselves may; HELO names cannot, for smtpd
/// replaces their blanks and brackets.
fn context_at(text: &str) -> Option<usize> {
    let mut found = None;
    let mut at = 0;
    while let Some(next) = memchr2(b';', b'<', &text.as_bytes()[at..]) {
        at += next + 1;
        let rest = &text[at..];
        match text.as_bytes()[at - 1] {
            b'<' => at += fields::quoted_len(rest),
            _ if rest.strip_prefix(' ').is_some_and(is_context) => found = Some(at - 1),
            _ => {}
        }
    }
    found
}

fn is_context(text: &str) -> bool {
    ["from=<", "to=<", "proto=", "helo=<"].iter().any(|start| text.starts_with(start))
}

/// What may follow a bracketed value of the context: smtpd and cleanup part fields by blanks, postscreen by commas;
/// after cleanup's comes the text of the check.
const FIELD_ENDS: [&str; 9] =
    [" to=<", " proto=", " helo=<", " sasl_", ", to=<", ", proto=", ", helo=<", ", sasl_", ": "];

/// Reads `[from=<>] [to=<>] [proto=] [helo=<>] [sasl_method=] [sasl_username=] [sasl_sender=]` into the policy; gives
/// back what follows.
fn context_fields<'a>(policy: &mut Policy<'a>, mut rest: &'a str) -> &'a str {
    loop {
        let field = rest.trim_start_matches([' ', ',']);
        if let Some(value) = field.strip_prefix("from=<") {
            let (from, after) = fields::angle(value, &FIELD_ENDS);
            (policy.from, rest) = (Some(from), after);
        } else if let Some(value) = field.strip_prefix("to=<") {
            let (to, after) = fields::angle(value, &FIELD_ENDS);
            (policy.to, rest) = (Some(to).filter(|to| !to.is_empty()), after);
        } else if let Some(value) = field.strip_prefix("proto=") {
            let (proto, after) = fields::until(value, &[" ", ",", ":"]);
            (policy.proto, rest) = (Some(proto), after);
        } else if let Some(value) = field.strip_prefix("helo=<") {
            let (helo, after) = fields::angle(value, &FIELD_ENDS);
            (policy.helo, rest) = (Some(helo), after);
        } else if let Some(value) = field.strip_prefix("sasl_method=") {
            let (method, after) = fields::until(value, &[" ", ","]);
            (policy.sasl_method, rest) = (Some(method), after);
        } else if let Some(value) = field.strip_prefix("sasl_username=") {
            // A login name is raw and may hold blanks; in milter lines it stands in brackets.
            let (user, after) = fields::until(value, &[" sasl_sender="]);
            let bare = user.strip_prefix('<').and_then(|user| user.strip_suffix('>')).unwrap_or(user);
            (policy.sasl_username, rest) = (Some(bare), after);
        } else {
            return rest;
        }
    }
}

/// `CONTENT from ORIGIN; [context][: TEXT]`. The content is the sender's and may hold ` from a[ip]; from=<…>` itself:
/// the last such place counts, as far as the content can reach.
fn content_check<'a>(action: Action, stage: &'a str, text: &'a str, max: usize) -> Policy<'a> {
    let mut policy = empty(action, stage);
    let mut origins = text.rmatch_indices(" from ").filter(|(at, _)| *at <= max);
    let Some((content, peer, rest)) = origins.find_map(|(at, word)| origin(text, at, at + word.len())) else {
        return Policy { text, ..policy };
    };
    policy.peer = peer;
    let reason = context_fields(&mut policy, rest).strip_prefix(": ").unwrap_or("");
    if reason.is_empty() {
        return Policy { text: content, ..policy };
    }
    (policy.code, policy.dsn, policy.text) = fields::reply(reason);
    policy
}

/// A client, or `local`, between `start` and a semicolon: what stands before `end`, the client, what follows.
fn origin(text: &str, end: usize, start: usize) -> Option<(&str, Peer<'_>, &str)> {
    let after = &text[start..];
    let (peer, rest) = match after.strip_prefix("local;") {
        Some(rest) => (Peer::default(), rest),
        None => {
            let (peer, rest) = fields::peer(after)?;
            (peer, rest.strip_prefix(';')?)
        }
    };
    Some((&text[..end], peer, rest))
}

#[cfg(test)]
mod tests {
    use crate::parse::postfix::testing::check;

    #[test]
    fn a_refusal_has_code_status_reason_and_envelope() {
        check(
            "smtpd",
            "NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 554 5.7.1 <bob@example.org>: Relay access denied; from=<eve@example.net> to=<bob@example.org> proto=ESMTP helo=<[192.0.2.66]>",
            "Reject rcpt -[192.0.2.66] 554 5.7.1 `<bob@example.org>: Relay access denied` from=eve@example.net to=bob@example.org proto=ESMTP helo=[192.0.2.66]",
        );
    }

    #[test]
    fn no_recipient_is_not_an_empty_one() {
        check(
            "smtpd",
            "NOQUEUE: reject: VRFY from a[192.0.2.66]: 252 2.0.0 no; from=<> to=<> proto=SMTP helo=<h>",
            "Reject vrfy a[192.0.2.66] 252 2.0.0 `no` from= proto=SMTP helo=h",
        );
    }

    #[test]
    fn the_reason_may_hold_semicolons() {
        check(
            "smtpd",
            "NOQUEUE: reject: RCPT from a[192.0.2.66]: 554 5.7.1 Client host [192.0.2.66] blocked using d; from=<see> url; from=<> to=<b@example.org> proto=SMTP helo=<h>",
            "Reject rcpt a[192.0.2.66] 554 5.7.1 `Client host [192.0.2.66] blocked using d; from=<see> url` from= to=b@example.org proto=SMTP helo=h",
        );
    }

    #[test]
    fn a_quoted_address_cannot_imitate_the_context() {
        check(
            "smtpd",
            "NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 5.1.1 <\"; from=<x>\"@c.example>: User unknown; from=<e@example.net> to=<\"; from=<x>\"@c.example> proto=SMTP helo=<h>",
            "Reject rcpt a[192.0.2.1] 550 5.1.1 `<\"; from=<x>\"@c.example>: User unknown` from=e@example.net to=\"; from=<x>\"@c.example proto=SMTP helo=h",
        );
    }

    #[test]
    fn a_refusal_may_have_no_context_or_no_code() {
        check(
            "smtpd",
            "NOQUEUE: reject: RCPT from a[192.0.2.1]: 421 4.3.0 mx.example.org Server local data error",
            "Reject rcpt a[192.0.2.1] 421 4.3.0 `mx.example.org Server local data error`",
        );
        check(
            "postscreen",
            "NOQUEUE: reject: CONNECT from [192.0.2.1]:40122: too many connections",
            "Reject connect -[192.0.2.1]:40122 `too many connections`",
        );
        check(
            "postscreen",
            "reject: connect from [192.0.2.1]:40122: all screening ports busy",
            "Reject connect -[192.0.2.1]:40122 `all screening ports busy`",
        );
        check(
            "cleanup",
            "3F2A41C0E7: milter-reject: END-OF-MESSAGE from a[192.0.2.1]: 5.7.1 Spam; from=<root@example.org>",
            "3F2A41C0E7 Reject end-of-message a[192.0.2.1] 5.7.1 `Spam` from=root@example.org",
        );
    }

    #[test]
    fn postscreen_parts_fields_by_commas() {
        check(
            "postscreen",
            "NOQUEUE: reject: RCPT from [192.0.2.1]:40122: 450 4.3.2 Service currently unavailable; from=<a@example.net>, to=<b@example.org>, proto=ESMTP, helo=<h>",
            "Reject rcpt -[192.0.2.1]:40122 450 4.3.2 `Service currently unavailable` from=a@example.net to=b@example.org proto=ESMTP helo=h",
        );
    }

    #[test]
    fn login_names_come_with_and_without_brackets() {
        let start = "NOQUEUE: reject: MAIL from a[192.0.2.1]: 553 5.7.1 no; from=<c@example.org> proto=ESMTP helo=<h>";
        let found = "Reject mail a[192.0.2.1] 553 5.7.1 `no` from=c@example.org proto=ESMTP helo=h";
        check(
            "smtpd",
            &format!("{start} sasl_method=PLAIN sasl_username=alice b"),
            &format!("{found} method=PLAIN user=alice b"),
        );
        check("smtpd", &format!("{start} sasl_username=<alice>"), &format!("{found} user=alice"));
    }

    #[test]
    fn what_was_not_refused_has_its_own_action() {
        let end = "RCPT from a[192.0.2.1]: x; proto=SMTP";
        for (word, action) in [
            ("reject_warning", "Warn"),
            ("permit", "Warn"),
            ("hold", "Hold"),
            ("milter-discard", "Discard"),
            ("prepend", "Change"),
            ("redirect", "Redirect"),
            ("hangup", "Hangup"),
        ] {
            check("", &format!("NOQUEUE: {word}: {end}"), &format!("{action} rcpt a[192.0.2.1] `x` proto=SMTP"));
        }
    }

    #[test]
    fn a_before_queue_filter_names_the_message_and_no_client() {
        check(
            "smtpd",
            "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 7C1D2E3F40; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
            "7C1D2E3F40 Accept end-of-message 250 2.0.0 `Ok: queued as 7C1D2E3F40` from=a@example.org to=b@example.net proto=ESMTP helo=h",
        );
    }

    #[test]
    fn a_header_check_gives_its_reason() {
        check(
            "cleanup",
            "3F2A41C0E7: reject: header Subject: cheap from unknown[192.0.2.1]; from=<e@example.net> to=<b@example.org> proto=ESMTP helo=<h>: 5.7.1 spam subject",
            "3F2A41C0E7 Reject header -[192.0.2.1] 5.7.1 `spam subject` from=e@example.net to=b@example.org proto=ESMTP helo=h",
        );
        check(
            "cleanup",
            "3F2A41C0E7: warning: header Subject: local test from local; from=<root>",
            "3F2A41C0E7 Warn header `Subject: local test` from=root",
        );
    }

    #[test]
    fn header_content_cannot_imitate_the_client() {
        check(
            "cleanup",
            "3F2A41C0E7: warning: header Subject: a from evil[192.0.2.9]; from=<x@example.org> b from a[192.0.2.1]; from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<h>: logged",
            "3F2A41C0E7 Warn header a[192.0.2.1] `logged` from=a@example.net to=b@example.org proto=ESMTP helo=h",
        );
    }

    #[test]
    fn mime_errors_are_a_stage() {
        check(
            "cleanup",
            "3F2A41C0E7: reject: mime-error improper use of 8-bit data: Subject: ??? from a[192.0.2.1]; from=<a@example.net> to=<b@example.org>",
            "3F2A41C0E7 Reject mime a[192.0.2.1] `improper use of 8-bit data: Subject: ???` from=a@example.net to=b@example.org",
        );
    }

    #[test]
    fn header_checks_of_milters_and_of_the_smtp_client_are_checks_too() {
        check(
            "cleanup",
            "3F2A41C0E7: milter-header-discard: header X-Spam: YES from a[192.0.2.1]; from=<>: dropped",
            "3F2A41C0E7 Discard header a[192.0.2.1] `dropped` from=",
        );
        check(
            "smtp",
            "3F2A41C0E7: replace: header Received: from [192.0.2.5]: Received: from gateway",
            "3F2A41C0E7 Change header `Received: from [192.0.2.5]: Received: from gateway`",
        );
        check("smtp", "3F2A41C0E7: reject: eom text: some text", "3F2A41C0E7 Reject eom `text: some text`");
    }
}
