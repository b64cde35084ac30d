//! Log text chosen by strangers, and files left by an older mailstitch, through the program itself: no line stops it,
//! and unreadable data costs only itself (law L7).

mod common;
#[path = "hostile/damaged.rs"]
mod damaged;
#[path = "hostile/times.rs"]
mod times;

use common::{Ran, Workspace};

const NOW: &str = "2026-11-04T00:00:00Z";
const LINE: &str = "2026-11-03T00:00:01.000+00:00 mx1 postfix/qmgr[2638]: 3A9C96093D: removed\n";

/// A log `mail.log` into SQLite.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let settings = "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\ntimezone = \"UTC\"\n\
                    [store.sqlite]\npath = \"mail.sqlite\"\n";
    workspace.write("mailstitch.toml", settings);
    workspace
}

fn run(workspace: &Workspace, arguments: &[&str]) -> Ran {
    workspace.run(["--config", "mailstitch.toml", "--now", NOW].iter().chain(arguments))
}

/// Runs all commands that read the store; each must succeed.
#[track_caller]
fn check_all_commands(workspace: &Workspace) {
    for command in ["run", "export", "reparse", "status", "report --since 30d", "trace mx1", "backfill mail.log", "run"]
    {
        let ran = run(workspace, &command.split(' ').collect::<Vec<_>>());
        assert!(ran.code == 0, "{command}: {ran:?}");
    }
}

/// The ids of the documents.
fn documents(workspace: &Workspace) -> Vec<String> {
    let exported = run(workspace, &["export"]).stdout;
    let id = |line: &str| {
        let document: serde_json::Value = serde_json::from_str(line).expect("a document");
        document["mail"]["id"].as_str().expect("an id").to_owned()
    };
    exported.lines().map(id).collect()
}
