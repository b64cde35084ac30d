//! Mass mail that is deferred for days: the cost of each round of attempts, and peak memory.
//!
//! In: rounds, and the URL of a store to use instead of SQLite (`cargo bench --bench days -- 120
//! http://127.0.0.1:9200`): 20 messages to 1,000 recipients each, all of them tried once an hour, and a run after
//! each round.  Out: a table. Memory should stay flat over the rounds.

#[path = "../../tests/common/mod.rs"]
mod common;

use common::{Workspace, adversarial::Log, fiveday::HOUR};
use std::{fs::OpenOptions, io::Write, process::Stdio, time::Duration};
use wait4::Wait4;

const MESSAGES: usize = 20;
const RECIPIENTS: usize = 1_000;
/// Rounds that get a row, besides every fortieth.
const SHOWN: [usize; 3] = [1, 21, 41];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = arguments.first().and_then(|rounds| rounds.parse().ok()).unwrap_or(120);
    let store = match arguments.get(1) {
        Some(url) => format!("[store.elasticsearch]\nurl = \"{url}\"\nindex = \"mailstitch-days\"\n"),
        None => "[store.sqlite]\npath = \"mail.sqlite\"\n".to_owned(),
    };
    let workspace = Workspace::new();
    workspace.write("c.toml", format!("state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n{store}"));
    let mut log = Log::new(1);
    let ids: Vec<String> = (0..MESSAGES).map(|_| log.id()).collect();
    ids.iter().enumerate().for_each(|(n, id)| log.arrival(id, &format!("{n}@example.org"), RECIPIENTS));
    let mut file = OpenOptions::new().create(true).append(true).open(workspace.file("mail.log")).expect("a file");
    println!("| round | CPU time | most memory |\n|---|---|---|");
    for round in 1..=rounds {
        for id in &ids {
            for n in 0..RECIPIENTS {
                let end = format!("dsn=4.4.1, status=deferred (host mx.example.net said: 450 try {round} later)");
                log.to(id, &format!("b{n}@example.net"), "none", &end);
            }
        }
        let mut next = Log::new(1);
        next.now = log.now.plus(HOUR);
        file.write_all(std::mem::replace(&mut log, next).text().as_bytes()).expect("room on the disk");
        let (time, memory) = run(&workspace);
        if SHOWN.contains(&round) || round % 40 == 0 || round == rounds {
            println!("| {round} | {:.1} s | {} MiB |", time.as_secs_f64(), memory >> 20);
        }
    }
}

/// Processor time of a run, and its memory in bytes.
fn run(workspace: &Workspace) -> (Duration, u64) {
    let mut command = workspace.command(["--config", "c.toml", "--now", "2026-12-01T00:00:00Z", "run"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("mailstitch starts");
    let ended = child.wait4().expect("its end");
    assert!(ended.status.success(), "{}", ended.status);
    (ended.rusage.utime + ended.rusage.stime, ended.rusage.maxrss)
}
