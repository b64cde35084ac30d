//! Documents for the contract, built from little, and the first steps of most tests.

use mailstitch::{
    model::{
        LineId, Range, Time, Transaction,
        transaction::{
            DATASET, ECS_VERSION, Ecs, EventInfo, Evidence, Host, Kind, Mail, Origin, Outcome, Recipient,
            RecipientStatus, Relay, SCHEMA, Service, Status, Tls,
        },
    },
    store::{Put, QueueKey, Report, Search, Store, Stored},
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// 2026-11-22T20:00:00Z
const BEGINNING: Time = Time(1_795_377_600_000);

/// `minutes` after the start of all tests.
pub fn at(minutes: i64) -> Time {
    BEGINNING.plus(minutes * 60_000)
}

/// From one minute to another.
pub fn range(from: i64, to: i64) -> Range {
    Range { from: at(from), to: at(to) }
}

/// A range that covers everything tests write.
pub fn always() -> Range {
    range(-1_000_000, 1_000_000)
}

/// A delivered message on host `mx1`, one minute long, from `sender@example.org`, without recipients; tests change
/// what matters.
pub fn message(queue_id: &str, start_minute: i64) -> Transaction {
    let (start, end) = (at(start_minute), at(start_minute + 1));
    let mut t = Transaction {
        timestamp: start,
        event: EventInfo {
            start,
            end,
            duration: 60_000_000_000,
            kind: "event".into(),
            category: ["email".into()],
            dataset: DATASET,
            outcome: Outcome::Success,
        },
        ecs: Ecs { version: ECS_VERSION },
        host: Host { name: "mx1".into() },
        service: Service { kind: "postfix".into(), name: "postfix".into() },
        email: Default::default(),
        source: Default::default(),
        user: Default::default(),
        tls: Default::default(),
        related: Default::default(),
        mail: Mail {
            id: String::new(),
            kind: Kind::Message,
            origin: Origin::Smtp,
            status: Status::Delivered,
            complete: true,
            gap: false,
            arrival: None,
            size: Some(1_234),
            nrcpt: Some(1),
            attempts: 1,
            part: 0,
            parts: 1,
            helo: None,
            protocol: None,
            auth: Default::default(),
            recipients: Vec::new(),
            links: Vec::new(),
            rejects: Vec::new(),
            warnings: Vec::new(),
            filters: Vec::new(),
            lines: vec![Evidence {
                id: LineId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
                time: start,
                program: "postfix/qmgr".into(),
                pid: Some(4711),
                text: format!("{queue_id}: removed").into(),
                context: false,
            }],
            brief: Vec::new(),
            omitted: Default::default(),
            journey: String::new(),
            schema: SCHEMA,
        },
    };
    t.email.local_id = Some(queue_id.into());
    t.email.from.address = Some("sender@example.org".into());
    t.mail.id = id_of(&t);
    t
}

/// Like [`message`], changed by `change`; the id follows host and queue id.
pub fn message_with(queue_id: &str, start_minute: i64, change: impl FnOnce(&mut Transaction)) -> Transaction {
    let mut t = message(queue_id, start_minute);
    change(&mut t);
    t.mail.id = id_of(&t);
    t
}

/// Part `part` of a large message.
pub fn part_of(queue_id: &str, start_minute: i64, part: u32, parts: u32) -> Transaction {
    message_with(queue_id, start_minute, |t| (t.mail.part, t.mail.parts) = (part, parts))
}

/// A delivered recipient.
pub fn recipient(address: &str) -> Recipient {
    Recipient {
        address: address.into(),
        orig_to: None,
        status: RecipientStatus::Sent,
        is_final: true,
        dsn: Some("2.0.0".into()),
        reply: Some("250 2.0.0 Ok".into()),
        relay: Relay::default(),
        transport: None,
        delay_s: Some(0.25),
        delays_s: None,
        queued_as: None,
        attempts: 1,
        first_attempt: None,
        last_attempt: None,
        tls: Tls::default(),
        history: Vec::new(),
    }
}

/// An id in the form of all document ids: 12 hex digits of the time, a hash, and the number of a further part.
fn id_of(t: &Transaction) -> String {
    let mut hasher = DefaultHasher::new();
    (&t.host.name, &t.email.local_id).hash(&mut hasher);
    let id = format!("{:012x}-{:016x}", t.event.start.0, hasher.finish());
    if t.mail.part == 0 { id } else { format!("{id}-{}", t.mail.part) }
}

/// The key of a document of [`message`].
pub fn key(queue_id: &str) -> QueueKey {
    QueueKey { host: "mx1".to_owned(), queue_id: queue_id.to_owned() }
}

/// Puts that create these documents.
pub fn new(documents: &[Transaction]) -> Arc<[Put]> {
    documents.iter().map(|t| Put { transaction: t.clone(), expected: None }).collect()
}

/// Creates documents, which must not exist yet, and makes them visible.
pub async fn create(store: &dyn Store, documents: &[Transaction]) {
    assert_eq!(store.put(new(documents)).await.unwrap(), Report::default());
    store.refresh().await.unwrap();
}

/// The document with this id, which must exist.
pub async fn get(store: &dyn Store, id: &str) -> Stored {
    let mut found = store.get(&[id.to_owned()]).await.unwrap();
    assert_eq!(found.len(), 1, "{id}");
    found.remove(0)
}

/// The queue ids of the results of a search, in their order.
pub async fn found(store: &dyn Store, search: Search) -> Vec<String> {
    queue_ids(&store.search(&search).await.unwrap())
}

/// The queue ids of at most ten results for these terms.
pub async fn found_by(store: &dyn Store, terms: &[&str]) -> Vec<String> {
    let terms = terms.iter().map(|term| (*term).to_owned()).collect();
    found(store, Search { terms, within: None, limit: 10 }).await
}

/// All documents of all pages.
pub async fn pages(store: &dyn Store, within: Option<Range>) -> Vec<Transaction> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.page(after.as_deref(), within).await.unwrap();
        all.extend(page.transactions);
        match page.after {
            Some(last) => {
                assert_eq!(Some(&last), all.last().map(|t| &t.mail.id), "a page ends with its last document");
                after = Some(last);
            }
            None => return all,
        }
    }
}

pub fn ids(documents: &[Transaction]) -> Vec<String> {
    documents.iter().map(|t| t.mail.id.clone()).collect()
}

pub fn queue_ids(documents: &[Transaction]) -> Vec<String> {
    documents.iter().filter_map(|t| t.email.local_id.as_ref().map(ToString::to_string)).collect()
}

pub fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}
