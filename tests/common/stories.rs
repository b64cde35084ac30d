//! A store filled with the stories of `tests/golden` and the demo.

use super::Workspace;
use std::path::Path;

/// A time after the last line.
pub const NOW: &str = "2026-12-20T00:00:00Z";

/// A workspace whose `c.toml` contains this store table, with the store filled.
pub fn told(store: &str) -> Workspace {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = Workspace::new();
    let sources = "[source.file]\npaths = [\"mail.log\"]\ntimezone = \"UTC\"\nyear = 2026\n";
    workspace.write("c.toml", format!("state_dir = \"state\"\ninstances = [\"postfix-out\"]\n{sources}{store}\n"));
    let stories = root.join("tests/golden/*/lines.log");
    let mut logs: Vec<_> =
        glob::glob(stories.to_str().unwrap()).unwrap().map(|path| path.unwrap().display().to_string()).collect();
    logs.push(root.join("examples/demo/mail.log").display().to_string());
    assert!(logs.len() > 40, "{} logs", logs.len());
    let call = ["--now", NOW, "--config", "c.toml", "backfill"].map(str::to_owned);
    workspace.succeed(call.into_iter().chain(logs));
    workspace
}

/// A store table for a new index in a search server.
pub fn in_index(url: &str, index: &str) -> String {
    format!("[store.elasticsearch]\nurl = \"{url}\"\nindex = \"{index}\"\nreplicas = 0")
}
