//! Everything that changes rows: put, delete, prune, and the checkpoint behind `commit`.

use super::{
    codec,
    failure::{Failure, Outcome},
    marks, schema,
    terms::{self, Additions},
};
use crate::{
    model::{Time, Transaction as Document},
    store::{Put, Report, Version},
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, ffi, params};
use serde::Serialize;
use std::{collections::BTreeSet, io, path::Path, sync::mpsc, thread, time::Duration};

/// Documents per transaction of `prune`, so that the log stays small and a run does not wait long.
const PRUNED_AT_ONCE: i64 = 1_000;

/// How long `commit` waits for readers. The data is safe afterwards, whether or not they finish.
const CHECKPOINT_PATIENCE: Duration = Duration::from_millis(200);

/// Rows prepared ahead of the writer.
const AHEAD: usize = 64;

/// A document with its encoded blob and its terms.
struct Row<'a> {
    put: &'a Put,
    blob: io::Result<Vec<u8>>,
    terms: BTreeSet<i64>,
}

impl<'a> Row<'a> {
    fn of(put: &'a Put) -> Self {
        Row { put, blob: codec::encode(&put.transaction), terms: terms::of(&put.transaction) }
    }
}

/// Writes documents in one transaction, each only if its expected version holds. A second thread prepares the rows, if
/// the system allows one.
pub fn put(connection: &mut Connection, documents: &[Put]) -> Outcome<Report> {
    thread::scope(|scope| {
        let (ready, rows) = mpsc::sync_channel(AHEAD);
        // Sending fails only if the writer has failed, and the writer reports why.
        let work = move || documents.iter().map(Row::of).all(|row| ready.send(row).is_ok());
        match thread::Builder::new().spawn_scoped(scope, work) {
            Ok(_) => put_rows(connection, rows),
            Err(_) => put_rows(connection, documents.iter().map(Row::of)),
        }
    })
}

fn put_rows<'a>(connection: &mut Connection, rows: impl IntoIterator<Item = Row<'a>>) -> Outcome<Report> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut report = Report::default();
    let mut last: i64 = tx.query_row("SELECT last FROM counter", [], |row| row.get(0))?;
    let mut additions = Additions::default();
    for Row { put, blob, terms } in rows {
        let id = &put.transaction.mail.id;
        let written = blob.map_err(Failure::Blob).and_then(|blob| write(&tx, put, &blob, last + 1));
        match written {
            Ok(Some(Written { doc, old })) => {
                last += 1;
                let (has, may_have) = old.map(|old| (terms::surely_of(&old), terms::of(&old))).unwrap_or_default();
                additions.add(doc, &put.transaction, terms.difference(&has));
                terms::remove(&tx, doc, may_have.difference(&terms))?;
            }
            Ok(None) => report.conflicts.push(id.clone()),
            Err(Failure::Sqlite(e)) if is_too_big(&e) => report.refused.push((id.clone(), e.to_string())),
            Err(Failure::Blob(e)) => report.refused.push((id.clone(), e.to_string())),
            Err(e) => return Err(e),
        }
    }
    additions.write(&tx)?;
    tx.execute("UPDATE counter SET last = ?1", [last])?;
    tx.commit()?;
    Ok(report)
}

/// A row larger than SQLite's limit (1 GB) will never fit, now or later.
fn is_too_big(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| e.extended_code & 0xff == ffi::SQLITE_TOOBIG)
}

/// The number of a row that was written, and the document it held before.
struct Written {
    doc: i64,
    old: Option<Box<Document>>,
}

/// Creates or replaces the row of a document. `None`: the stored document is not the expected one.
fn write(tx: &Transaction<'_>, put: &Put, blob: &[u8], version: i64) -> Outcome<Option<Written>> {
    let t = &put.transaction;
    let mut old = None;
    if let Some(expected) = put.expected {
        let Some(place) = place(tx, &t.mail.id)?.filter(|place| place.version == expected) else { return Ok(None) };
        match codec::decode(&place.blob) {
            Ok(document) => old = Some(Box::new(document)),
            Err(_) => terms::remove_all(tx, place.doc, &place.blob)?,
        }
    }
    let mut statement = tx.prepare_cached(match put.expected {
        None => {
            "INSERT INTO transactions
               (id, version, host, queue_id, part, start_ms, end_ms, kind, status, sender, message_id, journey, blob)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (id) DO NOTHING RETURNING doc"
        }
        Some(_) => {
            "UPDATE transactions SET
               version = ?2, host = ?3, queue_id = ?4, part = ?5, start_ms = ?6, end_ms = ?7, kind = ?8, status = ?9,
               sender = ?10, message_id = ?11, journey = ?12, blob = ?13
             WHERE id = ?1 RETURNING doc"
        }
    })?;
    let mut fill = || {
        let columns = params![
            t.mail.id,
            version,
            t.host.name.as_str(),
            t.email.local_id.as_deref(),
            t.mail.part,
            t.event.start.0,
            t.event.end.0,
            word(&t.mail.kind),
            word(&t.mail.status),
            t.email.from.address.as_deref(),
            t.email.message_id.as_deref(),
            t.mail.journey,
            blob,
        ];
        statement.query_row(columns, |row| row.get(0)).optional()
    };
    let mut doc = fill()?;
    // An unreadable row is replaced: its content is lost, and the new document holds what the log still says.
    if doc.is_none()
        && let Some(damaged) = place(tx, &t.mail.id)?.filter(|place| codec::decode(&place.blob).is_err())
    {
        remove(tx, damaged.doc, &damaged.blob)?;
        doc = fill()?;
    }
    Ok(doc.map(|doc| Written { doc, old }))
}

/// The word for a kind or status in a document.
fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

/// Deletes documents in one transaction, each only if it still has that version.
pub fn delete(connection: &mut Connection, documents: &[(String, Version)]) -> Outcome<Report> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut report = Report::default();
    for (id, expected) in documents {
        match place(&tx, id)? {
            Some(place) if place.version == *expected => remove(&tx, place.doc, &place.blob)?,
            Some(_) => report.conflicts.push(id.clone()),
            None => {}
        }
    }
    marks::name_none_that_is_gone(&tx)?;
    tx.commit()?;
    Ok(report)
}

/// Row number, version and blob of a document.
struct Place {
    doc: i64,
    version: Version,
    blob: Vec<u8>,
}

fn place(tx: &Transaction<'_>, id: &str) -> Outcome<Option<Place>> {
    Ok(tx
        .prepare_cached("SELECT doc, version, blob FROM transactions WHERE id = ?1")?
        .query_row([id], |row| {
            let version = Version { number: row.get::<_, i64>(1)?.cast_unsigned(), term: 0 };
            // A value that is no blob counts as damaged, like an empty blob.
            let blob = row.get_ref(2)?.as_bytes().unwrap_or_default().to_vec();
            Ok(Place { doc: row.get(0)?, version, blob })
        })
        .optional()?)
}

fn remove(tx: &Transaction<'_>, doc: i64, blob: &[u8]) -> Outcome<()> {
    terms::remove_all(tx, doc, blob)?;
    tx.prepare_cached("DELETE FROM transactions WHERE doc = ?1")?.execute([doc])?;
    Ok(())
}

/// Deletes what ended before `before`, batch by batch. Deleted pages are overwritten, because someone asked for the
/// data to be gone.
pub fn prune(connection: &mut Connection, before: Time) -> Outcome<u64> {
    connection.pragma_update(None, "secure_delete", true)?;
    let mut deleted = 0;
    loop {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let old: Vec<(i64, Vec<u8>)> = tx
            .prepare_cached("SELECT doc, blob FROM transactions WHERE end_ms < ?1 LIMIT ?2")?
            .query_map([before.0, PRUNED_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (doc, blob) in &old {
            remove(&tx, *doc, blob)?;
        }
        terms::forget_empty_blocks(&tx)?;
        marks::name_none_that_is_gone(&tx)?;
        tx.commit()?;
        if old.is_empty() {
            break;
        }
        deleted += old.len() as u64;
    }
    connection.pragma_update(None, "secure_delete", false)?;
    Ok(deleted)
}

/// Checkpoints the write-ahead log into the database and syncs both.
///
/// A reader that still uses the log keeps the checkpoint from finishing, and then nothing may have been synced. In that
/// case the log itself is synced, which is as good, because SQLite replays it after a power loss. (Opening the log is
/// harmless. The database must not be opened beside SQLite: closing it would drop SQLite's locks.)
pub fn commit(connection: &Connection, path: &Path) -> Outcome<()> {
    connection.busy_timeout(CHECKPOINT_PATIENCE)?;
    let moved = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(schema::PATIENCE)?;
    let is_busy: bool = moved?;
    if is_busy {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        std::fs::File::open(log).and_then(|log| log.sync_all()).map_err(Failure::Log)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;
    use std::time::Instant;

    #[test]
    fn a_commit_is_not_held_up_by_a_reader() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.sqlite");
        let writer = schema::prepare(&path, Access::default(), "").unwrap();
        let mut reader = schema::open(&path, Access::default(), "").unwrap();
        let reading = reader.transaction().unwrap();
        let last = || reading.query_row("SELECT last FROM counter", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(last(), 0);
        writer.execute("UPDATE counter SET last = 7", []).unwrap();
        let since = Instant::now();
        commit(&writer, &path).unwrap();
        assert!(since.elapsed() < schema::PATIENCE / 10, "{:?}", since.elapsed());
        assert_eq!(last(), 0, "the reader still sees its moment");
    }
}
