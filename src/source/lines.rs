//! Cuts a stream of bytes into lines, in bounded memory.
//!
//! In: any reader.  Out: lines without their newline, and the offset after the last one.
//! Ignored on purpose: NUL bytes at the beginning of a line (the hole that a daemon leaves when its log is truncated
//! under it), and whatever a line has beyond [`LONGEST`].

use memchr::memchr;
use std::io::{ErrorKind, Read, Result};

/// Bytes of a line that are kept: mail servers write no more than a few thousand.
pub const LONGEST: usize = 1 << 20;
/// Bytes that there is room for in every read, at least.
const BLOCK: usize = 1 << 20;

pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// `buffer[start..end]` was read and is not yet cut into lines.
    start: usize,
    end: usize,
    /// Bytes of the line at `start` that were dropped: NULs before it, and what exceeds [`LONGEST`].
    dropped: u64,
    offset: u64,
}

impl<R: Read> Lines<R> {
    /// `offset`: the position of the first byte of `input` in the whole text.
    pub fn new(input: R, offset: u64) -> Self {
        Self { input, buffer: vec![0; LONGEST + BLOCK], start: 0, end: 0, dropped: 0, offset }
    }

    /// The reader.
    pub fn input(&self) -> &R {
        &self.input
    }

    /// The position after the last line and its newline.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line that ends in a newline; `None` at the end of input, where [`rest`](Self::rest) may have an
    /// unfinished one.
    ///
    /// # Errors
    /// Those of the reader. An unfinished line is kept, and the next call continues it.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        let mut searched = 0;
        loop {
            if searched == 0 {
                let nuls = self.buffer[self.start..self.end].iter().take_while(|b| **b == 0).count();
                self.start += nuls;
                self.dropped += nuls as u64;
            }
            if let Some(at) = memchr(b'\n', &self.buffer[self.start + searched..self.end]) {
                let (from, len) = (self.start, searched + at);
                self.start += len + 1;
                self.offset += self.dropped + len as u64 + 1;
                self.dropped = 0;
                return Ok(Some(&self.buffer[from..from + len.min(LONGEST)]));
            }
            searched = self.end - self.start;
            if searched > LONGEST {
                self.dropped += (searched - LONGEST) as u64;
                searched = LONGEST;
                self.end = self.start + LONGEST;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The last line, if it has no newline, of input that will not grow; otherwise empty.
    pub fn rest(&mut self) -> &[u8] {
        let (from, len) = (self.start, self.end - self.start);
        self.start = self.end;
        self.offset += self.dropped + len as u64;
        self.dropped = 0;
        &self.buffer[from..from + len.min(LONGEST)]
    }

    fn fill(&mut self) -> Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(n) => {
                    self.end += n;
                    return Ok(n > 0);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns at most `step` bytes per read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> Result<usize> {
            let n = self.1.min(into.len()).min(self.0.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all(bytes: &[u8], step: usize) -> (Vec<Vec<u8>>, Vec<u8>, u64) {
        let mut lines = Lines::new(Trickle(bytes, step), 0);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(line.to_vec());
        }
        let offset = lines.offset();
        (found, lines.rest().to_vec(), offset)
    }

    #[test]
    fn a_line_of_ten_megabytes_keeps_its_beginning_and_counts_in_full() {
        let mut bytes = vec![b'x'; 10 << 20];
        bytes.extend(b"\nnext\nrest");
        let (lines, rest, offset) = all(&bytes, BLOCK);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST, 4]);
        assert_eq!((rest.as_slice(), offset), (&b"rest"[..], (10 << 20) + 6));
    }

    #[test]
    fn the_hole_of_a_truncated_log_is_skipped() {
        let mut bytes = vec![0; 5 << 20];
        bytes.extend(b"line\n");
        assert_eq!(all(&bytes, BLOCK), (vec![b"line".to_vec()], vec![], (5 << 20) + 5));
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_they_are_read(bytes in prop::collection::vec(prop::sample::select(&b"ab\n"[..]), 0..64), step in 1usize..9) {
            let (lines, rest, offset) = all(&bytes, step);
            let mut joined = lines.join(&b'\n');
            if !lines.is_empty() {
                joined.push(b'\n');
            }
            prop_assert_eq!(joined.len() as u64, offset);
            joined.extend(&rest);
            prop_assert_eq!(joined, bytes);
        }
    }
}
