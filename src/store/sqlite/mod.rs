//! The embedded store: one SQLite file, no server.
//!
//! In: documents. Out: documents, found by id, key, term and time. A write is visible to every reader when `put`
//! returns, so `refresh` does nothing; it survives a crash of the program at once, and a power loss after `commit`.
//! Several processes may use one file; versions keep them from overwriting each other's changes.
//!
//! SQLite calls block, so they run on the runtime's blocking threads, one at a time per store.

mod check;
mod codec;
mod failure;
mod marks;
mod read;
mod schema;
mod terms;
mod write;

use super::{
    Census, Known, Neighbour, Page, Put, QueueKey, Report, Search, Store, Stored, Summary, Traces, Version,
    unreadable::Unreadable,
};
use crate::{
    access::Access,
    check::Check,
    error::{Error, Kind, Result},
    model::{Range, Time, Transaction},
};
use async_trait::async_trait;
use failure::Outcome;
use read::LeaveOut;
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// The name of the only place for marks: a file is one place.
const PLACE: &str = "database";

/// A store in one SQLite file. Nothing is opened before the first use, and nothing is created before `prepare`.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    database: Arc<Database>,
}

#[derive(Debug)]
struct Database {
    path: PathBuf,
    access: Access,
    /// [`Privacy::mark`](crate::model::Privacy::mark) of the lines written to it; empty if lines are kept whole.
    privacy: String,
    connection: Mutex<Option<Connection>>,
    unreadable: Unreadable,
}

impl Database {
    /// Remembers a row whose document cannot be read.
    fn leave_out(&self, id: &str, cause: &std::io::Error) {
        let hint =
            "`mailstitch backfill` reads its lines again where the log has them, or restore the file from a backup";
        self.unreadable.add(id, &format!("database `{}`", self.path.display()), &format!("damaged: {cause}"), hint);
    }
}

impl SqliteStore {
    /// `access`: who may read the file, if it has to be created.
    pub fn new(path: impl Into<PathBuf>, access: Access) -> Self {
        Self::made(path.into(), access, String::new())
    }

    /// The same file for lines with this privacy mark; opening it fails if the file has another mark.
    pub fn with_privacy(self, mark: String) -> Self {
        let Database { path, access, .. } = &*self.database;
        Self::made(path.clone(), *access, mark)
    }

    fn made(path: PathBuf, access: Access, privacy: String) -> Self {
        let (connection, unreadable) = (Mutex::new(None), Unreadable::default());
        Self { database: Arc::new(Database { path, access, privacy, connection, unreadable }) }
    }

    /// Runs `work`, which reads documents and may leave some out.
    async fn reading<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection, &LeaveOut<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let database = Arc::clone(&self.database);
        self.on(doing, move |connection| work(connection, &|id, cause| database.leave_out(id, cause))).await
    }

    /// Runs `work` on the open database; `doing` is `read`, `write to`, … as in the error message.
    async fn on<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.blocking(move |database| {
            let mut slot = database.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = match slot.take() {
                Some(connection) => connection,
                None => schema::open(&database.path, database.access, &database.privacy)?,
            };
            work(slot.insert(connection)).map_err(|e| e.at(doing, &database.path))
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let database = Arc::clone(&self.database);
        let done = tokio::task::spawn_blocking(move || work(&database)).await;
        done.unwrap_or_else(|e| match e.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(e) => Err(Error::new(Kind::Temporary, "cannot go on with the database").because(e)),
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn unreadable(&self) -> u64 {
        self.database.unreadable.count()
    }

    async fn prepare(&self) -> Result<()> {
        self.blocking(|database| {
            let mut slot = database.connection.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.is_none() {
                *slot = Some(schema::prepare(&database.path, database.access, &database.privacy)?);
            }
            Ok(())
        })
        .await
    }

    async fn get(&self, ids: &[String]) -> Result<Vec<Stored>> {
        let ids = ids.to_vec();
        self.reading("read", move |connection, leave_out| read::get(connection, &ids, leave_out)).await
    }

    async fn find(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Stored>> {
        let keys = keys.to_vec();
        self.reading("read", move |connection, leave_out| read::find(connection, &keys, within, leave_out)).await
    }

    async fn find_ids(&self, keys: &[QueueKey], within: Range) -> Result<Vec<Known>> {
        let keys = keys.to_vec();
        self.on("read", move |connection| read::find_ids(connection, &keys, within)).await
    }

    async fn sizes(&self, ids: &[String]) -> Result<Vec<Known>> {
        let ids = ids.to_vec();
        self.on("read", move |connection| read::sizes(connection, &ids)).await
    }

    async fn neighbours(&self, traces: &Traces) -> Result<Vec<Neighbour>> {
        let traces = traces.clone();
        self.reading("read", move |connection, leave_out| read::neighbours(connection, &traces, leave_out)).await
    }

    async fn put(&self, documents: Arc<[Put]>) -> Result<Report> {
        self.on("write to", move |connection| write::put(connection, &documents)).await
    }

    async fn delete(&self, documents: &[(String, Version)]) -> Result<Report> {
        let documents = documents.to_vec();
        self.on("write to", move |connection| write::delete(connection, &documents)).await
    }

    async fn refresh(&self) -> Result<()> {
        Ok(())
    }

    async fn commit(&self) -> Result<()> {
        let path = self.database.path.clone();
        self.on("sync", move |connection| write::commit(connection, &path)).await
    }

    async fn mark(&self, ledger: &str, number: u64, documents: &[String]) -> Result<Vec<String>> {
        let (ledger, documents) = (ledger.to_owned(), documents.to_vec());
        self.on("write to", move |connection| marks::leave(connection, &ledger, number, &documents)).await?;
        Ok(vec![PLACE.to_owned()])
    }

    async fn marks(&self, ledger: &str, _places: &[String]) -> Result<BTreeMap<String, u64>> {
        let ledger = ledger.to_owned();
        let number = self.on("read", move |connection| marks::find(connection, &ledger)).await?;
        Ok(number.map(|number| (PLACE.to_owned(), number)).into_iter().collect())
    }

    async fn search(&self, search: &Search) -> Result<Vec<Transaction>> {
        let search = search.clone();
        self.reading("search", move |connection, leave_out| read::search(connection, &search, leave_out)).await
    }

    async fn page(&self, after: Option<&str>, within: Option<Range>) -> Result<Page> {
        let after = after.map(str::to_owned);
        self.reading("read", move |connection, leave_out| read::page(connection, after.as_deref(), within, leave_out))
            .await
    }

    async fn waiting(&self, after: Option<&str>, before: Time) -> Result<Page> {
        let after = after.map(str::to_owned);
        self.reading("read", move |connection, leave_out| {
            read::waiting(connection, after.as_deref(), before, leave_out)
        })
        .await
    }

    async fn newest_end(&self, now: Time) -> Result<Option<Time>> {
        self.on("read", move |connection| read::newest_end(connection, now)).await
    }

    async fn prune(&self, before: Time, dry_run: bool) -> Result<u64> {
        if dry_run {
            return self.on("read", move |connection| read::count_before(connection, before)).await;
        }
        self.on("prune", move |connection| write::prune(connection, before)).await
    }

    async fn summary(&self) -> Result<Summary> {
        self.on("read", read::summary).await
    }

    async fn census(&self, within: Range) -> Result<Census> {
        self.reading("read", move |connection, leave_out| read::census(connection, within, leave_out)).await
    }

    async fn check(&self, now: Time) -> Vec<Check> {
        check::check(self, now).await
    }
}
