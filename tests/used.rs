//! "Used" means that a document holds the line, or a session that is still open and may pass it to one (law L4).
//!
//! Tests each line that the servers' sources can write (`data/lines.tsv`), and one for each policy action, alone in a
//! log in which another process goes on.

use mailstitch::{
    model::{Intake, Line, Time},
    stitch::{self, Gathered, Rules},
};

const START: Time = Time(1_767_225_600_000);

/// A line, and a line of another process five seconds later, so that lines kept only for being in the last second are
/// dropped.
fn log(program: &str, text: &str) -> Vec<Line> {
    let mut intake = Intake::default();
    let line = intake.line(START, "mx1", program, Some(4711), text);
    let other = intake.line(START.plus(5000), "mx1", "postfix/anvil", Some(9), "statistics: max cache size 1");
    [line, other].into_iter().flatten().collect()
}

fn holds(gathered: &Gathered<'_>, line: &Line, rules: &Rules) -> bool {
    gathered.open.contains(&0) || gathered.documents(rules).any(|d| d.mail.lines.iter().any(|l| l.id == line.id))
}

/// Lines counted as used that nothing holds.
fn lost(lines: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    let rules = Rules::default();
    let mut seen = 0;
    let mut lost = Vec::new();
    for (program, text) in lines {
        let log = log(&program, &text);
        let gathered = stitch::gather(&log, |_| false, &rules);
        seen += 1;
        if gathered.tally.used > 0 && !holds(&gathered, &log[0], &rules) {
            lost.push(format!("{program}: {text}"));
        }
    }
    assert!(seen > 20, "only {seen} lines");
    lost
}

#[test]
fn every_line_of_the_sources_that_counts_as_used_is_held() {
    let rows = include_str!("data/lines.tsv").lines().skip(1).map(|row| {
        let cells: Vec<&str> = row.splitn(5, '\t').collect();
        let program = match cells[..] {
            ["postfix", daemon, ..] => format!("postfix/{}", if daemon == "*" { "smtpd" } else { daemon }),
            ["sendmail", ..] => "sm-mta".to_owned(),
            _ => cells[1].to_owned(),
        };
        (program, cells[4].to_owned())
    });
    let lost = lost(rows);
    assert!(lost.is_empty(), "{}:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn every_action_that_counts_as_used_is_held() {
    const ACTIONS: [&str; 16] = [
        "reject",
        "reject_warning",
        "warn",
        "warning",
        "info",
        "permit",
        "hold",
        "discard",
        "redirect",
        "filter",
        "bcc",
        "prepend",
        "delay",
        "hangup",
        "milter-reject",
        "milter-hold",
    ];
    let about =
        "RCPT from a.example.org[192.0.2.1]: <a>: reason; from=<e@example.net> to=<b@example.org> proto=ESMTP helo=<h>";
    let of = |start: &str| ACTIONS.map(|action| ("postfix/smtpd".to_owned(), format!("{start}: {action}: {about}")));
    let end = "END-OF-MESSAGE: 250 2.5.0 OK (2C22); from=<e@example.net> to=<b@example.org> proto=ESMTP helo=<h>";
    let proxy = ["accept", "reject"].map(|word| ("postfix/smtpd".to_owned(), format!("proxy-{word}: {end}")));
    let lost = lost(of("NOQUEUE").into_iter().chain(of("3F2A41C0E7")).chain(proxy));
    assert!(lost.is_empty(), "{}:\n{}", lost.len(), lost.join("\n"));
}
