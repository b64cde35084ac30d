//! How a document is kept in a row: its JSON, compressed with zstd.
//!
//! In: a transaction. Out: its blob, and back. Only this module knows the format of a blob; the columns beside it are
//! for searching and are never read back into a document.
//!
//! A document is short and consists mostly of field names: a zstd dictionary of sample documents halves the blobs and
//! makes writing faster.

use crate::model::Transaction;
use std::{cell::RefCell, io, sync::LazyLock};
use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe,
};

/// One of zstd's fast levels: a run writes more than it reads.
const LEVEL: i32 = -2;

/// Largest JSON of a document in bytes. A blob that claims to hold more is damaged.
const LARGEST: u64 = 1 << 30;

/// The dictionary. Blobs refer to it, so it must not change without a new version of the tables.
const KNOWN: &[u8] = include_bytes!("dictionary.ndjson");

static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(KNOWN, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(KNOWN));

thread_local! {
    static COMPRESSOR: RefCell<io::Result<Compressor<'static>>> =
        RefCell::new(Compressor::with_prepared_dictionary(&ENCODER));
    static DECOMPRESSOR: RefCell<io::Result<Decompressor<'static>>> =
        RefCell::new(Decompressor::with_prepared_dictionary(&DECODER));
}

/// Encodes a document as a blob.
pub fn encode(t: &Transaction) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(t)?;
    if json.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {LARGEST} bytes")));
    }
    COMPRESSOR.with_borrow_mut(|compressor| ready(compressor)?.compress(&json))
}

/// The document in a blob; fails if the blob is damaged.
pub fn decode(blob: &[u8]) -> io::Result<Transaction> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
    let size = zstd_safe::get_frame_content_size(blob).ok().flatten().filter(|size| *size <= LARGEST);
    let size = size.and_then(|size| usize::try_from(size).ok()).ok_or_else(damaged)?;
    let json = DECOMPRESSOR.with_borrow_mut(|decompressor| ready(decompressor)?.decompress(blob, size))?;
    Ok(serde_json::from_slice(&json)?)
}

/// A compressor that could not be created, for lack of memory, fails each time with that error.
fn ready<T>(made: &mut io::Result<T>) -> io::Result<&mut T> {
    made.as_mut().map_err(|e| io::Error::new(e.kind(), e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_comes_back_from_its_blob_and_from_one_made_without_what_is_known() {
        for json in KNOWN.split(|byte| *byte == b'\n').filter(|json| !json.is_empty()) {
            let t: Transaction = serde_json::from_slice(json).unwrap();
            assert_eq!(decode(&encode(&t).unwrap()).unwrap(), t);
            assert_eq!(decode(&zstd::bulk::compress(json, 1).unwrap()).unwrap(), t);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_document_survives_being_written(t in crate::laws::stored::transaction()) {
            proptest::prop_assert_eq!(decode(&encode(&t).unwrap()).unwrap(), t);
        }
    }

    #[test]
    fn a_damaged_blob_is_no_document_whatever_size_it_claims() {
        let t: Transaction = serde_json::from_slice(KNOWN.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
        let blob = encode(&t).unwrap();
        assert!(decode(&blob[..blob.len() - 1]).is_err());
        // A single-segment frame with its size in eight bytes (RFC 8878, section 3.1.1.1).
        let huge = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &u64::MAX.to_le_bytes()[..], &[1, 0, 0][..]].concat();
        assert_eq!(decode(&huge).unwrap_err().to_string(), "it is damaged");
        assert!(decode(b"").is_err());
    }
}
