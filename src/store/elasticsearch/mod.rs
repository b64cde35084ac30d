//! Transactions in Elasticsearch or OpenSearch: monthly indices behind an alias, written by bulk requests with
//! optimistic concurrency, without scripts on the server.
//!
//! `template.rs` has the mapping, `query.rs` the searches, `encode.rs` the bulk lines; `bulk.rs` and `read.rs` send
//! them, and `verdict.rs` judges the answers. `months.rs` makes sure that searches find what is written; `ours.rs`
//! judges the state of an index. An acknowledged write is in the translog on disk
//! (`index.translog.durability: request`, set by the template), so there is nothing left to commit.

mod bulk;
mod check;
mod encode;
mod marks;
mod month;
mod months;
pub(crate) mod ours;
mod prepare;
mod prune;
mod query;
mod read;
pub(crate) mod template;
pub(crate) mod verdict;

use super::{
    Census, Known, Neighbour, Page, Put, QueueKey, Report, Search, Store, Stored, Summary, Traces, Version,
    unreadable::Unreadable,
};
use crate::{
    check::Check,
    config::ElasticsearchStore,
    error::{Kind, Result},
    model::{Range, Time, Transaction},
    net::elastic::{Body, Call, Client, Method, in_path, search::Shards},
};
use async_trait::async_trait;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

/// The store.
pub struct Elasticsearch {
    client: Client,
    settings: ElasticsearchStore,
    /// [`Privacy::mark`](crate::model::Privacy::mark) of the lines written to it; empty if lines are kept whole.
    privacy: String,
    /// Monthly indices that this process has checked: they exist and are ours.
    months: Mutex<HashSet<String>>,
    /// Months that were closed when the run began.
    closed: Mutex<BTreeSet<String>>,
    /// Whether the months were listed (by `install`) or closed ones reported (by the first search).
    looked: AtomicBool,
    unreadable: Unreadable,
}

#[derive(Deserialize)]
struct Refreshed {
    #[serde(rename = "_shards")]
    shards: Shards,
}

impl Elasticsearch {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(settings: ElasticsearchStore) -> Result<Self> {
        let client = Client::new(&settings.connection)?;
        let (months, closed, unreadable) = (Mutex::default(), Mutex::default(), Unreadable::default());
        let looked = AtomicBool::new(false);
        Ok(Self { client, settings, privacy: String::new(), months, closed, looked, unreadable })
    }

    /// The same store for lines with this privacy mark; `prepare` fails if the index has months with another mark.
    pub fn with_privacy(self, mark: String) -> Self {
        Self { privacy: mark, ..self }
    }

    fn doing(&self, what: &str) -> String {
        format!("cannot {what} index `{}`", self.settings.index)
    }

    fn forget_index(&self, index: &str) {
        self.months.lock().unwrap_or_else(PoisonError::into_inner).remove(index);
    }

    async fn refresh_alias(&self) -> Result<()> {
        let doing = self.doing("refresh");
        let path = format!("{}/_refresh?ignore_unavailable=true", in_path(&self.settings.index));
        let refreshed: Refreshed = self.client.json(Call::new(&doing, Method::POST, &path, Body::None)).await?;
        match refreshed.shards.trouble() {
            None => Ok(()),
            Some(cause) => Err(self.client.search_error(Kind::Temporary, &doing).because(cause)),
        }
    }
}

#[async_trait]
impl Store for Elasticsearch {
    fn is_shared(&self) -> bool {
        true
    }

    fn unreadable(&self) -> u64 {
        self.unreadable.count()
    }

    async fn prepare(&self) -> Result<()> {
        self.install().await
    }

    async fn get(&self, ids: &[String]) -> Result<Vec<Stored>> {
        self.get_all(ids).await
    }

    async fn find(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Stored>> {
        self.find_all(keys, within).await
    }

    async fn find_ids(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Known>> {
        self.find_all_ids(keys, within).await
    }

    async fn sizes(&self, ids: &[String]) -> Result<Vec<Known>> {
        self.sizes_of(ids).await
    }

    async fn neighbours(&self, traces: &Traces) -> Result<Vec<Neighbour>> {
        self.find_neighbours(traces).await
    }

    async fn put(&self, documents: Arc<[Put]>) -> Result<Report> {
        let alias = &self.settings.index;
        let mut report = self.bulk((0..documents.len()).map(|n| encode::put(alias, &documents[n])), true).await?;
        // Getting it again would not help: the document with this id cannot be read.
        let in_the_way = |id: &String| Some((id.clone(), self.unreadable.cause_of(id)?));
        let refused: Vec<_> = report.conflicts.iter().filter_map(in_the_way).collect();
        report.conflicts.retain(|id| self.unreadable.cause_of(id).is_none());
        report
            .refused
            .extend(refused.into_iter().map(|(id, cause)| (id, format!("a document is in its way: {cause}"))));
        Ok(report)
    }

    async fn delete(&self, documents: &[(String, Version)]) -> Result<Report> {
        let alias = &self.settings.index;
        let items: Vec<_> = documents.iter().map(|(id, version)| encode::delete(alias, id, *version)).collect();
        let mut report = self.bulk(items.into_iter(), false).await?;
        // A delete with an expected version answers 409 also for a document that is gone.
        if !report.conflicts.is_empty() {
            let stored = self.get_all(&report.conflicts).await?;
            let there: HashSet<&str> = stored.iter().map(|document| document.transaction.mail.id.as_str()).collect();
            report.conflicts.retain(|id| there.contains(id.as_str()));
        }
        Ok(report)
    }

    async fn refresh(&self) -> Result<()> {
        self.refresh_alias().await
    }

    async fn commit(&self) -> Result<()> {
        Ok(())
    }

    async fn mark(&self, ledger: &str, number: u64, documents: &[String]) -> Result<Vec<String>> {
        self.leave_marks(ledger, number, documents).await
    }

    async fn marks(&self, ledger: &str, places: &[String]) -> Result<BTreeMap<String, u64>> {
        self.find_marks(ledger, places).await
    }

    fn place(&self, place: &str) -> Option<Range> {
        month::range_of(&self.settings.index, place)
    }

    async fn search(&self, search: &Search) -> Result<Vec<Transaction>> {
        self.search_for(search).await
    }

    async fn page(&self, after: Option<&str>, within: Option<Range>) -> Result<Page> {
        self.page_after(&query::page(within, after), after).await
    }

    async fn waiting(&self, after: Option<&str>, before: Time) -> Result<Page> {
        self.page_after(&query::waiting(before, after), after).await
    }

    async fn newest_end(&self, now: Time) -> Result<Option<Time>> {
        self.newest(now).await
    }

    async fn prune(&self, before: Time, dry_run: bool) -> Result<u64> {
        self.prune_before(before, dry_run).await
    }

    async fn summary(&self) -> Result<Summary> {
        self.summarise().await
    }

    async fn census(&self, within: Range) -> Result<Census> {
        self.count_by_kind(within).await
    }

    async fn check(&self, now: Time) -> Vec<Check> {
        self.checks(now).await
    }
}
