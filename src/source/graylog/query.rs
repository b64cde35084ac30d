//! Builds the requests to Graylog: the query in its language, and the bodies.
//!
//! In: settings, streams, a range.  Out: text and JSON.
//! The same bodies work from 3.3 to 7.0. `from` and `to` are sent as they are. Whether the window includes `to` differs
//! between versions: whoever reads the answer leaves out what is at `to`.

use crate::{
    config::{Fields, GraylogSource},
    model::Range,
};
use serde_json::{Value, json};

/// 15 minutes in milliseconds. All time zones differ by multiples of it, so buckets whose length divides it have the
/// same boundaries in every zone that a server may use.
pub const ZONES_MS: i64 = 900_000;

/// Matches everything, for requests in which the query must not be empty.
pub const ALL: &str = "*";

/// The query for lines of the programs asked for, by the program's field if a document has one, else by the words of
/// the message; and the extra query. `None` asks for every line. It never begins with a wildcard, which Graylog
/// refuses.
pub fn text(settings: &GraylogSource) -> Option<String> {
    let programs = (!settings.programs.is_empty()).then(|| programs(settings));
    match (programs, &settings.query) {
        (Some(programs), Some(query)) => Some(format!("({programs}) AND ({query})")),
        (programs, query) => programs.or_else(|| query.clone()),
    }
}

fn programs(settings: &GraylogSource) -> String {
    let GraylogSource { programs, fields, bare_daemons, .. } = settings;
    let before = if *bare_daemons { "(.*\\/)?" } else { ".*" };
    let strip = |end: &String| match bare_daemons {
        true => escaped(end.trim_start_matches('/')),
        false => escaped(end),
    };
    let names: Vec<&str> = Fields::alternatives(&fields.program).collect();
    let (ends, beginnings): (Vec<&String>, Vec<&String>) = programs.iter().partition(|p| p.starts_with('/'));
    // One expression for all keeps the query short: some versions are asked by GET, and headers have a limit.
    let ends: Vec<String> = ends.into_iter().map(strip).collect();
    let mut either: Vec<String> = Vec::new();
    for name in &names {
        // `postfix` matches `postfix/smtpd`, and `postfix-out/qmgr` too.
        either.extend(beginnings.iter().map(|program| format!("{name}:{}*", escaped(program))));
        if !ends.is_empty() {
            either.push(format!("{name}:/{before}({})/", ends.join("|")));
        }
    }
    let absent: Vec<String> = names.iter().map(|name| format!("NOT _exists_:{name}")).collect();
    let words = programs.iter().map(|program| format!("\"{}\"", program.replace('\\', r"\\").replace('"', "\\\"")));
    let words = words.collect::<Vec<_>>().join(" OR ");
    for message in Fields::alternatives(&fields.message) {
        either.push(format!("({} AND {message}:({words}))", absent.join(" AND ")));
    }
    either.join(" OR ")
}

/// Puts a backslash before everything that has a meaning in Lucene's query language.
fn escaped(text: &str) -> String {
    let special = |c: char| c.is_whitespace() || "+-=&|><!(){}[]^\"~*?:\\/".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Whether an error message says that the query is not understood, in the words of Elasticsearch 6 and 7, or of
/// OpenSearch.
pub fn is_not_understood(told: &str) -> bool {
    told.contains("Failed to parse query") || told.contains("parse_exception")
}

/// The unit in which buckets of `bucket_ms` are counted, milliseconds: the largest that divides them and [`ZONES_MS`].
pub fn unit_ms(bucket_ms: i64) -> i64 {
    let (mut a, mut b) = (bucket_ms.max(1000), ZONES_MS);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `15m` for 900,000 ms.
fn time_unit(ms: i64) -> String {
    match ms {
        ms if ms % 86_400_000 == 0 => format!("{}d", ms / 86_400_000),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms => format!("{}s", ms / 1000),
    }
}

fn time_range(within: Range) -> Value {
    json!({"type": "absolute", "from": within.from.to_string(), "to": within.to.to_string()})
}

/// The series with the number of lines in a bucket.
pub const COUNT: &str = "count()";

/// The field with the size that Graylog records for each message, bytes.
pub const SIZE: &str = "gl2_accounted_message_size";

/// The series of a print: the sum of the sizes, and the sum of their squares. Both add up over parts, and they change
/// when the lines do, even if their number does not.
pub const PRINTS: [(&str, &str); 2] =
    [("sum", "sum(gl2_accounted_message_size)"), ("sumofsquares", "sumofsquares(gl2_accounted_message_size)")];

/// A search that counts lines by time, with one pivot. `id`: 24 hex digits.
pub fn counts(
    id: &str,
    query: Option<&str>,
    streams: &[String],
    within: Range,
    unit_ms: i64,
    with_prints: bool,
) -> Value {
    let mut series = vec![json!({"type": "count", "id": COUNT, "field": null})];
    let prints = PRINTS.iter().filter(|_| with_prints);
    series.extend(prints.map(|(kind, id)| json!({"type": kind, "id": id, "field": SIZE})));
    let streams: Vec<Value> = streams.iter().map(|id| json!({"type": "stream", "id": id})).collect();
    json!({
        "id": id,
        "parameters": [],
        "queries": [{
            "id": "q1",
            "timerange": time_range(within),
            "query": {"type": "elasticsearch", "query_string": query.unwrap_or(ALL)},
            "filter": {"type": "or", "filters": streams},
            "search_types": [{
                "type": "pivot",
                "id": "p1",
                "name": "chart",
                "series": series,
                "row_groups": [{
                    "type": "time",
                    "field": "timestamp",
                    "interval": {"type": "timeunit", "timeunit": time_unit(unit_ms)},
                }],
                "column_groups": [],
                // Without it 3.3 leaves out the counts.
                "rollup": true,
                "sort": [],
            }],
        }],
    })
}

/// The export of messages. `zone`: the version takes `time_zone`; without it stamps come in the user's zone.
pub fn export(
    settings: &GraylogSource,
    query: Option<&str>,
    streams: &[String],
    columns: &[String],
    within: Range,
    zone: bool,
) -> Value {
    let mut body = json!({
        "timerange": time_range(within),
        // Newer versions refuse `*`; an empty query matches everything.
        "query_string": {"type": "elasticsearch", "query_string": query.unwrap_or_default()},
        "streams": streams,
        "fields_in_order": columns,
        "chunk_size": settings.page_size,
    });
    if zone {
        body["time_zone"] = json!("UTC");
    }
    body
}

/// The columns of an export: the time, and once each field that may hold a part of a line.
pub fn columns(fields: &Fields) -> Vec<String> {
    let names = [&fields.host, &fields.message, &fields.program, &fields.pid];
    let mut columns = vec![fields.time.clone()];
    for name in names.into_iter().flat_map(|names| Fields::alternatives(names)) {
        if !columns.iter().any(|column| column == name) {
            columns.push(name.to_owned());
        }
    }
    columns
}
