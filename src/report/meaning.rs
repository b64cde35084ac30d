//! Meaning of a refusal, bounce or deferral, however a server words it.
//!
//! In: reply code, enhanced status code (RFC 3463) and text.  Out: a short name, the same for all with that meaning.
//! The text decides first, because many servers say 5.7.1 or 4.0.0 whatever happened; then the detail of the code,
//! then its subject.

/// Phrases by meaning, in lower case. The first family with a phrase in the text decides, so special ones come before
/// general ones.
const FAMILIES: &[(&str, &[&str])] = &[
    ("greylisted", &["greylist", "graylist", "postgrey", "grey list"]),
    (
        "mailbox full",
        &[
            "mailbox full",
            "mailbox is full",
            "over quota",
            "overquota",
            "quota exceeded",
            "exceeded storage",
            "insufficient storage",
            "quota exhausted",
        ],
    ),
    ("virus", &["virus", "malware", "infected"]),
    ("SPF, DKIM or DMARC failed", &["spf ", "spf:", "spf check", "dkim", "dmarc", "not permitted sender", "openspf"]),
    (
        "client on a blocklist",
        &[
            "blocked using",
            "blacklist",
            "blocklist",
            "block list",
            "dnsbl",
            "spamhaus",
            "spamcop",
            "listed at ",
            "listed by ",
            "listed in ",
            "poor reputation",
        ],
    ),
    (
        "no such user",
        &[
            "user unknown",
            "unknown user",
            "no such user",
            "unknown recipient",
            "recipient unknown",
            "no such recipient",
            "user not found",
            "recipient not found",
            "no mailbox",
            "mailbox not found",
            "mailbox unavailable",
            "unknown in ",
            "invalid recipient",
            "user doesn't exist",
            "user does not exist",
            "recipient does not exist",
            "address does not exist",
            "undeliverable address",
            "address unknown",
            "no such mailbox",
            "does not have an account",
            "list unknown",
        ],
    ),
    (
        "mailbox disabled",
        &[
            "account disabled",
            "mailbox disabled",
            "account is disabled",
            "mailbox is disabled",
            "account inactive",
            "account suspended",
            "user disabled",
        ],
    ),
    (
        "relaying denied",
        &[
            "relay access denied",
            "relaying denied",
            "relay not permitted",
            "unable to relay",
            "not permitted to relay",
            "relaying not allowed",
        ],
    ),
    (
        "login needed or refused",
        &[
            "authentication failed",
            "authentication required",
            "authentication needed",
            "must be authenticated",
            "not logged in",
            "authentication failure",
            "not owned by user",
        ],
    ),
    (
        "sender's domain not found",
        &[
            "sender address rejected: domain not found",
            "domain of sender address",
            "sender domain must",
            "cannot resolve sender",
            "unresolvable sender",
        ],
    ),
    (
        "sender refused",
        &[
            "sender address rejected",
            "sender rejected",
            "sender denied",
            "sender verify failed",
            "undeliverable sender",
        ],
    ),
    (
        "recipient's address is not valid",
        &[
            "recipient address rejected: need",
            "recipient address rejected: domain not found",
            "bad recipient address",
            "bad address syntax",
            "malformed address",
            "domain name required",
        ],
    ),
    (
        "client without a proper name",
        &[
            "helo command rejected",
            "cannot find your hostname",
            "cannot find your reverse",
            "reverse dns",
            "invalid helo",
            "client host rejected: cannot",
        ],
    ),
    (
        "protocol error",
        &[
            "improper command pipelining",
            "improper use of smtp",
            "protocol error",
            "bare newline",
            "bare <lf>",
            "command rejected: data",
            "out of sequence",
            "pregreet",
        ],
    ),
    (
        "message too large",
        &[
            "too large",
            "too big",
            "size limit",
            "size exceeds",
            "exceeds size",
            "maximum size",
            "max message size",
            "exceeds fixed",
        ],
    ),
    (
        "mail loop",
        &[
            "loops back to myself",
            "mail loop",
            "too many hops",
            "hop count exceeded",
            "forwarding loop",
            "config error: mail loops",
        ],
    ),
    (
        "too many recipients, messages or connections",
        &["too many", "rate limit", "limit exceeded", "throttl", "concurrency"],
    ),
    (
        "spam or unwanted content",
        &[
            "spam",
            "content rejected",
            "content refused",
            "message content",
            "unwanted",
            "bulk mail",
            "banned",
            "prohibited",
            "header rejected",
            "body rejected",
        ],
    ),
    ("TLS failed", &["tls", "certificate", "starttls", "ssl_"]),
    (
        "domain not found",
        &[
            "host not found",
            "host unknown",
            "name service error",
            "domain not found",
            "nxdomain",
            "no such domain",
            "name server",
            "unable to look up",
            "unrouteable",
            "no mx",
            "null mx",
            "does not accept mail",
        ],
    ),
    ("connection refused", &["connection refused", "refused to talk to me", "refused by "]),
    ("server out of reach", &["no route to host", "network is unreachable", "host is down", "host is unreachable"]),
    ("connection timed out", &["timed out", "timeout"]),
    (
        "connection lost",
        &[
            "lost connection",
            "connection reset",
            "broken pipe",
            "closed connection",
            "server dropped",
            "premature end-of-input",
            "connection dropped",
        ],
    ),
    (
        "not delivered in time",
        &[
            "message expired",
            "cannot send message for",
            "could not send message for",
            "delivery time expired",
            "queue lifetime",
        ],
    ),
    (
        "delivery program failed",
        &[
            "command died",
            "unknown mailer error",
            "command output",
            "cannot open file",
            "can't create",
            "cannot update mailbox",
            "service error",
        ],
    ),
    (
        "held or turned off by the administrator",
        &["deferred transport", "administratively", "operator", "system not accepting"],
    ),
    (
        "access denied",
        &[
            "access denied",
            "client host rejected",
            "recipient address rejected",
            "end-of-data rejected",
            "policy",
            "not allowed",
            "not authorized",
            "permission denied",
            "denied",
            "rejected",
        ],
    ),
    (
        "server busy or unavailable",
        &[
            "try again",
            "temporar",
            "unavailable",
            "shutting down",
            "too busy",
            "overload",
            "mail system",
            "local configuration error",
            "resources",
        ],
    ),
];

/// Meanings of details in RFC 3463 (`X.1.1` and so on).
const DETAILS: &[(&str, &str)] = &[
    ("1.1", "no such user"),
    ("1.2", "domain not found"),
    ("1.3", "recipient's address is not valid"),
    ("1.6", "no such user"),
    ("1.7", "sender refused"),
    ("1.8", "sender's domain not found"),
    ("1.10", "domain not found"),
    ("2.1", "mailbox disabled"),
    ("2.2", "mailbox full"),
    ("2.3", "message too large"),
    ("3.1", "server busy or unavailable"),
    ("3.2", "server busy or unavailable"),
    ("3.4", "message too large"),
    ("4.1", "connection timed out"),
    ("4.2", "connection lost"),
    ("4.3", "domain not found"),
    ("4.4", "domain not found"),
    ("4.5", "too many recipients, messages or connections"),
    ("4.6", "mail loop"),
    ("4.7", "not delivered in time"),
    ("5.3", "too many recipients, messages or connections"),
    ("7.1", "access denied"),
    ("7.5", "TLS failed"),
    ("7.8", "login needed or refused"),
];

/// Meanings of subjects in RFC 3463 (the middle number).
const SUBJECTS: &[(&str, &str)] = &[
    ("1", "other trouble with an address"),
    ("2", "other trouble with a mailbox"),
    ("3", "other trouble with a mail system"),
    ("4", "other trouble on the way"),
    ("5", "protocol error"),
    ("6", "other trouble with the content"),
    ("7", "access denied"),
];

/// The meaning of a reply, in a few words.
pub fn meaning(code: Option<u16>, dsn: Option<&str>, text: &str) -> &'static str {
    let words = plain(text);
    let by_text = FAMILIES.iter().find(|(_, needles)| needles.iter().any(|needle| words.contains(needle)));
    if let Some((name, _)) = by_text {
        return name;
    }
    // Skip the class: 4 or 5 says whether it is permanent, not what it is.
    let rest = dsn.and_then(|dsn| dsn.split_once('.')).map(|(_, rest)| rest);
    let by_detail = rest.and_then(|rest| DETAILS.iter().find(|(detail, _)| *detail == rest));
    let subject = rest.and_then(|rest| rest.split('.').next());
    let by_subject = || subject.and_then(|subject| SUBJECTS.iter().find(|(s, _)| *s == subject));
    if let Some((_, name)) = by_detail.or_else(by_subject) {
        return name;
    }
    match code {
        Some(400..=499) => "try again later, no reason given",
        Some(500..=599) => "refused, no reason given",
        _ => "no reason given",
    }
}

/// The text in lower case without anything in angle brackets: strangers choose addresses and host names, and mail to
/// `spam@` is not spam.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.extend(c.to_lowercase()),
            _ => {}
        }
    }
    // An unclosed bracket hides nothing.
    if depth > 0 { text.to_lowercase() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u16, dsn: &str, text: &str, expected: &str) {
        assert_eq!(meaning(Some(code), Some(dsn).filter(|d| !d.is_empty()), text), expected);
    }

    #[test]
    fn many_words_mean_one_thing() {
        check(
            550,
            "5.1.1",
            "<x@example.org>: Recipient address rejected: User unknown in local recipient table",
            "no such user",
        );
        check(550, "5.0.0", "host mx.example.org[192.0.2.1] said: 550 No such user here", "no such user");
        check(550, "5.1.1", "", "no such user");
        check(452, "4.2.2", "mailbox is full", "mailbox full");
        check(552, "5.2.2", "", "mailbox full");
    }

    #[test]
    fn the_text_counts_before_the_code() {
        check(
            450,
            "4.7.1",
            "<x@example.org>: Recipient address rejected: Greylisted, see http://postgrey.example.org",
            "greylisted",
        );
        check(
            554,
            "5.7.1",
            "Service unavailable; Client host [192.0.2.7] blocked using zen.example.org",
            "client on a blocklist",
        );
        check(554, "5.7.1", "<x@example.org>: Relay access denied", "relaying denied");
    }

    #[test]
    fn names_of_strangers_mean_nothing() {
        check(550, "5.1.1", "<virus@spam.example.org>: user unknown", "no such user");
        check(451, "4.3.0", "<greylist.example.org[192.0.2.1]>: lost connection", "connection lost");
    }

    #[test]
    fn what_is_known_by_its_code_alone_is_named_by_it() {
        check(550, "5.1.99", "nope", "other trouble with an address");
        check(571, "5.7.99", "nope", "access denied");
        check(451, "", "nope", "try again later, no reason given");
        check(550, "", "", "refused, no reason given");
        assert_eq!(meaning(None, None, ""), "no reason given");
    }

    #[test]
    fn ways_to_fail_on_the_way_are_told_apart() {
        check(0, "4.4.1", "connect to mx.example.org[192.0.2.1]:25: Connection timed out", "connection timed out");
        check(0, "4.4.1", "connect to mx.example.org[192.0.2.1]:25: Connection refused", "connection refused");
        check(
            0,
            "5.4.4",
            "Host or domain name not found. Name service error for name=example.invalid",
            "domain not found",
        );
        check(0, "5.4.6", "mail for example.org loops back to myself", "mail loop");
    }
}
