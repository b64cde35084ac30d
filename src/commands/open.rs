//! Opens what the configuration names: the state directory, the source, the store.

use super::Context;
use crate::{
    access::Access,
    config::{self, FileSource, Settings},
    error::{Error, Kind, Result},
    model::{Intake, Privacy, Time},
    outcome::Outcome,
    parse,
    source::{self, CountingSource, PositionedSource},
    state::{
        self, Checkpoint,
        lock::{self, Attempt, Lock},
    },
    stitch::{Bounds, Rules},
    store::{self, Store},
};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A source, by the way it is read: by counts per bucket, or from a position in files or the journal.
pub enum Source {
    Counting(Arc<dyn CountingSource>),
    Positioned(Box<dyn PositionedSource>),
}

/// The state directory, and who may read it.
pub struct State {
    dir: PathBuf,
    pub access: Access,
}

/// Text for a search without results: the time range that the store covers and `advice`, or how to fill an empty
/// store.
pub async fn what_there_is(context: &Context, store: &dyn Store, advice: &str) -> Result<String> {
    let summary = store.summary().await?;
    Ok(match (summary.oldest, summary.newest) {
        (Some(oldest), Some(newest)) => format!("the store has transactions from {oldest} to {newest}; {advice}"),
        _ => format!("the store is empty; `{} backfill --since 7d` reads the past", context.called),
    })
}

/// A lock held for longer than this is an error instead of a note.
const LOCK_TROUBLE_MS: i64 = 3_600_000;

/// File in the state directory that records the `[privacy]` settings of the lines in it; absent if they are kept
/// whole.
const PRIVACY: &str = "privacy";

impl State {
    /// The state directory, without creating it. Commands that only read must not: a directory made by the wrong user
    /// (root trying `status`) would lock the right one out.
    pub fn open(settings: &Settings) -> Result<Self> {
        Ok(Self { dir: settings.state_dir.clone(), access: Access::new(settings.group.as_deref())? })
    }

    /// The state directory, created if it does not exist.
    pub fn make(settings: &Settings) -> Result<Self> {
        let state = Self::open(settings)?;
        state.access.make_dir(&state.dir).map_err(|e| e.hint("the user that runs mailstitch must own `state_dir`"))?;
        state.settle_privacy(&mark(settings))?;
        Ok(state)
    }

    /// Refuses a directory made under other `[privacy]` settings. Open sessions and dead letters hold lines, too, so
    /// the settings can only be chosen while the directory is empty.
    fn settle_privacy(&self, mark: &str) -> Result<()> {
        let path = self.path(PRIVACY);
        let failed =
            |e: std::io::Error| Error::io(format!("cannot use the state directory `{}`", self.dir.display()), &e);
        match fs::read_to_string(&path) {
            Ok(there) if serde_json::from_str::<String>(&there).is_ok_and(|there| there == mark) => Ok(()),
            Ok(_) => Err(store::other_privacy(format!("cannot use the state directory `{}`", self.dir.display()))),
            Err(e) if e.kind() != ErrorKind::NotFound => Err(failed(e)),
            Err(_) if mark.is_empty() => Ok(()),
            Err(_) if fs::read_dir(&self.dir).map_err(failed)?.next().is_some() => {
                Err(store::other_privacy(format!("cannot use the state directory `{}`", self.dir.display())))
            }
            Err(_) => state::file::save(&path, &mark, self.access),
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The ledger in the file of that name, if there is one.
    pub fn ledger(&self, name: &str) -> Result<Option<Checkpoint>> {
        state::file::load(&self.path(name), state::VERSION)
    }

    /// Saves a ledger under that name.
    pub fn save(&self, name: &str, ledger: &Checkpoint) -> Result<()> {
        state::file::save(&self.path(name), ledger, self.access)
    }

    /// Tries to take the lock of that name.
    pub fn attempt(&self, name: &str, now: Time) -> Result<Attempt> {
        lock::acquire(&self.path(name), now, self.access)
    }

    /// Takes the lock of that name. If another process holds it: `None` and a log line, or an error after
    /// `LOCK_TROUBLE_MS`.
    pub fn lock(&self, name: &str, now: Time, what: &str) -> Result<Option<Lock>> {
        match self.attempt(name, now)? {
            Attempt::Locked(lock) => Ok(Some(lock)),
            Attempt::Busy(holder) if holder.held_ms(now).is_some_and(|ms| ms > LOCK_TROUBLE_MS) => {
                Err(Error::new(Kind::Temporary, format!("cannot start a {what} on `{}`", self.dir.display()))
                    .because(format!("another one holds the lock: {holder}"))
                    .hint("if that process hangs, end it"))
            }
            Attempt::Busy(holder) => {
                tracing::info!("another {what} is under way: {holder}");
                Ok(None)
            }
        }
    }
}

/// The `[privacy]` settings as the state directory and the store record them; empty if nothing is replaced.
fn mark(settings: &Settings) -> String {
    settings.privacy.as_deref().map(Privacy::mark).unwrap_or_default()
}

/// The rules of stitching that the settings ask for.
pub fn rules(settings: &Settings) -> Rules {
    let ms = |d: std::time::Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    Rules {
        instances: settings.instances.iter().map(|i| i.as_str().into()).collect(),
        horizon_ms: ms(settings.window.horizon),
        bounds: Bounds::default(),
        session_lead_ms: ms(settings.window.session_lead),
    }
}

/// Opens the configured store.
pub fn store(settings: &Settings, access: Access) -> Result<Box<dyn Store>> {
    let mark = mark(settings);
    Ok(match &settings.store {
        config::Store::Sqlite { path } => {
            Box::new(store::sqlite::SqliteStore::new(path.clone(), access).with_privacy(mark))
        }
        config::Store::Elasticsearch(s) => {
            Box::new(store::elasticsearch::Elasticsearch::new(s.clone())?.with_privacy(mark))
        }
    })
}

/// The intake that lines of every source pass through.
fn intake(context: &Context) -> Intake {
    let Settings { host_aliases, privacy, bare_daemons, .. } = &context.settings;
    Intake::new(host_aliases.clone())
        .with_privacy(privacy.clone())
        .with_bare_daemons(bare_daemons.then_some(parse::is_bare_daemon))
}

/// The configured source, from `position` on.
pub fn source(context: &Context, position: Option<serde_json::Value>) -> Result<Source> {
    match &context.settings.source {
        config::Source::Elasticsearch(s) => elasticsearch(context, s.clone()),
        config::Source::Graylog(s) => graylog(context, s.clone()),
        config::Source::File(s) => {
            let source = source::file::FileSource::new(s, intake(context), context.now, position)?;
            Ok(Source::Positioned(Box::new(source.until(Arc::clone(&context.stop)))))
        }
        config::Source::Journal(s) => {
            let intake = intake(context);
            Ok(Source::Positioned(Box::new(source::journal::Journal::new(s.clone(), intake, position)?)))
        }
    }
}

/// The configured source from its beginning, not limited to the programs that mailstitch reads.
pub fn every_line(context: &Context) -> Result<Source> {
    match &context.settings.source {
        config::Source::Elasticsearch(s) => {
            elasticsearch(context, config::ElasticsearchSource { programs: Vec::new(), ..s.clone() })
        }
        config::Source::Graylog(s) => graylog(context, config::GraylogSource { programs: Vec::new(), ..s.clone() }),
        config::Source::File(_) | config::Source::Journal(_) => source(context, None),
    }
}

fn elasticsearch(context: &Context, settings: config::ElasticsearchSource) -> Result<Source> {
    Ok(Source::Counting(Arc::new(source::elasticsearch::Elasticsearch::new(settings, intake(context))?)))
}

fn graylog(context: &Context, settings: config::GraylogSource) -> Result<Source> {
    let reach = context.settings.window.horizon;
    Ok(Source::Counting(Arc::new(source::graylog::Graylog::new(settings, intake(context), reach)?)))
}

/// The files named on the command line in place of the configured source; zone and year as for that source.
pub fn named_files(context: &Context, paths: &[PathBuf], position: Option<serde_json::Value>) -> Result<Source> {
    let paths = paths.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let settings = match &context.settings.source {
        config::Source::File(s) => FileSource { paths, ..s.clone() },
        config::Source::Elasticsearch(s) => FileSource { paths, timezone: s.timezone, year: None },
        config::Source::Graylog(s) => FileSource { paths, timezone: s.timezone, year: None },
        config::Source::Journal(s) => FileSource { paths, timezone: s.timezone, year: None },
    };
    let source = source::file::FileSource::named(settings, intake(context), context.now, position)?;
    Ok(Source::Positioned(Box::new(source.until(Arc::clone(&context.stop)))))
}

/// Outcome of a command that succeeded, except for documents of the store that could not be read.
pub fn all_read(store: &dyn Store) -> Outcome {
    match store.unreadable() {
        0 => Outcome::Done,
        n => {
            tracing::warn!("{n} documents of the store could not be read and were left out");
            Outcome::Unreadable
        }
    }
}

/// Listens for SIGTERM and SIGINT, and returns the flag that they set.
pub fn stop_signal(context: &Context) -> Result<&AtomicBool> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e: std::io::Error| Error::io("cannot listen for signals", &e);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let told = Arc::clone(&context.stop);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        told.store(true, Ordering::Relaxed);
    });
    Ok(&context.stop)
}
