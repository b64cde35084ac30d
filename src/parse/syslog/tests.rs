use super::*;
use crate::model::Time;

fn show_stamp(stamp: Stamp) -> String {
    let clock = |ms: u32| format!("{}", Time(i64::from(ms)).utc().format("%H:%M:%S%.f"));
    match stamp {
        Stamp::Exact(time) => time.to_string(),
        Stamp::NoYear { month, day, ms } => format!("?-{month}-{day} {}", clock(ms)),
        Stamp::NoZone { day, ms } => format!("{} {}", Time(day * 86_400_000).utc().format("%F"), clock(ms)),
    }
}

fn show(host: Option<&str>, program: &str, pid: Option<u32>, text: &str) -> String {
    let pid = pid.map_or_else(|| "-".to_owned(), |p| p.to_string());
    format!("{} {program} {pid} {text}", host.unwrap_or("-"))
}

/// Compares a line with "stamp | host program pid text".
#[track_caller]
pub(super) fn check(line: &str, expected: &str) {
    let found = match frame(line) {
        Some(f) => format!("{} | {}", show_stamp(f.stamp), show(f.host, f.program, f.pid, f.text)),
        None => "noise".to_owned(),
    };
    assert_eq!(found, expected, "{line}");
}

#[test]
fn days_are_padded_with_a_blank_a_zero_or_nothing() {
    check("Nov  2 20:19:26 mx1 postfix/qmgr[12]: 4F: removed", "?-11-2 20:19:26 | mx1 postfix/qmgr 12 4F: removed");
    check("Nov 02 20:19:26 mx1 postfix/qmgr[12]: x", "?-11-2 20:19:26 | mx1 postfix/qmgr 12 x");
    check("Nov 2 20:19:26 mx1 postfix/qmgr[12]: x", "?-11-2 20:19:26 | mx1 postfix/qmgr 12 x");
    check("<22>Feb 29 20:19:26.25 mx1 postfix/qmgr[12]: x", "?-2-29 20:19:26.250 | mx1 postfix/qmgr 12 x");
    check("Nov 22 2026 20:19:26 mx1 a: x", "2026-11-22 20:19:26 | mx1 a - x");
}

#[test]
fn a_relay_may_have_lost_the_host() {
    check("Nov 22 20:19:26 postfix/qmgr[12]: x", "?-11-22 20:19:26 | - postfix/qmgr 12 x");
    check("Nov 22 20:19:26 dovecot: lmtp(1): x", "?-11-22 20:19:26 | - dovecot - lmtp(1): x");
    check("Nov 22 20:19:26 2001:db8::5 dovecot: x: y", "?-11-22 20:19:26 | 2001:db8::5 dovecot - x: y");
    check("Nov 22 20:19:26 2001:db8:: dovecot: x: y", "?-11-22 20:19:26 | 2001:db8:: dovecot - x: y");
}

#[test]
fn a_tag_may_be_cut_at_32_characters() {
    check(
        "Nov 22 20:19:34 relay1 postfix-out/postfix-script[21863 starting the mail system",
        "?-11-22 20:19:34 | relay1 postfix-out/postfix-script 21863 starting the mail system",
    );
    check(
        "Nov 22 20:19:34 relay1 postfix/submission/smtpd[219224] connect from x[192.0.2.1]",
        "?-11-22 20:19:34 | relay1 postfix/submission/smtpd 219224 connect from x[192.0.2.1]",
    );
    check(
        "Nov 22 20:19:34 relay1 postfix-outgoing/submission/smtp connect",
        "?-11-22 20:19:34 | relay1 postfix-outgoing/submission/smtp - connect",
    );
}

#[test]
fn a_line_without_tag_is_all_text() {
    check(
        "Nov 22 20:19:26 mx1 last message repeated 3 times",
        "?-11-22 20:19:26 | mx1  - last message repeated 3 times",
    );
    check("Nov 22 20:19:26 last message repeated 3 times", "?-11-22 20:19:26 | -  - last message repeated 3 times");
    check("Nov 22 20:19:26 mx1 -- MARK --", "?-11-22 20:19:26 | mx1  - -- MARK --");
}

#[test]
fn other_daemons_add_their_own_marks() {
    check(
        "Nov 22 20:19:26 mx1 sendmail[7]: [ID 801593 mail.info] 6AM: from=<a@example.org>",
        "?-11-22 20:19:26 | mx1 sendmail 7 6AM: from=<a@example.org>",
    );
    check("Nov 22 20:19:26 <mail.info> mx1 postfix/qmgr[1]: x", "?-11-22 20:19:26 | mx1 postfix/qmgr 1 x");
}

#[test]
fn iso_stamps_have_a_zone_or_not() {
    let rest = "mx1 postfix/qmgr[1]: x";
    let parts = "mx1 postfix/qmgr 1 x";
    for (stamp, expected) in [
        ("2026-11-22T20:20:11.599454+00:00", "2026-11-22T20:20:11.599Z"),
        ("2026-11-22T20:20:11Z", "2026-11-22T20:20:11.000Z"),
        ("2026-11-22T20:20:11.5+0130", "2026-11-22T18:50:11.500Z"),
        ("2026-11-22 20:20:11-05", "2026-11-23T01:20:11.000Z"),
        ("2026-11-22 20:20:11,25", "2026-11-22 20:20:11.250"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00.000Z"),
    ] {
        check(&format!("{stamp} {rest}"), &format!("{expected} | {parts}"));
    }
}

#[test]
fn what_is_no_date_is_noise() {
    for line in [
        "",
        "Nov 31 20:19:26 mx1 a[1]: x",
        "Nov 22 24:19:26 mx1 a[1]: x",
        "Nov 22 20:19:26",
        "2026-02-29T20:20:11Z mx1 a[1]: x",
        "2026-11-22T20:20:11Zmx1 a[1]: x",
        "<22>1 - mx1 a 1 - - x",
        "<22>1 2026-11-22T20:20:11Z mx1 a 1 -",
        "-- Boot 0123 --",
        "\tat java.lang.Thread",
    ] {
        check(line, "noise");
    }
}

#[test]
fn rfc_5424_has_fields_and_structured_data() {
    check(
        "<22>1 2026-11-22T20:19:26.549623+00:00 mx1 opendkim 3596 - -  starting",
        "2026-11-22T20:19:26.549Z | mx1 opendkim 3596 starting",
    );
    check(
        r#"<22>1 2026-11-22T21:41:58+02:00 mx2 postfix/qmgr 911 ID47 [a@1 x="\"] \\"][b c="]"] 4Z: removed"#,
        "2026-11-22T19:41:58.000Z | mx2 postfix/qmgr 911 4Z: removed",
    );
    check("<22>1 2026-11-22T19:41:58Z - - - - - \u{feff}x", "2026-11-22T19:41:58.000Z | -  - x");
}

/// Compares a message field with "host program pid text"; `known` is what other fields say.
#[track_caller]
fn check_field(text: &str, known: (Option<&str>, Option<&str>, Option<u32>), expected: &str) {
    let m = message(text, known.0, known.1, known.2);
    assert_eq!(show(m.host, m.program.unwrap_or("-"), m.pid, m.text), expected, "{text}");
}

#[test]
fn a_message_field_may_hold_any_part_of_the_header() {
    let unknown = (Some("192.0.2.9"), None, None);
    check_field("mx1 postfix/smtpd[2134]: connect", unknown, "mx1 postfix/smtpd 2134 connect");
    check_field("mx1 sendmail: starting", unknown, "mx1 sendmail - starting");
    check_field("postfix/smtpd[2134]: connect", unknown, "192.0.2.9 postfix/smtpd 2134 connect");
    check_field("<22>Nov 22 19:41:58 mx1 postfix/smtpd[2134]: connect", unknown, "mx1 postfix/smtpd 2134 connect");
    check_field(
        "<22>1 2026-11-22T19:41:58Z mx1 postfix/qmgr 911 - - 4Z: removed",
        unknown,
        "mx1 postfix/qmgr 911 4Z: removed",
    );
}

#[test]
fn a_bare_text_stays_whole() {
    let known = (Some("mx1"), Some("postfix/smtpd"), Some(7));
    for text in ["warning: 4F1: x", "connect from a[192.0.2.1]", "NOQUEUE: reject: x", "postfix/qmgr[9]: x", ""] {
        check_field(text, known, &format!("mx1 postfix/smtpd 7 {text}"));
    }
    check_field("warning: dict: x", (Some("mx1"), None, None), "mx1 - - warning: dict: x");
    check_field("connect from a[192.0.2.1]: x", (Some("mx1"), None, None), "mx1 - - connect from a[192.0.2.1]: x");
}

#[test]
fn a_header_that_agrees_with_the_known_program_is_taken_off() {
    check_field("mx1 postfix/smtpd[7]: x", (None, Some("postfix/smtpd"), None), "mx1 postfix/smtpd 7 x");
    check_field("postfix/smtpd[7]: x", (Some("mx1"), Some("postfix"), Some(7)), "mx1 postfix/smtpd 7 x");
}

const PIECES: &[&str] = &[
    " ",
    "\t",
    ": ",
    ", ",
    "| ",
    "<22>",
    "<22>1 ",
    "1 ",
    "- ",
    "[",
    "]",
    "\"",
    "Nov 22 20:19:26 ",
    "2026-11-22T20:19:26Z ",
    "Sun 2026-11-22 20:19:26 CET ",
    "nov. 22 20:19:26 ",
    "1795378766.5 ",
    "@400000006b034e5800000000 ",
    "2026 ",
    "stdout F ",
    "stderr P ",
    "mail-1  | ",
    "[pod/mail-0/postfix] ",
    "mail.info ",
    "mail.info: ",
    "<mail.info>",
    "mail ",
    "mx1 ",
    "[192.0.2.7] ",
    "192.0.2.7: ",
    "docker[7]: ",
    "dovecot: ",
    "Message forwarded from mx2: ",
    "[postfix/smtpd] ",
    "postfix/smtpd 7 - - ",
    "postfix/smtpd[7]:",
    "[a@1 b=\"postfix/smtpd[7]: x\"] ",
    "\u{1b}[0m",
    "\u{feff}",
    "é ",
];

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", head in proptest::sample::select(vec![
        "", "<22>", "<22>1 ", "Nov 22 20:19:26 ", "2026-11-22T20:20:11Z ", "<22>1 2026-11-22T20:20:11Z a b 1 - [x y=\"", "mx1 a[",
    ])) {
        let line = format!("{head}{text}");
        let _ = frame(&line);
        let _ = message(&line, None, None, None);
        let _ = journal(&line);
    }

    #[test]
    fn pieces_of_headers_in_any_order_are_read_or_counted(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..7),
        text in proptest::sample::select(vec!["postfix/qmgr[12]: 3F2A41C0E7: removed", "sm-mta[7]: x: y", "CRON[7]: x", "x"]),
    ) {
        crate::laws::frame(format!("{}{text}", pieces.concat()).as_bytes());
    }
}
