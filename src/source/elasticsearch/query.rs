//! Builds the query that counting and reading share, from what the index says about its fields.
//!
//! In: settings, the kinds of the fields (`_field_caps`), a range.  Out: JSON.
//! Everything is in `bool.filter`: there are no scores, answers can be cached, and OpenSearch 3.8 answers 400 to a bare
//! range query that is sorted by a date.

use crate::{
    config::{ElasticsearchSource, Fields},
    model::{Range, Time},
    net::elastic::readable,
};
use serde_json::{Map, Value, json};

/// How a field can be searched, by the types that it has in the indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    /// Split into words: `text`, `match_only_text`.
    pub words: bool,
    /// One term: `keyword`, `constant_keyword`, `wildcard`.
    pub term: bool,
    pub date: bool,
    /// Kept but not indexed, in at least one index.
    pub hidden: bool,
    /// Something else: a number, a boolean.
    pub other: bool,
}

impl Kinds {
    fn is_date(self) -> bool {
        self == Self { date: true, ..Self::default() }
    }
}

/// The fields that the query uses, as the mappings of the indices have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub indices: usize,
    /// The fields of the settings, without time fields that are not a date in every index that has them, and without a
    /// tie-break that no index has.
    pub fields: Fields,
    /// The program fields that the indices have.
    pub programs: Vec<(String, Kinds)>,
    /// The message fields that the indices have.
    pub messages: Vec<(String, Kinds)>,
}

impl Schema {
    /// The fields to ask `_field_caps` for.
    pub fn names(fields: &Fields) -> Vec<&str> {
        let lists = [&fields.time, &fields.message, &fields.program].into_iter();
        lists.flat_map(|names| Fields::alternatives(names)).chain(fields.tie_break.as_deref()).collect()
    }

    /// Reads the answer to `GET /index/_field_caps`.
    pub fn from_caps(caps: &Value, fields: &Fields) -> Self {
        let kinds = |name: &str| caps.get("fields").and_then(|all| all.get(name)).map(kinds).unwrap_or_default();
        let known = |names: &str| -> Vec<(String, Kinds)> {
            let all = Fields::alternatives(names).map(|name| (name.to_owned(), kinds(name)));
            all.filter(|(_, kinds)| *kinds != Kinds::default()).collect()
        };
        let times: Vec<&str> = Fields::alternatives(&fields.time).filter(|name| kinds(name).is_date()).collect();
        Self {
            indices: caps.get("indices").and_then(Value::as_array).map_or(0, Vec::len),
            fields: Fields {
                time: times.join(","),
                tie_break: fields.tie_break.clone().filter(|name| kinds(name) != Kinds::default()),
                ..fields.clone()
            },
            programs: known(&fields.program),
            messages: known(&fields.message),
        }
    }
}

/// The fields that are dates in every index that has them, from the answer to `GET /index/_field_caps?fields=*`.
pub fn dates(caps: &Value) -> Vec<&str> {
    let all = caps.get("fields").and_then(Value::as_object).into_iter().flatten();
    all.filter(|(_, types)| kinds(types).is_date()).map(|(name, _)| name.as_str()).collect()
}

fn kinds(types: &Value) -> Kinds {
    let mut kinds = Kinds::default();
    for (name, caps) in types.as_object().into_iter().flatten() {
        let searchable = caps.get("searchable").and_then(Value::as_bool) != Some(false);
        match name.as_str() {
            // An object has no value of its own.
            "object" | "nested" => {}
            _ if !searchable => kinds.hidden = true,
            "text" | "match_only_text" => kinds.words = true,
            "keyword" | "constant_keyword" | "wildcard" => kinds.term = true,
            "date" | "date_nanos" => kinds.date = true,
            _ => kinds.other = true,
        }
    }
    kinds
}

/// The query for the lines of a range. If the fields cannot tell the program of a line, every line is asked for: the
/// parsers ignore those of other programs.
pub fn query(settings: &ElasticsearchSource, schema: &Schema, within: Range) -> Value {
    let mut filter = vec![range(&schema.fields, within)];
    if !settings.programs.is_empty() {
        filter.extend(programs(&settings.programs, settings.bare_daemons, schema));
    }
    if let Some(extra) = &settings.query {
        filter.push(json!({"query_string": {"query": extra}}));
    }
    json!({"bool": {"filter": filter}})
}

/// Searches the newest documents of a range: those of the programs asked for, or all.
pub fn newest(settings: &ElasticsearchSource, schema: &Schema, within: Range, by_program: bool) -> Value {
    let query = match by_program {
        true => query(settings, schema, within),
        false => one("bool", json!({"filter": [range(&schema.fields, within)]})),
    };
    json!({"size": 100, "query": query, "sort": [one(&schema.fields.time, json!("desc"))]})
}

/// Counts the documents that have each of these fields.
pub fn having(names: &[&str]) -> Value {
    let filters = names.iter().map(|name| ((*name).to_owned(), json!({"exists": {"field": name}})));
    json!({"size": 0, "aggs": {"having": {"filters": {"filters": Map::from_iter(filters)}}}})
}

/// `[from, to)` in the configured `time_format`, or else in ISO 8601. The query names the format, because that of the
/// mapping may not take it.
pub fn range(fields: &Fields, within: Range) -> Value {
    let (format, write): (&str, fn(Time) -> Value) = match fields.time_format.as_deref() {
        Some(graylog @ ("uuuu-MM-dd HH:mm:ss.SSS" | "yyyy-MM-dd HH:mm:ss.SSS")) => {
            (graylog, |time| json!(time.utc().format("%Y-%m-%d %H:%M:%S%.3f").to_string()))
        }
        Some("epoch_millis") => ("epoch_millis", |time| json!(time.0)),
        // A stored second s is in the range if s * 1000 is, so both bounds are rounded up.
        Some("epoch_second") => ("epoch_second", |time| json!(time.plus(999).second())),
        _ => ("strict_date_optional_time", |time| json!(time.to_string())),
    };
    let (from, to) = (readable(within.from), readable(within.to));
    one("range", one(&fields.time, json!({"gte": write(from), "lt": write(to), "format": format})))
}

/// Lines of the programs asked for: by the program fields, and by the words of the message, which may still have the
/// tag (Graylog's syslog input; files that a shipper reads under a name of its own). Too many lines do no harm, as the
/// parsers ignore the others, but none may be missing. So if messages are not indexed, or may be too long for the
/// index, documents in which the search sees neither program nor message are included; and if a program field is not
/// indexed, or no field can be searched, everything is (`None`).
fn programs(programs: &[String], bare_daemons: bool, schema: &Schema) -> Option<Value> {
    if schema.programs.iter().any(|(_, kinds)| kinds.hidden) {
        return None;
    }
    let mut either = Vec::new();
    for (field, kinds) in &schema.programs {
        if kinds.term {
            either.extend(programs.iter().map(|program| match program.starts_with('/') {
                true => one("wildcard", one(field, json!(format!("*{}", escaped(program))))),
                // `postfix` matches `postfix/smtpd`, and `postfix-out/qmgr` too.
                false => one("prefix", one(field, json!(program))),
            }));
            if bare_daemons {
                let daemons: Vec<&str> = programs.iter().filter_map(|program| program.strip_prefix('/')).collect();
                either.push(one("terms", one(field, json!(daemons))));
            }
        }
        if kinds.words {
            either.extend(words(programs, field));
        }
    }
    for (field, kinds) in &schema.messages {
        if kinds.words {
            either.extend(words(programs, field));
        }
        if kinds.term {
            let inside = |program: &String| one("wildcard", one(field, json!(format!("*{}*", escaped(program)))));
            either.extend(programs.iter().map(inside));
        }
    }
    if either.is_empty() {
        return None;
    }
    // A term that is too long for the index (`ignore_above`) counts as missing.
    if schema.messages.first().is_some_and(|(_, kinds)| kinds.hidden || kinds.term) {
        let all = schema.programs.iter().chain(&schema.messages);
        let unseen: Vec<Value> = all.map(|(field, _)| json!({"exists": {"field": field}})).collect();
        either.push(json!({"bool": {"must_not": unseen}}));
    }
    Some(json!({"bool": {"should": either, "minimum_should_match": 1}}))
}

/// Matches a phrase, for analyzers that split at slashes and blanks; and a prefix, for those that split only at blanks
/// and make one word of `postfix/smtpd[7]:`.
fn words(programs: &[String], field: &str) -> impl Iterator<Item = Value> {
    let phrases = programs.iter().map(move |program| one("match_phrase", one(field, json!(program))));
    let begins = programs.iter().filter(|program| !program.starts_with('/'));
    phrases.chain(begins.map(move |program| one("prefix", one(field, json!(program)))))
}

/// Puts a backslash before `*`, `?` and `\`, which have a meaning in a `wildcard` query.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '*' | '?' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// As [`counts`], with the sum of the sequence numbers in each bucket. A new document gets a number that no other of
/// its shard ever had, so a different sum means different documents. Engines keep these numbers in a form that can be
/// summed up.
pub fn prints(query: &Value, time_field: &str, bucket_ms: i64) -> Value {
    let mut body = counts(query, time_field, bucket_ms);
    body["aggs"]["buckets"]["aggs"] = json!({"print": {"sum": {"field": "_seq_no"}}});
    body
}

/// The body of a search that counts lines by time.
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

/// `{key: value}` with a computed key.
fn one(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

#[cfg(test)]
#[path = "query_tests.rs"]
pub(super) mod tests;
