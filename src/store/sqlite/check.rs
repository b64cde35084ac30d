//! The rows of `check` for an SQLite store: it exists, we may write, others may not use it, and no document lies in the
//! future.

use super::SqliteStore;
use crate::{
    check::Check,
    error::Error,
    model::Time,
    store::{Store, Summary},
};
use rusqlite::TransactionBehavior;
use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// An event further in the future than this means a wrong clock or time zone.
const AHEAD_MS: i64 = 3_600_000;

/// The rows of `check`. Creates and changes nothing.
pub async fn check(store: &SqliteStore, now: Time) -> Vec<Check> {
    let path = &store.database.path;
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return vec![Check::new("database", can_be_made(path))],
        Err(e) => {
            let error = Error::io(format!("cannot open database `{}`", path.display()), &e);
            return vec![Check::failed("database", &error)];
        }
    };
    let summary = match store.summary().await {
        Ok(summary) => summary,
        Err(error) => return vec![Check::failed("database", &error)],
    };
    let found = format!("`{}`, {} documents, {} MiB", path.display(), summary.documents, meta.len() >> 20);
    let writable = store
        .on("write to", |connection| {
            // Only a statement that writes shows whether we may write: on a file opened read-only, transactions begin
            // and end without an error.
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute("UPDATE counter SET last = last", [])?;
            Ok(tx.rollback()?)
        })
        .await;
    vec![
        Check::new("database", Ok(found)),
        Check::of("database can be written", writable.map(|()| "yes".to_owned())),
        Check::new("database is private", private(path, meta.mode())),
        Check::new("newest document", newest(&summary, now)),
    ]
}

/// A database that does not exist yet is fine if the first run can create it.
fn can_be_made(path: &Path) -> Result<String, String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let nearest = absolute.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
    match tempfile::tempfile_in(nearest) {
        Ok(_) => Ok(format!("`{}` is not there yet, the first run makes it", path.display())),
        Err(e) => Err(Error::io(format!("cannot create files in `{}`", nearest.display()), &e).to_string()),
    }
}

fn private(path: &Path, mode: u32) -> Result<String, String> {
    match mode & 0o007 {
        0 => Ok(format!("mode {:04o}", mode & 0o7777)),
        _ => Err(format!("everyone may use it; run `chmod o= {}`", path.display())),
    }
}

fn newest(summary: &Summary, now: Time) -> Result<String, String> {
    match summary.newest {
        None => Ok("none yet".to_owned()),
        Some(end) if end > now.plus(AHEAD_MS) => {
            Err(format!("{end} is in the future: a clock or the time zone of a source is wrong"))
        }
        Some(end) => Ok(end.to_string()),
    }
}
