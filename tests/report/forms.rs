//! Text, JSON and CSV.

use super::{NOW, demo, hostile, report};
use serde_json::Value;
use std::collections::BTreeMap;

fn table<'a>(report: &'a Value, name: &str) -> &'a Vec<Value> {
    let tables = report["tables"].as_array().unwrap();
    tables.iter().find(|t| t["name"] == name).unwrap()["rows"].as_array().unwrap()
}

#[test]
fn the_figures_are_those_of_the_documents() {
    let workspace = demo();
    let report: Value = serde_json::from_str(&report(&workspace, &["--json", "--limit", "10000"])).unwrap();
    let export = workspace.succeed(["--config", "examples/demo/demo.toml", "export"]);
    let documents: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(report["documents"], documents.len());

    let counted = |field: &str, of: &str| {
        let of_kind = documents.iter().filter(|d| d["mail"]["kind"] == of);
        of_kind.filter_map(|d| d.pointer(field)?.as_str()).fold(BTreeMap::new(), |mut all, value| {
            *all.entry(value.to_owned()).or_insert(0_u64) += 1;
            all
        })
    };
    let mut statuses = counted("/mail/status", "message");
    statuses.insert("refused".to_owned(), counted("/mail/kind", "reject")["reject"]);
    let told: BTreeMap<String, u64> = table(&report, "statuses")
        .iter()
        .filter(|row| !matches!(row["name"].as_str(), Some("session" | "verdict")))
        .map(|row| (row["name"].as_str().unwrap().to_owned(), row["times"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, statuses);

    // Each journey counts once, where it began.
    let journeys: std::collections::BTreeSet<&str> = documents
        .iter()
        .filter(|d| d["mail"]["kind"] == "message")
        .map(|d| d["mail"]["journey"].as_str().unwrap())
        .collect();
    assert_eq!(report["figures"][0]["name"], "messages");
    assert_eq!(report["figures"][0]["value"], journeys.len());
    let begun: u64 = table(&report, "senders").iter().map(|row| row["messages"].as_u64().unwrap()).sum();
    assert!(begun > 0 && begun <= journeys.len() as u64, "{begun}");

    // The volume also has each journey once, and the refused attempts.
    let points = report["volume"]["points"].as_array().unwrap();
    let bars = points.iter().flat_map(|p| ["delivered", "waiting", "failed", "refused", "other"].map(|of| &p[of]));
    let attempts = usize::try_from(statuses["refused"]).unwrap();
    assert_eq!(bars.map(|n| n.as_u64().unwrap()).sum::<u64>(), (journeys.len() + attempts) as u64);

    let delivered: u64 = points.iter().map(|p| p["delivered"].as_u64().unwrap()).sum();
    assert!(statuses["rejected"] > 0, "a message that was refused is not delivered");
    assert_eq!(report["figures"][1]["value"], delivered as f64 / journeys.len() as f64);

    // Hand-overs are counted in each queue.
    let sent = documents.iter().flat_map(|d| d["mail"]["recipients"].as_array().into_iter().flatten());
    let sent = sent.filter(|r| matches!(r["status"].as_str(), Some("sent" | "expanded" | "deliverable"))).count();
    let delivered: u64 = table(&report, "hops").iter().map(|row| row["recipients"].as_u64().unwrap()).sum();
    assert!(delivered >= sent as u64, "{delivered} of {sent}");
}

#[test]
fn every_row_leads_to_transactions_that_trace_finds() {
    let workspace = demo();
    let report: Value = serde_json::from_str(&report(&workspace, &["--json"])).unwrap();
    let rows = report["tables"].as_array().unwrap().iter().flat_map(|t| t["rows"].as_array().unwrap());
    let all = report["transactions"].as_array().unwrap();
    for row in rows {
        let places = row["transactions"].as_array().unwrap();
        assert!((1..=10).contains(&places.len()), "{row}");
        assert!(places.iter().all(|place| place.as_u64().unwrap() < all.len() as u64));
    }
    let id = all[0]["id"].as_str().unwrap();
    let traced = workspace.succeed(["--config", "examples/demo/demo.toml", "trace", id]);
    assert!(traced.contains(all[0]["host"].as_str().unwrap()), "{traced}");
}

#[test]
fn the_text_fits_a_mail() {
    let workspace = demo();
    let text = report(&workspace, &[]);
    assert!(text.starts_with("Mail from 2026-11-22 20:00 to 2026-11-22 21:00, times in UTC\n"), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80 && line.trim_end() == line, "{line:?}");
    }
    for word in ["Messages", "Senders", "Relays", "Reasons", "… and "] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
}

#[test]
fn nothing_is_said_to_be_nothing_and_where_there_is_something() {
    let workspace = demo();
    let ran = workspace.run(["--now", "2027-03-01T00:00:00Z", "--config", "examples/demo/demo.toml", "report"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("Nothing: the store has no transaction that began in this time."), "{}", ran.stdout);
    assert!(ran.stderr.contains("from 2026-11-22T20:19:40"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--since"), "{}", ran.stderr);
}

#[test]
fn a_spreadsheet_gets_no_formula_and_a_terminal_no_order() {
    let workspace = hostile();
    let call = ["--now", NOW, "--config", "c.toml", "report"];
    let rows = workspace.succeed(call.iter().chain(&["--csv"]));
    let mut names = 0;
    for row in csv::Reader::from_reader(rows.as_bytes()).records() {
        let row = row.unwrap();
        assert_eq!(row.len(), 4);
        names += usize::from(row[1].starts_with("'=HYPERLINK"));
        assert!(row.iter().all(|field| !field.starts_with(['=', '+', '-', '@'])), "{row:?}");
    }
    assert!(names > 0, "{rows}");
    let text = workspace.succeed(call);
    assert!(text.contains("\\u{202e}") && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn what_is_not_a_mail_has_no_report_of_its_own() {
    let workspace = demo();
    let ran = workspace.run(["--config", "examples/demo/demo.toml", "report", "--json", "--csv"]);
    assert_eq!(ran.code, 64);
    let ran = workspace.run(["--config", "examples/demo/demo.toml", "report", "--html", "nowhere/report.html"]);
    assert_eq!(ran.code, 78, "{}", ran.stderr);
    assert!(ran.stderr.contains("nowhere/report.html"), "{}", ran.stderr);
}
