//! The answer to a pivot over time, and whether it is complete.
//!
//! In: JSON, with HTTP status 200 even if the search failed.  Out: lines per bucket, or why the answer is not reliable.

use super::{
    HOUR_MS,
    query::{self, COUNT, PRINTS, ZONES_MS},
};
use crate::{
    model::{Range, Time},
    source::taking::MOST,
    window::Held,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The answer to a search.
#[derive(Debug, Deserialize)]
pub struct Answer {
    execution: Execution,
    #[serde(default)]
    results: BTreeMap<String, Results>,
    #[serde(default)]
    errors: Vec<Trouble>,
}

#[derive(Debug, Deserialize)]
struct Execution {
    done: bool,
    #[serde(default)]
    cancelled: bool,
    #[serde(default)]
    completed_exceptionally: bool,
}

#[derive(Debug, Deserialize)]
struct Results {
    #[serde(default)]
    execution_stats: Stats,
    #[serde(default)]
    search_types: BTreeMap<String, Pivot>,
    #[serde(default)]
    errors: Vec<Trouble>,
}

#[derive(Debug, Default, Deserialize)]
struct Stats {
    timestamp: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Trouble {
    description: String,
}

#[derive(Debug, Deserialize)]
struct Pivot {
    rows: Vec<Row>,
    effective_timerange: Option<TimeRange>,
}

#[derive(Debug, Deserialize)]
struct TimeRange {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    key: Vec<String>,
    values: Vec<Cell>,
}

#[derive(Debug, Deserialize)]
struct Cell {
    /// Ends with the name of the series; nothing comes before it, as no columns are asked for.
    #[serde(default)]
    key: Vec<String>,
    value: Option<f64>,
}

/// Lines per bucket, and the server's clock if the answer has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    pub buckets: BTreeMap<Time, Held>,
    /// All lines in the answer, with those at the end of the range if the server includes them.
    pub total: u64,
    pub now: Option<Time>,
}

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// Asking again may help.
    Short(String),
    /// The server does not understand the query.
    Query(String),
    /// An administrator limits how far back searches go.
    Limit,
}

impl Answer {
    /// The counts of `asked` by units of time, without the bucket that begins at its end.
    pub fn counted(self, asked: Range, unit_ms: i64) -> Result<Counted, Refused> {
        let short = |text: &str| Err(Refused::Short(text.to_owned()));
        let of_results = self.results.values().flat_map(|results| &results.errors);
        if let Some(trouble) = self.errors.iter().chain(of_results).next() {
            return Err(trouble.refused());
        }
        let Execution { done, cancelled, completed_exceptionally } = self.execution;
        if !done || cancelled || completed_exceptionally {
            return short("the search did not come to its end");
        }
        let Some(results) = self.results.into_values().next() else { return short("the search has no result") };
        let now = results.execution_stats.timestamp.as_deref().and_then(Time::parse_rfc3339);
        let Some(pivot) = results.search_types.into_values().next() else {
            return short("the search has no pivot");
        };
        let range = pivot.effective_timerange.as_ref().and_then(TimeRange::range);
        if range != Some(asked) {
            return Err(Refused::Limit);
        }
        pivot.buckets(asked, unit_ms).map_or_else(short, |(buckets, total)| Ok(Counted { buckets, total, now }))
    }
}

impl TimeRange {
    fn range(&self) -> Option<Range> {
        Some(Range { from: Time::parse_rfc3339(&self.from)?, to: Time::parse_rfc3339(&self.to)? })
    }
}

impl Trouble {
    fn refused(&self) -> Refused {
        let text = self.description.lines().map(str::trim).filter(|line| !line.is_empty());
        let text: String = text.collect::<Vec<_>>().join(" ").chars().take(300).collect();
        if text.contains("time range limit") {
            return Refused::Limit;
        }
        if query::is_not_understood(&text) {
            return Refused::Query(text);
        }
        Refused::Short(text)
    }
}

/// A count of lines: a whole number that is at most [`MOST`].
fn whole(value: f64) -> Option<u64> {
    exact(value).filter(|count| *count <= MOST)
}

/// A whole number that a float holds exactly.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative and below 2^53")]
fn exact(value: f64) -> Option<u64> {
    (value >= 0.0 && value.fract() == 0.0 && value < 9_007_199_254_740_992.0).then_some(value as u64)
}

impl Row {
    fn value(&self, series: &str) -> Option<f64> {
        self.values.iter().find(|cell| cell.key.last().is_some_and(|key| key == series))?.value
    }

    /// Both figures in one number, which can be added up like them. `None` for messages without sizes.
    fn print(&self) -> Option<u64> {
        let [sum, squares] = PRINTS.map(|(_, series)| self.value(series).and_then(exact));
        let (sum, squares) = (sum.filter(|sum| *sum > 0)?, squares?);
        // 2^64 divided by the golden ratio: a rise of one figure does not cancel a fall of the other.
        Some(sum.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(squares))
    }
}

impl Pivot {
    fn buckets(&self, asked: Range, unit_ms: i64) -> Result<(BTreeMap<Time, Held>, u64), &'static str> {
        let mut buckets = BTreeMap::new();
        let (mut sum, mut told) = (0, None);
        for row in &self.rows {
            let Some(count) = row.value(COUNT).and_then(whole) else {
                return Err("a bucket has no count");
            };
            match row.key.first() {
                None => told = Some(count),
                Some(key) => {
                    let Some(start) = Time::parse_rfc3339(key) else { return Err("a bucket has no time") };
                    // Some versions fill gaps between buckets with zeros.
                    if count == 0 {
                        continue;
                    }
                    // Days and hours begin where the server's zone has them, and one day a year has 25 hours.
                    let earliest = asked.from.plus(-unit_ms - HOUR_MS);
                    if start <= earliest || start > asked.to || start.0.rem_euclid(unit_ms.min(ZONES_MS)) != 0 {
                        return Err("a bucket came that was not asked for");
                    }
                    sum += count;
                    if start < asked.to && buckets.insert(start, Held { lines: count, print: row.print() }).is_some() {
                        return Err("a bucket came twice");
                    }
                }
            }
        }
        if told.is_some_and(|told| sum < told) {
            return Err("the counts per bucket add up to less than their total");
        }
        Ok((buckets, sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(answer: &str, expected: &str) {
        let time = |text| Time::parse_rfc3339(text).unwrap();
        let asked = Range { from: time("2026-11-22T20:00:00Z"), to: time("2026-11-22T20:02:00Z") };
        let answer: Answer = serde_json::from_str(answer).unwrap();
        let told = match answer.counted(asked, 60_000) {
            Ok(counted) => {
                counted.buckets.iter().map(|(t, held)| format!("{t} {}", held.lines)).collect::<Vec<_>>().join(", ")
            }
            Err(refused) => format!("{refused:?}"),
        };
        assert_eq!(told, expected);
    }

    fn pivot(rows: &str, to: &str) -> String {
        format!(
            r#"{{"execution":{{"done":true}},"results":{{"q1":{{"search_types":{{"p1":{{"rows":[{rows}],
            "effective_timerange":{{"from":"2026-11-22T20:00:00.000Z","to":"{to}"}}}}}},"errors":[]}}}}}}"#
        )
    }

    const FIRST: &str = r#"{"key":["2026-11-22T21:01:00.000+01:00"],"values":[{"key":["count()"],"value":7}]}"#;
    const AFTER: &str = r#"{"key":["2026-11-22T20:02:00.000Z"],"values":[{"key":["count()"],"value":1}]}"#;
    const SUM: &str = r#"{"key":[],"values":[{"key":["count()"],"value":8}]}"#;

    #[test]
    fn the_bucket_at_the_end_of_an_inclusive_window_is_left_out() {
        let rows = format!("{FIRST},{AFTER},{SUM}");
        check(&pivot(&rows, "2026-11-22T20:02:00.000Z"), "2026-11-22T20:01:00.000Z 7");
        check(&pivot("", "2026-11-22T20:02:00.000Z"), "");
        let gap = r#"{"key":["2026-11-22T20:00:00.000Z"],"values":[{"key":["count()"],"value":0}]}"#;
        check(&pivot(gap, "2026-11-22T20:02:00.000Z"), "");
    }

    #[test]
    fn other_lines_have_another_print_and_prints_add_up() {
        let print = |sizes: &[f64]| {
            let (sum, squares): (f64, f64) = (sizes.iter().sum(), sizes.iter().map(|size| size * size).sum());
            let [a, b] = PRINTS.map(|(_, series)| series);
            let row = json!({"key": ["2026-11-22T20:01:00.000Z"], "values": [{"key": [b], "value": squares},
                {"key": [COUNT], "value": sizes.len()}, {"key": [a], "value": sum}]});
            serde_json::from_value::<Row>(row).unwrap().print()
        };
        let all = [&[300.0, 310.0][..], &[305.0, 305.0], &[300.0], &[310.0], &[299.0, 311.0]].map(print);
        let [different, same, first, second, farther] = all.map(Option::unwrap);
        assert_ne!(different, same, "as many lines, as many bytes");
        assert_ne!(different, farther);
        assert_eq!(first.wrapping_add(second), different);
        assert_eq!(print(&[]), None);
    }

    #[test]
    fn a_narrowed_window_is_a_limit() {
        check(&pivot(FIRST, "2026-11-22T20:01:30.000Z"), "Limit");
    }

    #[test]
    fn a_search_that_did_not_end_well_has_no_counts() {
        for state in [
            r#""done":false"#,
            r#""done":true,"cancelled":true"#,
            r#""done":true,"cancelled":false,"completed_exceptionally":true"#,
        ] {
            let answer = pivot(FIRST, "2026-11-22T20:02:00.000Z").replace(r#""done":true"#, state);
            check(&answer, "Short(\"the search did not come to its end\")");
        }
    }

    #[test]
    fn a_bucket_that_nobody_asked_for_is_a_short_answer() {
        for key in ["21:03:00.000", "21:01:30.000", "19:00:00.000"] {
            let answer = pivot(&FIRST.replace("21:01:00.000", key), "2026-11-22T20:02:00.000Z");
            check(&answer, "Short(\"a bucket came that was not asked for\")");
        }
        check(&pivot(&format!("{FIRST},{FIRST}"), "2026-11-22T20:02:00.000Z"), "Short(\"a bucket came twice\")");
    }

    #[test]
    fn a_count_that_cannot_be_is_none() {
        for value in ["-1", "1.5", "1e300", "null"] {
            let row = FIRST.replace("\"value\":7", &format!("\"value\":{value}"));
            check(&pivot(&row, "2026-11-22T20:02:00.000Z"), "Short(\"a bucket has no count\")");
        }
    }

    #[test]
    fn buckets_that_are_missing_are_noticed_by_their_sum() {
        let rows = format!("{FIRST},{SUM}");
        let told = "Short(\"the counts per bucket add up to less than their total\")";
        check(&pivot(&rows, "2026-11-22T20:02:00.000Z"), told);
        check(
            &pivot(r#"{"key":["2026-11-22T20:01:00.000Z"],"values":[]}"#, "2026-11-22T20:02:00.000Z"),
            "Short(\"a bucket has no count\")",
        );
    }
}
