//! Test: `config.example.toml` shows every key of `raw.rs`, with its default.
//!
//! A key with a default is active in it; all others are commented out with a `#` and no space, so that the file as a
//! whole changes nothing.

use super::raw::{self, Raw};
use serde_json::{Map, Value};

const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Every table, each with its defaults.
fn every_table() -> Raw {
    Raw {
        source: raw::Source {
            file: Some(Default::default()),
            elasticsearch: Some(Default::default()),
            journal: Some(Default::default()),
            graylog: Some(Default::default()),
        },
        store: raw::Store {
            sqlite: Some(Default::default()),
            elasticsearch: Some(Default::default()),
            ..Default::default()
        },
        ..Raw::default()
    }
}

/// The example with `#key = …` and `#[table]` uncommented.
fn uncommented() -> String {
    let active = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => rest.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(active).collect::<Vec<_>>().join("\n")
}

fn json(raw: &Raw) -> Map<String, Value> {
    serde_json::to_value(raw).unwrap().as_object().unwrap().clone()
}

/// Checks that every key of `defaults` is in the example's text (`typed`), and that those with a default show it
/// (`shown`, the example read as `Raw`).
fn compare(
    path: &str,
    defaults: &Map<String, Value>,
    shown: &Map<String, Value>,
    typed: &Map<String, Value>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (key, default) in defaults {
        let path = format!("{path}{key}");
        match (default, typed.get(key)) {
            (_, None) => wrong.push(format!("`{path}` is missing")),
            // The keys of this table are the user's own.
            (Value::Object(_), Some(_)) if path == "hosts.alias" => {}
            (Value::Object(table), Some(Value::Object(typed))) => {
                let shown = shown[key].as_object().unwrap();
                wrong.extend(compare(&format!("{path}."), table, shown, typed));
            }
            (Value::Null, Some(_)) => {}
            (default, Some(_)) if *default == shown[key] => {}
            (default, Some(_)) => wrong.push(format!("`{path}` shows {}, its default is {default}", shown[key])),
        }
    }
    wrong
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let text = uncommented();
    let shown: Raw = toml::from_str(&text).unwrap();
    let typed: Map<String, Value> = toml::from_str(&text).unwrap();
    let wrong = compare("", &json(&every_table()), &json(&shown), &typed);
    assert!(wrong.is_empty(), "config.example.toml: {wrong:#?}");
}

#[test]
fn the_example_as_it_is_changes_nothing() {
    let example: Raw = toml::from_str(EXAMPLE).unwrap();
    let mut defaults = every_table();
    defaults.source.elasticsearch = None;
    defaults.source.graylog = None;
    defaults.source.journal = None;
    defaults.store.elasticsearch = None;
    defaults.state_dir = Some("/var/lib/mailstitch".into());
    assert_eq!(json(&example), json(&defaults));
}
