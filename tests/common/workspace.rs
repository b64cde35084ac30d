//! A temporary directory in which the program runs as a user would run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A temporary directory, removed when it is dropped.
pub struct Workspace(tempfile::TempDir);

/// Result of a run.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// The directory, which is also `HOME` for programs run in it.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of a file in it, whether it exists or not.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and its directories; returns its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).expect("a directory in the workspace");
        }
        fs::write(&path, text).expect("a file in the workspace");
        path
    }

    /// The program with arguments, not started yet. It runs in the workspace and sees nothing of the tester's
    /// environment (settings, proxies, time zone, language) except `PATH`.
    pub fn command<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailstitch"));
        command.args(arguments).current_dir(self.path()).env_clear().env("HOME", self.path()).env("TZ", "UTC");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        self.command(arguments).output().expect("mailstitch starts").into()
    }

    /// Runs the program, which must exit with 0; returns its standard output.
    #[track_caller]
    pub fn succeed<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
