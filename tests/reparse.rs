//! `reparse`: documents made by an older program become those of this one, from their own lines and nothing else.

mod common;
mod servers;

use common::Workspace;
use mailstitch::{
    access::Access,
    config::Environment,
    model::{
        Transaction,
        transaction::{RecipientStatus, Status},
    },
    pass::reparse::{Reached, Reparse, reparse},
    stitch::Rules,
    store::{Put, Store, elasticsearch::Elasticsearch, sqlite::SqliteStore},
};
use servers::{Engine, unique_name};
use std::{path::Path, sync::atomic::AtomicBool};

const NOW: &str = "2026-11-22T21:00:00Z";

/// A workspace whose store has the demo's log; `store` is its table in the configuration.
fn demo(store: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("c.toml", format!("state_dir = \"state\"\ninstances = [\"postfix-out\"]\n{store}"));
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/mail.log");
    workspace.succeed(["--now", NOW, "--config", "c.toml", "backfill", log.to_str().unwrap()]);
    workspace
}

fn export(workspace: &Workspace) -> String {
    workspace.succeed(["--config", "c.toml", "export"])
}

/// Shows only the first document that differs.
#[track_caller]
fn assert_same(before: &str, after: &str) {
    assert_eq!(before.lines().count(), after.lines().count());
    let other = before.lines().zip(after.lines()).find(|(before, after)| before != after);
    assert_eq!(other, None);
}

/// Changes a document into what a program that understood less would have made of the same lines.
fn older(transaction: &mut Transaction) {
    transaction.mail.schema = 0;
    transaction.mail.status = Status::Unknown;
    transaction.email.message_id = None;
    transaction.mail.rejects.clear();
    for recipient in &mut transaction.mail.recipients {
        recipient.status = RecipientStatus::Unknown;
    }
}

/// Makes all documents older; returns their ids.
async fn make_older(store: &dyn Store) -> Vec<String> {
    let ids: Vec<String> = all(store).await.into_iter().map(|t| t.mail.id).collect();
    let mut puts = Vec::new();
    for mut stored in store.get(&ids).await.unwrap() {
        older(&mut stored.transaction);
        puts.push(Put { transaction: stored.transaction, expected: Some(stored.version) });
    }
    let report = store.put(puts.into()).await.unwrap();
    assert_eq!((report.conflicts.len(), report.refused.len()), (0, 0));
    ids
}

async fn all(store: &dyn Store) -> Vec<Transaction> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
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
async fn older_documents_become_what_they_would_be_now_in_steps() {
    let workspace = demo("");
    let before = export(&workspace);
    let store = SqliteStore::new(workspace.file("state/transactions.sqlite"), Access::default());
    let ids = make_older(&store).await;
    assert!(ids.len() > 400);
    assert_ne!(export(&workspace), before);

    // Stopped after the first page, then resumed.
    let rules = Rules { instances: vec!["postfix-out".into()], ..Rules::default() };
    let mut reached = Reached::default();
    let state_dir = workspace.file("state");
    let (stopped, going) = (AtomicBool::new(true), AtomicBool::new(false));
    let step =
        |stop| Reparse { rules: &rules, state_dir: &state_dir, access: Access::default(), save: &|_| Ok(()), stop };
    let (merged, is_done) = reparse(&store, &mut reached, &step(&stopped)).await.unwrap();
    assert!(!is_done && merged.updated > 0 && (merged.updated as usize) < ids.len(), "{merged:?}");
    let (merged, is_done) = reparse(&store, &mut reached, &step(&going)).await.unwrap();
    assert!(is_done && merged.updated > 0, "{merged:?}");
    assert_eq!((merged.created, merged.deleted), (0, 0));
    assert_eq!(reached.documents, ids.len() as u64);
    assert_same(&before, &export(&workspace));

    // A second time there is nothing to do.
    let ran = workspace.run(["--now", NOW, "--config", "c.toml", "reparse"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(&format!("{} documents looked at, 0 updated, 0 created, 0 deleted", ids.len())),
        "{}",
        ran.stderr
    );
    assert_same(&before, &export(&workspace));
    assert!(!workspace.file("state/reparse.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_rebuilt_in_place() {
    let (engine, index) = (Engine::opensearch(), unique_name("transactions"));
    let table = format!("[store.elasticsearch]\nurl = \"{}\"\nindex = \"{index}\"\nreplicas = 0\n", engine.url());
    let workspace = demo(&table);
    let before = export(&workspace);
    let settings =
        mailstitch::config::load(Some(&workspace.file("c.toml")), &Environment::of([("TZ", "UTC")])).unwrap();
    let mailstitch::config::Store::Elasticsearch(settings) = settings.store else { panic!("not a cluster") };
    let store = Elasticsearch::new(settings).unwrap();
    assert!(make_older(&store).await.len() > 400);
    store.refresh().await.unwrap();
    assert_ne!(export(&workspace), before);
    let ran = workspace.run(["--now", NOW, "--config", "c.toml", "reparse"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_same(&before, &export(&workspace));
}
