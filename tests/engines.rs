//! The test servers themselves: they start, accept what collectors store, and end with their test.

mod common;
mod servers;

use common::RawLine;
use mailstitch::model::Time;
use serde_json::{Value, json};
use servers::{Engine, Shape, elasticsearch, opensearch, unique_name};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn lines() -> Vec<RawLine> {
    let text = ["connect from client.example.net[192.0.2.7]", "4F1A2B3C4D: client=client.example.net[192.0.2.7]"];
    let line = |(n, text): (usize, &&str)| RawLine {
        time: Time(1_793_577_599_500 + n as i64 * 1_000),
        host: "mx1.example.org".into(),
        program: "postfix/smtpd".into(),
        pid: Some(4711),
        text: (*text).into(),
    };
    text.iter().enumerate().map(line).collect()
}

#[track_caller]
fn check_stored(engine: &Engine, shape: Shape, sort: &str, expected: Value) {
    let index = unique_name("lines");
    engine.load(&index, &lines(), shape);
    engine.load(&index, &lines(), shape);
    let answer = engine.request("POST", &format!("/{index}/_search"), json!({ "sort": [sort] }));
    assert_eq!(answer["hits"]["total"]["value"], 4, "{answer}");
    let mut last = answer["hits"]["hits"][3]["_source"].clone();
    for volatile in ["gl2_message_id", "gl2_receive_timestamp"] {
        last.as_object_mut().expect("a document").remove(volatile);
    }
    assert_eq!(last, expected);
    engine.request("DELETE", &format!("/{index}"), Value::Null);
}

fn check_shapes(engine: &Engine) {
    let text = "4F1A2B3C4D: client=client.example.net[192.0.2.7]";
    let graylog = |more: Value| {
        let mut document = json!({ "timestamp": "2026-11-02 00:00:00.500", "source": "mx1.example.org",
            "facility": "mail", "facility_num": 2, "level": 6, "streams": ["000000000000000000000001"] });
        document.as_object_mut().expect("a document").extend(more.as_object().expect("fields").clone());
        document
    };
    let tagged = json!({ "message": format!("mx1.example.org postfix/smtpd[4711]: {text}") });
    check_stored(engine, Shape::GraylogRfc3164, "gl2_message_id", graylog(tagged));
    let bare = json!({ "message": text, "application_name": "postfix/smtpd", "process_id": "4711" });
    check_stored(engine, Shape::GraylogRfc5424, "gl2_message_id", graylog(bare));
    let ecs = json!({ "@timestamp": "2026-11-02T00:00:00.500Z", "message": text,
        "host": { "name": "mx1.example.org", "hostname": "mx1.example.org" },
        "process": { "name": "postfix/smtpd", "pid": 4711 },
        "event": { "dataset": "system.syslog" }, "log": { "file": { "path": "/var/log/mail.log" } } });
    check_stored(engine, Shape::Filebeat, "@timestamp", ecs);
}

#[test]
fn opensearch_takes_lines_in_every_shape() {
    let engine = Engine::opensearch();
    assert_eq!(engine.request("GET", "/", Value::Null)["version"]["distribution"], "opensearch");
    check_shapes(engine);
}

#[tokio::test]
async fn elasticsearch_takes_lines_in_every_shape() {
    let engine = Engine::elasticsearch();
    assert_eq!(engine.request("GET", "/", Value::Null)["tagline"], "You Know, for Search");
    check_shapes(engine);
}

#[test]
fn settings_reach_a_server_of_ones_own() {
    let engine = Engine::start(&opensearch(), &[("http.max_content_length", "1kb")]);
    let (status, _) = engine.answer("POST", "/_search", json!({ "too": "long".repeat(1_000) }));
    assert_eq!(status, 413);
}

/// Not a test by itself, but the process that the next test kills. It prints an address and waits.
#[test]
fn a_test_that_is_killed() {
    if std::env::var_os("MAILSTITCH_TEST_TO_BE_KILLED").is_some() {
        let engine = Engine::start(&elasticsearch(), &[]);
        println!("\nserver at {}", engine.url());
        std::thread::sleep(Duration::from_secs(600));
    }
}

#[test]
fn a_server_is_gone_when_its_test_was_killed() {
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let mut test = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_test_that_is_killed", "--nocapture"])
        .env("MAILSTITCH_TEST_TO_BE_KILLED", "yes")
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    let said = BufReader::new(test.stdout.take().expect("its output")).lines();
    let url = said
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("server at http://")?.to_owned()))
        .expect("an address");
    std::net::TcpStream::connect(&url).expect("the server listens");
    test.kill().expect("SIGKILL");
    test.wait().expect("its end");
    let deadline = Instant::now() + Duration::from_secs(30);
    let gone = || {
        std::net::TcpStream::connect(&url).is_err()
            && std::fs::read_dir(temporary.path()).is_ok_and(|mut left| left.next().is_none())
    };
    while !gone() {
        assert!(Instant::now() < deadline, "the server at {url} outlived its test");
        std::thread::sleep(Duration::from_millis(100));
    }
}
