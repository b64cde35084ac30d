//! The journey pass: after the writes of a stretch, settles the journeys of the changed documents and their neighbours.
//!
//! In: the ids of changed documents. Out: the store, with the right `mail.journey` in each of them and in all documents
//! connected with them. Left alone: everything else in a document.
//!
//! Neighbours that share or name a queue id are followed to the end. Neighbours that share only a Message-ID (there may
//! be thousands) are followed only if a claim or their present journey joins them.

use crate::{
    error::{Error, Kind, Result},
    model::{Range, Time},
    stitch::journey::{self, CLOCKS_MS, Node},
    store::{Neighbour, Put, Store, Traces},
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Documents read and rewritten at a time.
const AT_ONCE: usize = 500;
/// Queue ids and Message-IDs per search.
const TERMS_AT_ONCE: usize = 2000;
/// Stop reading neighbours after this many documents: a stranger can cause thousands with the same queue id.
const LARGEST: usize = 20_000;
/// Give up after this many rounds in which another writer was faster.
const ROUNDS: usize = 20;

/// Changed documents, each with the data that decides its journey; `None` if that must be read first.
pub type Changed = BTreeMap<String, Option<Node>>;

/// Settles the journeys of changed documents. Returns the number of documents whose journey changed.
pub async fn settle(store: &dyn Store, mut changed: Changed) -> Result<u64> {
    let mut rewritten = 0;
    let mut round = 0;
    while !changed.is_empty() {
        if round == ROUNDS {
            return Err(Error::new(Kind::Temporary, "cannot write journeys")
                .because("another writer changes them all the time"));
        }
        round += 1;
        store.refresh().await?;
        let found = Neighbourhood::of(store, changed).await?;
        let (lost, written) = rewrite(store, found).await?;
        rewritten += written;
        changed = lost.into_iter().map(|id| (id, None)).collect();
    }
    Ok(rewritten)
}

/// Writes the journeys that differ from what they should be; most documents get the right one when they are created
/// (`merge.rs`). Returns the documents that another writer changed meanwhile, and the number written.
async fn rewrite(store: &dyn Store, found: Neighbourhood) -> Result<(Vec<String>, u64)> {
    let journeys = journey::of(found.known.values());
    let followed = found.known.iter().filter(|(id, _)| found.followed.contains(*id));
    let misplaced = followed.filter_map(|(id, node)| {
        let journey = *journeys.get(node.id.as_str())?;
        (node.journey != journey).then_some((id, node, journey))
    });
    let misplaced: Vec<_> = misplaced.collect();
    let (mut lost, mut written) = (Vec::new(), 0);
    for page in misplaced.chunks(AT_ONCE) {
        let ids: Vec<String> = page.iter().map(|(id, ..)| (*id).clone()).collect();
        let mut puts = Vec::new();
        let mut stored: HashMap<String, _> =
            store.get(&ids).await?.into_iter().map(|s| (s.transaction.mail.id.clone(), s)).collect();
        for (id, node, journey) in page {
            // A document that was deleted needs no journey.
            let Some(mut stored) = stored.remove(*id) else { continue };
            if !node.is_of(&stored.transaction) {
                lost.push((*id).clone());
                continue;
            }
            (*journey).clone_into(&mut stored.transaction.mail.journey);
            puts.push(Put { transaction: stored.transaction, expected: Some(stored.version) });
        }
        let count = puts.len() as u64;
        if count > 0 {
            let report = store.put(puts.into()).await?;
            written += count - report.conflicts.len() as u64;
            lost.extend(report.conflicts);
        }
    }
    Ok((lost, written))
}

/// An id by which neighbours are found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Trace {
    QueueId(String),
    MessageId(String),
}

fn traces(node: &Node) -> impl Iterator<Item = Trace> {
    let (queue_ids, message_ids) = node.traces();
    let message_ids = message_ids.map(|id| Trace::MessageId(id.to_owned()));
    queue_ids.map(|id| Trace::QueueId(id.to_owned())).chain(message_ids)
}

/// Documents that may be connected, as far as they were read.
#[derive(Default)]
struct Neighbourhood {
    known: BTreeMap<String, Node>,
    /// Documents whose own neighbours were asked for, so that their journey can be decided.
    followed: HashSet<String>,
    /// Known documents by each of their traces.
    bearers: HashMap<Trace, Vec<String>>,
    /// For each trace asked for: the range asked about, and the number of bearers known then. A longer document asks
    /// again about the time that a shorter one did not cover.
    asked: HashMap<Trace, (Range, usize)>,
    /// Number of documents read as neighbours.
    read: usize,
}

impl Neighbourhood {
    /// Finds the changed documents and all documents connected with them.
    async fn of(store: &dyn Store, changed: Changed) -> Result<Self> {
        let mut this = Self::default();
        let unread: Vec<String> = changed.iter().filter(|(_, node)| node.is_none()).map(|(id, _)| id.clone()).collect();
        let mut next: BTreeSet<String> = BTreeSet::new();
        for (id, node) in changed.into_iter().filter_map(|(id, node)| Some((id, node?))) {
            next.insert(id.clone());
            this.add(id, node);
        }
        for page in unread.chunks(AT_ONCE) {
            for stored in store.get(page).await? {
                next.insert(stored.transaction.mail.id.clone());
                this.add(stored.transaction.mail.id.clone(), Node::new(&stored.transaction));
            }
        }
        while !next.is_empty() {
            let wanted = this.wanted(&next);
            this.followed.extend(next);
            next = this.ask(store, wanted).await?;
            if this.read > LARGEST {
                break;
            }
            if next.is_empty() {
                next = this.hanging();
            }
        }
        Ok(this)
    }

    fn add(&mut self, id: String, node: Node) {
        if self.known.contains_key(&id) {
            return;
        }
        for trace in traces(&node) {
            self.bearers.entry(trace).or_default().push(id.clone());
        }
        self.known.insert(id, node);
    }

    /// The traces of these documents that were not asked for yet, with the missing range, ordered by time.
    fn wanted(&self, ids: &BTreeSet<String>) -> Vec<(Trace, Range)> {
        let mut ranges: HashMap<Trace, Range> = HashMap::new();
        for node in ids.iter().filter_map(|id| self.known.get(id)) {
            let within = Range { from: node.start.plus(-CLOCKS_MS), to: node.end.plus(CLOCKS_MS) };
            for trace in traces(node) {
                let range = ranges.entry(trace).or_insert(within);
                *range = Range { from: range.from.min(within.from), to: range.to.max(within.to) };
            }
        }
        // Only the part of the range that was not asked for before.
        let missing = |trace: &Trace, range: Range| match self.asked.get(trace) {
            Some((asked, _)) if asked.from <= range.from && range.to <= asked.to => None,
            Some((asked, _)) if asked.from <= range.from && range.from <= asked.to => {
                Some(Range { from: asked.to, ..range })
            }
            Some((asked, _)) if asked.from <= range.to && range.to <= asked.to => {
                Some(Range { to: asked.from, ..range })
            }
            _ => Some(range),
        };
        let mut wanted: Vec<(Trace, Range)> =
            ranges.into_iter().filter_map(|(trace, range)| Some((trace.clone(), missing(&trace, range)?))).collect();
        wanted.sort_unstable_by(|(a, x), (b, y)| (x.from, x.to, a).cmp(&(y.from, y.to, b)));
        wanted
    }

    /// Reads the documents that bear these traces. Returns those to follow next: they share or name a queue id.
    async fn ask(&mut self, store: &dyn Store, wanted: Vec<(Trace, Range)>) -> Result<BTreeSet<String>> {
        let mut next = BTreeSet::new();
        for chunk in wanted.chunks(TERMS_AT_ONCE) {
            let none = Range { from: Time(i64::MAX), to: Time(i64::MIN) };
            let unite = |a: Range, (_, b): &(Trace, Range)| Range { from: a.from.min(b.from), to: a.to.max(b.to) };
            let mut question = Traces {
                queue_ids: Vec::new(),
                message_ids: Vec::new(),
                within: chunk.iter().fold(none, unite),
                known: BTreeSet::new(),
                most: LARGEST.saturating_sub(self.read).max(1),
            };
            for (trace, _) in chunk {
                let all = self.bearers.get(trace).map_or(&[][..], Vec::as_slice);
                let before = self.asked.get(trace).copied();
                // Only bearers that became known since this trace was last asked for; the earlier ones were handled
                // then.
                let bearers = || all[before.map_or(0, |(_, bearers)| bearers)..].iter().cloned();
                question.known.extend(bearers());
                match trace {
                    Trace::QueueId(id) => {
                        question.queue_ids.push(id.clone());
                        next.extend(bearers());
                    }
                    Trace::MessageId(id) => question.message_ids.push(id.clone()),
                }
                let within = question.within;
                let within = match before {
                    Some((asked, _)) if asked.from <= within.to && within.from <= asked.to => {
                        Range { from: asked.from.min(within.from), to: asked.to.max(within.to) }
                    }
                    _ => within,
                };
                self.asked.insert(trace.clone(), (within, all.len()));
            }
            let bears_queue_id = |node: &Node| {
                let asked = |trace: Trace| matches!(trace, Trace::QueueId(_)) && self.asked.contains_key(&trace);
                traces(node).any(asked)
            };
            let found = store.neighbours(&question).await?;
            let borne = found.iter().filter(|near| bears_queue_id(&near.node));
            next.extend(borne.map(|near| near.id.clone()));
            self.read += found.len();
            found.into_iter().for_each(|Neighbour { id, node }| self.add(id, node));
        }
        next.retain(|id| !self.followed.contains(id));
        Ok(next)
    }

    /// Known documents, not followed yet, that a claim or their present journey joins to a followed one.
    fn hanging(&self) -> BTreeSet<String> {
        let nodes: Vec<&Node> = self.known.values().collect();
        let is_followed: Vec<bool> = self.known.keys().map(|id| self.followed.contains(id)).collect();
        let hanging = journey::hanging(&nodes, &is_followed);
        self.known.keys().zip(hanging).filter(|(_, is_hanging)| *is_hanging).map(|(id, _)| id.clone()).collect()
    }
}
