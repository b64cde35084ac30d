//! Servers with syslog names of their own: `sendmail -L relay`, `syslog_name = mailout`.

mod common;

use common::Workspace;
use serde_json::Value;

const LOG: &str = "\
2026-11-22T20:00:01.000+00:00 mx1 relay[82]: NOQUEUE: connect from client.example.org [192.0.2.7]
2026-11-22T20:00:02.000+00:00 mx1 relay[82]: 6AMK02Zx042166: from=<a@example.org>, size=100, class=0, nrcpts=1, msgid=<2@example.org>, proto=ESMTP, daemon=MTA, relay=client.example.org [192.0.2.7]
2026-11-22T20:00:03.000+00:00 mx1 relay[83]: 6AMK02Zx042166: to=<b@example.net>, delay=00:00:01, mailer=esmtp, relay=mx.example.net. [192.0.2.25], dsn=2.0.0, stat=Sent (ok)
2026-11-22T20:00:04.000+00:00 mx1 relay[84]: starting daemon (8.18.1): SMTP+queueing@00:30:00
2026-11-22T20:00:05.000+00:00 mx1 mailout[85]: 4F1A2B3C4D: client=client.example.org[192.0.2.7]
2026-11-22T20:00:05.000+00:00 mx1 mailout[86]: 4F1A2B3C4D: to=<b@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, dsn=2.0.0, status=sent (250 ok)
2026-11-22T20:00:06.000+00:00 mx1 mailout[87]: 4F1A2B3C4D: removed
2026-11-22T20:00:07.000+00:00 mx1 cron[88]: (root) CMD (true)
";

/// The documents of the log under a configuration, by queue id, and the share of lines understood.
fn read(programs: &str) -> (Vec<(String, String, String)>, Value) {
    let workspace = Workspace::new();
    workspace.write("c.toml", format!("state_dir = \"state\"\n{programs}\n[source.file]\npaths = [\"mail.log\"]\n"));
    workspace.write("mail.log", LOG);
    workspace.succeed(["--now", "2026-11-22T21:00:00Z", "--config", "c.toml", "run"]);
    let export = workspace.succeed(["--config", "c.toml", "export"]);
    let text = |d: &Value, at: &str| d.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let documents = export.lines().map(|line| serde_json::from_str(line).unwrap());
    let row = |d: Value| (text(&d, "/email/local_id"), text(&d, "/service/name"), text(&d, "/mail/status"));
    let coverage = workspace.succeed(["--config", "c.toml", "coverage", "--json"]);
    (documents.map(row).collect(), serde_json::from_str(&coverage).unwrap())
}

fn unrecognised(coverage: &Value) -> u64 {
    coverage["programs"].as_array().unwrap().iter().map(|p| p["unrecognised"].as_u64().unwrap()).sum()
}

#[test]
fn the_settings_say_which_names_are_whose() {
    let (documents, coverage) = read("[programs]\npostfix = [\"mailout\"]\nsendmail = [\"relay\"]");
    let rows: Vec<(&str, &str, &str)> = documents.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
    assert_eq!(rows, [("6AMK02Zx042166", "relay", "delivered"), ("4F1A2B3C4D", "mailout", "delivered")]);
    assert_eq!(unrecognised(&coverage), 0, "{coverage}");
}

#[test]
fn without_the_setting_what_can_only_be_sendmails_is_read() {
    let (documents, coverage) = read("");
    let rows: Vec<(&str, &str)> = documents.iter().map(|(id, _, status)| (&**id, &**status)).collect();
    assert_eq!(rows, [("6AMK02Zx042166", "delivered")]);
    assert_eq!(unrecognised(&coverage), 3, "lines of a postfix that nobody named: {coverage}");
}
