//! Stretches of which runs died, by lack of memory or a bug of ours: they are retried in ever smaller pieces, and a
//! line that kills a run alone is set aside (law L7).
//!
//! Before a piece is worked on, a note is written to the state directory; it is removed when the piece is done, or
//! failed for a reason other than its lines. A note that is found at the start was left by a run that died. After two
//! deaths a stretch is cut into pieces; a piece that kills a run is cut into smaller ones, and so on. If several pieces
//! of one size are deadly, memory is too small for so many lines: then all pieces are smaller for some stretches.

use super::{Pass, Summary, aside};
use crate::{
    access::Access,
    error::{Error, Kind, Result},
    fault,
    model::{Line, LineId},
    state::Marks,
    stitch,
};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashSet, VecDeque},
    panic::AssertUnwindSafe,
    path::PathBuf,
};

/// Sizes, in lines, of the pieces that a stretch is cut into after a run died of it; each further death takes a smaller
/// size.
const SIZES: [usize; 5] = [8192, 512, 32, 2, 1];
/// Deaths of a whole stretch, or of one line, that are no accident any more.
const DEATHS: u32 = 2;
/// If two pieces of a stretch with at least this many lines were deadly, their size is the cause, not one line.
const MANY: usize = 256;
/// Most notes kept; more come only from runs that were killed for other reasons.
const NOTES: usize = 16;
/// Number of stretches that are cut into pieces after one that had to be, before a whole one is tried again.
const WARY: u32 = 16;

/// A piece that a run began to work on, by its first line and number of lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    first: LineId,
    lines: usize,
    /// Number of runs that died of it.
    #[serde(default)]
    deaths: u32,
}

/// The pieces that runs died of, as far as known.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Notes {
    /// The piece being worked on.
    #[serde(default)]
    begun: Option<Note>,
    /// Pieces of the present stretch that runs died of.
    #[serde(default)]
    died: VecDeque<Note>,
    /// Most lines of a piece, after larger pieces were too many, and the number of stretches for which that still
    /// holds.
    #[serde(default)]
    most: Option<(usize, u32)>,
}

/// The notes with their file.
#[derive(Debug)]
struct Notebook {
    path: PathBuf,
    access: Access,
    notes: Notes,
}

impl Notebook {
    /// Notes are only a help: if they cannot be read or written, work goes on without them.
    fn load(path: PathBuf, access: Access) -> Self {
        let text = std::fs::read(&path).unwrap_or_default();
        let mut notes: Notes = serde_json::from_slice(&text).unwrap_or_default();
        notes.bury();
        Self { path, access, notes }
    }

    fn begin(&mut self, first: LineId, lines: usize) {
        self.notes.begun = Some(Note { first, lines, deaths: 0 });
        self.save();
    }

    fn end(&mut self) {
        self.notes.begun = None;
        self.save();
    }

    /// Not synced: after a power loss no line is to blame.
    fn save(&self) {
        let written = if self.notes == Notes::default() {
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
}

/// A range of lines (`to` is exclusive) that runs died of, by place in the stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Deadly {
    from: usize,
    to: usize,
    deaths: u32,
}

impl Notes {
    /// A piece that was begun and not ended killed its run: count the death.
    fn bury(&mut self) {
        let Some(dead) = self.begun.take() else { return };
        match self.died.iter_mut().find(|known| (known.first, known.lines) == (dead.first, dead.lines)) {
            Some(known) => known.deaths += 1,
            None => self.died.push_back(Note { deaths: 1, ..dead }),
        }
        if self.died.len() > NOTES {
            self.died.pop_front();
        }
    }

    /// The ranges of these lines that runs died of.
    fn deadly(&self, lines: &[Line]) -> Vec<Deadly> {
        if self.died.is_empty() {
            return Vec::new();
        }
        let of = |(from, line): (usize, &Line)| {
            let died = self.died.iter().filter(move |note| note.first == line.id);
            let to = move |note: &Note| from.saturating_add(note.lines.max(1)).min(lines.len());
            died.map(move |note| Deadly { from, to: to(note), deaths: note.deaths }).collect::<Vec<_>>()
        };
        lines.iter().enumerate().flat_map(of).collect()
    }

    /// Called when a stretch is done. `most`: the largest piece, if smaller pieces were needed.
    fn done(&mut self, most: Option<usize>) {
        self.died.clear();
        self.most = match (most, self.most) {
            (Some(most), Some((known, left))) if most == known => (left > 1).then_some((known, left - 1)),
            (most, _) => most.map(|most| (most, WARY)),
        };
    }
}

/// The number of lines that is too many for a piece, if deaths show it: two pieces without a common line were deadly.
/// The smallest such pair counts.
fn too_many(deadly: &[Deadly]) -> Option<usize> {
    let large = || deadly.iter().filter(|d| d.to - d.from >= MANY);
    let apart = |a: &Deadly, b: &Deadly| a.to <= b.from || b.to <= a.from;
    let pairs = large().flat_map(|a| large().filter(move |b| apart(a, b)).map(move |b| (a, b)));
    pairs.map(|(a, b)| (a.to - a.from).max(b.to - b.from)).min()
}

/// Cuts a stretch of so many lines into pieces. `most`: the limit that earlier stretches have set.
fn pieces(lines: usize, deadly: &[Deadly], most: Option<usize>) -> Vec<(usize, usize)> {
    let smaller = |than: usize| SIZES.into_iter().find(|size| *size < than);
    let most = too_many(deadly).and_then(smaller).into_iter().chain(most).min();
    let mut todo = vec![(0, lines)];
    let mut pieces = Vec::new();
    while let Some((from, to)) = todo.pop() {
        let size = to - from;
        let died = |d: &&Deadly| from <= d.from && d.to <= to && (d.deaths >= DEATHS || d.to - d.from < lines);
        let is_deadly = deadly.iter().any(|d| died(&d)) || most.is_some_and(|most| size > most);
        match smaller(size).filter(|_| is_deadly) {
            Some(smaller) => todo.extend((from..to).step_by(smaller).map(|at| (at, (at + smaller).min(to))).rev()),
            None => pieces.push((from, to)),
        }
    }
    pieces.retain(|(from, to)| from < to);
    pieces
}

/// Places of the lines to set aside.
fn poison(deadly: &[Deadly]) -> impl Iterator<Item = usize> {
    deadly.iter().filter(|d| d.to - d.from == 1 && d.deaths >= DEATHS).map(|d| d.from)
}

/// The sort key of lines before they are cut into pieces: the same in every run.
fn place(line: &Line) -> (i64, LineId) {
    (line.time.second(), line.id)
}

impl Pass<'_> {
    /// Stitches and writes the lines of a stretch as [`Pass::piece`] does, in pieces if runs died of it.
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
        let mut notebook = Notebook::load(self.state_dir.join(self.notes), self.access);
        let set_aside = aside::ids(self.state_dir)?;
        let own = || lines.iter().enumerate().filter(|(n, _)| !is_context(*n)).map(|(_, line)| line);
        let Some(first) = own().min_by_key(|line| place(line)).map(|line| line.id) else {
            return self.piece(lines, noise, duplicates, is_context, summary, marks).await;
        };
        if notebook.notes == Notes::default() && !own().any(|line| set_aside.contains(&line.id)) {
            notebook.begin(first, own().count());
            return self.noted(&mut notebook, lines, noise, duplicates, is_context, summary, marks).await;
        }
        let mut own: Vec<Line> = own().filter(|line| !set_aside.contains(&line.id)).cloned().collect();
        let mut context: Vec<Line> =
            lines.iter().enumerate().filter(|(n, _)| is_context(*n)).map(|(_, line)| line.clone()).collect();
        own.sort_by_key(place);
        context.sort_by_key(place);
        let mut aside: Vec<usize> = poison(&notebook.notes.deadly(&own)).collect();
        aside.sort_unstable();
        for at in aside.into_iter().rev() {
            let line = own.remove(at);
            aside::put(self.state_dir, self.access, &line, self.now)?;
            notebook.notes.died.retain(|note| (note.first, note.lines) != (line.id, 1));
        }
        let deadly = notebook.notes.deadly(&own);
        let most = notebook.notes.most.map(|(most, _)| most);
        let pieces = pieces(own.len(), &deadly, most);
        if pieces.len() > 1 {
            let largest = pieces.iter().map(|(from, to)| to - from).max().unwrap_or_default();
            tracing::warn!("{} lines are taken in pieces of at most {largest}: runs died of more", own.len());
        }
        let mut rest = Some((noise, duplicates));
        let (mut open, mut later) = (Vec::new(), context);
        for (from, to) in &pieces {
            let piece = &own[*from..*to];
            // Context lines later than this piece wait: a line from an hour later would end open sessions of this piece
            // before the next piece continues them.
            let begun = later.partition_point(|line| place(line) <= place(&own[*to - 1]));
            open.extend(later.drain(..begun));
            let new: HashSet<LineId> = piece.iter().map(|line| line.id).collect();
            let mut lines = [piece, &open].concat();
            stitch::unite(&mut lines);
            let (noise, duplicates) = rest.take().unwrap_or_default();
            let is_context = |n: usize| !new.contains(&lines[n].id);
            notebook.begin(piece[0].id, piece.len());
            open = self.noted(&mut notebook, &lines, noise, duplicates, is_context, summary, marks).await?;
        }
        open.extend(later);
        if let Some((noise, duplicates)) = rest {
            open = self.piece(&open, noise, duplicates, |_| true, summary, marks).await?;
        }
        let largest = || pieces.iter().map(|(from, to)| to - from).max();
        notebook.notes.done(if too_many(&deadly).is_some() { largest() } else { most });
        notebook.save();
        Ok(open)
    }

    /// Works on a piece, with a note that stays if the run dies. A panic counts as a death.
    #[expect(clippy::too_many_arguments, reason = "a piece and its note")]
    async fn noted(
        &self,
        notebook: &mut Notebook,
        lines: &[Line],
        noise: &[String],
        duplicates: u64,
        is_context: impl Fn(usize) -> bool,
        summary: &mut Summary,
        marks: &mut Marks,
    ) -> Result<Vec<Line>> {
        fault::lines(lines.iter().enumerate().filter(|(n, _)| !is_context(*n)).map(|(_, line)| &*line.text));
        let work = AssertUnwindSafe(self.piece(lines, noise, duplicates, is_context, summary, marks));
        match work.catch_unwind().await {
            // Running out of memory counts as a death too: the note stays.
            Ok(Err(error)) if error.kind() == Kind::Memory => Err(error),
            Ok(done) => {
                notebook.end();
                done
            }
            Err(_) => Err(Error::new(Kind::Software, "cannot process some lines of the log")
                .because("a bug of mailstitch, or too little memory; see above")
                .hint("the next runs try smaller pieces, and set aside a line that they die of alone")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simulates runs that die of a piece if `is_deadly` says so, until none does. Returns the number of deaths and the
    /// lines set aside.
    fn runs(lines: usize, is_deadly: impl Fn(usize, usize) -> bool) -> (usize, Vec<usize>) {
        let mut notes: Vec<Deadly> = Vec::new();
        let mut aside = Vec::new();
        for run in 0.. {
            aside.extend(poison(&notes));
            notes.retain(|d| d.to - d.from > 1 || d.deaths < DEATHS);
            let pieces = pieces(lines, &notes, None);
            let cuts: Vec<usize> = pieces.iter().flat_map(|(from, to)| [*from, *to]).collect();
            assert!(cuts.is_sorted() && cuts[0] == 0 && *cuts.last().unwrap() == lines);
            let alive = |from: usize, to: usize| aside.iter().any(|at| (from, to) == (*at, at + 1));
            let Some((from, to)) = pieces.into_iter().find(|(from, to)| is_deadly(*from, *to) && !alive(*from, *to))
            else {
                return (run, aside);
            };
            match notes.iter_mut().find(|d| (d.from, d.to) == (from, to)) {
                Some(known) => known.deaths += 1,
                None => notes.push(Deadly { from, to, deaths: 1 }),
            }
        }
        unreachable!()
    }

    #[test]
    fn what_runs_die_of_is_found_in_a_few_of_them_and_alone_set_aside() {
        let poison = 70_001;
        assert_eq!(runs(100_000, |from, to| (from..to).contains(&poison)), (8, vec![poison]));
        // The first line is the deadly one.
        assert_eq!(runs(100_000, |from, _| from == 0), (8, vec![0]));
    }

    #[test]
    fn a_stretch_that_is_too_large_is_taken_in_smaller_pieces_and_nothing_is_set_aside() {
        assert_eq!(runs(100_000, |from, to| to - from > 10_000), (2, vec![]));
        assert_eq!(runs(100_000, |from, to| to - from > 1_000), (4, vec![]));
        assert_eq!(runs(20_000, |from, to| to - from > 300), (5, vec![]));
    }

    #[test]
    fn who_had_too_little_memory_takes_small_pieces_for_some_stretches() {
        let mut notes = Notes::default();
        notes.done(Some(512));
        for left in (1..=WARY).rev() {
            assert_eq!(notes.most, Some((512, left)));
            notes.done(Some(512));
        }
        assert_eq!(notes, Notes::default());
    }
}
