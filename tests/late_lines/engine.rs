//! Effects of the engine itself: lines become visible late, continue in another index, and only a few requests are
//! needed.

use crate::{
    common::{RawLine, Workspace, fiveday::MINUTE},
    servers::{Engine, Proxy, Shape, unique_name},
};
use mailstitch::model::Time;
use serde_json::{Value, json};

/// Noon of a day in November.
const NOON: Time = Time(1_793_620_800_000);

/// The six lines of a message at a minute after noon.
fn message(minute: i64) -> Vec<RawLine> {
    let id = format!("3A9C9609{minute:02X}");
    let line = |second: i64, program: &str, text: String| RawLine {
        time: NOON.plus(minute * MINUTE + second * 1_000),
        host: "mx1.example.org".into(),
        program: format!("postfix/{program}"),
        pid: Some(4711),
        text,
    };
    vec![
        line(1, "smtpd", "connect from client.example.net[192.0.2.7]".into()),
        line(1, "smtpd", format!("{id}: client=client.example.net[192.0.2.7]")),
        line(2, "cleanup", format!("{id}: message-id=<{minute}@example.org>")),
        line(3, "qmgr", format!("{id}: from=<a@example.org>, size=900, nrcpt=1 (queue active)")),
        line(
            50,
            "smtp",
            format!(
                "{id}: to=<b@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=49, \
                                  delays=0/0/40/9, dsn=2.0.0, status=sent (250 ok)"
            ),
        ),
        line(59, "qmgr", format!("{id}: removed")),
    ]
}

fn messages(minutes: std::ops::Range<i64>) -> Vec<RawLine> {
    minutes.flat_map(message).collect()
}

fn workspace(url: &str, index: &str, store: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write(
        "mailstitch.toml",
        format!(
            "state_dir = \"state\"\n[source.elasticsearch]\nurl = {url:?}\nindex = {index:?}\npage_size = 7\n\
             timezone = \"UTC\"\n{store}"
        ),
    );
    workspace
}

const SQLITE: &str = "[store.sqlite]\npath = \"mail.sqlite\"\n";

/// A run at a minute after noon; returns its standard error.
#[track_caller]
fn run(workspace: &Workspace, minute: i64) -> String {
    let now = NOON.plus(minute * MINUTE).to_string();
    let ran = workspace.run(["--config", "mailstitch.toml", "--now", &now, "-v", "run"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stderr
}

/// Status and queue id of each document.
fn documents(workspace: &Workspace) -> Vec<String> {
    let export = workspace.succeed(["--config", "mailstitch.toml", "export"]);
    let documents = export.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    documents.map(|d: Value| format!("{} {}", d["email"]["local_id"], d["mail"]["status"]).replace('"', "")).collect()
}

fn delivered(minutes: std::ops::Range<i64>) -> Vec<String> {
    minutes.map(|minute| format!("3A9C9609{minute:02X} delivered")).collect()
}

#[test]
fn an_index_that_rolls_over_in_the_middle_of_a_window_loses_nothing() {
    let engine = Engine::opensearch();
    let stem = unique_name("rolled");
    let lines = messages(0..6);
    // The new index begins in the middle of a minute and of a message.
    let (old, new) = lines.split_at(2 * 6 + 3);
    engine.load(&format!("{stem}_0"), old, Shape::GraylogRfc3164);
    let workspace = workspace(engine.url(), &format!("{stem}_*"), SQLITE);
    run(&workspace, 4);
    engine.load(&format!("{stem}_1"), new, Shape::GraylogRfc3164);
    run(&workspace, 10);
    assert_eq!(documents(&workspace), delivered(0..6));
    // The oldest index is deleted: its minutes shrink, but what was read of them stays.
    engine.request("DELETE", &format!("/{stem}_0"), Value::Null);
    run(&workspace, 12);
    assert_eq!(documents(&workspace), delivered(0..6));
    engine.load(&format!("{stem}_0"), old, Shape::GraylogRfc3164);
    assert!(run(&workspace, 14).contains("nothing was changed"), "it came back");
    assert_eq!(documents(&workspace), delivered(0..6));
}

#[test]
fn lines_that_the_engine_shows_later_are_read_by_the_next_run() {
    let engine = Engine::opensearch();
    let index = unique_name("unrefreshed");
    engine.create_index(&index, Shape::GraylogRfc3164, 1);
    engine.load(&index, &messages(0..2), Shape::GraylogRfc3164);
    // No automatic refresh: the test decides when.
    engine.request("PUT", &format!("/{index}/_settings"), json!({ "index": { "refresh_interval": "-1" } }));
    let hidden: Vec<RawLine> = messages(0..4).into_iter().filter(|l| l.text.contains("status=sent")).collect();
    let workspace = workspace(engine.url(), &index, SQLITE);
    for (n, line) in hidden.iter().skip(2).enumerate() {
        let document = json!({ "timestamp": line.time.utc().format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
            "source": line.host, "message": format!("{} {}", line.host, line.tagged()), "gl2_message_id": n.to_string() });
        engine.request("POST", &format!("/{index}/_doc"), document);
    }
    let first = run(&workspace, 5);
    assert!(first.contains("12 lines read: "), "{first}");
    assert_eq!(documents(&workspace), delivered(0..2));
    engine.request("POST", &format!("/{index}/_refresh"), Value::Null);
    let second = run(&workspace, 6);
    assert!(second.contains("2 lines read: "), "{second}");
    assert_eq!(documents(&workspace).len(), 4);
}

#[test]
fn lines_from_the_future_are_told_once_a_day_and_read_when_their_time_has_come() {
    let engine = Engine::opensearch();
    let index = unique_name("future");
    engine.load(&index, &messages(0..2), Shape::GraylogRfc3164);
    engine.load(&index, &messages(200..202), Shape::GraylogRfc3164);
    let workspace = workspace(engine.url(), &index, SQLITE);
    let told = "12 lines are stamped more than an hour in the future";
    assert!(run(&workspace, 5).contains(told));
    assert!(!run(&workspace, 20).contains(told));
    assert_eq!(documents(&workspace), delivered(0..2));
    run(&workspace, 210);
    assert_eq!(documents(&workspace), [delivered(0..2), delivered(200..202)].concat());
    assert!(!run(&workspace, 24 * 60 + 6).contains("in the future"), "nothing is ahead any more");
}

/// A `date_nanos` field ends in 2262, and the engine refuses to compare it with later times.
#[test]
fn times_in_nanoseconds_are_read_and_looked_ahead_in() {
    let engine = Engine::opensearch();
    let index = unique_name("nanoseconds");
    let keyword = json!({ "type": "keyword" });
    let properties = json!({
        "timestamp": { "type": "date_nanos" }, "message": { "type": "text" }, "source": keyword,
        "application_name": keyword, "gl2_message_id": keyword,
    });
    engine.request("PUT", &format!("/{index}"), json!({ "mappings": { "properties": properties } }));
    let lines = messages(0..2).into_iter().chain(messages(200..202));
    let documents_of_lines = lines.enumerate().map(|(n, line)| {
        let RawLine { time, host, program, pid, text } = line;
        let message = format!("{program}[{}]: {text}", pid.unwrap_or(1));
        let document = json!({
            "timestamp": time.to_string(), "source": host, "application_name": program, "message": message,
            "gl2_message_id": n.to_string(),
        });
        (None, document)
    });
    engine.index(&index, documents_of_lines);
    let workspace = workspace(engine.url(), &index, SQLITE);
    assert!(run(&workspace, 5).contains("12 lines are stamped more than an hour in the future"));
    assert_eq!(documents(&workspace), delivered(0..2));
}

#[test]
fn a_run_with_nothing_new_costs_one_search() {
    let engine = Engine::opensearch();
    let (index, alias) = (unique_name("quiet"), unique_name("transactions"));
    engine.load(&index, &messages(0..3), Shape::GraylogRfc3164);
    let (source, store) = (Proxy::before(engine.url()), Proxy::before(engine.url()));
    let to = format!("[store.elasticsearch]\nurl = {:?}\nindex = {alias:?}\nreplicas = 0\n", store.url());
    let workspace = workspace(source.url(), &index, &to);
    // A day later, so that the lookback is a whole day and crosses midnight.
    run(&workspace, 5);
    run(&workspace, 25 * 60);
    assert_eq!(documents(&workspace), delivered(0..3));
    source.take_asked();
    store.take_asked();
    run(&workspace, 25 * 60 + 15);
    let told = |proxy: &Proxy| -> Vec<String> {
        proxy.take_asked().into_iter().map(|a| format!("{} {}", a.method, a.path.replace(&index, "INDEX"))).collect()
    };
    let of_source = told(&source);
    assert!(of_source[0].starts_with("GET /INDEX/_field_caps?fields="), "{of_source:?}");
    assert_eq!(of_source[1..], ["POST /INDEX/_search"]);
    // Requests that ask whether the store still has what was written to it.
    let of_store = told(&store);
    let (marks, others): (Vec<_>, Vec<_>) = of_store.into_iter().partition(|asked| asked == "POST /_mget");
    assert!(others.iter().all(|asked| asked.starts_with("GET ")) && others.len() == 3, "{others:?}");
    assert_eq!(marks.len(), 1);
}

#[test]
fn as_many_late_lines_as_were_deleted_from_an_engine_are_read() {
    for engine in [Engine::opensearch(), Engine::elasticsearch()] {
        let index = unique_name("exchanged");
        engine.create_index(&index, Shape::GraylogRfc3164, 2);
        engine.load(&index, &messages(0..1), Shape::GraylogRfc3164);
        let workspace = workspace(engine.url(), &index, SQLITE);
        run(&workspace, 10);
        assert_eq!(documents(&workspace), delivered(0..1));
        assert!(run(&workspace, 12).starts_with("0 lines read"), "it is as it was");
        let found = engine.request("POST", &format!("/{index}/_search"), json!({ "size": 100 }));
        for hit in found["hits"]["hits"].as_array().expect("hits") {
            let id = hit["_id"].as_str().expect("an id");
            engine.request("DELETE", &format!("/{index}/_doc/{id}?refresh=true"), Value::Null);
        }
        let other = |line: RawLine| RawLine { text: line.text.replace("3A9C960900", "3A9C960977"), ..line };
        engine.load(&index, &messages(0..1).into_iter().map(other).collect::<Vec<_>>(), Shape::GraylogRfc3164);
        run(&workspace, 14);
        let mut found = documents(&workspace);
        found.sort();
        assert_eq!(found, ["3A9C960900 delivered", "3A9C960977 delivered"], "{}", engine.name());
    }
}
