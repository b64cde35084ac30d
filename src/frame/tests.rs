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

/// Compares a message field with "host program pid text"; `known`: the document's other fields.
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

#[test]
fn a_header_is_believed_that_agrees_or_has_a_time_and_is_a_mail_servers() {
    let stamped = "Nov 22 19:41:58 mx1 postfix/smtpd[7]: x";
    // rsyslog's imfile gives each file a tag of its own.
    check_field(stamped, (None, Some("maillog"), None), "mx1 postfix/smtpd 7 x");
    check_field(stamped, (None, Some("postfix/smtpd"), None), "mx1 postfix/smtpd 7 x");
    check_field(stamped, (None, Some("postfix/qmgr"), None), &format!("- postfix/qmgr - {stamped}"));
    for text in ["mx1 postfix/smtpd[7]: x", "mx1 CRON[7]: x", "Nov 22 19:41:58 mx1 CRON[7]: x"] {
        check_field(text, (None, Some("maillog"), None), &format!("- maillog - {text}"));
    }
    check_field("postfix/smtpd: x", (Some("mx1"), Some("postfix/smtpd"), Some(7)), "mx1 postfix/smtpd 7 x");
}

#[test]
fn a_message_field_may_hold_a_line_inside_of_another() {
    let unknown = (Some("192.0.2.9"), None, None);
    check_field(
        "Nov 22 19:41:58 dock1 docker[9]: Nov 22 19:41:57 mx1 postfix/qmgr[7]: x",
        unknown,
        "mx1 postfix/qmgr 7 x",
    );
    check_field("Nov 22 19:41:58 mx1 mail.info postfix/qmgr[7]: x", unknown, "mx1 postfix/qmgr 7 x");
    check_field("Nov 22 19:41:58 dock1 docker[9]: x", unknown, "dock1 docker 9 x");
    // Pieces without a time, or before a program that is no mail program, stay part of the text.
    for text in ["Nov 22 19:41:58 mx1 INFO CRON[7]: x", "mx1 INFO postfix/qmgr[7]: x"] {
        check_field(text, unknown, &format!("192.0.2.9 - - {text}"));
    }
}

#[test]
fn only_a_mail_servers_line_is_looked_for_inside_of_another() {
    let outer = "Nov 22 20:19:27 dock1";
    let inner = "Nov 22 20:19:26 mx1 postfix/qmgr[12]: x";
    check(&format!("{outer} sendmail[99]: {inner}"), "?-11-22 20:19:26 | mx1 postfix/qmgr 12 x");
    check(
        &format!("{outer} postfix/smtpd[99]: {inner}"),
        &format!("?-11-22 20:19:27 | dock1 postfix/smtpd 99 {inner}"),
    );
    let inner = "Nov 22 20:19:26 mx1 CRON[7]: x";
    check(&format!("{outer} news: {inner}"), &format!("?-11-22 20:19:27 | dock1 news - {inner}"));
    // The outer header is a relay's and has no program.
    check(&format!("{outer} {inner}"), "?-11-22 20:19:26 | mx1 CRON 7 x");
}

#[test]
fn a_foreign_line_that_leaves_out_what_looks_like_mail_is_noise() {
    for text in ["x", "hello world"] {
        let line = |data: &str| format!("<22>1 2026-11-22T20:19:26Z mx1 CRON 7 - [a@1 b=\"{data}\"] {text}");
        check(&line("postfix/qmgr[12]: 3F2A"), "noise");
        check(&line("c"), &format!("2026-11-22T20:19:26.000Z | mx1 CRON 7 {text}"));
    }
}

#[test]
fn a_line_is_wrapped_where_more_than_one_plain_header_stands_before_its_text() {
    for (line, wrapped) in [
        ("Nov 22 20:19:26 mx1 postfix/qmgr[12]: x", false),
        ("Nov 22 20:19:26 mx1 CRON[7]: x", false),
        ("Nov 22 20:19:26 mx1 sendmail[7]: Nov 22", false),
        ("Nov 22 20:19:26 mx1 mail.info postfix/qmgr[12]: x", true),
        ("Nov 22 20:19:27 dock1 docker[9]: Nov 22 20:19:26 mx1 postfix/qmgr[12]: x", true),
    ] {
        assert_eq!(frame(line).map(|found| found.wrapped), Some(wrapped), "{line}");
    }
}

#[test]
fn a_container_hands_over_whole_lines() {
    let time = Time::parse_rfc3339("2026-11-22T20:19:26Z").unwrap();
    let line = "Nov 22 20:19:26 mx1 postfix/qmgr[12]: x";
    for (program, text, expected) in [
        ("docker", line, "mx1 postfix/qmgr 12 x"),
        ("docker", "postfix/qmgr[12]: x", "dock1 postfix/qmgr 12 x"),
        ("docker", "hello", "none"),
        ("docker", "Nov 22 20:19:26 mx1 CRON[7]: x", "none"),
        ("postfix/smtpd", line, "none"),
    ] {
        let found = inside(program, time, Some("dock1"), text);
        let shown = found.map(|m| show(m.host, m.program.unwrap_or("-"), m.pid, m.text));
        assert_eq!(shown.as_deref().unwrap_or("none"), expected, "{program}: {text}");
    }
    assert!(is_line(line) && !is_line("hello") && !is_line("Nov 22 20:19:26 mx1 CRON[7]: x"));
}

#[test]
fn a_level_in_angles_is_a_short_word() {
    for (text, rest) in [
        ("<mail.info> mx1 x", "mx1 x"),
        ("<abcdefghij.123456789> mx1", "mx1"),
        ("<abcdefghij.1234567890> mx1", "<abcdefghij.1234567890> mx1"),
        ("<mail info> mx1", "<mail info> mx1"),
        ("<mail.info>mx1", "<mail.info>mx1"),
        ("mx1 <mail.info> x", "mx1 <mail.info> x"),
    ] {
        assert_eq!(skip_level(text), rest);
    }
}

#[test]
fn a_tag_without_a_time_has_a_process_id_or_is_a_mail_servers() {
    for (text, expected) in [
        ("postfix/smtpd[7]: x", Some("- postfix/smtpd 7 x")),
        ("postfix/smtpd: x", Some("- postfix/smtpd - x")),
        ("CRON[7]: x", Some("- CRON 7 x")),
        ("CRON: x", None),
        ("mx1 sendmail: x", Some("mx1 sendmail - x")),
        ("mx1.example.org CRON[7]: x", Some("mx1.example.org CRON 7 x")),
        ("mx1 CRON: x", None),
        ("m(x postfix/smtpd[7]: x", None),
        (" postfix/smtpd[7]: x", None),
    ] {
        let shown = bare_tag(text).map(|m| show(m.host, m.program.unwrap_or("-"), m.pid, m.text));
        assert_eq!(shown.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_host_ends_in_no_colon_and_holds_no_bracket() {
    for (token, expected) in [
        ("mx1", false),
        ("mx1.example.org", false),
        ("2001:db8::7", false),
        ("2001:db8::", false),
        ("[192.0.2.7]", false),
        ("dovecot:", true),
        ("postfix/qmgr[12]:", true),
        ("postfix/qmgr[12", true),
    ] {
        assert_eq!(looks_like_tag(token), expected, "{token}");
    }
}

#[test]
fn structured_data_ends_with_its_last_element() {
    for (data, ends) in [
        ("-", true),
        ("[a@1]", true),
        ("[a@1 b=\"c\"]", true),
        ("[a@1 b=\"c]d\"]", true),
        (r#"[a@1 b="\\"]"#, true),
        (r#"[a@1 b="\"]"]"#, true),
        (r"[a@1 b=\]", true),
        ("[a@1][b@1 c=\"\"]", true),
        ("x", false),
        ("", false),
        ("[a@1", false),
        ("[a@1 b=\"]", false),
    ] {
        assert_eq!(structured_data_end(data), ends.then_some(data.len()), "{data}");
        let followed = format!("{data} x");
        assert_eq!(structured_data_end(&followed), ends.then_some(data.len()), "{followed}");
    }
}
