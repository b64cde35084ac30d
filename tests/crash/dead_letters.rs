//! Documents that a store refuses for good: kept, reported, tried again, and not lost in a crash.

use crate::{log::Growing, servers::Engine};
use serde_json::{Value, json};

const MESSAGE: &str = "\
2026-11-02T11:02:12.000+00:00 mx1 postfix/smtpd[31097]: 3A9C96093D: client=localhost[127.0.0.1]
2026-11-02T11:02:12.000+00:00 mx1 postfix/cleanup[31124]: 3A9C96093D: message-id=<1@example.org>
2026-11-02T11:02:12.000+00:00 mx1 postfix/qmgr[2638]: 3A9C96093D: from=<sender@example.org>, size=5493, nrcpt=1 (queue active)
";
const REST: &str = "\
2026-11-02T11:02:42.000+00:00 mx1 postfix/smtp[31126]: 3A9C96093D: to=<one@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=31, delays=0.01/0/30/0.24, dsn=2.0.0, status=sent (250 Ok)
2026-11-02T11:02:42.000+00:00 mx1 postfix/qmgr[2638]: 3A9C96093D: removed
";

/// A store in whose monthly index an administrator added a field that refuses documents with a size.
fn refusing(engine: &Engine) -> Growing {
    let growing = Growing::into_engine(engine);
    let alias = growing.alias();
    // Installs the template, which makes correct monthly indices.
    assert_eq!(growing.lines_read(), 0);
    let size = json!({"type": "long", "copy_to": "added"});
    let properties = json!({"added": {"type": "boolean"}, "mail": {"properties": {"size": size}}});
    engine.request("PUT", &format!("/{alias}-2026.11"), json!({"mappings": {"properties": properties}}));
    growing
}

/// The administrator's repair: the monthly index is made anew, now by the template.
fn repair(growing: &Growing, engine: &Engine) {
    engine.request("DELETE", &format!("/{}-2026.11", growing.alias()), Value::Null);
}

fn letters(growing: &Growing) -> Option<usize> {
    let text = std::fs::read_to_string(growing.workspace().file("state/dead-letters.ndjson")).ok()?;
    Some(text.lines().count())
}

#[track_caller]
fn check_refused(growing: &Growing) {
    let ran = growing.workspace().run(["--config", "mailstitch.toml", "run"]);
    assert_eq!(ran.code, 65, "{}", ran.stderr);
    let told = "1 documents were refused by the store: see `state/dead-letters.ndjson`\n";
    assert!(ran.stderr.ends_with(told), "{}", ran.stderr);
    assert_eq!(letters(growing), Some(1));
}

fn expected() -> String {
    let calm = Growing::into_sqlite();
    calm.append(&format!("{MESSAGE}{REST}"));
    calm.lines_read();
    calm.export()
}

#[test]
fn what_a_store_refuses_is_kept_and_written_when_it_can_be() {
    let engine = Engine::opensearch();
    let growing = refusing(engine);
    growing.append(MESSAGE);
    check_refused(&growing);
    // Refused again, and kept once.
    check_refused(&growing);
    repair(&growing, engine);
    growing.append(REST);
    assert_eq!(growing.lines_read(), REST.lines().count(), "the rest is from the letter");
    assert_eq!((letters(&growing), growing.export()), (None, expected()));
    growing.drop_indices(engine);
}

#[test]
fn killed_around_its_dead_letters_a_run_loses_none_and_keeps_none_twice() {
    let engine = Engine::opensearch();
    for place in ["before-mark", "after-mark"] {
        let growing = refusing(engine);
        growing.append(&format!("{MESSAGE}{REST}"));
        let killed = growing.command(&["run"]).env("MAILSTITCH_FAULT", place).output().expect("it starts");
        assert_eq!((killed.status.code(), letters(&growing)), (None, Some(1)), "{place}");
        check_refused(&growing);
        repair(&growing, engine);
        let killed = growing.command(&["run"]).env("MAILSTITCH_FAULT", "before-raised").output().expect("it starts");
        assert_eq!((killed.status.code(), letters(&growing)), (None, Some(1)), "{place}");
        assert_eq!(growing.lines_read(), 0);
        assert_eq!((letters(&growing), growing.export()), (None, expected()), "{place}");
        growing.drop_indices(engine);
    }
}
