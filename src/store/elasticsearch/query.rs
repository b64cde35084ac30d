//! The queries that the store sends to the alias, as JSON: pure.
//!
//! Dates are compared as ISO 8601 text, a format that the mapping accepts. Every list has `mail.id` as its last sort
//! key: it is unique, so `search_after` neither repeats nor skips documents, whatever is written meanwhile.

use crate::{
    model::{Range, Time},
    net::elastic::readable,
    store::{
        Search,
        matching::bare,
        places::{Case, PLACES, Place},
    },
};
use serde_json::{Value, json};
use std::net::IpAddr;

/// Most documents per page. A document with its evidence has some kilobytes, that of a mass mailing megabytes; so pages
/// begin small and grow as long as their size in bytes allows.
pub const PAGE: usize = 250;

/// Documents of the first page.
pub const FIRST_PAGE: usize = 16;

/// Target size of a page in bytes.
pub const PAGE_BYTES: usize = 8 << 20;

/// Number of documents for the next page, after a page with these numbers of documents and bytes.
pub fn next_size(documents: usize, bytes: usize) -> usize {
    let average = bytes / documents.max(1) + 1;
    (PAGE_BYTES / average).clamp(1, PAGE.min(2 * documents.max(1)))
}

/// Hits per page where only ids or a few fields are read.
pub const IDS_PAGE: usize = 5000;

/// Filters for documents whose time span touches the range.
fn touches(within: Range) -> [Value; 2] {
    [
        json!({"range": {"event.start": {"lt": readable(within.to)}}}),
        json!({"range": {"event.end": {"gte": readable(within.from)}}}),
    ]
}

/// All parts of all documents with these queue ids, on any host: the caller tells hosts apart, because a queue id
/// hardly ever occurs on two.
fn find(queue_ids: &[&str], within: Range, after: Option<&str>) -> Value {
    let mut filter = vec![json!({"terms": {"email.local_id": queue_ids}})];
    filter.extend(touches(within));
    page_of(json!({"bool": {"filter": filter}}), PAGE, after)
}

/// The fields from which the size of a document is estimated.
pub const SIZE_FIELDS: [&str; 3] = ["mail.attempts", "mail.parts", "mail.omitted.lines"];

/// Ids of the documents that [`find`] matches, with the fields for their size.
pub fn find_ids(queue_ids: &[&str], within: Range, after: Option<&str>) -> Value {
    let mut body = ids_of(find(queue_ids, within, after));
    body["docvalue_fields"] = json!(SIZE_FIELDS);
    body
}

fn ids_of(mut body: Value) -> Value {
    body["_source"] = json!(false);
    body["size"] = json!(IDS_PAGE);
    body
}

/// A page of documents that have one of these queue ids, name one in a link, or have one of these Message-IDs, without
/// the known ones.
pub fn neighbours(
    queue_ids: &[String],
    message_ids: &[String],
    within: Range,
    known: &[&str],
    size: usize,
    after: Option<&str>,
) -> Value {
    let mut either = Vec::new();
    if !queue_ids.is_empty() {
        either.push(json!({"terms": {"email.local_id": queue_ids}}));
        either.push(json!({"terms": {"mail.links.queue_id": queue_ids}}));
    }
    if !message_ids.is_empty() {
        either.push(json!({"terms": {"email.message_id": message_ids}}));
    }
    let mut filter = vec![json!({"bool": {"should": either, "minimum_should_match": 1}})];
    filter.extend(touches(within));
    page_of(json!({"bool": {"filter": filter, "must_not": [{"ids": {"values": known}}]}}), size, after)
}

/// Matches transactions only, not the marks of ledgers.
pub fn transactions() -> Value {
    json!({"exists": {"field": "mail.id"}})
}

/// A page of ids: all transactions, or those that touch a range.
pub fn page(within: Option<Range>, after: Option<&str>) -> Value {
    let mut filter = vec![transactions()];
    filter.extend(within.into_iter().flat_map(touches));
    let mut body = page_of(json!({"bool": {"filter": filter}}), PAGE, after);
    body["_source"] = json!(false);
    body
}

fn page_of(query: Value, size: usize, after: Option<&str>) -> Value {
    let mut body = json!({
        "size": size,
        "seq_no_primary_term": true,
        "track_total_hits": false,
        "query": query,
        "sort": [{"mail.id": "asc"}],
    });
    if let Some(after) = after {
        body["search_after"] = json!([after]);
    }
    body
}

/// Ids and versions of documents that ended before a moment.
pub fn ended(before: Time, after: Option<&str>) -> Value {
    ids_of(page_of(ended_query(before), PAGE, after))
}

/// Documents that ended before a moment.
pub fn ended_query(before: Time) -> Value {
    json!({"bool": {"filter": [{"range": {"event.end": {"lt": readable(before)}}}]}})
}

/// Documents that match every term, newest first. `after`: the sort values of the last hit.
pub fn search(search: &Search, size: usize, after: Option<&Value>) -> Value {
    let mut filter: Vec<Value> = search.terms.iter().map(|term| any_place(term)).collect();
    filter.push(transactions());
    filter.extend(search.within.into_iter().flat_map(touches));
    let mut body = json!({
        "size": size,
        "track_total_hits": false,
        "query": {"bool": {"filter": filter}},
        "sort": [{"@timestamp": "desc"}, {"mail.id": "desc"}],
    });
    if let Some(after) = after {
        body["search_after"] = after.clone();
    }
    body
}

/// The term at any place. The mapping of the place decides whether case matters.
fn any_place(term: &str) -> Value {
    let term = bare(term);
    let ip = term.parse::<IpAddr>().ok();
    let at = |place: &Place| match place.case {
        Case::Exact | Case::Any => Some(json!({"term": {(place.name): term}})),
        // An IP field answers 400 to anything but an address.
        Case::Ip => ip.map(|ip| json!({"term": {(place.name): ip}})),
    };
    let should: Vec<Value> = PLACES.iter().filter_map(at).collect();
    json!({"bool": {"should": should, "minimum_should_match": 1}})
}

/// The newest `event.end` up to a moment.
pub fn newest_end(now: Time) -> Value {
    json!({
        "size": 0,
        "query": {"bool": {"filter": [{"range": {"event.end": {"lte": readable(now)}}}]}},
        "aggs": {"newest": {"max": {"field": "event.end"}}},
    })
}

/// Messages still on their way.
fn open() -> Vec<Value> {
    vec![
        json!({"term": {"mail.kind": "message"}}),
        json!({"term": {"mail.part": 0}}),
        json!({"terms": {"mail.status": ["queued", "deferred", "held"]}}),
    ]
}

/// A page of ids of messages that are still on their way and ended before a moment.
pub fn waiting(before: Time, after: Option<&str>) -> Value {
    let mut filter = open();
    filter.push(json!({"range": {"event.end": {"lt": readable(before)}}}));
    let mut body = page_of(json!({"bool": {"filter": filter}}), PAGE, after);
    body["_source"] = json!(false);
    body
}

/// The numbers that `status` shows.
pub fn summary() -> Value {
    json!({
        "size": 0,
        "track_total_hits": true,
        "query": {"bool": {"filter": [transactions()]}},
        "aggs": {
            "open": {"filter": {"bool": {"filter": open()}}},
            "oldest": {"min": {"field": "event.start"}},
            "newest": {"max": {"field": "event.end"}},
        },
    })
}

/// A page of documents that touch a range, with the fields that tell whether each is a root.
pub fn census(within: Range, after: Option<&str>) -> Value {
    let mut filter = vec![json!({"term": {"mail.part": 0}})];
    filter.extend(touches(within));
    let mut body = page_of(json!({"bool": {"filter": filter}}), IDS_PAGE, after);
    body["_source"] =
        json!(["mail.kind", "mail.status", "mail.journey", "host.name", "email.local_id", "email.message_id"]);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Range = Range { from: Time(1_795_377_600_000), to: Time(1_795_381_200_000) };

    #[test]
    fn a_find_asks_for_versions_and_for_all_parts() {
        let body = find(&["4F1", "4F2"], HOUR, Some("id"));
        assert_eq!(
            body["query"]["bool"]["filter"],
            json!([
                {"terms": {"email.local_id": ["4F1", "4F2"]}},
                {"range": {"event.start": {"lt": "2026-11-22T21:00:00.000Z"}}},
                {"range": {"event.end": {"gte": "2026-11-22T20:00:00.000Z"}}},
            ])
        );
        assert_eq!(body["seq_no_primary_term"], true);
        assert_eq!(body["search_after"], json!(["id"]));
        assert!(!body.to_string().contains("mail.part"));
    }

    #[test]
    fn a_page_of_everything_is_of_transactions() {
        let body = page(None, None);
        assert_eq!(body["query"], json!({"bool": {"filter": [{"exists": {"field": "mail.id"}}]}}));
        assert_eq!(body["sort"], json!([{"mail.id": "asc"}]));
        assert_eq!(body.get("search_after"), None);
    }

    #[test]
    fn an_ip_is_looked_for_among_addresses_and_a_name_is_not() {
        assert!(any_place("192.0.2.1").to_string().contains(r#"{"source.ip":"192.0.2.1"}"#));
        assert!(!any_place("mx1.example.org").to_string().contains("source.ip"));
    }

    #[test]
    fn brackets_of_a_message_id_are_not_part_of_it() {
        assert!(any_place("<1@example.org>").to_string().contains(r#"{"email.message_id":"1@example.org"}"#));
        assert!(any_place("<>").to_string().contains(r#"{"email.from.address":"<>"}"#));
    }

    #[test]
    fn a_search_is_for_the_newest_first() {
        let search_for = Search { terms: vec!["4F1".into()], within: Some(HOUR), limit: 10 };
        let body = search(&search_for, 10, None);
        assert_eq!(body["sort"], json!([{"@timestamp": "desc"}, {"mail.id": "desc"}]));
    }
}
