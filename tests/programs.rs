//! The default list of programs to ask for covers every name whose lines are read, as a whole name and as words.

use mailstitch::program::{Family, PROGRAMS, family};
use std::collections::BTreeSet;

/// Names of programs that are not in the table of examples.
const MORE: &[&str] = &[
    "postfix",
    "postfix/submission/smtpd",
    "postfix-out/qmgr",
    "mta-out/smtpd",
    "mta-out/relay/smtp",
    "sm-mta",
    "sm-msp-queue",
    "sendmail-msp",
    "amavisd-new",
    "dovecot-lda",
    "rsyslogd",
    "rsyslogd-2177",
    "syslog-ng",
    "systemd-journald",
];

fn names() -> BTreeSet<String> {
    let rows = include_str!("data/lines.tsv").lines().skip(1);
    let name = |row: &str| {
        let (server, rest) = row.split_once('\t').unwrap();
        let program = rest.split('\t').next().unwrap();
        if server == "postfix" { format!("mta-out/{program}") } else { program.to_owned() }
    };
    rows.map(name).chain(MORE.iter().map(|name| (*name).to_owned())).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_name_that_is_read_is_asked_for() {
    for name in names() {
        if family(&name) == Family::Foreign {
            continue;
        }
        let whole = PROGRAMS.iter().any(|p| if p.starts_with('/') { name.ends_with(p) } else { name.starts_with(p) });
        assert!(whole, "{name} as a keyword");
        let found = PROGRAMS.iter().any(|p| words(&name).windows(words(p).len()).any(|w| w == words(p)));
        assert!(found, "{name} as words");
    }
}

#[test]
fn every_name_asked_for_is_read() {
    for name in PROGRAMS {
        let name = if name.starts_with('/') { format!("mta-out{name}") } else { (*name).to_owned() };
        assert_ne!(family(&name), Family::Foreign, "{name}");
    }
}
