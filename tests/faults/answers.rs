//! Answers that refuse, postpone, or are incomplete.

use crate::{
    installation::{Installation, check_healed, check_survived},
    servers::{Asked, Deed, Engine},
};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Gives this answer to the first request of each method and path.
fn first_of_each(installation: &Installation, mut answer: impl FnMut() -> Deed + Send + 'static) {
    let mut met = HashSet::new();
    installation.proxy.rule(move |asked: &Asked| {
        let sort = format!("{} {}", asked.method, asked.path.split('?').next().unwrap_or_default());
        if met.insert(sort) { answer() } else { Deed::Pass }
    });
}

/// Answers of a busy server, of a proxy before it, and of an engine short of memory, in turn.
fn check_busy(engine: &Engine) {
    const BREAKER: &str =
        r#"{"error":{"type":"circuit_breaking_exception","reason":"[parent] Data too large"},"status":429}"#;
    let answers = [(429, ""), (503, "<html>down for maintenance</html>"), (502, ""), (429, BREAKER)];
    let installation = Installation::on(engine);
    let mut turns = answers.into_iter().cycle();
    first_of_each(&installation, move || {
        let (status, body) = turns.next().expect("a cycle");
        Deed::Answer(status, "retry-after: 0\r\n", body.to_owned())
    });
    check_survived(engine, &installation, "a server that is busy");
}

#[test]
fn whatever_is_answered_with_not_now_is_asked_again() {
    check_busy(Engine::opensearch());
}

#[test]
fn an_elasticsearch_that_is_busy_is_asked_again() {
    check_busy(Engine::elasticsearch());
}

#[test]
fn a_store_that_stays_busy_leaves_its_stretch_to_the_next_run() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    let mut bulks = 0;
    installation.proxy.rule(move |asked| {
        bulks += usize::from(asked.is_bulk());
        // Only after some documents were written.
        if asked.is_bulk() && bulks > 3 { Deed::Answer(503, "retry-after: 0\r\n", String::new()) } else { Deed::Pass }
    });
    check_healed(engine, &installation, ": status 503\n");
}

#[test]
fn a_bulk_that_is_too_large_is_sent_in_halves() {
    let engine = Engine::opensearch();
    let installation = Installation::with(engine, "60s", 1_000_000);
    installation.proxy.rule(|asked| match asked.is_bulk() && asked.body.len() > 40_000 {
        true => Deed::Answer(413, "", String::new()),
        false => Deed::Pass,
    });
    installation.run(0);
    let bulks = installation.proxy.take_asked().into_iter().filter(Asked::is_bulk).map(|asked| asked.body.len());
    let (refused, taken): (Vec<_>, Vec<_>) = bulks.partition(|bytes| *bytes > 40_000);
    assert!(!refused.is_empty() && taken.len() > refused.len(), "{refused:?} {taken:?}");
    installation.check_documents(engine, "413");
}

/// Pretends that the first document of a bulk was refused for now.
fn one_item_refused(answer: &mut Value) {
    if let Some(item) = answer.pointer_mut("/items/0").and_then(Value::as_object_mut) {
        let busy = json!({ "type": "es_rejected_execution_exception", "reason": "rejected execution" });
        item.values_mut().for_each(|result| *result = json!({ "status": 429, "error": busy }));
    }
}

#[test]
fn a_document_that_a_bulk_did_not_take_is_sent_again_alone() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    let mut bulks = 0;
    installation.proxy.rule(move |asked| {
        bulks += usize::from(asked.is_bulk());
        if asked.is_bulk() && bulks == 1 { Deed::Change(one_item_refused) } else { Deed::Pass }
    });
    installation.run(0);
    let again = installation.proxy.take_asked().into_iter().filter(Asked::is_bulk).nth(1).expect("a second bulk");
    assert_eq!(again.body.lines().count(), 2, "one action and one document");
    assert_eq!(installation.retries(), 1);
    installation.check_documents(engine, "a bulk that failed in part");
}

fn shard_failed(answer: &mut Value) {
    answer["_shards"]["failed"] = json!(1);
    answer["_shards"]["failures"] = json!([{ "shard": 0, "reason": { "type": "x", "reason": "the disk is gone" } }]);
}

fn timed_out(answer: &mut Value) {
    answer["timed_out"] = json!(true);
}

#[test]
fn a_short_answer_is_asked_for_again() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    let mut met = HashSet::new();
    installation.proxy.rule(move |asked| {
        // The first counting and the first reading search of source and of store.
        let sort = (asked.path.clone(), asked.body.contains("aggs"));
        match asked.is_search() && met.insert(sort) {
            true if met.len() % 2 == 0 => Deed::Change(shard_failed),
            true => Deed::Change(timed_out),
            false => Deed::Pass,
        }
    });
    check_survived(engine, &installation, "short answers");
    assert!(installation.retries() > 3);
}

#[test]
fn an_answer_that_stays_short_marks_nothing_as_read() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    let mut searches = 0;
    installation.proxy.rule(move |asked| {
        searches += usize::from(asked.is_search());
        if asked.is_search() && searches > 4 { Deed::Change(shard_failed) } else { Deed::Pass }
    });
    check_healed(engine, &installation, "shards failed: the disk is gone\n");
}

#[test]
fn a_walk_that_the_server_forgot_is_left_to_the_next_run() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    const GONE: &str = r#"{"error":{"root_cause":[{"type":"search_context_missing_exception","reason":"No search context found for id [7]"}],"type":"search_phase_execution_exception","reason":"all shards failed"},"status":404}"#;
    installation.proxy.rule(|asked| match asked.body.contains("search_after") || asked.path.contains("/scroll") {
        true => Deed::Answer(404, "content-type: application/json\r\n", GONE.to_owned()),
        false => Deed::Pass,
    });
    check_healed(engine, &installation, "No search context found");
}

/// The server forgets a walk before its second page; `end` is the request that makes it forget.
fn check_forgotten(engine: &'static Engine, end: (&'static str, fn(&str) -> Value)) {
    let installation = Installation::on(engine);
    let mut forgotten = false;
    installation.proxy.rule(move |asked| {
        if asked.body.contains("search_after") && !std::mem::replace(&mut forgotten, true) {
            let page: Value = serde_json::from_str(&asked.body).expect("JSON");
            engine.request("DELETE", end.0, end.1(page["pit"]["id"].as_str().expect("a point in time")));
        }
        Deed::Pass
    });
    check_survived(engine, &installation, "a point in time that expired");
}

#[test]
fn a_point_in_time_that_expired_in_the_middle_is_opened_anew() {
    check_forgotten(Engine::opensearch(), ("/_search/point_in_time", |id| json!({ "pit_id": [id] })));
}

#[test]
fn a_point_in_time_of_elasticsearch_that_expired_in_the_middle_is_opened_anew() {
    check_forgotten(Engine::elasticsearch(), ("/_pit", |id| json!({ "id": id })));
}

#[test]
fn a_walk_that_brings_fewer_lines_than_were_counted_marks_nothing_as_read() {
    fn one_less(answer: &mut Value) {
        answer["hits"]["hits"].as_array_mut().map(Vec::pop);
    }
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    installation.proxy.rule(|asked| match asked.is_search() && asked.body.contains("\"sort\"") {
        true => Deed::Change(one_less),
        false => Deed::Pass,
    });
    check_healed(engine, &installation, " documents came where the engine counted ");
}

#[test]
fn a_month_that_cannot_be_written_is_told_and_the_other_months_are_written() {
    let engine = Engine::opensearch();
    let installation = Installation::on(engine);
    let month = format!("/{}-2026.11", installation.alias);
    // Installs the template; no lines are that old.
    installation.command(&["backfill", "--since", "2026-01-01", "--until", "2026-01-02"]);
    engine.request("PUT", &month, Value::Null);
    let block = |on: Value| {
        engine.request("PUT", &format!("{month}/_settings"), json!({ "index.blocks.read_only_allow_delete": on }));
    };
    block(json!(true));
    let told = installation.run(75);
    assert!(told.contains("read-only") && told.contains("hint: the cluster's disks are nearly full"), "{told}");
    engine.request("POST", &format!("/{}-*/_refresh", installation.alias), Value::Null);
    let written = engine.request("GET", &format!("/{}-2026.10/_count", installation.alias), Value::Null);
    assert_ne!(written["count"], 0, "what was sent together with what was refused");
    block(Value::Null);
    installation.run(0);
    installation.check_documents(engine, "a month that was read-only");
}
