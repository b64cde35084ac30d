//! The order in which files reach the disk. A power loss leaves the same as a kill if everything that the ledger
//! stands for is synced before the ledger itself. Seen in the system calls of a run, with strace(1).

use crate::log::{Growing, pieces};
use std::{collections::HashMap, fs, process::Command};

/// An operation on a file. Paths are relative to the workspace.
#[derive(Debug, PartialEq)]
enum Step {
    /// A write began.
    Write(String),
    /// A sync of a file or directory succeeded.
    Sync(String),
    /// The first was renamed to the second.
    Rename(String, String),
}

/// The steps of a run.
fn steps(growing: &Growing) -> Vec<Step> {
    let run = growing.command(&["run"]);
    let trace = growing.workspace().file("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "0", "-e", "trace=write,pwrite64,fsync,fdatasync,rename,renameat,renameat2", "-o"]);
    strace.arg(&trace).arg(run.get_program()).args(run.get_args()).current_dir(growing.workspace().path());
    let ran = strace.output().expect("strace");
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let root = fs::canonicalize(growing.workspace().path()).expect("the workspace").display().to_string() + "/";
    let mut begun: HashMap<String, String> = HashMap::new();
    let text = fs::read_to_string(&trace).expect("the trace").replace(&root, "");
    text.lines().filter_map(|line| step(line, &mut begun)).collect()
}

/// `27 fsync(5<state/checkpoint.json.new>) = 0`. A call interrupted by another thread has two lines: the first names
/// the file, the second has the result.
fn step(line: &str, begun: &mut HashMap<String, String>) -> Option<Step> {
    let (thread, call) = line.split_once(' ')?;
    let mut call = call.trim_start().to_owned();
    let is_first_half = call.ends_with("<unfinished ...>");
    if is_first_half {
        begun.insert(thread.to_owned(), call.clone());
    } else if call.starts_with("<... ") {
        call = begun.remove(thread)? + &call;
        // A write counts from its beginning.
        if call.contains("write") {
            return None;
        }
    }
    let name = &call[..call.find('(')?];
    let file = |text: &str| Some(text[text.find('<')? + 1..text.find('>')?].to_owned());
    match name {
        "write" | "pwrite64" => file(&call).map(Step::Write),
        "fsync" | "fdatasync" if !is_first_half && call.ends_with("= 0") => file(&call).map(Step::Sync),
        "rename" | "renameat" | "renameat2" if !is_first_half => {
            let mut names = call.split('"').skip(1).step_by(2).map(str::to_owned);
            Some(Step::Rename(names.next()?, names.next()?))
        }
        _ => None,
    }
}

/// Whether a file was synced after it was last written.
fn is_safe(steps: &[Step], file: &str) -> bool {
    let last = |wanted: &dyn Fn(&Step) -> bool| steps.iter().rposition(wanted);
    let written = last(&|step| matches!(step, Step::Write(name) if name == file));
    written.is_none() || last(&|step| matches!(step, Step::Sync(name) if name == file)) > written
}

#[test]
fn the_ledger_reaches_the_disk_after_all_that_it_stands_for() {
    let growing = Growing::into_sqlite();
    for piece in pieces() {
        growing.append(piece);
        let steps = steps(&growing);
        let mut ledgers = 0;
        for (n, step) in steps.iter().enumerate() {
            let Step::Rename(from, to) = step else { continue };
            let before = &steps[..n];
            assert!(before.contains(&Step::Write(from.clone())), "{from} was written");
            assert!(is_safe(before, from), "{to} gets its name before its content is on the disk");
            let directory = to.rsplit_once('/').map_or(".", |(directory, _)| directory).to_owned();
            assert!(steps[n..].contains(&Step::Sync(directory)), "the name {to} is not on the disk");
            if to.ends_with("/checkpoint.json") {
                ledgers += 1;
                // SQLite syncs its log before it moves it into the database.
                assert!(is_safe(before, "mail.sqlite"), "the ledger is ahead of the database");
                assert!(before.contains(&Step::Sync("mail.sqlite".to_owned())), "the database was written");
            }
        }
        assert!(ledgers > 0, "{steps:?}");
    }
}
