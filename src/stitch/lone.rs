//! Lines that are documents of their own, but say too little alone.
//!
//! In: an event without a queue id.  Out: whether its document needs other lines and, if so, a key for it. The set of that key
//! holds the line and either the lines of its session (`session`) or what a policy server's verdict may be about (`near`).
//!
//! ```text
//! smtpd[11]: connect from c.example.org[192.0.2.7]
//! smtpd[11]: proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
//! ```

use super::{id::line_document_id, key::Key};
use crate::{
    model::{
        Event, LineId, Parsed, Text, Transaction,
        event::{Filter, Policy},
        transaction::Evidence,
    },
    parse,
};
use std::sync::Arc;

/// First character of the name that a line has in place of a queue id. No queue id begins with it.
const MARK: char = '#';

/// Whether a line without a queue id needs others: the answer of a filter before the queue names no client, the verdict of a
/// policy server names no message.
pub fn needs_others(event: &Event<'_>, has_sessions: bool) -> bool {
    match event {
        Event::Policy(policy) => has_sessions && names_no_client(policy),
        Event::Filter(filter) => is_policy(filter),
        _ => false,
    }
}

fn names_no_client(policy: &Policy<'_>) -> bool {
    policy.peer.addr.is_none() && policy.peer.name.is_none() && policy.from.is_some()
}

/// Whether this is a verdict on an attempt: it names the client and part of the envelope, but no message.
fn is_policy(filter: &Filter<'_>) -> bool {
    let of_message = filter.message_id.is_some() || filter.queued_as.is_some();
    !of_message && filter.client.is_some() && (filter.from.is_some() || filter.to.is_some())
}

/// The name that a line has in its key in place of a queue id.
pub fn name(line: LineId) -> String {
    format!("{MARK}{:032x}", line.0)
}

/// The line that a key stands for; `None` for the key of a message.
pub fn line_of(key: &Key) -> Option<LineId> {
    u128::from_str_radix(key.queue_id.strip_prefix(MARK)?, 16).ok().map(LineId)
}

/// Whether the queue id of a key is the name of a line.
pub fn is_name(queue_id: &str) -> bool {
    queue_id.starts_with(MARK)
}

/// The name of the line that a document was made of, if that line needs others.
pub fn name_in(doc: &Transaction) -> Option<Arc<str>> {
    let is_own = |line: &&Evidence| !line.context && line_document_id(line.id, line.time) == doc.mail.id;
    let own = doc.mail.lines.iter().find(is_own)?;
    match parse::parse_text(&own.program, &own.text) {
        Parsed::Event { queue_id: None, event } if needs_others(&event, has_sessions(&own.program)) => {
            Some(name(own.id).into())
        }
        _ => None,
    }
}

/// Whether session lines of a program are used. postscreen hands clients that pass on to smtpd, which logs them anew; its own
/// sessions bring no messages, and have no end where the client passed.
pub fn has_sessions(program: &str) -> bool {
    !program.ends_with("/postscreen")
}

/// The id of the document of the refused attempt that a verdict is about; `None` where none was found.
pub fn refusal_of(doc: &Transaction) -> Option<Text> {
    let contexts = doc.mail.lines.iter().filter(|line| line.context && doc.email.local_id.is_none());
    contexts.into_iter().find_map(|line| match parse::parse_text(&line.program, &line.text) {
        Parsed::Event { queue_id: None, event: Event::Policy(_) } => Some(line_document_id(line.id, line.time).into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::testing::documents;

    const ANSWER: &str =
        "proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";

    #[test]
    fn what_names_no_client_needs_the_session_that_it_was_said_in() {
        let refused = |client: &str| {
            format!(
                "NOQUEUE: reject: RCPT from {client}: 554 5.7.1 no; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>"
            )
        };
        for (text, expected) in [
            (ANSWER, true),
            // The filter's answer to a client that named no sender.
            ("proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; proto=ESMTP helo=<c>", false),
            (&refused("c.example.org[192.0.2.7]"), false),
            (&refused("unknown[192.0.2.7]"), false),
            (&refused("c.example.org[unknown]"), false),
            ("disconnect from c.example.org[192.0.2.7]", false),
        ] {
            let Parsed::Event { queue_id: None, event } = parse::parse_text("postfix/smtpd", text) else {
                panic!("{text}");
            };
            assert_eq!(needs_others(&event, true), expected, "{text}");
            assert!(!needs_others(&event, false), "{text}");
        }
        assert!(has_sessions("postfix/smtpd"));
        assert!(!has_sessions("postfix/postscreen"));
    }

    #[test]
    fn a_verdict_on_an_envelope_needs_its_message() {
        let (client, from, to) = (Some("192.0.2.7"), Some("a@example.org"), Some("b@example.net"));
        let asked = Filter { client, from, to, ..Filter::default() };
        for (filter, expected) in [
            (asked.clone(), true),
            (Filter { from: None, ..asked.clone() }, true),
            (Filter { to: None, ..asked.clone() }, true),
            // Neither the client nor the envelope alone tells a message from others.
            (Filter { from: None, to: None, ..asked.clone() }, false),
            (Filter { client: None, ..asked.clone() }, false),
            // The message is known already.
            (Filter { message_id: Some("1@example.org"), ..asked.clone() }, false),
            (Filter { queued_as: Some("4F1A2B3C4D"), ..asked.clone() }, false),
        ] {
            let event = Event::Filter(filter);
            assert_eq!((needs_others(&event, true), needs_others(&event, false)), (expected, expected), "{event:?}");
        }
    }

    #[test]
    fn a_line_has_a_name_in_the_place_of_a_queue_id() {
        let line = LineId(0xfedc_ba98_7654_3210_0123_4567_89ab_cdef);
        let line_in =
            |queue_id: &str| line_of(&Key { host: "mx1".into(), instance: "".into(), queue_id: queue_id.into() });
        for line in [line, LineId(0), LineId(7)] {
            assert_eq!(line_in(&name(line)), Some(line));
            assert!(is_name(&name(line)));
        }
        for queue_id in ["4F1A2B3C4D", "4dhRlh0sf8z9rvS", "6010000f004711", ""] {
            assert_eq!(line_in(queue_id), None, "{queue_id}");
            assert!(!is_name(queue_id), "{queue_id}");
        }
    }

    /// For each document, the text of the line whose name [`name_in`] finds.
    #[track_caller]
    fn check(log: &str, expected: &[Option<&str>]) {
        let named = |doc: &Transaction| -> Option<String> {
            let found = name_in(doc)?;
            doc.mail.lines.iter().find(|line| *name(line.id) == *found).map(|line| line.text.to_string())
        };
        assert_eq!(
            documents(log).iter().map(named).collect::<Vec<_>>(),
            expected.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_document_has_the_name_of_the_line_that_it_is_about() {
        let verdict = "action=greylist, reason=new, client_name=c, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net";
        let refused = "NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 450 4.2.0 x; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
        check(
            &format!("1 mx1 postfix/smtpd[1]: connect from c.example.org[192.0.2.7]\n2 mx1 postfix/smtpd[1]: {ANSWER}"),
            &[Some(ANSWER)],
        );
        check("1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]", &[None]);
        check(&format!("1 mx1 postfix/smtpd[1]: {refused}"), &[None]);
        // The refusal is context in the verdict's document, and has a document of its own.
        check(&format!("1 mx1 postgrey[1]: {verdict}\n2 mx1 postfix/smtpd[1]: {refused}"), &[Some(verdict), None]);
    }

    #[test]
    fn a_verdict_knows_the_refusal_that_it_led_to() {
        let refused = "NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 450 4.2.0 x; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>";
        let all = documents(&format!(
            "1 mx1 postgrey[1]: action=greylist, reason=new, client_name=c, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net
             2 mx1 postfix/smtpd[1]: {refused}"
        ));
        let [verdict, refusal] = &all[..] else { panic!("{all:?}") };
        assert_eq!(refusal_of(verdict).as_deref(), Some(&*refusal.mail.id));
        assert_eq!(refusal_of(refusal), None);
    }

    #[test]
    fn a_hold_that_another_message_took_is_no_refusal() {
        let all = documents(
            "1 mx1 postfix/smtpd[11]: NOQUEUE: hold: RCPT from c.example.org[192.0.2.7]: beware; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
             2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx1 postfix/smtpd[11]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]",
        );
        assert_eq!(all.iter().map(refusal_of).collect::<Vec<_>>(), [None, None]);
    }
}
