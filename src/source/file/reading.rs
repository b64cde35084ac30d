//! Reads one file or stream.
//!
//! In: where to go on.  Out: lines with their times, noise, and how far it was read.
//! Ignored on purpose: blank lines.

use super::{
    super::Noise,
    Batch,
    find::{DAY_MS, Found, unreadable},
    headers::Headers,
    joined::{self, Joiner, Record, Taken},
    open::{self, Packing},
    pipe::{self, Pipe, Until},
    position::{HEAD, Mark},
    tail::{self, Tail, Tailed},
    years,
};
use crate::{
    config,
    error::Result,
    frame::{self, Dater, Stamp},
    model::{Time, line::Misdated},
    source::lines::Lines,
};
use std::{
    fs::File,
    io::{Cursor, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

/// Bytes kept of a text that no line could be made of.
const NOISE_BYTES: usize = 64 << 10;
/// Bytes of a stream that are searched for its year.
const STREAM_HEAD_BYTES: u64 = 256 << 10;

/// An open file or stream.
pub struct Reading {
    path: PathBuf,
    lines: Lines<Tailed>,
    dater: Dater,
    /// It will not grow, so the last line needs no newline: packed files, streams, and files named to be read once.
    ends: bool,
    /// Joins records of several lines.
    joiner: Joiner,
    /// The first host that the file's container lines name: used for those that name none.
    host: Option<String>,
    /// A second handle of a plain file: its head and tail are read again when its position is noted.
    plain: Option<File>,
    /// The packed text was cut short or damaged.
    pub torn: bool,
    /// The pipe was left before its writer closed it.
    pub is_left: bool,
}

impl Reading {
    /// Treats the file as one that will not grow.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.ends = true;
        self
    }

    /// Reads the next raw line into the batch; `false` at the end.
    ///
    /// # Errors
    /// When reading fails. Lines read before are kept, and the next call tries again.
    pub fn next(&mut self, headers: &mut Headers, batch: &mut Batch) -> Result<bool> {
        let Self { path, lines, dater, ends, joiner, host, plain, torn, is_left } = self;
        let at = lines.offset();
        let mut taking = Taking { dater, joiner, host: host.as_deref(), headers, batch };
        match lines.next() {
            Ok(Some(raw)) => {
                taking.line(raw, at);
                return Ok(true);
            }
            Ok(None) if *ends => {
                taking.line(lines.rest(), at);
                taking.finish();
            }
            Ok(None) => {}
            Err(e) if pipe::is_left(&e) => {
                taking.finish();
                // The rest of the unfinished line may come later, or never.
                let cut = String::from_utf8_lossy(lines.rest()).into_owned();
                if !cut.trim().is_empty() {
                    taking.noise(&cut);
                }
                *is_left = true;
                tracing::info!("left `{}` before it was closed: it is a pipe", path.display());
            }
            Err(e) if plain.is_none() && open::is_torn(&e) => {
                taking.finish();
                *torn = true;
                say_torn(path, &e);
            }
            Err(e) => return Err(unreadable(path, &e)),
        }
        Ok(false)
    }

    /// The offset after the last line, in bytes of text.
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Offset at which the next run continues: the start of an unfinished record, else the end of the last line.
    fn unread_from(&self) -> u64 {
        self.joiner.begun().unwrap_or_else(|| self.offset())
    }

    /// Notes how far the file was read.
    pub fn note(&self, found: &mut Found, mark: &mut Mark) {
        mark.offset = self.unread_from();
        mark.tail = match &self.plain {
            Some(file) => tail::of_file(file, mark.offset),
            None => self.lines.input().tail.at(mark.offset),
        };
        mark.last = self.dater.last();
        mark.doubt = self.dater.doubt();
        if let Some(file) = self.plain.as_ref().filter(|_| !mark.is_sure()) {
            let mut head = vec![0; HEAD];
            // If the head cannot be read again, the shorter one is kept; at worst the file is read again.
            let len = file.read_at(&mut head, 0).unwrap_or(0);
            head.truncate(len);
            if head.starts_with(&found.seen.head) {
                found.seen.head = head;
                mark.know_by(&found.seen);
            }
        }
    }
}

/// Opens a file at its mark; `None` when nothing in it is new. Also `None`, with `left_out` set, when it cannot be
/// unpacked or was rotated since it was found.
pub fn file(
    found: &Found,
    mark: &mut Mark,
    settings: &config::FileSource,
    count: &Arc<AtomicU64>,
    left_out: &mut bool,
) -> Result<Option<Reading>> {
    if unread_bytes(found, mark) == 0 {
        return Ok(None);
    }
    let failed = |e: &std::io::Error| unreadable(&found.path, e);
    let file = match File::open(&found.path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            *left_out = true;
            return Ok(None);
        }
        Err(e) => return Err(failed(&e)),
    };
    if file.metadata().map_err(|e| failed(&e))?.ino() != found.seen.inode {
        *left_out = true;
        return Ok(None);
    }
    if let Packing::Unknown(packer) = found.packing {
        tracing::warn!("skipped `{}`: it is packed by {packer}, which is not read", found.path.display());
        mark.read_at_size = Some(found.size);
        *left_out = true;
        return Ok(None);
    }
    let text_from = |offset: u64, count: &Arc<AtomicU64>| {
        open::from_offset(file.try_clone()?, found.packing, offset, Arc::clone(count))
    };
    let latest = found.modified.plus(DAY_MS);
    let mut dater = Dater::new(settings.timezone, settings.year, latest, mark.last).with_doubt(mark.doubt);
    if mark.last.is_none() && settings.year.is_none() && matches!(found.first, Some(Stamp::NoYear { .. })) {
        // An error is met again when the lines are read.
        if let Ok(Some(text)) = text_from(mark.offset, &Arc::default())
            && let Some(day) = years::first_day(text, latest)
        {
            dater.begin_on(day);
        }
    }
    let plain = (found.packing == Packing::Plain).then(|| file.try_clone()).transpose().map_err(|e| failed(&e))?;
    let ends = plain.is_none();
    let host = first_host(&found.seen.head);
    let reading = |lines, dater| Reading {
        path: found.path.clone(),
        lines,
        dater,
        ends,
        joiner: Joiner::default(),
        host,
        plain,
        torn: false,
        is_left: false,
    };
    match text_from(mark.offset, count) {
        Ok(Some(text)) if mark.ends_like(text.tail.at(mark.offset)) => {
            Ok(Some(reading(Lines::new(text, mark.offset), dater)))
        }
        // The packed text is shorter than the mark's offset, or differs just before it: it is another text.
        Ok(_) => {
            say_written_anew(&found.path);
            mark.begin_anew();
            let text = text_from(0, count).map_err(|e| failed(&e))?;
            dater = Dater::new(settings.timezone, settings.year, latest, None);
            Ok(text.map(|text| reading(Lines::new(text, 0), dater)))
        }
        Err(e) if found.packing != Packing::Plain && open::is_torn(&e) => {
            say_torn(&found.path, &e);
            *left_out = true;
            mark.read_at_size = Some(found.size);
            Ok(None)
        }
        Err(e) => Err(failed(&e)),
    }
}

/// Opens standard input or a pipe; stamps without a year are dated at most a day after `now`.
pub fn stream(path: &Path, settings: &config::FileSource, now: Time, until: Until) -> Result<Reading> {
    let mut text = Pipe::open(path, until).and_then(open::stream).map_err(|e| unreadable(path, &e))?;
    let latest = now.plus(DAY_MS);
    let mut dater = Dater::new(settings.timezone, settings.year, latest, None);
    let mut head = Vec::new();
    // An error is met again when the lines are read.
    let _ = (&mut text).take(STREAM_HEAD_BYTES).read_to_end(&mut head);
    if settings.year.is_none()
        && let Some(day) = years::first_day(head.as_slice(), latest)
    {
        dater.begin_on(day);
    }
    let host = first_host(&head[..head.len().min(HEAD)]);
    text = Box::new(Cursor::new(head).chain(text));
    Ok(Reading {
        path: path.to_owned(),
        lines: Lines::new(Tailed::new(text, Tail::default()), 0),
        dater,
        ends: true,
        joiner: Joiner::default(),
        host,
        plain: None,
        torn: false,
        is_left: false,
    })
}

/// The first host that container lines name in the head of a file: a file belongs to one container.
fn first_host(head: &[u8]) -> Option<String> {
    joined::records(head).iter().find_map(|record| {
        let Record::Line(line) = record else { return None };
        frame::frame(line).filter(|frame| frame.wrapped)?.host.map(str::to_owned)
    })
}

/// Bytes on disk still to be read. A packed file counts as a whole, unless its size is the one it was last read at.
pub fn unread_bytes(file: &Found, mark: &Mark) -> u64 {
    match file.seen.plain_size {
        Some(size) => size.saturating_sub(mark.offset),
        None if mark.read_at_size == Some(file.size) => 0,
        None => file.size,
    }
}

pub fn say_written_anew(path: &Path) {
    tracing::warn!("`{}` is not what was read of it before: it is read from its start", path.display());
}

fn say_torn(path: &Path, cause: &std::io::Error) {
    tracing::warn!("`{}` cannot be unpacked to its end: {cause}; what could be read was kept", path.display());
}

/// Turns raw lines into lines and noise.
struct Taking<'r> {
    dater: &'r mut Dater,
    joiner: &'r mut Joiner,
    host: Option<&'r str>,
    headers: &'r mut Headers,
    batch: &'r mut Batch,
}

impl Taking<'_> {
    /// Makes a raw line a line, noise, or part of a record; blank lines are dropped.
    fn line(&mut self, raw: &[u8], at: u64) {
        let is_blank = raw.iter().all(|b| *b <= b' ');
        if is_blank && self.joiner.is_idle() {
            return;
        }
        // Checking first is cheaper: the lossy conversion is slow, and rarely needed.
        let text = std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Into::into);
        if self.joiner.is_idle() && self.alone(&text) {
            return;
        }
        let (record, taken) = self.joiner.take(&text, at);
        if let Some(record) = record {
            self.record(record);
        }
        match taken {
            Taken::Again => self.line(raw, at),
            Taken::No if !is_blank && !self.alone(&text) => self.noise(&text),
            Taken::Yes | Taken::No => {}
        }
    }

    /// Takes the records under way, at the end of a file that will not grow.
    fn finish(&mut self) {
        while let Some(record) = self.joiner.finish() {
            self.record(record);
        }
    }

    fn alone(&mut self, text: &str) -> bool {
        let line = self.headers.line(text, self.dater, self.host);
        let is_line = line.is_some();
        match line {
            Some(Ok(line)) => self.batch.take(line),
            Some(Err(Misdated)) => self.reject(text, true),
            None => {}
        }
        is_line
    }

    fn record(&mut self, record: Record) {
        match record {
            Record::Line(text) => {
                if !self.alone(&text) {
                    self.noise(&text);
                }
            }
            Record::Journal(j) => {
                let outer = Stamp::Exact(j.time);
                // Docker's journald driver logs whole lines of its containers.
                let inner = frame::inside(&j.program, j.time, j.host.as_deref(), &j.text);
                let (stamp, host, program, pid, text) = match &inner {
                    Some(m) => (m.stamp.unwrap_or(outer), m.host, m.program.unwrap_or_default(), m.pid, m.text),
                    None => (outer, j.host.as_deref(), &*j.program, j.pid, &*j.text),
                };
                match self.headers.record(self.dater.date(stamp), host, program, pid, text) {
                    Ok(line) => self.batch.take(line),
                    Err(Misdated) => self.reject(text, true),
                }
            }
            Record::Noise(text) => self.noise(&text),
        }
    }

    fn noise(&mut self, text: &str) {
        self.reject(text, false);
    }

    fn reject(&mut self, text: &str, misdated: bool) {
        let end = (0..=NOISE_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        self.batch.reject(Noise { text: text[..end].to_owned(), misdated });
    }
}
