//! MailScanner and MIMEDefang, which take messages out of the queue or decide as milters, and log what they did.
//!
//! In: their lines about a message (`MailScanner/lib/MailScanner/*.pm`, `mimedefang.pl`).  Out: verdicts, [`Event::Requeued`].
//! Ignored on purpose: batches, counts, and lines of the programs about themselves.

use super::{filter, judged};
use crate::{
    model::{
        Event, Parsed,
        event::{Fate, Filter},
    },
    queue_id,
};

/// Reads a text logged by MailScanner. It adds its own suffix to postfix' ids: `210F0261C9D.AFE5C`.
pub fn mailscanner(text: &str) -> Parsed<'_> {
    let id = |word: &'static str| text.strip_prefix(word).and_then(scanned);
    if let Some((queue_id, rest)) = id("Requeue: ") {
        // `Requeue: OLD.SUFFIX to NEW`. With sendmail the id stays the same.
        return match rest.strip_prefix("to ").map(|new| new.split('.').next().unwrap_or(new)) {
            Some(child) if queue_id::is_id(child) && child != queue_id => {
                Parsed::Event { queue_id: Some(queue_id), event: Event::Requeued { child } }
            }
            Some(child) if child == queue_id => Parsed::Event { queue_id: Some(queue_id), event: Event::Note },
            _ => Parsed::Unrecognised,
        };
    }
    if let Some((queue_id, rest)) = id("Spam Actions: message ").or_else(|| id("Non-spam Actions: message ")) {
        let Some(actions) = rest.strip_prefix("actions are ") else { return Parsed::Unrecognised };
        let has = |wanted: &[&str]| actions.split(',').any(|action| wanted.contains(&action.trim()));
        let fate = match () {
            () if has(&["deliver", "forward"]) => None,
            () if has(&["bounce"]) => Some(Fate::Bounced),
            () if has(&["store", "store-spam", "store-nonspam"]) => Some(Fate::Quarantined),
            () => Some(Fate::Discarded),
        };
        let found = Filter { fate, takes: true, detail: Some(actions), ..filter("MailScanner", "spam actions") };
        return judged(Some(queue_id), found);
    }
    if let Some((queue_id, rest)) = id("Infected message ") {
        return judged(
            Some(queue_id),
            Filter { client: rest.strip_prefix("came from "), ..filter("MailScanner", "infected") },
        );
    }
    // `Message ID from 192.0.2.1 (sender) to domain is spam, SpamAssassin (…)`
    if let Some((queue_id, rest)) = id("Message ") {
        return said(rest).map_or(Parsed::Event { queue_id: Some(queue_id), event: Event::Note }, |found| {
            judged(Some(queue_id), found)
        });
    }
    Parsed::Ignored("MailScanner at work on a batch")
}

/// A queue id without its suffix, and the rest.
fn scanned(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let id = word.split('.').next().unwrap_or(word);
    queue_id::is_id(id).then_some((id, rest))
}

fn said(rest: &str) -> Option<Filter<'_>> {
    let (client, rest) = rest.strip_prefix("from ")?.split_once(" (")?;
    let (from, rest) = rest.split_once(") to ")?;
    let (_, judgement) = rest.split_once(" is ")?;
    let (verdict, detail) = judgement.split_once(", ").map_or((judgement, None), |(verdict, why)| (verdict, Some(why)));
    Some(Filter { client: Some(client), from: Some(from), detail, ..filter("MailScanner", verdict) })
}

/// Reads a text logged by MIMEDefang: `MDLOG,ID,EVENT,VALUE1,VALUE2,<SENDER>,<RECIPIENT>,SUBJECT`, `filter: ID:  bounce=1 …`.
pub fn mimedefang(text: &str) -> Parsed<'_> {
    if let Some(rest) = text.strip_prefix("MDLOG,") {
        let mut fields = rest.splitn(5, ',');
        let (Some(id), Some(event)) = (fields.next(), fields.next()) else { return Parsed::Unrecognised };
        let detail = fields.next().filter(|value| !value.is_empty());
        let envelope = fields.nth(1).and_then(|rest| rest.strip_prefix('<')?.split_once(">,<"));
        let (from, to) = envelope.map(|(from, rest)| (from, rest.split('>').next().unwrap_or(rest))).unzip();
        let to = to.filter(|to| !to.is_empty());
        let found = Filter { detail, from, to, fate: fate(event), ..filter("mimedefang", event) };
        return judged(Some(id).filter(|id| queue_id::is_id(id)), found);
    }
    let Some((id, did)) = text.strip_prefix("filter: ").and_then(|rest| rest.split_once(": ")) else {
        return Parsed::Ignored("the filter says this of itself");
    };
    let did = did.trim();
    let queue_id = Some(id).filter(|id| queue_id::is_id(id));
    match did.split(' ').find_map(|word| fate(word.split('=').next().unwrap_or(word))) {
        Some(fate) => judged(queue_id, Filter { fate: Some(fate), ..filter("mimedefang", did) }),
        None if queue_id.is_some() => Parsed::Event { queue_id, event: Event::Note },
        None => Parsed::Ignored("the filter says this of itself"),
    }
}

fn fate(event: &str) -> Option<Fate> {
    match event {
        "discard" => Some(Fate::Discarded),
        "bounce" | "reject" => Some(Fate::Rejected),
        "tempfail" => Some(Fate::Deferred),
        "quarantine" | "quarantine_entire_message" => Some(Fate::Quarantined),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Event, Parsed, event::Filter};
    use crate::parse::neighbours::check;

    #[test]
    fn mailscanner_gives_a_message_a_new_id() {
        check(
            "MailScanner",
            "Requeue: 210F0261C9D.AFE5C to CDCFE261CA1",
            "210F0261C9D: Requeued { child: \"CDCFE261CA1\" }",
        );
        check("MailScanner", "Requeue: e6G2PqO05058 to e6G2PqO05058", "e6G2PqO05058: note");
    }

    #[test]
    fn what_mailscanner_does_with_spam_is_a_fate() {
        let start = "Spam Actions: message 210F0261C9D.AFE5C actions are ";
        let found = |actions: &str, fate: &str| {
            let expected = format!("210F0261C9D: MailScanner spam actions detail={actions}{fate}");
            check("MailScanner", &format!("{start}{actions}"), &expected);
        };
        found("store,header", " fate=Quarantined");
        found("delete", " fate=Discarded");
        found("deliver,store", "");
    }

    #[test]
    fn mailscanner_judges() {
        check(
            "MailScanner",
            "Message 210F0261C9D.AFE5C from 192.0.2.3 (a@example.org) to example.com is spam, SpamAssassin (score=9)",
            "210F0261C9D: MailScanner spam detail=SpamAssassin (score=9) client=192.0.2.3 from=a@example.org",
        );
        check("MailScanner", "New Batch: Scanning 1 messages, 1863 bytes", "ignored: MailScanner at work on a batch");
    }

    #[test]
    fn mimedefang_decides() {
        check(
            "mimedefang.pl",
            "MDLOG,6AMKJjq4009066,spam,9.5,192.0.2.66,<e@example.org>,<b@example.org>,cheap, really",
            "6AMKJjq4009066: mimedefang spam detail=9.5 from=e@example.org to=b@example.org",
        );
        check(
            "mimedefang",
            "filter: 6AMKJjq4009066:  discard=1",
            "6AMKJjq4009066: mimedefang discard=1 fate=Discarded",
        );
        check("mimedefang", "filter: 6AMKJjq4009066:  append_html_boilerplate=1", "6AMKJjq4009066: note");
    }

    fn takes(parsed: &Parsed<'_>) -> bool {
        matches!(parsed, Parsed::Event { event: Event::Filter(Filter { takes: true, .. }), .. })
    }

    #[test]
    fn the_actions_for_a_message_decide_about_it() {
        assert!(takes(&super::mailscanner("Spam Actions: message 210F0261C9D.AFE5C actions are delete")));
        for (kind, actions, fate) in [
            ("Non-spam", "forward, x@example.org", ""),
            ("Spam", "bounce", " fate=Bounced"),
            ("Spam", "bounce,store", " fate=Bounced"),
            ("Spam", "header,store-spam", " fate=Quarantined"),
            ("Non-spam", "store-nonspam", " fate=Quarantined"),
            ("Spam", "notify", " fate=Discarded"),
        ] {
            check(
                "MailScanner",
                &format!("{kind} Actions: message 210F0261C9D.AFE5C actions are {actions}"),
                &format!("210F0261C9D: MailScanner spam actions detail={actions}{fate}"),
            );
        }
        check("MailScanner", "Spam Actions: message 210F0261C9D.AFE5C flurble", "unrecognised");
    }

    #[test]
    fn an_infected_message_names_its_client() {
        check(
            "MailScanner",
            "Infected message 210F0261C9D.AFE5C came from 192.0.2.66",
            "210F0261C9D: MailScanner infected client=192.0.2.66",
        );
        check("MailScanner", "Infected message 210F0261C9D.AFE5C flurble", "210F0261C9D: MailScanner infected");
        check("MailScanner", "Message 210F0261C9D.AFE5C flurble", "210F0261C9D: note");
        check(
            "MailScanner",
            "Message 210F0261C9D.AFE5C from 192.0.2.3 (a@example.org) to example.com is not spam",
            "210F0261C9D: MailScanner not spam client=192.0.2.3 from=a@example.org",
        );
    }

    #[test]
    fn only_another_id_is_a_new_one() {
        check("MailScanner", "Requeue: 210F0261C9D.AFE5C to flurble", "unrecognised");
        check("MailScanner", "Requeue: 210F0261C9D.AFE5C as CDCFE261CA1", "unrecognised");
        check("MailScanner", "Requeue: flurble to CDCFE261CA1", "ignored: MailScanner at work on a batch");
    }

    #[test]
    fn each_decision_of_mimedefang_is_a_fate() {
        for (event, fate) in [
            ("discard", " fate=Discarded"),
            ("bounce", " fate=Rejected"),
            ("reject", " fate=Rejected"),
            ("tempfail", " fate=Deferred"),
            ("quarantine", " fate=Quarantined"),
            ("quarantine_entire_message", " fate=Quarantined"),
            ("mail_in", ""),
        ] {
            check(
                "mimedefang",
                &format!("MDLOG,6AMKJjq4009066,{event},,192.0.2.66,<e@example.org>,<>,x"),
                &format!("6AMKJjq4009066: mimedefang {event} from=e@example.org{fate}"),
            );
        }
        check("mimedefang", "MDLOG,NOQUEUE,mail_in", "mimedefang mail_in");
        check("mimedefang", "MDLOG,NOQUEUE", "unrecognised");
    }

    #[test]
    fn a_filter_that_decides_nothing_is_evidence_of_a_message_only() {
        check("mimedefang", "filter: flurble: append_html_boilerplate=1", "ignored: the filter says this of itself");
        check("mimedefang", "filter: flurble: bounce=1 x=2", "mimedefang bounce=1 x=2 fate=Rejected");
        check("mimedefang", "started", "ignored: the filter says this of itself");
    }
}
