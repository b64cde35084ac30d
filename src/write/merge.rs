//! Writes a stretch: unites the new lines with those in the store, folds them, and writes the documents that changed.
//!
//! In: gathered lines and a store. Out: the store with the same documents as if all lines had come at once (law L2).
//!
//! After the documents of single lines (`singles.rs`), keys (host, instance, queue id) are taken in chunks by `merge_keys`:
//! 1. `lookup.rs` finds the stored documents of short ids; unique ids are written without asking.
//! 2. `Work` unites the new lines of a key with those of its stored documents.
//! 3. `write` folds each key and makes a `Plan` of what differs. After a version conflict it reads, unites and folds again.
//! 4. `look_again` finds documents that another writer created at the same time under another id.
//!
//! Then `journeys.rs` settles the journeys of what changed. Order of writing: changed documents, further parts before part 0; once
//! all are acknowledged, documents that the new fold no longer has are deleted. A crash in between leaves an overlap, which the
//! next reading of the unmarked bucket heals, never a loss.

mod lookup;
#[cfg(test)]
mod tests;
mod turns;

use crate::{
    error::{Error, Kind, Result},
    fault,
    model::{Line, LineId, Range, Text},
    stitch::{
        self, Gathered, Key, Rules,
        journey::{self, Former, Node},
    },
    store::{Put, Report, Store, Stored},
    write::{
        Merged, ROUNDS,
        journeys::Changed,
        singles,
        stored::{key_of, lines_of, parts_of},
    },
};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Limits of a chunk, in keys and in new lines: they bound memory and the size of a lookup.
const KEYS_AT_ONCE: usize = 2000;
const LINES_AT_ONCE: usize = 25_000;
/// Documents of single lines that are made and written at a time.
const SINGLES_AT_ONCE: usize = 5_000;
/// Chunks under way at a time.
const CHUNKS_AT_ONCE: usize = 2;
/// After this many chunks (a usual stretch has no more), journeys are settled if at least `SETTLED_AT_ONCE` documents have changed:
/// the data for journeys takes as much memory as the lines.
const CHUNKS_SETTLED: usize = 8;
const SETTLED_AT_ONCE: usize = 10_000;
/// Writes a stretch, and settles its journeys.
pub async fn merge(store: &dyn Store, gathered: Gathered<'_>, rules: &Rules) -> Result<Merged> {
    let mut merged = Merged::default();
    let Gathered { readings, sets, single, .. } = gathered;
    for some in single.chunks(SINGLES_AT_ONCE) {
        let singles = some.iter().filter_map(|n| stitch::single(&readings[*n as usize]));
        singles::write(store, singles.collect(), &mut merged).await?;
    }

    store.refresh().await?;
    let rounds = turns::rounds(&readings, &sets, rules);
    // Readings take as much memory as the lines, and the next steps need it.
    drop(readings);
    for (n, sets) in rounds.into_iter().enumerate() {
        if n > 0 {
            store.refresh().await?;
        }
        for some in chunks(&sets).chunks(CHUNKS_SETTLED) {
            // While one chunk waits for the store, the next is folded.
            let mut chunks =
                stream::iter(some.iter().map(|chunk| merge_keys(store, chunk, rules))).buffer_unordered(CHUNKS_AT_ONCE);
            while let Some(of_chunk) = chunks.try_next().await? {
                merged.add(of_chunk);
            }
            if merged.changed.len() >= SETTLED_AT_ONCE {
                merged.settle(store).await?;
            }
        }
    }
    merged.settle(store).await?;
    Ok(merged)
}

/// Cuts the sets into chunks of bounded size; each has at least one set.
fn chunks<'s, 'a>(mut sets: &'s [turns::Set<'a>]) -> Vec<&'s [turns::Set<'a>]> {
    let mut chunks = Vec::new();
    while !sets.is_empty() {
        let mut lines = 0;
        let fits = |(n, (_, set)): &(usize, &turns::Set<'_>)| {
            lines += set.len();
            *n == 0 || *n < KEYS_AT_ONCE && lines <= LINES_AT_ONCE
        };
        let (chunk, rest) = sets.split_at(sets.iter().enumerate().take_while(fits).count());
        chunks.push(chunk);
        sets = rest;
    }
    chunks
}

/// Writes one chunk of keys.
async fn merge_keys(store: &dyn Store, sets: &[turns::Set<'_>], rules: &Rules) -> Result<Merged> {
    let mut merged = Merged::default();
    let mut work: BTreeMap<Key, Work> = BTreeMap::new();
    for (key, lines) in sets {
        work.insert((*key).clone(), Work::new(lines.iter().map(|l| (*l).clone()).collect()));
    }
    let known = lookup::known(store, &work, rules).await?;
    for (mut work, ids) in lookup::portions(work, known) {
        lookup::unite(store, &mut work, &ids, rules).await?;
        let created = write(store, work, rules, &mut merged).await?;
        look_again(store, created, rules, &mut merged).await?;
    }
    Ok(merged)
}

/// A key being worked on: all its known lines, and its stored documents by id.
#[derive(Debug)]
struct Work {
    lines: BTreeMap<LineId, Line>,
    stored: BTreeMap<String, Stored>,
}

impl Work {
    fn new(lines: Vec<Line>) -> Self {
        Self { lines: lines.into_iter().map(|l| (l.id, l)).collect(), stored: BTreeMap::new() }
    }

    /// Adds a stored document and its lines; if both have a line, the better time is kept.
    fn unite(&mut self, stored: Stored) {
        for line in lines_of(&stored.transaction) {
            match self.lines.get_mut(&line.id) {
                Some(known) => known.time = Line::better_time(known.time, line.time),
                None => drop(self.lines.insert(line.id, line)),
            }
        }
        self.stored.insert(stored.transaction.mail.id.clone(), stored);
    }

    fn span(&self) -> Range {
        let times = || self.lines.values().map(|l| l.time);
        Range { from: times().min().unwrap_or_default(), to: times().max().unwrap_or_default().plus(1) }
    }
}

/// Folds these documents again from their lines: with all parts of a message, and with the other documents of a short id.
pub async fn refold(store: &dyn Store, ids: &[String], rules: &Rules) -> Result<Merged> {
    let mut merged = Merged::default();
    let mut work: BTreeMap<Key, Work> = BTreeMap::new();
    let mut alone = Vec::new();
    let stored = store.get(ids).await?;
    // A part of a large message is folded with all the other parts.
    let parts: BTreeSet<String> = stored.iter().flat_map(|s| parts_of(&s.transaction)).collect();
    let further: Vec<String> = parts.into_iter().filter(|id| !ids.contains(id)).collect();
    let further = if further.is_empty() { Vec::new() } else { store.get(&further).await? };
    for stored in stored.into_iter().chain(further) {
        match key_of(&stored.transaction, rules) {
            Some(key) => work.entry(key).or_insert_with(|| Work::new(Vec::new())).unite(stored),
            None => alone.extend(lines_of(&stored.transaction).pop().and_then(|line| singles::renewed(stored, line))),
        }
    }
    let alone: Arc<[Put]> = alone.into();
    // A conflict means that another writer rewrote the document, from the same line.
    let report = if alone.is_empty() { Report::default() } else { store.put(Arc::clone(&alone)).await? };
    merged.updated += (alone.len() - report.conflicts.len() - report.refused.len()) as u64;
    merged.changed.extend(alone.iter().map(|put| (put.transaction.mail.id.clone(), None)));
    merged.refuse(&alone, report.refused);
    store.refresh().await?;
    lookup::look_up(store, &mut work, rules).await?;
    let created = write(store, work, rules, &mut merged).await?;
    look_again(store, created, rules, &mut merged).await?;
    Ok(merged)
}

/// Folds and writes until no other writer interferes. Returns the keys that got a new document, with their lines.
async fn write(
    store: &dyn Store,
    work: BTreeMap<Key, Work>,
    rules: &Rules,
    merged: &mut Merged,
) -> Result<BTreeMap<Key, Work>> {
    let mut created = BTreeMap::new();
    let mut todo = vec![(0, work, Lost::new())];
    while let Some((round, mut work, lost)) = todo.pop() {
        if round == ROUNDS {
            let key = work.keys().next().map_or("", |key| &key.queue_id);
            return Err(Error::new(Kind::Temporary, format!("cannot write the transaction of queue id `{key}`"))
                .because("another writer changes it all the time"));
        }
        if !lost.is_empty() {
            work = reread(store, &mut work, lost).await?;
        }
        // A unique id is written as if it were new, so one conflict is normal; wait only after a second.
        if round > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5 << round.min(8))).await;
        }
        let mut plan = Plan::default();
        for (key, w) in &work {
            plan.add(key, w, rules);
        }
        plan.begin_journeys();
        fault::point("before-write");
        let lost = plan.carry_out(store, merged).await?;
        for lost in lookup::lost_portions(store, lost).await? {
            let again = lost.keys().filter_map(|key| work.remove_entry(key)).collect();
            todo.push((round + 1, again, lost));
        }
        created.extend(work.into_iter().filter(|(key, _)| plan.moved.contains(key)));
    }
    Ok(created)
}

/// Keys for which another writer was faster, with the ids of their documents.
type Lost = BTreeMap<Key, BTreeSet<String>>;

/// The documents to write and to delete.
#[derive(Default)]
struct Plan {
    /// Further parts first, then parts 0.
    puts: [Vec<Put>; 2],
    deletes: Vec<(String, crate::store::Version)>,
    /// The data that decides the journeys of the documents to write.
    nodes: HashMap<String, Node>,
    unchanged: Changed,
    /// Message-IDs and journeys that the stored documents of a key had before, by the id of the new document.
    former: HashMap<String, Former>,
    keys: HashMap<String, Key>,
    moved: BTreeSet<Key>,
}

impl Plan {
    fn add(&mut self, key: &Key, work: &Work, rules: &Rules) {
        let lines: Vec<&Line> = work.lines.values().collect();
        let mut stale: BTreeSet<&String> = work.stored.keys().collect();
        let stored = || work.stored.values().map(|s| &s.transaction);
        let message_ids: BTreeSet<&Text> = stored().filter_map(|t| t.email.message_id.as_ref()).collect();
        let journeys: BTreeSet<&String> = stored().map(|t| &t.mail.journey).collect();
        for mut transaction in stitch::fold(key, &lines, rules) {
            let id = transaction.mail.id.clone();
            stale.remove(&id);
            let known = work.stored.get(&id);
            if let Some(known) = known {
                // The journey does not come from the lines; the journey pass sets it later.
                transaction.mail.journey.clone_from(&known.transaction.mail.journey);
            }
            let is_other = |message_id: &&Text| Some(*message_id) != transaction.email.message_id.as_ref();
            let former = Former {
                message_ids: message_ids.iter().copied().filter(is_other).cloned().collect(),
                journeys: journeys.iter().copied().filter(|j| **j != transaction.mail.journey).cloned().collect(),
            };
            if known.is_some_and(|k| k.transaction == transaction) {
                self.unchanged.insert(id, Some(Node::new(&transaction).after(former)));
                continue;
            }
            self.former.insert(id.clone(), former);
            if known.is_none() {
                self.moved.insert(key.clone());
            }
            let put = Put { expected: known.map(|k| k.version), transaction };
            self.puts[usize::from(put.transaction.mail.part == 0)].push(put);
            self.keys.insert(id, key.clone());
        }
        for id in stale {
            self.deletes.extend(work.stored.get(id).map(|k| (id.clone(), k.version)));
            self.keys.insert(id.clone(), key.clone());
        }
    }

    /// Gives new documents the journey that this plan alone implies: usually the right one, so the journey pass writes little.
    fn begin_journeys(&mut self) {
        let nodes: Vec<Node> = self.puts.iter().flatten().map(|put| Node::new(&put.transaction)).collect();
        let journeys = journey::of(nodes.iter());
        for (put, node) in self.puts.iter_mut().flatten().zip(&nodes).filter(|(put, _)| put.expected.is_none()) {
            if let Some(journey) = journeys.get(node.id.as_str()) {
                (*journey).clone_into(&mut put.transaction.mail.journey);
            }
        }
        for (put, mut node) in self.puts.iter().flatten().zip(nodes) {
            node.journey.clone_from(&put.transaction.mail.journey);
            let former = self.former.remove(&put.transaction.mail.id).unwrap_or_default();
            self.nodes.insert(put.transaction.mail.id.clone(), node.after(former));
        }
    }

    /// Writes, then deletes. Returns the keys for which another writer was faster, with the ids of all their documents.
    async fn carry_out(&mut self, store: &dyn Store, merged: &mut Merged) -> Result<Lost> {
        let mut lost = Lost::new();
        merged.changed.append(&mut self.unchanged);
        for puts in std::mem::take(&mut self.puts) {
            if puts.is_empty() {
                continue;
            }
            let puts: Arc<[Put]> = puts.into();
            let report = store.put(Arc::clone(&puts)).await?;
            for put in report.done(&puts) {
                let id = &put.transaction.mail.id;
                *(if put.expected.is_some() { &mut merged.updated } else { &mut merged.created }) += 1;
                merged.changed.insert(id.clone(), self.nodes.remove(id));
            }
            for id in &report.conflicts {
                if let Some(key) = self.keys.get(id) {
                    lost.entry(key.clone()).or_default().insert(id.clone());
                }
            }
            merged.refuse(&puts, report.refused);
        }
        fault::point("before-delete");
        let deletes: Vec<_> =
            self.deletes.drain(..).filter(|(id, _)| self.keys.get(id).is_none_or(|k| !lost.contains_key(k))).collect();
        if !deletes.is_empty() {
            let report = store.delete(&deletes).await?;
            for (id, _) in &deletes {
                merged.changed.remove(id);
            }
            merged.deleted += (deletes.len() - report.conflicts.len()) as u64;
            for id in report.conflicts {
                if let Some(key) = self.keys.get(&id) {
                    lost.entry(key.clone()).or_default().insert(id.clone());
                }
            }
        }
        // Read all documents of a lost key again: the fold of all lines may lack a part that was just written.
        for (id, key) in &self.keys {
            if let Some(ids) = lost.get_mut(key) {
                ids.insert(id.clone());
            }
        }
        Ok(lost)
    }
}

/// Gets the present documents of the lost keys, all parts, and unites their lines. Returns only those keys.
async fn reread(store: &dyn Store, work: &mut BTreeMap<Key, Work>, lost: Lost) -> Result<BTreeMap<Key, Work>> {
    let mut again = BTreeMap::new();
    // All documents of the keys, not only the lost ones: one that is not found counts as deleted.
    let mut ids: BTreeSet<String> = lost.values().flatten().cloned().collect();
    ids.extend(lost.keys().filter_map(|key| work.get(key)).flat_map(|w| w.stored.keys().cloned()));
    let ids: Vec<String> = ids.into_iter().collect();
    let mut found: HashMap<String, Stored> = HashMap::new();
    for stored in if ids.is_empty() { Vec::new() } else { store.get(&ids).await? } {
        found.insert(stored.transaction.mail.id.clone(), stored);
    }
    let further: Vec<String> =
        found.values().flat_map(|s| parts_of(&s.transaction)).filter(|id| !found.contains_key(id)).collect();
    for stored in if further.is_empty() { Vec::new() } else { store.get(&further).await? } {
        found.insert(stored.transaction.mail.id.clone(), stored);
    }
    for (key, ids) in lost {
        let Some(mut w) = work.remove(&key) else { continue };
        let mut known: BTreeSet<String> = w.stored.keys().cloned().collect();
        known.extend(ids);
        let parts: Vec<String> =
            known.iter().filter_map(|id| found.get(id)).flat_map(|s| parts_of(&s.transaction)).collect();
        known.extend(parts);
        for id in known {
            match found.remove(&id) {
                Some(stored) => w.unite(stored),
                // Not found: the other writer deleted it.
                None => drop(w.stored.remove(&id)),
            }
        }
        again.insert(key, w);
    }
    Ok(again)
}

/// Two writers can create documents for one short id under two document ids, which contain the time of the first line; versions do
/// not catch that. So, in a shared store, keys with a new document are searched again and united with documents of other writers.
async fn look_again(
    store: &dyn Store,
    mut created: BTreeMap<Key, Work>,
    rules: &Rules,
    merged: &mut Merged,
) -> Result<()> {
    if !store.is_shared() {
        return Ok(());
    }
    let Some((names, within)) = lookup::short_keys(&created, rules) else { return Ok(()) };
    store.refresh().await?;
    let known = store.find_ids(&names, within).await?;
    let mut others: Vec<String> = known.into_iter().map(|known| known.id).collect();
    others.retain(|id| !merged.changed.contains_key(id));
    if others.is_empty() {
        return Ok(());
    }
    let others: BTreeSet<Key> =
        store.get(&others).await?.iter().filter_map(|stored| key_of(&stored.transaction, rules)).collect();
    created.retain(|key, _| others.contains(key));
    for w in created.values_mut() {
        w.stored.clear();
    }
    lookup::look_up(store, &mut created, rules).await?;
    write(store, created, rules, merged).await?;
    Ok(())
}
