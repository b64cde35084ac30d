//! Lines that kill the program, for lack of memory or by a bug: later runs narrow them down in ever smaller pieces
//! and set them aside, and everything else reaches the store (law L7).

mod common;

use common::Workspace;
use std::collections::BTreeSet;

const NOW: &str = "2026-11-22T21:00:00Z";
const MESSAGES: usize = 100;
const POISON: usize = 61;

const CONFIG: &str =
    "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n[store.sqlite]\npath = \"mail.sqlite\"\n";

/// Four lines for each message.
fn log(messages: usize) -> String {
    let message = |n: usize| {
        let (id, second) = (format!("4F1A2B{n:06X}"), n % 60);
        let at = format!("2026-11-22T{:02}:{:02}:{second:02}.000000+00:00 mx1", 10 + n / 3600, n / 60 % 60);
        format!(
            "{at} postfix/smtpd[11]: {id}: client=client.example.org[192.0.2.7]\n\
             {at} postfix/cleanup[12]: {id}: message-id=<m{n}@example.org>\n\
             {at} postfix/smtp[13]: {id}: to=<b{n}@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)\n\
             {at} postfix/qmgr[9]: {id}: removed\n"
        )
    };
    (0..messages).map(message).collect()
}

fn workspace(log: impl AsRef<[u8]>) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("mail.log", log);
    workspace.write("config.toml", CONFIG);
    workspace
}

/// Runs the program until it ends by itself; every run before must die in the given way. Prints how many did.
#[track_caller]
fn check(how: &str) {
    let workspace = workspace(log(MESSAGES));
    let fault = format!("{how}=<m{POISON}@");
    let run = || {
        let arguments = ["--now", NOW, "-c", "config.toml", "run"];
        workspace.command(arguments).env("MAILSTITCH_FAULT", &fault).output().expect("it starts")
    };
    let codes: Vec<Option<i32>> = (0..12).map(|_| run().status.code()).take_while(|code| *code != Some(65)).collect();
    assert!((2..10).contains(&codes.len()), "{codes:?}");
    assert!(codes.iter().all(|code| *code == if how == "panic" { Some(70) } else { None }), "{codes:?}");

    let exported = workspace.succeed(["--now", NOW, "-c", "config.toml", "export"]);
    let has = |n: &usize| exported.contains(&format!("\"b{n}@example.net\""));
    assert_eq!((0..MESSAGES).filter(has).count(), MESSAGES);
    let lost: BTreeSet<usize> = (0..MESSAGES).filter(|n| !exported.contains(&format!("<m{n}@example.org>"))).collect();
    assert_eq!(lost, BTreeSet::from([POISON]));

    let aside = std::fs::read_to_string(workspace.file("state/set-aside.ndjson")).expect("lines were set aside");
    assert!(aside.lines().count() == 1 && aside.contains(&format!("<m{POISON}@")), "{aside}");
    let status = workspace.succeed(["--now", NOW, "-c", "config.toml", "status"]);
    assert!(status.contains("1 lines that runs died of"), "{status}");
    // The line is reported, and not met again.
    assert_eq!(run().status.code(), Some(65));
}

#[test]
fn a_line_that_kills_the_program_is_set_aside() {
    check("abort");
}

#[test]
fn a_line_that_makes_the_program_panic_is_set_aside() {
    check("panic");
}

#[test]
fn a_run_that_was_killed_for_another_reason_sets_nothing_aside() {
    let workspace = workspace(log(MESSAGES));
    let arguments = ["--now", NOW, "-c", "config.toml", "run"];
    for _ in 0..2 {
        let killed = workspace.command(arguments).env("MAILSTITCH_FAULT", "before-write").output().expect("it starts");
        assert_eq!(killed.status.code(), None);
    }
    workspace.succeed(arguments);
    let exported = workspace.succeed(["--now", NOW, "-c", "config.toml", "export"]);
    assert_eq!(exported.lines().count(), MESSAGES);
    assert!(!workspace.file("state/run-under-way.json").exists());
}

/// Lines of hours later, carried on from the last run, must not end the sessions of late lines.
#[test]
fn sessions_of_late_lines_are_whole_in_pieces_too() {
    const SESSIONS: usize = 40;
    let arguments = ["--now", NOW, "-c", "config.toml", "run"];
    let said = |at: &str, n: usize, text: &str| format!("{at}.000000+00:00 mx1 postfix/smtpd[{}]: {text}\n", 100 + n);
    let later = said("2026-11-22T20:00:00", 99, "connect from later.example.org[192.0.2.9]");
    let connects = |n| said("2026-11-22T11:00:00", n, "connect from client.example.org[192.0.2.7]");
    let clients = |n: usize| {
        let id = format!("4F1A2B{n:06X}");
        said("2026-11-22T11:00:02", n, &format!("{id}: client=client.example.org[192.0.2.7]"))
    };
    let late: String = (0..SESSIONS).map(connects).chain((0..SESSIONS).map(clients)).collect();
    let export = |deaths: usize| {
        let workspace = workspace(&later);
        workspace.succeed(arguments);
        workspace.write("mail.log", format!("{later}{late}"));
        for _ in 0..deaths {
            let killed = workspace.command(arguments).env("MAILSTITCH_FAULT", "before-write").output();
            assert_eq!(killed.expect("it starts").status.code(), None);
        }
        let pieces = workspace.run(arguments).stderr;
        assert_eq!(pieces.contains("are taken in pieces"), deaths > 0, "{pieces}");
        workspace.succeed(["--now", NOW, "-c", "config.toml", "export"])
    };
    let expected = export(0);
    assert_eq!(expected.matches("connect from client").count(), SESSIONS);
    assert_eq!(export(2), expected);
}

/// Runs the program with `kib` KiB of address space. `None`: it was killed, or gave up for lack of memory.
fn run_within(workspace: &Workspace, kib: u64) -> Option<i32> {
    let program = workspace.command(["--now", "2026-11-23T00:00:00Z", "-c", "config.toml", "run"]);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", &format!("ulimit -c 0; ulimit -v {kib}; exec timeout -s ABRT 120 \"$0\" \"$@\"")]);
    limited.arg(program.get_program()).args(program.get_args()).current_dir(workspace.path());
    limited.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Without memory, Rust's standard library deadlocks while it prints a backtrace.
    limited.env_remove("RUST_BACKTRACE");
    let output = limited.output().expect("a shell");
    assert_ne!(output.status.code(), Some(124), "it does not end in {kib} KiB");
    output.status.code().filter(|code| !matches!(code, 70 | 75 | 134))
}

/// Too little memory for anything.
const NOTHING_KIB: u64 = 40_960;

/// The least memory in which a log of this many messages can be processed, searched upwards from `from`, which is too
/// little.
fn least_kib(messages: usize, from: u64) -> u64 {
    let enough = |kib: &u64| run_within(&workspace(log(messages)), *kib) == Some(0);
    (0..).map(|step| from + step * 4096).find(|kib| enough(kib) && enough(kib)).expect("some memory is enough")
}

#[test]
fn the_program_ends_however_little_memory_there_is() {
    let workspace = workspace(log(1));
    for kib in (5_000..200_000).step_by(5_000) {
        run_within(&workspace, kib);
    }
    assert_eq!(run_within(&workspace, 1 << 20), Some(0));
}

#[test]
fn a_stretch_for_which_there_is_too_little_memory_is_taken_in_pieces_and_nothing_of_it_is_set_aside() {
    const MESSAGES: usize = 5_000;
    // All lines are read before they can be split into pieces, which takes a little more memory than processing a
    // twentieth of them.
    let few = least_kib(MESSAGES / 20, NOTHING_KIB);
    let kib = few + (least_kib(MESSAGES, few) - few) / 4;
    let workspace = workspace(log(MESSAGES));
    assert_eq!(run_within(&workspace, kib), None, "{kib} KiB are enough for all at once");
    let deaths = (0..30).take_while(|_| run_within(&workspace, kib) != Some(0)).count();
    assert!(deaths < 12, "{deaths} more runs died");
    let exported = workspace.succeed(["-c", "config.toml", "export"]);
    assert_eq!(exported.lines().filter(|document| document.contains("\"status\":\"delivered\"")).count(), MESSAGES);
    assert!(!workspace.file("state/set-aside.ndjson").exists());
    // Lines that come later are read as well.
    workspace.write("mail.log", log(MESSAGES + 10));
    assert_eq!(run_within(&workspace, kib), Some(0));
    assert_eq!(workspace.succeed(["-c", "config.toml", "export"]).lines().count(), MESSAGES + 10);
}

#[test]
fn a_line_whose_message_is_too_large_for_the_memory_there_is_is_set_aside_and_all_others_are_read() {
    const RECIPIENTS: usize = 8_000;
    let record = |n: usize| {
        let end = "relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)";
        format!("2026-11-22T09:00:00.000+00:00 mx1 postfix/smtp[13]: 5F1A2B000000: to=<c{n}@example.net>, {end}\n")
    };
    // Keeps the large message from being carried on as lines of the last second, which would cost memory by itself.
    let later = "2026-11-22T09:30:00.000+00:00 mx1 postfix/smtpd[11]: connect from client.example.org[192.0.2.7]\n";
    let large: String = (0..RECIPIENTS).map(record).chain([later.to_owned()]).collect();
    let workspace = workspace(&large);
    workspace.succeed(["--now", "2026-11-23T00:00:00Z", "-c", "config.toml", "run"]);

    let kib = least_kib(MESSAGES, NOTHING_KIB) + 8192;
    let others = log(MESSAGES);
    workspace.write("mail.log", [&large, &others, &record(RECIPIENTS)].map(String::as_str).concat());
    let codes: Vec<Option<i32>> =
        (0..30).map(|_| run_within(&workspace, kib)).take_while(|code| *code != Some(65)).collect();
    assert!((2..12).contains(&codes.len()) && codes.iter().all(Option::is_none), "{codes:?} in {kib} KiB");
    let aside = std::fs::read_to_string(workspace.file("state/set-aside.ndjson")).expect("lines were set aside");
    assert!(aside.lines().count() == 1 && aside.contains("5F1A2B000000"), "{aside}");
    let exported = workspace.succeed(["-c", "config.toml", "export"]);
    assert!((0..MESSAGES).all(|n| exported.contains(&format!("<m{n}@example.org>"))));
    let status = workspace.run(["--now", "2026-11-23T00:00:00Z", "-c", "config.toml", "status"]);
    assert!(status.stdout.contains("1 lines that runs died of"), "{status:?}");
    // The line is reported, and not met again.
    assert_eq!(run_within(&workspace, kib), Some(65));
}
