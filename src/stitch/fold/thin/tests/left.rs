//! The text that is left of a shortened line, and how it is recognised.

use super::*;

#[test]
fn a_shortened_line_is_known_by_its_looks() {
    let goes_on = |text| match left_of(POSTFIX, text) {
        Some(Event::Brief { goes_on }) => Some(*goes_on),
        _ => None,
    };
    for (text, brief, kind, expected) in [
        ("4F1A2B3C4D: … arrival", true, Some("arrival"), Some(Some(true))),
        ("4F1A2B3C4D: … message-id", true, Some("message-id"), Some(Some(true))),
        ("4F1A2B3C4D: … queued", true, Some("queued"), Some(Some(true))),
        ("4F1A2B3C4D: … operation", true, Some("operation"), Some(Some(true))),
        ("4F1A2B3C4D: … removed", true, Some("removed"), Some(Some(false))),
        ("4F1A2B3C4D: … canceled", true, Some("canceled"), Some(Some(false))),
        ("4F1A2B3C4D: … deleted", true, Some("deleted"), Some(Some(false))),
        ("4F1A2B3C4D: … warning", true, Some("warning"), Some(None)),
        ("4F1A2B3C4D: to=<b@example.net>, relay=…, dsn=4.2.0, status=deferred (…)", true, None, None),
        ("4F1A2B3C4D: to=<b@example.net>, relay=none, dsn=4.2.0, status=deferred (busy)", false, None, None),
        ("4F1A2B3C4D: removed", false, None, None),
        ("5A1A2B3C4D: … removed", false, None, None),
        ("connect from c.example.org[192.0.2.7]", false, None, None),
    ] {
        assert_eq!((is_brief(POSTFIX, text), kind_of(POSTFIX, text), goes_on(text)), (brief, kind, expected), "{text}");
    }
}

/// Checks what a postfix or sendmail line is shortened to; `None` if its text is short already.
#[track_caller]
fn check_left(program: &str, text: &str, expected: Option<&str>) {
    let (program, id) = match program {
        "sendmail" => (program.to_owned(), SENDMAIL),
        _ => (format!("postfix/{program}"), POSTFIX),
    };
    for pid in ["[7]", ""] {
        let left = read(&format!("1 mx1 {program}{pid}: {id}: {text}"), &Bounds::default(), |key, told| {
            let left = Texts::default().shortened(&key.queue_id, &told[0]);
            // Only text and process id change.
            let whole =
                |line: &Line| Line { text: Arc::clone(&told[0].line.text), pid: told[0].line.pid, ..line.clone() };
            assert!(left.as_ref().is_none_or(|line| whole(line) == *told[0].line && line.pid.is_none()), "{left:?}");
            left.map(|line| line.text.to_string())
        });
        match expected {
            Some(expected) => assert_eq!(left, Some(format!("{id}: {expected}")), "{text}"),
            // The process id can be dropped from any line.
            None => assert_eq!(left, (!pid.is_empty()).then(|| format!("{id}: {text}")), "{text}"),
        }
    }
}

#[test]
fn of_an_attempt_all_but_host_times_and_reply_is_left() {
    let rest = "relay=mx.example.net[192.0.2.25]:25, delay=3, delays=1/1/0/1";
    for (record, expected) in [
        (
            format!("to=<b@example.net>, {rest}, dsn=2.0.0, status=sent (ok)"),
            "to=<b@example.net>, relay=…, dsn=2.0.0, status=sent (…)",
        ),
        (
            format!("to=<b@example.net>, {rest}, dsn=4.2.0, status=SOFTBOUNCE (busy)"),
            "to=<b@example.net>, relay=…, dsn=4.2.0, status=deferred (…)",
        ),
        (
            format!("to=<b@example.net>, {rest}, dsn=5.1.1, status=bounced (unknown)"),
            "to=<b@example.net>, relay=…, dsn=5.1.1, status=bounced (…)",
        ),
        (
            format!("to=<b@example.net>, {rest}, dsn=2.1.5, status=deliverable (ok)"),
            "to=<b@example.net>, relay=…, dsn=2.1.5, status=deliverable (…)",
        ),
        (
            format!("to=<b@example.net>, {rest}, dsn=5.1.1, status=undeliverable (no)"),
            "to=<b@example.net>, relay=…, dsn=5.1.1, status=undeliverable (…)",
        ),
        (format!("to=<b@example.net>, {rest}, status=new (ok)"), "to=<b@example.net>, relay=…, status=unknown (…)"),
        (
            format!("to=<b@example.net>, orig_to=<team@example.net>, {rest}, dsn=2.0.0, status=sent (ok)"),
            "to=<b@example.net>, orig_to=<team@example.net>, relay=…, dsn=2.0.0, status=sent (…)",
        ),
        // `relay=none`: discarded, or no host was found.
        (
            "to=<b@example.net>, relay=none, delay=1, dsn=4.4.1, status=deferred (timeout)".into(),
            "to=<b@example.net>, relay=none, dsn=4.4.1, status=deferred (…)",
        ),
    ] {
        check_left("smtp", &record, Some(expected));
    }
    check_left("smtp", "to=<b@example.net>, relay=…, dsn=2.0.0, status=sent (…)", None);
}

#[test]
fn of_sendmails_record_recipients_sender_mailer_and_outcome_are_left() {
    let to = "to=<b@example.net>,<c@example.net>";
    let rest = "delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120000, relay=mx.example.net. [192.0.2.25]";
    for (record, expected) in [
        (
            format!("{to}, ctladdr=<a@example.org> (1000/1000), {rest}, dsn=2.0.0, stat=Sent (ok)"),
            format!("{to}, ctladdr=a@example.org, mailer=esmtp, dsn=2.0.0, stat=Sent (…)"),
        ),
        (format!("{to}, {rest}, stat=Sent (ok)"), format!("{to}, mailer=esmtp, stat=Sent (…)")),
        (
            format!("{to}, {rest}, dsn=4.0.0, stat=Deferred: Connection refused"),
            format!("{to}, mailer=esmtp, dsn=4.0.0, stat=Deferred (…)"),
        ),
        (format!("{to}, {rest}, stat=queued"), format!("{to}, mailer=esmtp, stat=Deferred (…)")),
        (
            format!("{to}, {rest}, dsn=2.0.0, stat=discarded"),
            format!("{to}, mailer=esmtp, dsn=2.0.0, stat=discarded (…)"),
        ),
        (
            format!("{to}, {rest}, dsn=5.1.1, stat=User unknown"),
            format!("{to}, mailer=esmtp, dsn=5.1.1, stat=Service unavailable (…)"),
        ),
        (format!("{to}, {rest}, stat=something new"), format!("{to}, mailer=esmtp, stat=unknown (…)")),
        (format!("{to}, delay=00:00:01, stat=User unknown"), format!("{to}, stat=unknown (…)")),
        // Quarantined, or without a status: nothing was tried.
        (format!("{to}, {rest}, quarantine=spam, stat=quarantined"), "… attempt".into()),
        (format!("{to}, {rest}, stat="), "… attempt".into()),
        // The parser drops the empty entries at the end of the list, so the short record would not say the same.
        (format!("{to},,, {rest}, dsn=2.0.0, stat=Sent (ok)"), "… attempt".into()),
    ] {
        check_left("sendmail", &record, Some(&expected));
    }
}

#[test]
fn of_any_other_line_its_kind_is_left() {
    for (program, text, expected) in [
        ("smtpd", "client=c.example.org[192.0.2.7]", "… arrival"),
        ("pickup", "uid=1000 from=<a>", "… arrival"),
        ("cleanup", "message-id=<1@example.org>", "… message-id"),
        ("qmgr", "from=<a@example.org>, size=900, nrcpt=2 (queue active)", "… queued"),
        ("qmgr", "from=<a@example.org>, status=expired, returned to sender", "… expired"),
        ("qmgr", "removed", "… removed"),
        ("postsuper", "removed", "… deleted"),
        ("postsuper", "placed on hold", "… operation"),
        ("bounce", "sender non-delivery notification: 5A1A2B3C4D", "… notification"),
        ("smtp", "host mx.example.net[192.0.2.25] said: 450 busy", "… warning"),
        ("sendmail", "from=<a@example.org>, size=900, class=0, nrcpts=1, relay=c.example.org [192.0.2.7]", "… arrival"),
        ("sendmail", "done; delay=00:00:01, ntries=1", "… removed"),
    ] {
        check_left(program, text, Some(expected));
    }
    check_left("smtp", "… warning", None);
}

#[test]
fn a_text_says_the_same_where_recipients_and_outcome_agree() {
    #[track_caller]
    fn check(program: &str, line: &str, texts: &[(&str, bool)]) {
        let Parsed::Event { event, .. } = parse::parse_text(program, line) else { panic!("{line}") };
        for (text, expected) in texts {
            assert_eq!(says_the_same(program, text, &event), *expected, "{text}");
        }
    }
    check(
        "postfix/smtp",
        "4F1A2B3C4D: to=<b@example.net>, orig_to=<t@example.net>, relay=mx[192.0.2.25]:25, delay=1, dsn=4.2.0, status=deferred (busy)",
        &[
            ("4F1A2B3C4D: to=<b@example.net>, orig_to=<t@example.net>, relay=…, dsn=4.2.0, status=deferred (…)", true),
            ("4F1A2B3C4D: to=<c@example.net>, orig_to=<t@example.net>, relay=…, dsn=4.2.0, status=deferred (…)", false),
            ("4F1A2B3C4D: to=<b@example.net>, relay=…, dsn=4.2.0, status=deferred (…)", false),
            ("4F1A2B3C4D: to=<b@example.net>, orig_to=<t@example.net>, relay=…, status=deferred (…)", false),
            ("4F1A2B3C4D: to=<b@example.net>, orig_to=<t@example.net>, relay=…, dsn=4.2.0, status=bounced (…)", false),
            ("4F1A2B3C4D: removed", false),
        ],
    );
    check(
        "sendmail",
        "6AMK00Zx042166: to=<b@example.net>, ctladdr=<a@example.org>, delay=00:00:01, mailer=esmtp, dsn=2.0.0, stat=Sent (ok)",
        &[
            ("6AMK00Zx042166: to=<b@example.net>, ctladdr=a@example.org, mailer=esmtp, dsn=2.0.0, stat=Sent (…)", true),
            (
                "6AMK00Zx042166: to=<c@example.net>, ctladdr=a@example.org, mailer=esmtp, dsn=2.0.0, stat=Sent (…)",
                false,
            ),
            ("6AMK00Zx042166: to=<b@example.net>, mailer=esmtp, dsn=2.0.0, stat=Sent (…)", false),
            (
                "6AMK00Zx042166: to=<b@example.net>, ctladdr=a@example.org, mailer=local, dsn=2.0.0, stat=Sent (…)",
                false,
            ),
            ("6AMK00Zx042166: to=<b@example.net>, ctladdr=a@example.org, mailer=esmtp, stat=Sent (…)", false),
            (
                "6AMK00Zx042166: to=<b@example.net>, ctladdr=a@example.org, mailer=esmtp, dsn=2.0.0, stat=discarded (…)",
                false,
            ),
        ],
    );
}
