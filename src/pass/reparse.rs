//! Rebuilds documents from their own lines, after the parsers have learned something or the index contract has a new
//! version. No source is needed: the store is the state.
//!
//! In: a store. Out: the same store, each document as this program would make it (law L1). The store is read page by
//! page in the order of ids, and progress is saved after each page. What was rebuilt does not change again, so stopping
//! and starting over costs only time.

use crate::write::{Merged, dead, merge};
use crate::{access::Access, error::Result, model::Range, stitch::Rules, store::Store};
use serde::{Deserialize, Serialize};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// How far a reparse got, saved between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    pub version: u32,
    /// The program and contract that made the documents; another value starts from the beginning.
    pub by: String,
    #[serde(default)]
    pub within: Option<Range>,
    /// The last document of the last page that was done.
    #[serde(default)]
    pub after: Option<String>,
    #[serde(default)]
    pub documents: u64,
}

/// The environment of a reparse, apart from the store.
pub struct Reparse<'a> {
    pub rules: &'a Rules,
    pub state_dir: &'a Path,
    pub access: Access,
    /// Saves the progress; called after the documents are safe.
    pub save: &'a (dyn Fn(&Reached) -> Result<()> + Sync),
    /// Set by SIGTERM and SIGINT: stop cleanly after the current page.
    pub stop: &'a AtomicBool,
}

/// Rebuilds all documents that touch a range, from where the last reparse stopped. `true` if it reached the end.
pub async fn reparse(store: &dyn Store, reached: &mut Reached, with: &Reparse<'_>) -> Result<(Merged, bool)> {
    let mut all = Merged::default();
    loop {
        let page = store.page(reached.after.as_deref(), reached.within).await?;
        let ids: Vec<String> = page.transactions.iter().map(|t| t.mail.id.clone()).collect();
        let mut merged = merge::refold(store, &ids, with.rules).await?;
        merged.settle(store).await?;
        dead::bury(with.state_dir, with.access, &std::mem::take(&mut merged.refused))?;
        store.commit().await?;
        all.add(merged);
        reached.documents += ids.len() as u64;
        let is_last = page.after.is_none();
        if !is_last {
            reached.after = page.after;
        }
        (with.save)(reached)?;
        if is_last || with.stop.load(Ordering::Relaxed) {
            store.refresh().await?;
            return Ok((all, is_last));
        }
    }
}
