//! Errors as Elasticsearch and OpenSearch report them.
//!
//! In: an answer. Out: the error for the user. Left alone: everything in an engine's error but the innermost type and
//! reason.

use crate::{
    error::{Error, Kind},
    net::http::{Answer, retry},
};
use serde_json::Value;

/// Longest reason that is passed on, in characters.
const REASON: usize = 300;

/// An error as the engine reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The exception type: `index_not_found_exception`.
    pub kind: String,
    /// In the engine's words, cut to a length fit for an error message.
    pub reason: String,
    /// The index that the error names, if any.
    pub index: Option<String>,
}

impl Cause {
    /// From the `error` of an answer, of a bulk item, or of a failed shard. If a search failed on all shards ("all
    /// shards failed"), the root cause is taken, which says more.
    pub fn of(error: &Value) -> Self {
        let inner = error.pointer("/root_cause/0").filter(|root| root.get("reason").is_some()).unwrap_or(error);
        let text = |key: &str| inner.get(key).and_then(Value::as_str);
        let reason = match (text("reason"), inner.pointer("/caused_by/reason").and_then(Value::as_str)) {
            (Some(reason), Some(deeper)) if !reason.contains(deeper) => format!("{reason}: {deeper}"),
            (Some(reason), _) => reason.to_owned(),
            (None, _) => inner.as_str().unwrap_or_default().to_owned(),
        };
        // The rest quotes the refused value, which may be an address.
        let reason = reason.split(". Preview of field's value").next().unwrap_or_default();
        Self {
            kind: text("type").unwrap_or_default().to_owned(),
            reason: reason.chars().take(REASON).collect(),
            index: text("index").map(|index| index.chars().take(REASON).collect()),
        }
    }

    /// The engine's own error in the body of an answer, if there is one.
    pub fn in_answer(answer: &Answer) -> Option<Self> {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        body.get("error").map(Self::of)
    }

    /// An obstacle that can be removed and says nothing about what was sent: a block on an index (by an administrator
    /// or the flood stage of the disk), a closed index, or an ingest pipeline that no longer exists.
    pub fn is_block(&self) -> bool {
        let is_pipeline = self.kind == "illegal_argument_exception" && self.reason.starts_with("pipeline with id [");
        self.kind == "cluster_block_exception" || self.is_closed() || is_pipeline
    }

    /// A closed index keeps its documents but answers no request.
    pub fn is_closed(&self) -> bool {
        self.kind == "index_closed_exception"
    }

    /// Advice for the user, unless the engine's own message says what to do.
    pub fn hint(&self) -> Option<&'static str> {
        if self.is_closed() {
            return Some("it is closed: open it with `POST /INDEX/_open`");
        }
        if self.kind == "cluster_block_exception" && !self.reason.contains("delete") {
            return Some(
                "somebody blocked it: `PUT /INDEX/_settings` with `index.blocks.…` set to null takes that off",
            );
        }
        // The flood stage of a full disk: "read-only / allow delete" until 7.9, "read-only-allow-delete block" later.
        (self.is_block() && self.reason.contains("read-only"))
            .then_some("the cluster's disks are nearly full: free some space, and the block goes away")
    }
}

/// The error for an answer. `doing` is "cannot search index `graylog_*`"; the address is added here.
///
/// | status                                   | kind       |
/// |------------------------------------------|------------|
/// | 401, 403                                 | Permission |
/// | 400, 403 by a block, or a closed index   | Temporary  |
/// | 408, 429, 5xx                            | Temporary  |
/// | a scroll or point in time that timed out | Temporary  |
/// | everything else: 3xx, 400, 404           | Config     |
pub(crate) fn explain(answer: &Answer, doing: &str) -> Error {
    let cause = Cause::in_answer(answer);
    let kind = match (answer.status, &cause) {
        (401, _) => Kind::Permission,
        (400 | 403, Some(cause)) if cause.is_block() => Kind::Temporary,
        (403, _) => Kind::Permission,
        (status, _) if retry::may_pass(status) => Kind::Temporary,
        (_, Some(cause)) if cause.kind == "search_context_missing_exception" => Kind::Temporary,
        _ => Kind::Config,
    };
    let mut error = answer.error(kind, doing);
    if let Some(hint) = cause.as_ref().and_then(Cause::hint) {
        error = error.hint(hint);
    }
    match (answer.status, cause) {
        (401, _) => error
            .because("the user name, password or API key was not accepted (401)")
            .hint("set `username` and `password_file`, or `api_key_file`, beside `url`"),
        (300..=399, _) => error.because(format!("it answers with a redirect ({})", answer.status)),
        (_, Some(Cause { kind, index: Some(index), .. })) if kind == "index_closed_exception" => {
            error.because(format!("index `{index}` is closed"))
        }
        (_, Some(cause)) if cause.kind == "index_not_found_exception" => error.because("no such index"),
        (status, Some(cause)) if !cause.reason.is_empty() => error.because(format!("{} ({status})", cause.reason)),
        (status, _) => error.because(format!("status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let base = "https://search.example.org:9200".to_owned();
        Answer { status, date: None, content_type: None, body: body.into(), base, explain }
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let answer = answer(status, body);
        let error = answer.failure("cannot search index `graylog_*`");
        assert_eq!(format!("{:?}: {error}", error.kind()), expected);
    }

    #[test]
    fn an_unknown_index_is_a_matter_of_settings() {
        check(
            404,
            r#"{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [x]"}],"type":"index_not_found_exception","reason":"no such index [x]"},"status":404}"#,
            "Config: cannot search index `graylog_*` on https://search.example.org:9200: no such index",
        );
    }

    #[test]
    fn rights_and_blocks_are_both_403() {
        check(
            403,
            r#"{"error":{"type":"security_exception","reason":"no permissions for [indices:data/read/search]"},"status":403}"#,
            "Permission: cannot search index `graylog_*` on https://search.example.org:9200: no permissions for [indices:data/read/search] (403)",
        );
        check(
            403,
            r#"{"error":{"type":"cluster_block_exception","reason":"index [x] blocked by: [FORBIDDEN/8/index write (api)];"},"status":403}"#,
            "Temporary: cannot search index `graylog_*` on https://search.example.org:9200: index [x] blocked by: [FORBIDDEN/8/index write (api)]; (403)",
        );
    }

    #[test]
    fn the_root_cause_is_told_and_not_that_all_shards_failed() {
        check(
            400,
            r#"{"error":{"root_cause":[{"type":"query_shard_exception","reason":"Failed to parse query [a(]","caused_by":{"reason":"Encountered \"<EOF>\""}}],"type":"search_phase_execution_exception","reason":"all shards failed"}}"#,
            "Config: cannot search index `graylog_*` on https://search.example.org:9200: Failed to parse query [a(]: Encountered \"<EOF>\" (400)",
        );
    }

    #[test]
    fn a_proxys_page_is_told_by_its_status() {
        check(
            503,
            "<html>down for maintenance</html>",
            "Temporary: cannot search index `graylog_*` on https://search.example.org:9200: status 503",
        );
        check(
            302,
            "",
            "Config: cannot search index `graylog_*` on https://search.example.org:9200: it answers with a redirect (302)",
        );
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let body = r#"{"error":{"type":"cluster_block_exception","reason":"index [m] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];"}}"#;
        let error = answer(429, body).failure("cannot write to index `m`");
        assert_eq!(error.kind(), Kind::Temporary);
        assert!(error.hint_text().is_some_and(|hint| hint.contains("free some space")));
    }

    #[test]
    fn a_closed_index_is_named_and_may_be_opened() {
        let body = r#"{"error":{"root_cause":[{"type":"index_closed_exception","reason":"closed","index":"m-2026.10"}],"type":"index_closed_exception","reason":"closed"},"status":400}"#;
        check(
            400,
            body,
            "Temporary: cannot search index `graylog_*` on https://search.example.org:9200: index `m-2026.10` is closed",
        );
    }

    #[test]
    fn a_scroll_that_timed_out_can_be_started_again() {
        check(
            404,
            r#"{"error":{"root_cause":[{"type":"search_context_missing_exception","reason":"No search context found for id [7]"}]}}"#,
            "Temporary: cannot search index `graylog_*` on https://search.example.org:9200: No search context found for id [7] (404)",
        );
    }

    #[test]
    fn a_refused_value_is_not_repeated() {
        let error = serde_json::json!({"type": "mapper_parsing_exception",
            "reason": "failed to parse field [a] of type [ip]. Preview of field's value: 'user@example.org'"});
        assert_eq!(Cause::of(&error).reason, "failed to parse field [a] of type [ip]");
    }
}
