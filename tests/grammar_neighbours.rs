//! How the parsers read lines of filters, mail stores and syslog daemons, one example each.

use mailstitch::model::Parsed;
use mailstitch::parse::parse_text;

/// The header row, and the mail servers, whose rows have their own tests.
const OTHERS: &[&str] = &["mta", "postfix", "sendmail"];

/// Allowed results for the rows of a program and class: names of events, or `ignored`.
const EXPECTED: &[(&str, &str, &[&str])] = &[
    ("amavis", "spam-verdict", &["Filter"]),
    ("amavis", "continuation", &["ignored"]),
    ("clamav-milter", "virus-verdict", &["Filter"]),
    ("dovecot", "lmtp", &["Filter", "ignored"]),
    ("milter-greylist", "policy", &["Filter"]),
    ("opendkim", "dkim", &["Filter", "Note", "Warning"]),
    ("opendmarc", "dmarc", &["Filter"]),
    ("policyd-spf", "spf", &["Filter"]),
    ("postgrey", "policy", &["Filter"]),
    ("rspamd", "spam-verdict", &["Filter"]),
    ("rsyslogd", "damage", &["Gap", "Disconnect"]),
    ("spamd", "spam-verdict", &["Filter", "ignored"]),
    ("syslogd", "damage", &["ignored"]),
    ("systemd-journald", "damage", &["Gap"]),
];

/// The queue id in the examples.
const ID: &str = "3F2A41C0E7";

#[test]
fn every_row_becomes_what_it_is() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for line in include_str!("data/lines.tsv").lines() {
        let columns: Vec<_> = line.splitn(5, '\t').collect();
        let [mta, name, class, has_qid, text] = columns[..] else { panic!("five columns: {line}") };
        if OTHERS.contains(&mta) {
            continue;
        }
        seen += 1;
        // A repeated line is logged under the name of its own program.
        let program = if text.contains(": [ disconnect") { "postfix/smtpd" } else { name };
        let (queue_id, found) = match parse_text(program, text) {
            Parsed::Event { queue_id, event } => {
                let event = format!("{event:?}");
                (queue_id, event.split([' ', '(']).next().unwrap_or_default().to_owned())
            }
            Parsed::Ignored(_) => (None, "ignored".to_owned()),
            Parsed::Unrecognised => (None, "unrecognised".to_owned()),
        };
        let expected = EXPECTED.iter().find(|(p, c, _)| *p == name && *c == class);
        let fits = expected.is_some_and(|(_, _, names)| names.contains(&found.as_str()));
        if !fits || queue_id != (has_qid == "1").then_some(ID) {
            wrong.push(format!("{name} {class}: {found} {queue_id:?}: {text}"));
        }
        for (at, _) in text.char_indices() {
            parse_text(program, &text[..at]);
            parse_text(program, &text[at..]);
        }
    }
    assert!(seen > 30, "the table is not complete");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
