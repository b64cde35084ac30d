//! However program and message are mapped, the lines of an index are those of the file.
//!
//! One log of 5,000 lines in two forms (the whole line as message, or its parts in fields), in an index for each
//! mapping. Types that an engine lacks are known by its refusal, and listed here.

use crate::{
    common::{RawLine, fiveday},
    servers::{Engine, unique_name},
};
use mailstitch::{
    config::{ElasticsearchSource, preset::Preset},
    model::{Intake, Line, Range, Time},
    program::{self, Family, PROGRAMS},
    source::{CountingSource, PositionedSource, elasticsearch::Elasticsearch, file::FileSource},
};
use serde_json::{Value, json};
use std::sync::OnceLock;

const LINES: usize = 5000;
const DAY: i64 = 86_400_000;

/// Types and analyzers that the plain jars of Elasticsearch lack: they are in plugins of its distribution.
const ABSENT: [&str; 4] = ["wildcard", "constant_keyword", "match_only_text", "analyzer [english]"];

fn log() -> &'static [RawLine] {
    static LOG: OnceLock<Vec<RawLine>> = OnceLock::new();
    LOG.get_or_init(|| fiveday::five_days(LINES, 11).lines)
}

/// Lines of mail servers and their neighbours, sorted; lines of other programs may or may not be requested, so they
/// are left out.
fn ours(lines: Vec<Line>) -> Vec<Line> {
    let mut lines: Vec<Line> =
        lines.into_iter().filter(|line| program::family(&line.program) != Family::Foreign).collect();
    lines.sort_by_key(|line| (line.time, line.id));
    lines
}

/// The lines that the file source makes of the log.
async fn of_the_file() -> Vec<Line> {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("mail.log");
    let text: String = log().iter().map(|line| line.iso() + "\n").collect();
    std::fs::write(&path, text).expect("a log");
    let settings = mailstitch::config::FileSource {
        paths: vec![path.to_string_lossy().into_owned()],
        timezone: chrono_tz::UTC,
        year: None,
    };
    let mut source = FileSource::new(&settings, Intake::default(), fiveday::END, None).expect("a source");
    let mut lines = Vec::new();
    while let Some(batch) = source.next(100_000).await.expect("lines") {
        lines.extend(batch.lines);
    }
    ours(lines)
}

async fn of_the_index(engine: &Engine, index: &str) -> Vec<Line> {
    let settings = ElasticsearchSource {
        connection: engine.connection(),
        index: index.to_owned(),
        fields: Preset::Auto.fields(),
        programs: PROGRAMS.iter().map(|program| (*program).to_owned()).collect(),
        bare_daemons: false,
        query: None,
        page_size: 5000,
        slices: None,
        timezone: chrono_tz::UTC,
    };
    let source = Elasticsearch::new(settings, Intake::default()).expect("a source");
    let whole = Range { from: Time(fiveday::START.0 - DAY), to: Time(fiveday::END.0 + DAY) };
    let counted: u64 = source.counts(whole, 3_600_000).await.expect("counts").values().sum();
    let batch = source.read(whole).await.expect("lines");
    assert_eq!(batch.noise, Vec::<String>::new(), "{index}");
    assert_eq!(counted, batch.lines.len() as u64, "{index}: counting and reading ask for the same");
    ours(batch.lines)
}

fn raw(line: &RawLine) -> Value {
    json!({ "@timestamp": line.time.to_string(), "message": line.rfc3164(), "host": "collector" })
}

fn parsed(line: &RawLine) -> Value {
    let mut document = json!({ "@timestamp": line.time.to_string(), "message": line.text, "host": line.host,
        "program": line.program });
    if let Some(pid) = line.pid {
        document["pid"] = pid.to_string().into();
    }
    document
}

/// Creates an index with this mapping; `false` if the engine lacks a type.
fn create(engine: &Engine, index: &str, mappings: &Value) -> bool {
    let body = json!({ "settings": { "number_of_shards": 1, "number_of_replicas": 0 }, "mappings": mappings });
    let (status, answer) = engine.answer("PUT", &format!("/{index}"), body);
    if status == 200 {
        return true;
    }
    let told = answer.to_string();
    let known = engine.name().starts_with("elasticsearch") && ABSENT.iter().any(|kind| told.contains(kind));
    let is_refused = ["does not exist", "has not been configured"].iter().any(|words| told.contains(words));
    assert!(known && is_refused, "{} has no {mappings}: {told}", engine.name());
    false
}

type Form = fn(&RawLine) -> Value;

fn fill(engine: &Engine, index: &str, form: Form, keep: impl Fn(&RawLine) -> bool) {
    engine.index(index, log().iter().filter(|line| keep(line)).map(|line| (None, form(line))));
}

fn properties(fields: &[(&str, Value)]) -> Value {
    let mut properties = json!({ "@timestamp": { "type": "date" } });
    for (name, mapping) in fields {
        properties[name] = mapping.clone();
    }
    json!({ "dynamic": false, "properties": properties })
}

async fn check(engine: &Engine) {
    let expected = of_the_file().await;
    assert!(expected.len() > LINES * 9 / 10, "{}", expected.len());
    let stem = unique_name("map");
    let [whole, parts]: [Form; 2] = [raw, parsed];
    let keyword = || json!({ "type": "keyword" });
    let text = || json!({ "type": "text" });
    let both = || json!({ "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 256 } } });
    let of = |kind: &str| json!({ "type": kind });
    let unindexed = |kind: &str| match kind {
        "keyword" => json!({ "type": "keyword", "index": false, "doc_values": false }),
        kind => json!({ "type": kind, "index": false }),
    };
    let cases: Vec<(&str, Form, Value)> = vec![
        ("message-text", whole, properties(&[("message", text())])),
        ("message-both", whole, properties(&[("message", both())])),
        ("message-keyword", whole, properties(&[("message", keyword())])),
        ("message-cut", whole, properties(&[("message", json!({ "type": "keyword", "ignore_above": 90 }))])),
        ("message-wildcard", whole, properties(&[("message", of("wildcard"))])),
        ("message-match-only", whole, properties(&[("message", of("match_only_text"))])),
        ("message-blanks", whole, properties(&[("message", json!({ "type": "text", "analyzer": "whitespace" }))])),
        ("message-english", whole, properties(&[("message", json!({ "type": "text", "analyzer": "english" }))])),
        ("message-unindexed", whole, properties(&[("message", unindexed("text"))])),
        ("message-kept-alone", whole, properties(&[("message", unindexed("keyword"))])),
        ("program-keyword", parts, properties(&[("message", text()), ("program", keyword())])),
        ("program-text", parts, properties(&[("message", text()), ("program", text())])),
        ("program-both", parts, properties(&[("message", text()), ("program", both())])),
        ("program-wildcard", parts, properties(&[("message", of("match_only_text")), ("program", of("wildcard"))])),
        ("program-unindexed", parts, properties(&[("message", text()), ("program", unindexed("keyword"))])),
        (
            "program-long-message",
            parts,
            properties(&[("message", json!({ "type": "keyword", "ignore_above": 30 })), ("program", keyword())]),
        ),
        ("nothing-indexed", parts, properties(&[("message", unindexed("text")), ("program", unindexed("keyword"))])),
        (
            "program-beside-unindexed-message",
            parts,
            properties(&[("message", unindexed("text")), ("program", keyword())]),
        ),
    ];
    let mut wrong = Vec::new();
    for (name, form, mappings) in cases {
        let index = format!("{stem}-{name}");
        if !create(engine, &index, &mappings) {
            continue;
        }
        fill(engine, &index, form, |_| true);
        let found = of_the_index(engine, &index).await;
        if found != expected {
            wrong.push(format!("{name}: {} of {} lines", found.len(), expected.len()));
        }
        engine.request("DELETE", &format!("/{index}"), Value::Null);
    }

    // One index per day, mapped differently from day to day, read by a pattern and by an alias.
    let days: Vec<i64> = (0..6).collect();
    for day in &days {
        let index = format!("{stem}-daily-2026.10.{:02}", day + 1);
        let program = if day % 2 == 0 { keyword() } else { text() };
        assert!(create(engine, &index, &properties(&[("message", text()), ("program", program)])));
        let is_of_day = |line: &RawLine| ((line.time.0 - fiveday::START.0) / DAY).clamp(0, 5) == *day;
        fill(engine, &index, parts, is_of_day);
        engine.request("PUT", &format!("/{index}/_alias/{stem}-alias"), Value::Null);
    }
    for index in [format!("{stem}-daily-*"), format!("{stem}-alias")] {
        let found = of_the_index(engine, &index).await;
        if found != expected {
            wrong.push(format!("{index}: {} of {} lines", found.len(), expected.len()));
        }
    }

    // A field with a single value in each index: one index per program.
    let mut programs: Vec<&str> = log().iter().map(|line| line.program.as_str()).collect();
    programs.sort_unstable();
    programs.dedup();
    for (n, program) in programs.iter().enumerate() {
        let index = format!("{stem}-constant-{n}");
        let constant = json!({ "type": "constant_keyword", "value": program });
        if !create(engine, &index, &properties(&[("message", text()), ("program", constant)])) {
            break;
        }
        fill(engine, &index, parts, |line| line.program == *program);
        if n + 1 == programs.len() {
            let found = of_the_index(engine, &format!("{stem}-constant-*")).await;
            if found != expected {
                wrong.push(format!("constant_keyword: {} of {} lines", found.len(), expected.len()));
            }
        }
    }

    // A data stream, by its own name.
    let stream = format!("{stem}-stream");
    let template = json!({ "index_patterns": [stream], "data_stream": {}, "priority": 500, "template": {
        "settings": { "number_of_replicas": 0 },
        "mappings": properties(&[("message", text()), ("program", keyword())]) } });
    let (status, answer) = engine.answer("PUT", &format!("/_index_template/{stream}"), template);
    if status == 200 && engine.name().starts_with("opensearch") {
        fill(engine, &stream, parts, |_| true);
        let found = of_the_index(engine, &stream).await;
        if found != expected {
            wrong.push(format!("data stream: {} of {} lines", found.len(), expected.len()));
        }
        engine.request("DELETE", &format!("/_data_stream/{stream}"), Value::Null);
    } else {
        // Data streams of Elasticsearch are a module that the plain server lacks.
        assert!(engine.name().starts_with("elasticsearch"), "{status} {answer}");
    }

    // `_source` synthesised from the fields.
    if engine.name().starts_with("elasticsearch-8") {
        let index = format!("{stem}-synthetic");
        let mut mappings =
            properties(&[("message", keyword()), ("program", keyword()), ("host", keyword()), ("pid", keyword())]);
        mappings["_source"] = json!({ "mode": "synthetic" });
        assert!(create(engine, &index, &mappings));
        fill(engine, &index, parts, |_| true);
        let found = of_the_index(engine, &index).await;
        if found != expected {
            wrong.push(format!("synthetic _source: {} of {} lines", found.len(), expected.len()));
        }
    }
    assert!(wrong.is_empty(), "{}: {}", engine.name(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_has_the_lines_of_the_file_whatever_the_mapping() {
    check(Engine::opensearch()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elasticsearch_has_the_lines_of_the_file_whatever_the_mapping() {
    check(Engine::elasticsearch()).await;
}
