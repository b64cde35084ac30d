//! Writes documents that are made of one line alone: refused attempts, and filter verdicts without a queue id.
//!
//! In: these documents. Out: the store with them. The same line always gives the same document, except for its time:
//! another copy of the line may have a better one, and may come with another stretch (law L2).

use super::{Merged, ROUNDS, stored::lines_of};
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

/// Writes documents of single lines. If a document exists already, it gets the better time.
pub async fn write(store: &dyn Store, documents: Vec<Transaction>, merged: &mut Merged) -> Result<()> {
    // Only filter verdicts have neighbours in a journey; the other documents here have none.
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
        // The document that caused the conflict was deleted meanwhile: create it.
        puts.extend(again.into_values().map(|copy| Put { transaction: copy.clone(), expected: None }));
    }
    Err(Error::new(Kind::Temporary, "cannot write the transactions of single lines")
        .because("another writer changes them all the time"))
}

/// The stored document with the time of `copy`'s line, if that time is better.
fn better(copy: &Transaction, stored: Stored) -> Option<Put> {
    let (known, copy) = (lines_of(&stored.transaction).pop()?, lines_of(copy).pop()?);
    let time = Line::better_time(known.time, copy.time);
    if time == known.time { None } else { renewed(stored, Line { time, ..known }) }
}

/// The document as it is made from its line now, if that differs from the stored one. `None` too if the line is no
/// longer understood, so that the document stays.
pub fn renewed(stored: Stored, line: Line) -> Option<Put> {
    let mut transaction = stitch::single(&Reading::new(&line))?;
    transaction.mail.journey.clone_from(&stored.transaction.mail.journey);
    let is_other = transaction.mail.id == stored.transaction.mail.id && transaction != stored.transaction;
    is_other.then_some(Put { transaction, expected: Some(stored.version) })
}
