//! Two machines that give one message two documents: what no version catches.

use super::*;
use crate::{
    model::{Intake, Time},
    store::memory::MemoryStore,
};

const BEGINNING: Time = Time(1_795_377_600_000);

fn key() -> Key {
    Key { host: "mx1".into(), instance: "".into(), queue_id: "4F1A2B3C4D".into() }
}

fn lines() -> Vec<Line> {
    let mut intake = Intake::default();
    let texts = [
        "client=c.example.org[192.0.2.7]",
        "message-id=<1@example.org>",
        "from=<a@example.org>, size=900, nrcpt=1 (queue active)",
        "to=<b@example.net>, relay=x[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (ok)",
        "removed",
    ];
    let mut line = |(n, text): (i64, &str)| {
        intake.line(BEGINNING.plus(n * 1000), "mx1", "postfix/x", Some(1), &format!("4F1A2B3C4D: {text}")).unwrap()
    };
    (0..).zip(texts).map(&mut line).collect()
}

/// Writes some of the lines as a machine does that has looked and found nothing.
async fn written(store: &MemoryStore, lines: &[Line]) -> (BTreeMap<Key, Work>, Merged) {
    let mut merged = Merged::default();
    let work = BTreeMap::from([(key(), Work::new(lines.to_vec()))]);
    let created = write(store, work, &Rules::default(), &mut merged).await.unwrap();
    (created, merged)
}

#[tokio::test]
async fn two_documents_that_two_machines_made_of_one_message_become_one() {
    let store = MemoryStore::default();
    let lines = lines();
    let (ours, mut merged) = written(&store, &lines[..2]).await;
    written(&store, &lines[2..]).await;
    assert_eq!(store.export().len(), 2, "a short id has its time from its first line");
    look_again(&store, ours, &Rules::default(), &mut merged).await.unwrap();
    let all = store.export();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].mail.lines.len(), all[0].mail.complete), (5, true));
}

#[tokio::test]
async fn what_stands_alone_is_left_as_it_is() {
    let store = MemoryStore::default();
    let (ours, mut merged) = written(&store, &lines()).await;
    let before = merged.clone();
    look_again(&store, ours, &Rules::default(), &mut merged).await.unwrap();
    assert_eq!((store.export().len(), merged), (1, before));
}

/// A chunk is bounded by keys and by lines, and holds a key at least.
#[test]
fn chunks_are_of_a_bearable_size() {
    let all = lines();
    let key = key();
    let sizes = |sets: &[usize]| -> Vec<usize> {
        let sets: Vec<(&Key, Vec<&Line>)> = sets.iter().map(|n| (&key, vec![&all[0]; *n])).collect();
        chunks(&sets).iter().map(|chunk| chunk.len()).collect()
    };
    assert_eq!(sizes(&vec![1; KEYS_AT_ONCE + 1]), [KEYS_AT_ONCE, 1]);
    assert_eq!(sizes(&[LINES_AT_ONCE + 1, 1]), [1, 1]);
    assert_eq!(sizes(&[LINES_AT_ONCE - 1, 1, 1]), [2, 1]);
    assert!(sizes(&[]).is_empty());
}

#[test]
fn the_parts_of_a_large_message_are_known_from_any() {
    let mut t = stitch::fold(&key(), &lines().iter().collect::<Vec<_>>(), &Rules::default()).remove(0);
    t.mail.id = "01a-0f".into();
    assert!(parts_of(&t).is_empty());
    t.mail.parts = 3;
    let all = ["01a-0f", "01a-0f-1", "01a-0f-2"];
    assert_eq!(parts_of(&t), all);
    (t.mail.id, t.mail.part) = ("01a-0f-2".into(), 2);
    assert_eq!(parts_of(&t), all);
}
