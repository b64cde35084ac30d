//! Checks and reads the answer of a counting search, without side effects.
//!
//! The ledger remembers counts, so a bucket that was not asked for must not get into it.

use crate::{
    model::{Range, Time},
    net::elastic::search::Found,
    source::taking::MOST,
    window::Held,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Lines per bucket.
///
/// # Errors
/// Why the answer does not fit the request.
pub fn counted(found: &Found, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, Held>, String> {
    let answered = found.aggregations();
    let buckets = answered.pointer("/buckets/buckets").and_then(Value::as_array);
    let mut counts = BTreeMap::new();
    let mut sum = 0;
    for bucket in buckets.into_iter().flatten() {
        let start = bucket.get("key").and_then(Value::as_i64).map(Time);
        let count = bucket.get("doc_count").and_then(Value::as_u64).filter(|count| *count <= MOST);
        let (Some(start), Some(count)) = (start, count) else {
            return Err(format!("a bucket is none: {:.100}", bucket.to_string()));
        };
        let touches = start < within.to && start.0.saturating_add(bucket_ms) > within.from.0;
        if !touches || start.0.rem_euclid(bucket_ms) != 0 {
            return Err(format!("a bucket begins at {start}, where none was asked for"));
        }
        let held = Held { lines: count, print: bucket.pointer("/print/value").and_then(super::print) };
        if counts.insert(start, held).is_some() {
            return Err(format!("the bucket at {start} came twice"));
        }
        sum += count;
    }
    counts.retain(|_, held| held.lines > 0);
    match found.total() {
        Some(total) if total == sum => Ok(counts),
        _ => Err(format!("the counts per bucket add up to {sum}, which is not the total")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(buckets: Value, total: u64, expected: &str) {
        let answer = json!({"_shards": {"total": 1, "successful": 1}, "hits": {"total": {"value": total, "relation": "eq"}},
            "aggregations": {"buckets": {"buckets": buckets}}});
        let found: Found = serde_json::from_str(&answer.to_string()).unwrap();
        let told = match counted(&found, Range { from: Time(90_000), to: Time(240_000) }, 60_000) {
            Ok(counts) => counts
                .iter()
                .map(|(start, count)| format!("{} {}", start.0, count.lines))
                .collect::<Vec<_>>()
                .join(", "),
            Err(cause) => cause,
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn buckets_of_the_range_are_counts() {
        check(json!([{"key": 60_000, "doc_count": 2}, {"key": 180_000, "doc_count": 3}]), 5, "60000 2, 180000 3");
        check(json!([]), 0, "");
    }

    #[test]
    fn a_bucket_that_nobody_asked_for_is_a_short_answer() {
        for start in [0, 240_000, -60_000, i64::MAX / 60_000 * 60_000] {
            let told = format!("a bucket begins at {}, where none was asked for", Time(start));
            check(json!([{"key": start, "doc_count": 2}]), 2, &told);
        }
        check(
            json!([{"key": 61_000, "doc_count": 2}]),
            2,
            "a bucket begins at 1970-01-01T00:01:01.000Z, where none was asked for",
        );
    }

    #[test]
    fn a_count_that_cannot_be_is_none() {
        for count in [json!(-1), json!(1.5), json!(u64::MAX), json!("2"), json!(null)] {
            let told = format!("a bucket is none: {{\"doc_count\":{count},\"key\":60000}}");
            check(json!([{"key": 60_000, "doc_count": count}]), 2, &told);
        }
        check(json!([{"key": 1e300, "doc_count": 1}]), 1, "a bucket is none: {\"doc_count\":1,\"key\":1e+300}");
    }

    #[test]
    fn a_bucket_that_comes_twice_and_a_wrong_total_are_short() {
        let twice = json!([{"key": 60_000, "doc_count": 2}, {"key": 60_000, "doc_count": 2}]);
        check(twice, 4, "the bucket at 1970-01-01T00:01:00.000Z came twice");
        check(json!([]), 7, "the counts per bucket add up to 0, which is not the total");
    }
}
