//! Log text is written by strangers: it does not control a terminal, name a file, or get executed.

use crate::{NOW, run_at, workspace};
use std::{collections::BTreeSet, fs, path::Path};

/// Terminal sequences (7 and 8 bit), text that runs backwards, paths, and quotes of SQL, shells and queries.
const EVIL: [&str; 8] = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "\u{9b}31m\u{9d}0;owned\u{9c}",
    "gro.\u{202e}elpmaxe",
    "../../../../etc/cron.d/owned",
    "'; DROP TABLE transactions; --",
    "\") OR _exists_:mail.id OR (\"",
    "$(touch owned)`touch owned`",
    "\u{7f}\u{8}\u{8}\r<script>",
];

fn log() -> String {
    let mut log = String::new();
    for (n, evil) in EVIL.iter().enumerate() {
        let id = format!("3A9C96093{n:X}");
        let head = format!("2026-11-03T00:00:0{n}.000+00:00");
        for line in [
            format!(
                "{head} mx1 postfix/smtpd[9]: {id}: client={evil}[192.0.2.7], sasl_method=PLAIN, sasl_username={evil}"
            ),
            format!("{head} mx1 postfix/cleanup[9]: {id}: message-id=<{evil}@example.org>"),
            format!("{head} mx1 postfix/qmgr[9]: {id}: from=<{evil}@example.org>, size=1, nrcpt=1 (queue active)"),
            format!(
                "{head} mx1 postfix/smtp[9]: {id}: to=<{evil}@example.net>, relay={evil}[192.0.2.1]:25, delay=1, \
                 delays=0/0/0/1, dsn=4.0.0, status=deferred (host said: {evil})"
            ),
            // With a host, a program and a queue id chosen by the stranger.
            format!("{head} {} postfix/qmgr[9]: {id}: removed", evil.replace(' ', "")),
            format!("{head} mx1 {}[9]: {evil} nobody has ever logged this {evil}", evil.replace(' ', "")),
            format!("{head} mx1 postfix/qmgr[9]: {}: removed", evil.replace(' ', "")),
            format!("{head} mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from {evil}[192.0.2.7]: 554 5.7.1 {evil}"),
        ] {
            log += &(line + "\n");
        }
    }
    log
}

fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert(entry.file_name().to_string_lossy().into_owned())),
        }
    }
    found
}

#[track_caller]
fn check_moves_nothing(text: &str, what: &str) {
    let obeyed = |c: &char| *c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(c));
    let found: Vec<char> = text.chars().filter(obeyed).collect();
    assert!(found.is_empty(), "{what}: {found:?} in\n{text:?}");
}

#[test]
fn text_of_strangers_moves_no_terminal() {
    let workspace = workspace("metrics_file = \"mail.prom\"");
    workspace.write("mail.log", log());
    for command in [
        vec!["-vvvv", "run"],
        vec!["--log-format", "json", "-vvvv", "backfill", "mail.log"],
        vec!["trace", "mx1"],
        vec!["trace", "--lines", "mx1"],
        vec!["trace", "--json", "mx1"],
        vec!["coverage", "mail.log"],
        vec!["coverage", "--json", "mail.log"],
        vec!["export"],
        vec!["status"],
        vec!["status", "--json"],
        vec!["check"],
    ] {
        let ran = run_at(&workspace, NOW, &command);
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
        check_moves_nothing(&ran.stdout, &command.join(" "));
        check_moves_nothing(&ran.stderr, &command.join(" "));
    }
    let exported = run_at(&workspace, NOW, &["export"]).stdout;
    assert!(exported.lines().count() >= EVIL.len(), "{exported}");
    let kept = exported.lines().filter(|l| l.contains("\\u001b[2J") || l.contains("\\u009b31m")).count();
    assert!(kept >= 2, "what was logged is kept, escaped");
}

#[test]
fn what_is_asked_for_moves_no_terminal_either() {
    let workspace = workspace("");
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    for evil in EVIL {
        let ran = run_at(&workspace, NOW, &["trace", "--", evil]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        check_moves_nothing(&format!("{}{}", ran.stdout, ran.stderr), evil);
    }
}

#[test]
fn text_of_strangers_names_no_file() {
    let workspace = workspace("");
    workspace.write("mail.log", log());
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    let expected = ["checkpoint.json", "history.json", "mail.log", "mail.sqlite", "mailstitch.toml", "run.lock"];
    let mut found = files(workspace.path());
    found.retain(|name| !name.starts_with("mail.sqlite-"));
    assert_eq!(found, expected.map(String::from).into());
}

#[test]
fn text_of_strangers_is_found_and_not_obeyed() {
    let workspace = workspace("");
    workspace.write("mail.log", log());
    assert_eq!(run_at(&workspace, NOW, &["run"]).code, 0);
    let all = run_at(&workspace, NOW, &["export"]).stdout.lines().count();
    for evil in EVIL {
        // Each sender finds only itself.
        let sender = format!("{evil}@example.org");
        let found = run_at(&workspace, NOW, &["trace", "--json", "--", &sender]);
        assert!(found.stdout.lines().count() <= 2, "{evil:?} finds\n{}", found.stdout);
    }
    assert_eq!(run_at(&workspace, NOW, &["export"]).stdout.lines().count(), all, "nothing was dropped");
}
