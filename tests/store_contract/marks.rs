//! Promises on the marks of ledgers.

use crate::fixture::{at, create, message, range};
use mailstitch::store::{Search, Store};
use std::collections::BTreeMap;

pub async fn a_mark_is_found_by_its_ledger_and_by_nobody_else(store: &dyn Store) {
    let transaction = message("4F1A2B3C4D", 0);
    let ids = [transaction.mail.id.clone()];
    create(store, &[transaction]).await;
    let places = store.mark("one", 1, &ids).await.unwrap();
    assert_eq!(places.len(), 1);
    assert_eq!(store.mark("one", 7, &ids).await.unwrap(), places);
    let found = BTreeMap::from([(places[0].clone(), 7)]);
    assert_eq!(store.marks("one", &places).await.unwrap(), found);
    assert!(store.marks("two", &places).await.unwrap().is_empty());
    assert!(store.marks("two", &[]).await.unwrap().is_empty());
}

pub async fn a_mark_is_no_transaction(store: &dyn Store) {
    let transaction = message("4F1A2B3C4D", 0);
    let ids = [transaction.mail.id.clone()];
    create(store, &[transaction]).await;
    store.mark("one", 1, &ids).await.unwrap();
    store.refresh().await.unwrap();
    assert_eq!(store.page(None, None).await.unwrap().transactions.len(), 1);
    assert_eq!(store.page(None, Some(range(0, 100))).await.unwrap().transactions.len(), 1);
    assert_eq!(store.search(&Search { limit: 10, ..Search::default() }).await.unwrap().len(), 1);
    assert_eq!(store.summary().await.unwrap().documents, 1);
    assert_eq!(store.prune(at(1_000_000_000), true).await.unwrap(), 1);
    assert_eq!(store.prune(at(1_000_000_000), false).await.unwrap(), 1);
    store.refresh().await.unwrap();
    assert!(store.page(None, None).await.unwrap().transactions.is_empty());
}
