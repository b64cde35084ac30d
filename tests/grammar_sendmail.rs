//! Every log statement in sendmail's sources, one example each, and how the parser reads it.
//!
//! `data/lines.tsv` has two tiers. Core rows must become what the table below says. Rows of classes that begin with
//! `tail-` are internal and rare: they must be recognised, and never be taken for a record of a message.

use mailstitch::model::Parsed;
use mailstitch::parse::sendmail;

/// Allowed results for the rows of a core class: names of events, or `ignored`.
const EXPECTED: &[(&str, &[&str])] = &[
    ("alias", &["Note", "Warning"]),
    ("auth-warning", &["Warning"]),
    ("bounce-notification", &["Dsn"]),
    ("clone", &["Clone"]),
    ("dead-letter", &["Warning"]),
    ("delivery-bounced", &["To"]),
    ("delivery-deferred", &["To"]),
    ("delivery-queued", &["To"]),
    ("delivery-sent", &["To"]),
    ("discard", &["Policy"]),
    ("from", &["From"]),
    ("internal-error", &["Warning", "Note"]),
    ("lifecycle", &["ignored"]),
    ("milter-action", &["Policy"]),
    ("milter-edit", &["Note", "MilterEdit"]),
    ("milter-error", &["Warning"]),
    ("protocol-error", &["Warning"]),
    ("quarantine", &["Policy", "Operation"]),
    ("queue-warning", &["Warning", "ignored"]),
    ("recipient-rejected", &["To"]),
    ("reject", &["Policy", "Warning"]),
    ("removed", &["Done"]),
    ("sasl", &["SaslLogin", "ignored"]),
    ("sasl-fail", &["SaslFailed", "ignored"]),
    ("session-abort", &["Aborted"]),
    ("session-note", &["Connect", "Policy", "Warning", "Note", "ignored"]),
    ("size-limit", &["Policy"]),
    ("smtp-trace", &["Note"]),
    ("split-line", &["Piece"]),
    ("syserr", &["Warning", "ignored"]),
    ("tls-detail", &["ignored"]),
    ("tls-error", &["ignored"]),
    ("tls-session", &["Tls"]),
    ("user-error", &["UserError"]),
];

/// Allowed results for a tail row: nothing that adds a sender, a recipient or an end to a message.
const HARMLESS: &[&str] = &["Note", "Warning", "Policy", "ignored"];

struct Row<'a> {
    class: &'a str,
    has_qid: bool,
    text: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let rows: Vec<_> = include_str!("data/lines.tsv")
        .lines()
        .filter_map(|line| {
            let mut columns = line.splitn(5, '\t');
            let (mta, _daemon) = (columns.next()?, columns.next()?);
            let (class, has_qid, text) = (columns.next()?, columns.next()? == "1", columns.next()?);
            (mta == "sendmail").then_some(Row { class, has_qid, text })
        })
        .collect();
    assert!(rows.len() > 500, "the table is not complete");
    rows
}

/// The queue id, and the name of the event that a text became.
fn read(text: &str) -> (Option<&str>, String) {
    match sendmail::parse(text) {
        Parsed::Event { queue_id, event } => {
            let event = format!("{event:?}");
            (queue_id, event.split([' ', '(']).next().unwrap_or_default().to_owned())
        }
        Parsed::Ignored(_) => (None, "ignored".to_owned()),
        Parsed::Unrecognised => (None, "unrecognised".to_owned()),
    }
}

/// The id at the start of an example: all are variants of one.
fn id_of(text: &str) -> Option<&str> {
    text.get(..14).filter(|id| id.starts_with("60100"))
}

#[test]
fn core_rows_become_what_they_are() {
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| !row.class.starts_with("tail-")) {
        let (queue_id, found) = read(row.text);
        let expected = EXPECTED.iter().find(|(class, _)| *class == row.class);
        let fits = expected.is_some_and(|(_, names)| names.contains(&found.as_str()));
        let id = if row.has_qid { id_of(row.text) } else { None };
        if !fits || queue_id != id {
            wrong.push(format!("{}: {found} {queue_id:?}: {}", row.class, row.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tail_rows_are_known_and_never_misread() {
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| row.class.starts_with("tail-")) {
        let (queue_id, found) = read(row.text);
        let id = if row.has_qid { id_of(row.text) } else { None };
        if !HARMLESS.contains(&found.as_str()) || queue_id != id {
            wrong.push(format!("{}: {found} {queue_id:?}: {}", row.class, row.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_cut_of_any_row_panics() {
    for row in rows() {
        for (at, _) in row.text.char_indices() {
            read(&row.text[..at]);
            read(&row.text[at..]);
        }
    }
}
