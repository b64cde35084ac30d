//! Five days with retries, expiry, reused ids and the end of a month, in windows of 15 minutes: 480 runs.
//!
//! Library calls over a source in memory, because starting the program that often would take minutes; the store is
//! SQLite in a file.

use crate::{
    common::{
        Workspace,
        fiveday::{END, Fate, FiveDays, MINUTE, START, five_days},
    },
    setup::assert_same,
};
use mailstitch::{
    access::Access,
    config::Window,
    model::{Intake, Line, Range},
    pass::{Pass, counting},
    source::memory::MemorySource,
    state::Checkpoint,
    stitch::Rules,
    store::{Store, memory::MemoryStore, sqlite::SqliteStore},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// A run every 15 minutes, as with the timer.
const STEP: i64 = 15 * MINUTE;

fn window() -> Window {
    let s = Duration::from_secs;
    Window {
        bucket: s(60),
        first: s(15 * 60),
        settle: s(0),
        lookback: s(3_600),
        horizon: s(14 * 86_400),
        session_lead: s(600),
    }
}

fn lines(log: &FiveDays) -> Vec<Line> {
    let mut intake = Intake::default();
    log.lines.iter().map(|line| line.line(&mut intake)).collect()
}

async fn export(store: &dyn Store) -> Vec<String> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.page(after.as_deref(), None).await.expect("a page");
        found.extend(page.transactions.iter().map(|t| serde_json::to_string(t).expect("a document")));
        after = page.after;
        if after.is_none() {
            return found;
        }
    }
}

/// Runs every `step`, or one backfill of everything.
async fn index(store: &dyn Store, log: &FiveDays, step: Option<i64>) -> Vec<String> {
    store.prepare().await.expect("a store");
    let place = Workspace::new();
    let source = Arc::new(MemorySource::new(lines(log)));
    let (rules, stop) = (Rules::default(), AtomicBool::new(false));
    let pass = |now| Pass {
        store: Some(store),
        rules: &rules,
        window: window(),
        now,
        state_dir: place.path(),
        notes: "under-way.json",
        access: mailstitch::access::Access::default(),
        save: &|_| Ok(()),
        progress: &|_| {},
        stop: &stop,
    };
    let mut ledger = Checkpoint::new(String::new());
    match step {
        Some(step) => {
            let mut now = START;
            while now < END {
                now = now.plus(step);
                counting::run(source.clone(), &mut ledger, &pass(now)).await.expect("a run");
            }
        }
        None => {
            let all = Range { from: START, to: END };
            counting::backfill(source, all, &mut ledger, &pass(END)).await.expect("a backfill");
        }
    }
    export(store).await
}

/// For each host and queue id its lives, in order of time: status, whether complete, and the fate of each recipient.
type Told = BTreeMap<(String, String), Vec<(String, bool, BTreeMap<String, String>)>>;

/// Status, completeness and the fate of each recipient of every life, in order of time.
fn told(export: &[String]) -> Told {
    let mut documents: Vec<Value> = export.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
    documents.retain(|d| d["mail"]["kind"] == "message");
    documents.sort_by_key(|d| d["event"]["start"].to_string());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for d in &documents {
        let recipients = d["mail"]["recipients"].as_array().into_iter().flatten();
        let fates = recipients.map(|r| (text(&r["address"]), text(&r["status"]))).collect();
        let life = (text(&d["mail"]["status"]), d["mail"]["complete"] == true, fates);
        told.entry((text(&d["host"]["name"]), text(&d["email"]["local_id"]))).or_default().push(life);
    }
    told
}

fn truth(log: &FiveDays) -> Told {
    let mut truth: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for message in &log.messages {
        let word = |fate: &Fate| match fate {
            Fate::Sent => "sent",
            Fate::Deferred => "deferred",
            Fate::Bounced => "bounced",
            Fate::Expired => "expired",
        };
        let fates = message.recipients.iter().map(|(to, fate)| (to.clone(), word(fate).to_owned())).collect();
        // sendmail logs no `from=` for its own notices, and without it they do not count as complete.
        let sendmails_notice = message.host == "sm1" && message.sender.is_empty() && message.message_id.is_none();
        let life = (message.status().to_owned(), message.complete && !sendmails_notice, fates);
        truth.entry((message.host.clone(), message.queue_id.clone())).or_default().push(life);
    }
    truth
}

#[tokio::test(flavor = "multi_thread")]
async fn five_days_in_windows_of_15_minutes_are_five_days_at_once() {
    let log = five_days(5_000, 1);
    let place = Workspace::new();
    let store = SqliteStore::new(place.file("transactions.sqlite"), Access::default());
    let in_windows = index(&store, &log, Some(STEP)).await;
    let at_once = index(&MemoryStore::default(), &log, None).await;
    assert_same(&in_windows, &at_once, "480 runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_days_are_told_as_they_were() {
    let log = five_days(5_000, 1);
    let told = told(&index(&MemoryStore::default(), &log, Some(STEP)).await);
    let truth = truth(&log);
    let keys: BTreeSet<_> = truth.keys().chain(told.keys()).collect();
    let wrong: Vec<_> = keys
        .into_iter()
        .filter(|key| told.get(*key) != truth.get(*key))
        .map(|key| format!("{key:?}\n  told  {:?}\n  truth {:?}", told.get(key), truth.get(key)))
        .collect();
    let some: Vec<_> = wrong.iter().take(5).collect();
    assert!(wrong.is_empty(), "{} of {} keys differ:\n{some:#?}", wrong.len(), truth.len());
}
