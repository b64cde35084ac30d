//! Gets and searches: sends what `query.rs` asks and makes documents of the answers.
//!
//! An alias without an index yet is an empty store, not an error.

use super::{Elasticsearch, month, query};
use crate::{
    elastic::{
        Body, Call, Cause, Method, in_path,
        search::{Found, Hit},
    },
    error::{Kind, Result},
    model::{Range, Time, Transaction},
    store::{Census, Page, QueueKey, Search, Stored, Summary, Traces, Version, matching::take},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use std::collections::{BTreeMap, BTreeSet};

/// Queue ids of one search. Engines take 65,536 terms; a page of answers is read before the next are asked.
const TERMS: usize = 1000;
/// Ids of documents that a search leaves out; a server takes 65,536 (`index.max_terms_count`), and each costs a look-up.
const KNOWN: usize = 10_000;

/// Documents of one `_mget`.
const GETS: usize = 250;

#[derive(Deserialize)]
struct Gets {
    docs: Vec<Got>,
}

#[derive(Deserialize)]
struct Got {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    found: bool,
    #[serde(rename = "_seq_no")]
    seq_no: Option<u64>,
    #[serde(rename = "_primary_term")]
    primary_term: Option<u64>,
    #[serde(rename = "_source")]
    source: Option<Box<RawValue>>,
    error: Option<Value>,
}

/// What `query::census` is answered with.
#[derive(Deserialize)]
struct KindBucket {
    /// A document of somebody else behind the alias may have any.
    key: String,
    status: StatusBuckets,
}

#[derive(Deserialize)]
struct StatusBuckets {
    buckets: Vec<StatusBucket>,
}

#[derive(Deserialize)]
struct StatusBucket {
    key: String,
    doc_count: u64,
}

impl Elasticsearch {
    pub(super) async fn get_all(&self, ids: &[String]) -> Result<Vec<Stored>> {
        let doing = self.doing("read from");
        let mut stored = Vec::new();
        let alias = &self.settings.index;
        let known: Vec<Value> =
            ids.iter().filter_map(|id| Some(json!({"_index": month::index_of(alias, id)?, "_id": id}))).collect();
        for chunk in known.chunks(GETS) {
            let body = json!({"docs": chunk});
            let gets: Gets = self.client.json(Call::new(&doing, Method::POST, "_mget", Body::Json(&body))).await?;
            if gets.docs.len() != chunk.len() {
                let cause = format!("{} documents were asked for and {} answered", chunk.len(), gets.docs.len());
                return Err(self.client.search_error(Kind::Temporary, &doing).because(cause));
            }
            for got in gets.docs {
                stored.extend(self.got(got, &doing)?);
            }
        }
        Ok(stored)
    }

    fn got(&self, got: Got, doing: &str) -> Result<Option<Stored>> {
        if let Some(error) = &got.error {
            let cause = Cause::of(error);
            if cause.kind == "index_not_found_exception" {
                return Ok(None);
            }
            let kind = if cause.kind == "security_exception" { Kind::Permission } else { Kind::Temporary };
            return Err(self.client.search_error(kind, doing).because(cause.reason));
        }
        if !got.found {
            return Ok(None);
        }
        let version = version(got.seq_no, got.primary_term);
        Ok(self.stored(&got.id, got.source.as_deref(), version))
    }

    pub(super) async fn find_all(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Stored>> {
        let wanted: BTreeSet<(&str, &str)> =
            keys.iter().map(|key| (key.queue_id.as_str(), key.host.as_str())).collect();
        let mut queue_ids: Vec<&str> = wanted.iter().map(|key| key.0).collect();
        queue_ids.dedup();
        let mut stored = Vec::new();
        for chunk in queue_ids.chunks(TERMS) {
            stored.extend(self.all_pages(|after| query::find(chunk, within, after)).await?);
        }
        stored.retain(|document| {
            let queue_id = document.transaction.email.local_id.as_deref().unwrap_or_default();
            wanted.contains(&(queue_id, document.transaction.host.name.as_str()))
        });
        Ok(stored)
    }

    pub(super) async fn find_all_ids(&self, keys: &[QueueKey], within: Range) -> Result<Vec<String>> {
        let doing = self.doing("search");
        let queue_ids: BTreeSet<&str> = keys.iter().map(|key| key.queue_id.as_str()).collect();
        let queue_ids: Vec<&str> = queue_ids.into_iter().collect();
        let mut ids = Vec::new();
        for chunk in queue_ids.chunks(TERMS) {
            let mut after: Option<String> = None;
            loop {
                let found = self.search_alias(&doing, &query::find_ids(chunk, within, after.as_deref())).await?;
                after = next(&found, query::IDS_PAGE);
                ids.extend(found.hits.hits.into_iter().map(|hit| hit.id));
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(ids)
    }

    pub(super) async fn find_neighbours(&self, traces: &Traces) -> Result<Vec<Stored>> {
        let Traces { queue_ids, message_ids, within, known } = traces;
        let mut stored: BTreeMap<String, Stored> = BTreeMap::new();
        let by_id = queue_ids.chunks(TERMS).map(|chunk| (chunk, &[][..]));
        for (ids, message_ids) in by_id.chain(message_ids.chunks(TERMS).map(|chunk| (&[][..], chunk))) {
            // What an earlier chunk found need not come again.
            let known: Vec<&str> = known.iter().chain(stored.keys()).map(String::as_str).take(KNOWN).collect();
            let found = self.all_pages(|after| query::neighbours(ids, message_ids, *within, &known, after)).await?;
            stored.extend(found.into_iter().map(|document| (document.transaction.mail.id.clone(), document)));
        }
        stored.retain(|id, _| !known.contains(id));
        Ok(stored.into_values().collect())
    }

    /// All documents of a query that is read page by page.
    async fn all_pages(&self, query: impl Fn(Option<&str>) -> Value) -> Result<Vec<Stored>> {
        let doing = self.doing("search");
        let mut stored = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let found = self.search_alias(&doing, &query(after.as_deref())).await?;
            after = next(&found, query::PAGE);
            stored.extend(found.hits.hits.iter().filter_map(|hit| self.hit(hit)));
            if after.is_none() {
                return Ok(stored);
            }
        }
    }

    pub(super) async fn search_for(&self, search: &Search) -> Result<Vec<Transaction>> {
        let doing = self.doing("search");
        let mut transactions = Vec::new();
        let mut after: Option<Value> = None;
        // One more than wanted: the last may be followed by its other parts.
        let size = query::PAGE.min(search.limit.saturating_add(1));
        loop {
            let found = self.search_alias(&doing, &query::search(search, size, after.as_ref())).await?;
            after = found.hits.hits.last().map(|hit| Value::Array(hit.sort.clone()));
            for stored in found.hits.hits.iter().filter_map(|hit| self.hit(hit)) {
                if !take(&mut transactions, stored.transaction, search.limit) {
                    return Ok(transactions);
                }
            }
            if found.hits.hits.len() < size {
                break;
            }
        }
        Ok(transactions)
    }

    pub(super) async fn page_after(&self, after: Option<&str>, within: Option<Range>) -> Result<Page> {
        let doing = self.doing("read from");
        let found = self.search_alias(&doing, &query::page(within, after)).await?;
        let transactions = found.hits.hits.iter().filter_map(|hit| self.hit(hit)).map(|stored| stored.transaction);
        Ok(Page { transactions: transactions.collect(), after: next(&found, query::PAGE) })
    }

    pub(super) async fn newest(&self, now: Time) -> Result<Option<Time>> {
        let found = self.search_alias(&self.doing("search"), &query::newest_end(now)).await?;
        Ok(moment(&found, "newest"))
    }

    pub(super) async fn summarise(&self) -> Result<Summary> {
        let found = self.search_alias(&self.doing("search"), &query::summary()).await?;
        Ok(Summary {
            documents: found.total().unwrap_or(0),
            open: found.aggregations.pointer("/open/doc_count").and_then(Value::as_u64).unwrap_or(0),
            oldest: moment(&found, "oldest"),
            newest: moment(&found, "newest"),
        })
    }

    pub(super) async fn count_by_kind(&self, within: Range) -> Result<Census> {
        let doing = self.doing("search");
        let found = self.search_alias(&doing, &query::census(within)).await?;
        let kinds: Vec<KindBucket> = match found.aggregations.pointer("/kind/buckets") {
            None => Vec::new(),
            Some(buckets) => {
                Vec::deserialize(buckets).map_err(|e| self.client.search_error(Kind::Temporary, &doing).because(e))?
            }
        };
        let mut census = Census::new();
        for kind in kinds {
            for status in kind.status.buckets {
                if let (Some(kind), Some(status_word)) = (word(&kind.key), word(&status.key)) {
                    census.insert((kind, status_word), status.doc_count);
                }
            }
        }
        Ok(census)
    }

    pub(super) async fn search_alias(&self, doing: &str, body: &Value) -> Result<Found> {
        let path = format!(
            "{}/_search?ignore_unavailable=true&allow_partial_search_results=false",
            in_path(&self.settings.index)
        );
        self.client.search(doing, &path, body).await
    }

    fn hit(&self, hit: &Hit) -> Option<Stored> {
        self.stored(&hit.id, hit.source.as_deref(), version(hit.seq_no, hit.primary_term))
    }

    /// The document; `None` for one that is not ours, or that cannot be read.
    fn stored(&self, id: &str, source: Option<&RawValue>, version: Version) -> Option<Stored> {
        let read = source.ok_or_else(|| "it has no `_source`".to_owned()).and_then(|source| {
            let transaction: Transaction = serde_json::from_str(source.get()).map_err(|cause| cause.to_string())?;
            let is_ours = transaction.mail.id == id;
            is_ours.then_some(transaction).ok_or_else(|| "its `mail.id` is another one".to_owned())
        });
        match read {
            Ok(transaction) => Some(Stored { transaction, version }),
            Err(cause) => {
                let place = format!("index `{}`", self.settings.index);
                let hint = "delete it if it is of no use, or take the index that holds it from behind the alias";
                self.unreadable.add(id, &place, &format!("not one that mailstitch wrote: {cause}"), hint);
                None
            }
        }
    }
}

/// The kind or status that a document calls by a word.
fn word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

/// Where the next page starts; `None` after a page that was not full.
pub(super) fn next(found: &Found, size: usize) -> Option<String> {
    let hits = &found.hits.hits;
    hits.last().filter(|_| hits.len() >= size).and_then(|last| last.sort.first()?.as_str()).map(str::to_owned)
}

/// Searches for display do not ask for versions: nothing is written by those.
pub(super) fn version(seq_no: Option<u64>, primary_term: Option<u64>) -> Version {
    Version { number: seq_no.unwrap_or(0), term: primary_term.unwrap_or(0) }
}

/// The value of a `min` or `max` of dates: milliseconds as a float, or null when there is nothing.
fn moment(found: &Found, name: &str) -> Option<Time> {
    let value = found.aggregations.get(name)?.get("value")?.as_f64()?;
    // Milliseconds of any year are whole and far below 2^53.
    #[expect(clippy::cast_possible_truncation, reason = "exact for every year that a date can have")]
    Some(Time(value as i64))
}
