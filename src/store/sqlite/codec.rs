//! How a document is kept in a row: the JSON of the document, compressed with zstd.
//!
//! In: a transaction. Out: its blob, and back. What the blob holds is known here and nowhere else; the columns beside it
//! are for searching only and are never read back into a document.

use crate::model::Transaction;
use std::io;

/// The fastest of zstd's common levels: repeated names and addresses compress well even so, and a run writes more than it
/// reads.
const LEVEL: i32 = 1;

/// The blob of a document.
pub fn encode(t: &Transaction) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(&serde_json::to_vec(t)?, LEVEL)
}

/// The document of a blob; fails when the blob is damaged.
pub fn decode(blob: &[u8]) -> io::Result<Transaction> {
    Ok(serde_json::from_slice(&zstd::stream::decode_all(blob)?)?)
}
