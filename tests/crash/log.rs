//! A log that grows between runs, and the documents of the runs.
//!
//! Pieces are not appended in order of time, so that late lines move the lives of reused ids and documents have to be
//! deleted. Lines that share a session stay in one piece: a file is read forwards, so lines read before the beginning
//! of their session cannot be assigned to it.

use crate::{
    common::{
        RawLine, Workspace,
        fiveday::{MINUTE, five_days},
    },
    servers::{Engine, unique_name},
};
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    process::{Child, Command},
    sync::LazyLock,
};

/// A day after the last line.
pub const NOW: &str = "2026-11-04T00:00:00Z";

/// The five-day log in six pieces: later time before earlier, and for each time the smtpd lines after all others.
pub fn pieces() -> Vec<&'static str> {
    static PIECES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let lines = five_days(1_500, 3).lines;
        // No session is under way after a long silence.
        let quiet = |at: &usize| lines[at - 1].time.plus(5 * MINUTE) < lines[*at].time;
        let cuts: Vec<usize> = [1, 2].iter().filter_map(|n| (lines.len() * n / 3..lines.len()).find(quiet)).collect();
        let parts = [&lines[cuts[1]..], &lines[cuts[0]..cuts[1]], &lines[..cuts[0]]];
        let is_door = |line: &RawLine| line.program.ends_with("/smtpd");
        let some = |of: &[RawLine], door| of.iter().filter(|l| is_door(l) == door).map(|l| l.iso() + "\n").collect();
        parts.into_iter().flat_map(|of| [some(of, false), some(of, true)]).collect()
    });
    PIECES.iter().map(String::as_str).collect()
}

/// A workspace with a log, a ledger and a store.
pub struct Growing {
    workspace: Workspace,
    alias: Option<String>,
}

impl Growing {
    pub fn into_sqlite() -> Self {
        let workspace = Workspace::new();
        let growing = Self { workspace, alias: None };
        growing.configure("[store.sqlite]\npath = \"mail.sqlite\"\n");
        growing
    }

    pub fn into_engine(engine: &Engine) -> Self {
        let alias = unique_name("crash");
        let growing = Self { workspace: Workspace::new(), alias: Some(alias.clone()) };
        let url = engine.url();
        growing.configure(&format!("[store.elasticsearch]\nurl = {url:?}\nindex = {alias:?}\nreplicas = 0\n"));
        growing
    }

    /// Another machine, whose documents go into the same store.
    pub fn into_the_same(one: &Self, engine: &Engine) -> Self {
        let growing = Self { workspace: Workspace::new(), alias: one.alias.clone() };
        let (url, alias) = (engine.url(), one.alias());
        growing.configure(&format!("[store.elasticsearch]\nurl = {url:?}\nindex = {alias:?}\nreplicas = 0\n"));
        growing
    }

    fn configure(&self, store: &str) {
        let text = format!("state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\ntimezone = \"UTC\"\n{store}");
        self.workspace.write("mailstitch.toml", text);
        self.workspace.write("mail.log", "");
    }

    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The alias of the documents in a search server.
    pub fn alias(&self) -> &str {
        self.alias.as_deref().expect("a search server")
    }

    pub fn append(&self, text: &str) {
        let log = OpenOptions::new().append(true).open(self.workspace.file("mail.log"));
        write(&mut log.expect("the log"), text);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let all = ["--config", "mailstitch.toml", "--now", NOW].iter().chain(arguments);
        self.workspace.command(all)
    }

    /// Runs the program, which must succeed; returns how many lines it read.
    #[track_caller]
    pub fn lines_read(&self) -> usize {
        let ran = self.command(&["-v", "run"]).output().expect("it starts");
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(0), "{told}");
        let line = told.lines().find_map(|l| l.split_once(" lines read: ")).expect("a summary");
        line.0.parse().expect("a number")
    }

    #[track_caller]
    pub fn export(&self) -> String {
        let ran = self.command(&["export"]).output().expect("it starts");
        assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).expect("UTF-8")
    }

    /// The export after one undisturbed run per piece.
    pub fn undisturbed(&self) -> String {
        for piece in pieces() {
            self.append(piece);
            assert_eq!(self.lines_read(), piece.lines().count());
        }
        let export = self.export();
        assert!(export.lines().count() > 100);
        export
    }

    /// Sum of documents deleted by all runs.
    pub fn deleted(&self) -> u64 {
        let ran = self.command(&["status", "--json"]).output().expect("it starts");
        let status: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        status["runs"].as_array().expect("runs").iter().filter_map(|run| run["deleted"].as_u64()).sum()
    }

    /// Replaces the log by a named pipe: a run then waits for a writer.
    pub fn log_is_a_pipe(&self) {
        let path = self.workspace.file("mail.log");
        std::fs::remove_file(&path).expect("the log");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    }

    /// Opens the pipe; waits until a run reads it.
    pub fn open_pipe(&self) -> File {
        OpenOptions::new().write(true).open(self.workspace.file("mail.log")).expect("the pipe")
    }

    pub fn drop_indices(&self, engine: &Engine) {
        for index in indices(engine, self.alias()) {
            engine.request("DELETE", &format!("/{index}"), Value::Null);
        }
        engine.request("DELETE", &format!("/_index_template/mailstitch-{}", self.alias()), Value::Null);
    }
}

/// The monthly indices behind an alias.
pub fn indices(engine: &Engine, alias: &str) -> Vec<String> {
    let found = engine.request("GET", &format!("/{alias}-*"), Value::Null);
    found.as_object().expect("indices").keys().cloned().collect()
}

/// Asserts that two exports are equal; shows the first difference.
#[track_caller]
pub fn assert_same(found: &str, expected: &str, after: &str) {
    let differ = found.lines().zip(expected.lines()).find(|(f, e)| f != e);
    if let Some((found, expected)) = differ {
        let same = found.chars().zip(expected.chars()).take_while(|(f, e)| f == e).count();
        let near = |text: &str| text.chars().skip(same.saturating_sub(200)).take(600).collect::<String>();
        panic!("other documents after {after}:\n{}\ninstead of\n{}", near(found), near(expected));
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "documents after {after}");
}

pub fn write(file: &mut File, text: &str) {
    file.write_all(text.as_bytes()).expect("the log is written to");
}

/// Sends a signal by its name.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
}
