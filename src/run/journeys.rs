//! The journey pass: after the writes of a stretch, the journeys of the documents that changed, and of their neighbours.
//!
//! In: the ids of changed documents.  Out: the store, with `mail.journey` right for each of them and for all that hang
//! together with them.  Nothing else of a document is touched.

use crate::{
    error::{Error, Kind, Result},
    model::{Range, Time},
    stitch::journey::{self, CLOCKS_MS},
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

/// Settles the journeys of changed documents. Returns the number of documents whose journey changed.
pub async fn settle(store: &dyn Store, changed: &[String]) -> Result<u64> {
    if changed.is_empty() {
        return Ok(0);
    }
    store.refresh().await?;
    let mut rewritten = 0;
    for chunk in changed.chunks(AT_ONCE) {
        let mut wanted: Vec<String> = chunk.to_vec();
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
    Ok(rewritten)
}

/// One attempt; returns the documents that another writer changed meanwhile.
async fn one_round(store: &dyn Store, wanted: &[String]) -> Result<(Vec<String>, u64)> {
    let component = neighbourhood(store, wanted).await?;
    let journeys = journey::of(component.values().map(|stored| &stored.transaction));
    let mut puts = Vec::new();
    for Stored { mut transaction, version } in component.into_values() {
        let Some(journey) = journeys.get(journey::base_id(&transaction)) else { continue };
        if transaction.mail.journey != *journey {
            transaction.mail.journey.clone_from(journey);
            puts.push(Put { transaction, expected: Some(version) });
        }
    }
    if puts.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let count = puts.len() as u64;
    let report = store.put(puts).await?;
    if !report.conflicts.is_empty() {
        store.refresh().await?;
    }
    Ok((report.conflicts.clone(), count - report.conflicts.len() as u64))
}

/// The documents asked for and all that hang together with them.
async fn neighbourhood(store: &dyn Store, wanted: &[String]) -> Result<BTreeMap<String, Stored>> {
    let mut known: BTreeMap<String, Stored> = BTreeMap::new();
    let mut frontier = store.get(wanted).await?;
    // What was asked, and within which time: a document of days asks anew for what one of a second asked before.
    let mut asked: BTreeMap<(bool, String), Range> = BTreeMap::new();
    for _ in 0..HOPS {
        let (mut from, mut to) = (Time(i64::MAX), Time(i64::MIN));
        for stored in &frontier {
            from = from.min(stored.transaction.event.start);
            to = to.max(stored.transaction.event.end);
        }
        let within = Range { from: from.plus(-CLOCKS_MS), to: to.plus(CLOCKS_MS) };
        let covers = |r: &Range| r.from <= within.from && within.to <= r.to;
        let mut wanted: BTreeSet<(bool, String)> = BTreeSet::new();
        for stored in &frontier {
            let (ids, message_id) = journey::traces(&stored.transaction);
            wanted.extend(ids.into_iter().map(|id| (false, id.to_owned())));
            wanted.extend(message_id.map(|id| (true, id.to_owned())));
        }
        wanted.retain(|term| !asked.get(term).is_some_and(covers));
        for stored in std::mem::take(&mut frontier) {
            known.insert(stored.transaction.mail.id.clone(), stored);
        }
        if wanted.is_empty() || known.len() > LARGEST {
            break;
        }
        let of = |is_message_id: bool| {
            let terms = wanted.iter().filter(|(m, _)| *m == is_message_id);
            terms.map(|(_, id)| id.clone()).collect::<Vec<String>>()
        };
        let known = known.keys().cloned().collect();
        frontier = store.neighbours(&Traces { queue_ids: of(false), message_ids: of(true), within, known }).await?;
        asked.extend(wanted.into_iter().map(|term| (term, within)));
    }
    Ok(known)
}
