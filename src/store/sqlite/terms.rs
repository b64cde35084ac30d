//! The table `terms`: where a search term occurs.

use super::failure::Outcome;
use crate::{
    model::Transaction,
    store::matching::{self, Term},
};
use siphasher::sip::SipHasher13;
use std::{collections::BTreeSet, hash::Hasher};

/// The terms of a document, in order.
pub fn of(t: &Transaction) -> BTreeSet<i64> {
    matching::terms(t).iter().map(hash).collect()
}

/// Brings the terms of a row up to date; most of them stay from one version to the next.
pub fn replace(tx: &rusqlite::Transaction<'_>, doc: i64, new: &BTreeSet<i64>) -> Outcome<()> {
    let old: BTreeSet<i64> = tx
        .prepare_cached("SELECT term FROM terms WHERE doc = ?1")?
        .query_map([doc], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    insert(tx, new.difference(&old).map(|term| (*term, doc)))?;
    let mut delete = tx.prepare_cached("DELETE FROM terms WHERE term = ?1 AND doc = ?2")?;
    for term in old.difference(new) {
        delete.execute([*term, doc])?;
    }
    Ok(())
}

/// Adds pairs of term and row.
pub fn insert(tx: &rusqlite::Transaction<'_>, pairs: impl Iterator<Item = (i64, i64)>) -> Outcome<()> {
    let mut insert = tx.prepare_cached("INSERT INTO terms (term, doc) VALUES (?1, ?2)")?;
    for pair in pairs {
        insert.execute(pair)?;
    }
    Ok(())
}

/// The hash of a term. It is stored, hence never to be changed without a new version of the tables.
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
