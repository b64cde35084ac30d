//! What `run` remembers of itself: its last runs, and since when it fails for the same reason.
//!
//! When a run fails again for the same reason, standard error speaks only at the first time and then every six hours:
//! cron would send a mail every 15 minutes.

use super::Summary;
use crate::{
    access::Access,
    checkpoint::file,
    error::{Error, Result},
    model::Time,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

const HISTORY: &str = "history.json";
const FAILURE: &str = "failure.json";
const VERSION: u32 = 1;
/// Two days of runs every 15 minutes.
const RUNS_KEPT: usize = 192;
const TELL_AGAIN_MS: i64 = 6 * 3_600_000;

/// The last runs, oldest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct History {
    version: u32,
    pub runs: Vec<RunRecord>,
}

/// One run that ended well.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunRecord {
    pub at: Time,
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

/// Whether a failure was told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    First,
    /// The same, told less than six hours ago.
    Again,
}

/// The last runs; empty where there were none.
pub fn runs(state_dir: &Path) -> Result<Vec<RunRecord>> {
    let history: Option<History> = file::load(&state_dir.join(HISTORY), VERSION)?;
    Ok(history.map(|h| h.runs).unwrap_or_default())
}

/// The failure that lasts, if any.
pub fn failure(state_dir: &Path) -> Result<Option<Failure>> {
    file::load(&state_dir.join(FAILURE), VERSION)
}

/// Notes a run that ended well; returns a line to tell when it is the first after a failure.
pub fn succeeded(state_dir: &Path, access: Access, now: Time, summary: &Summary) -> Result<Option<String>> {
    let mut runs = runs(state_dir)?;
    let copy = Summary { tally: summary.tally, span: summary.span, stopped: summary.stopped, ..Summary::default() };
    let merged = crate::run::merge::Merged {
        created: summary.merged.created,
        updated: summary.merged.updated,
        deleted: summary.merged.deleted,
        journeys: summary.merged.journeys,
        ..Default::default()
    };
    runs.push(RunRecord { at: now, summary: Summary { merged, ..copy } });
    let surplus = runs.len().saturating_sub(RUNS_KEPT);
    runs.drain(..surplus);
    file::save(&state_dir.join(HISTORY), &History { version: VERSION, runs }, access)?;
    let Some(failure) = failure(state_dir)? else { return Ok(None) };
    let path = state_dir.join(FAILURE);
    std::fs::remove_file(&path).map_err(|e| Error::io(format!("cannot remove `{}`", path.display()), &e))?;
    Ok(Some(format!("works again; it had failed since {}; {} lines caught up", failure.since, summary.tally.read())))
}

/// Notes a failure and says whether it was told before.
pub fn failed(state_dir: &Path, access: Access, now: Time, error: &Error) -> Result<Telling> {
    let reason = error.to_string();
    let before = failure(state_dir)?.filter(|f| f.reason == reason);
    let since = before.as_ref().map_or(now, |f| f.since);
    let again = before.as_ref().is_some_and(|f| now.0 - f.told.0 < TELL_AGAIN_MS);
    let told = before.filter(|_| again).map_or(now, |f| f.told);
    file::save(&state_dir.join(FAILURE), &Failure { version: VERSION, since, reason, told }, access)?;
    Ok(if again { Telling::Again } else { Telling::First })
}
