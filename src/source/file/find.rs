//! Finds the files that the configured paths mean, oldest first.
//!
//! In: paths, globs, `-`.  Out: files with what identifies them, and streams.
//! Ignored on purpose: whatever a glob matches that is not a file, unless it matches nothing else; `X.gz` while there
//! is an `X` with the same beginning (it is being packed); the same file under a second name.

use super::{
    joined::{self, Record},
    open::{self, Packing},
    position::{HEAD, Seen},
    tail,
};
use crate::{
    config,
    error::{Error, Kind, Result},
    frame::{Dater, Stamp, frame},
    model::Time,
};
use std::{
    collections::HashSet,
    fs::{File, FileType, Metadata},
    io::ErrorKind,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

/// One day, in milliseconds: stamps of a file may be this much later than its modification time.
pub const DAY_MS: i64 = 86_400_000;

/// A regular file.
#[derive(Debug)]
pub struct Found {
    pub path: PathBuf,
    pub seen: Seen,
    /// Bytes on disk.
    pub size: u64,
    pub modified: Time,
    pub packing: Packing,
    /// The first stamp in the head of the file.
    pub first: Option<Stamp>,
    /// `first` as a time; the modification time tells a missing year. Only used to sort the files.
    began: Option<Time>,
}

impl Found {
    /// Hash of the text just before `offset`; `None` if it cannot be read. In a packed file it is only known once the
    /// file has been unpacked that far.
    pub fn tail(&self, offset: u64) -> Option<String> {
        let file = (self.packing == Packing::Plain).then(|| File::open(&self.path).ok()).flatten()?;
        tail::of_file(&file, offset)
    }
}

/// Everything to read.
#[derive(Debug, Default)]
pub struct Inputs {
    pub files: Vec<Found>,
    /// `-` and the paths of pipes: read once, without a position.
    pub streams: Vec<PathBuf>,
}

/// Looks up all paths.
///
/// # Errors
/// [`Kind::Config`] when a path without wildcards does not exist or nothing matches at all; [`Kind::NoInput`] when a
/// match is not a log (a directory, a device); [`Kind::Permission`] when a file may not be read.
pub fn inputs(settings: &config::FileSource) -> Result<Inputs> {
    let mut found = Inputs::default();
    let mut known = HashSet::new();
    let mut other = None;
    for pattern in &settings.paths {
        if pattern == "-" {
            if known.insert((0, 0)) {
                found.streams.push("-".into());
            }
            continue;
        }
        let (paths, literal) = matches(pattern)?;
        for path in paths {
            let Some(meta) = examine(&path, literal)? else { continue };
            if let Some(what) = no_log(meta.file_type(), literal) {
                let error = is_no_log(&path, what);
                if literal {
                    return Err(error);
                }
                other.get_or_insert(error);
                continue;
            }
            if !known.insert((meta.dev(), meta.ino())) {
                continue;
            }
            if meta.is_file() {
                found.files.extend(look(&path, settings)?);
            } else {
                found.streams.push(path);
            }
        }
    }
    if known.is_empty() {
        if let Some(error) = other {
            return Err(error);
        }
        let all = settings.paths.join("`, `");
        return Err(Error::new(Kind::Config, format!("no log file matches `{all}`")).hint(
            "`mailstitch backfill FILE` reads any log; for `run` a configuration says where the mail log is: `paths` in \
             `[source.file]`, or `[source.journal]`, `[source.graylog]` or `[source.elasticsearch]`",
        ));
    }
    drop_half_packed(&mut found.files);
    found.files.sort_by_cached_key(|f| (f.began.unwrap_or(Time(i64::MAX)), age(&f.seen.path)));
    Ok(found)
}

/// The paths that a pattern means, and whether it is a plain path.
fn matches(pattern: &str) -> Result<(Vec<PathBuf>, bool)> {
    let literal = Path::new(pattern);
    if literal.exists() || !pattern.contains(['*', '?', '[']) {
        return Ok((vec![literal.to_owned()], true));
    }
    let paths = glob::glob(pattern)
        .map_err(|e| Error::new(Kind::Config, format!("cannot use `{pattern}` as a path")).because(e.msg))?;
    let paths = paths.collect::<std::result::Result<Vec<_>, _>>();
    let paths = paths.map_err(|e| unreadable(e.path(), e.error()))?;
    Ok((paths, false))
}

/// Metadata of a path; `None` if a glob matched it and it is gone since.
fn examine(path: &Path, literal: bool) -> Result<Option<Metadata>> {
    match path.metadata() {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if !literal && e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(path, &e)),
    }
}

/// Why a path is not a log; `None` if it can be one. A pipe must be named itself: one that a glob matches may never
/// end.
fn no_log(file_type: FileType, literal: bool) -> Option<&'static str> {
    Some(match () {
        () if file_type.is_file() || (literal && file_type.is_fifo()) => return None,
        () if file_type.is_dir() => "is a directory",
        () if file_type.is_fifo() => "is a pipe",
        () if file_type.is_socket() => "is a socket",
        () => "is a device",
    })
}

fn is_no_log(path: &Path, what: &str) -> Error {
    let shown = path.display();
    let error = Error::new(Kind::NoInput, format!("cannot read `{shown}`")).because(what);
    match what {
        "is a directory" => error.hint(format!("name its files: `{shown}/*`")),
        "is a pipe" => error.hint("name it alone, without `*`"),
        _ => error.hint("`-` reads standard input"),
    }
}

/// Reads what identifies a file; `None` if it is renamed at this moment: the next run finds it.
fn look(path: &Path, settings: &config::FileSource) -> Result<Option<Found>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(path, &e)),
    };
    let failed = |e: &std::io::Error| unreadable(path, e);
    let meta = file.metadata().map_err(|e| failed(&e))?;
    let packing = open::packing(&open::head(&file, Packing::Plain, 8).map_err(|e| failed(&e))?);
    let head = open::head(&file, packing, HEAD as u64).map_err(|e| failed(&e))?;
    let modified = Time(meta.mtime().saturating_mul(1000));
    let first = match packing {
        Packing::Unknown(_) => None,
        _ => first_stamp(&head),
    };
    let began = first.map(|s| Dater::new(settings.timezone, settings.year, modified.plus(DAY_MS), None).date(s));
    let plain_size = (packing == Packing::Plain).then_some(meta.len());
    let seen = Seen { path: path.to_string_lossy().into_owned(), inode: meta.ino(), head, plain_size };
    Ok(Some(Found { path: path.to_owned(), seen, size: meta.len(), modified, packing, first, began }))
}

/// "cannot read `…`", with a hint if permissions are the cause.
pub fn unreadable(path: &Path, cause: &std::io::Error) -> Error {
    let mut error = Error::io(format!("cannot read `{}`", path.display()), cause);
    if matches!(cause.kind(), ErrorKind::IsADirectory | ErrorKind::Unsupported) {
        error = error.of_kind(Kind::NoInput);
    }
    match error.kind() {
        Kind::Permission => error.hint("on Debian and Ubuntu the group `adm` may read the mail log"),
        _ => error,
    }
}

fn first_stamp(head: &[u8]) -> Option<Stamp> {
    joined::records(head).iter().find_map(|record| match record {
        Record::Line(line) => frame(line).map(|f| f.stamp),
        Record::Journal(entry) => Some(Stamp::Exact(entry.time)),
        Record::Noise(_) => None,
    })
}

/// Suffixes of packed files.
const PACKED: [&str; 4] = ["gz", "zst", "bz2", "xz"];

/// Drops `X.gz` while `X` has the same beginning: packers remove `X` only once `X.gz` is complete.
fn drop_half_packed(files: &mut Vec<Found>) {
    let plain: Vec<(PathBuf, Vec<u8>)> =
        files.iter().filter(|f| f.packing == Packing::Plain).map(|f| (f.path.clone(), f.seen.head.clone())).collect();
    files.retain(|f| {
        let packed = f.packing != Packing::Plain || f.size == 0;
        let extension = f.path.extension().is_some_and(|e| PACKED.iter().any(|packed| e == *packed));
        let origin = f.path.with_extension("");
        !(packed && extension && plain.iter().any(|(path, head)| *path == origin && head.starts_with(&f.seen.head)))
    });
}

/// A sort key for the files of a rotated set, oldest first, made from their names: `log-20261121.gz`, `log-20261122`,
/// `log.2.gz`, `log.1`, `log`. Decides between files whose first stamps are equal or missing.
fn age(path: &str) -> (String, u8, i64) {
    let name = path.rsplit_once('.').filter(|(_, end)| PACKED.contains(end)).map_or(path, |(name, _)| name);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[stem.len()..].parse::<i64>().ok();
    match (number, stem.strip_suffix(['.', '-', '_'])) {
        // logrotate writes a date, perhaps with a time, without separators.
        (Some(date), Some(stem)) if date >= 19_700_101 => (stem.into(), 0, date),
        (Some(turns), Some(stem)) => (stem.into(), 1, -turns),
        _ => (name.into(), 2, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_rotated_set_sort_from_the_oldest_to_the_newest() {
        let sorted = ["log-20261120.gz", "log-20261121", "log.10.gz", "log.2.gz", "log.1", "log"];
        let mut names = sorted;
        names.sort_unstable();
        names.sort_by_key(|n| age(n));
        assert_eq!(names, sorted);
    }

    #[test]
    fn a_file_that_may_not_be_read_is_named() {
        let error = unreadable(Path::new("/var/log/mail.log"), &ErrorKind::PermissionDenied.into());
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (Kind::Permission, "cannot read `/var/log/mail.log`: permission denied")
        );
    }
}
