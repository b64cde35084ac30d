use super::{CONTENT_MAX, filter_id, stage};
use crate::parse::postfix::testing::check;

#[test]
fn a_refusal_has_code_status_reason_and_envelope() {
    check(
        "smtpd",
        "NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 554 5.7.1 <bob@example.org>: Relay access denied; from=<eve@example.net> to=<bob@example.org> proto=ESMTP helo=<[192.0.2.66]>",
        "Reject rcpt -[192.0.2.66] 554 5.7.1 `<bob@example.org>: Relay access denied` from=eve@example.net to=bob@example.org proto=ESMTP helo=[192.0.2.66]",
    );
}

#[test]
fn no_recipient_is_not_an_empty_one() {
    check(
        "smtpd",
        "NOQUEUE: reject: VRFY from a[192.0.2.66]: 252 2.0.0 no; from=<> to=<> proto=SMTP helo=<h>",
        "Reject vrfy a[192.0.2.66] 252 2.0.0 `no` from= proto=SMTP helo=h",
    );
}

#[test]
fn the_reason_may_hold_semicolons() {
    check(
        "smtpd",
        "NOQUEUE: reject: RCPT from a[192.0.2.66]: 554 5.7.1 Client host [192.0.2.66] blocked using d; from=<see> url; from=<> to=<b@example.org> proto=SMTP helo=<h>",
        "Reject rcpt a[192.0.2.66] 554 5.7.1 `Client host [192.0.2.66] blocked using d; from=<see> url` from= to=b@example.org proto=SMTP helo=h",
    );
}

#[test]
fn a_quoted_address_cannot_imitate_the_context() {
    check(
        "smtpd",
        "NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 5.1.1 <\"; from=<x>\"@c.example>: User unknown; from=<e@example.net> to=<\"; from=<x>\"@c.example> proto=SMTP helo=<h>",
        "Reject rcpt a[192.0.2.1] 550 5.1.1 `<\"; from=<x>\"@c.example>: User unknown` from=e@example.net to=\"; from=<x>\"@c.example proto=SMTP helo=h",
    );
}

#[test]
fn a_refusal_may_have_no_context_or_no_code() {
    check(
        "smtpd",
        "NOQUEUE: reject: RCPT from a[192.0.2.1]: 421 4.3.0 mx.example.org Server local data error",
        "Reject rcpt a[192.0.2.1] 421 4.3.0 `mx.example.org Server local data error`",
    );
    check(
        "postscreen",
        "NOQUEUE: reject: CONNECT from [192.0.2.1]:40122: too many connections",
        "Reject connect -[192.0.2.1]:40122 `too many connections`",
    );
    check(
        "postscreen",
        "reject: connect from [192.0.2.1]:40122: all screening ports busy",
        "Reject connect -[192.0.2.1]:40122 `all screening ports busy`",
    );
    check(
        "cleanup",
        "3F2A41C0E7: milter-reject: END-OF-MESSAGE from a[192.0.2.1]: 5.7.1 Spam; from=<root@example.org>",
        "3F2A41C0E7 Reject end-of-message a[192.0.2.1] 5.7.1 `Spam` from=root@example.org",
    );
}

#[test]
fn postscreen_parts_fields_by_commas() {
    check(
        "postscreen",
        "NOQUEUE: reject: RCPT from [192.0.2.1]:40122: 450 4.3.2 Service currently unavailable; from=<a@example.net>, to=<b@example.org>, proto=ESMTP, helo=<h>",
        "Reject rcpt -[192.0.2.1]:40122 450 4.3.2 `Service currently unavailable` from=a@example.net to=b@example.org proto=ESMTP helo=h",
    );
}

#[test]
fn login_names_come_with_and_without_brackets() {
    let start = "NOQUEUE: reject: MAIL from a[192.0.2.1]: 553 5.7.1 no; from=<c@example.org> proto=ESMTP helo=<h>";
    let found = "Reject mail a[192.0.2.1] 553 5.7.1 `no` from=c@example.org proto=ESMTP helo=h";
    check(
        "smtpd",
        &format!("{start} sasl_method=PLAIN sasl_username=alice b"),
        &format!("{found} method=PLAIN user=alice b"),
    );
    check("smtpd", &format!("{start} sasl_username=<alice>"), &format!("{found} user=alice"));
}

#[test]
fn what_was_not_refused_has_its_own_action() {
    let end = "RCPT from a[192.0.2.1]: x; proto=SMTP";
    for (word, action) in [
        ("reject_warning", "Warn"),
        ("permit", "Warn"),
        ("hold", "Hold"),
        ("milter-discard", "Discard"),
        ("prepend", "Change"),
        ("redirect", "Redirect"),
        ("hangup", "Hangup"),
    ] {
        check("", &format!("NOQUEUE: {word}: {end}"), &format!("{action} rcpt a[192.0.2.1] `x` proto=SMTP"));
    }
}

#[test]
fn a_before_queue_filter_names_the_message_and_no_client() {
    check(
        "smtpd",
        "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 7C1D2E3F40; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<h>",
        "7C1D2E3F40 Accept end-of-message 250 2.0.0 `Ok: queued as 7C1D2E3F40` from=a@example.org to=b@example.net proto=ESMTP helo=h",
    );
}

#[test]
fn a_header_check_gives_its_reason() {
    check(
        "cleanup",
        "3F2A41C0E7: reject: header Subject: cheap from unknown[192.0.2.1]; from=<e@example.net> to=<b@example.org> proto=ESMTP helo=<h>: 5.7.1 spam subject",
        "3F2A41C0E7 Reject header -[192.0.2.1] 5.7.1 `spam subject` from=e@example.net to=b@example.org proto=ESMTP helo=h",
    );
    check(
        "cleanup",
        "3F2A41C0E7: warning: header Subject: local test from local; from=<root>",
        "3F2A41C0E7 Warn header `Subject: local test` from=root",
    );
}

#[test]
fn header_content_cannot_imitate_the_client() {
    check(
        "cleanup",
        "3F2A41C0E7: warning: header Subject: a from evil[192.0.2.9]; from=<x@example.org> b from a[192.0.2.1]; from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<h>: logged",
        "3F2A41C0E7 Warn header a[192.0.2.1] `logged` from=a@example.net to=b@example.org proto=ESMTP helo=h",
    );
}

#[test]
fn mime_errors_are_a_stage() {
    check(
        "cleanup",
        "3F2A41C0E7: reject: mime-error improper use of 8-bit data: Subject: ??? from a[192.0.2.1]; from=<a@example.net> to=<b@example.org>",
        "3F2A41C0E7 Reject mime a[192.0.2.1] `improper use of 8-bit data: Subject: ???` from=a@example.net to=b@example.org",
    );
}

#[test]
fn header_checks_of_milters_and_of_the_smtp_client_are_checks_too() {
    check(
        "cleanup",
        "3F2A41C0E7: milter-header-discard: header X-Spam: YES from a[192.0.2.1]; from=<>: dropped",
        "3F2A41C0E7 Discard header a[192.0.2.1] `dropped` from=",
    );
    check(
        "smtp",
        "3F2A41C0E7: replace: header Received: from [192.0.2.5]: Received: from gateway",
        "3F2A41C0E7 Change header `Received: from [192.0.2.5]: Received: from gateway`",
    );
    check("smtp", "3F2A41C0E7: reject: eom text: some text", "3F2A41C0E7 Reject eom `text: some text`");
}

#[test]
fn each_stage_of_smtp_is_known() {
    for word in "CONNECT HELO EHLO STARTTLS AUTH MAIL RCPT DATA BDAT END-OF-MESSAGE RSET NOOP VRFY ETRN QUIT HELP \
                 XCLIENT XFORWARD UNKNOWN"
        .split(' ')
    {
        assert_eq!(stage(word), word.to_lowercase());
    }
    assert_eq!(stage("FLURBLE"), "FLURBLE");
}

#[test]
fn each_word_is_an_action() {
    for (words, action) in [
        ("reject proxy-reject milter-reject", "Reject"),
        ("reject_warning warn warning info permit", "Warn"),
        ("hold milter-hold", "Hold"),
        ("discard milter-header-discard", "Discard"),
        ("hangup", "Hangup"),
        ("redirect", "Redirect"),
        ("filter bcc prepend replace strip delay pass", "Change"),
        ("proxy-accept", "Accept"),
    ] {
        for word in words.split(' ') {
            let text = format!("3F2A41C0E7: {word}: RCPT from a[192.0.2.1]: x");
            check("smtpd", &text, &format!("3F2A41C0E7 {action} rcpt a[192.0.2.1] `x`"));
        }
    }
}

#[test]
fn the_context_begins_with_any_of_its_fields() {
    for (context, found) in [
        ("from=<a@example.net>", "from=a@example.net"),
        ("to=<b@example.org>", "to=b@example.org"),
        ("proto=SMTP", "proto=SMTP"),
        ("helo=<h>", "helo=h"),
    ] {
        let text = format!("NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 no; really; {context}");
        check("smtpd", &text, &format!("Reject rcpt a[192.0.2.1] 550 `no; really` {found}"));
    }
}

#[test]
fn the_id_of_a_filter_has_ten_hexadecimal_digits_at_least() {
    assert_eq!(filter_id("OK (2C225C6817)"), Some("2C225C6817"));
    for reply in ["OK (2C225C681)", "OK (2C225C681G)", "OK (2C225C6817", "(2C225C6817)"] {
        assert_eq!(filter_id(reply), None, "{reply}");
    }
}

/// Beyond the maximum, ` from …` belongs to the text after the content and names no client.
#[test]
fn the_client_follows_as_far_as_the_content_can_reach() {
    for (stage, named, max) in [("header", "header", CONTENT_MAX), ("mime-error", "mime", 2 * CONTENT_MAX)] {
        let content = "x".repeat(max);
        let text = format!("3F2A41C0E7: reject: {stage} {content} from a[192.0.2.1]; from=<a@example.net>");
        check("cleanup", &text, &format!("3F2A41C0E7 Reject {named} a[192.0.2.1] `{content}` from=a@example.net"));
        let text = format!("{content}x from a[192.0.2.1]; from=<a@example.net>");
        let whole = format!("3F2A41C0E7 Reject {named} `{text}`");
        check("cleanup", &format!("3F2A41C0E7: reject: {stage} {text}"), &whole);
    }
}

#[test]
fn a_check_of_the_body_is_one_too() {
    check("cleanup", "3F2A41C0E7: hold: body spam from local; from=<root>", "3F2A41C0E7 Hold body `spam` from=root");
    check("smtp", "3F2A41C0E7: reject: body spam", "3F2A41C0E7 Reject body `spam`");
    check("smtp", "3F2A41C0E7: reject: mind spam", "unrecognised");
}

#[test]
fn a_reason_with_a_semicolon_may_have_no_context() {
    check(
        "smtpd",
        "NOQUEUE: reject: RCPT from a[192.0.2.66]: 554 5.7.1 Client host blocked; see http://example.org/;a",
        "Reject rcpt a[192.0.2.66] 554 5.7.1 `Client host blocked; see http://example.org/;a`",
    );
}
