//! An installation over an engine, and the log that reaches it late.

use crate::{
    common::{
        Ran, RawLine, Workspace,
        fiveday::{HOUR, MINUTE, Random},
        live::{BEGIN, DONE, Late, live},
    },
    servers::{Engine, Shape, unique_name},
};
use mailstitch::model::Time;
use serde_json::Value;
use std::process::Child;

/// The store of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Sqlite,
    Engine,
}

pub struct Installation {
    pub workspace: Workspace,
    pub random: Random,
    pub now: Time,
    engine: &'static Engine,
    index: String,
    alias: String,
    /// Lines that have not arrived yet.
    coming: Vec<Late>,
}

impl Installation {
    /// An installation with the log of a seed, of which nothing has arrived.
    pub fn new(seed: u64, store: Store) -> Self {
        let engine = Engine::opensearch();
        let (index, alias) = (unique_name("lines"), unique_name("transactions"));
        engine.create_index(&index, Shape::GraylogRfc3164, 1);
        let (url, workspace) = (engine.url(), Workspace::new());
        let source = format!("[source.elasticsearch]\nurl = {url:?}\nindex = {index:?}\ntimezone = \"UTC\"\n");
        let table = match store {
            Store::Sqlite => "[store.sqlite]\npath = \"mail.sqlite\"\n".to_owned(),
            Store::Engine => format!("[store.elasticsearch]\nurl = {url:?}\nindex = {alias:?}\nreplicas = 0\n"),
        };
        workspace.write("c.toml", format!("state_dir = \"state\"\n{source}{table}"));
        let calm = "[store.sqlite]\npath = \"calm.sqlite\"\n";
        workspace.write("calm.toml", format!("state_dir = \"calm\"\n{source}{calm}"));
        Self { workspace, random: Random::new(seed), now: BEGIN, engine, index, alias, coming: live(seed) }
    }

    /// Advances to the next run and lets lines arrive; `false` when all have arrived and the time is over.
    pub fn wait(&mut self) -> bool {
        self.now = self.now.plus(15 * MINUTE + self.random.below(HOUR / 2));
        let coming = std::mem::take(&mut self.coming);
        let (come, coming): (Vec<_>, Vec<_>) = coming.into_iter().partition(|late| late.arrives <= self.now);
        self.coming = coming;
        let come: Vec<RawLine> = come.into_iter().map(|late| late.line).collect();
        self.engine.load(&self.index, &come, Shape::GraylogRfc3164);
        self.now < DONE
    }

    pub fn command(&self, config: &str, arguments: &[&str]) -> Ran {
        let now = self.now.to_string();
        self.workspace.run(["--config", config, "--now", &now].iter().chain(arguments))
    }

    #[track_caller]
    pub fn run(&self) -> String {
        let ran = self.command("c.toml", &["run"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stderr
    }

    pub fn start_run(&self) -> Child {
        let now = self.now.to_string();
        self.workspace.command(["--config", "c.toml", "--now", &now, "run"]).spawn().expect("it starts")
    }

    /// Two last runs, which also count the horizon; then the documents must be those of one pass.
    #[track_caller]
    pub fn check(mut self, after: &str) {
        for _ in 0..2 {
            self.now = self.now.plus(HOUR + MINUTE);
            self.run();
        }
        let (since, until) = (BEGIN.to_string(), DONE.to_string());
        let ran = self.command("calm.toml", &["backfill", "--since", &since, "--until", &until]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let (found, expected) = (self.export("c.toml"), self.export("calm.toml"));
        assert!(expected.len() > 20, "{} documents", expected.len());
        let differing: Vec<_> = expected.iter().filter(|document| !found.contains(document)).collect();
        assert!(
            differing.is_empty(),
            "{after}: {} of {} documents differ, the first is not as\n{}",
            differing.len(),
            expected.len(),
            differing[0]
        );
        assert_eq!(found.len(), expected.len(), "documents after {after}");
    }

    fn export(&self, config: &str) -> Vec<String> {
        let ran = self.command(config, &["export"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.lines().map(str::to_owned).collect()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for indices in [&self.index, &format!("{}-*", self.alias)] {
            self.engine.answer("DELETE", &format!("/{indices}"), Value::Null);
        }
        self.engine.answer("DELETE", &format!("/_index_template/mailstitch-{}", self.alias), Value::Null);
    }
}
