//! Turns an SQLite result code into an error kind and a hint for the user.

use crate::error::{Error, Kind};
use rusqlite::ErrorCode;
use std::{io, path::Path};

/// Why work on the database failed; the path is added by [`Failure::at`].
#[derive(Debug)]
pub enum Failure {
    Sqlite(rusqlite::Error),
    /// The blob of a row is damaged.
    Blob(io::Error),
    /// The write-ahead log could not be synced.
    Log(io::Error),
}

/// The result of work on the database.
pub type Outcome<T> = std::result::Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

const DAMAGED: &str = "restore the file from a backup, or move it away and rebuild it with `mailstitch backfill`";

impl Failure {
    /// The error for the user; `doing` is `read`, `write to`, ….
    pub fn at(self, doing: &str, path: &Path) -> Error {
        let doing = format!("cannot {doing} database `{}`", path.display());
        match self {
            Self::Log(cause) => Error::io(doing, &cause),
            Self::Blob(cause) => {
                Error::new(Kind::Config, doing).because(format!("damaged document: {cause}")).hint(DAMAGED)
            }
            Self::Sqlite(cause) => {
                let kind = kind(cause.sqlite_error_code());
                let error = Error::new(kind, doing).because(&cause);
                match kind {
                    Kind::Config => error.hint(DAMAGED),
                    Kind::Permission => error
                        .hint("the user of mailstitch must own the file and its directory, on a disk open for writing"),
                    _ => error,
                }
            }
        }
    }
}

/// The codes are listed at <https://sqlite.org/rescode.html>; an error that does not come from SQLite has none.
fn kind(code: Option<ErrorCode>) -> Kind {
    match code {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OperationInterrupted
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::SchemaChanged,
        ) => Kind::Temporary,
        Some(ErrorCode::OutOfMemory) => Kind::Memory,
        // The caller has checked that the file exists, so `CannotOpen` means missing permission.
        Some(
            ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::AuthorizationForStatementDenied,
        ) => Kind::Permission,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Kind::Config,
        _ => Kind::Software,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    /// `message` is SQLite's own text.
    #[track_caller]
    fn check(code: i32, message: &str, kind: Kind) {
        let error = Failure::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.to_owned())))
            .at("write to", Path::new("/srv/t.sqlite"));
        let text = format!("cannot write to database `/srv/t.sqlite`: {message}");
        assert_eq!((error.kind(), error.to_string()), (kind, text));
    }

    #[test]
    fn a_full_disk_and_a_locked_file_are_worth_another_try() {
        check(ffi::SQLITE_FULL, "database or disk is full", Kind::Temporary);
        check(ffi::SQLITE_NOMEM, "out of memory", Kind::Memory);
        check(ffi::SQLITE_BUSY, "database is locked", Kind::Temporary);
        check(ffi::SQLITE_IOERR_WRITE, "disk I/O error", Kind::Temporary);
    }

    #[test]
    fn a_file_that_may_not_be_written_is_a_matter_of_rights() {
        check(ffi::SQLITE_READONLY_DIRECTORY, "attempt to write a readonly database", Kind::Permission);
        check(ffi::SQLITE_CANTOPEN, "unable to open database file", Kind::Permission);
    }

    #[test]
    fn a_damaged_file_stays_damaged_and_says_what_to_do() {
        check(ffi::SQLITE_CORRUPT, "database disk image is malformed", Kind::Config);
        let blob = Failure::Blob(io::Error::other("torn")).at("read", Path::new("t.sqlite"));
        assert_eq!((blob.kind(), blob.hint_text()), (Kind::Config, Some(DAMAGED)));
    }

    #[test]
    fn a_mistake_in_our_sql_is_a_bug() {
        check(ffi::SQLITE_ERROR, "no such table: terms", Kind::Software);
    }
}
