//! Laws that hold of any answer of a search server or of Graylog.
//!
//! In: bytes in place of an answer.  Out: nothing, or a panic if a law is broken: nothing is counted that was not
//! asked for, no more lines come out than were sent, no failure counts as success, and no error is longer than a
//! screen.

use crate::{
    config::preset::Preset,
    error::Error,
    model::{Intake, Range, Time, Transaction},
    net::{
        elastic::{self, Engine, search::Found},
        http::Answer,
    },
    source::{
        elasticsearch::{counted, document, query::Schema},
        graylog::{self, export::Places, pivot, rows::Rows},
        taking::Taking,
    },
    store::elasticsearch::{
        ours::State,
        template,
        verdict::{Verdict, verdict},
    },
};
use serde_json::Value;

/// 2026-11-22, 20:00:00 to 20:10:30 UTC.
const ASKED: Range = Range { from: Time(1_795_377_600_000), to: Time(1_795_378_230_000) };
const MINUTE_MS: i64 = 60_000;

/// Longest error, in characters.
const TOLD: usize = 2000;

/// An answer of a search engine: a page, counts, a bulk, an index, a version, an error.
pub fn engine(body: &[u8]) {
    error(body, elastic::explain);
    if let Ok(found) = serde_json::from_slice::<Found>(body) {
        page(&found, body.len());
    }
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return };
    for item in json.get("items").and_then(Value::as_array).into_iter().flatten() {
        bulk_item(item);
    }
    let _ = Engine::from_root(&json).map(|engine| engine.to_string());
    let _ = Schema::from_caps(&json, &Preset::Graylog.fields());
    for (name, index) in json.as_object().into_iter().flatten() {
        let state = State::of(name, index, "mail", &template::mapping());
        assert!(state.fields_told().len() <= TOLD, "{state:?}");
    }
}

fn page(found: &Found, bytes: usize) {
    assert!(found.hits.hits.len() <= bytes / 2, "more hits than bytes");
    let _ = found.trouble().map(|cause| assert!(cause.len() <= TOLD, "{cause}"));
    if let Ok(counts) = counted::counted(found, ASKED, MINUTE_MS) {
        assert_eq!(Some(counts.values().map(|held| held.lines).sum::<u64>()), found.total(), "counts and their total");
        for (start, count) in counts {
            let asked = start.plus(MINUTE_MS) > ASKED.from && start < ASKED.to && start.0 % MINUTE_MS == 0;
            assert!(asked && count.lines > 0, "{count:?} at {start}");
        }
    }
    let (mut taking, mut intake) = (Taking::new(ASKED), Intake::default());
    for hit in &found.hits.hits {
        assert!(hit.sort().is_array());
        let Some(source) = &hit.source else { continue };
        let _ = serde_json::from_str::<Transaction>(source.get());
        let line = document::line(source.get(), &Preset::Graylog.fields(), &mut intake);
        assert!(taking.take(line).is_ok(), "lines of {bytes} bytes are too long");
    }
    taken(taking, found.hits.hits.len());
}

fn taken(taking: Taking, sent: usize) {
    if let Ok(batch) = taking.finish() {
        assert!(batch.lines.len() + batch.noise.len() <= sent, "more lines than were sent");
        assert!(batch.lines.iter().all(|line| ASKED.contains(line.time)), "a line that was not asked for");
    }
}

fn bulk_item(item: &Value) {
    let inner = item.as_object().and_then(|item| item.iter().next());
    let status = inner.and_then(|(_, result)| result.get("status")?.as_u64());
    if verdict(item) == Verdict::Stored {
        let deleted = inner.is_some_and(|(operation, _)| operation == "delete");
        assert!(matches!(status, Some(200 | 201)) || (deleted && status == Some(404)), "{item} was not stored");
    }
}

/// A document of an index, read with each of these presets, is a line or noise of at most four times its length.
pub fn document(source: &str) {
    for preset in [Preset::Graylog, Preset::Ecs, Preset::Logstash, Preset::Rsyslog] {
        match document::line(source, &preset.fields(), &mut Intake::default()) {
            Ok(line) => super::text(&line.program, &line.text),
            Err(noise) => assert!(noise.text.len() <= source.len() * 4),
        }
    }
}

/// Explains the body as an answer with each status that has an error text of its own.
fn error(body: &[u8], explain: fn(&Answer, &str) -> Error) {
    for status in [200, 302, 400, 401, 403, 404, 429, 503] {
        let base = "http://search.example.org".to_owned();
        let answer = Answer { status, date: None, content_type: None, body: body.to_vec(), base, explain };
        let told = answer.failure("cannot ask");
        assert!(told.to_string().chars().count() <= TOLD, "{told}");
    }
}

/// An answer of Graylog: rows, a pivot, an error.
pub fn graylog(body: &[u8]) {
    error(body, graylog::server::explain);
    let whole = rows(body, body.len().max(1));
    assert_eq!(whole, rows(body, 7), "rows depend on how they come");
    let Ok(answer) = serde_json::from_slice::<pivot::Answer>(body) else { return };
    if let Ok(counted) = answer.counted(ASKED, MINUTE_MS) {
        assert!(counted.buckets.values().map(|held| held.lines).sum::<u64>() <= counted.total, "{counted:?}");
        for start in counted.buckets.keys() {
            let near = ASKED.from.plus(-2 * 60 * MINUTE_MS) < *start && *start < ASKED.to;
            assert!(near && start.0 % MINUTE_MS == 0, "{start} was not asked for");
        }
    }
}

/// Counts the rows and lines of a body that arrives in pieces of `step` bytes.
fn rows(body: &[u8], step: usize) -> Result<(u64, usize), String> {
    let fields = Preset::Graylog.fields();
    let columns = graylog::query::columns(&fields);
    let places = Places::of(&fields, &columns);
    let (mut rows, mut intake, mut taking) = (Rows::new(columns), Intake::default(), Taking::new(ASKED));
    for piece in body.chunks(step) {
        rows.push(piece, |row| taking.take(places.line(row, &mut intake)))?;
    }
    let count = rows.finish()?;
    let ends = body.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(count as usize <= ends, "more rows than ends of lines");
    let lines = taking.finish().map_or(0, |batch| {
        assert!((batch.lines.len() + batch.noise.len()) as u64 <= count, "more lines than rows");
        batch.lines.len()
    });
    Ok((count, lines))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_servers_say_keeps_the_laws() {
        let page = r#"{"timed_out":false,"_shards":{"total":1,"successful":1,"failed":0},"hits":{"total":{"value":2,"relation":"eq"},
            "hits":[{"_id":"a","_source":{"timestamp":"2026-11-22 20:01:00.000","source":"mx1","message":"mx1 postfix/qmgr[7]: 4F1A2B3C4D: removed"},"sort":[1]}]},
            "aggregations":{"buckets":{"buckets":[{"key":1795377660000,"doc_count":2}]}}}"#;
        super::engine(page.as_bytes());
        super::engine(br#"{"errors":true,"items":[{"create":{"status":201}},{"delete":{"status":404}},{"index":{"status":404}}]}"#);
        super::graylog(b"\"timestamp\",\"source\",\"message\",\"application_name\",\"process_id\"\n\"2026-11-22T20:01:00.000Z\",\"mx1\",\"4F1A2B3C4D: removed\",\"postfix/qmgr\",\"7\"\n");
    }
}
