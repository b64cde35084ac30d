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
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

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
        let sent: Arc<[Put]> = std::mem::take(&mut puts).into();
        let report = store.put(Arc::clone(&sent)).await?;
        for put in report.done(&sent) {
            *(if put.expected.is_some() { &mut merged.updated } else { &mut merged.created }) += 1;
        }
        merged.refuse(&sent, report.refused);
        if report.conflicts.is_empty() {
            return Ok(());
        }
        let conflicts: HashSet<&String> = report.conflicts.iter().collect();
        let mut again: HashMap<&String, &Transaction> =
            sent.iter().map(|put| (&put.transaction.mail.id, &put.transaction)).collect();
        again.retain(|id, _| conflicts.contains(id));
        for stored in store.get(&report.conflicts).await? {
            if let Some(copy) = again.remove(&stored.transaction.mail.id) {
                puts.extend(better(copy, stored));
            }
        }
        // Deleted since it was in the way.
        puts.extend(again.into_values().map(|copy| Put { transaction: copy.clone(), expected: None }));
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
