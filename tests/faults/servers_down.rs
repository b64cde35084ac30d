//! A server that is killed while a run reads from it or writes to it, and comes back; shards that no node has.

use crate::{
    installation::{Installation, all_lines},
    servers::{Asked, Deed, Engine, Shape, opensearch, unique_name},
};
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

/// A server used by these tests only.
fn own() -> MutexGuard<'static, Engine> {
    static OWN: OnceLock<Mutex<Engine>> = OnceLock::new();
    let own = OWN.get_or_init(|| Mutex::new(Engine::start(&opensearch(), &[])));
    own.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the server at the `nth` request of a kind, starts it again, and runs until everything is repaired.
fn check_restarted(engine: &mut Engine, what: &str, is_it: fn(&Asked) -> bool, nth: usize) {
    let installation = Installation::on(engine);
    let (tell, told) = mpsc::channel();
    let mut met = 0;
    installation.proxy.rule(move |asked| {
        met += usize::from(is_it(asked));
        if is_it(asked) && met == nth {
            // The test may be over.
            let _ = tell.send(());
            return Deed::CutAfter;
        }
        Deed::Pass
    });
    let run = installation.start_run(&[]);
    told.recv().expect("a request of that sort");
    engine.kill();
    engine.start_again();
    installation.proxy.lead_to(engine.url());
    let ended = run.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&ended.stderr);
    // Either the run waited long enough, or it left the work to the next one.
    assert!(matches!(ended.status.code(), Some(0 | 75)), "{said}");
    installation.run(0);
    installation.check_documents(engine, what);
}

#[test]
fn a_server_restarted_while_it_is_read_or_written_loses_nothing() {
    let mut engine = own();
    check_restarted(&mut engine, "a restart while it was read", |asked| asked.body.contains("\"sort\""), 3);
    check_restarted(&mut engine, "a restart while it was written", Asked::is_bulk, 3);
}

#[test]
fn a_circuit_breaker_that_trips_leaves_the_stretch_to_the_next_run() {
    let limit = ("network.breaker.inflight_requests.limit", json!("15kb"));
    check_limited(limit, &["Data too large", "(429)"], "a circuit breaker");
}

/// An index of two shards needs two open searches. Servers allow 300, so an index of 400 shards meets the same limit.
#[test]
fn a_limit_of_open_searches_is_told_with_the_name_of_its_setting() {
    let limit = ("search.max_open_pit_context", json!(1));
    check_limited(limit, &["cannot read from index", "[search.max_open_pit_context]"], "a limit of open searches");
}

/// A server that refuses for lack of a resource; the next run, without that limit, reads the stretch.
fn check_limited((setting, value): (&str, Value), told: &[&str], what: &str) {
    let engine = own();
    let installation = Installation::on(&engine);
    let limit = |value: Value| engine.request("PUT", "/_cluster/settings", json!({ "transient": { setting: value } }));
    limit(value);
    let said = installation.run(75);
    assert!(told.iter().all(|part| said.contains(part)), "{said}");
    limit(Value::Null);
    installation.run(0);
    installation.check_documents(&engine, what);
}

/// Makes an index whose only shard no node may have.
fn create_nowhere(engine: &Engine, index: &str) {
    let settings =
        json!({ "number_of_replicas": 0, "number_of_shards": 1, "routing.allocation.require._name": "nobody" });
    engine.request("PUT", &format!("/{index}?wait_for_active_shards=0"), json!({ "settings": settings }));
}

/// When shards are missing, an engine answers with 200 from the others.
fn check_missing(engine: &Engine) {
    let stem = unique_name("graylog");
    let [here, nowhere] = ["0", "1"].map(|n| format!("{stem}_{n}"));
    let lines = all_lines();
    let (early, late) = lines.split_at(lines.len() / 2);
    engine.load(&here, early, Shape::GraylogRfc3164);
    let installation = Installation::reading(engine, &format!("{stem}_*"), "60s", 20_000);
    create_nowhere(engine, &nowhere);
    let told = installation.run(75);
    // OpenSearch reports that no shard failed.
    assert!(told.contains(": 1 of 2 shards "), "{told}");
    installation.check_empty();
    // The missing index had no lines: replace it by one that has.
    engine.request("DELETE", &format!("/{nowhere}"), Value::Null);
    engine.load(&nowhere, late, Shape::GraylogRfc3164);
    installation.run(0);
    installation.check_documents(engine, "shards of lines that no node had");

    let month = format!("{}-2026.12", installation.alias);
    create_nowhere(engine, &month);
    for arguments in [&["export"][..], &["trace", "nobody@example.org"], &["report"]] {
        let ran = installation.command(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (75, ""), "{arguments:?}: {}", ran.stderr);
    }
    engine.request("DELETE", &format!("/{month}"), Value::Null);
    installation.check_documents(engine, "shards of transactions that no node had");
}

#[test]
fn shards_that_no_node_has_are_missed() {
    check_missing(Engine::opensearch());
}

#[test]
fn shards_that_no_node_of_elasticsearch_has_are_missed() {
    check_missing(Engine::elasticsearch());
}
