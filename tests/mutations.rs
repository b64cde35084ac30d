//! Spoilt real lines: cut, stuffed, swapped, repeated, with bytes that are not text and with control characters, as
//! transports and strangers leave them. Nothing panics, no queue id is invented, every line is counted once, and a
//! spoilt line does no harm to other messages.

use mailstitch::{
    frame, laws,
    model::{Intake, Line, Parsed, Time, Transaction},
    parse,
    stitch::{self, Rules},
};
use proptest::{collection::vec, prelude::*, sample::Index};
use std::{collections::BTreeSet, sync::LazyLock};

/// Syslog name and text of all example lines of the servers and their neighbours.
static EXAMPLES: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let cells: Vec<_> = line.splitn(5, '\t').collect();
        let [mta, program, _, _, text] = cells[..] else { panic!("five cells: {line}") };
        (if mta == "postfix" { format!("postfix/{program}") } else { program.to_owned() }, text)
    };
    include_str!("data/lines.tsv").lines().skip(1).map(row).collect()
});

/// Whole messages of both servers.
static LOGS: &[&str] = &[
    include_str!("golden/one_session_with_login_tls_and_two_messages/lines.log"),
    include_str!("golden/two_recipients_after_a_failed_connect/lines.log"),
    include_str!("golden/sendmail_two_recipients_one_deferred_once/lines.log"),
    include_str!("golden/deferred_for_days_then_expired_with_a_notice/lines.log"),
];

/// The same mails with the headers of other daemons, relays, container runtimes and forms of the journal.
static HEADERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let stories = [
        include_str!("golden/one_mail_under_the_headers_of_many_daemons/lines.log"),
        include_str!("golden/a_relay_puts_its_header_before_that_of_the_server/lines.log"),
        include_str!("golden/containers_log_lines_behind_their_own_stamps/lines.log"),
        include_str!("golden/docker_compose_names_the_service_before_each_line/lines.log"),
        include_str!("golden/dockers_json_file_with_pieces_of_a_long_line/lines.log"),
        include_str!("golden/journalctl_in_all_forms_of_one_line/lines.log"),
        include_str!("golden/journalctl_prints_one_entry_on_many_lines/lines.log"),
    ];
    stories.into_iter().flat_map(str::lines).collect()
});

#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Behead(Index),
    Insert(Index, Vec<u8>),
    Swap(Index, Index),
    Repeat(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    let bytes = prop_oneof![
        vec(any::<u8>(), 1..8),
        vec(0u8..32, 1..4),
        prop::sample::select(vec![&b": "[..], b"<", b">", b"\"", b"[", b"]", b"=", b", ", b"#012", b"\\012", b"..."])
            .prop_map(<[u8]>::to_vec),
    ];
    prop_oneof![
        at().prop_map(Damage::Cut),
        at().prop_map(Damage::Behead),
        (at(), bytes).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), at()).prop_map(|(a, b)| Damage::Swap(a, b)),
        (at(), at()).prop_map(|(a, b)| Damage::Repeat(a, b)),
    ]
}

fn spoil(text: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for damage in damages {
        let n = bytes.len();
        match damage {
            Damage::Cut(at) => bytes.truncate(at.index(n + 1)),
            Damage::Behead(at) => drop(bytes.drain(..at.index(n + 1))),
            Damage::Insert(at, new) => drop(bytes.splice(at.index(n + 1)..at.index(n + 1), new.iter().copied())),
            Damage::Swap(a, b) if n > 0 => bytes.swap(a.index(n), b.index(n)),
            Damage::Repeat(a, b) if n > 0 => {
                let (from, to) = (a.index(n).min(b.index(n)), a.index(n).max(b.index(n)));
                bytes.extend_from_within(from..=to);
            }
            Damage::Swap(..) | Damage::Repeat(..) => {}
        }
    }
    bytes
}

/// Lines as the file source reads a log; those without a frame are left out.
fn read(bytes: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(bytes);
    let mut intake = Intake::default();
    let line = |line: &str| {
        let frame = frame::frame(line)?;
        let time = match frame.stamp {
            frame::Stamp::Exact(time) => time,
            frame::Stamp::NoYear { month, day, ms } => of_day(frame::day_number(2026, month, day), ms),
            frame::Stamp::NoZone { day, ms } => of_day(day, ms),
        };
        intake.line(time, frame.host.unwrap_or("mx1"), frame.program, frame.pid, frame.text).ok()
    };
    text.lines().filter_map(line).collect()
}

fn of_day(day: i64, ms: u32) -> Time {
    Time(day * 86_400_000 + i64::from(ms))
}

fn documents(lines: &[Line]) -> Vec<Transaction> {
    let mut lines = lines.to_vec();
    stitch::unite(&mut lines);
    let rules = Rules::default();
    let gathered = stitch::gather(&lines, |_| false, &rules);
    let mut documents = Vec::new();
    for (key, set) in gathered.sets.iter() {
        let set: Vec<&Line> = set.iter().map(|n| &lines[*n as usize]).collect();
        documents.extend(stitch::fold(key, &set, &rules));
    }
    documents.sort_by(|a, b| a.mail.id.cmp(&b.mail.id));
    documents
}

/// The queue id that a line is about.
fn id_of(line: &Line) -> Option<String> {
    match parse::parse(line) {
        Parsed::Event { queue_id, .. } => queue_id.map(str::to_owned),
        _ => None,
    }
}

/// No file of seeds: a failure that is found becomes a named test.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(4096))]

    #[test]
    fn a_spoilt_text_is_read_without_a_panic_and_names_no_id_that_it_does_not_hold(
        example in any::<Index>(), damages in vec(damage(), 0..6),
    ) {
        let (program, text) = &EXAMPLES[example.index(EXAMPLES.len())];
        let spoilt = spoil(text.as_bytes(), &damages);
        laws::text(program, &String::from_utf8_lossy(&spoilt));
    }

    #[test]
    fn a_spoilt_line_has_a_frame_or_none(example in any::<Index>(), form in 0..4usize, damages in vec(damage(), 0..6)) {
        let (program, text) = &EXAMPLES[example.index(EXAMPLES.len())];
        let line = match form {
            0 => format!("Nov 22 20:20:11 mx1 {program}[4711]: {text}"),
            1 => format!("2026-11-22T20:20:11.599454+01:00 mx1 {program}[4711]: {text}"),
            2 => format!("<22>1 2026-11-22T20:20:11Z mx1.example.org {program} 4711 - [x y=\"z\"] {text}"),
            _ => serde_json::json!({
                "__REALTIME_TIMESTAMP": "1795378811599454", "_HOSTNAME": "mx1", "SYSLOG_IDENTIFIER": program,
                "_PID": "4711", "MESSAGE": text,
            }).to_string(),
        };
        laws::frame(&spoil(line.as_bytes(), &damages));
    }

    #[test]
    fn a_line_is_read_or_told_whatever_header_of_whatever_daemon_is_cut_into_it(
        lines in vec((any::<Index>(), any::<Index>(), any::<Index>()), 1..4), damages in vec(damage(), 0..4),
    ) {
        let piece = |(which, from, to): &(Index, Index, Index)| {
            let line = HEADERS[which.index(HEADERS.len())].as_bytes();
            // From the header rather than from the text.
            let from = from.index(line.len().min(24) + 1);
            line.get(from..from + to.index(line.len() - from + 1)).unwrap_or_default()
        };
        let line: Vec<u8> = lines.iter().flat_map(piece).copied().collect();
        laws::frame(&spoil(&line, &damages));
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn every_line_of_a_spoilt_log_is_counted_once(log in 0..LOGS.len(), damages in vec(damage(), 1..20)) {
        laws::lines(&read(&spoil(LOGS[log].as_bytes(), &damages)), &Rules::default());
    }

    /// The transactions of all ids that the spoilt line names neither before nor after the damage stay as they were.
    /// If they shared a session line with it, they may lose that line, but nothing that their own lines say.
    #[test]
    fn a_spoilt_line_costs_no_other_message_its_transaction(
        log in 0..LOGS.len(), which in any::<Index>(), damages in vec(damage(), 1..4),
    ) {
        let whole = read(LOGS[log].as_bytes());
        let raw: Vec<&str> = LOGS[log].lines().collect();
        let at = which.index(raw.len());
        let spoilt_line = spoil(raw[at].as_bytes(), &damages);
        let spoilt_line = read(&spoilt_line.into_iter().filter(|b| *b != b'\n').collect::<Vec<_>>());
        let mut spoilt: Vec<Line> = whole.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, l)| l.clone()).collect();
        let named: BTreeSet<String> = spoilt_line.iter().chain([&whole[at]]).filter_map(id_of).collect();
        spoilt.extend(spoilt_line);
        let facts = |t: &Transaction| {
            let recipients: Vec<_> = t.mail.recipients.iter().map(|r| (r.address.clone(), r.status, r.attempts)).collect();
            (t.mail.id.clone(), t.mail.status, t.email.from.address.clone(), t.email.message_id.clone(), recipients)
        };
        let others = |documents: Vec<Transaction>| -> Vec<_> {
            let other = |t: &&Transaction| t.email.local_id.as_ref().is_some_and(|id| !named.contains(id.as_str()));
            documents.iter().filter(other).map(facts).collect()
        };
        prop_assert_eq!(others(documents(&spoilt)), others(documents(&whole)));
    }
}

/// The reply of a filter may contain an id that is not postfix's; the law of texts once failed on these lines.
#[test]
fn an_accepted_mail_has_a_queue_id_of_postfix_or_none() {
    laws::text(
        "postfix/cleanup",
        "31C0E3: milter-header-proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok; from=<a@example.org>",
    );
    laws::text(
        "postfix/smtpd",
        "proxy-accept: END-OF-MESSAGE: 250 2.0.0 from MTA(smtp:[192.0.2.1]): 250 2.0.0 Ok: queued as 7C1smtD2E3F40; from=<a@example.org> to=<b@example.net>",
    );
    // An id of Exim is not an id of the server that logs this.
    laws::text(
        "postfix/smtpd",
        "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 7C1D2E-F40; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
    );
}
