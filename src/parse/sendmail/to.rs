//! The `to=` record (`deliver.c logdelivery`): one attempt for several recipients.
//!
//! In: the text after the queue id.  Out: [`Event::To`].
//! Ignored on purpose: `tls_verify=`, `pri=`, `ntries=`, `stage=`. A list that does not fit is continued in further records that
//! repeat the other fields; each record is an event, and the mark ` [more]` is dropped.

use super::scan::{Fields, bare, find_outside, interval};
use crate::model::Event;
use crate::model::event::SendmailTo;

/// The keys in the order in which sendmail writes them.
const KEYS: &[&str] = &[
    "to",
    "ctladdr",
    "delay",
    "xdelay",
    "mailer",
    "tls_verify",
    "pri",
    "relay",
    "quarantine",
    "dsn",
    "ntries",
    "stage",
    "reply",
];

/// A record that begins with `to=`; `None` when it has neither `stat=` nor `delay=`.
pub fn parse(text: &str) -> Option<Event<'_>> {
    // A reply is the remote server's own text and may hold `, stat=`; the field itself is the last one.
    let (fields, stat) = match text.rsplit_once(", stat=") {
        Some((fields, stat)) => (fields, Some(stat)),
        None => (text, None),
    };
    let mut record = SendmailTo { stat, ..SendmailTo::default() };
    // sendmail leaves out the middle of a record that does not fit: `..., stat=`.
    for (key, value) in Fields::new(fields.strip_suffix("...").unwrap_or(fields), KEYS) {
        match key {
            "to" => record.to = list(value),
            "ctladdr" => record.ctladdr = Some(controller(value)),
            "delay" => record.delay = interval(value),
            "xdelay" => record.xdelay = interval(value),
            "mailer" => record.mailer = Some(value),
            "relay" => record.relay = Some(value),
            "quarantine" => record.quarantine = Some(value),
            "dsn" => record.dsn = value.split(',').next(),
            "reply" => record.reply = Some(value),
            _ => {}
        }
    }
    (record.stat.is_some() || record.delay.is_some()).then_some(Event::To(record))
}

/// The list without the mark that it is continued in another record.
fn list(value: &str) -> &str {
    let value = value.strip_suffix(" [more]").unwrap_or(value);
    let value = value.strip_suffix(',').unwrap_or(value);
    if value == "NO-TO-LIST" { "" } else { value }
}

/// `<a@example.org> (1000/1000)` without the numbers of user and group.
fn controller(value: &str) -> &str {
    let numbers = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'/');
    let address = value
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once(" ("))
        .filter(|(_, ids)| numbers(ids))
        .map_or(value, |(address, _)| address);
    bare(address)
}

/// The recipients of a list: split at commas outside quotes and brackets, without `<>`.
///
/// `"|command args"`, `/file` and `\name` are given as written; see [`unescape`](crate::model::logged::unescape) for the escapes.
pub fn recipients(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    // Once a quote or bracket is known never to close, it is not looked for again: that would take quadratic time.
    let mut nested = true;
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let outside = if nested { find_outside(text, ",") } else { None };
        nested = nested && (outside.is_some() || closed(text));
        let comma = if nested { outside } else { text.find(',') };
        rest = comma.map(|at| &text[at + 1..]);
        Some(bare(comma.map_or(text, |at| &text[..at]).trim()))
    })
    .filter(|address| !address.is_empty())
}

/// Whether all quotes and brackets are closed.
fn closed(text: &str) -> bool {
    text.bytes().filter(|b| *b == b'"').count() % 2 == 0 && text.matches('<').count() == text.matches('>').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let compact = match parse(text) {
            Some(Event::To(r)) => [
                Some(recipients(r.to).collect::<Vec<_>>().join("|")),
                r.ctladdr.map(|v| format!("ctladdr={v}")),
                r.delay.map(|v| format!("delay={v}")),
                r.xdelay.map(|v| format!("xdelay={v}")),
                r.mailer.map(|v| format!("mailer={v}")),
                r.relay.map(|v| format!("relay={v}")),
                r.quarantine.map(|v| format!("quarantine={v}")),
                r.dsn.map(|v| format!("dsn={v}")),
                r.reply.map(|v| format!("reply={v}")),
                r.stat.map(|v| format!("stat={v}")),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; "),
            other => format!("{other:?}"),
        };
        assert_eq!(compact, expected);
    }

    #[test]
    fn an_attempt_has_several_recipients() {
        check(
            "to=<a@example.org>,b, ctladdr=<c@example.org> (1000/1000), delay=1+00:00:02, xdelay=00:00:01, mailer=esmtp, \
             pri=32345, relay=mx.example.org. [192.0.2.1], dsn=2.0.0, stat=Sent (Ok: queued as 7C1D2E3F40)",
            "a@example.org|b; ctladdr=c@example.org; delay=86402; xdelay=1; mailer=esmtp; relay=mx.example.org. [192.0.2.1]; \
             dsn=2.0.0; stat=Sent (Ok: queued as 7C1D2E3F40)",
        );
    }

    #[test]
    fn a_reply_may_hold_a_stat_of_its_own() {
        check(
            "to=<a@example.org>, delay=00:00:01, pri=1, relay=x, dsn=5.7.1, reply=550-5.7.1 first line, stat=Sent, stat=User unknown",
            "a@example.org; delay=1; relay=x; dsn=5.7.1; reply=550-5.7.1 first line, stat=Sent; stat=User unknown",
        );
    }

    #[test]
    fn a_list_that_goes_on_ends_with_more() {
        check(
            "to=<a@example.org>,<b@example.org>, [more], delay=00:00:01, stat=Sent",
            "a@example.org|b@example.org; delay=1; stat=Sent",
        );
        check("to=NO-TO-LIST, delay=00:00:01, stat=queued", "; delay=1; stat=queued");
    }

    #[test]
    fn a_shortened_line_keeps_its_status() {
        check("to=a, delay=00:00:01, relay=mx.example..., stat=Sent", "a; delay=1; relay=mx.example; stat=Sent");
    }

    #[test]
    fn commands_and_files_are_given_as_written() {
        check(
            r#"to="|/bin/x a, b",/var/f,\\erin, delay=00:00:01, stat=Sent"#,
            r#""|/bin/x a, b"|/var/f|\\erin; delay=1; stat=Sent"#,
        );
    }

    #[test]
    fn an_unclosed_bracket_hides_no_recipient() {
        let found: Vec<_> = recipients("<a@exa...mple.org,b@example.org,<c@example.org>").collect();
        assert_eq!(found, ["<a@exa...mple.org", "b@example.org", "c@example.org"]);
        let found: Vec<_> = recipients("<a, b@example.org>,<\"c,d\"@example.org>,").collect();
        assert_eq!(found, ["a, b@example.org", "\"c,d\"@example.org"]);
    }

    /// Searching for the closing bracket again after each comma would take minutes here.
    #[test]
    fn a_hostile_list_is_read_once() {
        assert_eq!(recipients(&"<a,".repeat(50_000)).count(), 50_000);
    }

    #[test]
    fn without_status_and_delay_it_is_no_record() {
        check("to=nothing known", "None");
    }

    #[test]
    fn numbers_of_user_and_group_are_no_part_of_the_controlling_address() {
        for (value, found) in [
            ("<c@example.org> (1000/1000)", "c@example.org"),
            ("c (8)", "c"),
            ("c (x)", "c (x)"),
            ("c ()", "c ()"),
            ("c (8", "c (8"),
            ("c(8)", "c(8)"),
        ] {
            assert_eq!(controller(value), found);
        }
    }

    #[test]
    fn every_field_is_read() {
        check(
            "to=a, delay=00:00:01, xdelay=00:00:02, mailer=local, pri=1, quarantine=odd, dsn=4.0.0, x, reply=451 later, stat=Deferred",
            "a; delay=1; xdelay=2; mailer=local; quarantine=odd; dsn=4.0.0; reply=451 later; stat=Deferred",
        );
        check("to=a, delay=00:00:01", "a; delay=1");
        check("to=a, stat=Sent", "a; stat=Sent");
    }

    /// sendmail leaves out the middle of a text that is too long, and a bracket or quote with it.
    #[test]
    fn a_list_is_closed_if_all_its_quotes_and_brackets_are() {
        for (text, is_closed) in
            [("<a>,\"b\"", true), ("a", true), ("<a", false), ("a>", false), ("\"a", false), ("<a>\"", false)]
        {
            assert_eq!(closed(text), is_closed, "{text}");
        }
        let found: Vec<_> = recipients("a@example.org, <b,c@example.org").collect();
        assert_eq!(found, ["a@example.org", "<b", "c@example.org"]);
        let found: Vec<_> = recipients("<a@example.org>,<b,c@example.org>").collect();
        assert_eq!(found, ["a@example.org", "b,c@example.org"]);
    }
}
