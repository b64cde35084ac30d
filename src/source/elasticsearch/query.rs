//! The one query that counting and reading share, and what it needs to know of the index.
//!
//! In: settings, the kinds of the fields (`_field_caps`), a range.  Out: JSON.
//! Everything stands in `bool.filter`: no scores, answers can be cached, and OpenSearch 3.8 answers 400 to a bare range
//! query with a date to sort by.

use crate::{
    config::{ElasticsearchSource, Fields},
    elastic::readable,
    model::{Range, Time},
};
use serde_json::{Map, Value, json};

/// How a field can be searched, from the types that it has in the indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    /// Split into words: `text`, `match_only_text`.
    pub words: bool,
    /// One term: `keyword`, `constant_keyword`, `wildcard`.
    pub term: bool,
    pub date: bool,
    /// Something else: a number, an object.
    pub other: bool,
}

/// What the indices say of the fields that the query uses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    pub indices: usize,
    pub time: Kinds,
    /// Those of the program's names that the indices have.
    pub programs: Vec<(String, Kinds)>,
    pub message: Kinds,
}

impl Schema {
    /// From the answer to `GET /index/_field_caps`.
    pub fn from_caps(caps: &Value, fields: &Fields) -> Self {
        let kinds = |name: &str| caps.get("fields").and_then(|all| all.get(name)).map(kinds).unwrap_or_default();
        Self {
            indices: caps.get("indices").and_then(Value::as_array).map_or(0, Vec::len),
            time: kinds(&fields.time),
            programs: Fields::alternatives(&fields.program)
                .map(|name| (name.to_owned(), kinds(name)))
                .filter(|(_, kinds)| kinds.term || kinds.words)
                .collect(),
            message: kinds(&fields.message),
        }
    }
}

fn kinds(types: &Value) -> Kinds {
    let mut kinds = Kinds::default();
    for (name, caps) in types.as_object().into_iter().flatten() {
        if caps.get("searchable").and_then(Value::as_bool) == Some(false) {
            continue;
        }
        match name.as_str() {
            "text" | "match_only_text" => kinds.words = true,
            "keyword" | "constant_keyword" | "wildcard" => kinds.term = true,
            "date" | "date_nanos" => kinds.date = true,
            _ => kinds.other = true,
        }
    }
    kinds
}

/// The query for the lines of a range. `None` when programs are asked for, and neither their field nor the message can
/// be searched.
pub fn query(settings: &ElasticsearchSource, schema: &Schema, within: Range) -> Option<Value> {
    let mut filter = vec![range(&settings.fields, within)];
    if !settings.programs.is_empty() {
        filter.push(programs(&settings.programs, &settings.fields, schema)?);
    }
    if let Some(extra) = &settings.query {
        filter.push(json!({"query_string": {"query": extra}}));
    }
    Some(json!({"bool": {"filter": filter}}))
}

/// `[from, to)` in the index's own date format. The format is named in the query: that of the mapping may take none of
/// ours.
fn range(fields: &Fields, within: Range) -> Value {
    let (format, write): (&str, fn(Time) -> Value) = match fields.time_format.as_deref() {
        Some(graylog @ ("uuuu-MM-dd HH:mm:ss.SSS" | "yyyy-MM-dd HH:mm:ss.SSS")) => {
            (graylog, |time| json!(time.utc().format("%Y-%m-%d %H:%M:%S%.3f").to_string()))
        }
        Some("epoch_millis") => ("epoch_millis", |time| json!(time.0)),
        // A stored second s lies in the range when s * 1000 does: both bounds are rounded up.
        Some("epoch_second") => ("epoch_second", |time| json!(time.plus(999).second())),
        _ => ("strict_date_optional_time", |time| json!(time.to_string())),
    };
    let (from, to) = (readable(within.from), readable(within.to));
    one("range", one(&fields.time, json!({"gte": write(from), "lt": write(to), "format": format})))
}

/// Lines of the programs asked for: by the program's own field, where the document has one; by the words of the
/// message, where the tag still stands in it (Graylog's syslog input). Too many is harmless, the parsers know their own.
fn programs(programs: &[String], fields: &Fields, schema: &Schema) -> Option<Value> {
    let mut either = Vec::new();
    for (field, kinds) in &schema.programs {
        if kinds.term {
            either.extend(programs.iter().map(|program| match program.starts_with('/') {
                true => one("wildcard", one(field, json!(format!("*{}", escaped(program))))),
                // `postfix` stands for `postfix/smtpd` and for `postfix-out/qmgr` too.
                false => one("prefix", one(field, json!(program))),
            }));
        }
        if kinds.words {
            either.extend(phrases(programs, field));
        }
    }
    let has_field = !either.is_empty();
    let mut in_message = Vec::new();
    if schema.message.words {
        in_message.extend(phrases(programs, &fields.message));
    }
    if schema.message.term {
        in_message.extend(
            programs
                .iter()
                .map(|program| one("wildcard", one(&fields.message, json!(format!("*{}*", escaped(program)))))),
        );
    }
    match (has_field, in_message.is_empty()) {
        (false, true) => return None,
        (true, true) => {}
        (false, false) => either = in_message,
        (true, false) => either.push(json!({"bool": {
            "must_not": schema.programs.iter().map(|(field, _)| json!({"exists": {"field": field}})).collect::<Vec<_>>(),
            "should": in_message,
            "minimum_should_match": 1,
        }})),
    }
    Some(json!({"bool": {"should": either, "minimum_should_match": 1}}))
}

/// Words, which a slash parts as well as a blank does.
fn phrases(programs: &[String], field: &str) -> impl Iterator<Item = Value> {
    programs.iter().map(move |program| one("match_phrase", one(field, json!(program))))
}

/// `*`, `?` and `\` mean themselves in a `wildcard` query after a `\`.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '*' | '?' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// As [`counts`], with the sum of each bucket's sequence numbers: a document that comes has one that no other of its shard ever had,
/// so that another sum means other documents. Every engine keeps them in a form that can be added up.
pub fn prints(query: &Value, time_field: &str, bucket_ms: i64) -> Value {
    let mut body = counts(query, time_field, bucket_ms);
    body["aggs"]["buckets"]["aggs"] = json!({"print": {"sum": {"field": "_seq_no"}}});
    body
}

/// The body that counts lines by time.
pub fn counts(query: &Value, time_field: &str, bucket_ms: i64) -> Value {
    json!({
        "size": 0,
        "track_total_hits": true,
        "query": query,
        "aggs": {"buckets": {"date_histogram": {
            "field": time_field,
            "fixed_interval": format!("{bucket_ms}ms"),
            "min_doc_count": 1,
        }}},
    })
}

/// `{key: value}` with a key that is not known beforehand.
fn one(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

#[cfg(test)]
#[path = "query_tests.rs"]
pub(super) mod tests;
