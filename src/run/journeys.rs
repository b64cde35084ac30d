//! The journey pass: after the writes of a stretch, the journeys of the documents that changed, and of their neighbours.
//!
//! In: the ids of changed documents.  Out: the store, with `mail.journey` right for each of them and for all that hang
//! together with them.  Nothing else of a document is touched.

use crate::{
    error::{Error, Kind, Result},
    model::{Range, Time},
    stitch::journey::{self, CLOCKS_MS, Node},
    store::{Put, Store, Stored, Traces},
};
use std::collections::{BTreeMap, BTreeSet};

/// Changed documents looked at together.
const AT_ONCE: usize = 2000;
/// Hops that a journey may have; beyond them a document keeps the root that was found so far.
const HOPS: usize = 50;
/// Documents that hang together, at most; a Message-ID that everyone uses must not draw in the whole store.
const LARGEST: usize = 50_000;
/// Another writer may be faster this often.
const ROUNDS: usize = 20;

/// Documents that changed, with what decides their journey where that is known; else it is read.
pub type Changed = BTreeMap<String, Option<Node>>;

/// Settles the journeys of changed documents. Returns the number of documents whose journey changed.
pub async fn settle(store: &dyn Store, changed: Changed) -> Result<u64> {
    if changed.is_empty() {
        return Ok(0);
    }
    store.refresh().await?;
    let mut rewritten = 0;
    let mut changed = changed.into_iter();
    loop {
        let chunk: Changed = changed.by_ref().take(AT_ONCE).collect();
        if chunk.is_empty() {
            return Ok(rewritten);
        }
        let mut wanted = misplaced(store, chunk).await?;
        let mut round = 0;
        while !wanted.is_empty() {
            if round == ROUNDS {
                return Err(Error::new(Kind::Temporary, "cannot write journeys")
                    .because("another writer changes them all the time"));
            }
            round += 1;
            let (lost, written) = one_round(store, &wanted).await?;
            rewritten += written;
            wanted = lost;
        }
    }
}

/// Which documents, of those changed and of their neighbours, have another journey than they should. Most have the right
/// one from the start (`merge.rs`), and need not be read again for it.
async fn misplaced(store: &dyn Store, changed: Changed) -> Result<Vec<String>> {
    let unread: Vec<String> = changed.iter().filter(|(_, node)| node.is_none()).map(|(id, _)| id.clone()).collect();
    let mut frontier: Vec<Seen<()>> = changed.into_iter().filter_map(|(id, node)| Some((id, (node?, ())))).collect();
    if !unread.is_empty() {
        frontier.extend(store.get(&unread).await?.into_iter().map(|stored| seen(stored, drop)));
    }
    let component = neighbourhood(store, frontier, drop).await?;
    let journeys = journey::of(component.values().map(|(node, ())| node));
    let is_misplaced = |node: &Node| journeys.get(node.id.as_str()).is_some_and(|journey| node.journey != *journey);
    Ok(component.iter().filter(|(_, (node, ()))| is_misplaced(node)).map(|(id, _)| id.clone()).collect())
}

/// One attempt; returns the documents that another writer changed meanwhile.
async fn one_round(store: &dyn Store, wanted: &[String]) -> Result<(Vec<String>, u64)> {
    let whole = |stored| stored;
    let frontier = store.get(wanted).await?.into_iter().map(|stored| seen(stored, whole)).collect();
    let component = neighbourhood(store, frontier, whole).await?;
    let journeys = journey::of(component.values().map(|(node, _)| node));
    let mut puts = Vec::new();
    for (node, stored) in component.values() {
        let Some(journey) = journeys.get(node.id.as_str()) else { continue };
        if node.journey != *journey {
            let mut transaction = stored.transaction.clone();
            (*journey).clone_into(&mut transaction.mail.journey);
            puts.push(Put { transaction, expected: Some(stored.version) });
        }
    }
    if puts.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let count = puts.len() as u64;
    let report = store.put(puts.into()).await?;
    if !report.conflicts.is_empty() {
        store.refresh().await?;
    }
    let written = count - report.conflicts.len() as u64;
    Ok((report.conflicts, written))
}

/// A document by its id: what decides its journey, and what is kept of it besides.
type Seen<T> = (String, (Node, T));

fn seen<T>(stored: Stored, keep: impl Fn(Stored) -> T) -> Seen<T> {
    (stored.transaction.mail.id.clone(), (Node::new(&stored.transaction), keep(stored)))
}

/// The documents given and all that hang together with them.
async fn neighbourhood<T>(
    store: &dyn Store,
    mut frontier: Vec<Seen<T>>,
    keep: impl Fn(Stored) -> T,
) -> Result<BTreeMap<String, (Node, T)>> {
    let mut known: BTreeMap<String, (Node, T)> = BTreeMap::new();
    // What was asked, and within which time: a document of days asks anew for what one of a second asked before.
    let mut asked: BTreeMap<(bool, String), Range> = BTreeMap::new();
    for _ in 0..HOPS {
        let (mut from, mut to) = (Time(i64::MAX), Time(i64::MIN));
        for (_, (node, _)) in &frontier {
            from = from.min(node.start);
            to = to.max(node.end);
        }
        let within = Range { from: from.plus(-CLOCKS_MS), to: to.plus(CLOCKS_MS) };
        let covers = |r: &Range| r.from <= within.from && within.to <= r.to;
        let mut wanted: BTreeSet<(bool, String)> = BTreeSet::new();
        for (_, (node, _)) in &frontier {
            let (ids, message_id) = node.traces();
            wanted.extend(ids.map(|id| (false, id.to_owned())));
            wanted.extend(message_id.map(|id| (true, id.to_owned())));
        }
        wanted.retain(|term| !asked.get(term).is_some_and(covers));
        known.extend(std::mem::take(&mut frontier));
        if wanted.is_empty() || known.len() > LARGEST {
            break;
        }
        let of = |is_message_id: bool| {
            let terms = wanted.iter().filter(|(m, _)| *m == is_message_id);
            terms.map(|(_, id)| id.clone()).collect::<Vec<String>>()
        };
        let traces =
            Traces { queue_ids: of(false), message_ids: of(true), within, known: known.keys().cloned().collect() };
        frontier = store.neighbours(&traces).await?.into_iter().map(|stored| seen(stored, &keep)).collect();
        asked.extend(wanted.into_iter().map(|term| (term, within)));
    }
    Ok(known)
}
