//! A file read in pieces, cut anywhere.

use crate::{
    block_on, check,
    common::{
        RawLine,
        fiveday::Random,
        live::{self, DONE},
    },
    pass,
    pieces::Pieces,
    taken, window,
};
use mailstitch::{
    model::{Line, Transaction},
    pass::positioned,
    state::Checkpoint,
    stitch::Rules,
    store::memory::MemoryStore,
};
use std::sync::atomic::AtomicBool;

fn read(pieces: impl IntoIterator<Item = Vec<Line>>) -> Vec<Transaction> {
    let mut source = Pieces(pieces.into_iter().collect());
    let (store, rules, stop) = (MemoryStore::default(), Rules::default(), AtomicBool::new(false));
    let mut ledger = Checkpoint::new(String::new());
    let pass = pass(&store, &rules, &stop, window(86_400), DONE);
    block_on(positioned::backfill(&mut source, &mut ledger, None, String::new(), &pass)).unwrap();
    store.export()
}

/// A line, and whether the file is cut before it.
type Cut = (RawLine, bool);

fn in_pieces(log: &[Cut]) -> Vec<Transaction> {
    let pieces = log.chunk_by(|_, (_, cut)| !cut);
    read(pieces.map(|piece| taken(piece.iter().map(|(line, _)| line))).collect::<Vec<_>>())
}

fn at_once(log: &[Cut]) -> Vec<Transaction> {
    read([taken(log.iter().map(|(line, _)| line))])
}

fn show((line, cut): &Cut) -> String {
    format!("{}{} {} {}", if *cut { "-- cut --\n" } else { "" }, line.time, line.host, line.tagged())
}

/// A log in a file, each line up to `late` milliseconds after its place in time.
fn log(seed: u64, late: i64) -> Vec<Cut> {
    let mut random = Random::new(seed);
    let mut lines = live::lines(&mut random);
    lines.sort_by_cached_key(|line| line.time.plus(if late > 0 { random.below(late) } else { 0 }));
    lines.into_iter().map(|line| (line, random.chance(5))).collect()
}

#[test]
fn a_file_cut_anywhere_changes_nothing() {
    check(60, |seed| log(seed, 0), show, |_, log| (in_pieces(log), at_once(log)));
}

#[test]
fn lines_out_of_order_by_a_second_and_a_half_change_nothing() {
    check(60, |seed| log(seed, 1_500), show, |_, log| (in_pieces(log), at_once(log)));
}
