//! Things in the place of a log that are not files: pipes and standard input are read, nothing else is.

use super::{LINE, NOW, REJECT, check, check_read, documents, workspace};
use crate::common::{Ran, Workspace};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::net::UnixListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

fn reading(path: &str) -> Workspace {
    workspace(&format!("[source.file]\npaths = [{path:?}]\ntimezone = \"UTC\"\n"))
}

#[test]
fn a_directory_a_socket_and_a_device_are_no_logs_and_are_named() {
    let at = Workspace::new();
    let path = |name: &str| at.file(name).to_str().expect("UTF-8").to_owned();
    std::fs::create_dir(at.file("old")).expect("a directory");
    let _socket = UnixListener::bind(at.file("socket")).expect("a socket");
    let input = "hint: `-` reads standard input\n";
    for (path, what, hint) in [
        (path("old"), "directory", format!("hint: name its files: `{}/*`\n", path("old"))),
        (path("socket"), "socket", input.into()),
        ("/dev/null".into(), "device", input.into()),
        ("/dev/zero".into(), "device", input.into()),
    ] {
        let told = format!("error: cannot read `{path}`: is a {what}\n{hint}");
        check(&workspace(""), &["backfill", &path], 66, &told);
        check(&workspace(""), &["backfill", "--dry-run", &path], 66, &told);
        check(&workspace(""), &["coverage", &path], 66, &told);
        check(&reading(&path), &["run"], 66, &told);
    }
}

#[test]
fn what_a_glob_happens_upon_is_left_out_unless_there_is_nothing_else() {
    let workspace = workspace("[source.file]\npaths = [\"logs/*\"]\ntimezone = \"UTC\"\n");
    workspace.write("logs/old/mail.log", LINE);
    make_pipe(&workspace, "logs/pipe");
    check(
        &workspace,
        &["run"],
        66,
        "error: cannot read `logs/old`: is a directory\nhint: name its files: `logs/old/*`\n",
    );
    workspace.write("logs/mail.log", LINE);
    check_read(&workspace, [1, 0, 0, 0]);
    std::fs::remove_file(workspace.file("logs/mail.log")).expect("the log");
    std::fs::remove_dir_all(workspace.file("logs/old")).expect("the directory");
    let told = "error: cannot read `logs/pipe`: is a pipe\nhint: name it alone, without `*`\n";
    check(&workspace, &["run"], 66, told);
}

#[test]
fn a_directory_as_standard_input_is_no_log() {
    let workspace = workspace("");
    let mut command = workspace.command(["--config", "mailstitch.toml", "--now", NOW, "backfill", "-"]);
    let ran: Ran = command.stdin(File::open("/").expect("it")).output().expect("it starts").into();
    assert_eq!((ran.code, ran.stderr.as_str()), (66, "error: cannot read `-`: is a directory\n"));
}

fn make_pipe(workspace: &Workspace, name: &str) {
    assert!(Command::new("mkfifo").arg(workspace.file(name)).status().expect("mkfifo").success());
}

fn start(workspace: &Workspace, arguments: &[&str], stdin: Stdio) -> Child {
    let all = ["--config", "mailstitch.toml", "--now", NOW].iter().chain(arguments);
    workspace.command(all).stdin(stdin).spawn().expect("it starts")
}

/// Ends the process with a signal; returns its exit code and standard error.
#[track_caller]
fn end(child: Child, signal: &str) -> (Option<i32>, String) {
    let since = Instant::now();
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill").success());
    let ended = child.wait_with_output().expect("its end");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn a_signal_ends_what_waits_for_a_pipe_that_nobody_opens() {
    for signal in ["-TERM", "-INT"] {
        for (arguments, code) in
            [(&["backfill", "mail.log"][..], 75), (&["run"], 0), (&["backfill", "--dry-run", "mail.log"], 75)]
        {
            let workspace = workspace("");
            make_pipe(&workspace, "mail.log");
            let child = start(&workspace, arguments, Stdio::null());
            std::thread::sleep(Duration::from_millis(500));
            let (ended, told) = end(child, signal);
            assert_eq!(ended, Some(code), "{signal} {arguments:?}: {told}");
        }
    }
}

#[test]
fn a_signal_ends_what_reads_a_pipe_that_stays_open_and_what_was_written_is_kept() {
    for (arguments, code) in [(["backfill", "mail.log"], 75), (["run", "-v"], 0)] {
        let workspace = workspace("");
        make_pipe(&workspace, "mail.log");
        let child = start(&workspace, &arguments, Stdio::null());
        let mut pipe = OpenOptions::new().write(true).open(workspace.file("mail.log")).expect("it is read");
        // The second line has no newline yet.
        write!(pipe, "{REJECT}{}", LINE.trim_end()).expect("it is read");
        let (ended, told) = end(child, "-TERM");
        assert_eq!(ended, Some(code), "{told}");
        assert!(told.contains("1 used, 0 known and unused, 1 unrecognised, 0 duplicates\n"), "{told}");
        assert!(told.contains("stopped by a signal before all was read"), "{told}");
        assert_eq!(documents(&workspace), 1);
        drop(pipe);
    }
}

#[test]
fn a_signal_ends_what_reads_standard_input() {
    let workspace = workspace("");
    let mut child = start(&workspace, &["backfill", "-"], Stdio::piped());
    let mut input = child.stdin.take().expect("its input");
    input.write_all(REJECT.as_bytes()).expect("it reads");
    std::thread::sleep(Duration::from_millis(500));
    let (ended, told) = end(child, "-TERM");
    assert_eq!(ended, Some(75), "{told}");
    assert_eq!(documents(&workspace), 1);
    drop(input);
    // An input without lines that never ends.
    let child = start(&workspace, &["backfill", "-"], File::open("/dev/zero").expect("it").into());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(end(child, "-TERM").0, Some(75));
}

#[test]
fn a_pipe_that_is_closed_was_read_whole() {
    let workspace = workspace("");
    workspace.write("other.log", format!("{LINE}{}", REJECT.trim_end()));
    let program = env!("CARGO_BIN_EXE_mailstitch");
    let script = format!("{program} -c mailstitch.toml --now {NOW} backfill <(cat other.log)");
    let ran = Command::new("bash").args(["-c", &script]).current_dir(workspace.path()).output().expect("bash");
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(documents(&workspace), 2);
}
