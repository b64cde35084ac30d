//! Texts that may be whole lines, and the programs that may carry them.

use super::*;

#[test]
fn a_clock_or_the_end_of_a_tag_is_near_the_beginning_of_a_line() {
    for (head, expected) in [
        ("20:19:26", true),
        ("x 20:19:26", true),
        ("9:19:26", true),
        ("a]: x", true),
        ("postfix/qmgr[12]: x", true),
        ("1795378766 x", true),
        ("179537876 x", false),
        ("20:19", false),
        ("x 20:19 y", false),
        ("a:20:19", false),
        ("x 2: y", false),
        ("x a:19:26", false),
        ("x a:b9:26", false),
        ("x a:bc:d", false),
        ("x 0:x9:26", false),
        ("x 20:1x:26", false),
        ("a: x", false),
        (": x", false),
        ("", false),
    ] {
        assert_eq!(holds_clock_or_tag(head.as_bytes()), expected, "{head}");
    }
}

#[test]
fn a_line_begins_as_a_stamp_a_priority_or_a_tag_does() {
    for text in [
        "Nov 22 20:19:26 mx1",
        "nov. 22 20:19:26 mx1",
        "Nov. 22 20:19:26 mx1",
        "Sun, 22 Nov 2026 20:19:26 mx1",
        "Mär 22 20:19:26 mx1",
        "2 Nov 2026 20:19:26 mx1",
        "22 Nov 2026 20:19:26 mx1",
        "2026-11-22T20:19:26Z mx1",
        "2026/11/22 20:19:26 mx1",
        "2026.11.22 20:19:26 mx1",
        "1795378766 mx1",
        "postfix/qmgr[12]: x",
        "<22>mx1",
        "@400000006b034e5800000000 mx1",
        "[pod/mail-0/postfix] x",
        "\u{1b}[36mx",
    ] {
        assert!(may_be_line(text), "{text}");
    }
    for text in [
        "",
        "Nov 22 mx1",
        "NOQUEUE: connect from mx1.example.org[192.0.2.7]: 20:19:26",
        "3F2A41C0E7: to=<a@example.org>, relay=mx1.example.org[192.0.2.7]: x",
        "4AMKJPsA012345: to=<a@example.org>, delay=00:00:01, relay=mx1.example.org. [192.0.2.7], stat=Sent",
        "179537876 mx1",
        "connect from mx1",
    ] {
        assert!(!may_be_line(text), "{text}");
    }
    let far = |len: usize| format!("{}20:19:26 mx1", " ".repeat(len));
    assert!(may_be_line(&far(HEADER_BYTES - 8)) && !may_be_line(&far(HEADER_BYTES)));
}

#[test]
fn a_daemon_of_postfix_carries_no_line_of_another_program() {
    for (program, carries, mail) in [
        ("postfix/smtpd", false, true),
        ("mta-out/qmgr", false, true),
        ("postfix", true, true),
        ("sendmail", true, true),
        ("dovecot", true, true),
        ("docker", true, false),
        ("rsyslogd", true, false),
    ] {
        assert_eq!((may_carry(family(program)), is_mail(program)), (carries, mail), "{program}");
    }
}

#[test]
fn an_object_is_no_line() {
    for text in ["{postfix/qmgr[12]: x", " {postfix/qmgr[12]: x", "}postfix/qmgr[12]: x", "", "  "] {
        assert_eq!(read(text), None, "{text}");
    }
    assert!(read(" postfix/qmgr[12]: x").is_some());
}

#[test]
fn a_relay_without_a_program_of_its_own_names_the_host() {
    mail("<22>1 2026-11-22T20:19:26Z relay - - - - postfix/qmgr[12]:", EXACT, "relay");
    // The text does not begin with a header, so its first word is no host.
    check(
        "<22>1 2026-11-22T20:19:26Z relay - - - - hello postfix/qmgr[12]: x",
        "2026-11-22T20:19:26.000Z | relay  - hello postfix/qmgr[12]: x",
    );
}
