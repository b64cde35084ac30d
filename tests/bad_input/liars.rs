//! Search servers that lie: pages without end, impossible counts, lines of other times. The run fails with 75, its
//! memory stays bounded, and it remembers nothing of the answer; once the server tells the truth, everything is read.

use super::{NOW, network::source};
use crate::common::{Ran, Workspace};
use mailstitch::model::Time;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// In the hour before [`NOW`].
const MINUTE: &str = "2026-11-03T23:30:00.000Z";
const STAMP: &str = "2026-11-03 23:30:00.000";

/// The server's answers to counts and pages; all others are true.
#[derive(Clone)]
struct Says {
    counts: String,
    page: String,
}

fn hits(stamp: &str, numbers: std::ops::Range<usize>) -> String {
    let hit = |n: usize| {
        let message = format!(
            "mx1 postfix/smtpd[{n}]: NOQUEUE: reject: RCPT from client.example.net[192.0.2.7]: 554 5.7.1 \
             <one@example.org>: Relay access denied; from=<two@example.net> to=<one@example.org> proto=ESMTP"
        );
        json!({"_id": n.to_string(), "_source": {"timestamp": stamp, "source": "mx1", "message": message}, "sort": [n]})
    };
    let hits: Vec<Value> = numbers.map(hit).collect();
    answer(json!({"total": {"value": 3, "relation": "eq"}, "hits": hits}), Value::Null)
}

fn answer(hits: Value, aggregations: Value) -> String {
    let shards = json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0});
    json!({"timed_out": false, "_shards": shards, "hits": hits, "aggregations": aggregations}).to_string()
}

/// An answer that counts `total` lines, in these buckets.
fn counts(total: u64, buckets: Value) -> String {
    answer(json!({"total": {"value": total, "relation": "eq"}, "hits": []}), json!({"buckets": {"buckets": buckets}}))
}

fn bucket(start: &str, count: impl Into<Value>) -> Value {
    json!({"key": Time::parse_rfc3339(start).expect("a time").0, "doc_count": count.into()})
}

fn truth() -> Says {
    Says { counts: counts(3, json!([bucket(MINUTE, 3)])), page: hits(STAMP, 1..4) }
}

fn serve(stream: TcpStream, says: &Says) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    reader.read_line(&mut head)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    let path = head.split(' ').nth(1).unwrap_or_default();
    // There is nothing before or after the hour.
    let is_of_the_hour = body.contains("\"gte\":\"2026-11-03 23:") && !body.contains("\"lt\":\"2026-11-03 23:3");
    let is_read = body.contains("\"gte\":\"2026-11-03 23:30");
    let none = || counts(0, json!([]));
    let told = match path {
        "/" => r#"{"version":{"number":"8.19.21"}}"#.to_owned(),
        path if path.contains("_field_caps") => json!({"indices": ["mail-1"], "fields": {
            "timestamp": {"date": {"type": "date", "searchable": true}}, "message": {"text": {"searchable": true}}}})
        .to_string(),
        path if path.contains("_pit") => r#"{"id":"p"}"#.to_owned(),
        _ if body.contains("\"aggs\"") && is_of_the_hour => says.counts.clone(),
        _ if body.contains("\"aggs\"") || !is_read => none(),
        _ if body.contains("\"size\":0") => hits(STAMP, 0..0),
        _ => says.page.clone(),
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(reader.get_mut(), "{head}content-length: {}\r\n\r\n{told}", told.len())
}

/// A run limited to 400 MiB.
fn run(workspace: &Workspace) -> Ran {
    let script =
        format!("ulimit -d 409600; exec {} -c mailstitch.toml --now {NOW} run", env!("CARGO_BIN_EXE_mailstitch"));
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", &script]).current_dir(workspace.path()).env_clear().env("HOME", workspace.path());
    limited.output().expect("it starts").into()
}

#[track_caller]
fn check(says: Says, told: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let says = Arc::new(Mutex::new(says));
    let shared = Arc::clone(&says);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let says = shared.lock().expect("no panic").clone();
            // A client that has had enough hangs up.
            std::thread::spawn(move || drop(serve(stream, &says)));
        }
    });
    let workspace = source(&url, "preset = \"graylog\"\npage_size = 4\n");
    let ran = run(&workspace);
    assert_eq!(ran.code, 75, "{}", ran.stderr);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ledger = std::fs::read_to_string(workspace.file("state/checkpoint.json")).expect("a ledger");
    assert!(!ledger.contains("\"buckets\""), "{ledger}");
    *says.lock().expect("no panic") = truth();
    let ran = run(&workspace);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(super::documents(&workspace), 3);
}

#[test]
fn pages_without_end_stop_at_what_was_counted() {
    check(Says { page: hits(STAMP, 0..9), ..truth() }, "documents came where the engine counted 3");
}

#[test]
fn a_page_of_millions_of_nothing_is_not_taken() {
    let nothing = format!("[{}{{}}]", "{},".repeat(20 << 20));
    check(
        Says { page: truth().page.replace("\"hits\":[", &format!("\"hits\":{nothing},\"x\":[")), ..truth() },
        "the answer is not understood",
    );
}

#[test]
fn an_answer_without_end_is_cut_off() {
    check(
        Says { counts: format!("{}{}", " ".repeat(40 << 20), truth().counts), ..truth() },
        "the answer is larger than 16 MiB",
    );
}

#[test]
fn a_bucket_that_nobody_asked_for_is_no_answer() {
    for start in ["2026-11-03T22:00:00Z", "2027-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-11-03T23:30:01Z"] {
        check(Says { counts: counts(3, json!([bucket(start, 3)])), ..truth() }, ", where none was asked for");
    }
    check(Says { counts: counts(6, json!([bucket(MINUTE, 3), bucket(MINUTE, 3)])), ..truth() }, " came twice");
}

#[test]
fn a_count_that_cannot_be_is_no_answer() {
    for count in [json!(-3), json!(u64::MAX), json!(1e300), json!("3"), json!(2.5)] {
        check(Says { counts: counts(3, json!([bucket(MINUTE, count)])), ..truth() }, "a bucket is none");
    }
}

#[test]
fn lines_of_other_times_are_no_answer() {
    for stamp in ["2026-11-03 22:00:00.000", "1970-01-01 00:00:00.000", "2026-11-03 23:31:00.000"] {
        check(Says { page: hits(stamp, 1..4), ..truth() }, "3 of 3 lines are not of the time asked for");
    }
}
