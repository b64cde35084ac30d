//! Lines of filters and mail stores beside the mail servers, one example each: what the parser makes of it.

use mailstitch::model::Parsed;
use mailstitch::parse::neighbours;

/// The mail servers and the transport, whose rows have their own tests.
const OTHERS: &[&str] = &["mta", "postfix", "sendmail", "syslog"];

/// What the rows of a program and class may become: names of events, or `ignored`.
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
    ("spamd", "spam-verdict", &["Filter", "ignored"]),
];

/// The id that the examples begin with or name.
const ID: &str = "3F2A41C0E7";

#[test]
fn every_row_becomes_what_it_is() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for line in include_str!("data/lines.tsv").lines() {
        let columns: Vec<_> = line.splitn(5, '\t').collect();
        let [mta, program, class, has_qid, text] = columns[..] else { panic!("five columns: {line}") };
        if OTHERS.contains(&mta) {
            continue;
        }
        seen += 1;
        let (queue_id, found) = match neighbours::parse(program, text) {
            Parsed::Event { queue_id, event } => {
                let event = format!("{event:?}");
                (queue_id, event.split([' ', '(']).next().unwrap_or_default().to_owned())
            }
            Parsed::Ignored(_) => (None, "ignored".to_owned()),
            Parsed::Unrecognised => (None, "unrecognised".to_owned()),
        };
        let expected = EXPECTED.iter().find(|(p, c, _)| *p == program && *c == class);
        let fits = expected.is_some_and(|(_, _, names)| names.contains(&found.as_str()));
        if !fits || queue_id != (has_qid == "1").then_some(ID) || !neighbours::is_program(program) {
            wrong.push(format!("{program} {class}: {found} {queue_id:?}: {text}"));
        }
        for (at, _) in text.char_indices() {
            neighbours::parse(program, &text[..at]);
            neighbours::parse(program, &text[at..]);
        }
    }
    assert!(seen > 30, "the table is not complete");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
