//! The output of `coverage`: by program, with reasons, and the shapes of unrecognised lines.

mod common;

use common::Workspace;
use serde_json::{Value, json};

const LOG: &str = "\
2026-11-22T20:20:01.100+00:00 mx1 postfix/smtpd[10]: connect from a.example.org[192.0.2.1]
2026-11-22T20:20:01.200+00:00 mx1 postfix/smtpd[10]: 986E8321F2: client=a.example.org[192.0.2.1]
2026-11-22T20:20:01.300+00:00 mx1 postfix/smtpd[10]: 986E8321F2: beamed up by <kirk@example.org> after 3 s
2026-11-22T20:20:01.400+00:00 mx1 postfix/smtpd[11]: 7C1D2E3F40: beamed up by <spock@example.net> after 12 s
2026-11-22T20:20:01.500+00:00 mx1 postfix/anvil[12]: statistics: max connection rate 1/60s for (smtp:192.0.2.1) at Nov 22 20:20:01
2026-11-22T20:20:01.600+00:00 mx1 sshd[13]: Accepted publickey for root
2026-11-22T20:20:01.700+00:00 mx1 sm-mta[14]: the cat sat on the mat
no frame at all
";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("mail.log", LOG);
    workspace.write(
        "mailstitch.toml",
        "state_dir = \"state\"\n[source.file]\npaths = [\"mail.log\"]\n[store.sqlite]\npath = \"mail.sqlite\"\n",
    );
    workspace
}

const CALL: [&str; 5] = ["--config", "mailstitch.toml", "--now", "2026-11-22T21:00:00Z", "coverage"];

fn shown(more: &[&str]) -> String {
    workspace().succeed(CALL.iter().chain(more))
}

#[test]
fn each_program_has_its_counts_and_the_unrecognised_stand_there_once_most_frequent_first() {
    let found: Value = serde_json::from_str(&shown(&["--json"])).unwrap();
    let program = |name: &str| -> Value {
        let all = found["programs"].as_array().unwrap();
        let p = all.iter().find(|p| p["program"] == name).unwrap();
        json!([p["read"], p["understood"], p["unused"], p["unrecognised"]])
    };
    assert_eq!(program("postfix/smtpd"), json!([4, 2, 0, 2]));
    assert_eq!(program("postfix/anvil"), json!([1, 0, 1, 0]));
    assert_eq!(program("sshd"), json!([1, 0, 1, 0]));
    assert_eq!(program("sm-mta"), json!([1, 0, 0, 1]));
    assert_eq!(program("(no syslog frame)"), json!([1, 0, 0, 1]));
    let first = &found["unrecognised"][0];
    assert_eq!(first["count"], 2);
    assert_eq!(first["shape"], "N: beamed up by <ADDRESS> after N s");
    assert_eq!(first["sample"], "986E8321F2: beamed up by <kirk@example.org> after 3 s");
    assert_eq!(found["unrecognised"].as_array().unwrap().len(), 3);
}

#[test]
fn people_read_the_same_with_the_reasons() {
    let text = shown(&[]);
    assert!(text.contains("         4          2          0          2  50.00 %  postfix/smtpd\n"), "{text}");
    assert!(text.contains("         1 times unused, sshd: not a mail program\n"), "{text}");
    assert!(
        text.contains("\n2 times, postfix/smtpd: N: beamed up by <ADDRESS> after N s\n  such as: 986E8321F2"),
        "{text}"
    );
    let one = shown(&["--limit", "1"]);
    assert_eq!(one.matches(" times, ").count(), 1, "{one}");
}

#[test]
fn a_named_file_and_standard_input_are_looked_at_as_the_source_is() {
    assert_eq!(shown(&["mail.log"]), shown(&[]));
    assert_eq!(shown(&["--all-programs"]), shown(&[]), "a file has all programs anyway");
    assert_eq!(shown(&["--all-programs", "mail.log"]), shown(&[]));
}

#[test]
fn a_range_holds_for_files_too() {
    let read = |more: &[&str]| -> u64 {
        let found: Value = serde_json::from_str(&shown(&[&["--json"], more].concat())).unwrap();
        let lines = |p: &Value| if p["program"] == "(no syslog frame)" { 0 } else { p["read"].as_u64().unwrap() };
        found["programs"].as_array().unwrap().iter().map(lines).sum()
    };
    assert_eq!(read(&[]), 7);
    assert_eq!(read(&["--since", "2026-11-22T20:20:01.500Z"]), 3);
    assert_eq!(read(&["--until", "2026-11-22T20:20:01.500Z", "mail.log"]), 4);
}

#[test]
fn runs_count_what_they_did_not_understand_and_status_shows_it_over_time() {
    let workspace = workspace();
    let run = |now: &str| {
        let ran = workspace.run(["--config", "mailstitch.toml", "--now", now, "-v", "run"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stderr
    };
    let counts = "8 lines read: 2 used, 2 known and unused, 4 unrecognised, 0 duplicates\n";
    let told = run("2026-11-22T21:00:00Z");
    assert!(told.contains(counts), "{told}");
    assert!(!told.contains("only "), "three of six is half: {told}");
    // A server upgrade: every line is new.
    let lines: String =
        (10..60).map(|s| LOG.lines().nth(2).unwrap().replace("01.300", &format!("{s}.000")) + "\n").collect();
    workspace.write("mail.log", format!("{LOG}{lines}"));
    let complaint = "only 0 of 50 lines that look like a mail server's were understood: see `mailstitch check` and `mailstitch coverage`";
    let told = run("2026-11-22T21:15:00Z");
    assert!(told.contains(complaint), "{told}");
    let status = workspace.succeed(["--config", "mailstitch.toml", "--now", "2026-11-22T21:20:00Z", "status"]);
    assert!(status.contains("2026-11-22T21:00:00.000Z  8 lines, 50.00 % understood"), "{status}");
    assert!(status.contains("2026-11-22T21:15:00.000Z  50 lines, 0.00 % understood"), "{status}");
    assert!(status.contains(&format!("not understood   2026-11-22T21:15:00.000Z: run: {complaint}")), "{status}");
}

/// A log whose lines begin with an unknown prefix must not look like a log without mail.
#[test]
fn a_backfill_of_lines_behind_a_prefix_says_that_it_could_not_read_them() {
    let workspace = workspace();
    let lines: String =
        LOG.lines().take(5).map(|line| line.replace("mx1 ", "mx1 container: >>> said: ") + "\n").collect();
    workspace.write("odd.log", lines);
    let call = |more: &[&str]| workspace.run(CALL[..4].iter().chain(more));
    let told = call(&["backfill", "odd.log"]).stderr;
    let complaint = "only 0 of 5 lines that look like a mail server's were understood: see `mailstitch check` and `mailstitch coverage`";
    assert!(told.contains(complaint), "{told}");
    let status = call(&["status"]).stdout;
    assert!(status.contains(&format!("2026-11-22T21:00:00.000Z: backfill: {complaint}")), "{status}");
    assert!(call(&["coverage", "odd.log"]).stdout.contains("   0.00 %  container\n"));
}
