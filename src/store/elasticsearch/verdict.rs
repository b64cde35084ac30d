//! Decides what to do about each item of a bulk answer: pure, on JSON.
//!
//! A bulk request answers 200 even if all of its items failed; each item has its own status.

use crate::net::{elastic::Cause, http::retry};
use serde_json::Value;

/// The outcome of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done. A delete of a document that does not exist is done too.
    Stored,
    /// The stored document does not have the expected version.
    Conflict,
    /// May work later; reason and hint are reported if it never does.
    Retry(String, Option<&'static str>),
    /// The document can never be stored; the reason goes to the dead letters.
    Refused(String),
    /// The user may not write; nothing is wrong with the document.
    Denied(String),
}

/// | status                                          | verdict  |
/// |-------------------------------------------------|----------|
/// | 200, 201; 404 of a delete                       | Stored   |
/// | 409                                             | Conflict |
/// | 400, 403, 429 by a block (disk full), closed    | Retry    |
/// | 408, 429, 5xx                                   | Retry    |
/// | 404 of a write (index deleted meanwhile), none  | Retry    |
/// | 401, 403                                        | Denied   |
/// | everything else, 400 above all                  | Refused  |
///
/// `item` is one element of `items`: `{"create": {"status": 201, …}}`.
pub fn verdict(item: &Value) -> Verdict {
    let Some((operation, result)) = item.as_object().and_then(|item| item.iter().next()) else {
        return Verdict::Retry("the answer for a document is not understood".to_owned(), None);
    };
    let status =
        result.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
    let cause = result.get("error").map(Cause::of);
    let hint = cause.as_ref().and_then(Cause::hint);
    let is_block = cause.as_ref().is_some_and(Cause::is_block);
    let reason = cause.map_or_else(|| format!("status {status}"), |cause| told(&cause, status));
    match status {
        200 | 201 => Verdict::Stored,
        404 if operation == "delete" => Verdict::Stored,
        409 => Verdict::Conflict,
        400 | 403 if is_block => Verdict::Retry(reason, hint),
        401 | 403 => Verdict::Denied(reason),
        0 | 404 => Verdict::Retry(reason, hint),
        status if retry::may_pass(status) => Verdict::Retry(reason, hint),
        _ => Verdict::Refused(reason),
    }
}

fn told(cause: &Cause, status: u16) -> String {
    if cause.reason.is_empty() { format!("{} ({status})", cause.kind) } else { cause.reason.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(item: &str, expected: &str) {
        let item = serde_json::from_str(item).unwrap();
        assert_eq!(format!("{:?}", verdict(&item)), expected);
    }

    #[test]
    fn what_is_written_is_stored() {
        check(r#"{"create":{"_index":"m-2026.11","_id":"a","_version":1,"result":"created","status":201}}"#, "Stored");
        check(r#"{"index":{"_id":"a","result":"updated","status":200}}"#, "Stored");
        check(r#"{"delete":{"_id":"a","result":"deleted","status":200}}"#, "Stored");
    }

    #[test]
    fn a_document_that_is_gone_needs_no_delete() {
        check(r#"{"delete":{"_id":"a","result":"not_found","status":404}}"#, "Stored");
        check(
            r#"{"delete":{"_id":"a","status":404,"error":{"type":"index_not_found_exception","reason":"no such index [m]"}}}"#,
            "Stored",
        );
    }

    /// A month that was deleted while we write is created again by the next attempt; the bulk answer reports it for
    /// each item.
    #[test]
    fn a_write_whose_index_went_away_is_tried_again() {
        for operation in ["create", "index"] {
            check(
                &format!(
                    r#"{{"{operation}":{{"_id":"a","status":404,"error":{{"type":"index_not_found_exception","reason":"no such index [m]"}}}}}}"#
                ),
                r#"Retry("no such index [m]", None)"#,
            );
        }
    }

    #[test]
    fn what_no_rule_is_for_is_told_by_its_status() {
        check(r#"{"index":{"status":408}}"#, r#"Retry("status 408", None)"#);
        check(r#"{"index":{"status":500}}"#, r#"Retry("status 500", None)"#);
        check(r#"{"index":{"status":401}}"#, r#"Denied("status 401")"#);
        check(r#"{"index":{"status":413}}"#, r#"Refused("status 413")"#);
        check(
            r#"{"index":{"status":400,"error":{"type":"odd_exception","reason":""}}}"#,
            r#"Refused("odd_exception (400)")"#,
        );
    }

    #[test]
    fn a_document_that_changed_is_a_conflict() {
        check(
            r#"{"create":{"_id":"a","status":409,"error":{"type":"version_conflict_engine_exception","reason":"[a]: version conflict, document already exists (current version [1])"}}}"#,
            "Conflict",
        );
    }

    #[test]
    fn a_busy_server_is_asked_again() {
        check(
            r#"{"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation"}}}"#,
            r#"Retry("rejected execution of coordinating operation", None)"#,
        );
        check(
            r#"{"index":{"status":503,"error":{"type":"unavailable_shards_exception","reason":"primary shard is not active"}}}"#,
            r#"Retry("primary shard is not active", None)"#,
        );
    }

    #[test]
    fn a_full_disk_is_no_fault_of_the_document() {
        for status in [403, 429] {
            let item = format!(
                r#"{{"create":{{"status":{status},"error":{{"type":"cluster_block_exception","reason":"index [m] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"}}}}}}"#
            );
            check(
                &item,
                r#"Retry("index [m] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];", Some("the cluster's disks are nearly full: free some space, and the block goes away"))"#,
            );
        }
    }

    #[test]
    fn a_closed_month_and_a_pipeline_that_is_gone_are_no_fault_of_the_document() {
        check(
            r#"{"create":{"status":400,"error":{"type":"index_closed_exception","reason":"closed","index":"m-2026.10"}}}"#,
            r#"Retry("closed", Some("it is closed: open it with `POST /INDEX/_open`"))"#,
        );
        check(
            r#"{"create":{"status":400,"error":{"type":"illegal_argument_exception","reason":"pipeline with id [geo] does not exist"}}}"#,
            r#"Retry("pipeline with id [geo] does not exist", None)"#,
        );
    }

    #[test]
    fn missing_rights_are_no_fault_of_the_document() {
        check(
            r#"{"create":{"status":403,"error":{"type":"security_exception","reason":"no permissions for [indices:data/write/bulk[s]]"}}}"#,
            r#"Denied("no permissions for [indices:data/write/bulk[s]]")"#,
        );
    }

    #[test]
    fn a_mapping_error_is_final() {
        check(
            r#"{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [source.ip] of type [ip] in document with id 'a'. Preview of field's value: 'x'","caused_by":{"type":"illegal_argument_exception","reason":"'x' is not an IP string literal."}}}}"#,
            r#"Refused("failed to parse field [source.ip] of type [ip] in document with id 'a'")"#,
        );
    }

    #[test]
    fn nonsense_is_not_taken_for_success() {
        check("[]", r#"Retry("the answer for a document is not understood", None)"#);
        check(r#"{"create":{}}"#, r#"Retry("status 0", None)"#);
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_may_not_is_refused() {
        for status in [408, 429, 500, 599] {
            check(&format!(r#"{{"index":{{"status":{status}}}}}"#), &format!(r#"Retry("status {status}", None)"#));
        }
        for status in [400, 402, 405, 407, 410, 428, 499, 600] {
            check(&format!(r#"{{"index":{{"status":{status}}}}}"#), &format!(r#"Refused("status {status}")"#));
        }
        check(r#"{"index":{"status":201}}"#, "Stored");
        check(r#"{"index":{"status":404}}"#, r#"Retry("status 404", None)"#);
        check(r#"{"index":{"status":403}}"#, r#"Denied("status 403")"#);
        check(r#"{"index":{"status":99999}}"#, r#"Retry("status 0", None)"#);
    }
}
