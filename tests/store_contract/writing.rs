//! Promises of `put`, `delete`, `prepare` and `commit`.

use crate::fixture::{always, at, create, get, message, message_with, new, pages, recipient};
use mailstitch::{
    model::transaction::{Attempt, DelaysS, Link, RecipientStatus, Rel, Relay, Remark, Status, Verdict},
    store::{Put, Report, Store, Version},
};

fn conflict(id: &str) -> Report {
    Report { conflicts: vec![id.to_owned()], refused: Vec::new() }
}

pub async fn what_is_put_is_what_is_got(store: &dyn Store) {
    let full = message_with("4F1", 0, |t| {
        t.email.message_id = Some("1@example.org".into());
        t.email.to.address = vec!["ann@example.org".into()];
        t.source.ip = Some("2001:db8::1".into());
        t.source.port = Some(65_535);
        t.user.name = Some("ann".into());
        t.tls.version = Some("TLSv1.3".into());
        t.related.ip = vec!["192.0.2.1".into(), "2001:db8::1".into()];
        t.mail.gap = true;
        t.mail.arrival = Some(at(-5));
        t.mail.size = Some(u64::from(u32::MAX) + 1);
        t.mail.auth.method = Some("PLAIN".into());
        let relay = Relay { domain: Some("mx.example.net".into()), port: Some(25), ..Relay::default() };
        let delays = DelaysS { before_qmgr: 0.01, in_qmgr: 0.0, conn_setup: 1e-3, transmission: 86_400.5 };
        let attempt = Attempt {
            time: at(0),
            status: RecipientStatus::Deferred,
            dsn: Some("4.7.1".into()),
            relay: None,
            reply: Some("451 later".into()),
        };
        let mut ann = recipient("ann@example.org");
        (ann.relay, ann.delays_s, ann.history) = (relay, Some(delays), vec![attempt]);
        ann.first_attempt = Some(at(0));
        t.mail.recipients = vec![ann];
        t.mail.links = vec![Link { rel: Rel::Next, queue_id: Some("9A".into()), host: None, message_id: None }];
        t.mail.warnings =
            vec![Remark { stage: None, code: Some(451), dsn: None, text: "later".into(), recipient: None }];
        t.mail.filters = vec![Verdict {
            name: "amavis".into(),
            verdict: "Passed CLEAN".into(),
            score: Some(-1.5),
            detail: None,
            recipients: vec!["bob@example.org".into()],
        }];
        t.mail.journey = "0a1b".into();
    });
    create(store, std::slice::from_ref(&full)).await;
    assert_eq!(get(store, &full.mail.id).await.transaction, full);
}

pub async fn a_document_is_created_once(store: &dyn Store) {
    let first = message("4F1", 0);
    create(store, std::slice::from_ref(&first)).await;
    let second = message_with("4F1", 0, |t| t.mail.status = Status::Bounced);
    assert_eq!(store.put(new(std::slice::from_ref(&second))).await.unwrap(), conflict(&first.mail.id));
    assert_eq!(get(store, &first.mail.id).await.transaction, first);
}

pub async fn an_update_needs_the_version_it_saw(store: &dyn Store) {
    let first = message("4F1", 0);
    create(store, std::slice::from_ref(&first)).await;
    let seen = get(store, &first.mail.id).await.version;

    let second = message_with("4F1", 0, |t| t.mail.status = Status::Deferred);
    let update = |transaction: &_| [Put { transaction: Clone::clone(transaction), expected: Some(seen) }].into();
    assert_eq!(store.put(update(&second)).await.unwrap(), Report::default());
    let stored = get(store, &first.mail.id).await;
    assert_eq!(stored.transaction, second);
    assert_ne!(stored.version, seen);

    let third = message_with("4F1", 0, |t| t.mail.status = Status::Bounced);
    assert_eq!(store.put(update(&third)).await.unwrap(), conflict(&first.mail.id));
    assert_eq!(get(store, &first.mail.id).await.transaction, second);
}

pub async fn an_update_of_what_is_gone_conflicts(store: &dyn Store) {
    let t = message("4F1", 0);
    create(store, std::slice::from_ref(&t)).await;
    let seen = get(store, &t.mail.id).await.version;
    store.delete(&[(t.mail.id.clone(), seen)]).await.unwrap();
    let update = [Put { transaction: t.clone(), expected: Some(seen) }].into();
    assert_eq!(store.put(update).await.unwrap(), conflict(&t.mail.id));
    assert!(store.get(&[t.mail.id]).await.unwrap().is_empty());
}

pub async fn a_conflict_holds_up_nothing_else(store: &dyn Store) {
    create(store, &[message("B", 0)]).await;
    let all = [message("A", 0), message("B", 0), message("C", 0)];
    assert_eq!(store.put(new(&all)).await.unwrap(), conflict(&all[1].mail.id));
    get(store, &all[0].mail.id).await;
    get(store, &all[2].mail.id).await;
}

pub async fn a_delete_needs_the_version_it_saw(store: &dyn Store) {
    let t = message("4F1", 0);
    create(store, std::slice::from_ref(&t)).await;
    let seen = get(store, &t.mail.id).await.version;
    store.put([Put { transaction: t.clone(), expected: Some(seen) }].into()).await.unwrap();

    assert_eq!(store.delete(&[(t.mail.id.clone(), seen)]).await.unwrap(), conflict(&t.mail.id));
    let current = get(store, &t.mail.id).await.version;
    assert_eq!(store.delete(&[(t.mail.id.clone(), current)]).await.unwrap(), Report::default());
    store.refresh().await.unwrap();
    assert!(store.get(&[t.mail.id]).await.unwrap().is_empty());
    assert!(pages(store, Some(always())).await.is_empty());
}

pub async fn a_delete_of_what_is_gone_is_no_conflict(store: &dyn Store) {
    let t = message("4F1", 0);
    create(store, std::slice::from_ref(&t)).await;
    let gone = [(t.mail.id.clone(), get(store, &t.mail.id).await.version)];
    assert_eq!(store.delete(&gone).await.unwrap(), Report::default());
    assert_eq!(store.delete(&gone).await.unwrap(), Report::default());
}

pub async fn a_document_that_came_back_has_another_version(store: &dyn Store) {
    let t = message("4F1", 0);
    create(store, std::slice::from_ref(&t)).await;
    let first = get(store, &t.mail.id).await.version;
    store.delete(&[(t.mail.id.clone(), first)]).await.unwrap();
    create(store, std::slice::from_ref(&t)).await;
    assert_ne!(get(store, &t.mail.id).await.version, first);
    let update = [Put { transaction: t.clone(), expected: Some(first) }].into();
    assert_eq!(store.put(update).await.unwrap(), conflict(&t.mail.id));
}

pub async fn nothing_asked_is_nothing_done(store: &dyn Store) {
    assert_eq!(store.put([].into()).await.unwrap(), Report::default());
    assert_eq!(store.delete(&[]).await.unwrap(), Report::default());
    assert!(store.get(&[]).await.unwrap().is_empty());
    assert!(store.find(&[], always()).await.unwrap().is_empty());
    let never_there = (message("4F1", 0).mail.id, Version { number: 1, term: 1 });
    assert_eq!(store.delete(&[never_there]).await.unwrap(), Report::default());
}

pub async fn preparing_again_keeps_everything(store: &dyn Store) {
    let t = message("4F1", 0);
    create(store, std::slice::from_ref(&t)).await;
    store.prepare().await.unwrap();
    assert_eq!(pages(store, None).await, [t]);
}

pub async fn a_commit_keeps_everything(store: &dyn Store) {
    let t = message("4F1", 0);
    create(store, std::slice::from_ref(&t)).await;
    store.commit().await.unwrap();
    store.commit().await.unwrap();
    assert_eq!(get(store, &t.mail.id).await.transaction, t);
}
