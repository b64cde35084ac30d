//! The systemd journal as a source: a real `journalctl` on journal files that systemd itself wrote.
//!
//! A substitute for `journalctl` is used only for failures that cannot be caused at will.

mod common;

use common::{
    Ran, RawLine, Workspace,
    real::{lines_of, text},
};
use std::{
    fmt::Write as _,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

const LINES: usize = 4_000;
const NOW: &str = "2026-11-23T00:00:00Z";
const WRITERS: [&str; 2] = ["/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote"];

/// A host with its journal and mailstitch.
struct Host(Workspace);

impl Host {
    fn new() -> Self {
        Self::configured("[source.journal]\ndirectory = \"journal\"\n")
    }

    fn configured(source: &str) -> Self {
        let place = Workspace::new();
        place.write(
            "config.toml",
            format!(
                "state_dir = \"state\"\ninstances = [\"postfix-out\"]\n{source}\n[store.sqlite]\npath = \"mail.sqlite\"\n"
            ),
        );
        fs::create_dir(place.file("journal")).expect("a directory");
        Self(place)
    }

    /// Appends lines to a journal file as journald does, each with an entry beside it that is not mail.
    fn log(&self, file: &str, lines: &[RawLine]) {
        let mut export = String::new();
        for line in lines {
            let RawLine { time, host, program, pid, text } = line;
            let pid = pid.map_or_else(String::new, |pid| format!("SYSLOG_PID={pid}\n"));
            let mut entry = |facility: u8, text: &str| {
                write!(
                    export,
                    "__REALTIME_TIMESTAMP={}000\n_HOSTNAME={host}\nSYSLOG_FACILITY={facility}\n\
                     SYSLOG_IDENTIFIER={program}\n{pid}MESSAGE={text}\n\n",
                    time.0
                )
                .expect("memory");
            };
            entry(2, text);
            entry(9, &format!("no mail: {text}"));
        }
        let writer = WRITERS.into_iter().find(|path| Path::new(path).exists());
        let writer = writer.expect("journals are written by systemd-journal-remote: install the package of that name");
        let mut writer = Command::new(writer)
            .arg("--output")
            .arg(self.0.file("journal").join(file))
            .arg("-")
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        writer.stdin.take().expect("its input").write_all(export.as_bytes()).expect("it reads");
        assert!(writer.wait().expect("its end").success());
    }

    /// Replaces `journalctl` by a script.
    fn replace_journalctl(&self, script: &str) {
        let path = self.0.write("bin/journalctl", format!("#!/bin/sh\n{script}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its owner");
    }

    fn ask(&self, arguments: &[&str]) -> Ran {
        let mut command = self.0.command(["-c", "config.toml", "--now", NOW].iter().chain(arguments));
        let others = std::env::var_os("PATH").expect("a path");
        let path = std::iter::once(self.0.file("bin")).chain(std::env::split_paths(&others));
        command.env("PATH", std::env::join_paths(path).expect("a path"));
        command.output().expect("it starts").into()
    }

    #[track_caller]
    fn succeed(&self, arguments: &[&str]) -> String {
        let ran = self.ask(arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.stderr, "");
        ran.stdout
    }

    /// Asserts that its documents are these; the message shows the first that differs.
    #[track_caller]
    fn has(&self, expected: &str) {
        let found = self.succeed(&["export"]);
        for (found, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.lines().count(), expected.lines().count());
    }
}

/// A part of the log, and the documents that the file source makes of it.
fn expected() -> (Vec<RawLine>, String) {
    let log: String = text().lines().take(LINES).map(|line| format!("{line}\n")).collect();
    let host = Host::configured("[source.file]\npaths = [\"mail.log\"]\n");
    host.0.write("mail.log", &log);
    host.succeed(&["run"]);
    let mut lines = lines_of(&log).0;
    // The file has the lines of several hosts in order of arrival; a journal has its own in order of time.
    lines.sort_by_key(|line| line.time);
    (lines, host.succeed(&["export"]))
}

/// Output of `journalctl` in any form is read like the journal itself; forms without a time, and so without lines,
/// are reported.
#[test]
fn every_form_that_journalctl_prints_is_read_or_told() {
    const TIMELESS: [&str; 3] = ["cat", "short-monotonic", "short-delta"];
    /// Forms with times to the second; all others are exact.
    const COARSE: [&str; 4] = ["short", "short-full", "short-iso", "with-unit"];
    let log: String = text().lines().take(600).map(|line| format!("{line}\n")).collect();
    let mut lines = lines_of(&log).0;
    lines.sort_by_key(|line| line.time);
    let host = Host::new();
    host.log("system.journal", &lines);
    host.succeed(&["run"]);
    let expected = host.succeed(&["export"]);
    let journalctl = |arguments: &[&str]| {
        let mut command = Command::new("journalctl");
        command.arg("--directory").arg(host.0.file("journal")).args(["--no-pager", "--quiet"]).args(arguments);
        let printed = command.env("TZ", "UTC").output().expect("it starts");
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        printed.stdout
    };
    let forms = String::from_utf8(journalctl(&["--output=help"])).expect("names");
    assert!(forms.lines().count() > 12, "{forms}");
    for form in forms.lines() {
        let reader = Host::configured("[source.file]\npaths = [\"mail.log\"]\ntimezone = \"UTC\"\nyear = 2026\n");
        let printed = journalctl(&["--output", form, "SYSLOG_FACILITY=2"]);
        reader.0.write("printed", &printed);
        let ran = reader.ask(&["backfill", "printed"]);
        assert_eq!(ran.code, 0, "{form}: {}", ran.stderr);
        let export = reader.succeed(&["export"]);
        if TIMELESS.contains(&form) {
            assert!(ran.stderr.contains("none of "), "{form}: {}", ran.stderr);
            assert_eq!(export, "", "{form}");
            continue;
        }
        // This form has the unit in place of the program, and these lines have no unit.
        let is_read = ran.stderr.contains(", 0 unrecognised, ");
        assert!(form == "with-unit" || is_read, "{form}: {}", ran.stderr);
        if COARSE.contains(&form) {
            assert_eq!(export.lines().count(), expected.lines().count(), "{form}");
        } else {
            assert!(export == expected, "{form} gives other documents");
        }
    }
}

/// Splits at about line `at`, between two seconds: reading on in the middle of one could meet the second of two
/// identical sessions after the first was closed.
fn split(lines: &[RawLine], at: usize) -> (&[RawLine], &[RawLine]) {
    let second = |line: &RawLine| line.time.0 / 1000;
    let same = lines[at..].iter().take_while(|line| second(line) == second(&lines[at])).count();
    lines.split_at(at + same)
}

#[test]
fn a_journal_that_grows_gives_what_the_file_gives() {
    let (lines, expected) = expected();
    let host = Host::new();
    let (first, rest) = split(&lines, LINES / 3);
    let (second, third) = split(rest, LINES / 3);
    for piece in [first, second, third] {
        host.log("system.journal", piece);
        host.succeed(&["run"]);
    }
    assert!(expected.lines().count() > 300);
    host.has(&expected);
    let again = host.succeed(&["run", "--dry-run"]);
    assert!(again.starts_with("0 lines read"), "nothing is read twice: {again}");
}

#[test]
fn a_line_that_was_removed_takes_no_other_with_it() {
    let (lines, expected) = expected();
    let host = Host::new();
    let (before, after) = split(&lines, LINES / 2);
    host.log("old.journal", before);
    host.succeed(&["run"]);
    // As journald does when it needs space.
    fs::remove_file(host.0.file("journal/old.journal")).expect("a file");
    host.log("new.journal", after);
    host.succeed(&["run"]);
    host.has(&expected);
}

#[test]
fn a_journalctl_that_dies_in_the_middle_is_75_and_the_next_run_completes() {
    let (lines, expected) = expected();
    let host = Host::new();
    host.log("system.journal", &lines);
    let until = split(&lines, LINES / 2).1[0].time.0 / 1000;
    host.replace_journalctl(&format!(
        "case \"$*\" in *--lines=0*) exit 0;; esac\n\
         PATH=${{PATH#*:}} journalctl --until=@{until} \"$@\"\necho 'Failed to iterate through journal' >&2\nexit 1\n",
    ));
    let ran = host.ask(&["run"]);
    assert_eq!(ran.code, 75, "{}", ran.stderr);
    assert_eq!(ran.stderr, "error: cannot read the systemd journal: Failed to iterate through journal\n");
    fs::remove_file(host.0.file("bin/journalctl")).expect("a file");
    host.ask(&["run"]);
    host.has(&expected);
}

#[test]
fn a_part_that_may_not_be_read_is_no_whole() {
    let host = Host::configured("[source.journal]\n");
    host.replace_journalctl(
        "case \"$*\" in *--output=json*) exit 0;; esac\n\
         echo 'Hint: You are currently not seeing messages from other users and the system.' >&2\n",
    );
    let ran = host.ask(&["run"]);
    let told = "error: cannot read the systemd journal: insufficient permissions\n\
                hint: let its user be a member of the group `systemd-journal`\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (77, told));
}

#[test]
fn a_directory_without_journals_is_told() {
    let ran = Host::new().ask(&["run"]);
    let told = "error: cannot read the systemd journal: No journal files were found\n\
                hint: where rsyslog writes the mail log into a file, use `[source.file]`\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (78, told));
}

#[test]
fn check_tells_which_mail_log_the_host_has() {
    let (lines, _) = expected();
    let host = Host::new();
    host.log("system.journal", &lines);
    let rows = host.succeed(&["check"]);
    assert!(rows.contains("✔ source: journal readable: by `journalctl`\n"), "{rows}");
    let last = lines.last().expect("lines").time;
    assert!(rows.contains(&format!("✔ source: journal is written to: last at {last}\n")), "{rows}");
    // The machine of the tests may have a log file too.
    let row = rows.lines().find(|row| row.contains("mail log of this host: ")).expect("a row");
    assert!(row.contains("the systemd journal"), "{row}");
}
