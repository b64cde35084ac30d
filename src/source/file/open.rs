//! Opens a file or stream: plain text, or packed by gzip, zstd, bzip2 or xz. The first bytes tell which, not the name.
//!
//! In: a file.  Out: its text from an offset on; its head. Several packed files in a row are one text.
//! Ignored on purpose: other packers, which the caller reports.

use super::{
    pipe::is_left,
    tail::{Tail, Tailed},
};
use liblzma::stream::Stream;
use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read, Result, Seek, SeekFrom, copy},
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
    Bzip2,
    Xz,
    /// Not supported; the name of the packer.
    Unknown(&'static str),
}

/// The packer that the first bytes tell (RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, the xz and bzip2 formats).
pub fn packing(first: &[u8]) -> Packing {
    match first {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Xz,
        // A block begins with the digits of pi; an empty file has the end mark at once, those of the square root of pi.
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', ..] => Packing::Bzip2,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x17, b'r', b'E', ..] => Packing::Bzip2,
        [b'P', b'K', 3, 4, ..] => Packing::Unknown("zip"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Packing::Unknown("lz4"),
        [b'L', b'Z', b'I', b'P', 1, ..] => Packing::Unknown("lzip"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Packing::Unknown("7-Zip"),
        [0x1f, 0x9d, ..] => Packing::Unknown("compress"),
        _ => Packing::Plain,
    }
}

/// Memory that unpacking an xz file may take: the dictionary of `xz -9` is 64 MiB, but a file may ask for 4 GiB.
const XZ_BYTES: u64 = 256 << 20;

/// Unpacked text.
pub type Text = Box<dyn Read + Send + Sync>;

/// Counts the bytes read from the disk, for the progress.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let n = self.0.read(into)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The unpacked text of a stream, which cannot be read twice.
pub fn stream(mut input: impl Read + Send + Sync + 'static) -> Result<Text> {
    let mut first = Vec::new();
    match (&mut input).take(8).read_to_end(&mut first) {
        // A pipe that was left is no error yet: the next read returns it again.
        Err(e) if !is_left(&e) => return Err(e),
        _ => {}
    }
    let packing = packing(&first);
    unpacked(std::io::Cursor::new(first).chain(input), packing)
}

fn unpacked(input: impl Read + Send + Sync + 'static, packing: Packing) -> Result<Text> {
    Ok(match packing {
        Packing::Plain => Box::new(input),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::new(input))?),
        Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(input)),
        Packing::Xz => {
            let stream = Stream::new_stream_decoder(XZ_BYTES, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::read::XzDecoder::new_stream(input, stream))
        }
        Packing::Unknown(name) => return Err(std::io::Error::new(ErrorKind::Unsupported, format!("packed by {name}"))),
    })
}

/// The text of `file` from `offset` on (counted in unpacked text). For a packed file it comes with the tail of the text
/// before, and `None` means that the text is shorter. `count` grows with every byte read from the disk.
pub fn from_offset(mut file: File, packing: Packing, offset: u64, count: Arc<AtomicU64>) -> Result<Option<Tailed>> {
    let plain = packing == Packing::Plain;
    file.seek(SeekFrom::Start(if plain { offset } else { 0 }))?;
    let mut text = unpacked(Counted(file, count), packing)?;
    let mut tail = Tail::default();
    if !plain && copy(&mut (&mut text).take(offset), &mut tail)? < offset {
        return Ok(None);
    }
    Ok(Some(Tailed::new(text, tail)))
}

/// The first `len` bytes of the text, as far as they can be read: a packed file may still be being written.
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
    // zstd reports damaged data as `Other`; errors of the system have a number.
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
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(b"one\n").unwrap();
        let bzip2 = bzip2.finish().unwrap();
        check([bzip2.clone(), bzip2].concat(), "one\none\n");
        check(b"BZh9\x17rE8P\x90\0\0\0\0".to_vec(), "");
        let xz = xz(b"one\n");
        check([xz.clone(), xz].concat(), "one\none\n");
        check(b"three".to_vec(), "three");
        check(Vec::new(), "");
    }

    fn xz(text: &[u8]) -> Vec<u8> {
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(text).unwrap();
        xz.finish().unwrap()
    }

    #[test]
    fn a_stream_of_half_a_file_is_torn() {
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(b"two\n").unwrap();
        let zstd = zstd::encode_all(&b"two\n"[..], 1).unwrap();
        for packed in [zstd, bzip2.finish().unwrap(), xz(b"two\n")] {
            let mut stream = stream(Cursor::new(packed[..packed.len() - 1].to_vec())).unwrap();
            let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
            assert!(is_torn(&error), "{packed:?}: {error:?}");
        }
    }

    #[test]
    fn a_file_of_xz_that_asks_for_too_much_memory_is_refused() {
        let mut options = liblzma::stream::LzmaOptions::new_preset(0).unwrap();
        options.dict_size(1 << 30);
        let mut filters = liblzma::stream::Filters::new();
        filters.lzma2(&options);
        let stream_of = Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc32).unwrap();
        let mut packed = liblzma::write::XzEncoder::new_stream(Vec::new(), stream_of);
        packed.write_all(b"x\n").unwrap();
        let mut stream = stream(Cursor::new(packed.finish().unwrap())).unwrap();
        assert!(stream.read_to_end(&mut Vec::new()).is_err());
    }
}
