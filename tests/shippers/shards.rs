//! A pattern over more indices than an engine keeps open for one reader: only those that the window touches are read.

use crate::{
    common::Workspace,
    servers::{Engine, opensearch},
};
use serde_json::{Value, json};

/// Limit of each kind of open search; servers allow 300 and 500.
const OPEN: usize = 120;
const INDICES: usize = 150;

#[test]
fn more_indices_are_read_than_searches_may_be_open() {
    let limits = [("search.max_open_scroll_context", OPEN), ("search.max_open_pit_context", OPEN)];
    let engine = Engine::start(&opensearch(), &[]);
    for (limit, open) in limits {
        engine.request("PUT", "/_cluster/settings", json!({ "transient": { limit: open } }));
    }
    let keyword = json!({ "type": "keyword" });
    let template = json!({ "index_patterns": ["mail-*"], "template": {
        "settings": { "number_of_shards": 1, "number_of_replicas": 0 },
        "mappings": { "properties": { "@timestamp": { "type": "date" }, "message": { "type": "text" },
            "host": keyword, "program": keyword } } } });
    engine.request("PUT", "/_index_template/mail", template);
    for n in 0..INDICES {
        let (month, day) = (1 + n / 28, 1 + n % 28);
        let at = format!("2026-{month:02}-{day:02}T12:00:00Z");
        let document = json!({ "@timestamp": at, "host": "mx1", "program": "postfix/qmgr", "pid": 7,
            "message": format!("3A9C96{n:04X}: from=<a@example.org>, size=900, nrcpt=1 (queue active)") });
        engine.request("POST", &format!("/mail-2026.{month:02}.{day:02}/_doc"), document);
    }
    engine.request("POST", "/mail-*/_refresh", Value::Null);
    let workspace = Workspace::new();
    let config = format!(
        "state_dir = \"state\"\n[source.elasticsearch]\nurl = {:?}\nindex = \"mail-*\"\n[store.sqlite]\npath = \"m.sqlite\"\n",
        engine.url()
    );
    workspace.write("config.toml", config);
    let backfill = |since: &str, until: &str| {
        workspace.run([
            "-c",
            "config.toml",
            "--now",
            "2026-12-01T00:00:00Z",
            "backfill",
            "--since",
            since,
            "--until",
            until,
        ])
    };
    let exported = || workspace.succeed(["-c", "config.toml", "export"]).lines().count();
    let ran = backfill("2026-02-05T00:00:00Z", "2026-02-08T00:00:00Z");
    assert_eq!((ran.code, exported()), (0, 3), "{}", ran.stderr);
    let ran = backfill("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z");
    assert_eq!((ran.code, exported()), (0, INDICES), "{}", ran.stderr);
    let open = engine.request("GET", "/_nodes/stats/indices/search", Value::Null);
    let left = open["nodes"].as_object().and_then(|nodes| nodes.values().next()).expect("a node");
    assert_eq!(left["indices"]["search"]["open_contexts"], 0, "searches were left open");
}
