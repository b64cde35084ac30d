//! Opens what a path names: plain text, or packed by gzip or zstd, told apart by the first bytes and not by the name.
//!
//! In: a file.  Out: its text from an offset on; its head.
//! Ignored on purpose: other packers (xz, bzip2); the caller says so.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read, Result, Seek, SeekFrom, copy, sink},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
    /// One that is not read here, by name.
    Unknown(&'static str),
}

/// What the first bytes say (RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, the xz and bzip2 formats).
pub fn packing(first: &[u8]) -> Packing {
    match first {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Unknown("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', ..] => Packing::Unknown("bzip2"),
        _ => Packing::Plain,
    }
}

/// Unpacked text.
pub type Text = Box<dyn Read + Send + Sync>;

/// Counts the bytes read from the disk: what progress is measured by.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let n = self.0.read(into)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The text of a stream that cannot be read twice, unpacked.
pub fn stream(mut input: impl Read + Send + Sync + 'static) -> Result<Text> {
    let mut first = Vec::new();
    (&mut input).take(8).read_to_end(&mut first)?;
    let packing = packing(&first);
    unpacked(std::io::Cursor::new(first).chain(input), packing)
}

fn unpacked(input: impl Read + Send + Sync + 'static, packing: Packing) -> Result<Text> {
    Ok(match packing {
        Packing::Plain => Box::new(input),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::new(input))?),
        Packing::Unknown(name) => return Err(std::io::Error::new(ErrorKind::Unsupported, format!("packed by {name}"))),
    })
}

/// The text of `file` from `offset` (of the unpacked text) on; `None` when it ends before. `count` grows with every
/// byte read from the disk.
pub fn from_offset(mut file: File, packing: Packing, offset: u64, count: Arc<AtomicU64>) -> Result<Option<Text>> {
    let plain = packing == Packing::Plain;
    file.seek(SeekFrom::Start(if plain { offset } else { 0 }))?;
    let mut text = unpacked(Counted(file, count), packing)?;
    if !plain && copy(&mut (&mut text).take(offset), &mut sink())? < offset {
        return Ok(None);
    }
    Ok(Some(text))
}

/// The first `len` bytes of the text, as far as they can be read: a packed file may still be under way.
pub fn head(file: &File, packing: Packing, len: u64) -> Result<Vec<u8>> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    let read = match packing {
        Packing::Unknown(_) => file.take(len).read_to_end(&mut head),
        _ => unpacked(file, packing)?.take(len).read_to_end(&mut head),
    };
    match read {
        Err(e) if packing == Packing::Plain => Err(e),
        _ => Ok(head),
    }
}

/// Whether an error while unpacking means that the file is cut short or damaged, and not that the disk failed.
pub fn is_torn(cause: &std::io::Error) -> bool {
    use ErrorKind as E;
    // zstd reports what it cannot unpack as `Other`; the errors of the system have a number.
    matches!(cause.kind(), E::UnexpectedEof | E::InvalidData | E::InvalidInput)
        || (cause.kind() == E::Other && cause.raw_os_error().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    #[track_caller]
    fn check(bytes: Vec<u8>, expected: &str) {
        let mut text = String::new();
        stream(Cursor::new(bytes)).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
    }

    #[test]
    fn a_stream_is_unpacked_by_what_it_begins_with() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"one\n").unwrap();
        let gzip = gzip.finish().unwrap();
        check([gzip.clone(), gzip].concat(), "one\none\n");
        check(zstd::encode_all(&b"two\n"[..], 1).unwrap(), "two\n");
        check(b"three".to_vec(), "three");
        check(Vec::new(), "");
    }

    #[test]
    fn a_stream_of_half_a_file_is_torn() {
        let packed = zstd::encode_all(&b"two\n"[..], 1).unwrap();
        let mut stream = stream(Cursor::new(packed[..packed.len() - 1].to_vec())).unwrap();
        assert!(is_torn(&stream.read_to_end(&mut Vec::new()).unwrap_err()));
    }
}
