//! A store in memory, for tests.
//!
//! It is as strict as a cluster: `get`, `put` and `delete` see every write, everything else sees the state of the last
//! `refresh`. A missing refresh therefore fails in tests and not only in production.

use super::{
    Census, Known, Neighbour, Page, Put, QueueKey, Report, Search, Store, Stored, Summary, Traces, Version, matching,
};
use crate::{
    check::Check,
    error::Result,
    model::{Range, Time, Transaction},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Documents per page; a small number, so that tests read several pages.
const PAGE: usize = 100;

type Documents = BTreeMap<String, Arc<Stored>>;

/// A new store is empty.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    live: Documents,
    /// `live` at the last refresh.
    visible: Documents,
    /// The last number of each ledger.
    marks: BTreeMap<String, u64>,
    /// Counts the writes. Versions come from it, so no version occurs twice, even for an id that was deleted and
    /// created again.
    writes: u64,
}

impl MemoryStore {
    /// All documents in the order of their ids, refreshed or not.
    pub fn export(&self) -> Vec<Transaction> {
        self.state().live.values().map(|stored| stored.transaction.clone()).collect()
    }

    /// Every change of the state is complete, so it is usable even after a panic elsewhere.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known(stored: &Stored) -> Known {
    let mail = &stored.transaction.mail;
    Known::of_lines(mail.id.clone(), mail.lines.len() as u64, mail.omitted.lines)
}

impl State {
    fn version(&self, id: &str) -> Option<Version> {
        self.live.get(id).map(|stored| stored.version)
    }

    /// The next documents, ordered by id.
    fn page(&self, after: Option<&str>, is_wanted: impl Fn(&Transaction) -> bool) -> Page {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.visible.range::<str, _>((from, Bound::Unbounded)).map(|(_, stored)| &stored.transaction);
        let mut rest = rest.filter(|t| is_wanted(t));
        let transactions: Vec<Transaction> = rest.by_ref().take(PAGE).cloned().collect();
        let after = rest.next().and_then(|_| transactions.last()).map(|t| t.mail.id.clone());
        Page { transactions, after }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn is_shared(&self) -> bool {
        true
    }

    async fn prepare(&self) -> Result<()> {
        Ok(())
    }

    async fn get(&self, ids: &[String]) -> Result<Vec<Stored>> {
        let state = self.state();
        Ok(ids.iter().filter_map(|id| state.live.get(id)).map(|stored| Stored::clone(stored)).collect())
    }

    async fn find(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Stored>> {
        let state = self.state();
        let keys: BTreeSet<(&str, &str)> = keys.iter().map(|key| (&*key.host, &*key.queue_id)).collect();
        let is_wanted = |t: &Transaction| {
            t.email.local_id.as_deref().is_some_and(|queue_id| keys.contains(&(&*t.host.name, queue_id)))
        };
        Ok(state
            .visible
            .values()
            .filter(|stored| matching::touches(&stored.transaction, within) && is_wanted(&stored.transaction))
            .map(|stored| Stored::clone(stored))
            .collect())
    }

    async fn find_ids(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Known>> {
        Ok(self.find(keys, within).await?.iter().map(known).collect())
    }

    async fn sizes(&self, ids: &[String]) -> Result<Vec<Known>> {
        Ok(self.get(ids).await?.iter().map(known).collect())
    }

    async fn neighbours(&self, traces: &Traces) -> Result<Vec<Neighbour>> {
        let wanted = matching::neighbour_terms(&traces.queue_ids, &traces.message_ids);
        let is_wanted = |t: &Transaction| {
            let is_known = traces.known.contains(&t.mail.id);
            !is_known && matching::touches(t, traces.within) && matching::is_neighbour(t, &wanted)
        };
        let state = self.state();
        Ok(state
            .visible
            .values()
            .filter(|stored| is_wanted(&stored.transaction))
            .take(traces.most)
            .map(|stored| Neighbour::of(&stored.transaction))
            .collect())
    }

    async fn put(&self, documents: Arc<[Put]>) -> Result<Report> {
        let mut state = self.state();
        let mut report = Report::default();
        for Put { transaction, expected } in documents.iter() {
            let id = transaction.mail.id.clone();
            if state.version(&id) != *expected {
                report.conflicts.push(id);
                continue;
            }
            state.writes += 1;
            let version = Version { number: state.writes, term: 0 };
            state.live.insert(id, Arc::new(Stored { transaction: transaction.clone(), version }));
        }
        Ok(report)
    }

    async fn delete(&self, documents: &[(String, Version)]) -> Result<Report> {
        let mut state = self.state();
        let mut report = Report::default();
        for (id, expected) in documents {
            match state.version(id) {
                Some(version) if version == *expected => drop(state.live.remove(id)),
                Some(_) => report.conflicts.push(id.clone()),
                None => {}
            }
        }
        Ok(report)
    }

    async fn refresh(&self) -> Result<()> {
        let mut state = self.state();
        state.visible = state.live.clone();
        Ok(())
    }

    async fn commit(&self) -> Result<()> {
        Ok(())
    }

    async fn mark(&self, ledger: &str, number: u64, _documents: &[String]) -> Result<Vec<String>> {
        self.state().marks.insert(ledger.to_owned(), number);
        Ok(vec!["memory".to_owned()])
    }

    async fn marks(&self, ledger: &str, _places: &[String]) -> Result<BTreeMap<String, u64>> {
        Ok(self.state().marks.get(ledger).map(|number| ("memory".to_owned(), *number)).into_iter().collect())
    }

    async fn search(&self, search: &Search) -> Result<Vec<Transaction>> {
        let state = self.state();
        let mut found: Vec<&Transaction> =
            state.visible.values().map(|stored| &stored.transaction).filter(|t| matching::matches(t, search)).collect();
        found.sort_by(|a, b| (b.event.start, &b.mail.id).cmp(&(a.event.start, &a.mail.id)));
        let mut taken = Vec::new();
        found.into_iter().all(|t| matching::take(&mut taken, t.clone(), search.limit));
        Ok(taken)
    }

    async fn page(&self, after: Option<&str>, within: Option<Range>) -> Result<Page> {
        Ok(self.state().page(after, |t| within.is_none_or(|range| matching::touches(t, range))))
    }

    async fn waiting(&self, after: Option<&str>, before: Time) -> Result<Page> {
        Ok(self.state().page(after, |t| matching::is_open(t) && t.event.end < before))
    }

    async fn newest_end(&self, now: Time) -> Result<Option<Time>> {
        Ok(self.state().visible.values().map(|stored| stored.transaction.event.end).filter(|end| *end <= now).max())
    }

    async fn prune(&self, before: Time, dry_run: bool) -> Result<u64> {
        let mut state = self.state();
        let old: Vec<(String, Version)> = state
            .visible
            .iter()
            .filter(|(_, stored)| stored.transaction.event.end < before)
            .map(|(id, stored)| (id.clone(), stored.version))
            .collect();
        if dry_run {
            return Ok(old.len() as u64);
        }
        let mut deleted = 0;
        for (id, seen) in old {
            // A document written since the last refresh stays.
            if state.version(&id) == Some(seen) {
                state.live.remove(&id);
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    async fn summary(&self) -> Result<Summary> {
        let state = self.state();
        let all = || state.visible.values().map(|stored| &stored.transaction);
        Ok(Summary {
            documents: state.visible.len() as u64,
            open: all().filter(|t| matching::is_open(t)).count() as u64,
            oldest: all().map(|t| t.event.start).min(),
            newest: all().map(|t| t.event.end).max(),
        })
    }

    async fn census(&self, within: Range) -> Result<Census> {
        let mut census = Census::default();
        let state = self.state();
        let all = state.visible.values().map(|stored| &stored.transaction);
        all.filter(|t| matching::touches(t, within)).for_each(|t| census.add(t));
        Ok(census)
    }

    async fn check(&self, _now: Time) -> Vec<Check> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_not_refreshed_is_not_found() {
        let json = r#"{"@timestamp":"2026-11-22T20:00:00Z","event":{"start":"2026-11-22T20:00:00Z","end":"2026-11-22T20:00:00Z",
            "duration":0,"kind":"event","category":["email"],"dataset":"","outcome":"unknown"},"ecs":{"version":"8"},
            "host":{"name":"mx1"},"service":{"type":"postfix","name":"postfix"},"email":{"local_id":"4F1"},
            "mail":{"id":"1","kind":"message","origin":"smtp","status":"queued","complete":false,"part":0,"parts":1,
            "lines":[],"schema":1}}"#;
        let store = MemoryStore::default();
        let put = Put { transaction: serde_json::from_str(json).unwrap(), expected: None };
        store.put([put].into()).await.unwrap();
        let keys = [QueueKey { host: "mx1".to_owned(), queue_id: "4F1".to_owned() }];
        let always = Range { from: Time(0), to: Time(i64::MAX) };
        assert_eq!(store.find(&keys, always).await.unwrap().len(), 0);
        assert_eq!(store.summary().await.unwrap().documents, 0);
        assert_eq!(store.export().len(), 1);
        store.refresh().await.unwrap();
        assert_eq!(store.find(&keys, always).await.unwrap().len(), 1);
        assert_eq!(store.summary().await.unwrap().open, 1);
    }
}
