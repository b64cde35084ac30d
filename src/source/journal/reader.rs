//! One `journalctl` that prints lines of the journal.
//!
//! In: matches, a directory, a cursor.  Out: lines of JSON; an end that is believed only when the process ended well.
//! With `-o json` journalctl keeps to itself which journals it may not read, so that the rest looks like all there is: it
//! is asked once without.

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
/// What a line is made of; time and cursor come unasked.
const FIELDS: &str = "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_HOSTNAME";

/// A process and what it prints.
pub struct Reader {
    child: Child,
    lines: Lines<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Copy)]
pub enum From<'a> {
    /// All of them.
    Start,
    /// This one and what follows; where it is not kept any more, what followed it.
    Cursor(&'a str),
    /// The last one.
    Last,
}

impl Reader {
    /// Starts it.
    ///
    /// # Errors
    /// [`Kind::Config`] where there is no journal, [`Kind::Permission`] where not all of it may be read.
    pub fn open(settings: &JournalSource, from: From<'_>) -> Result<Self> {
        may_read_all(settings)?;
        let mut command = command(settings);
        // Without `--all` a long field comes as null.
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
        // Who waits with both must not wait for either.
        let read = move || {
            let mut text = String::new();
            // What cannot be read of it cannot be told.
            let _ = complaints.read_to_string(&mut text);
            text
        };
        let complaints = thread::Builder::new().spawn(read).map_err(|cause| Error::io(DOING, &cause))?;
        Ok(Self { child, lines: Lines::new(lines, 0), complaints: Some(complaints) })
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When journalctl failed, or was ended by somebody.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        match self.lines.next() {
            Ok(Some(line)) => Ok(Some(line)),
            Ok(None) => end(&mut self.child, self.complaints.take()).map(|()| None),
            Err(cause) => Err(Error::io(DOING, &cause)),
        }
    }
}

/// Whether a process that prints no more did all that it was asked.
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
        // It may have ended by itself.
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

/// The error that a complaint of journalctl is.
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
