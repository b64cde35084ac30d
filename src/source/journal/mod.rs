//! The systemd journal, read on from the cursor where the last run stopped.
//!
//! In: the output of `journalctl -o json`.  Out: lines in the order of the journal.
//! Reading starts *at* the cursor and skips the line there: if journald has removed it, `--after-cursor` would skip a
//! line that was never read. If journalctl fails, the lines that it printed before are delivered first, and are not
//! read again.
//! Ignored on purpose: everything but facility mail and journald's notices of lost lines, unless settings say
//! otherwise.

mod reader;

use super::{Batch, Noise, PositionedSource, STRETCH_BYTES, blocking, carried};
use crate::{
    check::Check,
    config::JournalSource,
    error::{Error, Kind, Result},
    frame::{self, Journalled, Stamp},
    model::{Intake, Time, line::Misdated},
};
use async_trait::async_trait;
use reader::{From, Reader};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::{borrow::Cow, hash::Hasher};

const DAY_MS: i64 = 86_400_000;
/// The host of entries that name none.
const HERE: &str = "localhost";

/// The source.
pub struct Journal {
    settings: JournalSource,
    intake: Intake,
    position: Position,
    reading: Reading,
}

/// The position as kept in the checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// Cursor of the last line that was read.
    #[serde(default)]
    cursor: Option<String>,
}

enum Reading {
    NotYet,
    Open(Reader),
    Done,
}

impl Journal {
    /// `position` is what [`PositionedSource::position`] returned. Does not start journalctl yet.
    ///
    /// # Errors
    /// [`Kind::Config`] when the position cannot be understood.
    pub fn new(settings: JournalSource, intake: Intake, position: Option<serde_json::Value>) -> Result<Self> {
        let position = position.map(serde_json::from_value).transpose();
        let position = position.map_err(|e| {
            Error::new(Kind::Config, "cannot understand the position in the systemd journal").because(e)
        })?;
        Ok(Self { settings, intake, position: position.unwrap_or_default(), reading: Reading::NotYet })
    }

    fn read(&mut self, limit: usize) -> Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.lines.len() + batch.noise.len() < limit.max(1) && bytes < STRETCH_BYTES {
            match self.read_one(&mut batch) {
                Ok(Some(read)) => bytes += read,
                Ok(None) => break,
                Err(error) => {
                    // Lines read before an error are delivered first; the next call goes on after them.
                    self.reading = Reading::NotYet;
                    match batch.is_empty() {
                        true => return Err(error),
                        false => break,
                    }
                }
            }
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Reads one line into the batch and returns its length in bytes (0 after opening the journal); `None` at the end.
    fn read_one(&mut self, batch: &mut Batch) -> Result<Option<u64>> {
        let reader = match &mut self.reading {
            Reading::Done => return Ok(None),
            Reading::Open(reader) => reader,
            reading @ Reading::NotYet => {
                let from = self.position.cursor.as_deref().map_or(From::Start, From::Cursor);
                *reading = Reading::Open(Reader::open(&self.settings, from)?);
                return Ok(Some(0));
            }
        };
        let Some(raw) = reader.next()? else {
            self.reading = Reading::Done;
            return Ok(None);
        };
        let length = raw.len() as u64;
        let text = String::from_utf8_lossy(raw);
        match frame::journal(&text) {
            Some(found) if found.cursor.is_some() && found.cursor.as_deref() == self.position.cursor.as_deref() => {}
            Some(Journalled { time, host, program, pid, text, cursor }) => {
                // Docker's journald driver logs whole lines of its containers.
                let (program, pid, host, time, text) = match frame::inside(&program, time, host.as_deref(), &text) {
                    Some(m) => {
                        let time = if let Some(Stamp::Exact(time)) = m.stamp { time } else { time };
                        (m.program.unwrap_or_default(), m.pid, m.host, time, m.text)
                    }
                    None => (&*program, pid, host.as_deref(), time, &*text),
                };
                match self.intake.line(time, host.unwrap_or(HERE), program, pid, text) {
                    Ok(line) => batch.take(line),
                    Err(Misdated) => batch.reject(Noise { misdated: true, ..carried::noise(text) }),
                }
                self.position.cursor = cursor.map(Cow::into_owned).or(self.position.cursor.take());
            }
            None => batch.reject(carried::noise(&text)),
        }
        Ok(Some(length))
    }
}

/// The time of the last line of mail in the journal, if there is any.
///
/// # Errors
/// As when reading.
pub fn last(settings: &JournalSource) -> Result<Option<Time>> {
    let mut reader = Reader::open(settings, From::Last)?;
    let line = reader.next()?.map(|raw| String::from_utf8_lossy(raw).into_owned());
    Ok(line.and_then(|line| frame::journal(&line).map(|found| found.time)))
}

#[async_trait]
impl PositionedSource for Journal {
    fn fingerprint(&self) -> String {
        let JournalSource { matches, directory, timezone: _ } = &self.settings;
        let mut h = SipHasher13::new();
        h.write(format!("{matches:?} {directory:?}").as_bytes());
        format!("journal-{:016x}", h.finish())
    }

    async fn next(&mut self, limit: usize) -> Result<Option<Batch>> {
        blocking(|| self.read(limit))
    }

    fn position(&self) -> serde_json::Value {
        // A string always has a JSON form.
        serde_json::to_value(&self.position).unwrap_or_default()
    }

    /// The journal does not say how much there is.
    fn progress(&self) -> Option<(u64, u64)> {
        None
    }

    async fn check(&self, now: Time) -> Vec<Check> {
        let last = match blocking(|| last(&self.settings)) {
            Ok(last) => last,
            Err(error) => return vec![Check::failed("journal readable", &error)],
        };
        let written = match last {
            None => Err("no line of mail is in it: the mail log may be in a file, for `[source.file]`".to_owned()),
            Some(last) if now.0 - last.0 < DAY_MS => Ok(format!("last at {last}")),
            Some(last) => Err(format!("last at {last}: the mail log may be elsewhere, or nobody writes it")),
        };
        vec![Check::new("journal readable", Ok("by `journalctl`".into())), Check::new("journal is written to", written)]
    }
}
