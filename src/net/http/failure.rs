//! Describes why a request got no answer, in words that help the user.
//!
//! In: reqwest's error with its chain of sources. Out: kind, cause and hint. Left alone: the URL, which the caller
//! names without the user and password that it may hold.

use crate::error::Kind;
use std::error::Error as _;

/// A request that got no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub kind: Kind,
    pub cause: String,
    pub hint: Option<&'static str>,
    pub timed_out: bool,
}

impl Failure {
    pub fn of(error: reqwest::Error) -> Self {
        let timed_out = error.is_timeout();
        let error = error.without_url();
        let mut texts = vec![error.to_string()];
        let mut source = error.source();
        while let Some(inner) = source {
            texts.push(inner.to_string());
            source = inner.source();
        }
        describe(timed_out, &texts)
    }
}

/// `texts`: the messages of the error and its sources, outermost first. They are told apart by their words, because
/// their types belong to crates that reqwest does not expose.
fn describe(timed_out: bool, texts: &[String]) -> Failure {
    let has = |word: &str| texts.iter().any(|text| text.contains(word));
    let deepest = texts.last().map_or("unknown", |text| text.split(" (os error").next().unwrap_or(text));
    let failure = |kind, cause: &str, hint| Failure { kind, cause: cause.to_owned(), hint, timed_out: false };
    if timed_out {
        return Failure { timed_out: true, ..failure(Kind::Temporary, "no answer in time", None) };
    }
    if has("dns error") || has("failed to lookup address") {
        return failure(Kind::Unavailable, "the name was not found", Some("check the host name in `url`"));
    }
    if has("NotValidForName") || has("not valid for name") {
        let hint = "use a name that the certificate is made for in `url`";
        return failure(Kind::Unavailable, "the certificate is for another name", Some(hint));
    }
    if has("invalid peer certificate: Expired") || has("certificate expired") {
        return failure(Kind::Unavailable, "the server's certificate has expired", None);
    }
    if has("NotValidYet") || has("not valid yet") {
        let hint = "is the clock of this machine right?";
        return failure(Kind::Unavailable, "the server's certificate is not valid yet", Some(hint));
    }
    if has("received fatal alert") && (has("ertificate") || has("HandshakeFailure")) {
        let hint = "the server asks for a client certificate: set `client_cert_file` and `client_key_file`";
        return failure(Kind::Unavailable, deepest, Some(hint));
    }
    if has("invalid peer certificate") {
        let hint = "set `ca_file` to the certificate of the authority that signed the server's";
        return failure(Kind::Unavailable, &format!("the certificate is not trusted ({deepest})"), Some(hint));
    }
    if has("InvalidContentType") {
        let hint = "does this port speak plain http?";
        return failure(Kind::Unavailable, "the server does not speak TLS here", Some(hint));
    }
    if has("onnection refused") {
        // 9000 and 9200 are the default ports of Graylog and of the search servers.
        let hint = "does the server run, and is the port in `url` its own (9000, 9200)?";
        return failure(Kind::Temporary, "connection refused", Some(hint));
    }
    failure(Kind::Temporary, deepest, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], expected: &str) {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let failure = describe(false, &texts);
        assert_eq!(format!("{:?}: {} | {}", failure.kind, failure.cause, failure.hint.unwrap_or("-")), expected);
    }

    #[test]
    fn a_refused_connection_may_pass() {
        check(
            &[
                "error sending request",
                "client error (Connect)",
                "tcp connect error",
                "Connection refused (os error 111)",
            ],
            "Temporary: connection refused | does the server run, and is the port in `url` its own (9000, 9200)?",
        );
    }

    #[test]
    fn an_unknown_name_does_not_pass_by_itself() {
        check(
            &[
                "error sending request",
                "client error (Connect)",
                "dns error",
                "failed to lookup address information: Name or service not known",
            ],
            "Unavailable: the name was not found | check the host name in `url`",
        );
    }

    #[test]
    fn an_unknown_authority_points_at_ca_file() {
        check(
            &["error sending request", "client error (Connect)", "invalid peer certificate: UnknownIssuer"],
            "Unavailable: the certificate is not trusted (invalid peer certificate: UnknownIssuer) | set `ca_file` to the certificate of the authority that signed the server's",
        );
    }

    #[test]
    fn a_connection_cut_in_the_middle_may_pass() {
        check(
            &["request or response body error", "connection reset by peer (os error 104)"],
            "Temporary: connection reset by peer | -",
        );
    }

    #[test]
    fn a_timeout_says_so() {
        let failure = describe(true, &["operation timed out".to_owned()]);
        assert_eq!((failure.kind, failure.timed_out), (Kind::Temporary, true));
    }
}
