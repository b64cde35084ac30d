//! Numbers shown to people: one mail counts once, waiting mail is shown, and a range is respected.

mod common;

use common::Workspace;
use serde_json::Value;

/// A mail with this id, handed in at a minute after 2026-11-22T20:00, with the given last lines.
fn mail(id: &str, minute: u32, last: &[&str]) -> String {
    let stamp = |second: u32| format!("2026-11-22T20:{minute:02}:{second:02}.000+00:00 mx1 postfix");
    let mut log = format!("{}/smtpd[11]: {id}: client=client.example.org[192.0.2.7]\n", stamp(1));
    log += &format!("{}/cleanup[12]: {id}: message-id=<{id}@example.org>\n", stamp(1));
    log += &format!("{}/qmgr[9]: {id}: from=<a@example.org>, size=900, nrcpt=1 (queue active)\n", stamp(1));
    for (n, text) in last.iter().enumerate() {
        let second = 2 + u32::try_from(n).unwrap();
        log += &format!("{}/{text}\n", stamp(second).as_str());
    }
    log
}

fn deferred(id: &str) -> String {
    format!(
        "smtp[13]: {id}: to=<b@example.net>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to mx: Connection refused)"
    )
}

fn workspace(log: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("c.toml", "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n");
    workspace.write("mail.log", log);
    workspace
}

const NOW: &str = "2026-11-25T22:00:00Z";

fn backfill(workspace: &Workspace, more: &[&str]) -> String {
    let ran = workspace.run(["--now", NOW, "--config", "c.toml", "backfill"].iter().chain(more));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stderr
}

fn report(workspace: &Workspace) -> Value {
    let call = ["--now", NOW, "--config", "c.toml", "report", "--json", "--limit", "100"];
    serde_json::from_str(&workspace.succeed(call)).unwrap()
}

fn table<'a>(report: &'a Value, name: &str) -> &'a Vec<Value> {
    let tables = report["tables"].as_array().unwrap();
    tables.iter().find(|t| t["name"] == name).unwrap()["rows"].as_array().unwrap()
}

#[test]
fn a_report_of_a_day_shows_what_waits_since_three() {
    let (held, late) = ("4F1A2B3C01", "4F1A2B3C02");
    let log =
        mail(held, 10, &[&format!("postsuper[14]: {held}: placed on hold")]) + &mail(late, 11, &[&deferred(late)]);
    let workspace = workspace(&log);
    backfill(&workspace, &["mail.log"]);
    let report = report(&workspace);
    assert_eq!(report["documents"], 0, "nothing began in the last day");
    let waiting: Vec<(&str, &str)> = table(&report, "queue")
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(waiting, [("mx1 4F1A2B3C01", "held"), ("mx1 4F1A2B3C02", "deferred")]);
    let text = workspace.succeed(["--now", NOW, "--config", "c.toml", "report"]);
    assert!(text.contains("mx1 4F1A2B3C01"), "{text}");
}

#[test]
fn what_is_on_hold_or_deleted_does_not_wait() {
    let (held, deleted, late) = ("4F1A2B3C01", "4F1A2B3C02", "4F1A2B3C03");
    let log = mail(held, 10, &[&deferred(held), &format!("postsuper[14]: {held}: placed on hold")])
        + &mail(deleted, 11, &[&deferred(deleted), &format!("postsuper[14]: {deleted}: removed")])
        + &mail(late, 12, &[&deferred(late)]);
    let workspace = workspace(&log);
    backfill(&workspace, &["mail.log"]);
    let call = ["--now", "2026-11-22T21:00:00Z", "--config", "c.toml", "report", "--json"];
    let report: Value = serde_json::from_str(&workspace.succeed(call)).unwrap();
    for name in ["senders", "recipients", "relays", "reasons"] {
        for row in table(&report, name) {
            let waiting = row.get("waiting").or_else(|| row.get("times").filter(|_| name == "reasons"));
            assert_eq!(waiting.and_then(Value::as_u64), Some(1), "{name}: {row}");
        }
    }
    let status: Vec<&str> = table(&report, "queue").iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["held", "deferred"]);
}

/// A mail handed on by a filter and a second host: three transactions, one mail.
fn three_legs() -> String {
    let leg = |host: &str, id: &str, second: u32, client: &str, to: &str| {
        let stamp = |ms: u32| format!("2026-11-22T20:10:{second:02}.{ms:03}+00:00 {host} postfix");
        format!(
            "{}/smtpd[11]: {id}: client={client}\n{}/cleanup[12]: {id}: message-id=<1@example.org>\n\
             {}/qmgr[9]: {id}: from=<a@example.org>, size=900, nrcpt=1 (queue active)\n{}/{to}\n{}/qmgr[9]: {id}: removed\n",
            stamp(100),
            stamp(200),
            stamp(300),
            stamp(900),
            stamp(950),
        )
    };
    let sent = |id: &str, relay: &str, reply: &str| {
        format!(
            "smtp[13]: {id}: to=<b@example.net>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent ({reply})"
        )
    };
    let a = sent("4F1A2B3C4D", "127.0.0.1[127.0.0.1]:10024", "250 2.0.0 Ok: queued as 5F1A2B3C4D");
    let b = sent("5F1A2B3C4D", "mx2.example.org[192.0.2.26]:25", "250 2.0.0 Ok: queued as 6F1A2B3C4D");
    let c = sent("6F1A2B3C4D", "mx.example.net[192.0.2.25]:25", "250 ok");
    leg("mx1", "4F1A2B3C4D", 1, "client.example.org[192.0.2.7]", &a)
        + &leg("mx1", "5F1A2B3C4D", 2, "localhost[127.0.0.1]", &b)
        + &leg("mx2", "6F1A2B3C4D", 3, "mx1.example.org[192.0.2.20]", &c)
}

#[test]
fn three_legs_of_a_mail_are_one_delivered_mail_in_the_summary() {
    let told = backfill(&workspace(&three_legs()), &["mail.log"]);
    assert!(told.contains("\nmessages: 1 delivered\n"), "{told}");
    assert!(told.contains("3 transactions created"), "{told}");
}

#[test]
fn the_summary_of_a_range_speaks_of_that_range() {
    let id = |n: u32| format!("4F1A2B3C{n:02}");
    let bounced = |id: &str| {
        format!("smtp[13]: {id}: to=<b@example.net>, relay=none, delay=1, dsn=5.4.4, status=bounced (no such host)")
    };
    let log: String = [1, 2, 3].iter().map(|n| mail(&id(*n), 10 * n, &[&bounced(&id(*n))])).collect();
    let range = ["--since", "2026-11-22T20:15:00Z", "--until", "2026-11-22T20:25:00Z"];
    for dry_run in [true, false] {
        let workspace = workspace(&log);
        let call = ["--now", NOW, "--config", "c.toml", "backfill"].iter().chain(&range);
        let ran = workspace.run(call.chain(["--dry-run"].iter().filter(|_| dry_run)));
        let told = if dry_run { &ran.stdout } else { &ran.stderr };
        assert!(told.contains("4 lines read"), "{told}");
        assert!(told.contains("\nfrom 2026-11-22T20:20:01.000Z to 2026-11-22T20:20:02.000Z\n"), "{told}");
        assert!(told.contains("1 transactions"), "{told}");
        assert_eq!(told.contains("\nmessages: 1 bounced\n"), !dry_run, "{told}");
    }
}
