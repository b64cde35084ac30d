//! Tests of two machines that create two documents for one message, which no version catches, and of the merge rules.

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

/// Writes these lines as a machine does that has searched and found nothing.
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
    assert_eq!((merged.created, merged.updated, merged.deleted), (1, 1, 1));
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

/// A chunk is bounded by keys and by lines, and holds at least one key.
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
    t.mail.parts = 1;
    assert!(parts_of(&t).is_empty());
    t.mail.parts = 3;
    let all = ["01a-0f", "01a-0f-1", "01a-0f-2"];
    assert_eq!(parts_of(&t), all);
    (t.mail.id, t.mail.part) = ("01a-0f-2".into(), 2);
    assert_eq!(parts_of(&t), all);
}

#[test]
fn the_end_of_an_id_is_no_number_of_a_part() {
    let mut t = stitch::fold(&key(), &lines().iter().collect::<Vec<_>>(), &Rules::default()).remove(0);
    (t.mail.id, t.mail.parts) = ("01a-0".into(), 2);
    assert_eq!(parts_of(&t), ["01a-0", "01a-0-1"]);
}

#[test]
fn the_changes_of_two_stretches_add_up() {
    let one = Merged { created: 1, updated: 2, deleted: 3, journeys: 4, ..Merged::default() };
    let mut both = Merged { created: 10, updated: 20, deleted: 30, journeys: 40, ..Merged::default() };
    both.changed.insert("b".into(), None);
    both.add(Merged { changed: Changed::from([("a".to_owned(), None)]), ..one });
    assert_eq!((both.created, both.updated, both.deleted, both.journeys), (11, 22, 33, 44));
    assert_eq!(both.changed.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_the_store_refused_is_kept_with_its_reason() {
    let transaction = stitch::fold(&key(), &lines().iter().collect::<Vec<_>>(), &Rules::default()).remove(0);
    let mut other = transaction.clone();
    other.mail.id = "another".into();
    let sent = [Put { transaction: transaction.clone(), expected: None }, Put { transaction: other, expected: None }];
    let mut merged = Merged::default();
    merged.refuse(&sent, vec![(transaction.mail.id.clone(), "odd".to_owned())]);
    assert_eq!(merged.refused, [(transaction, "odd".to_owned())]);
}

/// Lines of a message on two hosts; the first relays it to the second.
fn hops() -> [Vec<Line>; 2] {
    let mut intake = Intake::default();
    let mut hop = |host: &str, seconds: i64, id: &str, texts: [&str; 5]| -> Vec<Line> {
        let mut line = |(n, text): (i64, &str)| {
            let time = BEGINNING.plus((seconds + n) * 1000);
            intake.line(time, host, "postfix/x", Some(1), &format!("{id}: {text}")).unwrap()
        };
        (0..).zip(texts).map(&mut line).collect()
    };
    let first = [
        "client=c.example.org[192.0.2.7]",
        "message-id=<1@example.org>",
        "from=<a@example.org>, size=900, nrcpt=1 (queue active)",
        "to=<b@example.net>, relay=mx2[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D2E3F40)",
        "removed",
    ];
    let second = [
        "client=mx1[192.0.2.1]",
        "message-id=<1@example.org>",
        "from=<a@example.org>, size=900, nrcpt=1 (queue active)",
        "to=<b@example.net>, relay=local, delay=1, dsn=2.0.0, status=sent (delivered to mailbox)",
        "removed",
    ];
    [hop("mx1", 0, "4F1A2B3C4D", first), hop("mx2", 1, "7C1D2E3F40", second)]
}

async fn merged(store: &MemoryStore, lines: &[Line]) -> Merged {
    let rules = Rules::default();
    merge(store, stitch::gather(lines, |_| false, &rules), &rules).await.unwrap()
}

fn journeys_of(store: &MemoryStore) -> BTreeSet<String> {
    store.export().iter().map(|t| t.mail.journey.clone()).collect()
}

#[tokio::test]
async fn a_second_hop_joins_the_journey_of_the_first() {
    let store = MemoryStore::default();
    let [first, second] = hops();
    let one = merged(&store, &second).await;
    assert_eq!((one.created, one.updated, one.journeys), (1, 0, 0));
    let two = merged(&store, &first).await;
    assert_eq!((two.created, two.updated, two.journeys), (1, 0, 1));
    assert_eq!((store.export().len(), journeys_of(&store).len()), (2, 1));
}

#[tokio::test]
async fn hops_that_come_together_have_one_journey_from_the_start() {
    let store = MemoryStore::default();
    let both = hops().concat();
    let all = merged(&store, &both).await;
    assert_eq!((all.created, all.updated, all.journeys, journeys_of(&store).len()), (2, 0, 0, 1));
    let again = merged(&store, &both).await;
    assert_eq!((again.created, again.updated, again.deleted, again.settled.len()), (0, 0, 0, 2));
}

/// A unique id is written without reading first, so the conflict is the first sign of the other machine.
#[tokio::test]
async fn a_document_that_another_machine_made_meanwhile_is_united_with_ours() {
    let store = MemoryStore::default();
    let renamed = |line: &Line| {
        let text = line.text.replace("4F1A2B3C4D", "4dhRlh0sf8z9rvS");
        Intake::default().line(line.time, "mx1", "postfix/x", Some(1), &text).unwrap()
    };
    let lines: Vec<Line> = lines().iter().map(renamed).collect();
    let one = merged(&store, &lines[..2]).await;
    let two = merged(&store, &lines[2..]).await;
    assert_eq!((one.created, one.updated), (1, 0));
    assert_eq!((two.created, two.updated), (0, 1));
    let all = store.export();
    assert_eq!((all.len(), all[0].mail.lines.len(), all[0].mail.complete), (1, 5, true));
}

#[tokio::test]
async fn a_document_is_folded_anew_from_its_own_lines() {
    let store = MemoryStore::default();
    let refused =
        "NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 554 5.7.1 no; from=<a@example.org> to=<b@example.net>";
    let mut lines = lines();
    lines.push(Intake::default().line(BEGINNING, "mx1", "postfix/smtpd", Some(2), refused).unwrap());
    merged(&store, &lines).await;
    let before = store.export();
    let ids: Vec<String> = before.iter().map(|t| t.mail.id.clone()).collect();
    assert_eq!(ids.len(), 2);
    let mut spoilt = store.get(&ids).await.unwrap();
    let puts: Vec<Put> = spoilt
        .drain(..)
        .map(|mut stored| {
            stored.transaction.mail.complete = !stored.transaction.mail.complete;
            Put { transaction: stored.transaction, expected: Some(stored.version) }
        })
        .collect();
    store.put(puts.into()).await.unwrap();
    let folded = refold(&store, &ids, &Rules::default()).await.unwrap();
    assert_eq!((folded.created, folded.updated, folded.deleted), (0, 2, 0));
    assert_eq!(store.export(), before);
    let folded = refold(&store, &ids, &Rules::default()).await.unwrap();
    assert_eq!((folded.created, folded.updated, folded.deleted), (0, 0, 0));
}

/// The second of two equal writes is a conflict.
#[tokio::test]
async fn a_line_alone_that_is_named_twice_is_folded_once() {
    let store = MemoryStore::default();
    let refused =
        "NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 554 5.7.1 no; from=<a@example.org> to=<b@example.net>";
    merged(&store, &[Intake::default().line(BEGINNING, "mx1", "postfix/smtpd", Some(2), refused).unwrap()]).await;
    let id = store.export().remove(0).mail.id;
    let mut stored = store.get(std::slice::from_ref(&id)).await.unwrap().remove(0);
    stored.transaction.email.message_id = Some("odd@example.org".into());
    store.put([Put { transaction: stored.transaction, expected: Some(stored.version) }].into()).await.unwrap();
    let folded = refold(&store, &[id.clone(), id], &Rules::default()).await.unwrap();
    assert_eq!((folded.created, folded.updated, folded.deleted), (0, 1, 0));
    assert_eq!(store.export()[0].email.message_id, None);
}

#[tokio::test]
async fn a_plan_knows_the_message_id_that_a_document_had_before() {
    let store = MemoryStore::default();
    written(&store, &lines()).await;
    let ids: Vec<String> = store.export().into_iter().map(|t| t.mail.id).collect();
    let mut stored = store.get(&ids).await.unwrap().remove(0);
    stored.transaction.email.message_id = Some("former@example.org".into());
    let mut work = Work::new(lines());
    work.unite(stored);
    let mut plan = Plan::default();
    plan.add(&key(), &work, &Rules::default());
    assert_eq!(plan.former[&ids[0]].message_ids, [Text::from("former@example.org")]);
    assert_eq!(plan.puts.each_ref().map(Vec::len), [0, 1], "part 0 is written last");
}

#[tokio::test]
async fn a_document_that_another_machine_changed_is_not_deleted() {
    let store = MemoryStore::default();
    written(&store, &lines()).await;
    let [_, second] = hops();
    merged(&store, &second).await;
    let ids: Vec<String> = store.export().into_iter().map(|t| t.mail.id).collect();
    let mut found = store.get(&ids).await.unwrap();
    let (ours, theirs) = (found.remove(0), found.remove(0));
    let version = |stored: &Stored| (stored.transaction.mail.id.clone(), stored.version);
    let deletes = vec![version(&ours), (version(&theirs).0, ours.version)];
    let keys = HashMap::from([(deletes[0].0.clone(), key()), (deletes[1].0.clone(), key())]);
    let mut merged = Merged { deleted: 4, ..Merged::default() };
    let lost = Plan { deletes, keys, ..Plan::default() }.carry_out(&store, &mut merged).await.unwrap();
    assert_eq!((merged.deleted, store.export().len()), (5, 1));
    assert_eq!(lost[&key()], ids.into_iter().collect(), "all of the key is read again");
}

/// A message with so many recipients that its document has parts, under a unique id.
fn mass_mail() -> Vec<Line> {
    let mut intake = Intake::default();
    let mut texts = vec!["from=<a@example.org>, size=900, nrcpt=1200 (queue active)".to_owned()];
    let delivery = |n| format!("to=<{n}@example.net>, relay=x[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (ok)");
    texts.extend((0..1200).map(delivery));
    texts.push("removed".to_owned());
    let mut line = |(n, text): (i64, String)| {
        let text = format!("4dhRlh0sf8z9rvS: {text}");
        intake.line(BEGINNING.plus(n * 1000), "mx1", "postfix/x", Some(1), &text).unwrap()
    };
    (0..).zip(texts).map(&mut line).collect()
}

#[tokio::test]
async fn a_late_line_of_a_large_message_leaves_all_its_parts() {
    let (all, cut) = (MemoryStore::default(), MemoryStore::default());
    let lines = mass_mail();
    merged(&all, &lines).await;
    let (last, others) = lines.split_last().unwrap();
    merged(&cut, others).await;
    merged(&cut, std::slice::from_ref(last)).await;
    assert_eq!(all.export().len(), 2);
    assert_eq!(cut.export(), all.export());
}

#[tokio::test]
async fn a_part_is_folded_anew_with_all_of_its_message() {
    let store = MemoryStore::default();
    merged(&store, &mass_mail()).await;
    let before = store.export();
    for part in &before {
        let folded = refold(&store, std::slice::from_ref(&part.mail.id), &Rules::default()).await.unwrap();
        assert_eq!((folded.created, folded.updated, folded.deleted), (0, 0, 0));
        assert_eq!(store.export(), before);
    }
}
