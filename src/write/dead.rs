//! Dead letters: documents that a store refuses for good (a mapping conflict), kept with the reason and tried again by
//! every run.
//!
//! The file is only replaced as a whole, under its own lock, because `run` and `backfill` may both bury. A crash leaves
//! the old or the new file; at worst it has a letter that was delivered meanwhile, and trying that again changes
//! nothing.

use crate::{
    access::Access,
    error::{Error, Result},
    fault,
    model::{Line, LineId, Transaction},
    state::file,
    stitch::{self, Rules},
    store::Store,
    write::{merge, stored},
};
use fs4::fs_std::FileExt;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The file in the state directory: one JSON object per line.
pub const FILE: &str = "dead-letters.ndjson";
const LOCK: &str = "dead-letters.lock";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct DeadLetter {
    reason: String,
    transaction: Transaction,
}

impl DeadLetter {
    fn lines(&self) -> BTreeSet<LineId> {
        stored::lines_of(&self.transaction).iter().map(|l| l.id).collect()
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}

/// Adds refused documents to the file, durably.
pub fn bury(state_dir: &Path, access: Access, refused: &[(Transaction, String)]) -> Result<()> {
    if refused.is_empty() {
        return Ok(());
    }
    change(state_dir, access, |letters| add(letters, refused))
}

/// Adds letters. One whose lines are all in another letter for the same document is left out: after a crash the same
/// stretch is refused again. Letters with different lines stay side by side and are united when they are tried again.
fn add(letters: &mut Vec<DeadLetter>, refused: &[(Transaction, String)]) {
    let mut by_id: BTreeMap<String, Vec<DeadLetter>> = BTreeMap::new();
    let new = refused.iter().map(|(t, reason)| DeadLetter { reason: reason.clone(), transaction: t.clone() });
    for letter in std::mem::take(letters).into_iter().chain(new) {
        let known = by_id.entry(letter.transaction.mail.id.clone()).or_default();
        let lines = letter.lines();
        if !known.iter().any(|k| k.lines().is_superset(&lines)) {
            known.retain(|k| !k.lines().is_subset(&lines));
            known.push(letter);
        }
    }
    letters.extend(by_id.into_values().flatten());
}

/// Number of dead letters, lines that cannot be read included.
pub fn count(state_dir: &Path) -> Result<u64> {
    let Letters { letters, spoilt } = load(state_dir)?;
    Ok((letters.len() + spoilt.len()) as u64)
}

/// The content of the file.
#[derive(Debug, Default)]
struct Letters {
    letters: Vec<DeadLetter>,
    /// Lines that are no letters, byte by byte. They stay in the file until someone has looked at them.
    spoilt: Vec<Vec<u8>>,
}

fn load(state_dir: &Path) -> Result<Letters> {
    let path = path(state_dir);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Letters::default()),
        Err(e) => return Err(Error::io(format!("cannot read dead letters `{}`", path.display()), &e)),
    };
    let mut all = Letters::default();
    for line in text.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        match serde_json::from_slice(line) {
            Ok(letter) => all.letters.push(letter),
            Err(_) => all.spoilt.push(line.to_owned()),
        }
    }
    Ok(all)
}

/// Warns about lines of the file that are no letters, and says what to do.
fn tell_spoilt(state_dir: &Path, spoilt: &[Vec<u8>]) {
    if !spoilt.is_empty() {
        tracing::warn!(
            "{} lines of `{}` are no dead letters: repair or remove them; what they held can be read again by a backfill",
            spoilt.len(),
            path(state_dir).display()
        );
    }
}

/// Rewrites the file with the letters that `change` leaves; removes it if nothing is left.
fn change(state_dir: &Path, access: Access, change: impl FnOnce(&mut Vec<DeadLetter>)) -> Result<()> {
    let lock_path = state_dir.join(LOCK);
    access.make_file(&lock_path)?;
    let failed = |e: std::io::Error| Error::io(format!("cannot lock `{}`", lock_path.display()), &e);
    let lock = std::fs::OpenOptions::new().write(true).open(&lock_path).map_err(failed)?;
    // Held only while the file is rewritten, and released when `lock` is dropped.
    FileExt::lock_exclusive(&lock).map_err(failed)?;
    let Letters { mut letters, spoilt } = load(state_dir)?;
    change(&mut letters);
    let path = path(state_dir);
    if letters.is_empty() && spoilt.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format!("cannot remove `{}`", path.display()), &e))
            }
            _ => Ok(()),
        };
    }
    file::replace(&path, access, |out| {
        for letter in &letters {
            serde_json::to_writer(&mut *out, letter)?;
            out.write_all(b"\n")?;
        }
        for line in &spoilt {
            out.write_all(line)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// Tries all dead letters again; those refused again stay.
pub async fn raise(state_dir: &Path, access: Access, store: &dyn Store, rules: &Rules) -> Result<()> {
    let Letters { letters: tried, spoilt } = load(state_dir)?;
    tell_spoilt(state_dir, &spoilt);
    if tried.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<Line> = tried.iter().flat_map(|l| stored::lines_of(&l.transaction)).collect();
    stitch::unite(&mut lines);
    let gathered = stitch::gather(&lines, |_| false, rules);
    let merged = merge::merge(store, gathered, rules).await?;
    store.commit().await?;
    fault::point("before-raised");
    change(state_dir, access, |letters| {
        // Letters that a backfill buried meanwhile were not tried and stay.
        letters.retain(|letter| !tried.contains(letter));
        add(letters, &merged.refused);
    })
}
