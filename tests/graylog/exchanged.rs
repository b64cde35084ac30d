//! Late lines that arrive where as many were deleted.

use crate::{
    common::RawLine,
    servers::Graylog,
    setup::{Setup, sqlite},
    whole_flow,
};
use mailstitch::model::Time;
use serde_json::Value;

/// Noon of a day in November.
const NOON: Time = Time(1_793_620_800_000);

/// The lines of a message to a recipient.
fn message(queue_id: &str, to: &str) -> Vec<String> {
    let line = |second: i64, program: &str, text: String| RawLine {
        time: NOON.plus(second * 1_000),
        host: "mx1.example.org".into(),
        program: format!("postfix/{program}"),
        pid: Some(4711),
        text,
    };
    let sent = format!("{queue_id}: to=<{to}>, relay=none, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)");
    let lines = [
        line(2, "cleanup", format!("{queue_id}: message-id=<{queue_id}@example.org>")),
        line(3, "qmgr", format!("{queue_id}: from=<a@example.org>, size=900, nrcpt=1 (queue active)")),
        line(50, "smtp", sent),
        line(59, "qmgr", format!("{queue_id}: removed")),
    ];
    lines.iter().map(RawLine::rfc5424).collect()
}

#[test]
fn as_many_late_lines_as_were_deleted_from_graylog_are_read() {
    let (graylog, _calm) = Graylog::shared();
    let sink = graylog.sink();
    sink.send(message("3A9C960900", "b@example.net"));
    let setup = Setup::new(&whole_flow::source(graylog, &sink, &graylog.url(), ""), &sqlite(), "1h");
    let recipients = |minutes: i64| {
        let now = NOON.plus(minutes * 60_000);
        setup.succeed(now, &["run"]);
        let documents = setup.export(now).into_iter().map(|line| serde_json::from_str::<Value>(&line).expect("JSON"));
        documents.map(|document| document["email"]["to"]["address"][0].as_str().expect("one").to_owned()).collect()
    };
    let found: Vec<String> = recipients(10);
    assert_eq!(found, ["b@example.net"]);
    sink.delete_all();
    sink.send(message("3A9C960977", "somebody.else@example.net"));
    let mut found: Vec<String> = recipients(12);
    found.sort();
    assert_eq!(found, ["b@example.net", "somebody.else@example.net"]);
}
