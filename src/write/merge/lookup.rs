//! Finds the stored documents of the keys being worked on, in portions that memory can hold.
//!
//! In: keys with new lines. Out: the same, united with the lines of their stored documents. Sizes are asked for before
//! the documents: a mass mail that is retried for days has megabytes, and a stretch may touch any number of them.

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

/// Approximate bytes of documents and lines that are worked on together. A document takes several times as much in
/// memory.
const PORTION: u64 = 8 << 20;
/// Bytes of a line in memory, without its text.
const LINE: u64 = 200;
/// Messages with the same short id that are looked at before and after the new lines. Those farther away cannot be
/// affected: an id is used by one message at a time.
const NEAR: usize = 16;

/// Ids and sizes of stored documents, by the hash of their key.
pub(super) type Sizes = HashMap<u64, Vec<Known>>;

/// The stored documents of short ids, which may have been reused. Unique ids are written without asking.
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

/// Leaves out documents of messages that are too far from the lines in time to matter.
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

/// Cuts the keys into portions of bounded size, each with the ids of its documents.
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
    // Documents of no key here: hosts or instances may have had other names when they were written. They are read with
    // every portion.
    let others: Vec<String> = known.into_values().flatten().map(|known| known.id).collect();
    portions.iter_mut().for_each(|(_, ids)| ids.extend(others.iter().cloned()));
    portions
}

/// Unites these documents with the keys to which they belong.
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

/// Unites the keys of short ids with their stored documents.
pub(super) async fn look_up(store: &dyn Store, work: &mut BTreeMap<Key, Work>, rules: &Rules) -> Result<()> {
    let known = known(store, work, rules).await?;
    let ids: Vec<String> = known.into_values().flatten().map(|known| known.id).collect();
    unite(store, work, &ids, rules).await
}

/// Cuts the keys that were lost to another writer into portions of bounded size. A large message is a portion of its
/// own, because the number of its further parts is not known yet.
pub(super) async fn lost_portions(store: &dyn Store, lost: Lost) -> Result<Vec<Lost>> {
    let ids: Vec<String> = lost.values().flatten().cloned().collect();
    let known = if ids.is_empty() { Vec::new() } else { store.sizes(&ids).await? };
    let sizes: HashMap<String, u64> = known.into_iter().map(|known| (known.id, known.bytes)).collect();
    let mut portions: Vec<Lost> = Vec::new();
    let mut bytes = 0;
    for (key, ids) in lost {
        let size: u64 = ids.iter().filter_map(|id| sizes.get(id)).sum();
        let size = if size > PORTION / 16 { PORTION } else { size };
        // A key whose documents are gone still needs a portion: its lines must be written.
        if portions.is_empty() || bytes + size > PORTION {
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

/// The keys whose ids may be reused, and the range in which their other messages may lie; `None` if there are no such
/// keys.
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
    use crate::{
        model::{Intake, Line, Transaction},
        stitch::{fold, id::message_id},
        store::{Put, memory::MemoryStore},
    };

    const BEGINNING: i64 = 1_795_377_600;

    fn key_of(queue_id: &str) -> Key {
        Key { host: "mx1".into(), instance: "".into(), queue_id: queue_id.into() }
    }

    fn known(second: i64, part: u32) -> Known {
        Known { id: message_id(&key_of("4F1A2B3C4D"), Time(second * 1000), part), bytes: 1 }
    }

    /// Lines with this queue id, one in each second.
    fn lines(queue_id: &str, seconds: std::ops::Range<i64>) -> Vec<Line> {
        let mut intake = Intake::default();
        let mut line = |second: i64| {
            let text =
                format!("{queue_id}: to=<{second}@example.net>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)");
            intake.line(Time::from_seconds(BEGINNING + second), "mx1", "postfix/smtp", Some(1), &text).unwrap()
        };
        seconds.map(&mut line).collect()
    }

    fn work(queue_id: &str, seconds: std::ops::Range<i64>) -> (Key, Work) {
        (key_of(queue_id), Work::new(lines(queue_id, seconds)))
    }

    fn transaction(queue_id: &str) -> Transaction {
        fold(&key_of(queue_id), &lines(queue_id, 0..1).iter().collect::<Vec<_>>(), &Rules::default()).remove(0)
    }

    async fn store_of(transactions: Vec<Transaction>) -> MemoryStore {
        let store = MemoryStore::default();
        let puts: Vec<Put> = transactions.into_iter().map(|transaction| Put { transaction, expected: None }).collect();
        store.put(puts.into()).await.unwrap();
        store.refresh().await.unwrap();
        store
    }

    #[test]
    fn of_a_thousand_messages_of_one_id_the_nearest_are_read_with_all_their_parts() {
        let mut all: Vec<Known> = (0..1000).map(|second| known(second, 0)).collect();
        all.extend((1..64).map(|part| known(490, part)));
        leave_far(&mut all, Range { from: Time(500_000), to: Time(510_001) });
        assert_eq!(all.len(), 16 + 11 + 16 + 63);
        assert!(all.contains(&known(484, 0)) && all.contains(&known(526, 0)) && !all.contains(&known(527, 0)));
    }

    #[test]
    fn a_message_that_begins_when_the_lines_have_ended_is_after_them() {
        let mut all: Vec<Known> = (0..1000).map(|second| known(second, 0)).collect();
        leave_far(&mut all, Range { from: Time(500_000), to: Time(510_000) });
        assert!(all.contains(&known(525, 0)) && !all.contains(&known(526, 0)));
        assert!(all.contains(&known(484, 0)) && !all.contains(&known(483, 0)));
    }

    /// All messages began before the lines: if there are too many, only the nearest sixteen are read.
    #[tokio::test]
    async fn a_few_messages_of_one_id_are_all_read() {
        for (messages, read) in [(0, 0), (32, 32), (33, NEAR)] {
            let of = |n: i64| {
                let mut t = transaction("4F1A2B3C4D");
                t.mail.id = message_id(&key_of("4F1A2B3C4D"), Time::from_seconds(BEGINNING - 100 + n), 0);
                t
            };
            let store = store_of((0..messages).map(of).collect()).await;
            let work = BTreeMap::from([work("4F1A2B3C4D", 10..11)]);
            let sizes = super::known(&store, &work, &Rules::default()).await.unwrap();
            assert_eq!(sizes.into_values().flatten().count(), read, "{messages}");
        }
    }

    /// Numbers of keys and of documents in each portion. `keys`: queue id, bytes of its document (0 for none), number
    /// of lines.
    fn portions_of(keys: &[(&str, u64, i64)]) -> Vec<(usize, usize)> {
        let sizes = |(id, bytes, _): &(&str, u64, i64)| {
            let documents = vec![Known { id: (*id).to_owned(), bytes: *bytes }];
            (key_hash(&key_of(id)), if *bytes == 0 { Vec::new() } else { documents })
        };
        let known: Sizes = keys.iter().map(sizes).collect();
        let work: BTreeMap<Key, Work> = keys.iter().map(|(id, _, lines)| work(id, 0..*lines)).collect();
        portions(work, known).iter().map(|(work, ids)| (work.len(), ids.len())).collect()
    }

    #[test]
    fn a_portion_has_documents_and_lines_of_a_bearable_size() {
        let (a, b, c) = ("AAAAAA", "BBBBBB", "CCCCCC");
        assert_eq!(portions_of(&[(a, PORTION - 3 * LINE, 2), (b, 0, 1)]), [(2, 1)]);
        assert_eq!(portions_of(&[(a, PORTION - 3 * LINE + 1, 2), (b, 0, 1)]), [(1, 1), (1, 0)]);
        assert_eq!(portions_of(&[(a, PORTION + 1, 1), (b, PORTION + 1, 1)]), [(1, 1), (1, 1)]);
        assert_eq!(portions_of(&[(a, 8000, 1), (b, 8000, 1), (c, 8000, 1)]), [(3, 3)]);
        assert_eq!(portions_of(&[(a, PORTION / 2, 0), (b, PORTION / 2, 0), (c, 1, 0)]), [(2, 2), (1, 1)]);
        assert_eq!(portions_of(&[(a, PORTION / 2, 0), (b, PORTION / 2 + 1, 0), (c, 1, 0)]), [(1, 1), (2, 2)]);
    }

    #[test]
    fn documents_of_other_keys_are_read_with_every_portion() {
        let known = Sizes::from([(1, vec![Known { id: "other".into(), bytes: 1 }])]);
        let work = BTreeMap::from([work("AAAAAA", 0..1)]);
        let portions = portions(work, known);
        assert_eq!(portions.len(), 1);
        assert_eq!((portions[0].0.len(), portions[0].1.as_slice()), (1, ["other".to_owned()].as_slice()));
    }

    /// Number of keys in each portion, for lost keys with documents of these sizes.
    async fn lost_of(sizes: &[u64]) -> Vec<usize> {
        let document = |(n, bytes): (usize, &u64)| {
            let mut t = transaction(&format!("{n:06}"));
            t.mail.lines.clear();
            // An empty document counts as 2048 bytes, and as 32 more for each line kept in brief.
            t.mail.omitted.lines = (bytes - 2048) / 32;
            t
        };
        let documents: Vec<Transaction> = sizes.iter().enumerate().map(document).collect();
        let id = |(n, t): (usize, &Transaction)| (key_of(&format!("{n:06}")), BTreeSet::from([t.mail.id.clone()]));
        let lost: Lost = documents.iter().enumerate().map(id).collect();
        let store = store_of(documents).await;
        lost_portions(&store, lost).await.unwrap().iter().map(BTreeMap::len).collect()
    }

    #[tokio::test]
    async fn what_was_lost_is_read_in_portions_and_a_large_message_alone() {
        const MOST: u64 = PORTION / 16;
        assert_eq!(lost_of(&[]).await, [0; 0]);
        assert_eq!(lost_of(&[4096; 3]).await, [3]);
        assert_eq!(lost_of(&[MOST; 17]).await, [16, 1]);
        assert_eq!(lost_of(&[MOST + 32; 2]).await, [1, 1]);
        assert_eq!(lost_of(&[MOST + 32, 4096, 4096, MOST + 32]).await, [1, 2, 1]);
    }

    #[tokio::test]
    async fn a_key_whose_documents_another_writer_deleted_is_lost_to_nobody() {
        let store = store_of(Vec::new()).await;
        let lost: Lost = ["4F1A2B3C4D", "5F1A2B3C4D"].map(|id| (key_of(id), BTreeSet::from([id.to_owned()]))).into();
        let portions = lost_portions(&store, lost.clone()).await.unwrap();
        assert_eq!(portions, [lost]);
    }

    #[test]
    fn only_short_ids_are_looked_for_as_far_as_they_reach() {
        let rules = Rules::default();
        let work: BTreeMap<Key, Work> =
            [work("4F1A2B3C4D", 10..20), work("3F2A41C0E7", 15..30), work("4dhRlh0sf8z9rvS", 0..99)].into();
        let (names, within) = short_keys(&work, &rules).unwrap();
        let names: Vec<&str> = names.iter().map(|name| name.queue_id.as_str()).collect();
        assert_eq!(names, ["3F2A41C0E7", "4F1A2B3C4D"]);
        let at = |second: i64| Time::from_seconds(BEGINNING + second);
        let (from, to) = (at(10).plus(-rules.horizon_ms), at(29).plus(1 + rules.horizon_ms));
        assert_eq!(within, Range { from, to });
        assert!(short_keys(&BTreeMap::from([super::tests::work("4dhRlh0sf8z9rvS", 0..1)]), &rules).is_none());
    }
}
