//! Guarantees for operators: metrics to alert on, logs to collect, a complete status, and no leak of secrets or of
//! strangers' text.

mod common;
#[path = "operations/figures.rs"]
mod figures;
#[path = "operations/group.rs"]
mod group;
#[path = "operations/hostile.rs"]
mod hostile;
#[path = "operations/secrets.rs"]
mod secrets;

use common::{Ran, Workspace};

const LINES: &str = "\
2026-11-03T00:00:01.000+00:00 mx1 postfix/smtpd[31097]: 3A9C96093D: client=localhost[127.0.0.1]
2026-11-03T00:00:01.000+00:00 mx1 postfix/cleanup[31124]: 3A9C96093D: message-id=<1@example.org>
2026-11-03T00:00:01.000+00:00 mx1 postfix/qmgr[2638]: 3A9C96093D: from=<sender@example.org>, size=5493, nrcpt=1 (queue active)
2026-11-03T00:00:02.000+00:00 mx1 postfix/qmgr[2638]: nobody has ever logged this
";
const NOW: &str = "2026-11-03T00:01:02Z";

/// A log, its ledger and its store, with further top-level keys in the configuration.
fn workspace(more: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write(
        "mailstitch.toml",
        format!(
            "state_dir = \"state\"\n{more}\n[source.file]\npaths = [\"mail.log\"]\ntimezone = \"UTC\"\n\
             [store.sqlite]\npath = \"mail.sqlite\"\n"
        ),
    );
    workspace.write("mail.log", LINES);
    workspace
}

fn run_at(workspace: &Workspace, now: &str, arguments: &[&str]) -> Ran {
    workspace.run(["--config", "mailstitch.toml", "--now", now].iter().chain(arguments))
}
