//! The history of `run`: its last runs, and since when it fails for the same reason.
//!
//! While runs keep failing for the same reason, it is reported on standard error the first time and then every six
//! hours; otherwise cron would send a mail every 15 minutes.

use super::{Summary, jump::Uptime};
use crate::{
    access::Access,
    error::{Error, Kind, Result},
    model::Time,
    outcome::exit_code,
    state::file,
    stitch::Tally,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, path::Path};

const HISTORY: &str = "history.json";
const FAILURE: &str = "failure.json";
const BACKFILLED: &str = "backfilled.json";
/// Written by runs that find the lock held; they must not touch the files of the run that holds it.
const KEPT_OUT: &str = "kept-out.json";
const VERSION: u32 = 1;
/// Two days of runs every 15 minutes.
const RUNS_KEPT: usize = 192;
const TELL_AGAIN_MS: i64 = 6 * 3_600_000;

/// The last runs, oldest first, and the sums over all runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct History {
    version: u32,
    #[serde(default)]
    pub totals: Totals,
    pub runs: Vec<RunRecord>,
}

/// Sums over all runs since the state directory was created, failed runs included.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Runs that ended well.
    pub succeeded: u64,
    /// Runs that failed, by exit code.
    pub failed: BTreeMap<u8, u64>,
    pub tally: Tally,
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    /// Requests, and documents of bulk requests, that had to be sent again.
    pub retries: u64,
    pub last_success: Option<Time>,
}

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunRecord {
    pub at: Time,
    /// How long the system had been up at `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime: Option<Uptime>,
    #[serde(default)]
    pub took_ms: u64,
    #[serde(default)]
    pub retries: u64,
    /// The run reported that it did not understand what it read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complained: bool,
    /// Why the run failed; `None` if it ended well. The counts of a failed run are those of the stretches marked
    /// before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    #[serde(flatten)]
    pub summary: Summary,
}

/// A failure that lasts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure {
    version: u32,
    pub since: Time,
    pub reason: String,
    told: Time,
}

/// The last backfill.
#[derive(Debug, Serialize, Deserialize)]
pub struct Backfilled {
    version: u32,
    pub at: Time,
    pub tally: Tally,
}

/// Whether a failure is to be reported now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    First,
    /// Not now: the same reason was reported less than six hours ago.
    Again,
}

/// The history; empty if there were no runs.
pub fn load(state_dir: &Path) -> Result<History> {
    Ok(remembered(&state_dir.join(HISTORY))?.unwrap_or_default())
}

/// Whether a run of the last six hours reported that it did not understand what it read.
pub fn complained(state_dir: &Path, now: Time) -> Result<bool> {
    let recent = |run: &RunRecord| run.complained && (0..TELL_AGAIN_MS).contains(&now.0.saturating_sub(run.at.0));
    Ok(load(state_dir)?.runs.iter().rev().any(recent))
}

/// The failure that lasts, if any.
pub fn failure(state_dir: &Path) -> Result<Option<Failure>> {
    remembered(&state_dir.join(FAILURE))
}

/// The content of a history file. Reading and writing of mail do not depend on it, so a damaged file is moved aside
/// with a warning: history must not stop a run.
fn remembered<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let told = match file::load(path, VERSION) {
        Err(error) if error.kind() == Kind::Config && !error.cause().starts_with("it has version") => error,
        read => return read,
    };
    let mut aside = path.as_os_str().to_owned();
    aside.push(".unreadable");
    if std::fs::rename(path, &aside).is_err() {
        // A user with read access only cannot move it.
        tracing::warn!("{told}; it counts as empty");
        return Ok(None);
    }
    tracing::warn!("{told}; it was moved to `{}` and begins anew", Path::new(&aside).display());
    Ok(None)
}

/// The last backfill, if there was one.
pub fn backfilled(state_dir: &Path) -> Result<Option<Backfilled>> {
    file::load(&state_dir.join(BACKFILLED), VERSION)
}

/// Records what a backfill read.
pub fn note_backfill(state_dir: &Path, access: Access, at: Time, tally: Tally) -> Result<()> {
    file::save(&state_dir.join(BACKFILLED), &Backfilled { version: VERSION, at, tally }, access)
}

/// Records a run that ended well; returns a message if it is the first after a failure.
pub fn succeeded(state_dir: &Path, access: Access, run: RunRecord) -> Result<Option<String>> {
    let lines = run.summary.tally.read();
    let mut history = load(state_dir)?;
    history.totals.succeeded += 1;
    history.totals.last_success = Some(run.at);
    history.remember(run);
    history.save(state_dir, access)?;
    let Some(failure) = failure(state_dir)? else { return Ok(None) };
    let path = state_dir.join(FAILURE);
    std::fs::remove_file(&path).map_err(|e| Error::io(format!("cannot remove `{}`", path.display()), &e))?;
    Ok(Some(format!("works again; it had failed since {}; {lines} lines caught up", failure.since)))
}

/// The failure that runs recorded because the lock was held for too long, if any did since it was last free.
pub fn kept_out(state_dir: &Path) -> Result<Option<Failure>> {
    file::load(&state_dir.join(KEPT_OUT), VERSION)
}

/// Records that another run holds the lock, and says whether to report it now.
pub fn is_kept_out(state_dir: &Path, access: Access, now: Time, error: &Error) -> Result<Telling> {
    // A note that cannot be read is replaced.
    let (failure, telling) = Failure::after(kept_out(state_dir).unwrap_or_default(), now, error);
    file::save(&state_dir.join(KEPT_OUT), &failure, access)?;
    Ok(telling)
}

/// Records that the lock was free.
pub fn let_in(state_dir: &Path) -> Result<()> {
    let path = state_dir.join(KEPT_OUT);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove `{}`", path.display()), &e))
        }
        _ => Ok(()),
    }
}

/// Records a failed run and says whether to report it now. `run.failed` is set here.
pub fn failed(state_dir: &Path, access: Access, run: RunRecord, error: &Error) -> Result<Telling> {
    let (failure, telling) = Failure::after(failure(state_dir)?, run.at, error);
    let reason = failure.reason.clone();
    file::save(&state_dir.join(FAILURE), &failure, access)?;
    let mut history = load(state_dir)?;
    *history.totals.failed.entry(exit_code(error.kind())).or_default() += 1;
    history.remember(RunRecord { failed: Some(reason), ..run });
    history.save(state_dir, access)?;
    Ok(telling)
}

impl Failure {
    /// The failure at `now`, given the one recorded before.
    fn after(before: Option<Self>, now: Time, error: &Error) -> (Self, Telling) {
        let reason = error.to_string();
        let before = before.filter(|f| f.reason == reason);
        let since = before.as_ref().map_or(now, |f| f.since);
        let again = before.as_ref().is_some_and(|f| (0..TELL_AGAIN_MS).contains(&now.0.saturating_sub(f.told.0)));
        let told = before.filter(|_| again).map_or(now, |f| f.told);
        (Self { version: VERSION, since, reason, told }, if again { Telling::Again } else { Telling::First })
    }
}

impl History {
    fn remember(&mut self, run: RunRecord) {
        let (totals, merged) = (&mut self.totals, &run.summary.merged);
        totals.tally.add(run.summary.tally);
        totals.created += merged.created;
        totals.updated += merged.updated;
        totals.deleted += merged.deleted;
        totals.retries += run.retries;
        self.runs.push(run);
        let surplus = self.runs.len().saturating_sub(RUNS_KEPT);
        self.runs.drain(..surplus);
    }

    fn save(&mut self, state_dir: &Path, access: Access) -> Result<()> {
        self.version = VERSION;
        file::save(&state_dir.join(HISTORY), self, access)
    }
}
