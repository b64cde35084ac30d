//! Stretches that runs died of, by a lack of memory or a bug of ours: they are tried again in ever smaller pieces, and a
//! line that a run dies of alone is set aside (law L7).
//!
//! Before a piece is worked on, a note in the state directory says so; when it is done, or failed for a reason that is
//! none of its lines, the note is removed. A note that is found was left by a run that died. After two deaths a stretch is
//! taken in sixteenths, what one of them kills again in sixteenths of it, and so on.

use super::{Pass, Summary, aside, fault};
use crate::{
    access::Access,
    checkpoint::Marks,
    error::{Error, Kind, Result},
    model::{Line, LineId},
    stitch,
};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashSet, VecDeque},
    panic::AssertUnwindSafe,
    path::PathBuf,
};

/// Into how many pieces is cut what a run died of.
const PIECES: usize = 16;
/// So many deaths of a whole stretch, or of one line, are no accident.
const DEATHS: u32 = 2;
/// Notes kept; more come from runs that were killed for other reasons.
const NOTES: usize = 16;

/// A piece that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    first: LineId,
    lines: usize,
    /// It was a whole stretch.
    whole: bool,
    /// Runs that died of it before.
    deaths: u32,
}

/// What runs died of, as far as is known.
#[derive(Debug)]
struct Notes {
    path: PathBuf,
    access: Access,
    notes: VecDeque<Note>,
}

impl Notes {
    /// Notes are a help: where they cannot be read or written, work goes on without.
    fn load(path: PathBuf, access: Access) -> Self {
        let text = std::fs::read(&path).unwrap_or_default();
        Self { path, access, notes: serde_json::from_slice(&text).unwrap_or_default() }
    }

    fn begin(&mut self, note: Note) {
        self.notes.push_back(note);
        if self.notes.len() > NOTES {
            self.notes.pop_front();
        }
        self.save();
    }

    fn end(&mut self, note: &Note) {
        self.notes.retain(|known| known.first != note.first);
        self.save();
    }

    /// No sync: a power loss is no death that lines are to blame for.
    fn save(&self) {
        let written = if self.notes.is_empty() {
            std::fs::remove_file(&self.path)
        } else {
            let text = serde_json::to_vec(&self.notes).unwrap_or_default();
            let made = self.access.make_file(&self.path).map_err(std::io::Error::other);
            made.and_then(|()| std::fs::write(&self.path, text))
        };
        if let Err(e) = written {
            tracing::debug!("cannot note what is begun in `{}`: {e}", self.path.display());
        }
    }

    /// The first of these lines, in their order, that a run died of, and all of its note.
    fn of(&self, lines: &[Line]) -> Option<(usize, Note)> {
        if self.notes.is_empty() {
            return None;
        }
        lines.iter().enumerate().find_map(|(at, line)| {
            let note = self.notes.iter().find(|note| note.first == line.id)?;
            Some((at, note.clone()))
        })
    }
}

/// The pieces of so many lines, each from one place to before another, of which a run died at `at`; the place of a line that
/// is to be set aside.
fn pieces(lines: usize, at: usize, note: &Note) -> (Vec<(usize, usize)>, Option<usize>) {
    let deaths = note.deaths + 1;
    if note.whole && deaths < DEATHS {
        return (vec![(0, lines)], None);
    }
    if note.lines <= 1 && deaths >= DEATHS {
        return (vec![(0, at), (at + 1, lines)], Some(at));
    }
    let end = at.saturating_add(note.lines.max(1)).min(lines);
    let size = (end - at).div_ceil(PIECES).max(1);
    let mut pieces = vec![(0, at)];
    pieces.extend((at..end).step_by(size).map(|from| (from, (from + size).min(end))));
    pieces.push((end, lines));
    (pieces, None)
}

/// The order in which pieces are cut, the same in every run.
fn place(line: &Line) -> (i64, LineId) {
    (line.time.second(), line.id)
}

impl Pass<'_> {
    /// Stitches and writes the lines of a stretch, as [`Pass::piece`], in pieces where a run died of it.
    pub(super) async fn stretch(
        &self,
        lines: &[Line],
        noise: &[String],
        duplicates: u64,
        is_context: impl Fn(usize) -> bool,
        summary: &mut Summary,
        marks: &mut Marks,
    ) -> Result<Vec<Line>> {
        if self.store.is_none() {
            return self.piece(lines, noise, duplicates, is_context, summary, marks).await;
        }
        let mut notes = Notes::load(self.state_dir.join(self.notes), self.access);
        let set_aside = aside::ids(self.state_dir)?;
        let own = || lines.iter().enumerate().filter(|(n, _)| !is_context(*n)).map(|(_, line)| line);
        let whole = own().min_by_key(|line| place(line)).map(|first| (first.id, own().count()));
        if notes.notes.is_empty() && !own().any(|line| set_aside.contains(&line.id)) {
            let note = whole.map(|(first, lines)| Note { first, lines, whole: true, deaths: 0 });
            return self.noted(&mut notes, note, lines, noise, duplicates, is_context, summary, marks).await;
        }
        let mut own: Vec<Line> = own().filter(|line| !set_aside.contains(&line.id)).cloned().collect();
        let mut open: Vec<Line> =
            lines.iter().enumerate().filter(|(n, _)| is_context(*n)).map(|(_, line)| line.clone()).collect();
        own.sort_by_key(place);
        let died = notes.of(&own);
        let (pieces, poison) =
            died.as_ref().map_or((vec![(0, own.len())], None), |(at, note)| pieces(own.len(), *at, note));
        if let (Some(at), Some((_, note))) = (poison, &died) {
            aside::put(self.state_dir, self.access, &own[at], self.now)?;
            notes.end(note);
        }
        let mut rest = Some((noise, duplicates));
        for (from, to) in pieces.into_iter().filter(|(from, to)| from < to) {
            let piece = &own[from..to];
            let deaths = died.as_ref().filter(|(_, note)| note.first == piece[0].id && note.lines == piece.len());
            let deaths = deaths.map_or(0, |(_, note)| note.deaths + 1);
            let note = Note { first: piece[0].id, lines: piece.len(), whole: piece.len() == own.len(), deaths };
            notes.notes.retain(|known| known.first != note.first);
            let new: HashSet<LineId> = piece.iter().map(|line| line.id).collect();
            let mut lines = [piece, &open].concat();
            stitch::unite(&mut lines);
            let (noise, duplicates) = rest.take().unwrap_or_default();
            let is_context = |n: usize| !new.contains(&lines[n].id);
            open = self.noted(&mut notes, Some(note), &lines, noise, duplicates, is_context, summary, marks).await?;
        }
        Ok(open)
    }

    /// Works on a piece, with a note of it as long as it lasts. A panic is a death.
    #[expect(clippy::too_many_arguments, reason = "a piece and its note")]
    async fn noted(
        &self,
        notes: &mut Notes,
        note: Option<Note>,
        lines: &[Line],
        noise: &[String],
        duplicates: u64,
        is_context: impl Fn(usize) -> bool,
        summary: &mut Summary,
        marks: &mut Marks,
    ) -> Result<Vec<Line>> {
        let Some(note) = note else { return self.piece(lines, noise, duplicates, is_context, summary, marks).await };
        notes.begin(note.clone());
        fault::lines(lines.iter().enumerate().filter(|(n, _)| !is_context(*n)).map(|(_, line)| &*line.text));
        let work = AssertUnwindSafe(self.piece(lines, noise, duplicates, is_context, summary, marks));
        match work.catch_unwind().await {
            Ok(done) => {
                notes.end(&note);
                done
            }
            Err(_) => Err(Error::new(Kind::Software, format!("cannot process {} lines of the log", note.lines))
                .because("a bug of mailstitch; see above")
                .hint("the next runs look for the line in smaller pieces and set it aside")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_die_of_is_found_in_a_few_of_them_and_alone_set_aside() {
        let (lines, poison) = (100_000, 70_001);
        let mut note = Note { first: LineId(0), lines, whole: true, deaths: 0 };
        let (mut at, mut runs) = (0, 1);
        loop {
            let (cut, aside) = pieces(lines, at, &note);
            if let Some(aside) = aside {
                assert_eq!((aside, runs), (poison, 8));
                return;
            }
            let covered: Vec<usize> = cut.iter().flat_map(|(from, to)| [*from, *to]).collect();
            assert!(covered.is_sorted() && covered.first() == Some(&0) && covered.last() == Some(&lines));
            let (from, to) = cut.into_iter().find(|(from, to)| (*from..*to).contains(&poison)).unwrap();
            let again = (from, to - from) == (at, note.lines);
            let deaths = if again { note.deaths + 1 } else { 0 };
            note = Note { first: LineId(0), lines: to - from, whole: to - from == lines, deaths };
            (at, runs) = (from, runs + 1);
        }
    }
}
