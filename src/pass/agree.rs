//! Checks whether the store still has what the ledger says was written to it (law L8), and repairs the ledger if not.
//!
//! In: the ledger and the marks found in the store. Out: a ledger that no longer counts the missing writes as done, so
//! that the run reads those lines again, and a message for the administrator. The check costs one small request.

use crate::{
    config::Window,
    error::Result,
    model::{Range, Time},
    source,
    state::{Checkpoint, Marks},
    store::Store,
    window::bucket_start,
};
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

const HOUR_MS: i64 = 3_600_000;

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Makes the ledger match what the store has. Returns the messages to report; if there are any, the ledger must be
/// saved.
pub async fn agree(store: &dyn Store, ledger: &mut Checkpoint, now: Time, window: &Window) -> Result<Vec<String>> {
    let Some(found) = found(store, &ledger.marks).await? else { return Ok(Vec::new()) };
    let horizon_from = now.plus(-ms(window.horizon));
    let mut told = Vec::new();
    for (place, number) in ledger.marks.missing(&found) {
        let range = store.place(&place);
        // Retention drops old months; that needs no report.
        if number.is_none() && range.is_some_and(|range| range.to <= horizon_from) {
            continue;
        }
        let since = since(ledger, number, range);
        told.push(format!("{}; {}", what(&place, number, range), again(ledger, since, horizon_from, window)));
    }
    ledger.marks.accept(&found);
    Ok(told)
}

/// Whether everything that the ledger counts as written is in the store.
pub async fn agrees(store: &dyn Store, ledger: &Checkpoint) -> Result<bool> {
    Ok(found(store, &ledger.marks).await?.is_none_or(|found| ledger.marks.missing(&found).is_empty()))
}

/// The marks of a ledger in the store; `None` if the ledger has left none.
async fn found(store: &dyn Store, marks: &Marks) -> Result<Option<BTreeMap<String, u64>>> {
    if marks.places.is_empty() {
        return Ok(None);
    }
    let places: Vec<String> = marks.places.keys().cloned().collect();
    store.marks(&marks.ledger, &places).await.map(Some)
}

/// The time from which lines are missing.
fn since(ledger: &Checkpoint, number: Option<u64>, range: Option<Range>) -> Time {
    let written = ledger.marks.earliest_after(number).unwrap_or(Time(i64::MIN));
    match (number, range) {
        // Nothing is left, so writes of an older mailstitch, which left no marks, are missing too.
        (None, None) => ledger.floor.map_or(written, |floor| floor.min(written)),
        _ => written.max(range.map_or(written, |range| range.from)),
    }
}

fn what(place: &str, number: Option<u64>, range: Option<Range>) -> String {
    match (number, range) {
        (None, None) => {
            "the store has nothing of what was written to it: it was removed, emptied, or is another one".to_owned()
        }
        (None, Some(_)) => {
            format!("the store has nothing of what was written to `{place}`: it was removed, or is another one")
        }
        (Some(_), None) => "the store went back in time: what was written to it last is missing".to_owned(),
        (Some(_), Some(_)) => format!("`{place}` went back in time: what was written to it last is missing"),
    }
}

/// Makes the ledger forget what was read since then; returns the message about what is read again.
fn again(ledger: &mut Checkpoint, since: Time, horizon_from: Time, window: &Window) -> String {
    let all = "what a `backfill` had read needs another one";
    if let Some(position) = ledger.position.take() {
        ledger.position = source::file::rewound(position, since);
        ledger.open.clear();
        return format!(
            "what is there of its logs from {since} on is read again; name those that are elsewhere by now: \
             `mailstitch backfill --since {since} FILE…`; {all}"
        );
    }
    let from = since.max(horizon_from).max(ledger.floor.unwrap_or(since));
    _ = ledger.buckets.split_off(&bucket_start(from, ms(window.bucket)).0);
    _ = ledger.hours.split_off(&bucket_start(from, HOUR_MS).0);
    ledger.hours_checked = None;
    ledger.ahead = None;
    ledger.watermark = ledger.watermark.map(|watermark| watermark.min(from));
    let older = if since < horizon_from {
        format!("; `mailstitch backfill --since {since} --until {from}` reads what is older than `horizon`")
    } else {
        String::new()
    };
    format!("reading again from {from}{older}; {all}")
}

/// A random name, different for each ledger.
pub fn new_name() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
