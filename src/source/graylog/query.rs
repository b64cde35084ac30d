//! What Graylog is asked: the query in its language, and the bodies of its requests.
//!
//! In: settings, streams, a range.  Out: text and JSON.
//! The same bodies work from 3.3 to 7.0. `from` and `to` are sent as they are: whether `to` itself belongs to the window
//! differs between versions, and who reads the answer leaves out what lies at it.

use crate::{
    config::{Fields, GraylogSource},
    model::Range,
};
use serde_json::{Value, json};

/// Milliseconds of 15 minutes: all time zones are whole multiples of it apart, so that buckets of a divisor of it are
/// cut at the same places whatever zone the server thinks in.
pub const ZONES_MS: i64 = 900_000;

/// What matches everything where a query must not be empty.
pub const ALL: &str = "*";

/// Lines of the programs asked for, by their own field where a document has one, else by the words of the message; and
/// the extra query. `None` asks for every line. Never begins with a wildcard: Graylog refuses that, and rightly.
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
    // One expression for all of them: some versions are asked in a GET, and headers have a limit.
    let ends: Vec<String> = ends.into_iter().map(strip).collect();
    let mut either: Vec<String> = Vec::new();
    for name in &names {
        // `postfix` stands for `postfix/smtpd` and for `postfix-out/qmgr` too.
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

/// What Lucene's query language would take for its own stands behind a backslash.
fn escaped(text: &str) -> String {
    let special = |c: char| c.is_whitespace() || "+-=&|><!(){}[]^\"~*?:\\/".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Whether what a server says of a failure is that it does not understand the query: the words of Elasticsearch 6 and 7,
/// and those of OpenSearch.
pub fn is_not_understood(told: &str) -> bool {
    told.contains("Failed to parse query") || told.contains("parse_exception")
}

/// The unit in which buckets of `bucket_ms` are counted, milliseconds: the largest that fits them in every time zone.
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

/// The number of lines of a bucket.
pub const COUNT: &str = "count()";

/// The size that Graylog notes of each message, bytes.
pub const SIZE: &str = "gl2_accounted_message_size";

/// Two figures of the sizes. Those of parts add up to that of the whole, and others than before tell other lines, be they
/// as many.
pub const PRINTS: [(&str, &str); 2] =
    [("sum", "sum(gl2_accounted_message_size)"), ("sumofsquares", "sumofsquares(gl2_accounted_message_size)")];

/// Counts by time: a search with one pivot. `id`: 24 hex digits.
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

/// The export of messages. `zone`: the version knows the key; without it stamps come in the zone of the user.
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
        // `*` is refused by newer versions, and nothing matches everything.
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

/// The columns of an export: the time, and each field that a part of a line may stand in, once.
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
