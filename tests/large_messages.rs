//! Large messages: twenty thousand recipients, hundreds of attempts, and lines that come late for one of them.

use mailstitch::{
    model::{Intake, Line, Time, Transaction, transaction::RecipientStatus},
    stitch::{self, Rules},
    store::{Store, memory::MemoryStore, sqlite::SqliteStore},
    write::{journeys, merge},
};
use std::collections::BTreeSet;

const START: Time = Time(1_795_378_800_000);
const QUEUE_ID: &str = "986E8321F2";

fn line(intake: &mut Intake, after_ms: i64, program: &str, text: &str) -> Line {
    intake.line(START.plus(after_ms), "mx1", program, Some(7), &format!("{QUEUE_ID}: {text}")).expect("a time of lines")
}

fn delivery(intake: &mut Intake, after_ms: i64, n: usize, status: &str) -> Line {
    let text = format!(
        "to=<r{n}@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=1, delays=0/0/0.5/0.5, dsn=2.0.0, status={status} (250 2.0.0 Ok)"
    );
    line(intake, after_ms, "postfix/smtp", &text)
}

fn list(recipients: usize) -> Vec<Line> {
    let mut intake = Intake::default();
    let i = &mut intake;
    let mut lines = vec![
        line(i, 0, "postfix/smtpd", "client=client.example.org[192.0.2.7]"),
        line(i, 10, "postfix/cleanup", "message-id=<list@example.org>"),
        line(i, 20, "postfix/qmgr", &format!("from=<list@example.org>, size=1000, nrcpt={recipients} (queue active)")),
    ];
    lines.extend((0..recipients).map(|n| delivery(&mut intake, 1000 + n as i64, n, "sent")));
    lines.push(line(&mut intake, 100_000, "postfix/qmgr", "removed"));
    lines
}

async fn index(store: &dyn Store, lines: &[Line]) {
    let mut lines = lines.to_vec();
    stitch::unite(&mut lines);
    let rules = Rules::default();
    let gathered = stitch::gather(&lines, |_| false, &rules);
    let merged = merge::merge(store, gathered, &rules).await.unwrap();
    journeys::settle(store, merged.changed).await.unwrap();
    store.refresh().await.unwrap();
}

async fn export(store: &dyn Store) -> Vec<Transaction> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.page(after.as_deref(), None).await.unwrap();
        all.extend(page.transactions);
        after = page.after;
        if after.is_none() {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_recipients_are_thirty_two_parts() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::new(dir.path().join("t.sqlite"), mailstitch::access::Access::default());
    store.prepare().await.unwrap();
    index(&store, &list(20_000)).await;
    let found = export(&store).await;
    assert_eq!(found.len(), 32);
    let recipients: BTreeSet<&str> =
        found.iter().flat_map(|t| &t.mail.recipients).map(|r| r.address.as_str()).collect();
    assert_eq!(recipients.len(), 20_000);
    assert_eq!(found.iter().map(|t| t.mail.lines.len()).sum::<usize>(), 20_004);
    assert!(found.iter().all(|t| t.mail.parts == 32 && t.mail.nrcpt == Some(20_000) && t.mail.attempts == 20_000));
    assert_eq!(found.iter().map(|t| &t.mail.journey).collect::<BTreeSet<_>>().len(), 1);
    let parts: BTreeSet<u32> = found.iter().map(|t| t.mail.part).collect();
    assert_eq!(parts, (0..32).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_outgrows_its_parts_ends_as_one_that_came_at_once() {
    let lines = list(5000);
    let whole = MemoryStore::default();
    index(&whole, &lines).await;
    let grown = MemoryStore::default();
    for stretch in lines.chunks(1700).rev() {
        index(&grown, stretch).await;
    }
    assert_eq!(grown.export().len(), 8);
    assert_eq!(grown.export(), whole.export());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_hundreds_of_attempts_the_middle_keeps_only_time_and_dsn() {
    let mut intake = Intake::default();
    let mut lines = list(0);
    lines.pop();
    lines.extend((0..500).map(|n| delivery(&mut intake, 4_000_000 * (n + 1), 1, "deferred")));
    let whole = MemoryStore::default();
    index(&whole, &lines).await;
    let one = &whole.export()[0];
    assert_eq!((one.mail.recipients[0].attempts, one.mail.lines.len()), (500, 203));
    assert_eq!((one.mail.omitted.lines, one.mail.omitted.attempts), (300, 300));
    let left: Vec<&str> = one.mail.brief.iter().map(|brief| &*brief.text).collect();
    assert_eq!(left, ["986E8321F2: to=<r1@example.net>, relay=…, dsn=2.0.0, status=deferred (…)"]);
    assert_eq!(one.mail.recipients[0].first_attempt, Some(START.plus(4_000_000)));
    assert_eq!(one.mail.recipients[0].status, RecipientStatus::Deferred);
    assert_eq!(one.mail.recipients[0].relay.domain.as_deref(), Some("mx.example.net"));
    let whole_replies = one.mail.recipients[0].history.iter().filter(|a| a.reply.is_some()).count();
    assert_eq!(whole_replies, 200);
    assert!(one.mail.recipients[0].history.iter().all(|a| a.dsn.as_deref() == Some("2.0.0")));

    let grown = MemoryStore::default();
    for stretch in lines.chunks(60) {
        index(&grown, stretch).await;
    }
    assert_eq!(grown.export(), whole.export());
}
