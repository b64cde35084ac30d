//! Lines that the program dies of, by a lack of memory or a bug: later runs look for them in ever smaller pieces and set
//! them aside, and everything else is in the store (law L7).

mod common;

use common::Workspace;
use std::collections::BTreeSet;

const NOW: &str = "2026-11-22T21:00:00Z";
const MESSAGES: usize = 100;
const POISON: usize = 61;

fn log() -> String {
    let message = |n: usize| {
        let (id, second) = (format!("4F1A2B3{n:03X}"), n % 60);
        let at = format!("2026-11-22T20:{:02}:{second:02}.000000+00:00 mx1", n / 60);
        format!(
            "{at} postfix/smtpd[11]: {id}: client=client.example.org[192.0.2.7]\n\
             {at} postfix/cleanup[12]: {id}: message-id=<m{n}@example.org>\n\
             {at} postfix/smtp[13]: {id}: to=<b{n}@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)\n\
             {at} postfix/qmgr[9]: {id}: removed\n"
        )
    };
    (0..MESSAGES).map(message).collect()
}

/// The program is run until it ends by itself; every run before dies in the given way. Says how many did.
#[track_caller]
fn check(how: &str) {
    let workspace = Workspace::new();
    workspace.write("mail.log", log());
    workspace.write(
        "config.toml",
        "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n[store.sqlite]\npath = \"mail.sqlite\"\n",
    );
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
    // It is told, and not met again.
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
    let workspace = Workspace::new();
    workspace.write("mail.log", log());
    workspace.write(
        "config.toml",
        "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n[store.sqlite]\npath = \"mail.sqlite\"\n",
    );
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
