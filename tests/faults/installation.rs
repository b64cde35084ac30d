//! One installation whose source and store are behind one proxy, and the documents it must end with.

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

/// The index of these lines on this server, made once.
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
    /// Source and store on one server, behind a proxy.
    pub fn on(engine: &Engine) -> Self {
        Self::with(engine, "60s", 20_000)
    }

    /// With this request timeout and bulk size.
    pub fn with(engine: &Engine, timeout: &str, bulk_bytes: usize) -> Self {
        Self::reading(engine, &lines(engine), timeout, bulk_bytes)
    }

    /// With its own index of lines, which in the end must contain [`all_lines`].
    pub fn reading(engine: &Engine, index: &str, timeout: &str, bulk_bytes: usize) -> Self {
        let (proxy, alias) = (Proxy::before(engine.url()), unique_name("transactions"));
        let url = proxy.url().to_owned();
        let store = format!(
            "[store.elasticsearch]\nurl = {url:?}\nindex = {alias:?}\nreplicas = 0\nbulk_bytes = {bulk_bytes}\n\
             timeout = {timeout:?}\n"
        );
        let installation = Self::to(&store, &url, index, timeout, proxy, alias);
        if engine.name().starts_with("elasticsearch") {
            // Installs the template; no lines are that old.
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

    /// Runs a command at another time.
    pub fn at(&self, now: &str, arguments: &[&str]) -> Ran {
        self.workspace.run(["--config", "mailstitch.toml", "--now", now].iter().chain(arguments))
    }

    /// Starts a run without waiting for it.
    pub fn start_run(&self, environment: &[(&str, &str)]) -> std::process::Child {
        let now = END.to_string();
        let mut command = self.workspace.command(["--config", "mailstitch.toml", "--now", &now, "run"]);
        command.envs(environment.iter().copied()).spawn().expect("it starts")
    }

    /// Runs the program, which must exit with this code; returns its standard error.
    #[track_caller]
    pub fn run(&self, code: i32) -> String {
        let ran = self.command(&["run"]);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        ran.stderr
    }

    /// Deletes the state directory.
    pub fn forget(&self) {
        std::fs::remove_dir_all(self.workspace.file("state")).expect("a state directory");
    }

    /// Requests and documents sent again, over all runs.
    pub fn retries(&self) -> u64 {
        let status: Value = serde_json::from_str(&self.command(&["status", "--json"]).stdout).expect("JSON");
        status["retries"].as_u64().expect("a number")
    }

    /// Checks that nothing was written.
    #[track_caller]
    pub fn check_empty(&self) {
        let ran = self.command(&["export"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    }

    /// Stops the faults and checks the documents in the store.
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

/// The export of an undisturbed run into SQLite.
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

/// Checks that the run succeeds in spite of the fault, by sending something again.
#[track_caller]
pub fn check_survived(engine: &Engine, installation: &Installation, what: &str) {
    installation.run(0);
    assert!(installation.retries() > 0, "{what}: nothing was met");
    installation.check_documents(engine, what);
}

/// Checks that the run gives up, and that the next one, undisturbed, repairs everything.
#[track_caller]
pub fn check_healed(engine: &Engine, installation: &Installation, told: &str) {
    let said = installation.run(75);
    assert!(said.contains(told), "{said}");
    installation.proxy.behave();
    installation.run(0);
    installation.check_documents(engine, told);
}
