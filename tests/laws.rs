//! The laws of sets and cuts (L1, L2) for any lines at all: few queue ids, few processes, few seconds, so that
//! everything collides.

#[path = "laws/bounds.rs"]
mod bounds;
#[path = "laws/lines.rs"]
mod lines;
#[path = "common/pieces.rs"]
mod pieces;

use lines::{hops, lines};
use mailstitch::{
    config::Window,
    model::{Intake, Line, Range, Time, Transaction},
    pass::{Pass, counting, positioned},
    source::memory::MemorySource,
    state::Checkpoint,
    stitch::{self, Rules},
    store::memory::MemoryStore,
};
use pieces::Pieces;
use proptest::{prelude::*, sample::Index};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// 2026-11-22T20:20:00Z, a whole minute.
const START: Time = Time(1_795_378_800_000);
const SPAN_S: i64 = 40;

fn rules() -> Rules {
    Rules { session_lead_ms: 10_000, bounds: bounds::in_force(), ..Rules::default() }
}

fn window() -> Window {
    let s = Duration::from_secs;
    Window { bucket: s(1), first: s(60), settle: s(0), lookback: s(3600), horizon: s(14 * 86_400), session_lead: s(10) }
}

/// The documents of all lines at once, by the pure functions alone.
fn whole(lines: &[Line]) -> Vec<Transaction> {
    let mut lines = lines.to_vec();
    stitch::unite(&mut lines);
    let mut documents: Vec<_> = stitch::gather(&lines, |_| false, &rules()).documents(&rules()).collect();
    documents.sort_by(|a, b| a.mail.id.cmp(&b.mail.id));
    documents
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn pass<'a>(store: &'a MemoryStore, rules: &'a Rules, stop: &'a AtomicBool) -> Pass<'a> {
    Pass {
        store: Some(store),
        rules,
        window: window(),
        now: START.plus(SPAN_S * 1000),
        state_dir: Path::new("/nonexistent"),
        notes: "under-way.json",
        access: mailstitch::access::Access::default(),
        save: &|_| Ok(()),
        progress: &|_| {},
        stop,
    }
}

/// Reads ranges of a source into a store, one backfill each.
async fn read(source: &Arc<MemorySource>, store: &MemoryStore, ranges: &[Range]) {
    let (rules, stop) = (rules(), AtomicBool::new(false));
    for range in ranges {
        let mut ledger = Checkpoint::new(String::new());
        let source: Arc<MemorySource> = Arc::clone(source);
        counting::backfill(source, *range, &mut ledger, &pass(store, &rules, &stop)).await.unwrap();
    }
}

/// The store after one reading of everything. Apart from journeys it equals the result of the pure functions.
fn at_once(lines: &[Line]) -> Vec<Transaction> {
    let source = Arc::new(MemorySource::new(lines.to_vec()));
    let store = MemoryStore::default();
    block_on(read(&source, &store, &[Range { from: START, to: START.plus(SPAN_S * 1000) }]));
    let found = store.export();
    let without_journey = |mut t: Transaction| {
        t.mail.journey.clear();
        t
    };
    let pure: Vec<_> = whole(lines).into_iter().map(without_journey).collect();
    assert_eq!(found.iter().cloned().map(without_journey).collect::<Vec<_>>(), pure);
    found
}

fn ranges(cuts: &[Index]) -> Vec<Range> {
    let mut seconds: Vec<i64> = cuts.iter().map(|c| c.index(SPAN_S as usize) as i64).chain([0, SPAN_S]).collect();
    seconds.sort_unstable();
    seconds.dedup();
    let at = |s: i64| START.plus(s * 1000);
    seconds.windows(2).map(|w| Range { from: at(w[0]), to: at(w[1]) }).collect()
}

fn indices() -> impl Strategy<Value = Vec<Index>> {
    proptest::collection::vec(any::<Index>(), 0..12)
}

/// A file of these lines, with copies of some as a second daemon writes them, with timestamps in whole seconds.
fn with_coarse_copies(mut lines: Vec<Line>, copies: &[Index]) -> Vec<Line> {
    stitch::unite(&mut lines);
    let copies: Vec<Line> = copies.iter().filter(|_| !lines.is_empty()).map(|n| n.get(&lines).clone()).collect();
    lines.extend(copies.into_iter().map(|line| Line { time: line.time.floor_second(), ..line }));
    lines.sort_by_key(|line| line.time.second());
    lines
}

/// Windows of whole seconds that cover everything, in any order, all of them once or all twice.
fn windows() -> impl Strategy<Value = Vec<Range>> {
    (indices(), any::<bool>()).prop_flat_map(|(cuts, twice)| {
        let once = ranges(&cuts);
        let all = if twice { [once.clone(), once].concat() } else { once };
        Just(all).prop_shuffle()
    })
}

fn in_windows(lines: Vec<Line>, windows: &[Range]) -> Vec<Transaction> {
    let source = Arc::new(MemorySource::new(lines));
    let store = MemoryStore::default();
    block_on(read(&source, &store, windows));
    store.export()
}

/// The documents of a file read in these pieces, and the number of lines counted.
fn in_pieces(pieces: impl IntoIterator<Item = Vec<Line>>) -> (Vec<Transaction>, u64) {
    let mut source = Pieces(pieces.into_iter().collect());
    let store = MemoryStore::default();
    let (rules, stop) = (rules(), AtomicBool::new(false));
    let mut ledger = Checkpoint::new(String::new());
    let pass = pass(&store, &rules, &stop);
    let done = positioned::backfill(&mut source, &mut ledger, None, String::new(), &pass);
    let summary = block_on(done).unwrap();
    (store.export(), summary.tally.read())
}

/// The journey of each document.
fn journeys(documents: &[Transaction]) -> Vec<String> {
    documents.iter().map(|d| format!("{} {:?} {}", d.mail.journey, d.email.local_id, d.host.name)).collect()
}

fn ids(documents: &[Transaction]) -> Vec<String> {
    documents.iter().map(|d| format!("{} {}", d.mail.id, d.mail.lines.len())).collect()
}

/// A line of the host `mx1`, `at` milliseconds after the start.
fn said(at: i64, program: &str, text: &str) -> Line {
    Intake::default().line(START.plus(at), "mx1", program, Some(7), text).expect("a time of lines")
}

/// The lines of a message's course may lie in another window than the notice and the line nearest to it.
#[test]
fn a_notice_found_before_the_message_began_is_not_forgotten() {
    let notice = "imuxsock[pid: 7, name: qmgr] from <postfix/qmgr>: 12 messages lost due to rate-limiting";
    let lines = vec![
        said(0, "postfix/qmgr", "4jXgRb5BTwzq68g: removed"),
        said(14_000, "postfix/pickup", "4jXgRb5BTwzq68g: uid=0 from=<root>"),
        said(27_000, "postfix/postsuper", "4jXgRb5BTwzq68g: placed on hold"),
        said(33_000, "rsyslogd", notice),
    ];
    let expected = at_once(&lines);
    assert!(expected[0].mail.lines.iter().any(|line| &*line.text == notice));
    let range = |from: i64, to: i64| Range { from: START.plus(from * 1000), to: START.plus(to * 1000) };
    assert_eq!(in_windows(lines, &[range(0, 7), range(27, 40), range(7, 27)]), expected);
}

/// A later piece of a split record joins the first piece known, which in one window may be of another record.
#[test]
fn a_notice_before_pieces_that_one_window_joins_otherwise_is_not_forgotten() {
    let notice = "imuxsock[pid: 7, name: qmgr] from <postfix/qmgr>: 12 messages lost due to rate-limiting";
    let first_piece = "6AMKKBZu042165[1]: to=<f@example.net>, delay=00:00:02, xdelay=00:00:01, mailer=esmtp,  ...";
    let from = "6AMKKBZu042165: from=<a@example.org>, size=500, class=0, nrcpts=1, msgid=<m1@example.org>, proto=ESMTP, daemon=MTA, relay=client.example.org [192.0.2.1]";
    let last_piece = "6AMKKBZu042165[2]: pri=120000, relay=mx.example.net. [198.51.100.25], dsn=2.0.0, stat=Sent (ok)";
    let lines = vec![
        said(0, "sm-mta", from),
        said(0, "sm-mta", first_piece),
        said(1000, "rsyslogd", notice),
        said(23_000, "sm-mta", first_piece),
        said(32_000, "sm-mta", last_piece),
    ];
    let expected = at_once(&lines);
    assert!(expected[0].mail.lines.iter().any(|line| &*line.text == notice));
    let range = |from: i64, to: i64| Range { from: START.plus(from * 1000), to: START.plus(to * 1000) };
    assert_eq!(in_windows(lines, &[range(0, 11), range(32, 40), range(11, 32)]), expected);
}

/// Two sessions in one second log the same words, so their lines are identical.
#[test]
fn copies_are_found_and_seconds_are_in_order_however_lines_come() {
    let line = |at| said(at, "postfix/qmgr", "4bXyZ01abcz1Qw: removed");
    let mut lines = vec![line(2000), line(1000), line(2000), line(0), line(1000)];
    assert_eq!(stitch::unite(&mut lines), 2);
    assert_eq!(lines.iter().map(|line| line.time.0 - START.0).collect::<Vec<_>>(), [0, 1000, 2000]);
}

#[test]
fn a_second_session_of_the_second_in_which_a_file_was_cut() {
    let connect = |at| said(at, "postfix/smtpd", "connect from client.example.org[192.0.2.1]");
    let arrival = |at, id| said(at, "postfix/smtpd", &format!("{id}: client=client.example.org[192.0.2.1]"));
    let end = |at| said(at, "postfix/smtpd", "disconnect from client.example.org[192.0.2.1] commands=5");
    let first = vec![connect(100), arrival(200, "4jXgRb5BTwzq68g"), end(300)];
    let second = vec![connect(400), arrival(500, "4jXgRb5CTwzq68h"), end(600)];
    let expected = at_once(&[first.clone(), second.clone()].concat());
    assert_eq!(in_pieces([first, second]).0, expected);
}

/// sendmail writes two records of one message at once, each split into pieces. If timestamps tell the records apart,
/// the pieces are joined; otherwise nothing is guessed. The order of the lines does not matter. Found by fuzzing.
#[test]
fn pieces_of_two_split_records_are_not_mixed() {
    let piece = |at, text: &str| said(at, "sm-mta", &format!("6AMKKBZu042165{text}"));
    let records = |first, second| {
        vec![
            piece(first, "[1]: to=<e@example.net>, delay=00:00:01,  ..."),
            piece(first, "[2]: mailer=esmtp, relay=mx.example.net. [198.51.100.25], dsn=2.0.0, stat=Sent (ok)"),
            piece(second, "[1]: to=<f@example.net>, delay=00:00:01,  ..."),
            piece(second, "[2]: mailer=esmtp, relay=mx.example.org. [198.51.100.26], dsn=5.1.1, stat=User unknown"),
        ]
    };
    let told = |lines: &[Line]| {
        let backwards: Vec<_> = lines.iter().rev().cloned().collect();
        let found = whole(lines);
        assert_eq!(found, whole(&backwards));
        let recipients = found.into_iter().flat_map(|t| t.mail.recipients);
        recipients.map(|r| (r.address.to_string(), r.status)).collect::<Vec<_>>()
    };
    use mailstitch::model::transaction::RecipientStatus::{Bounced, Sent};
    let each = [("e@example.net".to_owned(), Sent), ("f@example.net".to_owned(), Bounced)];
    assert_eq!(told(&records(100, 200)), each);
    assert_eq!(told(&records(0, 1000)), each);
    assert_eq!(told(&records(0, 0)), []);
}

/// A line that is a document of its own may come again with a finer timestamp.
#[test]
fn a_refused_attempt_takes_the_finer_time_of_its_copy() {
    let text = "NOQUEUE: reject: RCPT from client.example.org[192.0.2.1]: 554 5.7.1 <b@example.net>: Relay access denied; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>";
    let (coarse, fine) = (said(0, "postfix/smtpd", text), said(123, "postfix/smtpd", text));
    let (found, _) = in_pieces([vec![coarse], vec![fine.clone()]]);
    assert_eq!(found.iter().map(|t| t.event.start).collect::<Vec<_>>(), [fine.time]);
}

proptest! {
    #[test]
    fn l1_order_and_repetition_change_nothing(lines in lines(), order in any::<Vec<Index>>()) {
        let mut shuffled = lines.clone();
        for (n, index) in order.iter().enumerate() {
            if !shuffled.is_empty() {
                let (a, b) = (n % shuffled.len(), index.index(shuffled.len()));
                shuffled.swap(a, b);
                let again = shuffled[b].clone();
                shuffled.push(again);
            }
        }
        prop_assert_eq!(whole(&lines), whole(&shuffled));
    }

    #[test]
    fn l1_a_document_is_a_function_of_its_own_lines(lines in lines()) {
        for document in whole(&lines) {
            if document.email.local_id.is_none() {
                continue;
            }
            let own = mailstitch::write::stored::lines_of(&document);
            let key = mailstitch::write::stored::key_of(&document, &rules()).unwrap();
            let own: Vec<&Line> = own.iter().collect();
            prop_assert_eq!(stitch::fold(&key, &own, &rules()), vec![document]);
        }
    }

    #[test]
    fn l2_a_cut_changes_nothing(lines in lines(), windows in windows()) {
        let expected = at_once(&lines);
        let found = in_windows(lines, &windows);
        prop_assert_eq!(ids(&found), ids(&expected));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn l2_a_cut_changes_no_journey(lines in hops(), windows in windows()) {
        let expected = at_once(&lines);
        let found = in_windows(lines, &windows);
        prop_assert_eq!(journeys(&found), journeys(&expected));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn l2_a_host_that_was_cut_off_changes_nothing(lines in lines(), since in 0..SPAN_S, runs in 2..5i64, back in 1..5i64) {
        let expected = at_once(&lines);
        let source = Arc::new(MemorySource::default());
        // From second `since` on, lines of `mx2` wait in its spool until a later run.
        for line in lines {
            let waits = &*line.host == "mx2" && line.time >= START.plus(since * 1000);
            source.arrive(Time(if waits { back.min(runs - 1) } else { 0 }), [line]);
        }
        let store = MemoryStore::default();
        let mut ledger = Checkpoint::new(String::new());
        let (rules, stop) = (rules(), AtomicBool::new(false));
        for run in 0..runs {
            source.set_now(Time(run));
            let source: Arc<MemorySource> = Arc::clone(&source);
            block_on(counting::run(source, &mut ledger, &pass(&store, &rules, &stop))).unwrap();
        }
        prop_assert_eq!(store.export(), expected);
    }

    #[test]
    fn l2_a_file_may_be_cut_inside_a_second(lines in lines(), copies in indices(), cuts in indices()) {
        let lines = with_coarse_copies(lines, &copies);
        let expected = at_once(&lines);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).chain([0, lines.len()]).collect();
        cuts.sort_unstable();
        let (found, read) = in_pieces(cuts.windows(2).map(|cut| lines[cut[0]..cut[1]].to_vec()));
        prop_assert_eq!(read, lines.len() as u64);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn l4_every_line_is_counted_once(lines in lines()) {
        let read = lines.len() as u64;
        let mut lines = lines;
        let duplicate = stitch::unite(&mut lines);
        let tally = stitch::gather(&lines, |_| false, &rules()).tally;
        prop_assert_eq!(tally.read() + duplicate, read);
    }
}
