//! The answer to a search, and whether it is complete (law L6: a short answer is an error).

use super::{Body, Call, Cause, Client};
use crate::{
    error::{Error, Kind, Result},
    net::http::retry::{self, TRIES},
};
use reqwest::Method;
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use std::{fmt, marker::PhantomData};

/// A search answer. Documents stay raw until they are needed.
#[derive(Debug, Deserialize)]
pub struct Found {
    #[serde(default)]
    pub timed_out: bool,
    #[serde(rename = "_shards")]
    pub shards: Shards,
    /// Present for a pattern that names indices of other clusters (`far:graylog_*`).
    #[serde(rename = "_clusters", default)]
    pub clusters: Clusters,
    pub hits: Hits,
    /// Raw: most answers have none, and hostile nesting takes ten times its length in memory.
    aggregations: Option<Box<RawValue>>,
    /// The point in time to continue with, which may differ from the one sent.
    pub pit_id: Option<String>,
    #[serde(rename = "_scroll_id")]
    pub scroll_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Shards {
    pub total: u64,
    /// Includes skipped shards, which cannot hold anything that the search asks for.
    pub successful: u64,
    #[serde(default)]
    pub failed: u64,
    failures: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Clusters {
    #[serde(default)]
    pub total: u64,
    /// Clusters that did not answer and may be left out (`skip_unavailable`).
    #[serde(default)]
    pub skipped: u64,
}

#[derive(Debug, Default, Deserialize)]
pub struct Hits {
    /// Absent with `track_total_hits: false`.
    pub total: Option<Total>,
    #[serde(default, deserialize_with = "few")]
    pub hits: Vec<Hit>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Total {
    pub value: u64,
    /// `eq`, or `gte` when the engine stopped counting.
    pub relation: String,
}

/// One document found.
#[derive(Debug, Deserialize)]
pub struct Hit {
    #[serde(rename = "_id", default)]
    pub id: String,
    /// Present with `seq_no_primary_term`.
    #[serde(rename = "_seq_no")]
    pub seq_no: Option<u64>,
    #[serde(rename = "_primary_term")]
    pub primary_term: Option<u64>,
    #[serde(rename = "_source")]
    pub source: Option<Box<RawValue>>,
    /// Where the next page starts.
    sort: Option<Box<RawValue>>,
    /// Present with `docvalue_fields`.
    #[serde(default)]
    pub fields: Value,
}

/// Longest raw part of an answer that is parsed, in bytes; 65,535 buckets take less.
const PART: usize = 16 << 20;

/// The parsed part; `Null` if it is missing, too long or nested too deep.
fn part(raw: Option<&RawValue>) -> Value {
    let raw = raw.map(RawValue::get).filter(|text| text.len() <= PART);
    raw.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Most entries of a list: six pages of the largest size.
const ENTRIES: usize = 1 << 16;

/// A list of limited length: an answer could hold millions of tiny entries, each of which takes more memory than its
/// text.
pub fn few<'de, D, T>(deserializer: D) -> std::result::Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Few<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Few<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {ENTRIES}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Vec<T>, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = list.next_element()? {
                if entries.len() >= ENTRIES {
                    return Err(serde::de::Error::invalid_length(entries.len() + 1, &self));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    deserializer.deserialize_seq(Few(PhantomData))
}

impl Hit {
    /// The value to send as `search_after` for the next page.
    pub fn sort(&self) -> Value {
        match part(self.sort.as_deref()) {
            Value::Array(values) => Value::Array(values),
            _ => Value::Array(Vec::new()),
        }
    }
}

impl Shards {
    /// Why some shards failed; `None` if none did.
    pub fn trouble(&self) -> Option<String> {
        let failures = part(self.failures.as_deref());
        let reason = failures.get(0).map(|failure| Cause::of(failure.get("reason").unwrap_or(failure)).reason);
        let reason = reason.filter(|reason| !reason.is_empty()).map(|reason| format!(": {reason}")).unwrap_or_default();
        (self.failed > 0).then(|| format!("{} of {} shards failed{reason}", self.failed, self.total))
    }

    /// Why a search answer does not cover all shards. A shard that is on no living node does not count as failed and is
    /// not in `failures`. (A refresh counts the copies of a shard too, and a missing copy does no harm there.)
    pub fn short(&self) -> Option<String> {
        let missing = self.total.saturating_sub(self.successful);
        let missing = (missing > 0).then(|| format!("{missing} of {} shards are on no node that answers", self.total));
        self.trouble().or(missing)
    }
}

impl Found {
    /// Why the answer is incomplete; `None` if it is complete.
    pub fn trouble(&self) -> Option<String> {
        if self.timed_out {
            return Some("the search timed out and its answer is short".to_owned());
        }
        let Clusters { total, skipped } = self.clusters;
        if skipped > 0 {
            return Some(format!("{skipped} of {total} clusters did not answer and were skipped"));
        }
        self.shards.short()
    }

    /// The aggregations; `Null` if there are none.
    pub fn aggregations(&self) -> Value {
        part(self.aggregations.as_deref())
    }

    /// The exact number of matching documents; `None` if the engine stopped counting.
    pub fn total(&self) -> Option<u64> {
        self.hits.total.as_ref().filter(|total| total.relation == "eq").map(|total| total.value)
    }
}

impl Client {
    /// Searches and returns a complete answer.
    ///
    /// # Errors
    /// `Temporary` for an answer that stays short, else as [`Answer::failure`](crate::net::http::Answer::failure).
    pub async fn search(&self, doing: &str, path: &str, body: &Value) -> Result<Found> {
        self.whole(Call::new(doing, Method::POST, path, Body::Json(body))).await
    }

    /// As [`search`](Self::search), for any call that answers like one. A short answer is tried again, as the next may
    /// be complete.
    pub async fn whole(&self, call: Call<'_>) -> Result<Found> {
        let mut failed = 0;
        loop {
            let answer = self.send(&call).await?;
            let found: Found = answer.json(call.doing)?;
            let Some(cause) = found.trouble() else { return Ok(found) };
            let error = answer.error(Kind::Temporary, call.doing).because(cause);
            failed += 1;
            if !call.may_repeat() || failed >= TRIES {
                return Err(error);
            }
            tracing::debug!("{error}; trying again");
            retry::note(1);
            tokio::time::sleep(retry::wait(failed, None)).await;
        }
    }

    /// An error about what a search found; it names the configured addresses.
    pub fn search_error(&self, kind: Kind, doing: &str) -> Error {
        Error::new(kind, format!("{doing} on {}", self.addresses().join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Option<&str>) {
        let found: Found = serde_json::from_str(json).unwrap();
        assert_eq!(found.trouble().as_deref(), expected);
    }

    #[test]
    fn a_search_that_timed_out_is_short() {
        check(
            r#"{"timed_out":true,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"total":{"value":7,"relation":"eq"},"hits":[]}}"#,
            Some("the search timed out and its answer is short"),
        );
    }

    #[test]
    fn a_failed_shard_makes_the_answer_short() {
        check(
            r#"{"timed_out":false,"_shards":{"total":4,"successful":3,"failed":1,"failures":[{"shard":2,"reason":{"type":"x","reason":"rejected execution"}}]},"hits":{"hits":[]}}"#,
            Some("1 of 4 shards failed: rejected execution"),
        );
    }

    #[test]
    fn a_shard_that_nobody_has_makes_the_answer_short() {
        check(
            r#"{"timed_out":false,"_shards":{"total":3,"successful":2,"skipped":0,"failed":0},"hits":{"hits":[]}}"#,
            Some("1 of 3 shards are on no node that answers"),
        );
    }

    #[test]
    fn a_cluster_that_was_skipped_makes_the_answer_short() {
        check(
            r#"{"timed_out":false,"_clusters":{"total":2,"successful":1,"skipped":1},"_shards":{"total":1,"successful":1,"failed":0},"hits":{"hits":[]}}"#,
            Some("1 of 2 clusters did not answer and were skipped"),
        );
    }

    #[test]
    fn skipped_shards_are_no_failure() {
        check(
            r#"{"timed_out":false,"_shards":{"total":4,"successful":4,"skipped":3,"failed":0},"hits":{"hits":[]}}"#,
            None,
        );
    }

    #[test]
    fn a_total_that_is_only_a_lower_bound_is_none() {
        let found: Found = serde_json::from_str(
            r#"{"_shards":{"total":1,"successful":1},"hits":{"total":{"value":10000,"relation":"gte"},"hits":[]}}"#,
        )
        .unwrap();
        assert_eq!(found.total(), None);
    }
}
