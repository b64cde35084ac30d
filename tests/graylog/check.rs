//! `check` for Graylog: refuses what cannot work, and says what to click.

use crate::{
    common::{Ran, RawLine},
    servers::{Graylog, Sink},
    setup::{Setup, sqlite},
    whole_flow::source,
};
use mailstitch::model::Time;
use serde_json::{Value, json};

const LIMIT: &str = "/api/system/cluster_config/org.graylog2.indexer.searches.SearchesClusterConfig";

/// Sends a line of the current minute.
fn send_one(sink: &Sink<'_>) {
    send(sink, "postfix/qmgr");
}

fn send(sink: &Sink<'_>, program: &str) {
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock of today").as_millis();
    let time = Time(i64::try_from(now).expect("a time"));
    let text = "4Zk3Yp1qS9z5vK: removed".to_owned();
    let line = RawLine { time, host: "mx1.example.org".into(), program: program.into(), pid: Some(7), text };
    sink.send([line.rfc5424()]);
}

fn check(source: &str) -> Ran {
    Setup::new(source, &sqlite(), "1s").place.run(["-c", "config.toml", "check"])
}

#[track_caller]
fn has(ran: &Ran, row: &str) {
    assert!(ran.stdout.contains(row), "{row}\nis not in\n{}{}", ran.stdout, ran.stderr);
}

#[test]
fn all_is_well() {
    let (graylog, _calm) = Graylog::shared();
    let sink = graylog.sink();
    send_one(&sink);
    let ran = check(&source(graylog, &sink, &graylog.url(), ""));
    has(&ran, &format!("✔ source: Graylog reachable: Graylog 3.3.11 on {}\n", graylog.url()));
    has(&ran, &format!("✔ source: token valid, streams readable: `{}`\n", sink.title));
    has(&ran, "✔ source: searchable range: reaches back 14days\n");
    // The number depends on how busy the machine is.
    has(&ran, "✔ source: clock: ");
    has(&ran, "✔ source: lines of the last hour: 1\n");
    has(&ran, "✔ source: message fields: 1 of 1 messages are lines, 1 of a mail server, 1 of these understood\n");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
}

#[test]
fn lines_of_any_instance_are_asked_for_and_those_of_other_programs_are_not() {
    let (graylog, _calm) = Graylog::shared();
    let sink = graylog.sink();
    for program in ["mta-out/qmgr", "postfix-in/qmgr", "cron"] {
        send(&sink, program);
    }
    let ran = check(&source(graylog, &sink, &graylog.url(), ""));
    has(&ran, "✔ source: message fields: 2 of 2 messages are lines, 2 of a mail server, 2 of these understood\n");
}

#[test]
fn fields_of_other_names_are_told() {
    let (graylog, _calm) = Graylog::shared();
    let sink = graylog.sink();
    send_one(&sink);
    let ran = check(&source(
        graylog,
        &sink,
        &graylog.url(),
        "programs = []\n[source.graylog.fields]\nprogram = \"program\"\n",
    ));
    has(
        &ran,
        "✖ source: message fields: 0 of 1 messages are lines, 0 of a mail server, 0 of these understood; 1 more look like a mail server's: set the names of the fields under",
    );
    assert_eq!(ran.code, 78);
}

#[test]
fn a_stream_that_the_token_may_not_read_is_refused() {
    let (graylog, _calm) = Graylog::shared();
    let (mine, other) = (graylog.sink(), graylog.sink());
    let table = source(graylog, &mine, &graylog.url(), "").replace(&mine.title, &other.title);
    let ran = check(&table);
    has(&ran, &format!("✖ source: token valid, streams readable: cannot read stream `{}`", other.title));
    has(
        &ran,
        &format!("there is none of that name that the user may read, only `{}` (in Graylog open Streams", mine.title),
    );
    assert_eq!(ran.code, 78);
}

#[test]
fn a_token_that_is_none_is_refused() {
    let (graylog, _calm) = Graylog::shared();
    let ran = check(&format!("[source.graylog]\nurl = {:?}\ntoken = \"none\"\n", graylog.url()));
    has(&ran, "was not accepted (401) (in Graylog open System, Users, the user's Edit Tokens");
    assert_eq!(ran.code, 78);
}

#[test]
fn a_searchable_range_that_is_too_short_is_refused() {
    let (graylog, _alone) = Graylog::alone();
    let sink = graylog.sink();
    let before = graylog.request("GET", LIMIT, Value::Null);
    let mut limited = before.clone();
    limited["query_time_range_limit"] = json!("PT5M");
    graylog.request("PUT", LIMIT, limited);
    let ran = check(&source(graylog, &sink, &graylog.url(), ""));
    graylog.request("PUT", LIMIT, before);
    has(&ran, "✖ source: searchable range: ");
    has(
        &ran,
        "Graylog searches only 5m back, and runs look back `horizon`, 14days (in Graylog open System, Configurations",
    );
    assert_eq!(ran.code, 78);
}
