//! Sends bulk requests and retries single items that may succeed later.
//!
//! In: items, encoded as they are needed. Out: conflicts and refused documents, or an error when the cluster accepts
//! nothing more. What was stored before an error stays stored; its buckets are not marked, so they are read again.

use super::{
    Elasticsearch,
    encode::{self, Item},
    verdict::{Verdict, verdict},
};
use crate::{
    error::{Error, Kind, Result},
    net::{
        elastic::{Body, Call, Method},
        http::retry,
    },
    store::Report,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeSet, sync::PoisonError};

/// `filter_path` keeps only what [`verdict`] needs. `timeout=30s`: an unavailable shard fails its own items after 30 s,
/// before our own timeout fails the whole request.
const BULK: &str = "_bulk?timeout=30s&filter_path=errors,items.*.status,items.*.error";

/// Concurrent requests: the cluster works on one while the next is encoded and sent.
const AT_ONCE: usize = 2;

#[derive(Deserialize)]
struct BulkAnswer {
    items: Vec<Value>,
}

impl Elasticsearch {
    /// Writes or deletes all items. `writes`: the monthly indices are checked and created first.
    pub(super) async fn bulk<I>(&self, items: I, writes: bool) -> Result<Report>
    where
        I: Iterator<Item = Result<Item>> + Send,
    {
        let mut items = items.peekable();
        let requests = std::iter::from_fn(|| {
            let request = encode::next_request(&mut items, self.settings.bulk_bytes);
            (!request.as_ref().is_ok_and(Vec::is_empty)).then_some(request)
        });
        let answers = stream::iter(requests).map(|request| async move { self.until_taken(request?, writes).await });
        let mut answers = answers.buffer_unordered(AT_ONCE);
        let mut report = Report::default();
        while let Some(Report { conflicts, refused }) = answers.try_next().await? {
            report.conflicts.extend(conflicts);
            report.refused.extend(refused);
        }
        Ok(report)
    }

    /// Sends the items of one request; those that may succeed later are sent again after a wait.
    async fn until_taken(&self, mut pending: Vec<Item>, writes: bool) -> Result<Report> {
        let mut report = Report::default();
        let mut failed = 0;
        loop {
            if writes {
                self.see_to_months(&pending).await?;
            }
            let mut again = Vec::new();
            let mut last = None;
            for (item, verdict) in self.send(pending).await? {
                match verdict {
                    Verdict::Stored => {}
                    Verdict::Conflict => report.conflicts.push(item.id),
                    Verdict::Refused(reason) => report.refused.push((item.id, reason)),
                    Verdict::Denied(reason) => {
                        return Err(self.write_error(Kind::Permission, &item.index).because(reason));
                    }
                    Verdict::Retry(reason, hint) => {
                        let error = self.write_error(Kind::Temporary, &item.index).because(&reason);
                        last = Some(match hint {
                            Some(hint) => error.hint(hint),
                            None => error,
                        });
                        again.push(item);
                    }
                }
            }
            let Some(error) = last else {
                return Ok(report);
            };
            failed += 1;
            if failed >= retry::TRIES {
                return Err(error);
            }
            tracing::debug!("{error}; trying again with {} documents", again.len());
            retry::note(again.len() as u64);
            // An index may have been deleted meanwhile: check the months again.
            self.months.lock().unwrap_or_else(PoisonError::into_inner).clear();
            tokio::time::sleep(retry::wait(failed, None)).await;
            pending = again;
        }
    }

    pub(super) fn write_error(&self, kind: Kind, index: &str) -> Error {
        self.client.search_error(kind, &format!("cannot write to index `{index}`"))
    }

    /// Sends items, in halves when the server answers that the request is too large (413), and returns a verdict for
    /// each.
    async fn send(&self, items: Vec<Item>) -> Result<Vec<(Item, Verdict)>> {
        let doing = format!("cannot write to index `{}`", self.settings.index);
        let mut done = Vec::with_capacity(items.len());
        let mut parts = vec![items];
        while let Some(mut part) = parts.pop() {
            let body: Vec<u8> = part.iter().flat_map(|item| item.bytes.iter().copied()).collect();
            let answer = self.client.send(&Call::new(&doing, Method::POST, BULK, Body::Lines(&body))).await?;
            if answer.status == 413 {
                let half = part.split_off(part.len() / 2);
                if part.is_empty() {
                    let reason = "larger than the server takes in one request (413)";
                    done.extend(half.into_iter().map(|item| (item, Verdict::Refused(reason.to_owned()))));
                } else {
                    parts.push(half);
                    parts.push(part);
                }
                continue;
            }
            let bulk: BulkAnswer = answer.json(&doing)?;
            if bulk.items.len() != part.len() {
                let cause = format!("{} documents were sent and {} answered for", part.len(), bulk.items.len());
                return Err(answer.error(Kind::Temporary, &doing).because(cause));
            }
            done.extend(part.into_iter().zip(&bulk.items).map(|(item, result)| (item, verdict(result))));
        }
        Ok(done)
    }

    /// Checks the monthly indices that this process has not written to yet, and creates those that do not exist. A bulk
    /// request creates them only if `action.auto_create_index` is on.
    async fn see_to_months(&self, items: &[Item]) -> Result<()> {
        let new: BTreeSet<&str> = {
            let known = self.months.lock().unwrap_or_else(PoisonError::into_inner);
            items.iter().map(|item| item.index.as_str()).filter(|index| !known.contains(*index)).collect()
        };
        for index in new {
            self.see_to(index).await?;
            self.months.lock().unwrap_or_else(PoisonError::into_inner).insert(index.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::ElasticsearchStore,
        net::http::scripted::{Reply, Scripted, connection},
        store::Version,
    };

    const IDS: [&str; 2] = ["01a0c4506c00aa", "01a0c4506c00bb"];

    /// Deletes two documents on a server with these replies; compares the report or error, and the number of requests.
    #[track_caller]
    fn check(replies: Vec<Reply>, expected: &str, requests: usize) {
        let server = Scripted::new(replies);
        let settings = ElasticsearchStore {
            connection: connection(&[&server.url]),
            index: "mail".into(),
            shards: 1,
            replicas: 0,
            bulk_bytes: 1 << 20,
        };
        let store = Elasticsearch::new(settings).unwrap();
        let items = IDS.map(|id| encode::delete("mail", id, Version { number: 1, term: 1 }));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = match runtime.block_on(store.bulk(items.into_iter(), false)) {
            Ok(report) => format!("conflicts {:?} refused {:?}", report.conflicts, report.refused),
            Err(error) => format!("{:?}: {}", error.kind(), error.to_string().replace(&server.url, "URL")),
        };
        assert_eq!(told, expected);
        assert_eq!(server.asked().len(), requests, "{:?}", server.asked());
    }

    fn items(statuses: &[u16]) -> Reply {
        let items: Vec<_> = statuses.iter().map(|status| serde_json::json!({"delete": {"status": status}})).collect();
        (200, "", serde_json::json!({"errors": true, "items": items}).to_string())
    }

    #[test]
    fn only_the_item_that_may_pass_is_sent_again() {
        check(vec![items(&[200, 429]), items(&[409])], r#"conflicts ["01a0c4506c00bb"] refused []"#, 2);
    }

    #[test]
    fn a_request_that_is_too_large_is_halved() {
        check(vec![(413, "", String::new()), items(&[200]), items(&[200])], "conflicts [] refused []", 3);
        let large = (413, "", String::new());
        check(
            vec![large.clone(), large, items(&[200])],
            r#"conflicts [] refused [("01a0c4506c00aa", "larger than the server takes in one request (413)")]"#,
            3,
        );
    }

    #[test]
    fn an_answer_for_fewer_documents_than_were_sent_is_an_error() {
        check(
            vec![items(&[200])],
            "Temporary: cannot write to index `mail` on URL: 2 documents were sent and 1 answered for",
            1,
        );
    }

    #[test]
    fn missing_rights_end_the_run_and_refuse_no_document() {
        check(vec![items(&[200, 403])], "Permission: cannot write to index `mail-2026.09` on URL: status 403", 1);
    }
}
