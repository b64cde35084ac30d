//! Promises of `page`, `newest_end`, `prune` and `summary`, which look at the store as a whole.

use crate::fixture::{at, create, found_by, ids, message, message_with, pages, part_of, queue_ids, range, sorted};
use mailstitch::{
    model::{
        Time, Transaction,
        transaction::{Kind, Status},
    },
    stitch::journey,
    store::{Store, Summary},
};

pub async fn pages_hold_every_document_once_in_order(store: &dyn Store) {
    // In two months, so that a store of monthly indices has to merge.
    let mut all: Vec<Transaction> = (0..600).map(|n| message(&format!("{n:X}"), n % 7 - (n % 2) * 44_640)).collect();
    all.push(part_of("4F1", 0, 1, 2));
    create(store, &all).await;
    let paged = ids(&pages(store, None).await);
    assert_eq!(paged, sorted(ids(&all)));
}

pub async fn a_page_starts_after_any_id(store: &dyn Store) {
    let all = [message("A", 0), message("B", 1), message("C", 2)];
    create(store, &all).await;
    let after = |id: String| async move { queue_ids(&store.page(Some(&id), None).await.unwrap().transactions) };
    assert_eq!(after(all[0].mail.id.clone()).await, ["B", "C"]);
    // No document has this id: it is the first moment of minute 2.
    assert_eq!(after(format!("{:012x}", at(2).0)).await, ["C"]);
    assert!(after(all[2].mail.id.clone()).await.is_empty());
}

pub async fn pages_keep_to_the_range(store: &dyn Store) {
    let long = message_with("long", 0, |t| t.event.end = at(100));
    create(store, &[long, message("early", 1), message("late", 50), message("after", 60)]).await;
    assert_eq!(queue_ids(&pages(store, Some(range(50, 60))).await), ["long", "late"]);
}

pub async fn an_empty_store_is_no_error(store: &dyn Store) {
    store.refresh().await.unwrap();
    assert!(pages(store, None).await.is_empty());
    assert!(found_by(store, &["sender@example.org"]).await.is_empty());
    assert_eq!(store.newest_end(at(0)).await.unwrap(), None);
    assert_eq!(store.summary().await.unwrap(), Summary::default());
    assert_eq!(store.prune(at(0), false).await.unwrap(), 0);
    store.commit().await.unwrap();
    let rows = store.check(clock()).await;
    assert!(rows.iter().all(|row| row.found.is_ok()), "{rows:?}");
}

pub async fn newest_end_ignores_the_future(store: &dyn Store) {
    create(store, &[message("A", 0), message("B", 10), message("C", 500)]).await;
    assert_eq!(store.newest_end(at(100)).await.unwrap(), Some(at(11)));
    assert_eq!(store.newest_end(at(11)).await.unwrap(), Some(at(11)), "now itself is not the future");
    assert_eq!(store.newest_end(at(0)).await.unwrap(), None);
}

pub async fn prune_takes_what_ended_before(store: &dyn Store) {
    let long = message_with("long", 0, |t| t.event.end = at(100));
    // Ends exactly at the limit, which is not before it.
    let edge = message_with("edge", 0, |t| t.event.end = at(50));
    create(store, &[long, edge, message("old", 0), message("older", -44_640), message("new", 60)]).await;
    assert_eq!(store.prune(at(50), true).await.unwrap(), 2);
    assert_eq!(pages(store, None).await.len(), 5, "a dry run deletes nothing");
    assert_eq!(store.prune(at(50), false).await.unwrap(), 2);
    store.refresh().await.unwrap();
    assert_eq!(sorted(queue_ids(&pages(store, None).await)), ["edge", "long", "new"]);
    assert!(found_by(store, &["old"]).await.is_empty());
    assert!(store.get(&[message("old", 0).mail.id]).await.unwrap().is_empty());
    assert_eq!(store.prune(at(50), false).await.unwrap(), 0);
}

pub async fn summary_counts_messages_on_their_way_once(store: &dyn Store) {
    let with = |queue_id: &str, status| message_with(queue_id, 10, |t| t.mail.status = status);
    let mut all = vec![
        with("A", Status::Queued),
        with("B", Status::Deferred),
        with("C", Status::Held),
        with("D", Status::Bounced),
        with("E", Status::Unknown),
        part_of("F", 0, 0, 2),
        part_of("F", 0, 1, 2),
        message("G", 90),
    ];
    for part in &mut all[5..7] {
        part.mail.status = Status::Deferred;
    }
    all.push(message_with("H", 20, |t| (t.mail.kind, t.mail.status) = (Kind::Reject, Status::Rejected)));
    create(store, &all).await;
    let expected = Summary { documents: 9, open: 4, oldest: Some(at(0)), newest: Some(at(91)) };
    assert_eq!(store.summary().await.unwrap(), expected);
}

/// A message put on hold three days ago still waits, whatever the range of a report.
pub async fn what_waits_is_found_whenever_it_began(store: &dyn Store) {
    let with = |queue_id: &str, minute, status| message_with(queue_id, minute, |t| t.mail.status = status);
    let mut all = vec![
        with("A", 10, Status::Queued),
        with("B", 11, Status::Deferred),
        with("C", 12, Status::Held),
        with("D", 13, Status::Bounced),
        with("E", 59, Status::Deferred),
        message_with("F", 14, |t| (t.mail.kind, t.mail.status) = (Kind::Session, Status::Queued)),
    ];
    for part in 0..2 {
        all.push(message_with("G", 15, |t| {
            (t.mail.part, t.mail.parts, t.mail.status) = (part, 2, Status::Deferred);
        }));
    }
    all.extend((0..600).map(|n| with(&format!("M{n:X}"), 20, Status::Deferred)));
    create(store, &all).await;
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.waiting(after.as_deref(), at(60)).await.unwrap();
        found.extend(queue_ids(&page.transactions));
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 604);
    assert_eq!(&sorted(found)[..4], ["A", "B", "C", "G"], "E ends at that moment, which is not before it");
}

pub async fn a_census_counts_what_touches_the_range_by_kind_and_status(store: &dyn Store) {
    let with = |queue_id: &str, minute, kind, status| {
        message_with(queue_id, minute, |t| (t.mail.kind, t.mail.status) = (kind, status))
    };
    let all = [
        with("A", 10, Kind::Message, Status::Delivered),
        with("B", 11, Kind::Message, Status::Delivered),
        with("C", 12, Kind::Message, Status::Deferred),
        with("D", 13, Kind::Reject, Status::Rejected),
        with("E", 60, Kind::Message, Status::Delivered),
        part_of("F", 0, 0, 2),
        part_of("F", 0, 1, 2),
    ];
    create(store, &all).await;
    let counts = |from, to| async move { store.census(range(from, to)).await.unwrap().counts().collect::<Vec<_>>() };
    let expected = [
        (Kind::Message, Status::Deferred, 1),
        (Kind::Message, Status::Delivered, 2),
        (Kind::Reject, Status::Rejected, 1),
    ];
    assert_eq!(counts(9, 60).await, expected);
    assert_eq!(counts(0, 1).await, [(Kind::Message, all[5].mail.status, 1)]);
    assert!(counts(200, 300).await.is_empty());
}

/// A mail handed on by a filter and a second host counts once, with or without a Message-ID, and even if it fails
/// there.
pub async fn a_census_counts_a_mail_of_three_queues_once(store: &dyn Store) {
    let mut all = Vec::new();
    for (mail, (message_id, last)) in [
        (Some("1@example.org"), Status::Delivered),
        (None, Status::Delivered),
        (Some("2@Example.Org"), Status::Bounced),
    ]
    .into_iter()
    .enumerate()
    {
        let mut legs: Vec<Transaction> = ["A", "B", "C"]
            .iter()
            .map(|leg| {
                message_with(&format!("4F1A2B3C{leg}{mail}"), 10, |t| t.email.message_id = message_id.map(Into::into))
            })
            .collect();
        let journey = journey::own(&legs[0]);
        legs.iter_mut().for_each(|leg| leg.mail.journey.clone_from(&journey));
        legs[2].mail.status = last;
        all.extend(legs);
    }
    create(store, &all).await;
    let counts: Vec<_> = store.census(range(9, 60)).await.unwrap().counts().collect();
    assert_eq!(counts, [(Kind::Message, Status::Delivered, 2), (Kind::Message, Status::Bounced, 1)]);
}

#[expect(clippy::disallowed_methods, reason = "a server compares the clock with its own")]
fn clock() -> Time {
    chrono::Utc::now().into()
}
