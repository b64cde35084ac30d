//! The lines of postfix, from 2.x to 3.11.
//!
//! In: the daemon, if the transport kept its name, and the text.  Out: what the line tells, with the queue id it is about.
//! A line begins with an optional severity word, then an optional queue id or `NOQUEUE` (`util/msg_syslog.c`,
//! `global/mail_queue.h`). The forms after that differ enough to be told apart without the daemon's name. The name decides only
//! where two daemons write the same words; without it the more common daemon is assumed.
//!
//! Ignored on purpose: statistics, lifecycle, TLS detail, configuration, complaints that name no message.

mod bounce;
mod cleanup;
mod delivery;
mod pickup;
mod policy;
mod postscreen;
mod postsuper;
mod qmgr;
mod reply;
mod service;
mod smtpd;
#[cfg(test)]
mod testing;
mod tls;

pub use delivery::relay;
pub use reply::{forwarded_queue_id, remote_reply, reply_queue_id};

use crate::{
    model::{
        Event, Parsed,
        event::{Action, Policy},
    },
    program, queue_id,
};

/// Reads the text of a postfix program; `daemon` is `None` where the transport lost the name.
pub fn parse<'a>(daemon: Option<&str>, text: &'a str) -> Parsed<'a> {
    let daemon = daemon.map(program::postfix::bare);
    if let Some(complaint) = without_severity(text) {
        return warning(complaint);
    }
    if let Some((id, rest)) = queue_id::postfix::leading(text) {
        return told(Some(id), message(daemon, rest));
    }
    if let Some(rest) = text.strip_prefix("NOQUEUE: ") {
        // A note belongs to its message; without one there is nothing to keep.
        return told(None, message(daemon, rest).filter(|event| *event != Event::Note));
    }
    session(daemon, text)
}

fn told<'a>(queue_id: Option<&'a str>, event: Option<Event<'a>>) -> Parsed<'a> {
    event.map_or(Parsed::Unrecognised, |event| Parsed::Event { queue_id, event })
}

/// The text after a severity word, which comes before the queue id. `QID: warning: header …` has none: there the word is the
/// action of a header check.
fn without_severity(text: &str) -> Option<&str> {
    ["warning: ", "error: ", "fatal: ", "panic: "].iter().find_map(|word| text.strip_prefix(word))
}

fn warning(text: &str) -> Parsed<'_> {
    if let Some((id, text)) = queue_id::postfix::leading(text) {
        return told(Some(id), Some(Event::Warning { text }));
    }
    match smtpd::sasl_failed(text) {
        Some(event) => told(None, Some(event)),
        None => Parsed::Ignored("a warning or error that names no message"),
    }
}

/// Reads the text after a queue id or `NOQUEUE`.
fn message<'a>(daemon: Option<&str>, text: &'a str) -> Option<Event<'a>> {
    // The first word decides for nearly all lines.
    if text.starts_with("to=<") {
        return delivery::record(text);
    }
    // These agents quote remote servers, so only the agents' own forms are looked for.
    if matches!(daemon, Some("smtp" | "lmtp")) {
        return policy::client_check(text).or_else(|| delivery::between(text));
    }
    if text.starts_with("from=<") {
        return qmgr::message(text);
    }
    if text.starts_with("message-id=") {
        return cleanup::message(text);
    }
    if text.starts_with("client=") {
        return smtpd::message(text);
    }
    match daemon {
        Some("postsuper") => postsuper::message(text),
        _ => qmgr::message(text),
    }
    .or_else(|| cleanup::message(text))
    .or_else(|| pickup::message(text))
    .or_else(|| smtpd::message(text))
    .or_else(|| bounce::message(text))
    .or_else(|| postsuper::message(text))
    .or_else(|| policy::message(text))
    .or_else(|| delivery::between(text))
}

/// Reads a line without a queue id.
fn session<'a>(daemon: Option<&str>, text: &'a str) -> Parsed<'a> {
    let event = smtpd::session(text)
        .or_else(|| postscreen::session(daemon, text))
        .or_else(|| tls::session(text))
        .or_else(|| delivery::connect_failed(text))
        .or_else(|| policy::session(text));
    if let Some(event) = event {
        let queue_id = match &event {
            // An id in a reply counts only if it ends the reply and the context follows: a line that was cut inside the id names
            // no message.
            Event::Policy(Policy { action: Action::Accept, text, from: Some(_), .. }) => {
                let whole = |id: &&str| text.ends_with(id) && queue_id::postfix::is_id(id);
                reply_queue_id(text).filter(whole).or_else(|| policy::filter_id(text))
            }
            _ => None,
        };
        return told(queue_id, Some(event));
    }
    match postscreen::unused(text).or_else(|| tls::unused(text)).or_else(|| service::unused(daemon, text)) {
        Some(reason) => Parsed::Ignored(reason),
        None => Parsed::Unrecognised,
    }
}

#[cfg(test)]
mod tests {
    use super::testing::check;

    #[test]
    fn warning_is_not_a_queue_id() {
        check(
            "cleanup",
            "warning: 3F2A41C0E7: queue file size limit exceeded",
            "3F2A41C0E7 warning `queue file size limit exceeded`",
        );
        check("smtpd", "warning: hostname a.example.org does not resolve to address 192.0.2.1", "ignored");
        check(
            "qmgr",
            "fatal: 3F2A41C0E7: envelope records out of order",
            "3F2A41C0E7 warning `envelope records out of order`",
        );
    }

    #[test]
    fn a_warning_that_names_an_id_in_its_middle_has_none() {
        check(
            "qmgr",
            "warning: saving corrupt file \"3F2A41C0E7\" from queue \"active\" to queue \"corrupt\"",
            "ignored",
        );
    }

    #[test]
    fn the_process_id_of_a_cut_tag_is_not_part_of_the_name() {
        check("postfix-script[21863", "starting the Postfix mail system", "ignored");
    }

    /// The text after an id must be a known statement, whichever the daemon.
    #[test]
    fn nonsense_is_unrecognised() {
        for text in [
            "",
            "hello",
            "3F2A41C0E7: hello world",
            "3F2A41C0E7: flurble xyz",
            "3F2A41C0E7: info: flurble",
            "3F2A41C0E7: reject: flurble: xyz",
            "3F2A41C0E7: to=<a@example.org> flurble",
            "3F2A41C0E7: to=<a@example.org>, flurble=1",
            "NOQUEUE: hello",
            ": ",
            "3F2A41C0E7: ",
        ] {
            for daemon in
                ["cleanup", "smtp", "lmtp", "smtpd", "qmgr", "local", "pipe", "bounce", "postsuper", "error", ""]
            {
                check(daemon, text, "unrecognised");
            }
        }
    }

    #[test]
    fn a_filter_that_accepted_names_the_message_only_with_a_whole_id() {
        let accepted = |answer: &str, found: &str| {
            let text = format!("proxy-accept: END-OF-MESSAGE: 250 2.0.0 {answer}; from=<a@example.org>");
            check("smtpd", &text, &format!("{found}Accept end-of-message 250 2.0.0 `{answer}` from=a@example.org"));
        };
        accepted("Ok: queued as 7C1D2E3F40", "7C1D2E3F40 ");
        accepted("Ok: queued as 7C1D2E3F40 in a while", "");
        accepted("Ok: queued as flurble-1", "");
        accepted("OK (2C225C6817C7EEE1481)", "2C225C6817C7EEE1481 ");
        check(
            "smtpd",
            "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 7C1D2E3F",
            "Accept end-of-message 250 2.0.0 `Ok: queued as 7C1D2E3F`",
        );
        let refused = "proxy-reject: END-OF-MESSAGE: 550 5.7.1 queued as 7C1D2E3F40; from=<a@example.org>";
        check("smtpd", refused, "Reject end-of-message 550 5.7.1 `queued as 7C1D2E3F40` from=a@example.org");
    }

    #[test]
    fn a_note_without_a_message_is_nothing() {
        let text = "reply filter substitution: \"250 a\" -> \"250 b\"";
        check("smtpd", &format!("3F2A41C0E7: {text}"), "3F2A41C0E7 note");
        check("smtpd", &format!("NOQUEUE: {text}"), "unrecognised");
    }
}
