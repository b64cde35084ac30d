//! Collects the lines that a server sends for a range, in memory that follows their number.
//!
//! In: lines and noise, one by one.  Out: a batch, or why the answer does not fit the request (law L6).

use super::{Batch, Noise};
use crate::model::{Line, Range};

/// The largest count of lines that is believed: about 2,000 times what one Lucene shard can hold.
pub const MOST: u64 = 1 << 42;

/// Average bytes of a line above which an answer is refused; servers cut lines at a quarter of this.
const LINE: u64 = 8 << 10;
/// Bytes that are allowed besides, however few lines there are.
const SPARE: u64 = 64 << 20;

/// The lines taken so far.
#[derive(Clone)]
pub struct Taking {
    within: Range,
    batch: Batch,
    outside: u64,
}

impl Taking {
    pub fn new(within: Range) -> Self {
        Self { within, batch: Batch::default(), outside: 0 }
    }

    /// Takes a line, or a text that no line could be made of.
    ///
    /// # Errors
    /// When the lines are too long for those of a log: they would fill the memory, whatever their count.
    pub fn take(&mut self, line: Result<Line, Noise>) -> Result<(), String> {
        let noise = match line {
            Ok(line) if self.within.contains(line.time) => {
                self.batch.take(line);
                None
            }
            Ok(line) => {
                self.outside += 1;
                Some(super::carried::noise(&line.text))
            }
            Err(noise) => Some(noise),
        };
        if let Some(noise) = noise {
            self.batch.reject(noise);
        }
        let taken = (self.batch.lines.len() + self.batch.noise.len()) as u64;
        match self.bytes() > SPARE + LINE * taken {
            true => Err(format!("{taken} lines came that have more than {} KiB each", LINE >> 10)),
            false => Ok(()),
        }
    }

    /// Approximate memory of what was taken.
    pub fn bytes(&self) -> u64 {
        self.batch.bytes
    }

    /// The batch. A document may have another time in its text than in the index, if somebody changed it: a few of
    /// these are reported and count as not recognised.
    ///
    /// # Errors
    /// When more than half of the lines are outside the range.
    pub fn finish(self) -> Result<Batch, String> {
        let all = self.batch.lines.len() as u64 + self.outside;
        let Range { from, to } = self.within;
        if self.outside * 2 > all {
            return Err(format!("{} of {all} lines are not of the time asked for, {from} to {to}", self.outside));
        }
        if self.outside > 0 {
            tracing::warn!(
                "{} of {all} lines are not of the time that the source has them under, {from} to {to}; they are left out",
                self.outside
            );
        }
        Ok(self.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Intake, Time};

    /// 2026-11-22, 20:00.
    const FROM: Time = Time(1_795_377_600_000);

    fn line(ms: i64, text: &str) -> Result<Line, Noise> {
        Ok(Intake::default().line(FROM.plus(ms), "mx1", "postfix/qmgr", None, text).unwrap())
    }

    #[test]
    fn a_few_lines_of_another_time_are_noise_and_many_are_a_short_answer() {
        let read = |times: &[i64]| {
            let mut taking = Taking::new(Range { from: FROM, to: FROM.plus(1000) });
            times.iter().for_each(|ms| taking.take(line(*ms, "4F1A2B3C4D: removed")).unwrap());
            taking.finish().map(|batch| (batch.lines.len(), batch.noise.len()))
        };
        assert_eq!(read(&[0, 999, 1000]), Ok((2, 1)));
        let told = "2 of 3 lines are not of the time asked for, 2026-11-22T20:00:00.000Z to 2026-11-22T20:00:01.000Z";
        assert_eq!(read(&[0, 1000, -1]), Err(told.to_owned()));
    }

    #[test]
    fn lines_that_are_all_too_long_do_not_fill_the_memory() {
        let mut taking = Taking::new(Range { from: FROM, to: FROM.plus(1000) });
        let long = "x".repeat(1 << 20);
        let taken = (0..9000).take_while(|_| taking.take(line(1, &long)).is_ok()).count();
        assert!((7500..8200).contains(&taken), "{taken}");
    }
}
