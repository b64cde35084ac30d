//! A `journalctl` process and the lines that it prints.
//!
//! In: matches, a directory, a cursor.  Out: lines of JSON; the end counts only if the process succeeded.
//! With `-o json` journalctl does not say that some journals may not be read, and its output looks complete. So it is
//! asked once without `-o json` before reading.

use crate::{
    config::JournalSource,
    error::{Error, Kind, Result},
    source::lines::Lines,
};
use std::{
    io::Read,
    process::{Child, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

const PROGRAM: &str = "journalctl";
const DOING: &str = "cannot read the systemd journal";
/// The fields that make a line; time and cursor are always printed.
const FIELDS: &str = "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_HOSTNAME";

/// A running journalctl.
pub struct Reader {
    child: Child,
    lines: Lines<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
}

/// Which lines to read.
#[derive(Debug, Clone, Copy)]
pub enum From<'a> {
    /// All of them.
    Start,
    /// The line at this cursor and all after it; if it was removed, those after it.
    Cursor(&'a str),
    /// The last one.
    Last,
}

impl Reader {
    /// Starts journalctl.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is no journal, [`Kind::Permission`] if not all of it may be read.
    pub fn open(settings: &JournalSource, from: From<'_>) -> Result<Self> {
        may_read_all(settings)?;
        let mut command = command(settings);
        // Without `--all` a long field is printed as null.
        command.args(["--output=json", "--all", FIELDS]);
        match from {
            From::Start => {}
            From::Cursor(cursor) => drop(command.arg(format!("--cursor={cursor}"))),
            From::Last => drop(command.arg("--lines=1")),
        }
        let mut child = command.arg("--").args(&settings.matches).spawn().map_err(not_there)?;
        let (Some(lines), Some(mut complaints)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Error::new(Kind::Software, DOING).because("its output was not asked for"));
        };
        // Drain stderr on its own thread, or the two pipes can block each other.
        let read = move || {
            let mut text = String::new();
            // If stderr cannot be read, there is nothing to report.
            let _ = complaints.read_to_string(&mut text);
            text
        };
        let complaints = thread::Builder::new().spawn(read).map_err(|cause| Error::io(DOING, &cause))?;
        Ok(Self { child, lines: Lines::new(lines, 0), complaints: Some(complaints) })
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When journalctl failed or was killed.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        match self.lines.next() {
            Ok(Some(line)) => Ok(Some(line)),
            Ok(None) => end(&mut self.child, self.complaints.take()).map(|()| None),
            Err(cause) => Err(Error::io(DOING, &cause)),
        }
    }
}

/// Waits for a process that has printed its last line. Its failure is an error; otherwise its stderr is logged.
fn end(child: &mut Child, complaints: Option<JoinHandle<String>>) -> Result<()> {
    let status = child.wait().map_err(|cause| Error::io(DOING, &cause))?;
    let told = complaints.and_then(|told| told.join().ok()).unwrap_or_default();
    if !status.success() {
        let cause = told.lines().next().map_or_else(|| format!("{PROGRAM} ended with {status}"), str::to_owned);
        return Err(failure(&cause));
    }
    for line in told.lines() {
        tracing::warn!("{PROGRAM}: {line}");
    }
    Ok(())
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Fails harmlessly if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(settings: &JournalSource) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--no-pager").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(directory) = &settings.directory {
        command.arg("--directory").arg(directory);
    }
    command
}

fn may_read_all(settings: &JournalSource) -> Result<()> {
    let asked = command(settings).arg("--lines=0").output().map_err(not_there)?;
    let told = String::from_utf8_lossy(&asked.stderr);
    if told.contains("not seeing messages from other users") {
        return Err(failure("insufficient permissions"));
    }
    let first = told.lines().next().unwrap_or("it ended with an error and no word");
    if !asked.status.success() || first.contains("No journal files were found") {
        return Err(failure(first));
    }
    Ok(())
}

fn not_there(cause: std::io::Error) -> Error {
    match cause.kind() {
        std::io::ErrorKind::NotFound => Error::new(Kind::Config, DOING)
            .because(format!("there is no `{PROGRAM}`"))
            .hint("a host without systemd has its mail log in a file: use `[source.file]`"),
        _ => Error::io(DOING, &cause),
    }
}

/// Turns a message of journalctl into an error.
fn failure(told: &str) -> Error {
    let error = |kind| Error::new(kind, DOING).because(told.trim_end_matches('.'));
    if told.contains("permission") {
        return error(Kind::Permission).hint("let its user be a member of the group `systemd-journal`");
    }
    if told.contains("No journal files were found") {
        return error(Kind::Config).hint("where rsyslog writes the mail log into a file, use `[source.file]`");
    }
    if told.contains("No such file") {
        return error(Kind::Config).hint("set `directory` in `[source.journal]` to where journal files are");
    }
    error(Kind::Temporary)
}
