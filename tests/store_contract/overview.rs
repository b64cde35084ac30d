//! Promises of `page`, `newest_end`, `prune` and `summary`: what looks at the store as a whole.

use crate::fixture::{at, create, found_by, ids, message, message_with, pages, part_of, queue_ids, range, sorted};
use mailstitch::{
    model::{
        Time, Transaction,
        transaction::{Kind, Status},
    },
    store::{Store, Summary},
};

pub async fn pages_hold_every_document_once_in_order(store: &dyn Store) {
    // Two months, so that a store of monthly indices has to merge.
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
    // Ends at the very moment: that is not before it.
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
    let expected = [
        ((Kind::Message, Status::Deferred), 1),
        ((Kind::Message, Status::Delivered), 2),
        ((Kind::Reject, Status::Rejected), 1),
    ];
    assert_eq!(store.census(range(9, 60)).await.unwrap().into_iter().collect::<Vec<_>>(), expected);
    let status = all[5].mail.status;
    assert_eq!(
        store.census(range(0, 1)).await.unwrap().into_iter().collect::<Vec<_>>(),
        [((Kind::Message, status), 1)]
    );
    assert!(store.census(range(200, 300)).await.unwrap().is_empty());
}

#[expect(clippy::disallowed_methods, reason = "a server compares the clock with its own")]
fn clock() -> Time {
    chrono::Utc::now().into()
}
