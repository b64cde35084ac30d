//! `report`: of the demo's log and of a hostile one, as text, JSON, CSV, and in a real browser.

mod browser;
mod common;
mod servers;

#[path = "report/forms.rs"]
mod forms;
#[path = "report/page.rs"]
mod page;
#[path = "report/stores.rs"]
mod stores;

use common::Workspace;
use std::path::Path;

/// A range that covers the demo.
const DEMO: [&str; 4] = ["--since", "2026-11-22T20:00:00Z", "--until", "2026-11-22T21:00:00Z"];

/// The time of all tests here, after the logs.
const NOW: &str = "2026-11-22T21:00:00Z";

/// A workspace whose store has the demo's log.
fn demo() -> Workspace {
    let workspace = Workspace::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["examples/demo/demo.toml", "examples/demo/mail.log"] {
        workspace.write(name, std::fs::read(root.join(name)).unwrap());
    }
    workspace.succeed(["--now", NOW, "--config", "examples/demo/demo.toml", "backfill", "examples/demo/mail.log"]);
    workspace
}

/// A report of the demo in the given form.
fn report(workspace: &Workspace, form: &[&str]) -> String {
    let call = ["--now", NOW, "--config", "examples/demo/demo.toml", "report"];
    workspace.succeed(call.iter().chain(&DEMO).chain(form))
}

/// A workspace whose store holds hostile mail, as sent by a stranger who knows about reports.
fn hostile() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("c.toml", "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n");
    let evil = [
        "<script>document.title='owned'</script>",
        "<img src=x onerror=document.title='owned'>",
        "</script><!--",
        "\"onmouseover=alert(1)",
        "=HYPERLINK(\"http://example.org\")",
        "javascript:alert(1)",
        "\u{202e}gro.elpmaxe",
    ];
    let mut log = String::new();
    for (n, evil) in evil.iter().enumerate() {
        let stamp = format!("2026-11-22T20:00:0{n}.000+00:00 mx1 postfix");
        let id = format!("4F1A2B3C{n:02X}");
        log += &format!("{stamp}/smtpd[1{n}]: {id}: client={evil}[192.0.2.{n}], sasl_username={evil}\n");
        log += &format!("{stamp}/cleanup[2{n}]: {id}: message-id=<{evil}>\n");
        log += &format!("{stamp}/qmgr[30]: {id}: from=<{evil}@example.org>, size=900, nrcpt=1 (queue active)\n");
        log += &format!(
            "{stamp}/smtp[4{n}]: {id}: to=<{evil}@example.net>, relay={evil}[192.0.2.25]:25, delay=1.5, delays=0.1/0.2/0.3/0.9, \
             dsn=5.1.1, status=bounced (host mx.example.net said: 550 5.1.1 {evil})\n"
        );
        log += &format!(
            "{stamp}/smtpd[5{n}]: NOQUEUE: reject: RCPT from {evil}[192.0.2.{n}]: 554 5.7.1 <{evil}>: {evil}; \
             from=<{evil}@example.org> to=<{evil}@example.net> proto=ESMTP helo=<{evil}>\n"
        );
    }
    workspace.write("mail.log", log);
    workspace.succeed(["--now", NOW, "--config", "c.toml", "backfill", "--since", "2026-11-22T00:00:00Z"]);
    workspace
}
