//! Lines set aside: two runs died while working on this line alone. They are kept in a file and reported, and later
//! runs skip them.
//!
//! Once the cause is fixed, remove the file; a backfill of their time reads the lines again.

use crate::{
    access::Access,
    error::{Error, Result},
    model::{Line, LineId, Time},
};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, io::Write, path::Path};

/// The file in the state directory: one JSON object per line.
pub const FILE: &str = "set-aside.ndjson";
/// Most bytes of a line's text that are kept.
const LONGEST: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct SetAside {
    at: Option<Time>,
    id: LineId,
    time: Time,
    host: String,
    program: String,
    pid: Option<u32>,
    text: String,
}

/// Sets a line aside, durably.
pub fn put(state_dir: &Path, access: Access, line: &Line, now: Time) -> Result<()> {
    tracing::error!("a line of `{}` at {} is set aside: runs die of it; see `{FILE}`", line.program, line.time);
    let path = state_dir.join(FILE);
    let end = (0..=line.text.len().min(LONGEST)).rev().find(|at| line.text.is_char_boundary(*at)).unwrap_or(0);
    let set_aside = SetAside {
        at: Some(now),
        id: line.id,
        time: line.time,
        host: line.host.to_string(),
        program: line.program.to_string(),
        pid: line.pid,
        text: line.text[..end].to_owned(),
    };
    access.make_file(&path)?;
    let write = || {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path)?;
        file.write_all(format!("{}\n", serde_json::to_string(&set_aside)?).as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| Error::io(format!("cannot write `{}`", path.display()), &e))
}

/// Ids of the lines that were set aside. Lines of the file that cannot be read are skipped.
pub fn ids(state_dir: &Path) -> Result<HashSet<LineId>> {
    let path = state_dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let read = text.lines().filter_map(|line| serde_json::from_str::<SetAside>(line).ok());
            Ok(read.map(|set_aside| set_aside.id).collect())
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(e) => Err(Error::io(format!("cannot read `{}`", path.display()), &e)),
    }
}

/// Number of lines that were set aside.
pub fn count(state_dir: &Path) -> Result<u64> {
    Ok(ids(state_dir)?.len() as u64)
}
