//! What the store has of the keys being worked on, in portions that memory can hold.
//!
//! In: keys with new lines.  Out: the same, united with the lines of the store's documents. How large documents are is
//! asked before they are: a mass mail that is tried for days has megabytes, and a stretch may touch any number of them.

use super::{Lost, Work};
use crate::{
    error::Result,
    model::{Range, Time},
    stitch::{
        Key, Rules,
        id::{IdForm, key_hash, key_hash_of, time_of_document},
    },
    store::{Known, QueueKey, Store},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Bytes of documents and lines that are worked on together, about. A document takes several times as much in memory.
const PORTION: u64 = 8 << 20;
/// A line in memory, its text aside.
const LINE: u64 = 200;
/// Messages of a short id before and after new lines, at most, that these may be about or cut otherwise. Two messages have one id
/// one after the other, never at once.
const NEAR: usize = 16;

/// Documents of keys: their ids, and how many bytes they have.
pub(super) type Sizes = HashMap<u64, Vec<Known>>;

/// What the store has of short ids, which may have come back, by the hash of their keys. Unique ids are written without
/// asking.
pub(super) async fn known(store: &dyn Store, work: &BTreeMap<Key, Work>, rules: &Rules) -> Result<Sizes> {
    let mut sizes = Sizes::new();
    let Some((names, within)) = short_keys(work, rules) else { return Ok(sizes) };
    for known in store.find_ids(&names, within).await? {
        if let Some(key) = key_hash_of(&known.id) {
            sizes.entry(key).or_default().push(known);
        }
    }
    for (key, w) in work {
        if let Some(known) = sizes.get_mut(&key_hash(key)).filter(|known| known.len() > 2 * NEAR) {
            leave_far(known, w.span());
        }
    }
    Ok(sizes)
}

/// Leaves out the documents of messages that are too far from a time to matter.
fn leave_far(known: &mut Vec<Known>, span: Range) {
    let begin = |known: &Known| time_of_document(&known.id).unwrap_or_default();
    let mut begins: Vec<Time> = known.iter().map(begin).collect();
    begins.sort_unstable();
    begins.dedup();
    let first = begins.partition_point(|begin| *begin < span.from).saturating_sub(NEAR);
    let last = begins.partition_point(|begin| *begin < span.to) + NEAR;
    let near = &begins[first..last.min(begins.len())];
    known.retain(|known| near.binary_search(&begin(known)).is_ok());
}

/// The keys in portions of a bearable size, each with the ids of its documents.
pub(super) fn portions(work: BTreeMap<Key, Work>, mut known: Sizes) -> Vec<(BTreeMap<Key, Work>, Vec<String>)> {
    let mut portions = vec![(BTreeMap::new(), Vec::new())];
    let mut bytes = 0;
    for (key, w) in work {
        let documents = known.remove(&key_hash(&key)).unwrap_or_default();
        let size = documents.iter().map(|known| known.bytes).sum::<u64>() + w.lines.len() as u64 * LINE;
        if bytes + size > PORTION && bytes > 0 {
            portions.push((BTreeMap::new(), Vec::new()));
            bytes = 0;
        }
        bytes += size;
        if let Some((work, ids)) = portions.last_mut() {
            work.insert(key, w);
            ids.extend(documents.into_iter().map(|known| known.id));
        }
    }
    // The names of hosts and instances may be others now than when these were written.
    let others: Vec<String> = known.into_values().flatten().map(|known| known.id).collect();
    portions.iter_mut().for_each(|(_, ids)| ids.extend(others.iter().cloned()));
    portions
}

/// Unites keys with these documents.
pub(super) async fn unite(
    store: &dyn Store,
    work: &mut BTreeMap<Key, Work>,
    ids: &[String],
    rules: &Rules,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    for stored in store.get(ids).await? {
        if let Some(w) = super::key_of(&stored.transaction, rules).and_then(|key| work.get_mut(&key)) {
            w.unite(stored);
        }
    }
    Ok(())
}

/// Unites keys with all that the store has of them.
pub(super) async fn look_up(store: &dyn Store, work: &mut BTreeMap<Key, Work>, rules: &Rules) -> Result<()> {
    let known = known(store, work, rules).await?;
    let ids: Vec<String> = known.into_values().flatten().map(|known| known.id).collect();
    unite(store, work, &ids, rules).await
}

/// The keys that another writer was faster with, in portions of a bearable size. How many further parts a large message
/// has is not known yet: it is a portion of its own.
pub(super) async fn lost_portions(store: &dyn Store, lost: Lost) -> Result<Vec<Lost>> {
    let ids: Vec<String> = lost.values().flatten().cloned().collect();
    let known = if ids.is_empty() { Vec::new() } else { store.sizes(&ids).await? };
    let sizes: HashMap<String, u64> = known.into_iter().map(|known| (known.id, known.bytes)).collect();
    let mut portions: Vec<Lost> = Vec::new();
    let mut bytes = PORTION;
    for (key, ids) in lost {
        let size: u64 = ids.iter().filter_map(|id| sizes.get(id)).sum();
        let size = if size > PORTION / 16 { PORTION } else { size };
        if bytes + size > PORTION {
            portions.push(Lost::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(portion) = portions.last_mut() {
            portion.insert(key, ids);
        }
    }
    Ok(portions)
}

/// The keys whose ids may have come back, and when their other lives may have been; `None` if there is none.
pub(super) fn short_keys(work: &BTreeMap<Key, Work>, rules: &Rules) -> Option<(Vec<QueueKey>, Range)> {
    let mut names: BTreeSet<QueueKey> = BTreeSet::new();
    let (mut from, mut to) = (Time(i64::MAX), Time(i64::MIN));
    for (key, w) in work {
        if !IdForm::of_lines(&key.queue_id, w.lines.values()).is_unique() {
            names.insert(QueueKey { host: key.host.to_string(), queue_id: key.queue_id.to_string() });
            let span = w.span();
            from = from.min(span.from);
            to = to.max(span.to);
        }
    }
    let within = Range { from: from.plus(-rules.horizon_ms), to: to.plus(rules.horizon_ms) };
    (!names.is_empty()).then(|| (names.into_iter().collect(), within))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::id::message_id;

    fn known(second: i64, part: u32) -> Known {
        let key = Key { host: "mx1".into(), instance: "".into(), queue_id: "4F1A2B3C4D".into() };
        Known { id: message_id(&key, Time(second * 1000), part), bytes: 1 }
    }

    #[test]
    fn of_a_thousand_messages_of_one_id_the_nearest_are_read_with_all_their_parts() {
        let mut all: Vec<Known> = (0..1000).map(|second| known(second, 0)).collect();
        all.extend((1..64).map(|part| known(490, part)));
        leave_far(&mut all, Range { from: Time(500_000), to: Time(510_001) });
        assert_eq!(all.len(), 16 + 11 + 16 + 63);
        assert!(all.contains(&known(484, 0)) && all.contains(&known(526, 0)) && !all.contains(&known(527, 0)));
    }
}
