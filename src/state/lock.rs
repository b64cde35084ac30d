//! The advisory lock of the state directory: one `run` and one `backfill` at a time.
//!
//! In: the path of the lock file, and the time. Out: the lock, or who has held it since when. The lock belongs to the
//! open file (flock(2)) and ends with the process, however it ends. The file itself stays, because removing it would
//! let two processes lock two files of one name. Its content is for people and for the exit code; it locks nothing.

use crate::{
    access::Access,
    error::{Error, Kind, Result},
    model::Time,
};
use fs4::fs_std::FileExt;
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::Path,
};

/// Most bytes that are read of a lock file; ours hold one short line.
const LONGEST_NOTE: u64 = 256;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct Lock(File);

/// Who holds a lock; `None` for what the note in the file does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<u32>,
    pub since: Option<Time>,
}

/// The result of an attempt to lock.
#[derive(Debug)]
pub enum Attempt {
    Locked(Lock),
    Busy(Holder),
}

/// Locks the file at `path` without waiting; creates it if needed. `now` is written into it as the start time.
///
/// Errors come from the file system; one without locks is a [`Kind::Config`] error.
pub fn acquire(path: &Path, now: Time, access: Access) -> Result<Attempt> {
    access.make_file(path)?;
    let failed = |e: std::io::Error| Error::io(format!("cannot lock `{}`", path.display()), &e);
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let locked = FileExt::try_lock_exclusive(&file).map_err(|e| match e.kind() {
        std::io::ErrorKind::Unsupported => Error::new(Kind::Config, format!("cannot lock `{}`", path.display()))
            .because("the file system has no locks")
            .hint("put `state_dir` on a local disk"),
        _ => failed(e),
    })?;
    if !locked {
        let mut note = Vec::new();
        (&file).take(LONGEST_NOTE).read_to_end(&mut note).map_err(failed)?;
        return Ok(Attempt::Busy(Holder::from_note(&String::from_utf8_lossy(&note))));
    }
    file.set_len(0).and_then(|()| writeln!(file, "{} {now}", std::process::id())).map_err(failed)?;
    Ok(Attempt::Locked(Lock(file)))
}

impl Drop for Lock {
    /// Clears the note, so that the next holder never appears under this one's name. The lock ends with the file.
    fn drop(&mut self) {
        // A failure cannot be handled here, and the note means nothing without the lock.
        let _ = self.0.set_len(0);
    }
}

impl Holder {
    fn from_note(note: &str) -> Self {
        let mut words = note.split_whitespace();
        Self { pid: words.next().and_then(|pid| pid.parse().ok()), since: words.next().and_then(Time::parse_rfc3339) }
    }

    /// How long the lock has been held, in milliseconds; `None` if the note does not say since when.
    pub fn held_ms(self, now: Time) -> Option<i64> {
        self.since.map(|since| now.0.saturating_sub(since.0))
    }
}

/// `pid 4711 since 2026-11-22T20:15:00.000Z`
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "pid {pid}")?,
            None => f.write_str("another process")?,
        }
        self.since.map_or(Ok(()), |since| write!(f, " since {since}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_795_378_811_000); // 2026-11-22T20:20:11Z

    fn attempt(path: &Path, now: Time) -> Attempt {
        acquire(path, now, Access::default()).unwrap()
    }

    #[test]
    fn a_second_one_is_told_who_and_since_when() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        let Attempt::Locked(_first) = attempt(&path, NOW) else { panic!("nobody held it") };
        let Attempt::Busy(holder) = attempt(&path, NOW.plus(60_000)) else { panic!("it was held") };
        assert_eq!(holder, Holder { pid: Some(std::process::id()), since: Some(NOW) });
        assert_eq!(holder.to_string(), format!("pid {} since 2026-11-22T20:20:11.000Z", std::process::id()));
        assert_eq!(holder.held_ms(NOW.plus(60_000)), Some(60_000));
    }

    #[test]
    fn it_is_free_again_after_the_holder_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        drop(attempt(&path, NOW));
        assert!(matches!(attempt(&path, NOW), Attempt::Locked(_)));
    }

    #[test]
    fn a_note_left_by_a_killed_process_locks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        std::fs::write(&path, "4711 2026-11-22T20:15:00.000Z and more\n").unwrap();
        assert!(matches!(attempt(&path, NOW), Attempt::Locked(_)));
    }

    #[test]
    fn a_note_that_says_nothing_is_no_error() {
        for note in ["", "\0\0\0", "x y", "-1 yesterday"] {
            assert_eq!(Holder::from_note(note), Holder { pid: None, since: None }, "{note:?}");
        }
        assert_eq!(Holder::from_note("").to_string(), "another process");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = acquire(Path::new("/nonexistent/run.lock"), NOW, Access::default()).unwrap_err();
        assert_eq!(error.to_string(), "cannot create `/nonexistent/run.lock`: no such file or directory");
    }
}
