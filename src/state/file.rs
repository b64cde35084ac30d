//! A JSON file that holds either the old or the new content, whatever happens while it is written.
//!
//! In: a value whose JSON has a top-level `version`. Out: the same value, even after a crash, a kill or a power loss. A
//! file that cannot be parsed, or that a newer mailstitch wrote, is an error and stays as it is: its content is worth
//! more than a run.

use crate::{
    access::{Access, sync_dir},
    error::{Error, Kind, Result},
    fault,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::{self, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The part that every version of every such file has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads the value at `path`; `None` if there is no file. `T` must be able to read every version up to `version`.
///
/// A file that cannot be parsed, or has a newer version, is a [`Kind::Config`] error.
pub fn load<T: DeserializeOwned>(path: &Path, version: u32) -> Result<Option<T>> {
    let doing = || format!("cannot read `{}`", path.display());
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(doing(), &e)),
    };
    let corrupt = |e: serde_json::Error| {
        Error::new(Kind::Config, doing())
            .because(format!("not what mailstitch writes: {e}"))
            .hint("move the file away to start anew, or restore it from a backup")
    };
    let found = serde_json::from_slice::<Versioned>(&bytes).map_err(corrupt)?.version;
    if found > version {
        return Err(Error::new(Kind::Config, doing())
            .because(format!("it has version {found}, this mailstitch knows up to {version}"))
            .hint("use the newer mailstitch that wrote the file"));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(corrupt)
}

/// Replaces the file at `path`. After success the new content survives a power loss.
///
/// Two processes must not save the same file at once; the lock of the state directory prevents that.
pub fn save<T: Serialize>(path: &Path, value: &T, access: Access) -> Result<()> {
    replace(path, access, |out| {
        serde_json::to_writer(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Replaces the file at `path` with what `content` writes, as [`save`] does.
pub fn replace(path: &Path, access: Access, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    replace_and(path, &beside(path), |new| access.share_file(new), content)
}

/// Replaces the file at `path` with a text that everyone may read.
pub fn publish(path: &Path, text: &str) -> Result<()> {
    let failed = |e: io::Error| Error::io(format!("cannot write `{}`", path.display()), &e);
    let open = |new: &Path| fs::set_permissions(new, fs::Permissions::from_mode(0o644)).map_err(failed);
    // A run that finds the lock held writes this file too, so each process needs its own temporary file.
    let mut own = beside(path).into_os_string();
    own.push(format!(".{}", std::process::id()));
    replace_and(path, Path::new(&own), open, |out| out.write_all(text.as_bytes()))
}

fn replace_and(
    path: &Path,
    new: &Path,
    share: impl FnOnce(&Path) -> Result<()>,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let failed = |e: io::Error| Error::io(format!("cannot write `{}`", path.display()), &e);
    write(new, content)
        .map_err(failed)
        .and_then(|()| share(new))
        .inspect(|()| fault::point("before-rename"))
        .and_then(|()| fs::rename(new, path).map_err(failed))
        .inspect_err(|_| {
            // The rest of a failed write (disk full) is of no use; if it stays, the next write removes it.
            let _ = fs::remove_file(new);
        })?;
    fault::point("after-rename");
    sync_dir(path.parent())
}

fn write(new: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // The rest of a killed process may have other permissions, and `mode` applies only to a file created here.
    match fs::remove_file(new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    let mut out = BufWriter::new(file);
    content(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// `checkpoint.json.new`: in the same directory, so that the rename is atomic.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        version: u32,
        text: String,
    }

    fn note(text: &str) -> Note {
        Note { version: 2, text: text.to_owned() }
    }

    /// Checks the error of loading a file with this content.
    #[track_caller]
    fn check_refused(content: &[u8], expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        fs::write(&path, content).unwrap();
        let error = load::<Note>(&path, 2).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.hint_text().is_some());
        let text = error.to_string().replace(&*path.to_string_lossy(), "FILE");
        assert_eq!(text, expected);
        assert_eq!(fs::read(&path).unwrap(), content, "the file stays as it was");
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        assert_eq!(load::<Note>(&path, 2).unwrap(), None);
        save(&path, &note("first"), Access::default()).unwrap();
        save(&path, &note("second"), Access::default()).unwrap();
        assert_eq!(load(&path, 2).unwrap(), Some(note("second")));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn an_older_version_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        fs::write(&path, r#"{"version":1,"text":"old"}"#).unwrap();
        assert_eq!(load(&path, 2).unwrap(), Some(Note { version: 1, text: "old".to_owned() }));
    }

    #[test]
    fn a_newer_version_is_refused() {
        let expected = "cannot read `FILE`: it has version 3, this mailstitch knows up to 2";
        check_refused(br#"{"version":3,"text":{"of":"another shape"}}"#, expected);
    }

    #[test]
    fn a_torn_file_is_refused() {
        let expected = "cannot read `FILE`: not what mailstitch writes: EOF while parsing a string at line 1 column 21";
        check_refused(br#"{"version":2,"text":""#, expected);
    }

    #[test]
    fn an_empty_file_is_refused() {
        let expected = "cannot read `FILE`: not what mailstitch writes: EOF while parsing a value at line 1 column 0";
        check_refused(b"", expected);
    }

    #[test]
    fn a_file_without_a_version_is_refused() {
        let expected = "cannot read `FILE`: not what mailstitch writes: missing field `version` at line 1 column 13";
        check_refused(br#"{"text":"me"}"#, expected);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        save(&path, &note("old"), Access::default()).unwrap();
        // A directory in place of the new file cannot be removed as a file, so the write fails before the rename.
        fs::create_dir(beside(&path)).unwrap();
        assert!(save(&path, &note("new"), Access::default()).is_err());
        assert_eq!(load(&path, 2).unwrap(), Some(note("old")));
    }

    #[test]
    fn a_remnant_of_a_killed_process_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        fs::write(beside(&path), "half of a").unwrap();
        save(&path, &note("whole"), Access::default()).unwrap();
        assert_eq!(load(&path, 2).unwrap(), Some(note("whole")));
    }
}
