//! Monthly indices that went back in time (law L8): the next run says so and reads them again.

use crate::{installation::Installation, servers::Engine};
use serde_json::Value;

/// An installation that has read everything, and the names of its monthly indices.
fn done(engine: &Engine) -> (Installation, Vec<String>) {
    let installation = Installation::on(engine);
    installation.run(0);
    assert_eq!(installation.run(0), "", "nothing is missing");
    let months = engine.request("GET", &format!("/{}-*", installation.alias), Value::Null);
    let months: Vec<String> = months.as_object().expect("indices").keys().cloned().collect();
    assert_eq!(months.len(), 2, "{months:?}");
    (installation, months)
}

#[track_caller]
fn check_told_once_and_healed(engine: &Engine, installation: &Installation, told: &str) {
    let said = installation.run(0);
    assert!(said.contains(told) && said.contains("; reading again from "), "{said}");
    installation.check_documents(engine, told);
    assert_eq!(installation.run(0), "");
}

#[test]
fn a_month_that_was_deleted_is_missed_and_read_again() {
    for engine in [Engine::opensearch(), Engine::elasticsearch()] {
        let (installation, months) = done(engine);
        for month in months {
            engine.request("DELETE", &format!("/{month}"), Value::Null);
            let told = format!("the store has nothing of what was written to `{month}`: it was removed");
            check_told_once_and_healed(engine, &installation, &told);
        }
    }
}

#[test]
fn a_month_that_others_made_anew_meanwhile_is_missed_too() {
    let engine = Engine::opensearch();
    let (installation, months) = done(engine);
    engine.request("DELETE", &format!("/{}", months[0]), Value::Null);
    engine.request("PUT", &format!("/{}", months[0]), Value::Null);
    let told = format!("the store has nothing of what was written to `{}`", months[0]);
    check_told_once_and_healed(engine, &installation, &told);
}

#[test]
fn a_month_that_was_emptied_is_missed_too() {
    let engine = Engine::opensearch();
    let (installation, months) = done(engine);
    // Deletion by query deletes what a search finds, and the run that leaves a mark does not make it visible to
    // searches.
    engine.request("POST", &format!("/{}/_refresh", months[0]), Value::Null);
    let all = serde_json::json!({"query": {"match_all": {}}});
    engine.request("POST", &format!("/{}/_delete_by_query?refresh=true", months[0]), all);
    check_told_once_and_healed(engine, &installation, "the store has nothing of what was written to `");
}

#[test]
fn a_retention_that_drops_old_months_is_no_loss() {
    let engine = Engine::opensearch();
    let (installation, months) = done(engine);
    engine.request("DELETE", &format!("/{}", months[0]), Value::Null);
    assert_eq!(installation.at("2026-11-16T00:00:00Z", &["run"]).stderr, "");
    engine.request("DELETE", &format!("/{}", months[1]), Value::Null);
    let told = installation.at("2026-11-16T00:15:00Z", &["run"]).stderr;
    assert!(told.contains(&format!("written to `{}`", months[1])), "{told}");
}
