//! One installation: a configuration, its state directory and its store.
//!
//! In: TOML of a source and of a store.  Out: runs of the program at times that the test sets, and its export.

use crate::{common::Workspace, servers::Engine};
use mailstitch::model::Time;

pub struct Setup {
    pub place: Workspace,
}

impl Setup {
    /// Buckets of a second: the real lines last less than a minute.
    pub fn new(source: &str, store: &str, first: &str) -> Self {
        let place = Workspace::new();
        place.write(
            "config.toml",
            format!(
                "state_dir = \"state\"\ninstances = [\"postfix-out\"]\n\
                 [window]\nbucket = \"1s\"\nsettle = \"0s\"\nfirst = \"{first}\"\n{source}\n{store}\n"
            ),
        );
        Self { place }
    }

    #[track_caller]
    pub fn succeed(&self, now: Time, arguments: &[&str]) -> String {
        let now = now.to_string();
        self.place.succeed(["-c", "config.toml", "--now", &now].iter().chain(arguments))
    }

    /// Runs again and again, with the clock moved on by `step_ms` each time, until it has reached `to`.
    #[track_caller]
    pub fn run_in_windows(&self, from: Time, to: Time, step_ms: i64) {
        let mut now = from;
        while now < to {
            now = now.plus(step_ms);
            self.succeed(now, &["run"]);
        }
    }

    /// A backfill of the whole range.
    #[track_caller]
    pub fn backfill(&self, from: Time, to: Time) {
        self.succeed(to, &["backfill", "--since", &from.to_string(), "--until", &to.to_string()]);
    }

    #[track_caller]
    pub fn export(&self, now: Time) -> Vec<String> {
        self.succeed(now, &["export"]).lines().map(str::to_owned).collect()
    }
}

pub fn sqlite() -> String {
    "[store.sqlite]\npath = \"transactions.sqlite\"".to_owned()
}

/// Source table for an index in Graylog's shape.
pub fn graylog_index(engine: &Engine, index: &str) -> String {
    format!("[source.elasticsearch]\nurl = \"{}\"\nindex = \"{index}\"\npreset = \"graylog\"", engine.url())
}

/// Asserts that two exports are equal; the message shows the first document that differs.
#[track_caller]
pub fn assert_same(found: &[String], expected: &[String], what: &str) {
    for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{what}: document {n}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}
