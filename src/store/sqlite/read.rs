//! Everything that only looks: by id, by key, by term, page by page, and the numbers of `status`.

use super::{
    codec,
    failure::{Failure, Outcome},
    terms::{self, hash},
};
use crate::{
    model::{Range, Time, Transaction},
    store::{
        Census, Page, QueueKey, Search, Stored, Summary, Traces, Version,
        matching::{forms, is_neighbour, matches, neighbour_terms, take},
    },
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params_from_iter};
use serde::de::DeserializeOwned;

/// Documents per page, and bytes of their blobs: whichever is reached first ends it.
const PAGE: usize = 250;
const PAGE_BYTES: usize = 4 << 20;

/// No limit in time.
const ALWAYS: Range = Range { from: Time(i64::MIN), to: Time(i64::MAX) };

/// Terms of a search that are looked up; more can only narrow what these find, which the documents themselves decide.
const TERMS_LOOKED_UP: usize = 8;

/// The documents with these ids.
pub fn get(connection: &Connection, ids: &[String]) -> Outcome<Vec<Stored>> {
    let mut rows = connection.prepare_cached("SELECT version, blob FROM transactions WHERE id = ?1")?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(rows.query_row([id], versioned).optional()?.transpose()?);
    }
    Ok(found)
}

/// The documents of these keys that touch a range.
pub fn find(connection: &mut Connection, keys: &[QueueKey], within: Range) -> Outcome<Vec<Stored>> {
    // One transaction, so that all keys are seen as of one moment (and the file is locked once).
    let tx = connection.transaction()?;
    let mut found = Vec::new();
    {
        let mut rows = tx.prepare_cached(
            "SELECT version, blob FROM transactions
             WHERE queue_id = ?1 AND host = ?2 AND start_ms < ?3 AND end_ms >= ?4 ORDER BY start_ms",
        )?;
        for key in keys {
            let parameters = (&key.queue_id, &key.host, within.to.0, within.from.0);
            for stored in rows.query_map(parameters, versioned)? {
                found.push(stored??);
            }
        }
    }
    tx.commit()?;
    Ok(found)
}

/// The documents that touch a range and share a queue id or a Message-ID with those asked for.
pub fn neighbours(connection: &mut Connection, traces: &Traces) -> Outcome<Vec<Stored>> {
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
            if is_known { Ok(None) } else { versioned(row).map(Some) }
        };
        for doc in terms::rows(&tx, wanted.iter().map(hash).collect(), within)? {
            let row = rows.query_row((doc, within.to.0, within.from.0), unknown).optional()?;
            found.extend(row.flatten().transpose()?);
        }
    }
    tx.commit()?;
    found.retain(|stored| is_neighbour(&stored.transaction, &wanted));
    Ok(found)
}

/// The document and version of a row `version, blob`.
fn versioned(row: &Row<'_>) -> rusqlite::Result<Outcome<Stored>> {
    let version = Version { number: row.get::<_, i64>(0)?.cast_unsigned(), term: 0 };
    Ok(codec::decode(&row.get::<_, Vec<u8>>(1)?)
        .map(|transaction| Stored { transaction, version })
        .map_err(Failure::Blob))
}

/// The documents that a search means, newest first.
pub fn search(connection: &mut Connection, search: &Search) -> Outcome<Vec<Transaction>> {
    let mut found = Vec::new();
    if search.limit == 0 {
        return Ok(found);
    }
    let Range { from, to } = search.within.unwrap_or(ALWAYS);
    // With a `+` no index is used for it: few documents have a term, many a time.
    let plus = if search.terms.is_empty() { "" } else { "+" };
    let mut sql = format!("SELECT doc FROM transactions WHERE {plus}start_ms < ? AND {plus}end_ms >= ?");
    let mut parameters = vec![to.0, from.0];
    for term in search.terms.iter().take(TERMS_LOOKED_UP) {
        // A `CROSS JOIN` is done in the order in which it is written.
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
        // Rows are sorted without their blobs; a blob is read when its turn comes.
        let mut hits = tx.prepare_cached(&sql)?;
        let mut blobs = tx.prepare_cached(BLOB)?;
        let mut hits = hits.query(params_from_iter(parameters))?;
        while let Some(hit) = hits.next()? {
            let t = codec::decode(&blob(&mut blobs, hit)?).map_err(Failure::Blob)?;
            if matches(&t, search) && !take(&mut found, t, search.limit) {
                break;
            }
        }
    }
    tx.commit()?;
    Ok(found)
}

/// The next page in the order of ids.
pub fn page(connection: &mut Connection, after: Option<&str>, within: Option<Range>) -> Outcome<Page> {
    let within = within.unwrap_or(ALWAYS);
    let tx = connection.transaction()?;
    let mut page = Page::default();
    {
        // With a `+` no index is used for it: what is in order already need not be sorted for every page.
        let mut hits = tx.prepare_cached(
            "SELECT doc FROM transactions WHERE id > ?1 AND +start_ms < ?2 AND +end_ms >= ?3 ORDER BY id LIMIT ?4",
        )?;
        let mut blobs = tx.prepare_cached(BLOB)?;
        // No id is empty, so every one is after the empty text.
        let mut hits = hits.query((after.unwrap_or_default(), within.to.0, within.from.0, PAGE))?;
        let mut bytes = 0;
        while let Some(hit) = hits.next()? {
            let blob = blob(&mut blobs, hit)?;
            page.transactions.push(codec::decode(&blob).map_err(Failure::Blob)?);
            bytes += blob.len();
            if bytes >= PAGE_BYTES || page.transactions.len() == PAGE {
                page.after = page.transactions.last().map(|t| t.mail.id.clone());
                break;
            }
        }
    }
    tx.commit()?;
    Ok(page)
}

/// The blob of a hit, which is a row `doc`.
const BLOB: &str = "SELECT blob FROM transactions WHERE doc = ?1";

fn blob(blobs: &mut CachedStatement<'_>, hit: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    blobs.query_row([hit.get::<_, i64>(0)?], |row| row.get(0))
}

/// The newest end that is not after `now`.
pub fn newest_end(connection: &Connection, now: Time) -> Outcome<Option<Time>> {
    let end: Option<i64> =
        connection.query_row("SELECT max(end_ms) FROM transactions WHERE end_ms <= ?1", [now.0], |row| row.get(0))?;
    Ok(end.map(Time))
}

/// How many documents `prune` would delete.
pub fn count_before(connection: &Connection, before: Time) -> Outcome<u64> {
    let count: i64 =
        connection.query_row("SELECT count(*) FROM transactions WHERE end_ms < ?1", [before.0], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The numbers of `status`, each from its own index.
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

/// How many documents touch a range, by kind and status.
pub fn census(connection: &mut Connection, within: Range) -> Outcome<Census> {
    let mut rows = connection.prepare(
        "SELECT kind, status, count(*) FROM transactions
         WHERE part = 0 AND start_ms < ?1 AND end_ms >= ?2 GROUP BY kind, status",
    )?;
    let mut rows = rows.query((within.to.0, within.from.0))?;
    let mut census = Census::new();
    while let Some(row) = rows.next()? {
        let kind = meant(row.get(0)?)?;
        let status = meant(row.get(1)?)?;
        census.insert((kind, status), row.get::<_, i64>(2)?.cast_unsigned());
    }
    Ok(census)
}

/// The kind or status that a document calls by a word.
fn meant<T: DeserializeOwned>(word: String) -> Outcome<T> {
    serde_json::from_value(word.into()).map_err(|e| Failure::Blob(e.into()))
}
