//! Promises of `search`, which `trace` asks.

use crate::fixture::{at, create, found, found_by, get, message, message_with, part_of, range, recipient};
use mailstitch::{
    model::{
        Transaction,
        transaction::{Link, Rel, Remark, Verdict},
    },
    store::{Put, Search, Store},
};

/// A message with a different term in every place that a search looks at.
fn everywhere() -> Transaction {
    message_with("3xYz", 0, |t| {
        t.host.name = "relay7".into();
        t.email.message_id = Some("One.Two@Example.ORG".into());
        t.email.from.address = Some("From@example.org".into());
        t.email.to.address = vec!["Final@example.org".into()];
        t.source.ip = Some("192.0.2.1".into());
        t.source.domain = Some("Client.example.net".into());
        t.user.name = Some("login".into());
        t.related.ip = vec!["192.0.2.1".into(), "2001:db8::25".into()];
        t.related.hosts = vec!["helo.example.com".into(), "relay7".into()];
        t.related.user = vec!["login".into(), "other".into()];
        let mut to = recipient("Final@example.org");
        to.orig_to = Some("Alias@example.org".into());
        to.relay.ip = Some("198.51.100.3".into());
        to.relay.domain = Some("MX.example.net".into());
        to.queued_as = Some("4jXnextHop".into());
        t.mail.recipients = vec![to];
        let remark = |address: &str| Remark {
            stage: None,
            code: Some(550),
            dsn: None,
            text: "refused".into(),
            recipient: Some(address.into()),
        };
        t.mail.rejects = vec![remark("Refused@example.net")];
        t.mail.warnings = vec![remark("Held@example.net")];
        t.mail.filters = vec![Verdict {
            name: "amavis".into(),
            verdict: "Blocked".into(),
            score: None,
            detail: None,
            recipients: vec!["one@example.net".into(), "Judged@example.net".into()],
        }];
        let link = |queue_id, message_id: Option<&str>| Link {
            rel: Rel::Bounce,
            queue_id,
            host: None,
            message_id: message_id.map(Into::into),
        };
        t.mail.links = vec![link(Some("9C2D96093D".into()), None), link(None, Some("Notice@example.org"))];
        t.mail.journey = "00ff00ff00ff00ff".to_owned();
    })
}

pub async fn every_kind_of_term_is_found(store: &dyn Store) {
    let t = everywhere();
    create(store, &[t.clone(), message("4F1", 0)]).await;
    for term in [
        "3xYz",
        &t.mail.id,
        "00ff00ff00ff00ff",
        "relay7",
        "one.two@example.org",
        "from@example.org",
        "final@example.org",
        "alias@example.org",
        "192.0.2.1",
        "2001:db8::25",
        "198.51.100.3",
        "client.example.net",
        "helo.example.com",
        "mx.example.net",
        "login",
        "other",
        "4jXnextHop",
        "9C2D96093D",
        "notice@example.org",
        "refused@example.net",
        "held@example.net",
        "judged@example.net",
        "<one.two@example.org>",
        "<from@example.org>",
    ] {
        assert_eq!(found_by(store, &[term]).await, ["3xYz"], "{term}");
    }
}

pub async fn case_matters_only_in_queue_ids(store: &dyn Store) {
    create(store, &[everywhere()]).await;
    for term in [
        "ONE.TWO@EXAMPLE.ORG",
        "FROM@EXAMPLE.ORG",
        "fINAL@eXAMPLE.oRG",
        "ALIAS@example.org",
        "RELAY7",
        "client.EXAMPLE.net",
        "mx.example.NET",
    ] {
        assert_eq!(found_by(store, &[term]).await, ["3xYz"], "{term}");
    }
    assert!(found_by(store, &["3XYZ"]).await.is_empty());
}

pub async fn a_piece_of_a_term_finds_nothing(store: &dyn Store) {
    create(store, &[everywhere()]).await;
    for term in ["from", "example.org", "from@example", "3xY", "192.0.2", "192.0.2.10", "", " "] {
        assert!(found_by(store, &[term]).await.is_empty(), "{term}");
    }
}

pub async fn all_terms_must_hold(store: &dyn Store) {
    create(store, &[everywhere(), message("4F1", 0)]).await;
    assert_eq!(found_by(store, &["From@example.org", "final@example.org"]).await, ["3xYz"]);
    assert!(found_by(store, &["From@example.org", "sender@example.org"]).await.is_empty());
    // Whatever the number of terms.
    let mut many = vec!["from@example.org"; 40];
    assert_eq!(found_by(store, &many).await, ["3xYz"]);
    many.push("sender@example.org");
    assert!(found_by(store, &many).await.is_empty());
}

pub async fn the_newest_come_first(store: &dyn Store) {
    let all: Vec<Transaction> = [3, 1, 4, 2].map(|minute| message(&minute.to_string(), minute)).into();
    create(store, &all).await;
    let search = |limit| Search { terms: vec!["sender@example.org".to_owned()], within: None, limit };
    assert_eq!(found(store, search(10)).await, ["4", "3", "2", "1"]);
    assert_eq!(found(store, search(2)).await, ["4", "3"]);
    assert!(found(store, search(0)).await.is_empty());
}

pub async fn a_search_keeps_to_its_range(store: &dyn Store) {
    let long = message_with("long", 0, |t| t.event.end = at(100));
    create(store, &[long, message("early", 0), message("late", 50)]).await;
    let search = |terms: &[&str]| Search {
        terms: terms.iter().map(|term| (*term).to_owned()).collect(),
        within: Some(range(50, 60)),
        limit: 10,
    };
    assert_eq!(found(store, search(&["sender@example.org"])).await, ["late", "long"]);
    assert_eq!(found(store, search(&[])).await, ["late", "long"]);
    assert!(found(store, search(&["early"])).await.is_empty());
}

pub async fn a_large_message_is_found_once(store: &dyn Store) {
    create(store, &[part_of("4F1", 0, 0, 4), part_of("4F1", 0, 1, 4), part_of("4F1", 0, 2, 4)]).await;
    let found = store.search(&Search { terms: vec!["4F1".to_owned()], within: None, limit: 10 }).await.unwrap();
    assert_eq!(found.iter().map(|t| t.mail.part).collect::<Vec<_>>(), [0]);
}

pub async fn a_large_message_is_found_by_a_recipient_of_any_part(store: &dyn Store) {
    let part = |n: u32| {
        let mut t = part_of("4F1", 0, n, 16);
        t.mail.recipients = vec![recipient(&format!("r{n}@example.net"))];
        t.mail.recipients[0].orig_to = Some("list@example.org".into());
        t
    };
    let others = [message("4F0", 1), message_with("4F2", 0, |t| t.host.name = "mx2".into())];
    create(store, &(0..16).map(part).chain(others).collect::<Vec<_>>()).await;
    let parts = async |terms: &[&str], limit| {
        let terms = terms.iter().map(|term| (*term).into()).collect();
        let found = store.search(&Search { terms, within: None, limit }).await.unwrap();
        found.iter().map(|t| (t.email.local_id.clone().unwrap(), t.mail.part)).collect::<Vec<_>>()
    };
    let part = |n: u32| ("4F1".into(), n);
    assert_eq!(parts(&["r0@example.net"], 10).await, [part(0)]);
    assert_eq!(parts(&["r11@example.net"], 10).await, [part(11)]);
    assert_eq!(parts(&["sender@example.org", "r2@example.net"], 1).await, [part(2)]);
    // A term in every part finds the message once, and uses one of the results allowed.
    assert_eq!(parts(&["list@example.org"], 1).await, [part(0)]);
    let mut all = parts(&["sender@example.org"], 3).await;
    assert_eq!(all.remove(0), ("4F0".into(), 0));
    all.sort();
    assert_eq!(all, [part(0), ("4F2".into(), 0)]);
}

pub async fn an_update_moves_the_time(store: &dyn Store) {
    let old = message("4F1", 100);
    create(store, std::slice::from_ref(&old)).await;
    let expected = Some(get(store, &old.mail.id).await.version);
    let mut new = old.clone();
    (new.event.start, new.event.end) = (at(50), at(200));
    store.put([Put { transaction: new, expected }].into()).await.unwrap();
    store.refresh().await.unwrap();
    let found_in = async |from, to| {
        let terms = vec!["sender@example.org".to_owned()];
        found(store, Search { terms, within: Some(range(from, to)), limit: 10 }).await
    };
    assert_eq!((found_in(50, 51).await, found_in(199, 201).await), (vec!["4F1".to_owned()], vec!["4F1".to_owned()]));
    assert!(found_in(40, 50).await.is_empty() && found_in(201, 210).await.is_empty());
}

pub async fn an_update_moves_the_terms(store: &dyn Store) {
    let old = message_with("4F1", 0, |t| t.email.to.address = vec!["ann@example.org".into()]);
    create(store, std::slice::from_ref(&old)).await;
    let new = message_with("4F1", 0, |t| t.email.to.address = vec!["bob@example.org".into()]);
    let expected = Some(get(store, &old.mail.id).await.version);
    store.put([Put { transaction: new.clone(), expected }].into()).await.unwrap();
    store.refresh().await.unwrap();
    assert!(found_by(store, &["ann@example.org"]).await.is_empty());
    assert_eq!(found_by(store, &["bob@example.org"]).await, ["4F1"]);

    let version = get(store, &new.mail.id).await.version;
    store.delete(&[(new.mail.id, version)]).await.unwrap();
    store.refresh().await.unwrap();
    assert!(found_by(store, &["bob@example.org"]).await.is_empty());
}
