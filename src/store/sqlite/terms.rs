//! The tables `terms` and `blocks`: in which documents a search term occurs, and when these were logged.

use super::{codec, failure::Outcome};
use crate::{
    model::{Range, Time, Transaction},
    store::matching::{self, Term},
};
use rusqlite::Connection;
use siphasher::sip::SipHasher13;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hasher,
};

/// Documents per block, as a power of two: its terms take some megabytes, and a million documents make about 61 blocks.
const BLOCK_BITS: u32 = 14;

/// The block of a row.
fn block(doc: i64) -> i64 {
    doc >> BLOCK_BITS
}

/// The hashed terms of a document, in order.
pub fn of(t: &Transaction) -> BTreeSet<i64> {
    matching::terms(t).iter().map(hash).collect()
}

/// The terms that are certainly stored for a row, whichever version of mailstitch wrote it. They are computed from the
/// document again, so a new place must be marked with `later` in `places.rs`, and an existing one must not change
/// without a new version of the tables.
pub fn surely_of(t: &Transaction) -> BTreeSet<i64> {
    matching::terms_at(t, |place| place.from_the_first).iter().map(hash).collect()
}

/// Rows to add to `terms` and `blocks`. They are sorted before they are inserted, so that each page of the tree is
/// visited once.
#[derive(Default)]
pub struct Additions {
    terms: Vec<(i64, i64, i64)>,
    spans: BTreeMap<i64, (Time, Time)>,
}

impl Additions {
    /// Adds `terms` for a row (the caller leaves out those already stored), and extends the time span of its block.
    pub fn add<'a>(&mut self, doc: i64, t: &Transaction, terms: impl IntoIterator<Item = &'a i64>) {
        let block = block(doc);
        self.terms.extend(terms.into_iter().map(|term| (block, *term, doc)));
        let (start, end) = self.spans.entry(block).or_insert((t.event.start, t.event.end));
        *start = t.event.start.min(*start);
        *end = t.event.end.max(*end);
    }

    pub fn write(mut self, tx: &Connection) -> Outcome<()> {
        self.terms.sort_unstable();
        let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO terms (block, term, doc) VALUES (?1, ?2, ?3)")?;
        for row in self.terms {
            insert.execute(row)?;
        }
        let mut extend = tx.prepare_cached(
            "INSERT INTO blocks VALUES (?1, ?2, ?3) ON CONFLICT (block)
             DO UPDATE SET start_ms = min(start_ms, excluded.start_ms), end_ms = max(end_ms, excluded.end_ms)",
        )?;
        for (block, (start, end)) in self.spans {
            extend.execute((block, start.0, end.0))?;
        }
        Ok(())
    }
}

/// Removes these terms of a row.
pub fn remove<'a>(tx: &Connection, doc: i64, terms: impl IntoIterator<Item = &'a i64>) -> Outcome<()> {
    let mut delete = tx.prepare_cached("DELETE FROM terms WHERE block = ?1 AND term = ?2 AND doc = ?3")?;
    for term in terms {
        delete.execute((block(doc), *term, doc))?;
    }
    Ok(())
}

/// Removes all terms of a row. If its blob is damaged its terms are unknown, and the whole block is searched for the
/// row.
pub fn remove_all(tx: &Connection, doc: i64, blob: &[u8]) -> Outcome<()> {
    if let Ok(t) = codec::decode(blob) {
        return remove(tx, doc, &of(&t));
    }
    tx.prepare_cached("DELETE FROM terms WHERE block = ?1 AND doc = ?2")?.execute((block(doc), doc))?;
    Ok(())
}

/// Deletes blocks without documents.
pub fn forget_empty_blocks(tx: &Connection) -> Outcome<()> {
    let sql = "DELETE FROM blocks WHERE NOT EXISTS
                 (SELECT 1 FROM transactions WHERE doc >= block << ?1 AND doc < (block + 1) << ?1)";
    tx.prepare_cached(sql)?.execute([BLOCK_BITS])?;
    Ok(())
}

/// Rows that may have one of these terms, in blocks that touch a range. Hashes can collide, and a block spans more time
/// than its rows, so the caller checks the documents.
pub fn rows(tx: &Connection, mut terms: Vec<i64>, within: Range) -> Outcome<BTreeSet<i64>> {
    // In the order of the tree.
    terms.sort_unstable();
    let mut blocks = tx.prepare_cached("SELECT block FROM blocks WHERE start_ms < ?1 AND end_ms >= ?2")?;
    let mut docs = tx.prepare_cached("SELECT doc FROM terms WHERE block = ?1 AND term = ?2")?;
    let mut found = BTreeSet::new();
    for block in blocks.query_map((within.to.0, within.from.0), |row| row.get::<_, i64>(0))? {
        let block = block?;
        for term in &terms {
            for doc in docs.query_map((block, term), |row| row.get(0))? {
                found.insert(doc?);
            }
        }
    }
    Ok(found)
}

/// The hash of a term. It is stored, so it must not change without a new version of the tables.
pub fn hash(term: &Term<'_>) -> i64 {
    let (tag, text) = match term {
        Term::Exact(text) => (0, *text),
        Term::Folded(text) => (1, text.as_str()),
    };
    let mut h = SipHasher13::new_with_keys(0x6d61_696c_7374_6974, 0x6368_2d74_6572_6d73);
    h.write_u8(tag);
    h.write(text.as_bytes());
    h.finish().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_term_never_changes() {
        assert_eq!(hash(&Term::Exact("4F1")), -2_121_097_939_094_676_999);
        assert_eq!(hash(&Term::Folded("4F1".to_owned())), -3_114_506_636_863_877_898);
    }
}
