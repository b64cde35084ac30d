//! One installation whose source and store lie behind one proxy, and what it must end with.

use crate::{
    common::{
        Ran, RawLine, Workspace,
        fiveday::{END, five_days},
    },
    servers::{Engine, Proxy, Shape, unique_name},
};
use serde_json::Value;
use std::sync::{Mutex, OnceLock};

pub struct Installation {
    pub proxy: Proxy,
    pub alias: String,
    workspace: Workspace,
}

/// The lines that all installations here read.
pub fn all_lines() -> Vec<RawLine> {
    five_days(500, 9).lines
}

/// The index with the five days of a server.
fn lines(engine: &Engine) -> String {
    static INDICES: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
    let mut indices = INDICES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, index)) = indices.iter().find(|(url, _)| url == engine.url()) {
        return index.clone();
    }
    let index = unique_name("graylog");
    engine.create_index(&index, Shape::GraylogRfc3164, 2);
    engine.load(&index, &all_lines(), Shape::GraylogRfc3164);
    indices.push((engine.url().to_owned(), index.clone()));
    index
}

impl Installation {
    /// Both ends on one server, through a proxy.
    pub fn on(engine: &Engine) -> Self {
        Self::with(engine, "60s", 20_000)
    }

    /// With the longest time of a request, and the bytes of one bulk.
    pub fn with(engine: &Engine, timeout: &str, bulk_bytes: usize) -> Self {
        Self::reading(engine, &lines(engine), timeout, bulk_bytes)
    }

    /// With an index of one's own, which must come to hold [`all_lines`].
    pub fn reading(engine: &Engine, index: &str, timeout: &str, bulk_bytes: usize) -> Self {
        let (proxy, alias) = (Proxy::before(engine.url()), unique_name("transactions"));
        let url = proxy.url().to_owned();
        let store = format!(
            "[store.elasticsearch]\nurl = {url:?}\nindex = {alias:?}\nreplicas = 0\nbulk_bytes = {bulk_bytes}\n\
             timeout = {timeout:?}\n"
        );
        let installation = Self::to(&store, &url, index, timeout, proxy, alias);
        if engine.name().starts_with("elasticsearch") {
            // The template, and no lines: none are that old.
            let none = ["backfill", "--since", "2026-01-01", "--until", "2026-01-02"];
            assert_eq!(installation.command(&none).code, 0);
            engine.plain_codec(&installation.alias);
        }
        installation
    }

    fn to(store: &str, url: &str, index: &str, timeout: &str, proxy: Proxy, alias: String) -> Self {
        let workspace = Workspace::new();
        workspace.write(
            "mailstitch.toml",
            format!(
                "state_dir = \"state\"\n[window]\nfirst = \"6d\"\n[source.elasticsearch]\nurl = {url:?}\n\
                 index = {index:?}\npage_size = 100\ntimezone = \"UTC\"\ntimeout = {timeout:?}\n{store}"
            ),
        );
        Self { proxy, alias, workspace }
    }

    pub fn command(&self, arguments: &[&str]) -> Ran {
        self.at(&END.to_string(), arguments)
    }

    /// A command at another time.
    pub fn at(&self, now: &str, arguments: &[&str]) -> Ran {
        self.workspace.run(["--config", "mailstitch.toml", "--now", now].iter().chain(arguments))
    }

    /// A run, started and left to itself.
    pub fn start_run(&self, environment: &[(&str, &str)]) -> std::process::Child {
        let now = END.to_string();
        let mut command = self.workspace.command(["--config", "mailstitch.toml", "--now", &now, "run"]);
        command.envs(environment.iter().copied()).spawn().expect("it starts")
    }

    /// A run that must end with this code; what it says.
    #[track_caller]
    pub fn run(&self, code: i32) -> String {
        let ran = self.command(&["run"]);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        ran.stderr
    }

    /// The state directory is lost.
    pub fn forget(&self) {
        std::fs::remove_dir_all(self.workspace.file("state")).expect("a state directory");
    }

    /// Requests and documents sent again by all runs.
    pub fn retries(&self) -> u64 {
        let status: Value = serde_json::from_str(&self.command(&["status", "--json"]).stdout).expect("JSON");
        status["retries"].as_u64().expect("a number")
    }

    /// Nothing was written.
    #[track_caller]
    pub fn check_empty(&self) {
        let ran = self.command(&["export"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    }

    /// The proxy behaves again, and the store holds what it should.
    #[track_caller]
    pub fn check_documents(&self, engine: &Engine, after: &str) {
        self.proxy.behave();
        let ran = self.command(&["export"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let expected = expected(engine);
        for (found, expected) in ran.stdout.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "after {after}");
        }
        assert_eq!(ran.stdout.lines().count(), expected.lines().count(), "documents after {after}");
    }
}

/// What a run into SQLite ends with, which nobody disturbs.
fn expected(engine: &Engine) -> &'static str {
    static EXPECTED: OnceLock<String> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let (proxy, index) = (Proxy::before(engine.url()), lines(engine));
        let url = proxy.url().to_owned();
        let calm =
            Installation::to("[store.sqlite]\npath = \"mail.sqlite\"\n", &url, &index, "60s", proxy, String::new());
        calm.run(0);
        let export = calm.command(&["export"]).stdout;
        assert!(export.lines().count() > 60, "{export}");
        export
    })
}

/// The run ends well in spite of it, with something sent again.
#[track_caller]
pub fn check_survived(engine: &Engine, installation: &Installation, what: &str) {
    installation.run(0);
    assert!(installation.retries() > 0, "{what}: nothing was met");
    installation.check_documents(engine, what);
}

/// The run gives up as it must, and the next one, left alone, makes all good.
#[track_caller]
pub fn check_healed(engine: &Engine, installation: &Installation, told: &str) {
    let said = installation.run(75);
    assert!(said.contains(told), "{said}");
    installation.proxy.behave();
    installation.run(0);
    installation.check_documents(engine, told);
}
