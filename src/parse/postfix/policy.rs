//! Refusals and other decisions about a message: access and restriction lists of smtpd, postscreen, milters, the
//! header and body checks of cleanup and of the smtp client.
//!
//! In: the text after a queue id or `NOQUEUE` ([`message`], [`client_check`]), or a whole text ([`session`]).
//! Out: `Policy`.
//! Header content, addresses and login names are the words of strangers and may imitate the rest of the line.

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
        // The MIME parser's complaint comes before the content; both are short.
        Some(("mime-error", content)) => content_check(action, "mime", content, 2 * CONTENT_MAX),
        _ => smtp_stage(action, rest)?,
    };
    Some(Event::Policy(policy))
}

/// `ACTION: header|body CONTENT[: TEXT]` of `smtp_header_checks` and similar tables (`smtp/smtp_proto.c`). There is no client and
/// no envelope. Content and text cannot be told apart.
pub fn client_check(text: &str) -> Option<Event<'_>> {
    let (action, rest) = split_action(text)?;
    let (stage @ ("header" | "body" | "eom"), content) = rest.split_once(' ')? else { return None };
    Some(Event::Policy(Policy { text: content, ..empty(action, stage) }))
}

/// Decisions that are logged without a queue id or `NOQUEUE`: `proxy-accept|proxy-reject: END-OF-MESSAGE: REPLY; …` (smtpd's
/// before-queue filter) and `reject: connect from NAMADDR: all screening ports busy` (postscreen).
pub fn session(text: &str) -> Option<Event<'_>> {
    if !["proxy-accept: ", "proxy-reject: ", "reject: connect from "].iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let (action, rest) = split_action(text)?;
    smtp_stage(action, rest).map(Event::Policy)
}

/// The id in a filter's reply, under which the filter logs the message that it took: `OK (2C225C6817C7EEE1481)`
/// (pmg-smtp-filter).
pub fn filter_id(reply: &str) -> Option<&str> {
    let id = reply.strip_prefix("OK (")?.strip_suffix(')')?;
    (id.len() >= 10 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// Header and body checks log at most this many bytes of content (`%.200s`), so ` from CLIENT` must begin within them.
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

/// SMTP stages in lower case; any other word stays as written.
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
        // Only the reply of a before-queue filter names no client.
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

/// The beginning of the context: the last `; ` before a context field, outside quoted local parts. The last one counts because
/// the reason may quote a client's address that imitates a context. Quoted local parts in the context may imitate one, too; HELO
/// names cannot, because smtpd replaces their blanks and brackets.
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

/// The texts that may follow a bracketed value of the context: smtpd and cleanup separate fields by blanks, postscreen by commas;
/// cleanup's fields are followed by the text of the check.
const FIELD_ENDS: [&str; 9] =
    [" to=<", " proto=", " helo=<", " sasl_", ", to=<", ", proto=", ", helo=<", ", sasl_", ": "];

/// Reads `[from=<>] [to=<>] [proto=] [helo=<>] [sasl_method=] [sasl_username=] [sasl_sender=]` into the policy; returns the rest.
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
            // A login name is raw and may hold blanks; in milter lines it is in brackets.
            let (user, after) = fields::until(value, &[" sasl_sender="]);
            let bare = user.strip_prefix('<').and_then(|user| user.strip_suffix('>')).unwrap_or(user);
            (policy.sasl_username, rest) = (Some(bare), after);
        } else {
            return rest;
        }
    }
}

/// `CONTENT from ORIGIN; [context][: TEXT]`. The content is the sender's and may itself hold ` from a[ip]; from=<…>`: the last
/// such place counts that begins within the maximum length of the content.
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

/// A client, or `local`, between `start` and a semicolon. Returns the text before `end`, the client, and the rest.
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
mod tests;
