//! Dead letters: documents that a store refuses for good (a mapping conflict), kept with the reason and tried again by
//! every run.

use crate::{
    error::{Error, Kind, Result},
    model::{Line, Transaction},
    run::{journeys, merge},
    stitch::{self, Rules},
    store::Store,
};
use serde::{Deserialize, Serialize};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// The file in the state directory: one JSON object a line.
pub const FILE: &str = "dead-letters.ndjson";

#[derive(Debug, Serialize, Deserialize)]
struct DeadLetter {
    reason: String,
    transaction: Transaction,
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}

/// Appends refused documents to the file, durably.
pub fn bury(state_dir: &Path, refused: &[(Transaction, String)]) -> Result<()> {
    if refused.is_empty() {
        return Ok(());
    }
    let path = path(state_dir);
    let doing = || format!("cannot write dead letters `{}`", path.display());
    let mut text = Vec::new();
    for (transaction, reason) in refused {
        let letter = DeadLetter { reason: reason.clone(), transaction: transaction.clone() };
        serde_json::to_writer(&mut text, &letter).map_err(|e| Error::new(Kind::Software, doing()).because(e))?;
        text.push(b'\n');
    }
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.append(true).create(true).open(&path).map_err(|e| Error::io(doing(), &e))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(|e| Error::io(doing(), &e))
}

/// How many dead letters there are.
pub fn count(state_dir: &Path) -> Result<u64> {
    Ok(load(state_dir)?.len() as u64)
}

fn load(state_dir: &Path) -> Result<Vec<DeadLetter>> {
    let path = path(state_dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io(format!("cannot read dead letters `{}`", path.display()), &e)),
    };
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines
        .map(|(n, line)| {
            serde_json::from_str(line).map_err(|e| {
                Error::new(Kind::Config, format!("cannot read dead letter {} of `{}`", n + 1, path.display()))
                    .because(e)
                    .hint("repair or remove that line; its lines of log can be read again by a backfill")
            })
        })
        .collect()
}

/// Tries all dead letters again; what is refused again stays.
pub async fn raise(state_dir: &Path, store: &dyn Store, rules: &Rules) -> Result<()> {
    let letters = load(state_dir)?;
    if letters.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<Line> = letters.iter().flat_map(|l| merge::lines_of(&l.transaction)).collect();
    stitch::unite(&mut lines);
    let gathered = stitch::gather(&lines, |_| false, rules);
    let mut merged = merge::merge(store, &lines, &gathered, rules).await?;
    journeys::settle(store, &std::mem::take(&mut merged.changed)).await?;
    store.commit().await?;
    let path = path(state_dir);
    std::fs::remove_file(&path).map_err(|e| Error::io(format!("cannot remove `{}`", path.display()), &e))?;
    bury(state_dir, &merged.refused)
}
