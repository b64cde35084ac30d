//! Answers of real Graylogs that are not what they seem; each of them has misled somebody.
//!
//! Exports of the fixtures have the columns `timestamp, source, message, gl2_message_id`; the settings ask for the
//! same.

use crate::{
    answers::{Answer, Replay, counted, cut, cut_after, heard},
    contract::settings,
};
use mailstitch::{
    config::GraylogSource,
    error::{Error, Result},
    model::{Range, Time},
    source::{Batch, CountingSource, graylog::Graylog},
    stitch::{self, Rules},
};
use std::time::Duration;

const VERSIONS: [&str; 5] = ["3.3.11", "4.3.6", "5.1.13", "6.1.4", "7.0.1"];
pub const FROM: &str = "2026-11-22T19:00:00.000Z";
pub const TO: &str = "2026-11-22T21:00:00.000Z";
pub const DEFAULT: &str = "000000000000000000000001";
pub const COUNT: &str = "/api/views/search/sync";
pub const EXPORT: &str = "/api/views/search/messages";
pub const LEGACY: &str = "/api/search/universal/absolute";

pub fn range(from: &str, to: &str) -> Range {
    Range { from: Time::parse_rfc3339(from).unwrap(), to: Time::parse_rfc3339(to).unwrap() }
}

/// A server of this version with these answers to requests for messages.
pub fn server(version: &str, mut routes: Vec<(&'static str, Vec<Answer>)>) -> Replay {
    routes.push(("/api/streams", vec![heard(version, "streams")]));
    routes.push(("/api/", vec![heard(version, "api-root-noauth")]));
    Replay::new(routes)
}

pub fn source(server: &Replay, change: impl FnOnce(&mut GraylogSource)) -> Graylog {
    let mut settings = settings(server.url.clone(), "token-of-a-reader".into(), vec![DEFAULT.into()]);
    // The message doubles as the program and its id as the process id, so that the columns fit.
    settings.fields.program = "message".into();
    settings.fields.pid = "gl2_message_id".into();
    change(&mut settings);
    Graylog::new(settings, mailstitch::model::Intake::default(), Duration::from_secs(86_400)).unwrap()
}

pub fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn told<T>(server: &Replay, result: Result<T>) -> String {
    let error: Error = result.err().expect("an error");
    format!("{:?}: {}", error.kind(), error.to_string().replace(&server.url, "URL"))
}

/// An export between counts of `before` and `after`.
fn exported(version: &str, export: Answer, before: u64, after: u64) -> (Replay, Result<Batch>) {
    let counts = [before, after].map(|total| counted(FROM, TO, total)).to_vec();
    // Each attempt counts twice.
    let server =
        server(version, vec![(COUNT, counts.iter().cycle().take(6).cloned().collect()), (EXPORT, vec![export])]);
    let batch = run(source(&server, |_| ()).read(range(FROM, TO)));
    (server, batch)
}

#[track_caller]
fn check_short(version: &str, export: Answer, before: u64, expected: &str) {
    let (server, batch) = exported(version, export, before, before);
    assert_eq!(told(&server, batch), format!("Temporary: cannot read lines on URL: {expected}"), "{version}");
    assert_eq!(server.asked(EXPORT).len(), 3, "a short answer is asked for again");
}

#[test]
fn every_version_gives_the_same_lines() {
    for version in VERSIONS {
        let (server, batch) = exported(version, heard(version, "exp-csv"), 23, 23);
        let batch = batch.unwrap_or_else(|e| panic!("{version}: {e}"));
        let mut lines: Vec<String> = batch
            .lines
            .iter()
            .map(|l| format!("{} {}[{}]: {}", l.host, l.program, l.pid.unwrap_or(0), l.text))
            .collect();
        lines.sort();
        assert_eq!(batch.lines.len() + batch.noise.len(), 23, "{version}");
        let warning = "mx1 postfix/cleanup[2140]: 4Zk3Yp1qS9z5vK: warning: header Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= \
                       \"quoted, comma; and \\backslash\" from mail.example.org[192.0.2.10]; from=<joe@example.org> \
                       to=<ann@example.net> proto=ESMTP helo=<mail.example.org>";
        let raw = "mx1raw postfix/smtpd[2134]: connect from mail.example.org[192.0.2.10]";
        for expected in [warning, raw, "mx3 postfix/qmgr[911]: 4Zk3Yp1qS9z5vM: removed"] {
            assert!(lines.iter().any(|line| line == expected), "{version} lacks {expected}: {lines:#?}");
        }
        let asked = &server.asked(EXPORT)[0];
        for asked in [asked, &server.asked(COUNT)[0]] {
            assert!(asked.headers.contains("x-requested-by: "), "{version}");
            // "token-of-a-reader:token".
            assert!(asked.headers.contains("authorization: basic dg9rzw4tb2ytys1yzwfkzxi6dg9rzw4=\r\n"), "{version}");
        }
        // Graylog refuses to export as JSON, with a 406 or 415.
        assert!(asked.headers.contains("accept: text/csv\r\n"), "{version}");
        // Without a `T` and a zone, the answer is a 400 or for another time.
        let timerange = serde_json::json!({"type": "absolute", "from": FROM, "to": TO});
        assert_eq!(asked.body["timerange"], timerange, "{version}");
        // No limit in the request means no limit.
        assert!(asked.body.get("limit").is_none(), "{version}");
        // Without streams, a missing right gives an empty answer.
        assert_eq!(asked.body["streams"], serde_json::json!([DEFAULT]), "{version}");
        // `*` is a 400 in newer versions.
        assert_eq!(asked.body["query_string"]["query_string"], "", "{version}");
        // 3.3 answers 400 to this key; 4.3 and later use the user's zone without it.
        let zone = (version != "3.3.11").then(|| "UTC".into());
        assert_eq!(asked.body.get("time_zone"), zone.as_ref(), "{version}");
    }
}

#[test]
fn stamps_in_the_zone_of_the_user_are_the_same_times() {
    for version in ["5.1.13", "6.1.4", "7.0.1"] {
        let rows = |name| {
            let (_, batch) = exported(version, heard(version, name), 23, 23);
            let mut times: Vec<Time> = batch.unwrap().lines.iter().map(|line| line.time).collect();
            times.sort();
            times
        };
        assert_eq!(rows("exp-timezone"), rows("exp-csv"), "{version}");
    }
}

fn rows(stamp: &str, count: usize) -> Answer {
    let names = "\"timestamp\",\"source\",\"message\",\"gl2_message_id\"\n";
    let row = format!("\"{stamp}\",\"mx1\",\"mx1 postfix/qmgr[1]: 4F1A2B3C4D: removed\",\"x\"\n");
    Answer::new("200 OK", "Content-Type: text/csv", &format!("{names}{}", row.repeat(count)))
}

#[test]
fn rows_without_end_stop_at_what_was_counted_and_may_have_arrived() {
    check_short("7.0.1", rows(FROM, 12_000), 7, "more than 10014 rows came where Graylog counted 7");
}

#[test]
fn rows_of_other_times_are_no_answer() {
    let told = format!("7 of 7 lines are not of the time asked for, {FROM} to {TO}");
    check_short("7.0.1", rows("2026-11-23T19:00:00.000Z", 7), 7, &told);
}

#[test]
fn an_engine_that_is_down_answers_200() {
    let told = "a row of 1 columns came where 4 were asked for: `java.net.ConnectException: Connection refused`";
    check_short("7.0.1", heard("7.0.1", "down-exp"), 23, told);
}

#[test]
fn other_columns_than_those_asked_for_are_no_export() {
    // One row less than there are lines, as if the first line were the header row.
    let told = "a row of 3 columns came where 4 were asked for: `timestampsourcemessage`";
    check_short("4.3.6", heard("4.3.6", "exp-empty"), 23, told);
}

/// Settings with the columns of the broken exports.
fn three_columns(settings: &mut GraylogSource) {
    settings.fields.host = "gl2_message_id".into();
}

fn broken(version: &str, export: Answer, total: u64) -> String {
    let server = server(version, vec![(COUNT, vec![counted(FROM, TO, total)]), (EXPORT, vec![export])]);
    let within = range(FROM, TO);
    told(&server, run(source(&server, three_columns).read(within)))
}

#[test]
fn an_engine_that_dies_in_the_middle_ends_the_export_with_a_row() {
    let told = broken("7.0.1", heard("7.0.1", "midfail-engine"), 200_000);
    let row = "org.graylog.shaded.opensearch2.org.apache.http.ConnectionClosedException: Connection is closed";
    assert_eq!(
        told,
        format!("Temporary: cannot read lines on URL: a row of 1 columns came where 3 were asked for: `{row}`")
    );
}

#[test]
fn an_engine_that_dies_in_the_middle_ends_the_export_of_3_3_in_silence() {
    let told = broken("3.3.11", heard("3.3.11", "midfail-engine"), 200_000);
    let counts = "rows came where Graylog counted 200000 before and 200000 after";
    assert!(told.starts_with("Temporary: ") && told.ends_with(counts), "{told}");
}

#[test]
fn a_graylog_that_dies_in_the_middle_leaves_the_body_incomplete() {
    let whole = broken("7.0.1", heard("7.0.1", "midfail-graylog"), 200_000);
    assert!(whole.contains("rows came where"), "{whole}");
    let told = broken("7.0.1", cut(heard("7.0.1", "midfail-graylog")), 200_000);
    assert!(told.starts_with("Temporary: cannot read lines on URL: "), "{told}");
    assert!(!told.contains("rows came where"), "{told}");
}

#[test]
fn what_a_broken_off_export_brought_is_void() {
    // Cut off between rows, where the counts would allow so few rows: only the end of the body is missing.
    let broken = || cut_after(heard("7.0.1", "exp-csv"), 12);
    let answered = |exports| {
        let counts = [10, 15, 23].map(|total| counted(FROM, TO, total)).into();
        let server = server("7.0.1", vec![(COUNT, counts), (EXPORT, exports)]);
        let batch = run(source(&server, |_| ()).read(range(FROM, TO)));
        (server, batch)
    };
    let (server, batch) = answered(vec![broken(), heard("7.0.1", "exp-csv")]);
    let batch = batch.unwrap();
    assert_eq!((batch.lines.len() + batch.noise.len(), server.asked(EXPORT).len()), (23, 2));
    let (server, batch) = answered(vec![broken()]);
    let told = told(&server, batch);
    assert!(told.starts_with("Temporary: cannot read lines on URL: "), "{told}");
    assert!(!told.contains("row"), "{told}");
    assert_eq!(server.asked(EXPORT).len(), 3);
}

#[test]
fn no_rows_may_mean_anything() {
    for version in ["4.3.6", "5.1.13", "6.1.4", "7.0.1"] {
        let told = "0 rows came where Graylog counted 23 before and 23 after";
        check_short(version, heard(version, "exp-unknownstream"), 23, told);
    }
    // A query that 3.3 does not understand.
    check_short("3.3.11", heard("3.3.11", "exp-badquery"), 7, "0 rows came where Graylog counted 7 before and 7 after");
}

#[test]
fn a_chunk_too_large_is_an_answer_of_200() {
    for version in ["4.3.6", "5.1.13", "6.1.4", "7.0.1"] {
        let (server, batch) = exported(version, heard(version, "exp-chunk20000"), 23, 23);
        let told = told(&server, batch);
        assert!(told.contains("a row of 1 columns came where 4 were asked for: `"), "{version}: {told}");
        assert!(told.contains("must be less than or equal to: [10000]"), "{version}: {told}");
    }
}

#[test]
fn lines_may_arrive_during_an_export_but_none_may_leave() {
    let rows = |before, after| {
        exported("7.0.1", heard("7.0.1", "exp-csv"), before, after).1.map(|b| b.lines.len() + b.noise.len())
    };
    assert_eq!(rows(20, 25).ok(), Some(23));
    assert!(rows(24, 30).is_err(), "fewer rows than there were before");
    assert!(rows(10, 22).is_err(), "more rows than there were after");
}

#[test]
fn rows_in_any_order_give_the_same_documents() {
    // 3.3 has no order of rows; 5.1 and 6.1 reverse the messages of one moment.
    let documents = |export| {
        let (_, batch) = exported("3.3.11", export, 23, 23);
        let (rules, mut lines) = (Rules::default(), batch.unwrap().lines);
        stitch::unite(&mut lines);
        assert!(lines.is_sorted_by_key(|line| line.time.second()), "what lies before a window is told by its place");
        let mut documents: Vec<_> = stitch::gather(&lines, |_| false, &rules).documents(&rules).collect();
        documents.sort_by(|a, b| a.mail.id.cmp(&b.mail.id));
        documents
    };
    let export = heard("3.3.11", "exp-csv");
    let expected = documents(export.clone());
    assert!(!expected.is_empty());
    assert_eq!(documents(export.reversed()), expected);
}

#[test]
fn a_row_at_the_end_of_the_window_belongs_to_the_next() {
    // The three lines at 19:42:00 lie at the end of an inclusive window.
    let to = "2026-11-22T19:42:00.000Z";
    let counts = vec![counted(FROM, to, 23)];
    let server = server("7.0.1", vec![(COUNT, counts), (EXPORT, vec![heard("7.0.1", "exp-csv")])]);
    let batch = run(source(&server, |_| ()).read(range(FROM, to))).unwrap();
    assert!(batch.lines.iter().all(|line| line.time < range(FROM, to).to));
    // Four rows are of later times, which no server sends for this window: they are reported, and count as noise.
    assert_eq!(batch.lines.len() + batch.noise.len(), 16 + 4);
}

#[test]
fn a_sample_is_not_rounded_up_to_a_chunk() {
    let hour_ago = "2026-11-22T20:00:00.000Z";
    let counts = vec![counted("2026-11-21T21:00:00.000Z", TO, 23), counted(hour_ago, TO, 23)];
    let export = vec![heard("4.3.6", "exp-csv")];
    let server = server("4.3.6", vec![(COUNT, counts), (EXPORT, export)]);
    let rows = run(source(&server, |settings| settings.page_size = 5000).check(range(FROM, TO).to));
    let fields = rows.into_iter().find(|row| row.what == "message fields").expect("a sample");
    assert_eq!(fields.found, Ok("23 of 23 messages are lines, 23 of a mail server, 20 of these understood".to_owned()));
    let asked = &server.asked(EXPORT)[0].body;
    assert_eq!((&asked["limit"], &asked["chunk_size"]), (&100.into(), &100.into()));
}

#[test]
fn an_html_page_is_no_export() {
    for version in ["6.1.4", "7.0.1"] {
        let told = "the answer is `text/html` and not the export that was asked for";
        check_short(version, heard(version, "404-nopath"), 23, told);
    }
}

#[test]
fn a_pivot_tells_the_counts_of_its_buckets() {
    for (version, name, from, to) in [
        ("3.3.11", "pivot-per-minute", "2026-11-22T20:57:37.000Z", "2026-11-22T21:12:37.000Z"),
        ("7.0.1", "pivot-per-minute-field", "2026-11-22T21:02:43.000Z", "2026-11-22T21:17:43.000Z"),
    ] {
        let server = server(version, vec![(COUNT, vec![heard(version, name)])]);
        let counts = run(source(&server, |_| ()).counts(range(from, to), 60_000)).unwrap();
        assert_eq!((counts.len(), counts.values().sum::<u64>()), (6, 3000), "{version}");
        let asked = &server.asked(COUNT)[0].body["queries"][0];
        assert_eq!(asked["filter"]["filters"][0]["id"], DEFAULT, "{version}");
        assert_eq!(asked["search_types"][0]["row_groups"][0]["interval"]["timeunit"], "1m", "{version}");
        assert_eq!(asked["search_types"][0]["rollup"], true, "{version}");
        assert_eq!(server.asked(COUNT).len(), 1, "one request");
    }
}

#[test]
fn a_pivot_of_3_3_without_rollup_has_no_counts() {
    let (from, to) = ("2026-11-21T21:13:35.000Z", "2026-11-22T21:13:35.000Z");
    let server = server("3.3.11", vec![(COUNT, vec![heard("3.3.11", "pivot-per-hour-stream-filter")])]);
    let counts = run(source(&server, |_| ()).counts(range(from, to), 3_600_000));
    assert_eq!(told(&server, counts), "Temporary: cannot count lines on URL: a bucket has no count");
}

fn count(version: &str, answer: Answer) -> String {
    let server = server(version, vec![(COUNT, vec![answer])]);
    told(&server, run(source(&server, |_| ()).counts(range(FROM, TO), 60_000)))
}

#[test]
fn a_range_that_is_not_the_one_asked_for_is_an_error() {
    let told = "Config: cannot count lines on URL: Graylog limits how far back it searches";
    assert_eq!(count("7.0.1", heard("7.0.1", "range-limit-5m-pivot")), told);
    // The server answers for another window.
    assert_eq!(count("7.0.1", heard("7.0.1", "pivot-per-minute-field")), told);
}

#[test]
fn a_query_that_is_not_understood_is_an_answer_of_200() {
    for version in VERSIONS {
        let told = count(version, heard(version, "sync-badquery"));
        assert!(told.starts_with("Config: cannot count lines on URL: "), "{version}: {told}");
        assert!(told.contains("arse"), "{version}: {told}");
    }
    for (version, name) in [("4.3.6", "exp-badquery"), ("5.1.13", "exp-star"), ("7.0.1", "exp-leadingwild")] {
        let (server, batch) = exported(version, heard(version, name), 23, 23);
        assert!(told(&server, batch).starts_with("Config: "), "{version}");
    }
}

#[test]
fn a_stream_that_may_not_be_read_is_told() {
    let refused = heard("7.0.1", "reader2-exp-badstream");
    let (server, batch) = exported("7.0.1", refused, 23, 23);
    let told = told(&server, batch);
    let message = "The search is referencing at least one stream you are not permitted to see. (403)";
    assert_eq!(told, format!("Permission: cannot read lines on URL: {message}"));
    let told = count("3.3.11", heard("3.3.11", "exp-reader-stream"));
    assert_eq!(told, format!("Permission: cannot count lines on URL: {message}"));
    let told = count("7.0.1", heard("7.0.1", "sync-reader"));
    assert_eq!(told, "Permission: cannot count lines on URL: User doesn't have access to any streams (403)");
}

#[test]
fn a_stream_is_found_by_its_title_among_those_that_may_be_read() {
    let named = |version, title: &str| {
        let counts = vec![counted(FROM, TO, 0)];
        let server = server(version, vec![(COUNT, counts)]);
        let counts = run(source(&server, |s| s.streams = vec![title.into()]).counts(range(FROM, TO), 60_000));
        counts.map(|_| server.asked(COUNT)[0].body["queries"][0]["filter"]["filters"][0]["id"].clone())
    };
    for (version, title) in [("3.3.11", "All messages"), ("7.0.1", "Default Stream")] {
        assert_eq!(named(version, title).unwrap(), DEFAULT);
        let error = named(version, "mail").unwrap_err();
        assert!(error.to_string().contains(&format!("only `{title}`")), "{error}");
    }
}

#[test]
fn a_stream_named_by_its_id_must_be_one_that_may_be_read() {
    // A search of it would answer 200 with nothing.
    let streams = vec![("/api/streams", vec![heard("7.0.1", "reader2-streams")])];
    let server = Replay::new(streams);
    let counts =
        run(source(&server, |s| s.streams = vec!["6b0345345174a5302de03999".into()]).counts(range(FROM, TO), 1));
    let told = told(&server, counts);
    let only = "there is none of that name that the user may read, only `Default Stream`";
    assert_eq!(told, format!("Config: cannot read stream `6b0345345174a5302de03999` on URL: {only}"));
}

#[test]
fn who_may_read_no_stream_gets_nothing_and_is_told() {
    let server = Replay::new(vec![("/api/streams", vec![Answer::json(r#"{"total":0,"streams":[]}"#)])]);
    let counts = run(source(&server, |settings| settings.streams.clear()).counts(range(FROM, TO), 60_000));
    assert_eq!(told(&server, counts), "Permission: cannot read streams on URL: the user may read none");
}

#[test]
fn without_names_all_streams_are_read_but_those_of_graylogs_own_events() {
    for version in VERSIONS {
        let server = server(version, vec![(COUNT, vec![counted(FROM, TO, 0)])]);
        run(source(&server, |settings| settings.streams.clear()).counts(range(FROM, TO), 60_000)).unwrap();
        let filters = &server.asked(COUNT)[0].body["queries"][0]["filter"]["filters"];
        assert_eq!(*filters, serde_json::json!([{"type": "stream", "id": DEFAULT}]), "{version}");
    }
}

#[test]
fn a_token_that_is_not_valid_is_told() {
    for version in VERSIONS {
        let refused = heard(version, if version == "3.3.11" { "401-badpass" } else { "401-badtoken" });
        let routes = vec![("/api/streams", vec![refused]), ("/api/", vec![heard(version, "api-root-noauth")])];
        let server = Replay::new(routes);
        let counts = run(source(&server, |_| ()).counts(range(FROM, TO), 60_000));
        let told = told(&server, counts);
        let why = "the token, or the user name and password, was not accepted (401)";
        assert_eq!(told, format!("Permission: cannot ask for the streams on URL: {why}"), "{version}");
    }
}

#[test]
fn a_page_of_another_server_is_no_graylog() {
    let server = Replay::new(vec![
        ("/api/views", vec![counted(FROM, TO, 23)]),
        ("/api/streams", vec![heard("7.0.1", "streams")]),
        ("/api/", vec![heard("7.0.1", "404-nopath")]),
    ]);
    let batch = run(source(&server, |_| ()).read(range(FROM, TO)));
    assert_eq!(told(&server, batch), "Config: cannot ask for the version on URL: this is no Graylog");
}

#[test]
fn programs_are_asked_for_without_a_leading_wildcard() {
    let server = server("7.0.1", vec![(COUNT, vec![counted(FROM, TO, 0)])]);
    let source = source(&server, |settings| {
        settings.fields.program = "application_name".into();
        settings.programs = ["postfix/smtp", "sendmail", "/smtpd", "/qmgr"].map(String::from).to_vec();
        settings.query = Some("source:mx*".into());
    });
    run(source.counts(range(FROM, TO), 60_000)).unwrap();
    let query = &server.asked(COUNT)[0].body["queries"][0]["query"]["query_string"];
    let expected = r#"(application_name:postfix\/smtp* OR application_name:sendmail* OR application_name:/.*(\/smtpd|\/qmgr)/ OR (NOT _exists_:application_name AND message:("postfix/smtp" OR "sendmail" OR "/smtpd" OR "/qmgr"))) AND (source:mx*)"#;
    assert_eq!(query, expected);
}
