//! The cost of a log: processor time and peak memory of the program.

use super::{super::Workspace, Ask};
use std::{
    fs,
    process::{Child, Stdio},
    time::Duration,
};
use wait4::{ResUse, Wait4};

/// Limits at which a run is stopped: bytes of memory, and processor time.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    pub memory: u64,
    pub time: Duration,
}

/// Cost of all commands of a shape together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Processor time, user and system.
    pub time: Duration,
    /// Peak memory of any of them, in bytes.
    pub memory: u64,
    /// One of them reached a limit and was stopped.
    pub stopped: bool,
}

const CONFIG: &str =
    "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n[store.sqlite]\npath = \"mail.sqlite\"\n";

/// Runs the commands of `ask` on a log, in a workspace of its own. `dry`: without store and ledger.
pub fn run(log: &str, ask: Ask, dry: bool, most: Most) -> Measured {
    let workspace = Workspace::new();
    let privacy = "[privacy]\nlocal_parts = \"hash\"\nkey = \"0123456789abcdef0123456789abcdef\"\n";
    workspace.write("c.toml", format!("{CONFIG}{}", if ask == Ask::Privately { privacy } else { "" }));
    let mut all = Measured::default();
    let mut step = |arguments: &[&str]| {
        if !all.stopped {
            all.add(one(&workspace, arguments, most));
        }
    };
    let backfill: &[&str] = if dry { &["backfill", "--dry-run", "mail.log"] } else { &["backfill", "mail.log"] };
    match ask {
        Ask::Runs(runs) if !dry => {
            let lines: Vec<&str> = log.split_inclusive('\n').collect();
            let mut text = String::new();
            for piece in lines.chunks(lines.len().div_ceil(runs).max(1)) {
                text.extend(piece.iter().copied());
                workspace.write("mail.log", &text);
                step(&["run"]);
            }
        }
        _ => {
            workspace.write("mail.log", log);
            step(backfill);
        }
    }
    if ask == Ask::Report && !dry {
        step(&["report", "--since", "2026-01-01"]);
    }
    all
}

impl Measured {
    fn add(&mut self, one: Self) {
        self.time += one.time;
        self.memory = self.memory.max(one.memory);
        self.stopped |= one.stopped;
    }
}

fn one(workspace: &Workspace, arguments: &[&str], most: Most) -> Measured {
    let all = ["--config", "c.toml", "--now", "2026-11-10T00:00:00Z"].iter().chain(arguments);
    let mut command = workspace.command(all);
    let told = fs::File::create(workspace.file("stderr")).expect("a file in the workspace");
    let mut child = command.stdout(Stdio::null()).stderr(told).spawn().expect("mailstitch starts");
    let (mut stopped, mut memory) = (false, 0);
    while let Some(time) = running(&child) {
        memory = most_resident(&child).max(memory);
        if time > most.time || memory > most.memory {
            child.kill().expect("SIGKILL");
            stopped = true;
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let ResUse { status, rusage } = child.wait4().expect("its end");
    let told = fs::read_to_string(workspace.file("stderr")).unwrap_or_default();
    assert!(stopped || status.success(), "{arguments:?}: {status}\n{}", told.lines().last().unwrap_or_default());
    Measured { time: rusage.utime + rusage.stime, memory, stopped }
}

/// Processor time of the process so far; `None` if it has ended: an ended process that is not waited for yet is a
/// zombie (`proc(5)`).
fn running(child: &Child) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    // In hundredths of a second, on every Linux.
    let ticks = fields.skip(10).take(2).map(|field| field.parse::<u64>().unwrap_or(0)).sum::<u64>();
    Some(Duration::from_millis(ticks * 10))
}

/// Peak memory of the process so far, in bytes. `wait4` would never report less than its parent had at the start, and
/// the parent holds the log.
fn most_resident(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kb| kb * 1_024)
}
