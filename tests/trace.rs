//! `trace` as users see it: one mail through five queues on four hosts, real lines, shown as one tree.
//!
//! `UPDATE_GOLDEN=1 cargo test --test trace` rewrites the expected text.

mod common;
mod servers;

use common::Workspace;
use servers::{Engine, unique_name};
use std::{fmt::Write, path::Path};

const CONFIG: &str = "state_dir = \"state\"\ninstances = [\"postfix-out\"]\n";

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn indexed() -> Workspace {
    indexed_in("", &data("one_mail_through_five_queues.log"))
}

fn indexed_in(store: &str, log: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("config.toml", format!("{CONFIG}{store}"));
    workspace.write("mail.log", log);
    workspace.succeed(["-c", "config.toml", "backfill", "mail.log"]);
    workspace
}

fn opensearch() -> String {
    let (url, index) = (Engine::opensearch().url(), unique_name("transactions"));
    format!("[store.elasticsearch]\nurl = \"{url}\"\nindex = \"{index}\"\nreplicas = 0\n")
}

fn trace(workspace: &Workspace, arguments: &[&str]) -> String {
    workspace.succeed(["-c", "config.toml", "trace"].iter().chain(arguments))
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
    for query in [
        "4jXgRH2tDvzq76M",
        "6AMKJt5j009349",
        "9646711614.991$%ef84@example.com",
        "<9646711614.991$%ef84@example.com>",
        "carol@example.com",
        "Dora_Quinn.xac5@partner.test",
        "10.20.0.31",
        "2001:db8:20::42",
        "mx.partner.test",
        "sm2",
    ] {
        assert_eq!(trace(&workspace, &[query]), expected, "{query}");
    }
}

#[test]
fn what_is_not_there_exits_with_1() {
    let ran = indexed().run(["-c", "config.toml", "trace", "nobody@example.org"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.starts_with("nothing found: the store has transactions from 2026-11-22T20:"), "{}", ran.stderr);
}

#[test]
fn every_store_shows_the_same() {
    let log = data("one_mail_through_five_queues.log") + &large();
    let (embedded, indexed) = (indexed_in("", &log), indexed_in(&opensearch(), &log));
    for arguments in [
        &["carol@example.com"][..],
        &["carol@example.com", "--lines"],
        &["carol@example.com", "--json"],
        &["10.20.0.31", "--since", "2026-11-22T20:19:55Z", "--until", "2026-11-22T20:20:00Z"],
        &["r1234@example.net"],
        &["news@example.org"],
    ] {
        assert_eq!(trace(&indexed, arguments), trace(&embedded, arguments), "{arguments:?}");
    }
}

#[test]
fn json_has_the_documents_of_the_tree() {
    let workspace = indexed();
    let found: Vec<serde_json::Value> =
        trace(&workspace, &["10.20.0.31", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let hosts: Vec<_> = found.iter().map(|t| t["host"]["name"].as_str().unwrap()).collect();
    assert_eq!(hosts, ["app1", "relay1", "relay1", "relay1", "mx1", "sm2"]);
    assert!(found.iter().all(|t| t["mail"]["journey"] == found[0]["mail"]["journey"]));
}

#[test]
fn lines_are_the_evidence_of_each_hop() {
    let shown = trace(&indexed(), &["52738321FA", "--lines"]);
    let evidence = shown.lines().filter(|line| line.contains("  | ")).count();
    let read = data("one_mail_through_five_queues.log").lines().count();
    // `disconnect` and other lines that no document needs are not evidence.
    assert!(evidence > 40 && evidence <= read, "{evidence} of {read}");
    assert!(shown.contains("└─ +0.060 s  relay1") && shown.contains("| 20:19:55.3"), "{shown}");
}

#[test]
fn a_time_range_leaves_out_what_was_before_and_after() {
    let workspace = indexed();
    let exits = |since, until| {
        workspace.run(["-c", "config.toml", "trace", "carol@example.com", "--since", since, "--until", until]).code
    };
    assert_eq!(exits("2026-11-22T20:19:00Z", "2026-11-22T20:20:00Z"), 0);
    assert_eq!(exits("2026-11-22T20:18:00Z", "2026-11-22T20:19:00Z"), 1);
    assert_eq!(exits("2026-11-22T20:21:00Z", "2026-11-22T20:22:00Z"), 1);
}

#[test]
fn a_login_finds_what_it_sent() {
    let log = "\
2026-11-22T20:20:01.100+00:00 relay1 postfix/submission/smtpd[782]: connect from laptop.example.org[192.0.2.20]
2026-11-22T20:20:01.200+00:00 relay1 postfix/submission/smtpd[782]: 986E8321F2: client=laptop.example.org[192.0.2.20], sasl_method=PLAIN, sasl_username=alice
2026-11-22T20:20:01.210+00:00 relay1 postfix/cleanup[783]: 986E8321F2: message-id=<one@example.org>
2026-11-22T20:20:01.300+00:00 relay1 postfix/qmgr[12]: 986E8321F2: from=<a@example.org>, size=1000, nrcpt=1 (queue active)
";
    for store in [String::new(), opensearch()] {
        let shown = trace(&indexed_in(&store, log), &["alice"]);
        assert!(shown.starts_with("2026-11-22 20:20:01.200Z  relay1 986E8321F2  postfix: queued\n"), "{shown}");
        assert!(shown.contains("client laptop.example.org[192.0.2.20], login alice\n"), "{shown}");
    }
}

/// Mail of a list to 5,000 recipients, one of whom was not reached.
fn large() -> String {
    let line = |text: &str| format!("2026-11-22T20:30:01.000+00:00 app2 postfix/{text}\n");
    let mut log = line("smtpd[7]: 7A1D2E3F40: client=lists.example.org[192.0.2.7]");
    log += &line("cleanup[8]: 7A1D2E3F40: message-id=<list@example.org>");
    log += &line("qmgr[9]: 7A1D2E3F40: from=<news@example.org>, size=1000, nrcpt=5000 (queue active)");
    for n in 0..5000 {
        let (dsn, status) =
            if n == 77 { ("5.1.1", "bounced (550 5.1.1 no such user)") } else { ("2.0.0", "sent (250 ok)") };
        let relay = "relay=mx.example.net[198.51.100.25]:25, delay=1, delays=0/0/0.5/0.5";
        _ = write!(
            log,
            "{}",
            line(&format!("smtp[10]: 7A1D2E3F40: to=<r{n}@example.net>, {relay}, dsn={dsn}, status={status}"))
        );
    }
    log + &line("qmgr[9]: 7A1D2E3F40: removed")
}

#[test]
fn one_of_thousands_is_shown_alone() {
    let workspace = indexed_in("", &large());
    let head = "\
2026-11-22 20:30:01.000Z  app2 7A1D2E3F40  postfix: partial
    from news@example.org, 1000 bytes
    client lists.example.org[192.0.2.7]
    message-id list@example.org
";
    let rest = "    … and 4999 more recipients: ask for one by name\n\n";
    for n in [0, 1, 2, 3, 1234, 4999] {
        let to =
            format!("    to r{n}@example.net: sent via mx.example.net[198.51.100.25]:25 after 1 s\n       250 ok\n");
        assert_eq!(trace(&workspace, &[&format!("R{n}@example.net")]), format!("{head}{to}{rest}"));
    }
    let bounced = trace(&workspace, &["news@example.org", "r77@example.net"]);
    assert!(bounced.contains("to r77@example.net: bounced") && bounced.contains("550 5.1.1 no such user"), "{bounced}");
    let lines = trace(&workspace, &["r1234@example.net", "--lines"]);
    assert_eq!(lines.lines().filter(|line| line.contains("  | ")).count(), 5, "{lines}");
    assert!(trace(&workspace, &["7A1D2E3F40"]).contains("… and 4980 more recipients"));
}
