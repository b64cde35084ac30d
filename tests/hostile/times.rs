//! Timestamps at and beyond the limits of the calendar, and files of an older mailstitch with such times.

use super::{LINE, check_all_commands, documents, run, workspace};
use rusqlite::Connection;

/// Timestamps outside of the years 1970 to 9999, in UTC or in their own zone.
const BEYOND: [&str; 9] = [
    "0000-01-01T00:00:00+12:00",
    "0000-02-29T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00+00:01",
    "9999-12-31T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59.999999999Z",
];
/// Timestamps at the limits of what is kept.
const WITHIN: [&str; 3] = ["1970-01-01T00:00:00Z", "9999-12-30T23:59:59.999Z", "9999-12-31T11:59:58+12:00"];

fn lines(stamps: &[&str]) -> String {
    let line = |(n, stamp): (usize, &&str)| {
        let host = "mx1";
        let id = format!("4F1A2B3C4{n:X}");
        format!(
            "{stamp} {host} postfix/smtpd[9]: connect from a.example.net[192.0.2.7]\n\
             {stamp} {host} postfix/smtpd[9]: NOQUEUE: reject: RCPT from a.example.net[192.0.2.7]: 554 5.7.1 <b@example.org>: \
             Relay access denied; from=<c@example.net> to=<b@example.org> proto=ESMTP helo=<a>\n\
             {stamp} {host} postfix/smtp[9]: {id}: to=<b@example.org>, relay=none, delay=9999999999, \
             delays=0/0/0/9999999999, dsn=4.4.1, status=deferred (connect to b.example.org[192.0.2.8]:25: refused)\n\
             {stamp} {host} postfix/qmgr[9]: {id}: removed\n"
        )
    };
    stamps.iter().enumerate().map(line).collect()
}

#[test]
fn a_stamp_beyond_the_calendar_is_noise_that_is_counted_and_told() {
    let workspace = workspace();
    workspace.write("mail.log", format!("{}{LINE}", lines(&BEYOND)));
    let ran = run(&workspace, &["-v", "run"]);
    let noise = 4 * BEYOND.len();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("{} lines read: 1 used, 0 known and unused, {noise} unrec", noise + 1)));
    assert!(ran.stderr.contains(&format!("{noise} lines were not used: their times lie outside")), "{}", ran.stderr);
    assert_eq!(documents(&workspace).len(), 1);
    check_all_commands(&workspace);
    assert_eq!(documents(&workspace).len(), 1);
}

#[test]
fn at_the_ends_of_the_calendar_everything_works() {
    let workspace = workspace();
    workspace.write("mail.log", format!("{}{LINE}", lines(&WITHIN)));
    check_all_commands(&workspace);
    assert_eq!(documents(&workspace).len(), 2 * WITHIN.len() + 1);
}

#[test]
fn delays_and_sizes_of_any_length_stop_nothing() {
    let workspace = workspace();
    let numbers = ["1e300", "99999999999", "9999999999.999", "nan", "inf", "-1", "18446744073709551615", "0/0"];
    let line = |(n, number): (usize, &&str)| {
        let (stamp, id) = ("2026-11-03T00:00:01Z", format!("4F1A2B3C4{n:X}"));
        format!(
            "{stamp} mx1 postfix/qmgr[9]: {id}: from=<a@example.org>, size={number}, nrcpt={number} (queue active)\n\
             {stamp} mx1 postfix/smtp[9]: {id}: to=<b@example.org>, relay=none, delay={number}, \
             delays={number}/{number}/{number}/{number}, dsn=4.4.1, status=deferred (no)\n\
             {stamp} mx1 sm-mta[9]: 4A302jV7{n:06}: from=<a@example.org>, size={number}, class=0, nrcpts={number}, \
             msgid=<1@example.org>, proto=ESMTP, daemon=MTA, relay=a [192.0.2.7]\n\
             {stamp} mx1 sm-mta[9]: 4A302jV7{n:06}: to=<b@example.org>, delay={number}, xdelay={number}, mailer=esmtp, \
             pri={number}, relay=b. [192.0.2.8], dsn=4.0.0, stat=Deferred\n\
             {stamp} mx1 spamd[9]: spamd: result: Y {number} - A scantime={number},size={number},user=a,mid=<1@example.org>\n"
        )
    };
    workspace.write("mail.log", numbers.iter().enumerate().map(line).collect::<String>());
    check_all_commands(&workspace);
    let exported = run(&workspace, &["export"]).stdout;
    for text in exported.lines() {
        let document: serde_json::Value = serde_json::from_str(text).expect("a document");
        let longs = ["/mail/size", "/mail/nrcpt", "/mail/attempts", "/event/duration"];
        for number in longs.iter().filter_map(|place| document.pointer(place)) {
            assert!(number.as_i64().is_some(), "an engine's long does not hold {number}");
        }
    }
}

/// Written by mailstitch 0.1 after the lines `0000-01-01T00:00:00+12:00 …` and `9999-12-31T23:59:59-12:00 …`.
const LEDGER: &str = r#"{"version":1,"fingerprint":"FINGERPRINT","watermark":"+10000-01-01T11:59:59.000Z","position":{"files":[]},"open":[{"id":"33363fbee354095d32012f9b9cdeb8f3","time":"+10000-01-01T11:59:59.000Z","host":"mx1","program":"postfix/qmgr","pid":9,"text":"4F1A2B3C50: removed"}],"tally":{"used":4,"unused":0,"unrecognised":0,"duplicate":0}}"#;
const HISTORY: &str = r#"{"version":1,"totals":{"succeeded":1,"failed":{},"tally":{"used":4,"unused":0,"unrecognised":0,"duplicate":0},"created":3,"updated":0,"deleted":0,"retries":0,"last_success":"2026-11-04T00:00:00.000Z"},"runs":[{"at":"2026-11-04T00:00:00.000Z","took_ms":96,"retries":0,"tally":{"used":4,"unused":0,"unrecognised":0,"duplicate":0},"created":3,"updated":0,"deleted":0,"journeys":0,"span":{"from":"-0001-12-31T12:00:00.000Z","to":"+10000-01-01T11:59:59.000Z"},"stopped":false}]}"#;

#[test]
fn files_of_an_older_mailstitch_with_times_that_nobody_reads_are_healed() {
    let workspace = workspace();
    workspace.write("mail.log", LINE);
    workspace.write("state/checkpoint.json", LEDGER);
    workspace.write("state/history.json", HISTORY);
    check_all_commands(&workspace);
    let ledger = std::fs::read_to_string(workspace.file("state/checkpoint.json")).expect("a ledger");
    assert!(ledger.contains(r#""watermark":"2026-11-03T00:00:01.000Z""#), "{ledger}");
    assert!(!ledger.contains("10000") && !ledger.contains("9999-"), "{ledger}");
}

#[test]
fn documents_of_an_older_mailstitch_with_times_that_nobody_reads_are_read() {
    let workspace = workspace();
    workspace.write("mail.log", LINE);
    assert_eq!(run(&workspace, &["run"]).code, 0);
    let exported = run(&workspace, &["export"]).stdout;
    let odd = exported.replace("2026-11-03T00:00:01.000Z", "+10000-01-01T11:59:59.000Z");
    let database = Connection::open(workspace.file("mail.sqlite")).expect("the database");
    let blob = zstd::bulk::compress(odd.trim_end().as_bytes(), 1).expect("memory");
    let changed = database.execute("UPDATE transactions SET blob = ?1, start_ms = 253402343999000", [blob]);
    assert_eq!(changed.expect("it"), 1);
    drop(database);
    check_all_commands(&workspace);
    let exported = run(&workspace, &["export"]).stdout;
    assert!(exported.contains("9999-12-31T23:59:59.999Z"), "{exported}");
}
