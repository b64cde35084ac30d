//! Log files and standard input, read on from where the last run stopped.
//!
//! In: paths and a position.  Out: lines in file order, oldest file first.
//! Ignored on purpose: blank lines.
//!
//! * A line ends in a newline. An unfinished one waits for its rest, except at the end of a packed file or of a stream.
//! * Appended lines are new, whatever their stamp.
//! * No short read goes unnoticed: a file that cannot be read is an error; a packed file that ends too early is
//!   reported, and read again once it has changed.
//! * A line without a host is given to `localhost`; any other guess would make its identity depend on its neighbours.
//!   Only a container's line gets the host that the head of its file names.
//! * A pipe has no position. A run waits a minute for its data, all waits together; standard input and pipes named on
//!   the command line are read to their end.
//! * A file is opened when its turn comes. If it was rotated before that, the next run recognises and reads it.

mod find;
mod headers;
mod joined;
mod open;
mod pipe;
mod position;
mod reading;
mod tail;
mod years;

use super::{Batch, PositionedSource, STRETCH_BYTES, blocking};
use crate::{
    check::Check,
    config,
    error::{Error, Kind, Result},
    model::{Intake, Time},
};
use async_trait::async_trait;
use find::{DAY_MS, Found};
use headers::Headers;
use open::Packing;
use pipe::Until;
use position::{Mark, Position};
use reading::{Reading, unread_bytes};
use std::{
    hash::Hasher,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long a run waits for the data of a pipe, all waits together: a pipe that stays open has no end.
const PIPE_WAITED: Duration = Duration::from_secs(60);

/// Rewinds a position: files are read from their start again, except those whose last line was before `since`. `None`
/// if it is not a position of files.
pub fn rewound(position: serde_json::Value, since: Time) -> Option<serde_json::Value> {
    let mut position: Position = serde_json::from_value(position).ok()?;
    if position.files.is_empty() {
        return None;
    }
    for mark in position.files.iter_mut().filter(|mark| mark.last.is_none_or(|last| last >= since)) {
        mark.begin_anew();
    }
    serde_json::to_value(position).ok()
}

/// The lines of log files.
pub struct FileSource {
    settings: config::FileSource,
    headers: Headers,
    now: Time,
    inputs: Vec<Input>,
    /// Marks of files that do not exist now.
    gone: Vec<Mark>,
    /// Index of the next of `inputs` to open.
    next: usize,
    /// The files will not grow: their last line needs no newline.
    whole: bool,
    /// The open input, with its index in `inputs`.
    open: Option<(usize, Reading)>,
    /// Something could not be read, or not to its end.
    not_whole: bool,
    until: Until,
    read_bytes: Arc<AtomicU64>,
    total_bytes: Option<u64>,
}

enum Input {
    File(Box<Found>, Mark),
    Stream(PathBuf),
}

impl FileSource {
    /// Finds the files, and where to go on in each. `now` only dates stamps of streams that carry no year; `position`
    /// is what [`PositionedSource::position`] returned.
    ///
    /// # Errors
    /// [`Kind::Config`] when no file matches or the position cannot be understood; [`Kind::NoInput`] when a path is not
    /// a log; [`Kind::Permission`] when a file may not be read.
    pub fn new(
        settings: &config::FileSource,
        intake: Intake,
        now: Time,
        position: Option<serde_json::Value>,
    ) -> Result<Self> {
        Self::of(settings, find::inputs(settings)?, intake, now, position)
    }

    /// As [`new`](Self::new), for files that are named to be read once and are not followed: their last line needs no
    /// newline, and a missing file is no mistake in the configuration.
    ///
    /// # Errors
    /// As [`new`](Self::new), but [`Kind::NoInput`] when no file matches.
    pub fn named(
        settings: config::FileSource,
        intake: Intake,
        now: Time,
        position: Option<serde_json::Value>,
    ) -> Result<Self> {
        let found = find::inputs(&settings).map_err(|error| match error.kind() {
            Kind::Config => error.of_kind(Kind::NoInput),
            _ => error,
        })?;
        let source = Self::of(&settings, found, intake, now, position)?;
        Ok(Self { whole: true, until: Until::default(), ..source })
    }

    fn of(
        settings: &config::FileSource,
        found: find::Inputs,
        intake: Intake,
        now: Time,
        position: Option<serde_json::Value>,
    ) -> Result<Self> {
        let position: Position = match position {
            Some(value) => serde_json::from_value(value)
                .map_err(|e| Error::new(Kind::Config, "cannot understand the position of the log files").because(e))?,
            None => Position::default(),
        };
        let seen: Vec<_> = found.files.iter().map(|f| f.seen.clone()).collect();
        let is_tail =
            |n: usize, mark: &Mark| found.files.get(n).is_none_or(|file| mark.ends_like(file.tail(mark.offset)));
        let (marks, gone) = position::assign(&seen, position.files, is_tail);
        let mut total_bytes = found.streams.is_empty().then_some(0);
        let mut inputs = Vec::new();
        for (file, mut mark) in found.files.into_iter().zip(marks) {
            if mark.offset == 0 && position::was_written_anew(&file.seen, &gone) {
                reading::say_written_anew(&file.path);
            }
            if mark.offset > 0 && mark.tail.is_none() {
                mark.tail = file.tail(mark.offset);
            }
            total_bytes = total_bytes.map(|total| total + unread_bytes(&file, &mark));
            inputs.push(Input::File(Box::new(file), mark));
        }
        inputs.extend(found.streams.into_iter().map(Input::Stream));
        Ok(Self {
            settings: settings.clone(),
            headers: Headers::new(intake),
            now,
            inputs,
            gone,
            next: 0,
            whole: false,
            open: None,
            not_whole: false,
            until: Until { waited: Some(PIPE_WAITED), ..Until::default() },
            read_bytes: Arc::default(),
            total_bytes,
        })
    }

    /// Stops waiting for the writer of a pipe once `told` is set.
    #[must_use]
    pub fn until(mut self, told: Arc<AtomicBool>) -> Self {
        self.until.told = told;
        self
    }

    /// Waits at most this long for the data of a pipe, all waits together, instead of a minute.
    #[must_use]
    pub fn waiting(mut self, most: Duration) -> Self {
        self.until.waited = Some(most);
        self
    }

    fn read(&mut self, limit: usize) -> Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.lines.len() + batch.noise.len() < limit.max(1) && bytes < STRETCH_BYTES {
            // Lines read before an error are delivered first; the next call meets the error again.
            let more = match &mut self.open {
                Some((_, reading)) => {
                    let before = reading.offset();
                    let more = reading.next(&mut self.headers, &mut batch);
                    bytes += reading.offset() - before;
                    more
                }
                None => match self.open_next() {
                    Ok(false) => break,
                    opened => opened,
                },
            };
            match more {
                Ok(true) => {}
                Ok(false) => self.close(),
                Err(_) if !batch.is_empty() => break,
                Err(e) => return Err(e),
            }
        }
        self.note();
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Notes how far the open file was read.
    fn note(&mut self) {
        if let Some((number, reading)) = &self.open
            && let Some(Input::File(file, mark)) = self.inputs.get_mut(*number)
        {
            reading.note(file, mark);
        }
    }

    fn close(&mut self) {
        self.note();
        let Some((number, reading)) = self.open.take() else { return };
        self.not_whole |= reading.torn || (reading.is_left && self.is_told());
        if let Some(Input::File(file, mark)) = self.inputs.get_mut(number) {
            mark.read_at_size = (file.packing != Packing::Plain).then_some(file.size);
        }
    }

    /// Whether the program was told to end.
    fn is_told(&self) -> bool {
        self.until.told.load(Ordering::Relaxed)
    }

    /// Opens the next input that has something to read; `false` when there is none.
    fn open_next(&mut self) -> Result<bool> {
        while self.open.is_none() {
            let number = self.next;
            let Some(input) = self.inputs.get_mut(number) else { return Ok(false) };
            let reading = match input {
                Input::File(file, mark) => {
                    let left_out = &mut self.not_whole;
                    reading::file(file, mark, &self.settings, &self.read_bytes, left_out)?
                }
                Input::Stream(_) if self.until.told.load(Ordering::Relaxed) => {
                    self.not_whole = true;
                    None
                }
                Input::Stream(path) => {
                    // Standard input is read to its end: whoever pipes into a run means all of it.
                    let waited = self.until.waited.filter(|_| path != Path::new("-"));
                    let until = Until { waited, ..self.until.clone() };
                    Some(reading::stream(path, &self.settings, self.now, until)?)
                }
            };
            self.open = reading.map(|reading| (number, if self.whole { reading.whole() } else { reading }));
            // Only here, so that the same input is tried again after an error.
            self.next += 1;
        }
        Ok(true)
    }
}

#[async_trait]
impl PositionedSource for FileSource {
    fn fingerprint(&self) -> String {
        let mut h = siphasher::sip::SipHasher13::new();
        let config::FileSource { paths, timezone, year } = &self.settings;
        h.write(format!("{paths:?} {timezone} {year:?}").as_bytes());
        format!("file-{:016x}", h.finish())
    }

    async fn next(&mut self, limit: usize) -> Result<Option<Batch>> {
        blocking(|| self.read(limit))
    }

    fn position(&self) -> serde_json::Value {
        let marks = self.inputs.iter().filter_map(|input| match input {
            Input::File(_, mark) => Some(mark.clone()),
            Input::Stream(_) => None,
        });
        let files = marks.chain(self.gone.iter().cloned()).collect();
        // Numbers and strings always have a JSON form.
        serde_json::to_value(Position { files }).unwrap_or_default()
    }

    fn is_whole(&self) -> bool {
        !self.not_whole
    }

    fn progress(&self) -> Option<(u64, u64)> {
        let read = self.read_bytes.load(Ordering::Relaxed);
        // A file that grows while it is read may exceed the total.
        self.total_bytes.map(|total| (read, total.max(read)))
    }

    async fn check(&self, now: Time) -> Vec<Check> {
        let mut rows = Vec::new();
        let files = self.inputs.iter().filter_map(|input| match input {
            Input::File(file, _) => Some(file),
            Input::Stream(_) => None,
        });
        let count = files.clone().count();
        rows.push(Check::new("log files readable", Ok(format!("{count} found"))));
        let pipes = self.inputs.iter().filter_map(|input| match input {
            Input::File(..) => None,
            Input::Stream(path) => Some(path.display()),
        });
        let lost = "no file: what is read of it and not kept, because a run is killed, is lost";
        rows.extend(pipes.map(|path| Check::doubt(format!("`{path}`"), lost.into())));
        for file in files.clone().filter(|f| f.size > 0 && f.first.is_none()) {
            rows.push(Check::new(
                format!("first lines of `{}`", file.seen.path),
                Err("no line begins as syslog lines do: leave this file out of `paths`, or unpack it".into()),
            ));
        }
        if let Some(newest) = files.map(|f| f.modified).max() {
            rows.push(Check::new(
                "log is written to",
                match now.0 - newest.0 {
                    age if age < DAY_MS => Ok(format!("last at {newest}")),
                    _ => Err(format!("last at {newest}: the mail log may be elsewhere, or nobody writes it")),
                },
            ));
        }
        rows
    }
}
