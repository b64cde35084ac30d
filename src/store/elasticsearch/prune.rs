//! Deletes documents that ended long ago: a whole index if it holds nothing else, single documents otherwise.
//!
//! `_delete_by_query` is not used: it takes hours in one request or needs rights on tasks. Pages of ids and bulk
//! deletes with the version seen do the same in short requests, and a document that changed meanwhile stays. `prune`
//! runs under the lock of `run`; an index is dropped only if its month is over and a count after a refresh found
//! nothing younger in it.

use super::{Elasticsearch, encode, month, query, read};
use crate::{
    error::{Kind, Result},
    model::Time,
    net::elastic::{Body, Call, Method, in_path},
};
use serde_json::Value;

impl Elasticsearch {
    /// Number of documents deleted, or with `dry_run` the number that would be.
    pub(super) async fn prune_before(&self, before: Time, dry_run: bool) -> Result<u64> {
        self.refresh_alias().await?;
        if dry_run {
            return Ok(self.count(&self.settings.index, Some(before)).await?.unwrap_or(0));
        }
        let mut deleted = 0;
        for index in self.indices().await? {
            if month::range_of(&self.settings.index, &index).is_some_and(|span| span.to <= before) {
                let Some(all) = self.count(&index, None).await? else {
                    tracing::warn!("index `{index}` is closed: what is in it stays until it is opened");
                    continue;
                };
                if self.count(&index, Some(before)).await? == Some(all) {
                    self.drop_index(&index).await?;
                    deleted += all;
                }
            }
        }
        deleted += self.delete_documents(before).await?;
        self.refresh_alias().await?;
        Ok(deleted)
    }

    async fn delete_documents(&self, before: Time) -> Result<u64> {
        let doing = self.doing("search");
        let mut deleted = 0;
        let mut after: Option<String> = None;
        loop {
            let found = self.search_alias(&doing, &query::ended(before, after.as_deref())).await?;
            after = self.turn(&doing, &found, query::IDS_PAGE, after.as_deref())?;
            let found_here = found.hits.hits.len() as u64;
            let items =
                found.hits.hits.into_iter().map(|hit| {
                    encode::delete(&self.settings.index, &hit.id, read::version(hit.seq_no, hit.primary_term))
                });
            let report = self.bulk(items, false).await?;
            deleted += found_here.saturating_sub((report.conflicts.len() + report.refused.len()) as u64);
            if after.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// Number of transactions in an index; `None` if the index is closed or does not exist.
    async fn count(&self, index: &str, ended_before: Option<Time>) -> Result<Option<u64>> {
        let doing = format!("cannot count documents in index `{index}`");
        let query = ended_before.map_or_else(query::transactions, query::ended_query);
        let body = serde_json::json!({"size": 0, "track_total_hits": true, "query": query});
        let path = format!("{}/_search?ignore_unavailable=true", in_path(index));
        let found = self.client.search(&doing, &path, &body).await?;
        if found.shards.total == 0 {
            return Ok(None);
        }
        let inexact = || self.client.search_error(Kind::Temporary, &doing).because("the engine did not count exactly");
        found.total().map(Some).ok_or_else(inexact)
    }

    /// The indices behind the alias.
    pub(super) async fn indices(&self) -> Result<Vec<String>> {
        let doing = self.doing("list the indices of");
        let path = format!("{}/_alias", in_path(&self.settings.index));
        let answer = self.client.send(&Call::new(&doing, Method::GET, &path, Body::None)).await?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let indices: Value = answer.json(&doing)?;
        Ok(indices.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect())
    }

    async fn drop_index(&self, index: &str) -> Result<()> {
        let doing = format!("cannot delete index `{index}`");
        let path = in_path(index);
        let answer = self.client.send(&Call::new(&doing, Method::DELETE, &path, Body::None)).await?;
        // 404: the index was deleted by others, or by the first of two attempts.
        if !answer.is_success() && answer.status != 404 {
            return Err(answer.failure(&doing));
        }
        self.forget_index(index);
        Ok(())
    }
}
