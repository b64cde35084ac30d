//! The last kilobyte before a place in a text: what tells that a file with the same beginning is another one by now.
//!
//! In: the bytes that pass by.  Out: their end, as a hash.

use super::{open::Text, position::hash};
use std::{
    fs::File,
    io::{Read, Result, Write},
    os::unix::fs::FileExt,
};

/// Bytes before the place that was read up to.
const TAIL: usize = 1024;

/// The end of what passed by.
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

    /// The mark at `offset`; `None` where that is not the end of what passed by.
    pub fn at(&self, offset: u64) -> Option<String> {
        (self.passed == offset).then(|| hash(&self.last))
    }
}

/// The mark at `offset` of a file of plain text; `None` where it is shorter.
pub fn of_file(file: &File, offset: u64) -> Option<String> {
    let len = offset.min(TAIL as u64);
    let mut last = vec![0; usize::try_from(len).ok()?];
    file.read_exact_at(&mut last, offset - len).ok()?;
    Some(hash(&last))
}

/// Takes what nobody else wants.
impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.pass(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A text that remembers its end.
pub struct Tailed {
    text: Text,
    pub tail: Tail,
}

impl Tailed {
    /// `tail`: of what passed by before.
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
