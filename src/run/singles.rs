//! Lines that stand alone: refused attempts, filters' verdicts without a queue id.
//!
//! In: their documents.  Out: the store with them. A line makes the same document whenever it is read, but for its time:
//! of its copies one may know it better, and may come with another stretch (law L2).

use super::merge::{Merged, ROUNDS, lines_of};
use crate::{
    error::{Error, Kind, Result},
    model::{Line, Transaction, transaction::Kind as TransactionKind},
    stitch::{self, Reading},
    store::{Put, Store, Stored},
};
use std::collections::HashMap;

/// Writes documents of single lines; what is there already is given the better time.
pub async fn write(store: &dyn Store, documents: Vec<Transaction>, merged: &mut Merged) -> Result<()> {
    // Of lines that stand alone only filters' verdicts have neighbours.
    let verdicts = documents.iter().filter(|t| t.mail.kind == TransactionKind::Filter);
    merged.changed.extend(verdicts.map(|t| (t.mail.id.clone(), None)));
    let mut puts: Vec<Put> = documents.into_iter().map(|transaction| Put { transaction, expected: None }).collect();
    for _ in 0..ROUNDS {
        if puts.is_empty() {
            return Ok(());
        }
        let mut sent: HashMap<String, Put> = puts.iter().map(|p| (p.transaction.mail.id.clone(), p.clone())).collect();
        let report = store.put(puts).await?;
        for (id, reason) in report.refused {
            merged.refused.extend(sent.remove(&id).map(|put| (put.transaction, reason)));
        }
        let mut again: HashMap<String, Put> = report.conflicts.iter().filter_map(|id| sent.remove_entry(id)).collect();
        for put in sent.values() {
            *(if put.expected.is_some() { &mut merged.updated } else { &mut merged.created }) += 1;
        }
        puts = Vec::new();
        if report.conflicts.is_empty() {
            return Ok(());
        }
        for stored in store.get(&report.conflicts).await? {
            if let Some(put) = again.remove(&stored.transaction.mail.id) {
                puts.extend(better(&put.transaction, stored));
            }
        }
        // Deleted since it was in the way.
        puts.extend(again.into_values().map(|put| Put { expected: None, ..put }));
    }
    Err(Error::new(Kind::Temporary, "cannot write the transactions of single lines")
        .because("another writer changes them all the time"))
}

/// A stored document with the time of a copy of its line, if that is the better one.
fn better(copy: &Transaction, stored: Stored) -> Option<Put> {
    let (known, copy) = (lines_of(&stored.transaction).pop()?, lines_of(copy).pop()?);
    let time = Line::better_time(known.time, copy.time);
    if time == known.time { None } else { renewed(stored, Line { time, ..known }) }
}

/// A document as it is made now of its line, if that is another one than is stored. One whose line is not understood any
/// more stays.
pub fn renewed(stored: Stored, line: Line) -> Option<Put> {
    let mut transaction = stitch::single(&Reading::new(&line))?;
    transaction.mail.journey.clone_from(&stored.transaction.mail.journey);
    let is_other = transaction.mail.id == stored.transaction.mail.id && transaction != stored.transaction;
    is_other.then_some(Put { transaction, expected: Some(stored.version) })
}
