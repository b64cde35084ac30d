//! The ledger with lines that come late, in any order, or disappear: five days of mail from a source in memory, a run
//! every quarter of an hour, with the default windows.

use crate::common::fiveday::{DAY, END, HOUR, MINUTE, SECOND, START, five_days};
use async_trait::async_trait;
use mailstitch::{
    access::Access,
    check::Check,
    config::Window,
    error::Result,
    model::{Intake, Line, Range, Time, Transaction},
    pass::{Pass, Summary, counting},
    source::{
        Batch, CountingSource,
        memory::{Asked, MemorySource},
    },
    state::Checkpoint,
    stitch::Rules,
    store::memory::MemoryStore,
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::sync::OnceCell;

/// Interval of the timer.
pub const QUARTER: i64 = 15 * MINUTE;
/// Usual delay from mail server to index.
const TRANSPORT: i64 = 2 * SECOND;

fn window() -> Window {
    let s = Duration::from_secs;
    Window {
        bucket: s(60),
        first: s(3_600),
        settle: s(60),
        lookback: s(86_400),
        horizon: s(14 * 86_400),
        session_lead: s(600),
    }
}

pub fn lines() -> Vec<Line> {
    let mut intake = Intake::default();
    five_days(1_200, 11).lines.iter().map(|line| line.line(&mut intake)).collect()
}

/// A source to which each line comes at the time that `arrives` gives.
pub fn source(arrives: impl Fn(&Line) -> Time) -> Arc<MemorySource> {
    let source = MemorySource::default();
    for line in lines() {
        source.arrive(arrives(&line), [line]);
    }
    Arc::new(source)
}

pub fn in_time(line: &Line) -> Time {
    line.time.plus(TRANSPORT)
}

/// A program with its store and ledger.
pub struct Installation {
    pub store: MemoryStore,
    pub ledger: Checkpoint,
}

impl Installation {
    pub fn new() -> Self {
        Self { store: MemoryStore::default(), ledger: Checkpoint::new(String::new()) }
    }

    pub async fn run(&mut self, source: Arc<dyn CountingSource>, now: Time) -> Summary {
        let (rules, stop) = (Rules::default(), AtomicBool::new(false));
        let pass = Pass {
            store: Some(&self.store),
            rules: &rules,
            window: window(),
            now,
            state_dir: Path::new("/nonexistent"),
            notes: "under-way.json",
            access: Access::default(),
            save: &|_| Ok(()),
            progress: &|_| {},
            stop: &stop,
        };
        counting::run(source, &mut self.ledger, &pass).await.expect("a run")
    }

    /// Runs every quarter of an hour.
    pub async fn run_through(&mut self, source: &Arc<MemorySource>, from: Time, to: Time) {
        let mut now = from;
        while now < to {
            now = now.plus(QUARTER);
            source.set_now(now);
            self.run(source.clone(), now).await;
        }
    }
}

/// The documents if all lines come in time.
pub async fn expected() -> &'static [Transaction] {
    static EXPECTED: OnceCell<Vec<Transaction>> = OnceCell::const_new();
    let run = || async {
        let mut calm = Installation::new();
        calm.run_through(&source(in_time), START, END.plus(HOUR)).await;
        calm.store.export()
    };
    let found = EXPECTED.get_or_init(run).await;
    assert!(found.len() > 150, "{}", found.len());
    found
}

#[track_caller]
pub fn assert_same(found: &[Transaction], expected: &[Transaction]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// Runs through the five days and one more with these arrivals, and checks the documents.
async fn check_arrival(arrives: impl Fn(&Line) -> Time) {
    let mut late = Installation::new();
    late.run_through(&source(arrives), START, END.plus(DAY)).await;
    assert_same(&late.store.export(), expected().await);
}

/// A host that delivers nothing between two times, and then its whole spool at once.
fn cut_off(host: &'static str, from: Time, to: Time) -> impl Fn(&Line) -> Time {
    move |line| if &*line.host == host && from <= line.time && line.time < to { to } else { in_time(line) }
}

#[tokio::test]
async fn a_host_that_delivers_three_hours_of_spool_at_once_changes_nothing() {
    let from = START.plus(DAY + 9 * HOUR);
    for host in ["mx1", "relay1", "sm1"] {
        check_arrival(cut_off(host, from, from.plus(3 * HOUR))).await;
    }
}

#[tokio::test]
async fn three_hours_of_spool_are_read_by_the_very_next_run_and_no_more_than_they_touch() {
    let lines = lines();
    let logged = |from: Time| {
        lines.iter().filter(|l| &*l.host == "mx1" && from <= l.time && l.time < from.plus(3 * HOUR)).count()
    };
    // The busiest three hours of the second day.
    let from = (0..21).map(|hour| START.plus(DAY + hour * HOUR)).max_by_key(|from| logged(*from)).expect("hours");
    let to = from.plus(3 * HOUR);
    let source = source(cut_off("mx1", from, to));
    let mut late = Installation::new();
    late.run_through(&source, START, to.plus(-QUARTER)).await;
    source.take_asked();
    source.set_now(to);
    let summary = late.run(source.clone(), to).await;
    let spool = logged(from);
    assert!(spool > 5, "a spool of {spool} lines proves little");
    assert!(summary.tally.read() >= spool as u64, "{:?}", summary.tally);
    for asked in source.take_asked() {
        // Includes the ten minutes before, in which sessions may have begun.
        let Asked::Read(range) = asked else { continue };
        assert!(from.plus(-11 * MINUTE) <= range.from && range.to <= to, "{range:?}");
    }
}

#[tokio::test]
async fn a_host_that_was_cut_off_from_friday_to_monday_is_found_by_the_look_at_the_hours() {
    // The first day is a Thursday.
    let (friday, monday) = (START.plus(DAY + 17 * HOUR), START.plus(4 * DAY + 8 * HOUR));
    check_arrival(cut_off("relay1", friday, monday)).await;
    check_arrival(cut_off("sm1", friday, monday)).await;
}

#[tokio::test]
async fn a_refresh_of_half_a_minute_changes_nothing() {
    // Each line becomes visible at the next half minute.
    check_arrival(|line| Time((in_time(line).0 / 30_000 + 1) * 30_000)).await;
}

#[tokio::test]
async fn lines_in_any_order_within_a_day_change_nothing() {
    // Each line is late by itself, by up to 20 hours.
    check_arrival(|line| line.time.plus((line.id.0 % 20) as i64 * HOUR)).await;
}

#[tokio::test]
async fn a_line_from_the_future_is_read_when_its_time_has_come() {
    // A host whose clock is four hours fast: what it stamps 12:00 is logged and visible at 8:00.
    let fast = |line: &Line| if &*line.host == "sm1" { line.time.plus(-4 * HOUR) } else { in_time(line) };
    check_arrival(fast).await;
    let source = source(fast);
    let mut watched = Installation::new();
    watched.run_through(&source, START, START.plus(2 * DAY)).await;
    let looks = source.take_asked().iter().filter(|asked| matches!(asked, Asked::LaterThan(_))).count();
    assert_eq!(looks, 2, "it is looked for once a day");
}

#[tokio::test]
async fn buckets_that_shrink_and_grow_again_change_nothing() {
    let source = source(in_time);
    let mut late = Installation::new();
    late.run_through(&source, START, START.plus(2 * DAY)).await;
    let before = late.store.export();
    // A shard is lost, and comes back with all it had.
    source.forget_before(START.plus(2 * DAY - 6 * HOUR));
    late.run_through(&source, START.plus(2 * DAY), START.plus(2 * DAY + 2 * HOUR)).await;
    assert!(late.store.export().len() >= before.len(), "what the source forgets is not forgotten");
    let away = lines().into_iter().filter(|l| l.time < START.plus(2 * DAY - 6 * HOUR));
    source.arrive(START.plus(2 * DAY + 2 * HOUR), away);
    late.run_through(&source, START.plus(2 * DAY + 2 * HOUR), END.plus(2 * HOUR)).await;
    assert_same(&late.store.export(), expected().await);
}

#[tokio::test]
async fn an_outage_of_three_days_is_caught_up_oldest_first() {
    let source = source(in_time);
    let mut late = Installation::new();
    late.run_through(&source, START, START.plus(DAY)).await;
    source.take_asked();
    late.run_through(&source, START.plus(4 * DAY), END.plus(2 * HOUR)).await;
    let ranges: Vec<Range> =
        source.take_asked().into_iter().filter_map(|a| if let Asked::Read(r) = a { Some(r) } else { None }).collect();
    assert!(ranges[0].from <= START.plus(DAY + HOUR), "{:?}", ranges[0]);
    assert_same(&late.store.export(), expected().await);
}

#[tokio::test]
async fn a_lost_state_directory_costs_reading_again_and_nothing_else() {
    let source = source(in_time);
    let mut late = Installation::new();
    late.run_through(&source, START, START.plus(3 * DAY)).await;
    late.ledger = Checkpoint::new(String::new());
    let now = START.plus(3 * DAY + QUARTER);
    source.set_now(now);
    let summary = late.run(source.clone(), now).await;
    assert!(summary.notes[0].starts_with("no ledger, but a store with documents up to "), "{:?}", summary.notes);
    assert!(summary.tally.read() > 100 && summary.merged.created < 20, "{summary:?}");
    late.run_through(&source, now, END.plus(2 * HOUR)).await;
    assert_same(&late.store.export(), expected().await);
}

/// The same lines under other settings.
struct Renamed(Arc<MemorySource>);

#[async_trait]
impl CountingSource for Renamed {
    fn fingerprint(&self) -> String {
        "other settings".into()
    }

    async fn counts(&self, within: Range, bucket_ms: i64) -> Result<BTreeMap<Time, u64>> {
        self.0.counts(within, bucket_ms).await
    }

    async fn read_at_most(&self, within: Range, bytes: u64) -> Result<Option<Batch>> {
        self.0.read_at_most(within, bytes).await
    }

    async fn check(&self, now: Time) -> Vec<Check> {
        self.0.check(now).await
    }
}

#[tokio::test]
async fn changed_settings_begin_a_new_ledger_where_the_old_one_ended() {
    let source = source(in_time);
    let mut late = Installation::new();
    late.run_through(&source, START, START.plus(3 * DAY)).await;
    let watermark = late.ledger.watermark;
    source.take_asked();
    let mut now = START.plus(3 * DAY);
    while now < END.plus(2 * HOUR) {
        now = now.plus(QUARTER);
        source.set_now(now);
        let summary = late.run(Arc::new(Renamed(source.clone())), now).await;
        let told = summary
            .notes
            .iter()
            .any(|n| n == "the source's settings changed: a new ledger starts at the old watermark");
        assert_eq!(told, now == START.plus(3 * DAY + QUARTER), "at {now}");
    }
    assert_eq!(late.ledger.floor, watermark);
    let earliest =
        source.take_asked().into_iter().filter_map(|a| if let Asked::Read(r) = a { Some(r.from) } else { None });
    // Less the session lead.
    assert!(earliest.min() >= watermark.map(|w| w.plus(-10 * MINUTE)));
    assert_same(&late.store.export(), expected().await);
}

#[tokio::test]
async fn a_run_with_nothing_new_asks_once() {
    let source = source(in_time);
    let mut late = Installation::new();
    // The last of these runs counts the horizon, which is done once an hour.
    late.run_through(&source, START, END.plus(2 * HOUR + QUARTER)).await;
    source.take_asked();
    let now = END.plus(2 * HOUR + 2 * QUARTER);
    late.run(source.clone(), now).await;
    let asked = source.take_asked();
    assert!(matches!(asked[..], [Asked::Counts(range)] if range.to.0 - range.from.0 < DAY), "{asked:?}");
}

#[tokio::test]
async fn as_many_late_lines_as_were_deleted_are_read() {
    let lines = lines();
    let wanted: Vec<_> = expected().await.iter().flat_map(|t| &t.mail.lines).map(|line| line.id).collect();
    let used: Vec<&Line> = lines.iter().filter(|l| l.time >= START.plus(DAY) && wanted.contains(&l.id)).collect();
    let minute = |line: &Line| line.time.0 / MINUTE;
    let pair = used.windows(2).find(|pair| minute(pair[0]) == minute(pair[1])).expect("two lines of a minute");
    let (early, late) = (pair[0], pair[1]);
    // Found by the minutes of the lookback, and by the hours of the horizon behind it.
    for after in [2 * HOUR, 3 * DAY] {
        let source = MemorySource::default();
        for line in lines.iter().filter(|line| line.id != late.id) {
            source.arrive(in_time(line), [line.clone()]);
        }
        let source = Arc::new(source);
        let mut run = Installation::new();
        let then = Time((late.time.0 / QUARTER + 1) * QUARTER).plus(after);
        run.run_through(&source, START, then).await;
        source.forget(|line| line.id == early.id);
        source.arrive(then, [late.clone()]);
        run.run_through(&source, then, then.plus(2 * HOUR)).await;
        let has = |line: &Line| run.store.export().iter().any(|t| t.mail.lines.iter().any(|held| held.id == line.id));
        assert!(has(late), "{after} ms later: {}", late.text);
    }
}
