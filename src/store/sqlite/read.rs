//! All reading queries: by id, by key, by term, page by page, and the numbers of `status`.

use super::{
    codec,
    failure::Outcome,
    terms::{self, hash},
};
use crate::{
    model::{Range, Time, Transaction, transaction::Kind},
    stitch::journey::is_root_of,
    store::{
        Census, Known, Neighbour, Page, QueueKey, Search, Stored, Summary, Traces, Version,
        matching::{forms, is_neighbour, matches, neighbour_terms, take},
    },
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params_from_iter, types::ValueRef};
use serde::de::DeserializeOwned;
use std::io;

/// Documents per page, and bytes of their blobs; whichever is reached first ends the page.
const PAGE: usize = 250;
const PAGE_BYTES: usize = 4 << 20;

/// Any time.
const ALWAYS: Range = Range { from: Time(i64::MIN), to: Time(i64::MAX) };

/// Terms of a search that are looked up in the index. Further terms only narrow the result, and that is checked on the
/// documents.
const TERMS_LOOKED_UP: usize = 8;

/// Called with id and cause for each row whose document cannot be read.
pub type LeaveOut<'a> = dyn Fn(&str, &io::Error) + 'a;

/// The documents with these ids.
pub fn get(connection: &Connection, ids: &[String], leave_out: &LeaveOut<'_>) -> Outcome<Vec<Stored>> {
    let mut rows = connection.prepare_cached("SELECT version, blob, id FROM transactions WHERE id = ?1")?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(rows.query_row([id], |row| versioned(row, leave_out)).optional()?.flatten());
    }
    Ok(found)
}

/// Which of these ids exist, with the approximate size of each document.
pub fn sizes(connection: &Connection, ids: &[String]) -> Outcome<Vec<Known>> {
    let mut rows = connection.prepare_cached("SELECT id, length(blob) FROM transactions WHERE id = ?1")?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(rows.query_row([id], known).optional()?);
    }
    Ok(found)
}

/// Ids and approximate sizes of the documents with these keys whose time span touches a range.
pub fn find_ids(connection: &mut Connection, keys: &[QueueKey], within: Range) -> Outcome<Vec<Known>> {
    let tx = connection.transaction()?;
    let mut found = Vec::new();
    {
        let mut rows = tx.prepare_cached(
            "SELECT id, length(blob) FROM transactions
             WHERE queue_id = ?1 AND host = ?2 AND start_ms < ?3 AND end_ms >= ?4",
        )?;
        for key in keys {
            for known in rows.query_map((&key.queue_id, &key.host, within.to.0, within.from.0), known)? {
                found.push(known?);
            }
        }
    }
    tx.commit()?;
    Ok(found)
}

/// Approximate ratio of a document's JSON to its blob.
const PACKED: u64 = 6;

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let bytes = row.get::<_, i64>(1)?.cast_unsigned().saturating_mul(PACKED);
    Ok(Known { id: row.get(0)?, bytes })
}

/// The documents with these keys whose time span touches a range.
pub fn find(
    connection: &mut Connection,
    keys: &[QueueKey],
    within: Range,
    leave_out: &LeaveOut<'_>,
) -> Outcome<Vec<Stored>> {
    // One transaction, so that all keys are read from one snapshot and the file is locked only once.
    let tx = connection.transaction()?;
    let mut found = Vec::new();
    {
        let mut rows = tx.prepare_cached(
            "SELECT version, blob, id FROM transactions
             WHERE queue_id = ?1 AND host = ?2 AND start_ms < ?3 AND end_ms >= ?4 ORDER BY start_ms",
        )?;
        for key in keys {
            let parameters = (&key.queue_id, &key.host, within.to.0, within.from.0);
            for stored in rows.query_map(parameters, |row| versioned(row, leave_out))? {
                found.extend(stored?);
            }
        }
    }
    tx.commit()?;
    Ok(found)
}

/// The documents that touch the range of `traces` and share a queue id or a Message-ID with it, without the known ones.
pub fn neighbours(connection: &mut Connection, traces: &Traces, leave_out: &LeaveOut<'_>) -> Outcome<Vec<Neighbour>> {
    let wanted = neighbour_terms(&traces.queue_ids, &traces.message_ids);
    let within = traces.within;
    let tx = connection.transaction()?;
    let mut found = Vec::new();
    {
        let mut rows = tx.prepare_cached(
            "SELECT version, blob, id FROM transactions WHERE doc = ?1 AND start_ms < ?2 AND end_ms >= ?3",
        )?;
        let unknown = |row: &Row<'_>| {
            let is_known = traces.known.contains(row.get_ref(2)?.as_str()?);
            if is_known { Ok(None) } else { versioned(row, leave_out) }
        };
        for doc in terms::rows(&tx, wanted.iter().map(hash).collect(), within)? {
            let row = rows.query_row((doc, within.to.0, within.from.0), unknown).optional()?;
            let is_wanted = |stored: &Stored| is_neighbour(&stored.transaction, &wanted);
            found.extend(row.flatten().filter(is_wanted).map(|stored| Neighbour::of(&stored.transaction)));
            if found.len() >= traces.most {
                break;
            }
        }
    }
    tx.commit()?;
    Ok(found)
}

/// Document and version of a row `version, blob, id`; `None` if the document cannot be read.
fn versioned(row: &Row<'_>, leave_out: &LeaveOut<'_>) -> rusqlite::Result<Option<Stored>> {
    let version = Version { number: row.get::<_, i64>(0)?.cast_unsigned(), term: 0 };
    Ok(read(row.get_ref(1)?, row.get_ref(2)?, leave_out).map(|transaction| Stored { transaction, version }))
}

/// The document in a blob. `None`, after a call of `leave_out`, if the value is no blob, is damaged or holds another
/// id.
fn read(blob: ValueRef<'_>, id: ValueRef<'_>, leave_out: &LeaveOut<'_>) -> Option<Transaction> {
    let id = id.as_str().unwrap_or_default();
    let blob = blob.as_bytes().map_err(io::Error::other);
    let read = blob.and_then(codec::decode).and_then(|transaction| match transaction.mail.id == id {
        true => Ok(transaction),
        false => Err(io::Error::other(format!("it is document `{}`", transaction.mail.id))),
    });
    read.inspect_err(|cause| leave_out(id, cause)).ok()
}

/// The documents that match a search, newest first.
pub fn search(connection: &mut Connection, search: &Search, leave_out: &LeaveOut<'_>) -> Outcome<Vec<Transaction>> {
    let mut found = Vec::new();
    if search.limit == 0 {
        return Ok(found);
    }
    let Range { from, to } = search.within.unwrap_or(ALWAYS);
    // The `+` keeps SQLite from using the index on time: a term selects far fewer rows than a time range.
    let plus = if search.terms.is_empty() { "" } else { "+" };
    let mut sql = format!("SELECT doc FROM transactions WHERE {plus}start_ms < ? AND {plus}end_ms >= ?");
    let mut parameters = vec![to.0, from.0];
    for term in search.terms.iter().take(TERMS_LOOKED_UP) {
        // SQLite runs a `CROSS JOIN` in the order in which it is written.
        sql.push_str(
            " AND doc IN (SELECT terms.doc FROM blocks CROSS JOIN terms USING (block)
                WHERE start_ms < ? AND end_ms >= ? AND term IN (?, ?))",
        );
        parameters.extend([to.0, from.0]);
        parameters.extend(forms(term).iter().map(hash));
    }
    sql.push_str(" ORDER BY start_ms DESC, id DESC");
    let tx = connection.transaction()?;
    {
        // The rows are sorted without their blobs; each blob is read when its row is reached.
        let mut hits = tx.prepare_cached(&sql)?;
        let mut blobs = tx.prepare_cached(BLOB)?;
        let mut hits = hits.query(params_from_iter(parameters))?;
        while let Some(hit) = hits.next()? {
            let Some(t) = document(&mut blobs, hit, leave_out)?.1 else { continue };
            if matches(&t, search) && !take(&mut found, t, search.limit) {
                break;
            }
        }
    }
    tx.commit()?;
    Ok(found)
}

/// The next page, ordered by id.
pub fn page(
    connection: &mut Connection,
    after: Option<&str>,
    within: Option<Range>,
    leave_out: &LeaveOut<'_>,
) -> Outcome<Page> {
    let within = within.unwrap_or(ALWAYS);
    // The `+` keeps SQLite from using the time indices: rows then come in id order and need no sort for each page.
    // Every id is greater than the empty text, so that starts the first page.
    let sql =
        "SELECT doc, id FROM transactions WHERE id > ?1 AND +start_ms < ?2 AND +end_ms >= ?3 ORDER BY id LIMIT ?4";
    let parameters: [&dyn ToSql; 4] = [&after.unwrap_or_default(), &within.to.0, &within.from.0, &(PAGE as i64)];
    page_of(connection, sql, &parameters, leave_out)
}

/// The next page of messages that are still on their way and whose last line is before `before`, in row order.
pub fn waiting(
    connection: &mut Connection,
    after: Option<&str>,
    before: Time,
    leave_out: &LeaveOut<'_>,
) -> Outcome<Page> {
    let after: i64 = after.and_then(|doc| doc.parse().ok()).unwrap_or(i64::MIN);
    let sql = "SELECT doc, CAST(doc AS TEXT) FROM transactions
         WHERE part = 0 AND kind = 'message' AND status IN ('queued', 'deferred', 'held') AND doc > ?1 AND +end_ms < ?2
         ORDER BY doc LIMIT ?3";
    page_of(connection, sql, &[&after, &before.0, &(PAGE as i64)], leave_out)
}

/// A page of rows `doc, after`; `after` of the last row says where the next page begins.
fn page_of(
    connection: &mut Connection,
    sql: &str,
    parameters: &[&dyn ToSql],
    leave_out: &LeaveOut<'_>,
) -> Outcome<Page> {
    let tx = connection.transaction()?;
    let mut page = Page::default();
    {
        let mut hits = tx.prepare_cached(sql)?;
        let mut blobs = tx.prepare_cached(BLOB)?;
        let mut hits = hits.query(parameters)?;
        let (mut bytes, mut rows) = (0, 0);
        while let Some(hit) = hits.next()? {
            let (length, transaction) = document(&mut blobs, hit, leave_out)?;
            page.transactions.extend(transaction);
            (bytes, rows) = (bytes + length, rows + 1);
            if bytes >= PAGE_BYTES || rows == PAGE {
                page.after = Some(hit.get(1)?);
                break;
            }
        }
    }
    tx.commit()?;
    Ok(page)
}

const BLOB: &str = "SELECT blob, id FROM transactions WHERE doc = ?1";

/// The document of a hit (a row that begins with `doc`), if it can be read, and the size of its blob in bytes.
fn document(
    blobs: &mut CachedStatement<'_>,
    hit: &Row<'_>,
    leave_out: &LeaveOut<'_>,
) -> rusqlite::Result<(usize, Option<Transaction>)> {
    blobs.query_row([hit.get::<_, i64>(0)?], |row| {
        let blob = row.get_ref(0)?;
        Ok((blob.as_bytes().map_or(0, <[u8]>::len), read(blob, row.get_ref(1)?, leave_out)))
    })
}

/// The newest `end_ms` that is not after `now`.
pub fn newest_end(connection: &Connection, now: Time) -> Outcome<Option<Time>> {
    let end: Option<i64> =
        connection.query_row("SELECT max(end_ms) FROM transactions WHERE end_ms <= ?1", [now.0], |row| row.get(0))?;
    Ok(end.map(Time))
}

/// Number of documents that `prune` would delete.
pub fn count_before(connection: &Connection, before: Time) -> Outcome<u64> {
    let count: i64 =
        connection.query_row("SELECT count(*) FROM transactions WHERE end_ms < ?1", [before.0], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The numbers of `status`; each query has its own index.
pub fn summary(connection: &mut Connection) -> Outcome<Summary> {
    let tx = connection.transaction()?;
    let number = |sql: &str| tx.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
    let count = |sql: &str| number(sql).map(|n| n.unwrap_or_default().cast_unsigned());
    let summary = Summary {
        documents: count("SELECT count(*) FROM transactions")?,
        open: count(
            "SELECT count(*) FROM transactions
             WHERE part = 0 AND kind = 'message' AND status IN ('queued', 'deferred', 'held')",
        )?,
        oldest: number("SELECT min(start_ms) FROM transactions")?.map(Time),
        newest: number("SELECT max(end_ms) FROM transactions")?.map(Time),
    };
    tx.commit()?;
    Ok(summary)
}

/// Counts the documents that touch a range. A document is read only where the columns do not tell whether it is a root.
pub fn census(connection: &mut Connection, within: Range, leave_out: &LeaveOut<'_>) -> Outcome<Census> {
    let tx = connection.transaction()?;
    let mut census = Census::default();
    {
        let mut rows = tx.prepare_cached(
            "SELECT doc, kind, status, journey, host, queue_id, message_id FROM transactions
             WHERE part = 0 AND start_ms < ?1 AND end_ms >= ?2",
        )?;
        let mut blobs = tx.prepare_cached(BLOB)?;
        let mut rows = rows.query((within.to.0, within.from.0))?;
        while let Some(row) = rows.next()? {
            // A row with an unknown kind or status is not counted.
            let (Some(kind), Some(status)) = (meant(row.get_ref(1)?), meant(row.get_ref(2)?)) else { continue };
            let text = |column| row.get_ref(column).map(|value| value.as_str().unwrap_or_default());
            match kind {
                Kind::Message => match is_root_of(text(3)?, text(4)?, text(5)?, text(6)?) {
                    Some(is_root) => census.count(kind, status, is_root),
                    None => document(&mut blobs, row, leave_out)?.1.iter().for_each(|t| census.add(t)),
                },
                _ => census.count(kind, status, true),
            }
        }
    }
    tx.commit()?;
    Ok(census)
}

/// The kind or status for its word in a document.
fn meant<T: DeserializeOwned>(word: ValueRef<'_>) -> Option<T> {
    serde_json::from_value(word.as_str().ok()?.into()).ok()
}
