//! Counting by the older search, where a Graylog has no pivot.

use crate::{
    answers::{Answer, Replay, heard},
    traps::{COUNT, FROM, LEGACY, TO, range, run, server, source, told},
};
use mailstitch::source::CountingSource;

/// Answers of the older search where the pivot is refused; `totals` in the order of the requests.
fn without_pivot(refusal: Answer, totals: &[(&str, &str, u64)]) -> Replay {
    let answer = |(from, to, total): &(&str, &str, u64)| {
        let body = format!(r#"{{"total_results":{total},"from":"{from}","to":"{to}","messages":[]}}"#);
        Answer::json(&body)
    };
    server("7.0.1", vec![(COUNT, vec![refusal]), (LEGACY, totals.iter().map(answer).collect())])
}

#[test]
fn without_a_pivot_totals_are_halved_until_the_buckets_are_found() {
    let (a, b, c) = ("2026-11-22T19:00:00.000Z", "2026-11-22T20:00:00.000Z", "2026-11-22T21:00:00.000Z");
    for refusal in [heard("3.3.11", "404-nopath"), heard("7.0.1", "404-nopath")] {
        // Windows include their end: the line at 20:00 is also in the first half, so the moment of the end is counted
        // too.
        let totals = [(c, c, 0), (a, c, 7), (b, b, 1), (a, b, 3)];
        let server = without_pivot(refusal, &totals);
        let counts = run(source(&server, |_| ()).counts(range(FROM, TO), 3_600_000)).unwrap();
        let counts: Vec<(String, u64)> = counts.into_iter().map(|(time, n)| (time.to_string(), n)).collect();
        assert_eq!(counts, [(a.to_owned(), 2), (b.to_owned(), 5)]);
        let asked = &server.asked(LEGACY)[0].line;
        assert!(asked.contains("filter=streams%3A000000000000000000000001"), "{asked}");
        // A limit of 0 would mean 150.
        assert!(asked.contains("limit=1&"), "{asked}");
    }
}

#[test]
fn the_older_search_answers_500_to_a_query_that_it_does_not_understand() {
    let refused = |version, name| {
        let refusal = heard(version, name).with("Retry-After: 0");
        let server = server(version, vec![(COUNT, vec![heard("7.0.1", "404-nopath")]), (LEGACY, vec![refusal])]);
        told(&server, run(source(&server, |_| ()).counts(range(FROM, TO), 60_000)))
    };
    for version in ["3.3.11", "7.0.1"] {
        let told = refused(version, "uni-abs-badquery");
        assert!(told.starts_with("Config: cannot count lines on URL: "), "{version}: {told}");
        assert!(told.contains("arse") && told.ends_with(" (500)"), "{version}: {told}");
    }
    // The status is the same when its engine is down.
    let down = "Temporary: cannot count lines on URL: Failed to obtain results: Connection refused. (500)";
    assert_eq!(refused("7.0.1", "down-uni"), down);
}

#[test]
fn a_total_of_a_narrowed_window_is_an_error() {
    for (version, from, to) in [
        ("3.3.11", "2026-11-22T20:53:35.000Z", "2026-11-22T21:13:35.000Z"),
        ("7.0.1", "2026-11-22T20:58:13.000Z", "2026-11-22T21:18:13.000Z"),
    ] {
        let at_end = Answer::json(&format!(r#"{{"total_results":0,"from":"{to}","to":"{to}"}}"#));
        let narrowed = heard(version, "range-limit-5m-legacy-count");
        let routes = vec![(COUNT, vec![heard("7.0.1", "404-nopath")]), (LEGACY, vec![at_end, narrowed])];
        let server = server(version, routes);
        let counts = run(source(&server, |_| ()).counts(range(from, to), 60_000));
        let limited = "Config: cannot count lines on URL: Graylog limits how far back it searches";
        assert_eq!(told(&server, counts), limited, "{version}");
    }
}
