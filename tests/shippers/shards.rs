//! A pattern over more indices than an engine keeps open for one reader: only those are read that the window touches.

use crate::{
    common::Workspace,
    servers::{Engine, opensearch},
};
use serde_json::{Value, json};

/// Of each sort of open search; servers allow 300 and 500.
const OPEN: usize = 40;
const INDICES: usize = 60;

#[test]
fn a_window_is_read_from_the_indices_that_it_touches_and_a_limit_is_named() {
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
        let (month, day) = (10 + n / 30, 1 + n % 30);
        let at = format!("2026-{month}-{day:02}T12:00:00Z");
        let document = json!({ "@timestamp": at, "host": "mx1", "program": "postfix/qmgr", "pid": 7,
            "message": format!("3A9C96{n:04X}: from=<a@example.org>, size=900, nrcpt=1 (queue active)") });
        engine.request("POST", &format!("/mail-2026.{month}.{day:02}/_doc"), document);
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
    let ran = backfill("2026-10-05T00:00:00Z", "2026-10-08T00:00:00Z");
    assert_eq!((ran.code, exported()), (0, 3), "{}", ran.stderr);
    let ran = backfill("2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z");
    // Nothing was marked that was not read; either way the reader knows what happened.
    match ran.code {
        0 => assert_eq!(exported(), INDICES),
        code => {
            assert_eq!(code, 75, "{}", ran.stderr);
            assert!(limits.iter().any(|(limit, _)| ran.stderr.contains(limit)), "{}", ran.stderr);
        }
    }
    let open = engine.request("GET", "/_nodes/stats/indices/search", Value::Null);
    assert!(!open.to_string().contains("\"scroll_current\":40"), "searches were left open");
}
