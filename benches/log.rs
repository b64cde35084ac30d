//! Reads, parses and stitches one log file on one core, and nothing else: no store, no ledger, nothing carried from
//! one stretch to the next.
//!
//! In: the path of a log with timestamps in UTC (`cargo bench --bench log -- LOG`).  Out: the counts. Time, memory
//! and instructions are measured from outside, with `time` and valgrind; see `benches/compare/run`.

use mailstitch::{
    config,
    model::{Intake, Time},
    source::{PositionedSource, file::FileSource},
    stitch::{self, Rules, Tally},
    window::STRETCH_LINES,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let log = std::env::args().skip(1).find(|argument| argument != "--bench").expect("the path of a log");
    let settings = config::FileSource { paths: vec![log], timezone: chrono_tz::UTC, year: None };
    let mut source = FileSource::named(settings, Intake::default(), Time(1_900_000_000_000), None).expect("a log");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let rules = Rules::default();
    let (mut documents, mut tally) = (0, Tally::default());
    while let Some(batch) = runtime.block_on(source.next(STRETCH_LINES as usize)).expect("lines") {
        let mut lines = batch.lines;
        let duplicates = stitch::unite(&mut lines);
        let gathered = stitch::gather(&lines, |_| false, &rules);
        documents += gathered.documents(&rules).count();
        tally.add(gathered.tally);
        tally.duplicate += duplicates;
    }
    println!("{documents} documents of {} lines, {} unrecognised", tally.read(), tally.unrecognised);
}
