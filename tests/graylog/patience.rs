//! A Graylog that is busy, down or closed to us: temporary failures are tried again, a refusal is not.

use crate::{
    answers::{Answer, Replay, counted, heard},
    setup::{Setup, sqlite},
    traps::{COUNT, EXPORT, FROM, TO, range, run, source, told},
};
use mailstitch::{
    error::{Kind, Result},
    model::Time,
    source::{Batch, CountingSource},
};
use std::time::Duration;

const STREAMS: &str = "/api/streams";
const VERSION: &str = "/api/";

/// The requests of one reading, and how errors name them.
const SORTS: [(&str, &str); 4] = [
    (COUNT, "cannot read lines"),
    (EXPORT, "cannot read lines"),
    (STREAMS, "cannot ask for the streams"),
    (VERSION, "cannot ask for the version"),
];

/// "Not now" as Graylog and proxies before it say it, and the part that the user sees.
fn busy() -> [(Answer, &'static str); 5] {
    let json = "Content-Type: application/json\nRetry-After: 0";
    let page = "Content-Type: text/html\nRetry-After: 0";
    let too_many = r#"{"type":"ApiError","message":"Too many requests"}"#;
    [
        (Answer::new("429 Too Many Requests", json, too_many), "Too many requests (429)"),
        (Answer::new("500 Internal Server Error", "Retry-After: 0", ""), "status 500"),
        (Answer::new("502 Bad Gateway", page, "<html>502 Bad Gateway</html>"), "status 502"),
        (Answer::new("503 Service Unavailable", page, "<html>down for maintenance</html>"), "status 503"),
        (Answer::new("504 Gateway Time-out", page, "<html>504 Gateway Time-out</html>"), "status 504"),
    ]
}

/// Reads 23 lines while one kind of request gets these answers; returns how often it was sent.
fn read(sort: &str, answers: impl Fn(Answer) -> Vec<Answer>) -> (Replay, Result<Batch>, usize) {
    let well = [
        (COUNT, counted(FROM, TO, 23)),
        (EXPORT, heard("7.0.1", "exp-csv")),
        (STREAMS, heard("7.0.1", "streams")),
        (VERSION, heard("7.0.1", "api-root-noauth")),
    ];
    let routes = well.map(|(path, answer)| (path, if path == sort { answers(answer) } else { vec![answer] }));
    let server = Replay::new(routes.into());
    let batch = run(source(&server, |_| ()).read(range(FROM, TO)));
    let sent = server.asked(sort).iter().filter(|asked| asked.path() == sort).count();
    (server, batch, sent)
}

#[test]
fn what_may_pass_is_asked_again() {
    for (busy, told) in busy() {
        for (sort, _) in SORTS {
            let (_, batch, sent) = read(sort, |well| vec![busy.clone(), busy.clone(), well]);
            let batch = batch.unwrap_or_else(|e| panic!("{sort}, {told}: {e}"));
            assert_eq!(batch.lines.len() + batch.noise.len(), 23, "{sort}, {told}");
            // Lines are counted before and after the export.
            assert_eq!(sent, if sort == COUNT { 4 } else { 3 }, "{sort}, {told}");
        }
    }
}

#[test]
fn what_does_not_pass_is_a_temporary_error() {
    for (busy, cause) in busy() {
        for (sort, doing) in SORTS {
            let (server, batch, sent) = read(sort, |_| vec![busy.clone()]);
            assert_eq!(told(&server, batch), format!("Temporary: {doing} on URL: {cause}"), "{sort}");
            assert_eq!(sent, 5, "{sort}, {cause}");
        }
    }
}

#[test]
fn a_server_that_asks_for_a_second_is_left_in_peace_for_it() {
    let busy = Answer::new("429 Too Many Requests", "Retry-After: 1", "");
    let (server, batch, _) = read(EXPORT, |well| vec![busy.clone(), well]);
    batch.unwrap();
    let asked = server.asked(EXPORT);
    // Without `Retry-After` the first wait is half a second.
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
}

#[test]
fn a_refusal_is_not_asked_again_and_says_what_to_click() {
    let token = "in Graylog open System, Users, the user's Edit Tokens, and put a token into `token_file`";
    let right = "in Graylog open Streams, More, Share and let the token's user view the stream";
    for (name, status, hint) in [("401-badtoken", "(401)", token), ("reader2-exp-badstream", "(403)", right)] {
        for (sort, doing) in SORTS {
            let (server, batch, sent) = read(sort, |_| vec![heard("7.0.1", name)]);
            let error = batch.expect_err("it was refused");
            assert_eq!((error.kind(), sent), (Kind::Permission, 1), "{sort}: {error}");
            let text = error.to_string();
            assert!(text.starts_with(&format!("{doing} on {}: ", server.url)) && text.ends_with(status), "{text}");
            assert!(error.hint_text().is_some_and(|text| text.starts_with(hint)), "{sort}: {:?}", error.hint_text());
        }
    }
}

/// Runs the program while one kind of request always gets this answer.
fn check_run(sort: &'static str, answer: Answer, code: i32, expected: &str) {
    let server = Replay::new(vec![(sort, vec![answer]), (STREAMS, vec![heard("7.0.1", "streams")])]);
    let table = format!("[source.graylog]\nurl = {:?}\ntoken = \"of-a-reader\"\nrate = 1000\n", server.url);
    let setup = Setup::new(&table, &sqlite(), "2m");
    let now = Time::parse_rfc3339(TO).expect("a time").to_string();
    let ran = setup.place.run(["-c", "config.toml", "--now", &now, "run"]);
    assert!(ran.stderr.contains(expected), "{expected}\nis not in\n{}", ran.stderr);
    assert_eq!(ran.code, code, "{}", ran.stderr);
}

#[test]
fn a_run_ends_with_75_where_the_next_may_do_better_and_with_77_where_somebody_must_act() {
    let [.., (busy, _), _] = busy();
    check_run(COUNT, busy, 75, ": status 503");
    check_run(STREAMS, heard("7.0.1", "401-badtoken"), 77, "was not accepted (401)");
    check_run(COUNT, heard("7.0.1", "sync-reader"), 77, "User doesn't have access to any streams (403)");
}
