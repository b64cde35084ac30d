//! The marks of ledgers: each monthly index holds one document for each ledger that wrote to it.
//!
//! A mark is therefore restored, emptied and deleted together with the documents that it stands for. It has no
//! searchable fields: searches for transactions require `mail.id`, which marks do not have. Marks are read with one
//! multi-get, which needs no more than the right to read transactions.

use super::{Elasticsearch, encode::Item, month};
use crate::{
    error::{Kind, Result},
    net::elastic::{Body, Call, Cause, Method},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Found {
    docs: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_source")]
    source: Option<Value>,
    error: Option<Value>,
}

fn id_of(ledger: &str) -> String {
    format!("mailstitch-mark-{ledger}")
}

impl Elasticsearch {
    /// Stores the number of a write in each month to which these documents belong; returns those months.
    pub(super) async fn leave_marks(&self, ledger: &str, number: u64, documents: &[String]) -> Result<Vec<String>> {
        let months: BTreeSet<String> =
            documents.iter().filter_map(|id| month::index_of(&self.settings.index, id)).collect();
        let id = id_of(ledger);
        let mut items = Vec::new();
        for index in &months {
            let action = json!({"index": {"_index": index, "_id": id}});
            let mark = json!({"mailstitch_mark": {"ledger": ledger, "number": number}});
            let bytes = format!("{action}\n{mark}\n").into_bytes();
            items.push(Ok(Item { id: id.clone(), index: index.clone(), bytes }));
        }
        let report = self.bulk(items.into_iter(), true).await?;
        if let Some((_, reason)) = report.refused.into_iter().next() {
            // A refused mark is no reason to stop writing, and a mark that was never stored cannot be missed later.
            tracing::debug!("no mark was left: {reason}");
            return Ok(Vec::new());
        }
        Ok(months.into_iter().collect())
    }

    /// The marks that exist, by index.
    pub(super) async fn find_marks(&self, ledger: &str, places: &[String]) -> Result<BTreeMap<String, u64>> {
        let ours = places.iter().filter(|place| month::end_of(&self.settings.index, place).is_some());
        let id = id_of(ledger);
        let docs: Vec<Value> = ours.map(|index| json!({"_index": index, "_id": id})).collect();
        if docs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let doing = self.doing("read from");
        let asked = docs.len();
        let body = json!({"docs": docs});
        let found: Found = self.client.json(Call::new(&doing, Method::POST, "_mget", Body::Json(&body))).await?;
        if found.docs.len() != asked {
            let cause = format!("{asked} documents were asked for and {} answered", found.docs.len());
            return Err(self.client.search_error(Kind::Temporary, &doing).because(cause));
        }
        let mut marks = BTreeMap::new();
        for one in found.docs {
            if let Some(error) = &one.error {
                let cause = Cause::of(error);
                match cause.kind.as_str() {
                    "index_not_found_exception" => continue,
                    "security_exception" => {
                        return Err(self.client.search_error(Kind::Permission, &doing).because(cause.reason));
                    }
                    // A closed month, or one whose shards are on no node, does not tell whether it holds the mark.
                    _ => return Err(self.client.search_error(Kind::Temporary, &doing).because(cause.reason)),
                }
            }
            let number = one.source.as_ref().and_then(|s| s.pointer("/mailstitch_mark/number")?.as_u64());
            marks.extend(number.map(|number| (one.index, number)));
        }
        Ok(marks)
    }
}
