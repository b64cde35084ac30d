//! Creates and opens the database file, and tells ours from any other.
//!
//! A document is a row of `transactions`: its `blob` holds all of it; the columns beside it are what searches need, and
//! what someone with the `sqlite3` shell wants to see. `terms` says where a search term occurs, as a 64-bit hash:
//! hostile text of any length costs 16 bytes, and each hit is confirmed on the document.
//!
//! Hashes arrive in random order, and one tree of them gets slower to insert into the larger it is. So each block of
//! consecutive documents has its own terms, and `blocks` holds the time span of each block: a search for some hours in
//! a store of years reads few blocks.
//!
//! Versions come from `counter`, not from the row, so that a document that was deleted and created again never matches
//! an old expected version.

use super::failure::Outcome;
use crate::{
    access::Access,
    error::{Error, Kind, Result},
    store::other_privacy,
};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};
use std::{path::Path, time::Duration};

/// `PRAGMA user_version` of the tables below.
const VERSION: i32 = 1;

/// `PRAGMA application_id`, "mstc": the file belongs to mailstitch.
const APPLICATION: i32 = 0x6d73_7463;

/// How long to wait for a lock held by another process; writing a stretch takes far less.
pub const PATIENCE: Duration = Duration::from_secs(30);

const TABLES: &str = "
CREATE TABLE transactions (
  doc INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  host TEXT NOT NULL,
  queue_id TEXT,
  part INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  sender TEXT,
  message_id TEXT,
  journey TEXT,
  blob BLOB NOT NULL
);
CREATE INDEX by_key ON transactions (queue_id, host, start_ms, end_ms);
CREATE INDEX by_start ON transactions (start_ms, id);
CREATE INDEX by_end ON transactions (end_ms);
CREATE INDEX open ON transactions (doc)
  WHERE part = 0 AND kind = 'message' AND status IN ('queued', 'deferred', 'held');
CREATE TABLE terms (
  block INTEGER NOT NULL,
  term INTEGER NOT NULL,
  doc INTEGER NOT NULL,
  PRIMARY KEY (block, term, doc)
) WITHOUT ROWID;
CREATE TABLE blocks (
  block INTEGER PRIMARY KEY,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL
);
CREATE TABLE counter (last INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
";

/// Opens an existing database.
pub fn open(path: &Path, access: Access, privacy: &str) -> Result<Connection> {
    let connection = connect(path, access)?;
    match recognise(&connection, privacy).map_err(|e| e.at("open", path))? {
        None => Ok(connection),
        Some(obstacle) => Err(obstacle.error(path)),
    }
}

/// Creates the file and its tables if they do not exist, then opens it.
pub fn prepare(path: &Path, access: Access, privacy: &str) -> Result<Connection> {
    if let Some(dir) = path.parent() {
        access.make_dir(dir)?;
    }
    access.make_file(path)?;
    let mut connection = connect(path, access)?;
    match create(&mut connection, privacy).map_err(|e| e.at("prepare", path))? {
        None => Ok(connection),
        Some(obstacle) => Err(obstacle.error(path)),
    }
}

fn connect(path: &Path, access: Access) -> Result<Connection> {
    // SQLite says only "unable to open"; the operating system says why.
    std::fs::metadata(path).map_err(|e| {
        let error = Error::io(format!("cannot open database `{}`", path.display()), &e);
        if e.kind() == std::io::ErrorKind::NotFound {
            error.hint("`mailstitch run` or `backfill` makes it")
        } else {
            error
        }
    })?;
    let connect = || -> Outcome<Connection> {
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(PATIENCE)?;
        // The log is synced by the checkpoint in `commit`, not by every transaction; the ledger is marked after that.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", -32_768)?; // KiB
        // In pages. Every checkpoint syncs, and `commit` makes one anyway.
        connection.pragma_update(None, "wal_autocheckpoint", 10_000)?;
        connection.set_prepared_statement_cache_capacity(32);
        // Readers in the group may not create the `-wal` and `-shm` files, so the last writer leaves them in place.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, access.is_shared())?;
        Ok(connection)
    };
    connect().map_err(|e| e.at("open", path))
}

/// Why a database cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    Empty,
    Newer(i32),
    Foreign,
    OtherPrivacy,
    NoLog,
}

impl Obstacle {
    fn error(self, path: &Path) -> Error {
        let error = Error::new(Kind::Config, format!("cannot open database `{}`", path.display()));
        match self {
            Self::Empty => error.because("it has no tables yet").hint("`mailstitch run` or `backfill` makes them"),
            Self::Newer(version) => error
                .because(format!("it has version {version}, this mailstitch knows up to {VERSION}"))
                .hint("use the newer mailstitch that wrote the file"),
            Self::Foreign => {
                error.because("it belongs to another program").hint("name a file of its own in `[store.sqlite] path`")
            }
            Self::OtherPrivacy => other_privacy(format!("cannot open database `{}`", path.display())),
            Self::NoLog => error
                .because("its file system does not let processes share memory, as write-ahead logging needs")
                .hint("put the database on a local disk"),
        }
    }
}

/// `None` if the database is ours and can be used.
fn recognise(connection: &Connection, privacy: &str) -> Outcome<Option<Obstacle>> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application == APPLICATION {
        let obstacle = match version > VERSION {
            true => Some(Obstacle::Newer(version)),
            false => (mark(connection)? != privacy).then_some(Obstacle::OtherPrivacy),
        };
        return Ok(obstacle);
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_empty = application == 0 && version == 0 && tables == 0;
    Ok(Some(if is_empty { Obstacle::Empty } else { Obstacle::Foreign }))
}

/// The privacy mark of the file. Only a file with something left out of its lines has the table.
fn mark(connection: &Connection) -> Outcome<String> {
    if connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'privacy'", [], |row| row.get(0))? {
        return Ok(connection.query_row("SELECT mark FROM privacy", [], |row| row.get(0))?);
    }
    Ok(String::new())
}

/// Creates the tables in an empty database; leaves a foreign one alone.
fn create(connection: &mut Connection, privacy: &str) -> Outcome<Option<Obstacle>> {
    let found = recognise(connection, privacy)?;
    if found.is_some_and(|obstacle| obstacle != Obstacle::Empty) {
        return Ok(found);
    }
    // `journal_mode` cannot be changed inside a transaction. Setting WAL again changes nothing.
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Ok(Some(Obstacle::NoLog));
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    if recognise(&tx, privacy)? == Some(Obstacle::Empty) {
        tx.execute_batch(TABLES)?;
        if !privacy.is_empty() {
            tx.execute_batch("CREATE TABLE privacy (mark TEXT NOT NULL)")?;
            tx.execute("INSERT INTO privacy VALUES (?1)", [privacy])?;
        }
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", VERSION)?;
    }
    tx.commit()?;
    recognise(connection, privacy)
}
