//! Tests of incoming sessions, with the lines of one smtpd.

use super::{
    super::tests::{check, check_open, shared},
    SAID,
};
use crate::stitch::session::Role;

/// A log of one smtpd from `SECOND TEXT` lines; `C!` and `D!` stand for two clients, `TLS!` for the TLS line of the first.
fn smtpd(lines: &[&str]) -> String {
    let line = |line: &&str| {
        let (second, text) = line.split_once(' ').expect("a second and a text");
        let text = text.replace("C!", "c.example.org[192.0.2.7]").replace("D!", "d.example.org[192.0.2.8]");
        let text = text.replace(
            "TLS!",
            "Anonymous TLS connection established from c.example.org[192.0.2.7]: TLSv1.3 with cipher X (256/256 bits)",
        );
        format!("{second} mx1 postfix/smtpd[11]: {text}\n")
    };
    lines.iter().map(line).collect()
}

const WARN: &str = "NOQUEUE: warn: RCPT from C!: beware; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
const PASSED: &str = "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 7C1D2E3F40; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
const PASSED_TOO: &str = "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 8C1D2E3F40; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
const SPAM: &str =
    "proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";

#[track_caller]
fn check_lines(lines: &[&str], taken: &[[u32; 2]], context: &[[u32; 3]]) {
    check(&smtpd(lines), taken, context);
}

#[test]
fn a_session_is_in_force_for_each_message_and_a_warning_for_the_next_one() {
    check_lines(
        &[
            "0 connect from C!",
            "1 TLS!",
            &format!("2 {WARN}"),
            "3 4F1A2B3C4D: client=C!",
            "4 5F1A2B3C4D: client=C!",
            "5 6F1A2B3C4D: client=C!",
            "6 disconnect from C!",
        ],
        &[[3, 0], [3, 1], [3, 2], [4, 0], [4, 1], [5, 0], [5, 1]],
        // Context: without the message before, the warning would belong to the later one.
        &[[4, 2, 3], [5, 2, 4]],
    );
}

/// Some lines of the session are more than ten minutes older than the message.
#[test]
fn each_line_of_a_session_reaches_ten_minutes() {
    let before = ["0 connect from C!", "1 TLS!", &format!("2 {WARN}")];
    for (at, taken) in [
        ("600", &[[3, 0], [3, 1], [3, 2]][..]),
        ("600.001", &[[3, 1], [3, 2]]),
        ("601.001", &[[3, 2]]),
        ("602", &[[3, 2]]),
        ("602.001", &[]),
    ] {
        let client = format!("{at} 4F1A2B3C4D: client=C!");
        check_lines(&[before[0], before[1], before[2], &client], taken, &[]);
    }
    for (at, context) in [("602", &[[2, 0, 1]][..]), ("602.001", &[])] {
        let warn = format!("2 {WARN}");
        let client = format!("{at} 5F1A2B3C4D: client=C!");
        check_lines(&[&warn, "3 4F1A2B3C4D: client=C!", &client], &[[1, 0]], context);
    }
}

#[test]
fn a_message_has_the_session_of_its_own_client() {
    check_lines(
        &["1 connect from C!", "2 connect from D!", "3 4F1A2B3C4D: client=C!", "4 5F1A2B3C4D: client=D!"],
        &[[2, 0], [3, 1]],
        &[],
    );
}

/// Two short sessions in one second leave one copy of each line that they have in common.
#[test]
fn a_session_lasts_to_the_end_of_the_second_of_its_end() {
    check_lines(&["1.1 connect from C!", "1.2 disconnect from C!", "1.9 4F1A2B3C4D: client=C!"], &[[2, 0]], &[]);
    // The next session may have begun in the same second, with the same lines; they are context.
    check_lines(
        &["1.1 connect from C!", "1.2 TLS!", "1.3 disconnect from C!", "2 4F1A2B3C4D: client=C!"],
        &[],
        &[[3, 0, 2], [3, 1, 2]],
    );
    check_lines(&["1.1 connect from C!", "2.1 disconnect from C!", "3 4F1A2B3C4D: client=C!"], &[], &[]);
    check_lines(&["1.1 connect from C!", "1.3 disconnect from C!", "601.1 4F1A2B3C4D: client=C!"], &[], &[[2, 0, 1]]);
    check_lines(&["1.1 connect from C!", "1.3 disconnect from C!", "601.2 4F1A2B3C4D: client=C!"], &[], &[]);
}

/// With stamps of whole seconds, a client that comes back at once seems to connect before it disconnects.
#[test]
fn a_client_that_comes_back_in_the_moment_in_which_it_left_has_a_new_session() {
    check_lines(
        &[
            "1 connect from C!",
            "2 4F1A2B3C4D: client=C!",
            "5 connect from C!",
            "5 disconnect from C!",
            "6 5F1A2B3C4D: client=C!",
            "7 disconnect from C!",
            "8 6F1A2B3C4D: client=C!",
        ],
        &[[1, 0], [4, 2]],
        &[[4, 0, 3]],
    );
    // If the first session is not known, the `disconnect` is taken for that of the second.
    check_lines(&["5 connect from C!", "5 disconnect from C!", "6 5F1A2B3C4D: client=C!"], &[], &[[2, 0, 1]]);
    // The `disconnect` of the first session was lost; the later one ends the second session.
    check_lines(
        &["1 connect from C!", "5 connect from C!", "7 disconnect from C!", "8 5F1A2B3C4D: client=C!"],
        &[],
        &[],
    );
}

/// The set of the message has no lines so long before it, so the stretch must not use them either.
#[test]
fn a_session_that_began_more_than_ten_minutes_ago_explains_no_end() {
    let lines = |at| format!("{at} 5F1A2B3C4D: client=C!");
    let before = ["1 connect from C!", "500 connect from C!", "500 disconnect from C!"];
    check_lines(&[before[0], before[1], before[2], &lines("601")], &[[3, 1]], &[[3, 0, 2]]);
    check_lines(&[before[0], before[1], before[2], &lines("601.001")], &[], &[[3, 1, 2]]);
}

#[test]
fn of_very_many_warnings_a_message_has_the_last() {
    for many in [SAID, SAID + 1, 3 * SAID / 2, 2 * SAID, 5 * SAID / 2] {
        let warn =
            |n: usize| format!("{}.{:03} {}", n / 1000, n % 1000, WARN.replace("beware", &format!("beware {n}")));
        let mut lines: Vec<String> = (0..many).map(warn).collect();
        lines.push("9 4F1A2B3C4D: client=C!".into());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let taken = shared(&smtpd(&lines), None).pairs;
        assert!(taken.iter().all(|pair| (pair.own as usize, pair.role) == (many, Role::Taken)));
        let first = taken.iter().map(|pair| pair.other as usize).min();
        assert_eq!((taken.len(), first), (SAID, Some(many - SAID)));
    }
}

/// The answers of a filter before the queue name no client.
#[test]
fn an_answer_of_a_filter_is_about_the_last_client_that_was_handed_to_it() {
    check_lines(
        &[
            "0 connect from C!",
            "1 NOQUEUE: client=C!",
            &format!("2 {WARN}"),
            &format!("3 {PASSED}"),
            "4 NOQUEUE: client=C!",
            &format!("5 {PASSED_TOO}"),
            &format!("6 {SPAM}"),
        ],
        &[[3, 0], [3, 1], [3, 2], [5, 0], [5, 4], [6, 0], [6, 4]],
        &[[5, 2, 3]],
    );
    check_lines(
        &[
            "0 connect from C!",
            "1 NOQUEUE: client=C!",
            "2 disconnect from C!",
            "3 connect from D!",
            "4 NOQUEUE: client=D!",
            &format!("5 {PASSED}"),
            &format!("6 {SPAM}"),
        ],
        &[[5, 3], [5, 4], [6, 3], [6, 4]],
        &[],
    );
    // A message that smtpd queues itself does not take the `NOQUEUE: client=` of the filter.
    check_lines(&["0 connect from C!", "1 NOQUEUE: client=C!", "2 4F1A2B3C4D: client=C!"], &[[2, 0]], &[]);
}

/// The answer is in no set, so it must not change anything for lines that are.
#[test]
fn an_answer_that_names_no_message_takes_nothing() {
    check_lines(
        &[
            "0 NOQUEUE: client=C!",
            &format!("1 {WARN}"),
            "2 proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok; proto=ESMTP helo=<c>",
            &format!("3 {PASSED}"),
        ],
        &[[3, 0], [3, 1]],
        &[],
    );
}

#[test]
fn an_answer_of_a_filter_is_not_about_a_client_that_is_gone() {
    let spam = |at: &str| format!("{at} {SPAM}");
    let passed = |at: &str| format!("{at} {PASSED}");
    let gone = ["0.1 connect from C!", "0.2 NOQUEUE: client=C!", "0.5 disconnect from C!"];
    for answer in [spam, passed] {
        check_lines(&[gone[0], gone[1], gone[2], &answer("0.9")], &[[3, 0], [3, 1]], &[]);
        check_lines(&[gone[0], gone[1], gone[2], &answer("1")], &[], &[]);
    }
    // The client seems to have come back, but there is no line of the new session that shows how.
    check_lines(&[gone[0], gone[2], &format!("5 {WARN}"), &spam("6")], &[], &[]);
    // If there are two clients, the answer is for the one that is still connected.
    check_lines(&["0 connect from C!", "1 connect from D!", "2 disconnect from D!", &spam("3")], &[[3, 0]], &[]);
}

#[test]
fn an_answer_of_a_filter_comes_within_ten_minutes() {
    let before = ["0 connect from C!", "1 NOQUEUE: client=C!", "500 TLS!"];
    check_lines(&[before[0], before[1], before[2], &format!("601 {PASSED}")], &[[3, 1], [3, 2]], &[]);
    // The `NOQUEUE: client=` is too old then, so the client is not known.
    check_lines(&[before[0], before[1], before[2], &format!("601.001 {PASSED}")], &[], &[]);
    check_lines(&[before[0], before[1], &format!("600 {SPAM}")], &[[2, 0], [2, 1]], &[]);
    check_lines(&[before[0], before[1], &format!("601 {SPAM}")], &[[2, 1]], &[]);
    check_lines(&[before[0], before[1], &format!("601.001 {SPAM}")], &[], &[]);
}

#[test]
fn an_open_session_may_get_further_messages() {
    let log = smtpd(&[
        "0 connect from C!",
        "1 TLS!",
        &format!("2 {WARN}"),
        "3 4F1A2B3C4D: client=C!",
        &format!("4 {WARN}"),
        "5 5F1A2B3C4D: client=C!",
        "7 disconnect from C!",
    ]);
    check_open(&log, 0, &[]);
    check_open(&log, 1000, &[0]);
    check_open(&log, 2001, &[0, 1, 2]);
    // The arrival stays open too: without it, the next message would take the warning.
    check_open(&log, 4000, &[0, 1, 2, 3]);
    check_open(&log, 4001, &[0, 1, 2, 3, 4]);
    check_open(&log, 5001, &[0, 1, 4, 5]);
    check_open(&log, 7000, &[0, 1, 4, 5]);
    // Nothing stays open after the `disconnect`: later lines belong to another session.
    check_open(&log, 7001, &[]);
    check_open(&smtpd(&["0 connect from C!", "1 NOQUEUE: client=C!"]), 9000, &[0, 1]);
    assert_eq!(shared(&log, None).open, [] as [u32; 0]);
}

/// See `a_session_lasts_to_the_end_of_the_second_of_its_end`.
#[test]
fn of_sessions_that_ended_in_one_second_the_last_may_tell_of_the_next() {
    let log = smtpd(&[
        "0.1 connect from D!",
        "0.2 disconnect from D!",
        "1.1 connect from C!",
        "1.2 TLS!",
        "1.3 disconnect from C!",
        "2.1 4F1A2B3C4D: client=C!",
    ]);
    check_open(&log, 1000, &[0, 1]);
    check_open(&log, 2000, &[2, 3, 4]);
    check_open(&log, 3000, &[2, 3, 4]);
}

#[test]
fn the_end_of_a_former_session_stays_open_with_the_next_one() {
    let log = smtpd(&["1 connect from C!", "5 connect from C!", "5 disconnect from C!"]);
    check_open(&log, 5000, &[0]);
    check_open(&log, 6000, &[0, 1, 2]);
}

/// The next session may have begun in the second in which one ended; what is older than ten minutes no window reads.
#[test]
fn of_a_session_that_ended_lines_of_the_last_ten_minutes_are_context() {
    for (at, context) in [("600", &[[3, 0, 2], [3, 1, 2]][..]), ("601", &[[3, 1, 2]])] {
        let arrival = format!("{at} 4F1A2B3C4D: client=C!");
        check_lines(&["0 connect from C!", "590 TLS!", "590 disconnect from C!", &arrival], &[], context);
    }
}

/// Without the first `connect`, the `disconnect` ends the second session, and TLS is of a third.
#[test]
fn what_follows_the_end_of_a_former_session_is_taken_whether_that_one_is_known_or_not() {
    for (at, taken, context) in [("600", &[[4, 1], [4, 3]][..], &[[4, 0, 2]]), ("600.001", &[[4, 3]], &[[4, 1, 2]])] {
        let arrival = format!("{at} 4F1A2B3C4D: client=C!");
        let lines = ["0 connect from C!", "25 connect from C!", "25 disconnect from C!", "26 TLS!", &arrival];
        check_lines(&lines, taken, context);
        if at == "600.001" {
            let known: Vec<[u32; 2]> = taken.iter().map(|pair| pair.map(|n| n - 1)).collect();
            check_lines(&lines[1..], &known, &[[3, 0, 1]]);
        }
    }
    // Within the second of the `disconnect` the session is the same one.
    let lines = ["0 connect from C!", "601 connect from C!", "601 disconnect from C!", "601 4F1A2B3C4D: client=C!"];
    check_lines(&lines, &[[3, 1]], &[]);
    check_lines(&lines[1..], &[[2, 0]], &[]);
}
