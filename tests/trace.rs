//! `trace` as people see it: one mail through five queues of four hosts, real lines, shown as one tree.
//!
//! `UPDATE_GOLDEN=1 cargo test --test trace` rewrites the expectation.

mod common;

use common::Workspace;
use std::path::Path;

const CONFIG: &str = "state_dir = \"state\"\ninstances = [\"postfix-out\"]\n";

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn indexed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("config.toml", CONFIG);
    workspace.write("mail.log", data("one_mail_through_five_queues.log"));
    workspace.succeed(["-c", "config.toml", "backfill", "mail.log"]);
    workspace
}

#[test]
fn one_mail_through_five_queues_is_one_tree() {
    let shown = indexed().succeed(["-c", "config.toml", "trace", "52738321FA"]);
    let golden = "one_mail_through_five_queues.txt";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace").join(golden), &shown).unwrap();
    }
    assert_eq!(shown, data(golden));
}

#[test]
fn every_hop_and_every_name_leads_to_the_same_tree() {
    let workspace = indexed();
    let expected = data("one_mail_through_five_queues.txt");
    for query in
        ["4jXgRH2tDvzq76M", "6AMKJt5j009349", "9646711614.991$%ef84@example.com", "dora_quinn.xac5@partner.test"]
    {
        assert_eq!(workspace.succeed(["-c", "config.toml", "trace", query]), expected, "{query}");
    }
}

#[test]
fn what_is_not_there_exits_with_1() {
    let ran = indexed().run(["-c", "config.toml", "trace", "nobody@example.org"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (1, "", "nothing found\n"));
}
