//! How far each file was read, and how a file of the last run is recognised now.
//!
//! In: the files that exist now, the position of the last run.  Out: where to go on in each file.
//! Ignored on purpose: names. They change when a log is rotated, and only decide between files that are alike.
//!
//! A file is recognised by its inode if its head is still the same, or else by its head alone (rotated by copying, or
//! packed). The text before the offset must be the same too: a file that was written anew may begin like the old one.
//! In doubt a file is read from the start: reading a line twice changes nothing, a gap would.

use crate::{frame::track::Doubt, model::Time};
use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// Bytes of (unpacked) text that identify a file.
pub const HEAD: usize = 1024;
/// Marks kept of files that have vanished: they may come back packed.
const KEPT: usize = 256;

/// The position of all files, as kept in the checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Empty if another kind of source was read before.
    #[serde(default)]
    pub files: Vec<Mark>,
}

/// How far one file was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub path: String,
    pub inode: u64,
    /// How many bytes [`head`](Self::head) was made from: fewer than [`HEAD`] if the file was short.
    pub head_bytes: usize,
    /// Hash of the first bytes of unpacked text.
    pub head: String,
    /// Bytes of unpacked text up to where reading goes on: after a newline, or where an unfinished record begins.
    pub offset: u64,
    /// Hash of the kilobyte of unpacked text before `offset`; missing in positions of mailstitch 0.1, or if
    /// unavailable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// Size on disk of a packed file that was read as far as it can be; nothing is new in it until the size changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at_size: Option<u64>,
    /// Time of the last line that is no stray: stamps without a year are dated from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
    /// Whether that line may have been a stray after all, and the day before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

/// Identity of a file that exists now.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub inode: u64,
    /// The first bytes of unpacked text, at most [`HEAD`].
    pub head: Vec<u8>,
    /// Its size, if it is plain text.
    pub plain_size: Option<u64>,
}

impl Mark {
    /// The mark of a file that was not read yet.
    pub fn new(seen: &Seen) -> Self {
        Self {
            path: seen.path.clone(),
            inode: seen.inode,
            head_bytes: seen.head.len(),
            head: hash(&seen.head),
            offset: 0,
            tail: None,
            read_at_size: None,
            last: None,
            doubt: None,
        }
    }

    /// Forgets what was read of the file.
    pub fn begin_anew(&mut self) {
        (self.offset, self.tail, self.read_at_size) = (0, None, None);
        (self.last, self.doubt) = (None, None);
    }

    /// Whether a text with this tail before `offset` is the one that was read; true if either tail is unknown.
    pub fn ends_like(&self, tail: Option<String>) -> bool {
        self.tail.is_none() || tail.is_none() || self.tail == tail
    }

    /// Takes a head that has grown.
    pub fn know_by(&mut self, seen: &Seen) {
        (self.head_bytes, self.head) = (seen.head.len(), hash(&seen.head));
    }

    /// Whether the head covers all that was read, up to [`HEAD`] bytes; not if it was taken while the file was shorter.
    pub fn is_sure(&self) -> bool {
        self.head_bytes as u64 >= self.offset.min(HEAD as u64)
    }

    /// Whether `seen` begins as this file did.
    fn begins_like(&self, seen: &Seen) -> bool {
        seen.head.get(..self.head_bytes).is_some_and(|head| hash(head) == self.head)
    }

    /// Whether `seen` may be this file, renamed, grown or packed. A plain file shorter than `offset` was truncated.
    fn fits(&self, seen: &Seen) -> bool {
        self.is_sure() && self.begins_like(seen) && seen.plain_size.is_none_or(|size| size >= self.offset)
    }
}

/// One mark for each of `seen`, in their order, and the marks of files that have vanished. `is_tail(n, mark)` tells
/// whether file `n` still has the text that was read just before the mark's offset.
pub fn assign(seen: &[Seen], known: Vec<Mark>, is_tail: impl Fn(usize, &Mark) -> bool) -> (Vec<Mark>, Vec<Mark>) {
    let mut known: Vec<Option<Mark>> = known.into_iter().map(Some).collect();
    let mut found: Vec<Option<Mark>> = seen
        .iter()
        .enumerate()
        .map(|(n, seen)| {
            take_best(&mut known, |mark| {
                (mark.inode == seen.inode && mark.fits(seen) && is_tail(n, mark)).then_some(mark.head_bytes)
            })
        })
        .collect();
    for ((n, seen), found) in seen.iter().enumerate().zip(&mut found).filter(|(_, found)| found.is_none()) {
        // The longest head wins, then the most similar path, then the smallest offset.
        *found = take_best(&mut known, |mark| {
            let like = mark.path.bytes().zip(seen.path.bytes()).take_while(|(a, b)| a == b).count();
            let fits = mark.head_bytes > 0 && mark.fits(seen) && is_tail(n, mark);
            fits.then_some((mark.head_bytes, like, u64::MAX - mark.offset))
        });
        // The size on disk was that of another file.
        if let Some(mark) = found {
            mark.read_at_size = None;
        }
    }
    let marks = seen.iter().zip(found).map(|(seen, found)| match found {
        Some(mark) => Mark {
            offset: mark.offset,
            tail: mark.tail,
            read_at_size: mark.read_at_size,
            last: mark.last,
            doubt: mark.doubt,
            ..Mark::new(seen)
        },
        None => Mark::new(seen),
    });
    let marks = marks.collect();
    let mut gone: Vec<Mark> = known.into_iter().flatten().filter(|mark| mark.offset > 0).collect();
    gone.truncate(KEPT);
    (marks, gone)
}

/// Whether a file that no mark was assigned to has the inode and head of one that was read: it was written anew.
pub fn was_written_anew(seen: &Seen, gone: &[Mark]) -> bool {
    gone.iter().any(|mark| mark.inode == seen.inode && mark.fits(seen))
}

/// Takes out the mark with the highest score; among equals the first.
fn take_best<S: Ord>(known: &mut [Option<Mark>], score: impl Fn(&Mark) -> Option<S>) -> Option<Mark> {
    let best = known
        .iter()
        .enumerate()
        .filter_map(|(at, mark)| Some((score(mark.as_ref()?)?, std::cmp::Reverse(at))))
        .max()?;
    known[best.1.0].take()
}

/// Hash of a text, as kept in marks.
pub fn hash(text: &[u8]) -> String {
    let mut h = SipHasher13::new();
    h.write(text);
    format!("{:032x}", h.finish128().as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &str, inode: u64, text: &str) -> Seen {
        Seen {
            path: path.into(),
            inode,
            head: text.bytes().take(HEAD).collect(),
            plain_size: (!path.ends_with(".gz")).then_some(text.len() as u64),
        }
    }

    fn read(seen: &Seen, offset: u64) -> Mark {
        Mark { offset, ..Mark::new(seen) }
    }

    /// Checks where each file goes on: "path@offset".
    #[track_caller]
    fn check(now: &[Seen], known: Vec<Mark>, expected: &[&str]) {
        let (marks, _) = assign(now, known, |_, _| true);
        let found: Vec<String> = marks.iter().map(|m| format!("{}@{}", m.path, m.offset)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_renamed_file_is_known_by_its_inode() {
        let known = vec![read(&seen("log", 1, "one\n"), 4)];
        check(&[seen("log.1", 1, "one\ntwo\n"), seen("log", 2, "three\n")], known, &["log.1@4", "log@0"]);
    }

    #[test]
    fn a_packed_or_copied_file_is_known_by_its_head() {
        let known = vec![read(&seen("log", 1, "one\n"), 4)];
        check(&[seen("log.1.gz", 3, "one\ntwo\n"), seen("log", 2, "three\n")], known.clone(), &["log.1.gz@4", "log@0"]);
        check(&[seen("log.1", 3, "one\ntwo\n"), seen("log", 1, "three\n")], known, &["log.1@4", "log@0"]);
    }

    #[test]
    fn a_file_shorter_than_its_offset_starts_again_and_its_copy_goes_on() {
        let known = vec![read(&seen("log", 1, "one\ntwo\n"), 8)];
        check(&[seen("log.1", 2, "one\ntwo\nthree\n"), seen("log", 1, "")], known.clone(), &["log.1@8", "log@0"]);
        check(&[seen("log", 1, "one\n")], known, &["log@0"]);
    }

    #[test]
    fn of_two_copies_each_inode_keeps_its_own_offset() {
        let (a, b) = (seen("a", 1, "one\ntwo\n"), seen("b", 2, "one\ntwo\n"));
        check(&[a.clone(), b.clone()], vec![read(&b, 8), read(&a, 4)], &["a@4", "b@8"]);
        check(&[a.clone(), b.clone()], vec![read(&a, 4)], &["a@4", "b@0"]);
        let packed = [seen("a.1.gz", 3, "one\ntwo\n"), seen("b.1.gz", 4, "one\ntwo\n")];
        check(&packed, vec![read(&b, 8), read(&a, 4)], &["a.1.gz@4", "b.1.gz@8"]);
    }

    #[test]
    fn a_reused_inode_is_no_acquaintance() {
        check(&[seen("log", 1, "other\n")], vec![read(&seen("log", 1, "one\n"), 4)], &["log@0"]);
    }

    #[test]
    fn a_head_that_covers_less_than_was_read_proves_nothing() {
        let known = vec![read(&seen("log", 1, "o"), 4)];
        check(&[seen("log", 1, "other\n")], known.clone(), &["log@0"]);
        check(&[seen("log.1", 2, "other\n")], known, &["log.1@0"]);
    }

    #[test]
    fn a_file_written_anew_starts_again_and_what_was_read_of_it_may_be_elsewhere() {
        let head = "x".repeat(HEAD);
        let [old, anew, copy] = ["one\n", "two\nmore\n", "one\nmore\n"].map(|end| format!("{head}{end}"));
        let now = [seen("log", 1, &anew), seen("log.1", 2, &copy)];
        let end = old.len();
        let is_tail = |n: usize, mark: &Mark| mark.ends_like(Some(hash(&[&anew, &copy][n].as_bytes()[..end])));
        let old = Mark { tail: Some(hash(old.as_bytes())), ..read(&seen("log", 1, &old), end as u64) };
        let (marks, gone) = assign(&now, vec![old.clone()], is_tail);
        assert_eq!((marks[0].offset, marks[1].offset, gone.len()), (0, end as u64, 0));
        let (marks, gone) = assign(&now[..1], vec![old], is_tail);
        assert_eq!((marks[0].offset, was_written_anew(&now[0], &gone)), (0, true));
    }

    #[test]
    fn a_file_that_vanished_is_remembered() {
        let known = vec![read(&seen("log", 1, "one\n"), 4)];
        let (_, gone) = assign(&[], known.clone(), |_, _| true);
        assert_eq!(gone, known);
    }

    proptest::proptest! {
        #[test]
        fn a_position_survives_being_written(
            path in crate::laws::stored::text(),
            last in crate::laws::stored::time(),
            inode in proptest::prelude::any::<u64>(),
        ) {
            let mark = Mark { offset: u64::MAX, tail: Some(hash(b"x")), read_at_size: Some(inode), last: Some(last), ..Mark::new(&seen(&path, inode, "x")) };
            let position = Position { files: vec![mark] };
            crate::laws::stored::survives(&position);
            // As kept in the ledger.
            let kept = serde_json::to_value(&position).unwrap();
            proptest::prop_assert_eq!(serde_json::from_value::<Position>(kept).unwrap(), position);
        }
    }
}
