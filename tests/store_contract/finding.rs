//! Promises of `get` and `find`, which the fold asks before it writes.

use crate::fixture::{always, at, create, found_by, get, key, message, message_with, new, part_of, range, sorted};
use mailstitch::{
    model::{Range, Time, Transaction},
    store::{Put, QueueKey, Report, Store},
};

/// The sorted ids of the documents of these keys.
async fn find(store: &dyn Store, keys: &[QueueKey], within: Range) -> Vec<String> {
    let found = store.find(keys, within).await.unwrap();
    sorted(found.into_iter().map(|stored| stored.transaction.mail.id).collect())
}

fn ids(documents: &[&Transaction]) -> Vec<String> {
    sorted(documents.iter().map(|t| t.mail.id.clone()).collect())
}

pub async fn get_sees_a_write_at_once(store: &dyn Store) {
    let t = message("4F1", 0);
    store.put(new(std::slice::from_ref(&t))).await.unwrap();
    assert_eq!(get(store, &t.mail.id).await.transaction, t);
}

pub async fn get_leaves_out_what_is_not_there(store: &dyn Store) {
    let (here, elsewhere) = (message("4F1", 0), message("4F2", 0));
    // A month that was never written to.
    let long_ago = message("4F1", -1_000_000);
    create(store, std::slice::from_ref(&here)).await;
    let asked = [elsewhere.mail.id, here.mail.id.clone(), long_ago.mail.id];
    let found = store.get(&asked).await.unwrap();
    assert_eq!(found.into_iter().map(|stored| stored.transaction.mail.id).collect::<Vec<_>>(), [here.mail.id]);
}

pub async fn find_wants_host_and_queue_id(store: &dyn Store) {
    let here = message("3abcZz", 0);
    let other_host = message_with("3abcZz", 0, |t| t.host.name = "mx2".into());
    let other_case = message("3ABCZZ", 0);
    let no_queue_id = message_with("", 0, |t| t.email.local_id = None);
    create(store, &[here.clone(), other_host.clone(), other_case, no_queue_id]).await;
    assert_eq!(find(store, &[key("3abcZz")], always()).await, ids(&[&here]));
    let on_mx2 = QueueKey { host: "mx2".to_owned(), queue_id: "3abcZz".to_owned() };
    assert_eq!(find(store, std::slice::from_ref(&on_mx2), always()).await, ids(&[&other_host]));
    assert_eq!(find(store, &[on_mx2, key("3abcZz"), key("none")], always()).await, ids(&[&here, &other_host]));
}

pub async fn find_takes_what_touches_the_range(store: &dyn Store) {
    let t = message_with("4F1", 10, |t| t.event.end = at(20));
    create(store, &[t]).await;
    for (from, to, is_found) in [
        (0, 10, false), // the end of a range is not inside
        (0, 11, true),
        (12, 13, true), // between its lines
        (0, 30, true),
        (20, 30, true), // its last line is inside
        (21, 30, false),
    ] {
        assert_eq!(find(store, &[key("4F1")], range(from, to)).await.len(), usize::from(is_found), "{from} to {to}");
    }
}

pub async fn find_gives_every_life_and_every_part(store: &dyn Store) {
    let first = message("4F1", 0);
    let second = [part_of("4F1", 30, 0, 2), part_of("4F1", 30, 1, 2)];
    create(store, &[first.clone(), second[0].clone(), second[1].clone()]).await;
    assert_eq!(find(store, &[key("4F1")], range(0, 60)).await, ids(&[&first, &second[0], &second[1]]));
    assert_eq!(find(store, &[key("4F1")], range(20, 60)).await, ids(&[&second[0], &second[1]]));
}

pub async fn find_gives_versions_that_fit(store: &dyn Store) {
    let t = message("4F1", 0);
    create(store, &[t]).await;
    let found = store.find(&[key("4F1")], always()).await.unwrap().remove(0);
    let update = [Put { transaction: found.transaction, expected: Some(found.version) }].into();
    assert_eq!(store.put(update).await.unwrap(), Report::default());
}

pub async fn find_takes_thousands_of_keys(store: &dyn Store) {
    let few: Vec<Transaction> = (0..5).map(|n| message(&format!("{:X}", n * 700), 0)).collect();
    create(store, &few).await;
    let many: Vec<QueueKey> = (0..3_000).map(|n| key(&format!("{n:X}"))).collect();
    assert_eq!(find(store, &many, always()).await, ids(&few.iter().collect::<Vec<_>>()));
}

pub async fn the_ids_alone_are_those_of_what_is_found(store: &dyn Store) {
    let other_host = message_with("4F1", 0, |t| t.host.name = "mx2".into());
    create(
        store,
        &[message("4F1", 0), part_of("4F1", 30, 0, 2), part_of("4F1", 30, 1, 2), message("4F2", 30), other_host],
    )
    .await;
    for within in [range(0, 20), range(20, 60), always()] {
        let known = store.find_ids(&[key("4F1")], within).await.unwrap();
        assert!(known.iter().all(|known| known.bytes > 100));
        let ids: Vec<String> = known.into_iter().map(|known| known.id).collect();
        let found = find(store, &[key("4F1")], within).await;
        assert!(!found.is_empty() && found.iter().all(|id| ids.contains(id)), "{found:?}");
        // `find_ids` may return ids of other hosts, but never of other queue ids.
        assert!(ids.len() <= found.len() + 1, "{ids:?}");
    }
    assert!(store.find_ids(&[key("4F3")], always()).await.unwrap().is_empty());
    let ids = find(store, &[key("4F1")], always()).await;
    let asked = [ids.clone(), vec!["01a204d81600-0000000000000000".to_owned()]].concat();
    let sizes = store.sizes(&asked).await.unwrap();
    assert_eq!(sizes.iter().map(|known| &known.id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
}

pub async fn a_document_of_any_year_is_found(store: &dyn Store) {
    for (n, year) in [1970, 1999, 3000, 9999].into_iter().enumerate() {
        let start = Time::parse_rfc3339(&format!("{year}-06-01T00:00:00Z")).unwrap();
        let queue_id = format!("4F{n}");
        let t = message_with(&queue_id, 0, |t| {
            (t.timestamp, t.event.start, t.event.end) = (start, start, start.plus(60_000));
        });
        create(store, std::slice::from_ref(&t)).await;
        let within = Range { from: start.plus(-60_000), to: start.plus(60_000) };
        assert_eq!(store.find(&[key(&queue_id)], within).await.unwrap().len(), 1, "{year}");
        assert_eq!(found_by(store, &[&queue_id]).await, [queue_id.as_str()], "{year}");
    }
}
