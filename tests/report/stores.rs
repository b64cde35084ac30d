//! The report is the same from every store.

use crate::{
    common::stories::{NOW, in_index, told},
    servers::{Engine, unique_name},
};

#[test]
fn both_stores_give_the_same_report() {
    let report = |store: &str| {
        let call = ["--now", NOW, "--config", "c.toml", "report", "--since", "2026-11-01", "--json"];
        told(store).succeed(call)
    };
    let sqlite = report("[store.sqlite]\npath = \"transactions.sqlite\"");
    assert!(sqlite.len() > 50_000, "{sqlite}");
    let engine = Engine::opensearch();
    // Not `assert_eq`: two reports would fill more than a screen.
    assert!(report(&in_index(engine.url(), &unique_name("transactions"))) == sqlite);
}
