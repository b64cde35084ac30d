//! The marks of ledgers, in a table of their own, so that they are copied and restored with the file.
//!
//! Beside its number a mark names one document of that write. If another program deletes that document, the mark no
//! longer counts; if we delete it ourselves, the mark stays and names none.

use super::failure::Outcome;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS marks (
  ledger TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  document TEXT
) WITHOUT ROWID";

/// Stores the number of a write.
pub fn leave(connection: &mut Connection, ledger: &str, number: u64, documents: &[String]) -> Outcome<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute(TABLE, [])?;
    tx.execute(
        "INSERT OR REPLACE INTO marks VALUES (?1, ?2, (SELECT id FROM transactions WHERE id = ?3))",
        (ledger, number.cast_signed(), documents.iter().max()),
    )?;
    tx.commit()?;
    Ok(())
}

/// The number that a ledger stored last; `None` if there is none, or if others deleted the document that it names.
pub fn find(connection: &Connection, ledger: &str) -> Outcome<Option<u64>> {
    if !there(connection)? {
        return Ok(None);
    }
    let number = connection
        .query_row(
            "SELECT number FROM marks WHERE ledger = ?1
             AND (document IS NULL OR EXISTS (SELECT 1 FROM transactions WHERE id = document))",
            [ledger],
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    Ok(number.map(i64::cast_unsigned))
}

/// Called after our own deletes: a mark whose document is gone names none from now on.
pub fn name_none_that_is_gone(connection: &Connection) -> Outcome<()> {
    if there(connection)? {
        connection.execute(
            "UPDATE marks SET document = NULL
             WHERE document IS NOT NULL AND NOT EXISTS (SELECT 1 FROM transactions WHERE id = document)",
            [],
        )?;
    }
    Ok(())
}

fn there(connection: &Connection) -> Outcome<bool> {
    Ok(connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'marks'", [], |row| row.get(0))?)
}
