//! Promises of `neighbours`, which the journey pass asks.

use crate::fixture::{at, create, message, message_with, part_of, range};
use mailstitch::{
    model::{
        Range, Transaction,
        transaction::{Link, Rel},
    },
    store::{Store, Traces},
};
use std::collections::BTreeSet;

fn linked(queue_id: &str, minute: i64, to: &str) -> Transaction {
    let link = Link { rel: Rel::Next, queue_id: Some(to.into()), host: None, message_id: None };
    message_with(queue_id, minute, |t| t.mail.links = vec![link])
}

async fn neighbours(store: &dyn Store, queue_ids: &[&str], message_ids: &[&str], within: Range) -> Vec<String> {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let (queue_ids, message_ids) = (owned(queue_ids), owned(message_ids));
    found(store, &Traces { queue_ids, message_ids, within, known: BTreeSet::new(), most: usize::MAX }).await
}

async fn found(store: &dyn Store, traces: &Traces) -> Vec<String> {
    let found = store.neighbours(traces).await.unwrap();
    let mut found: Vec<String> = found.into_iter().map(|near| near.id).collect();
    found.sort();
    found
}

fn ids(documents: &[&Transaction]) -> Vec<String> {
    let mut ids: Vec<String> = documents.iter().map(|t| t.mail.id.clone()).collect();
    ids.sort();
    ids
}

pub async fn neighbours_share_a_queue_id_or_a_message_id(store: &dyn Store) {
    let child = message_with("4F2", 0, |t| t.email.message_id = Some("One@example.org".into()));
    let parent = linked("4F1", 0, "4F2");
    let other_case = message("4f2", 0);
    let same_message = message_with("4F3", 0, |t| t.email.message_id = Some("One@example.org".into()));
    let stranger = linked("4F4", 0, "4F5");
    create(store, &[child.clone(), parent.clone(), other_case, same_message.clone(), stranger]).await;
    assert_eq!(neighbours(store, &["4F2"], &[], range(0, 60)).await, ids(&[&child, &parent]));
    assert_eq!(neighbours(store, &[], &["One@example.org"], range(0, 60)).await, ids(&[&child, &same_message]));
    assert_eq!(
        neighbours(store, &["4F1"], &["One@example.org"], range(0, 60)).await,
        ids(&[&parent, &child, &same_message])
    );
    assert!(neighbours(store, &[], &[], range(0, 60)).await.is_empty());
}

pub async fn neighbours_that_are_known_are_left_out(store: &dyn Store) {
    let documents = [message("4F1", 0), linked("4F2", 0, "4F1"), linked("4F3", 0, "4F1")];
    create(store, &documents).await;
    let known = BTreeSet::from([documents[0].mail.id.clone(), documents[2].mail.id.clone()]);
    let traces = Traces {
        queue_ids: vec!["4F1".into()],
        message_ids: Vec::new(),
        within: range(0, 60),
        known: known.clone(),
        most: usize::MAX,
    };
    assert_eq!(found(store, &traces).await, ids(&[&documents[1]]));
    // Whatever the number of known documents.
    let many = (0..20_000).map(|n| format!("{n:06}")).chain(known).collect();
    assert_eq!(found(store, &Traces { known: many, ..traces }).await, ids(&[&documents[1]]));
}

pub async fn neighbours_keep_to_their_range_and_bring_all_parts(store: &dyn Store) {
    let long_ago = message_with("4F2", 0, |t| t.event.end = at(2));
    let parts = [part_of("4F2", 30, 0, 2), part_of("4F2", 30, 1, 2)];
    create(store, &[long_ago.clone(), parts[0].clone(), parts[1].clone()]).await;
    assert_eq!(neighbours(store, &["4F2"], &[], range(20, 60)).await, ids(&[&parts[0], &parts[1]]));
    assert_eq!(neighbours(store, &["4F2"], &[], range(2, 3)).await, ids(&[&long_ago]));
}
