//! `[privacy]`: what is left out of a line is left out everywhere, and nothing else changes.

mod common;

use common::{Ran, Workspace};
use mailstitch::{
    config::FileSource as Settings,
    model::{Intake, Privacy, Time, Transaction},
    source::{PositionedSource, file::FileSource},
    stitch::{self, Rules},
    store::memory::MemoryStore,
    write::{journeys, merge::merge},
};
use serde_json::Value;
use std::{fs, path::Path, sync::Arc};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The documents of a log file, read with these settings.
fn documents(path: &Path, privacy: Option<Arc<Privacy>>) -> Vec<Transaction> {
    let path = path.to_str().unwrap().to_owned();
    let settings = Settings { paths: vec![path], timezone: chrono_tz::UTC, year: Some(2026) };
    let intake = Intake::new([]).with_privacy(privacy);
    let mut source = FileSource::new(&settings, intake, Time(1_800_000_000_000), None).unwrap();
    let rules = Rules { instances: vec!["postfix-out".into()], ..Rules::default() };
    let store = MemoryStore::default();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut lines = Vec::new();
        while let Some(batch) = source.next(100_000).await.unwrap() {
            lines.extend(batch.lines);
        }
        stitch::unite(&mut lines);
        let gathered = stitch::gather(&lines, |_| false, &rules);
        let merged = merge(&store, gathered, &rules).await.unwrap();
        journeys::settle(&store, merged.changed).await.unwrap();
    });
    store.export()
}

/// A value with every address replaced, and with lists in an order that does not depend on addresses.
fn replaced(value: Value, privacy: &Privacy) -> Value {
    match value {
        Value::String(text) => privacy.text(&text).into(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(|item| replaced(item, privacy)).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::Object(fields) => {
            let field = |(key, value)| match key == "message_id" {
                true => (key, value),
                false => (key, replaced(value, privacy)),
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        other => other,
    }
}

/// The documents without anything derived from the ids of lines.
fn comparable(documents: &[Transaction], privacy: &Privacy) -> Vec<String> {
    let mut all: Vec<String> = documents
        .iter()
        .map(|document| {
            let mut document = serde_json::to_value(document).unwrap();
            let mail = document["mail"].as_object_mut().unwrap();
            mail.retain(|key, _| !["id", "lines", "journey"].contains(&key.as_str()));
            replaced(document, privacy).to_string()
        })
        .collect();
    all.sort();
    all
}

fn same_but_for_addresses(log: &Path) -> usize {
    let nothing = Privacy::new(None, false);
    let privacy = Arc::new(Privacy::new(Some(KEY), false));
    let (plain, hashed) = (documents(log, None), documents(log, Some(Arc::clone(&privacy))));
    let (expected, found) = (comparable(&plain, &privacy), comparable(&hashed, &nothing));
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found, expected, "{}", log.display());
    }
    assert_eq!(found.len(), expected.len(), "{}", log.display());
    for document in &hashed {
        for line in &document.mail.lines {
            assert_eq!(privacy.text(&line.text).matches('@').count(), line.text.matches('@').count());
        }
    }
    found.len()
}

#[test]
fn hashed_lines_give_the_documents_of_the_stories_with_hashed_addresses() {
    for story in fs::read_dir("tests/golden").unwrap() {
        same_but_for_addresses(&story.unwrap().path().join("lines.log"));
    }
}

#[test]
fn hashed_lines_give_the_documents_of_real_lines_with_hashed_addresses() {
    assert!(same_but_for_addresses(Path::new("examples/demo/mail.log")) > 400);
}

const LOG: &str = "\
2026-11-22T10:00:00.000+00:00 mx1 postfix/smtpd[10]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
2026-11-22T10:00:00.100+00:00 mx1 postfix/cleanup[11]: 4F1A2B3C4D: message-id=<1@example.org>
2026-11-22T10:00:00.150+00:00 mx1 postfix/cleanup[11]: 4F1A2B3C4D: warning: header Subject: about the lawsuit from c.example.org[192.0.2.7]; from=<Ann@example.org> to=<bob@example.net> proto=ESMTP helo=<c.example.org>
2026-11-22T10:00:00.200+00:00 mx1 postfix/qmgr[12]: 4F1A2B3C4D: from=<Ann@example.org>, size=500, nrcpt=1 (queue active)
2026-11-22T10:00:01.000+00:00 mx1 postfix/smtp[13]: 4F1A2B3C4D: to=<bob@example.net>, relay=mx.example.net[192.0.2.9]:25, delay=1, delays=0.1/0.1/0.4/0.4, dsn=5.1.1, status=bounced (host mx.example.net[192.0.2.9] said: 550 5.1.1 <bob@example.net>: unknown)
2026-11-22T10:00:01.100+00:00 mx1 postfix/qmgr[12]: 4F1A2B3C4D: removed
";

/// A workspace with the log, and a configuration for each name: state directory, database, key.
fn place(configurations: &[(&str, &str, &str, &str)]) -> Workspace {
    let place = Workspace::new();
    place.write("mail.log", LOG);
    for (name, state, database, key) in configurations {
        let privacy = match *key {
            "" => String::new(),
            key => format!("[privacy]\nlocal_parts = \"hash\"\nsubjects = \"drop\"\nkey = \"{key}\"\n"),
        };
        let (state, database) = (place.file(state), place.file(database));
        let text = format!(
            "state_dir = {state:?}\n{privacy}[source.file]\npaths = [\"mail.log\"]\n[store.sqlite]\npath = {database:?}\n"
        );
        fs::set_permissions(place.write(name, text), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    place
}

fn backfill(place: &Workspace, configuration: &str) -> Ran {
    place.run(["--config", configuration, "backfill", "mail.log"])
}

#[test]
fn nothing_of_a_person_is_kept_and_who_asks_still_finds_the_mail() {
    let place = place(&[("a.toml", "a", "a.sqlite", KEY)]);
    place.succeed(["--config", "a.toml", "backfill", "mail.log"]);
    let kept = place.succeed(["--config", "a.toml", "export"]).to_lowercase();
    assert!(kept.contains("1@example.org") && kept.contains("@example.net"), "{kept}");
    for secret in ["ann", "bob", "lawsuit", KEY] {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
    for query in ["ann@example.org", "<Bob@example.net>", "1@example.org", "4F1A2B3C4D"] {
        assert!(place.succeed(["--config", "a.toml", "trace", query]).contains("4F1A2B3C4D"), "{query}");
    }
    place.succeed(["--config", "a.toml", "trace", "ann@example.org", "1@example.org"]);
    assert_eq!(place.run(["--config", "a.toml", "trace", "eve@example.org"]).code, 1);
}

#[test]
fn what_was_written_with_another_key_or_none_is_refused() {
    const OTHER: &str = "another key of enough characters";
    let place = place(&[
        ("a.toml", "a", "a.sqlite", KEY),
        ("other_key.toml", "a", "b.sqlite", OTHER),
        ("other_key_and_state.toml", "b", "a.sqlite", OTHER),
        ("whole.toml", "a", "c.sqlite", ""),
        ("whole_and_state.toml", "c", "a.sqlite", ""),
        ("anew.toml", "d", "d.sqlite", OTHER),
    ]);
    assert_eq!(backfill(&place, "a.toml").code, 0);
    for configuration in ["other_key.toml", "other_key_and_state.toml", "whole.toml", "whole_and_state.toml"] {
        let ran = backfill(&place, configuration);
        assert_eq!(ran.code, 78, "{configuration}: {}", ran.stderr);
        assert!(ran.stderr.contains("another `[privacy]`") && ran.stderr.contains("new `state_dir`"), "{}", ran.stderr);
    }
    assert_eq!(backfill(&place, "anew.toml").code, 0);
    assert_eq!(backfill(&place, "a.toml").code, 0);
}

#[test]
fn a_directory_of_whole_lines_does_not_become_one_of_hashed_ones() {
    let place = place(&[("whole.toml", "a", "a.sqlite", ""), ("hashed.toml", "a", "b.sqlite", KEY)]);
    assert_eq!(backfill(&place, "whole.toml").code, 0);
    assert_eq!(backfill(&place, "hashed.toml").code, 78);
}
