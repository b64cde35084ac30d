//! Gets and searches: sends the queries of `query.rs` and decodes the documents in the answers.
//!
//! An alias without an index yet is an empty store, not an error.

use super::{Elasticsearch, month, query};
use crate::{
    error::{Error, Kind, Result},
    model::{
        Range, Time, Transaction,
        transaction::{Kind as MailKind, Status},
    },
    net::elastic::{
        Body, Call, Cause, Method, in_path,
        search::{Found, Hit, few},
    },
    stitch::journey::{Node, is_root_of},
    store::{Census, Known, Neighbour, Page, QueueKey, Search, Stored, Summary, Traces, Version, matching::take},
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

/// Queue ids or Message-IDs per search. Engines accept 65,536 terms; all pages for one chunk are read before the next
/// is asked for.
const TERMS: usize = 1000;
/// Most ids of known documents that a search excludes; a server accepts 65,536 (`index.max_terms_count`), and each
/// costs a look-up.
const KNOWN: usize = 10_000;

/// Largest answer with documents, in bytes: a page of mass mailings.
const LARGEST: usize = 512 << 20;
const FEWER: &str = "`mailstitch prune` what is larger than a server can send";

#[derive(Deserialize)]
struct Gets {
    #[serde(deserialize_with = "few")]
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

/// The fields that `query::census` asks for.
#[derive(Deserialize)]
struct Counted {
    host: CountedHost,
    #[serde(default)]
    email: CountedEmail,
    mail: CountedMail,
}

#[derive(Deserialize)]
struct CountedHost {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CountedEmail {
    local_id: String,
    message_id: String,
}

#[derive(Deserialize)]
struct CountedMail {
    kind: MailKind,
    status: Status,
    #[serde(default)]
    journey: String,
}

impl Elasticsearch {
    pub(super) async fn get_all(&self, ids: &[String]) -> Result<Vec<Stored>> {
        let doing = self.doing("read from");
        let mut stored = Vec::new();
        let known = self.named(ids);
        let (mut rest, mut size) = (known.as_slice(), query::FIRST_PAGE);
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            let (found, bytes) = self.get_chunk(chunk, &doing).await?;
            stored.extend(found);
            size = query::next_size(chunk.len(), bytes);
            rest = after;
        }
        Ok(stored)
    }

    /// The documents of this chunk that exist, and their total size in bytes.
    async fn get_chunk(&self, chunk: &[Value], doing: &str) -> Result<(Vec<Stored>, usize)> {
        let gets = self.answers(chunk, "_mget", doing).await?;
        let bytes = gets.iter().filter_map(|got| got.source.as_ref()).map(|source| source.get().len()).sum();
        let stored: Result<Vec<Option<Stored>>> = gets.into_iter().map(|got| self.got(got, doing)).collect();
        Ok((stored?.into_iter().flatten().collect(), bytes))
    }

    /// The answer for each of these documents (named by index and id), in the same order.
    async fn answers(&self, chunk: &[Value], path: &str, doing: &str) -> Result<Vec<Got>> {
        let body = json!({"docs": chunk});
        let call = Call::new(doing, Method::POST, path, Body::Json(&body));
        let gets: Gets = self.client.json(call.at_most(LARGEST, FEWER)).await?;
        let asked = chunk.iter().map(|one| one["_id"].as_str().unwrap_or_default());
        if !gets.docs.iter().map(|got| got.id.as_str()).eq(asked) {
            let cause = format!("{} documents were asked for and {} others answered", chunk.len(), gets.docs.len());
            return Err(self.client.search_error(Kind::Temporary, doing).because(cause));
        }
        Ok(gets.docs)
    }

    pub(super) async fn sizes_of(&self, ids: &[String]) -> Result<Vec<Known>> {
        let doing = self.doing("read from");
        let path = format!("_mget?_source_includes={}", query::SIZE_FIELDS.join(","));
        let mut sizes = Vec::new();
        for chunk in self.named(ids).chunks(query::PAGE) {
            for got in self.answers(chunk, &path, &doing).await? {
                let Some(source) = got.source.as_deref().filter(|_| got.found) else { continue };
                let source: Value = serde_json::from_str(source.get()).unwrap_or_default();
                let number = |name: &str| source.pointer(&format!("/{}", name.replace('.', "/")))?.as_u64();
                sizes.push(size(got.id, number));
            }
        }
        Ok(sizes)
    }

    /// Documents named by index and id; an id that is not one of ours is left out.
    fn named(&self, ids: &[String]) -> Vec<Value> {
        let alias = &self.settings.index;
        ids.iter().filter_map(|id| Some(json!({"_index": month::index_of(alias, id)?, "_id": id}))).collect()
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
        self.must_be_open(within)?;
        let wanted: BTreeSet<(&str, &str)> =
            keys.iter().map(|key| (key.queue_id.as_str(), key.host.as_str())).collect();
        let ids: Vec<String> = self.find_all_ids(keys, within).await?.into_iter().map(|known| known.id).collect();
        let mut stored = self.get_all(&ids).await?;
        stored.retain(|document| {
            let queue_id = document.transaction.email.local_id.as_deref().unwrap_or_default();
            wanted.contains(&(queue_id, document.transaction.host.name.as_str()))
        });
        Ok(stored)
    }

    pub(super) async fn find_all_ids(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Known>> {
        self.must_be_open(within)?;
        let doing = self.doing("search");
        let queue_ids: BTreeSet<&str> = keys.iter().map(|key| key.queue_id.as_str()).collect();
        let queue_ids: Vec<&str> = queue_ids.into_iter().collect();
        let mut ids = Vec::new();
        for chunk in queue_ids.chunks(TERMS) {
            let mut after: Option<String> = None;
            loop {
                let found = self.search_alias(&doing, &query::find_ids(chunk, within, after.as_deref())).await?;
                after = self.turn(&doing, &found, query::IDS_PAGE, after.as_deref())?;
                ids.extend(found.hits.hits.into_iter().map(|hit| {
                    let number = |name: &str| hit.fields.get(name)?.get(0)?.as_u64();
                    size(hit.id.clone(), number)
                }));
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(ids)
    }

    pub(super) async fn find_neighbours(&self, traces: &Traces) -> Result<Vec<Neighbour>> {
        let Traces { queue_ids, message_ids, within, known, most } = traces;
        self.must_be_open(*within)?;
        let mut neighbours: BTreeMap<String, Node> = BTreeMap::new();
        let by_id = queue_ids.chunks(TERMS).map(|chunk| (chunk, &[][..]));
        for (ids, message_ids) in by_id.chain(message_ids.chunks(TERMS).map(|chunk| (&[][..], chunk))) {
            // Documents found by an earlier chunk need not come again.
            let known: Vec<&str> = known.iter().chain(neighbours.keys()).map(String::as_str).take(KNOWN).collect();
            let most = most.saturating_sub(neighbours.len());
            if most == 0 {
                break;
            }
            let page = |size, after: Option<&str>| query::neighbours(ids, message_ids, *within, &known, size, after);
            let found = self.all_neighbours(most, page).await?;
            neighbours.extend(found.into_iter().map(|Neighbour { id, node }| (id, node)));
        }
        neighbours.retain(|id, _| !known.contains(id));
        Ok(neighbours.into_iter().map(|(id, node)| Neighbour { id, node }).collect())
    }

    /// The documents that a query finds, read page by page until there are at least `most`.
    async fn all_neighbours(
        &self,
        most: usize,
        query: impl Fn(usize, Option<&str>) -> Value,
    ) -> Result<Vec<Neighbour>> {
        let doing = self.doing("search");
        let mut neighbours = Vec::new();
        let (mut after, mut size) = (None::<String>, query::FIRST_PAGE);
        loop {
            let found = self.search_alias(&doing, &query(size, after.as_deref())).await?;
            after = self.turn(&doing, &found, size, after.as_deref())?;
            size = next_size(&found);
            let stored = found.hits.hits.iter().filter_map(|hit| self.hit(hit));
            neighbours.extend(stored.map(|stored| Neighbour::of(&stored.transaction)));
            if after.is_none() || neighbours.len() >= most {
                return Ok(neighbours);
            }
        }
    }

    pub(super) async fn search_for(&self, search: &Search) -> Result<Vec<Transaction>> {
        let doing = self.doing("search");
        let mut transactions = Vec::new();
        let mut after: Option<Value> = None;
        // One more than `limit`: other parts of the last message may follow it.
        let mut size = query::FIRST_PAGE.min(search.limit.saturating_add(1));
        loop {
            let found = self.search_alias(&doing, &query::search(search, size, after.as_ref())).await?;
            let next = found.hits.hits.last().map(Hit::sort);
            if next.is_some() && next == after {
                return Err(self.in_circles(&doing));
            }
            after = next;
            for stored in found.hits.hits.iter().filter_map(|hit| self.hit(hit)) {
                if !take(&mut transactions, stored.transaction, search.limit) {
                    return Ok(transactions);
                }
            }
            if found.hits.hits.len() < size {
                break;
            }
            size = next_size(&found);
        }
        Ok(transactions)
    }

    /// The documents for a page of ids, ordered by id.
    pub(super) async fn page_after(&self, ids: &Value, after: Option<&str>) -> Result<Page> {
        let doing = self.doing("read from");
        let found = self.search_alias(&doing, ids).await?;
        let mut page = Page { after: self.turn(&doing, &found, query::PAGE, after)?, ..Page::default() };
        let ids: Vec<String> = found.hits.hits.into_iter().map(|hit| hit.id).collect();
        let (mut done, mut size, mut bytes) = (0, query::FIRST_PAGE, 0);
        while done < ids.len() {
            let chunk = &ids[done..ids.len().min(done + size)];
            let (stored, more) = self.get_chunk(&self.named(chunk), &doing).await?;
            page.transactions.extend(stored.into_iter().map(|stored| stored.transaction));
            (done, size, bytes) = (done + chunk.len(), query::next_size(chunk.len(), more), bytes + more);
            if bytes >= query::PAGE_BYTES && done < ids.len() {
                page.after = chunk.last().cloned();
                break;
            }
        }
        page.transactions.sort_by(|a, b| a.mail.id.cmp(&b.mail.id));
        Ok(page)
    }

    pub(super) async fn newest(&self, now: Time) -> Result<Option<Time>> {
        let found = self.search_alias(&self.doing("search"), &query::newest_end(now)).await?;
        let newest = moment(&found, "newest");
        self.must_be_open_after(newest, now)?;
        Ok(newest)
    }

    pub(super) async fn summarise(&self) -> Result<Summary> {
        let found = self.search_alias(&self.doing("search"), &query::summary()).await?;
        Ok(Summary {
            documents: found.total().unwrap_or(0),
            open: found.aggregations().pointer("/open/doc_count").and_then(Value::as_u64).unwrap_or(0),
            oldest: moment(&found, "oldest"),
            newest: moment(&found, "newest"),
        })
    }

    /// Reads a whole document only where the fields asked for do not tell whether it is a root.
    pub(super) async fn count_by_kind(&self, within: Range) -> Result<Census> {
        let doing = self.doing("search");
        let (mut census, mut untold) = (Census::default(), Vec::new());
        let mut after: Option<String> = None;
        loop {
            let found = self.search_alias(&doing, &query::census(within, after.as_deref())).await?;
            after = self.turn(&doing, &found, query::IDS_PAGE, after.as_deref())?;
            for hit in found.hits.hits {
                // A foreign document behind the alias may hold anything.
                let Some(Ok(counted)) = hit.source.map(|source| serde_json::from_str::<Counted>(source.get())) else {
                    continue;
                };
                let Counted { host, email, mail } = counted;
                let is_root = || is_root_of(&mail.journey, &host.name, &email.local_id, &email.message_id);
                match if mail.kind == MailKind::Message { is_root() } else { Some(true) } {
                    Some(is_root) => census.count(mail.kind, mail.status, is_root),
                    None => untold.push(hit.id),
                }
            }
            if after.is_none() {
                break;
            }
        }
        for chunk in untold.chunks(query::PAGE) {
            self.get_all(chunk).await?.iter().for_each(|stored| census.add(&stored.transaction));
        }
        Ok(census)
    }

    pub(super) async fn search_alias(&self, doing: &str, body: &Value) -> Result<Found> {
        if !self.looked.swap(true, Ordering::Relaxed) {
            self.tell_of_closed(doing).await?;
        }
        let path = format!(
            "{}/_search?ignore_unavailable=true&allow_partial_search_results=false",
            in_path(&self.settings.index)
        );
        let call = Call::new(doing, Method::POST, &path, Body::Json(body));
        self.client.whole(call.at_most(LARGEST, FEWER)).await
    }

    /// Where the next page starts; `None` after a page that was not full. Fails if the next page would not lie behind
    /// `after`.
    pub(super) fn turn(&self, doing: &str, found: &Found, size: usize, after: Option<&str>) -> Result<Option<String>> {
        let hits = &found.hits.hits;
        let Some(last) = hits.last().filter(|_| hits.len() >= size) else { return Ok(None) };
        let next = last.sort().get(0).and_then(Value::as_str).map(str::to_owned);
        match next.as_deref() > after {
            true => Ok(next),
            false => Err(self.in_circles(doing)),
        }
    }

    fn in_circles(&self, doing: &str) -> Error {
        self.client.search_error(Kind::Temporary, doing).because("its pages go round in a circle")
    }

    /// Warns about a closed index. A read-only user may not ask for the state of indices, but a search fails on a
    /// closed index unless it is told to ignore it.
    async fn tell_of_closed(&self, doing: &str) -> Result<()> {
        let path = format!("{}/_search", in_path(&self.settings.index));
        let body = json!({"size": 0, "track_total_hits": false, "terminate_after": 1});
        let answer = self.client.send(&Call::new(doing, Method::POST, &path, Body::Json(&body))).await?;
        match Cause::in_answer(&answer) {
            Some(cause) if cause.is_closed() => {
                let index = cause.index.unwrap_or_else(|| format!("{}-*", self.settings.index));
                tracing::warn!("index `{index}` is closed: what is in it is left out");
                Ok(())
            }
            Some(cause) if cause.kind != "index_not_found_exception" => Err(answer.failure(doing)),
            _ => Ok(()),
        }
    }

    fn hit(&self, hit: &Hit) -> Option<Stored> {
        self.stored(&hit.id, hit.source.as_deref(), version(hit.seq_no, hit.primary_term))
    }

    /// The document; `None` if it is not ours or cannot be read.
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

/// Number of documents for the page after this one.
fn next_size(found: &Found) -> usize {
    let sources = found.hits.hits.iter().filter_map(|hit| hit.source.as_ref());
    query::next_size(found.hits.hits.len(), sources.map(|source| source.get().len()).sum())
}

/// Estimates the size of a document from its number of attempts; a part has an even share of the attempts of the whole.
fn size(id: String, number: impl Fn(&str) -> Option<u64>) -> Known {
    let [attempts, parts, brief] = query::SIZE_FIELDS.map(|name| number(name).unwrap_or(0));
    Known::of_lines(id, (attempts / parts.max(1)).saturating_sub(brief), brief)
}

/// Searches for display do not ask for versions, and nothing is written from their hits: 0 will do there.
pub(super) fn version(seq_no: Option<u64>, primary_term: Option<u64>) -> Version {
    Version { number: seq_no.unwrap_or(0), term: primary_term.unwrap_or(0) }
}

/// The value of a `min` or `max` aggregation on dates: milliseconds as a float, or null if nothing matched.
fn moment(found: &Found, name: &str) -> Option<Time> {
    let value = found.aggregations().get(name)?.get("value")?.as_f64()?;
    // Milliseconds of any year are whole numbers far below 2^53.
    #[expect(clippy::cast_possible_truncation, reason = "exact for every year that a date can have")]
    Some(Time(value as i64))
}
