//! Counts of what a stretch changed in the store, and the documents whose journeys are to be settled.

use super::journeys::{self, Changed};
use crate::{
    error::Result,
    fault,
    model::Transaction,
    store::{Put, Store},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The changes of a stretch in the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    /// Documents whose journey changed after they were written.
    #[serde(default)]
    pub journeys: u64,
    /// Documents for the journey pass: written, or found up to date (an earlier run may have died before settling their journeys).
    #[serde(skip)]
    pub changed: Changed,
    /// Ids of the documents whose journeys are settled. `add` does not take them over: the other's are used up by then.
    #[serde(skip)]
    pub settled: Vec<String>,
    /// Documents that the store refused for good, with the reason.
    #[serde(skip)]
    pub refused: Vec<(Transaction, String)>,
}

impl Merged {
    /// Adds the changes of another stretch or chunk.
    pub fn add(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.journeys += other.journeys;
        self.changed.extend(other.changed);
        self.refused.extend(other.refused);
    }

    /// Settles the journeys of the changed documents.
    pub async fn settle(&mut self, store: &dyn Store) -> Result<()> {
        fault::point("before-journeys");
        let changed = std::mem::take(&mut self.changed);
        self.settled.extend(changed.keys().cloned());
        self.journeys += journeys::settle(store, changed).await?;
        Ok(())
    }

    /// Keeps the refused documents with their reasons.
    pub(super) fn refuse(&mut self, sent: &[Put], refused: Vec<(String, String)>) {
        let mut reasons: HashMap<String, String> = refused.into_iter().collect();
        let refused = |put: &Put| Some((put.transaction.clone(), reasons.remove(&put.transaction.mail.id)?));
        self.refused.extend(sent.iter().filter_map(refused));
    }
}
