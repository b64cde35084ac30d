//! Every line that postfix can write, one example each (`tests/data/lines.tsv`), with the daemon's name and without
//! it: core lines get their event, rare ones (`tail-`) are recognised and never misread.

use mailstitch::{model::Parsed, parse::parse_text};

const LINES: &str = include_str!("data/lines.tsv");

struct Row<'a> {
    daemon: &'a str,
    class: &'a str,
    has_qid: bool,
    text: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let rows: Vec<_> = LINES
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let mut next = || cells.next().expect("five cells");
            let (mta, daemon, class, has_qid, text) = (next(), next(), next(), next(), next());
            (mta == "postfix").then_some(Row { daemon, class, has_qid: has_qid == "1", text })
        })
        .collect();
    assert!(rows.len() > 1000, "the table is there");
    rows
}

/// Texts of failed attempts that name what a server said or did.
const OF_SERVERS: [&str; 3] = [" said: ", "lost connection with ", "Cannot start TLS: "];

/// The event, or `ignored`, that a row must become.
fn expected(row: &Row<'_>) -> &'static str {
    let or_ignored = |event| if row.has_qid { event } else { "ignored" };
    let complaint = row.text.starts_with("warning: ");
    match row.class {
        "connect" | "ps-connect" => "Connect",
        "disconnect" | "ps-disconnect" => "Disconnect",
        "client" => "Client",
        "proxy-filter" if complaint => "ignored",
        "reject"
        | "reject-warning"
        | "permit-log"
        | "mime-reject"
        | "proxy-filter"
        | "milter-reject"
        | "milter-hold"
        | "milter-discard"
        | "milter-content-action"
        | "client-content-action" => "Policy",
        class if class.starts_with("access-") || class.starts_with("content-") => "Policy",
        "session-abort" => "Aborted",
        "sasl-fail" => "SaslFailed",
        "tls-session" => "Tls",
        "message-id" => "MessageId",
        "canceled" => "Canceled",
        "pickup" => "Pickup",
        "queued" => "Queued",
        "removed" => "Removed",
        "expired" => "Expired",
        "delivery-note" if !row.has_qid => "ConnectFailed",
        // Logged between attempts; no delivery record repeats it.
        "delivery-note" | "tls-error" if OF_SERVERS.iter().any(|said| row.text.contains(said)) => "Warning",
        "delivery-note" | "delegation" | "queue-note" | "tls-error" => or_ignored("Note"),
        class if class.starts_with("delivery-") => "Delivery",
        "bounce-notification" | "delay-notification" | "dsn-notification" => "Notified",
        "notification-failed" if !complaint => "Note",
        "notification-failed" | "bounce-failed" => "Warning",
        "queue-warning" | "lookup-error" | "session-warning" => or_ignored("Warning"),
        "postsuper-action" => "Operation",
        "dns-warning" | "dnsbl" | "rate-limit" | "protocol-violation" | "sasl-error" | "policy-error"
        | "milter-error" | "tls-detail" | "tls-verify" | "tlsrpt" | "ps-result" | "ps-test" | "ps-tls"
        | "ps-warning" | "statistics" | "lifecycle" | "service-warning" | "config-warning" | "postsuper-summary"
        | "submission-error" | "fatal" | "verbose" => "ignored",
        class => panic!("class `{class}` is not in this table"),
    }
}

fn name(parsed: &Parsed<'_>) -> String {
    match parsed {
        Parsed::Event { event, .. } => {
            let shown = format!("{event:?}");
            shown.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
        }
        Parsed::Ignored(_) => "ignored".to_owned(),
        Parsed::Unrecognised => "unrecognised".to_owned(),
    }
}

/// The id at the start of an example, after a severity word; if a filter before the queue accepted the mail, the id
/// in its reply.
fn leading_id<'a>(row: &Row<'a>) -> Option<&'a str> {
    let text =
        ["warning: ", "fatal: ", "error: "].iter().find_map(|word| row.text.strip_prefix(word)).unwrap_or(row.text);
    if row.text.starts_with("proxy-accept: ") {
        return row.text.split_once("queued as ").and_then(|(_, rest)| rest.split(';').next());
    }
    row.has_qid.then(|| text.split(':').next()).flatten()
}

fn queue_id<'a>(parsed: &Parsed<'a>) -> Option<&'a str> {
    match parsed {
        Parsed::Event { queue_id, .. } => *queue_id,
        Parsed::Ignored(_) | Parsed::Unrecognised => None,
    }
}

/// Checks the rows that `chosen` selects; `wrong` says what is wrong with one.
fn walk(
    chosen: impl Fn(&Row<'_>) -> bool,
    program: impl Fn(&Row<'_>) -> String,
    wrong: impl Fn(&Row<'_>, &Parsed<'_>) -> Option<String>,
) {
    let rows = rows();
    let mut seen = 0;
    let mut complaints = Vec::new();
    for row in rows.iter().filter(|row| chosen(row)) {
        seen += 1;
        let parsed = parse_text(&program(row), row.text);
        if queue_id(&parsed) != leading_id(row) {
            complaints.push(format!("queue id {:?}: {} {}: {}", queue_id(&parsed), row.daemon, row.class, row.text));
        } else if let Some(complaint) = wrong(row, &parsed) {
            complaints.push(format!("{complaint}: {} {}: {}", row.daemon, row.class, row.text));
        }
    }
    assert!(seen > 200, "only {seen} rows");
    assert!(complaints.is_empty(), "{} of {seen} rows:\n{}", complaints.len(), complaints.join("\n"));
}

fn is_core(row: &Row<'_>) -> bool {
    !row.class.starts_with("tail-")
}

fn with_daemon(row: &Row<'_>) -> String {
    format!("postfix/{}", row.daemon)
}

fn without_daemon(_: &Row<'_>) -> String {
    "postfix".to_owned()
}

#[test]
fn core_lines_become_their_events() {
    walk(is_core, with_daemon, |row, parsed| (name(parsed) != expected(row)).then(|| name(parsed)));
}

#[test]
fn core_lines_are_understood_without_the_daemon() {
    walk(is_core, without_daemon, |row, parsed| {
        // Lines that two daemons share are taken for the commoner one.
        let expected = match row.class {
            "postsuper-action" if row.text.ends_with(": removed") => "Removed",
            "ps-tls" if row.text.starts_with("DISCONNECT ") => "Disconnect",
            _ => expected(row),
        };
        (name(parsed) != expected).then(|| name(parsed))
    });
}

/// A rare line with an id must stay with its message as evidence; one without must be ignored.
fn misread(row: &Row<'_>, parsed: &Parsed<'_>) -> Option<String> {
    let found = name(parsed);
    let fine = if row.has_qid { matches!(found.as_str(), "Warning" | "Note" | "Policy") } else { found == "ignored" };
    (!fine).then_some(found)
}

/// False for the example of `QID: REASON`, whose reason smtp cannot give.
fn is_possible(row: &Row<'_>) -> bool {
    row.text != "3F2A41C0E7: reason text"
}

#[test]
fn rare_lines_are_recognised_and_not_misread() {
    walk(|row| !is_core(row) && is_possible(row), with_daemon, misread);
}

#[test]
fn rare_lines_are_not_misread_without_the_daemon() {
    walk(|row| !is_core(row) && is_possible(row), without_daemon, misread);
}

/// Transports cut lines anywhere, and strangers write parts of them.
#[test]
fn cut_and_spoilt_lines_name_no_other_queue_id() {
    for row in rows() {
        let program = with_daemon(&row);
        for (at, _) in row.text.char_indices() {
            let (head, tail) = row.text.split_at(at);
            for text in [head.to_owned(), format!("{head}é{tail}"), format!("{head}\"<[: ;{tail}")] {
                for program in [program.as_str(), "postfix"] {
                    let parsed = parse_text(program, &text);
                    let found = queue_id(&parsed);
                    assert!(found.is_none() || found == leading_id(&row), "{found:?}: {text}");
                }
            }
        }
    }
}
