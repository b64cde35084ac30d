//! The pieces of a header, each by itself.

use super::*;
use crate::model::Time;

/// Compares the rest after a piece at the beginning of a text.
#[track_caller]
fn check_piece(piece: Piece, examples: &[(&str, Option<&str>)]) {
    for (text, rest) in examples {
        assert_eq!(piece(text, &mut Known::default()), *rest, "{text}");
    }
}

#[test]
fn marks_divide_columns() {
    check_piece(
        marks,
        &[
            ("\u{feff}x", Some("x")),
            ("\u{1b}[36mx", Some("x")),
            ("\u{1b}[1;36mx", Some("x")),
            ("\u{1b}[mx", Some("x")),
            ("\u{1b}[36x", None),
            ("\u{1b}36mx", None),
            ("2,6,x", Some("6,x")),
            ("191,x", Some("x")),
            ("1910,x", None),
            ("| x", Some("x")),
            ("|\tx", Some("x")),
            ("- x", Some("x")),
            ("-- x", Some("x")),
            (": x", Some("x")),
            (", x", Some("x")),
            (",x", Some("x")),
            ("x", None),
            ("|x", None),
            ("", None),
        ],
    );
}

#[test]
fn a_priority_has_up_to_three_digits_and_perhaps_the_length_of_its_frame() {
    check_piece(
        priority,
        &[
            ("<22>x", Some("x")),
            ("<6>x", Some("x")),
            ("<191>x", Some("x")),
            ("<1910>x", None),
            ("<>x", None),
            ("<22 x", None),
            ("117 <22>x", Some("<22>x")),
            (" <22>x", None),
            ("117 <x>y", None),
            ("117<22>x", None),
            ("117 x", None),
        ],
    );
}

#[test]
fn a_stream_of_a_container_follows_its_stamp() {
    let read = |text: &'static str, stamp| container::stream(text, &mut Known { stamp, ..Known::default() });
    let stamp = Some(Stamp::Exact(Time(0)));
    for (text, rest) in [
        ("stdout F x", Some("x")),
        ("stderr F x", Some("x")),
        ("stdout F:x y", Some("y")),
        ("stdout P x", None),
        ("stdout x", None),
        ("stdin F x", None),
    ] {
        assert_eq!(read(text, stamp), rest, "{text}");
        assert_eq!(read(text, None), None, "{text}");
    }
}

#[test]
fn only_a_stream_of_a_container_hands_over_pieces() {
    for (host, text, expected) in [
        (Some("stdout"), "P Nov 22", true),
        (Some("stderr"), "P:x Nov 22", true),
        (Some("stdout"), "F Nov 22", false),
        (Some("mx1"), "P Nov 22", false),
        (None, "P Nov 22", false),
    ] {
        let plain = Message { stamp: None, host, program: None, pid: None, text };
        assert_eq!(is_partial(&plain), expected, "{host:?} {text}");
    }
}

#[test]
fn a_container_names_a_line_that_names_no_host() {
    for (text, expected) in [
        ("mail-1  | x", Some((" x", "mail-1"))),
        ("mail.1.x7@node1    | x", Some((" x", "mail.1.x7"))),
        ("mail_1 | x", Some((" x", "mail_1"))),
        ("mail-1 |\u{1b}[0mx", Some(("\u{1b}[0mx", "mail-1"))),
        ("[pod/mail-0/postfix] x", Some(("x", "mail-0"))),
        ("mail-1 |x", None),
        ("mail-1 x", None),
        ("| x", None),
        ("mail,1 | x", None),
        ("[pod/mail-0/postfix]", None),
    ] {
        let mut known = Known::default();
        let found = container::prefix(text, &mut known).map(|rest| (rest, known.around.unwrap_or_default()));
        assert_eq!(found, expected, "{text}");
    }
    mail("mail.1.x7@node1    | 2026-11-22T20:19:26.000000000Z postfix/qmgr[12]:", EXACT, "mail.1.x7");
}

#[test]
fn a_level_is_a_facility_and_a_severity() {
    for (word, by_itself, after_a_host) in [
        ("mail.info", true, true),
        ("Mail.Info", true, true),
        ("mail:info", true, true),
        ("mail|info", true, true),
        ("mail.info:", true, true),
        ("<mail.info>", true, true),
        ("[mail.info]", true, true),
        ("2.info", true, true),
        ("<2.6>", true, true),
        ("[2.6]", true, true),
        ("2.6", false, true),
        ("16.6", false, true),
        ("<mail>", true, true),
        ("[info]", true, true),
        ("mail", false, true),
        ("info", false, true),
        ("info:", false, true),
        ("mx1", false, false),
        ("<mx1>", false, false),
        ("mx1.info", false, false),
        ("mail.example", false, false),
        ("mail.6", false, false),
        ("2.x", false, false),
        ("<2.x>", false, false),
        ("x.6", false, false),
        ("<x.6>", false, false),
        ("123.4", false, false),
        ("4.123", false, false),
        (".6", false, false),
        ("", false, false),
    ] {
        assert_eq!((level::is_level(word, false), level::is_level(word, true)), (by_itself, after_a_host), "{word}");
    }
}

#[test]
fn a_single_word_is_a_level_where_the_host_is_known() {
    for (text, before, after) in [
        ("<mail.info>mx1 x", Some("mx1 x"), Some("mx1 x")),
        ("<2.6> mx1", Some(" mx1"), Some(" mx1")),
        ("<x>mx1 x", None, None),
        ("mail.info x", Some("x"), Some("x")),
        ("mail.info\tx", Some("x"), Some("x")),
        ("mail x", None, Some("x")),
        ("mail.info", None, None),
        ("mx1 x", None, None),
    ] {
        let read = |has_host| level::read(text, &mut Known { has_host, ..Known::default() });
        assert_eq!((read(false), read(true)), (before, after), "{text}");
    }
}

#[test]
fn some_words_stand_at_the_place_of_a_host_and_are_none() {
    for host in ["mx1", "mx1.example.org", "192.0.2.7", "2001:db8::7", "mail", "12345", "123", "mx12"] {
        assert!(is_host(host), "{host}");
    }
    for word in
        ["2026", "[192.0.2.7]", "(none)", "mx1\tx", "mail.info", "<2.6>", "CET", "IST", "-", "s_net@mx1", "mx1/relay"]
    {
        assert!(!is_host(word), "{word}");
    }
}

#[test]
fn a_host_is_a_name_or_an_address_before_something_else() {
    for (text, host) in [
        ("mx1 x", Some("mx1")),
        ("mx1\tx", Some("mx1")),
        ("mx1,x", Some("mx1")),
        ("mx1.example.org x", Some("mx1.example.org")),
        ("mx1.example.org: x", Some("mx1.example.org")),
        ("192.0.2.7: x", Some("192.0.2.7")),
        ("[192.0.2.7] x", Some("192.0.2.7")),
        ("2001:db8::7 x", Some("2001:db8::7")),
        ("2001:db8:: x", Some("2001:db8::")),
        ("fe80::1%eth0 x", Some("fe80::1%eth0")),
        ("mx_1 x", Some("mx_1")),
        ("bücher x", Some("bücher")),
        ("s_net@mx1 x", Some("mx1")),
        ("mx1/relay x", Some("mx1")),
        ("- x", Some("outer")),
        ("(none) x", Some("outer")),
        // May also be a program.
        ("mx1: x", None),
        ("mx1", None),
        ("", None),
        (" x", None),
        ("a=b x", None),
        ("(a) x", None),
        ("s_net@ x", None),
    ] {
        let mut known = Known { host: Some("outer"), ..Known::default() };
        let found = host::read(text, &mut known).and(known.host);
        assert_eq!(found, host, "{text}");
        assert_eq!(known.has_host, host.is_some() && !text.starts_with('('), "{text}");
    }
}

#[test]
fn a_header_has_one_host_and_the_columns_before_it_several() {
    let stamp = Some(Stamp::Exact(Time(0)));
    for (stamp, has_host, expected) in
        [(stamp, false, Some(" x")), (stamp, true, None), (None, false, Some(" x")), (None, true, Some(" x"))]
    {
        let mut known = Known { stamp, has_host, ..Known::default() };
        assert_eq!(host::read("mx1 x", &mut known), expected, "{stamp:?} {has_host}");
    }
}

#[test]
fn fields_without_priority_are_those_of_a_program_that_is_known() {
    for (text, expected) in [
        ("postfix/qmgr 911 - - x", Some(("postfix/qmgr", Some(911), "x"))),
        ("postfix/qmgr - ID47 -  x", Some(("postfix/qmgr", None, "x"))),
        ("postfix/qmgr 911 - [a@1 b=\"c d\"] \u{feff}x", Some(("postfix/qmgr", Some(911), "x"))),
        ("postfix/qmgr 9x - - x", None),
        ("CRON 7 - - x", None),
        ("a|b/smtpd 7 - - x", None),
        ("postfix/qmgr 911 - x", None),
        ("postfix/qmgr 911 - -x", None),
        ("postfix/qmgr 911", None),
    ] {
        let found = fields::read(text).map(|m| (m.program.unwrap_or_default(), m.pid, m.text));
        assert_eq!(found, expected, "{text}");
    }
}

/// Compares a tag with "program|pid|text", given what is already known of the header.
#[track_caller]
fn check_tag(text: &str, known: &Known<'_>, expected: &str) {
    let found = tagged::read(text, known).map_or_else(
        || "none".to_owned(),
        |m| {
            format!(
                "{}|{}|{}",
                m.program.unwrap_or_default(),
                m.pid.map_or_else(String::new, |p| p.to_string()),
                m.text
            )
        },
    );
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_word_with_a_colon_is_a_tag_where_nothing_else_can_be() {
    let nothing = Known::default();
    let stamped = Known { stamp: Some(Stamp::Exact(Time(0))), ..nothing };
    let hosted = Known { has_host: true, ..stamped };
    let text = Known { is_text: true, ..hosted };
    for (tag, expected, among) in [
        ("postfix/qmgr[7]: x", "postfix/qmgr|7|x", [true, true, true, true]),
        ("postfix/qmgr: x", "postfix/qmgr||x", [true, true, true, false]),
        ("sshd[7]: x", "sshd|7|x", [false, true, true, true]),
        ("sshd: x", "sshd||x", [false, false, true, false]),
        ("cron[7]: x", "cron|7|x", [false, true, true, true]),
        // `cron` is a facility, too.
        ("cron: x", "cron||x", [false; 4]),
        ("a,b[7]: x", "a,b|7|x", [false; 4]),
        ("a|postfix/qmgr[7]: x", "a|postfix/qmgr|7|x", [false; 4]),
    ] {
        for (known, is_tag) in [nothing, stamped, hosted, text].iter().zip(among) {
            check_tag(tag, known, if is_tag { expected } else { "none" });
        }
    }
}

#[test]
fn the_name_of_a_mail_servers_unit_is_that_of_its_program() {
    let known = Known { stamp: Some(Stamp::Exact(Time(0))), has_host: true, ..Known::default() };
    check_tag("postfix@-.service[12]: x", &known, "postfix|12|x");
    check_tag("sendmail.service[12]: x", &known, "sendmail|12|x");
    check_tag("cron.service[12]: x", &known, "cron.service|12|x");
    check_tag("postfix.service: x", &known, "postfix.service||x");
}

#[test]
fn a_tag_in_brackets_or_columns_is_that_of_a_program_that_is_known() {
    let known = Known::default();
    check_tag("[postfix/qmgr] x", &known, "postfix/qmgr||x");
    check_tag("[postfix/qmgr] [12] x", &known, "postfix/qmgr|12|x");
    check_tag("[postfix/qmgr] [1x] x", &known, "postfix/qmgr||[1x] x");
    check_tag("[CRON] x", &known, "none");
    check_tag("[pod/smtpd] x", &known, "none");
    check_tag("[postfix/qmgr]", &known, "none");
    check_tag("postfix/qmgr 12 x", &known, "postfix/qmgr|12|x");
    check_tag("postfix/qmgr\t12:\tx", &known, "postfix/qmgr|12|x");
    check_tag("postfix/qmgr x y", &known, "postfix/qmgr||x y");
    check_tag("postfix x", &known, "none");
    check_tag("hello x", &known, "none");
    check_tag("a/b x", &known, "none");
    check_tag("a|b/smtpd x", &known, "none");
    check_tag("postfix/qmgr 12 x", &Known { is_text: true, ..known }, "none");
}

#[test]
fn a_name_is_one_column() {
    for name in ["postfix/smtpd", "postfix@-.service", "CRON", "b\u{fc}cher"] {
        assert!(tagged::is_name(name), "{name}");
    }
    for word in ["a b", "a\tb", "a<b", "a|b", "a,b", "a[b", "a\"b"] {
        assert!(!tagged::is_name(word), "{word}");
    }
}
