//! The last kilobyte before an offset: it tells apart two files with the same beginning.
//!
//! In: the bytes of a text as they are read.  Out: a hash of the last kilobyte.

use super::{open::Text, position::hash};
use std::{
    fs::File,
    io::{Read, Result, Write},
    os::unix::fs::FileExt,
};

/// Bytes before the offset that are hashed.
const TAIL: usize = 1024;

/// The end of the bytes seen so far.
#[derive(Debug, Default, Clone)]
pub struct Tail {
    last: Vec<u8>,
    passed: u64,
}

impl Tail {
    fn pass(&mut self, bytes: &[u8]) {
        self.passed += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(TAIL)..];
        let too_many = (self.last.len() + bytes.len()).saturating_sub(TAIL);
        self.last.drain(..too_many);
        self.last.extend_from_slice(bytes);
    }

    /// The hash at `offset`; `None` unless exactly that many bytes were seen.
    pub fn at(&self, offset: u64) -> Option<String> {
        (self.passed == offset).then(|| hash(&self.last))
    }
}

/// The hash at `offset` of a plain file; `None` if the file is shorter or cannot be read.
pub fn of_file(file: &File, offset: u64) -> Option<String> {
    let len = offset.min(TAIL as u64);
    let mut last = vec![0; usize::try_from(len).ok()?];
    file.read_exact_at(&mut last, offset - len).ok()?;
    Some(hash(&last))
}

/// Takes the part of a packed text that is skipped.
impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.pass(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A text that remembers its last kilobyte.
pub struct Tailed {
    text: Text,
    pub tail: Tail,
}

impl Tailed {
    /// `tail`: of the text that comes before.
    pub fn new(text: Text, tail: Tail) -> Self {
        Self { text, tail }
    }
}

impl Read for Tailed {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let n = self.text.read(into)?;
        self.tail.pass(&into[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_end_does_not_depend_on_how_it_was_read(text in prop::collection::vec(any::<u8>(), 0..3000), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            at.extend([0, text.len()]);
            at.sort_unstable();
            let mut tail = Tail::default();
            at.windows(2).for_each(|w| tail.pass(&text[w[0]..w[1]]));
            prop_assert_eq!(tail.at(text.len() as u64), Some(hash(&text[text.len().saturating_sub(TAIL)..])));
            prop_assert_eq!(tail.at(text.len() as u64 + 1), None);
        }
    }
}
