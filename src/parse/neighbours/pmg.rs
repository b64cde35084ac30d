//! `pmg-smtp-filter`, the filter of Proxmox' mail gateway: what it did for each recipient, under an id of its own.
//!
//! In: `PMGID: text` (`pmg-smtp-filter`, `PMG/RuleDB/*.pm`). Postfix' record of the hand-over ends with that id: `250 2.5.0 OK
//! (2C225C6817C7EEE1481)`.  Out: a verdict for each recipient, with the id under which the filter gave the message back.
//! Ignored on purpose: lines without an id.

use super::{filter, judged, leading_id};
use crate::model::{
    Event, Parsed,
    event::{Fate, Filter},
};

const NAME: &str = "pmg-smtp-filter";

/// Reads a text logged by pmg-smtp-filter.
pub fn parse(text: &str) -> Parsed<'_> {
    let (queue_id, rest) = leading_id(text);
    if queue_id.is_none() {
        return Parsed::Ignored("the filter says this of itself");
    }
    match verdict(rest) {
        Some(found) => judged(queue_id, Filter { is_hop: true, ..found }),
        None if is_remark(rest) => Parsed::Event { queue_id, event: Event::Note },
        None => Parsed::Unrecognised,
    }
}

fn verdict(text: &str) -> Option<Filter<'_>> {
    if let Some(id) = text.strip_prefix("new mail message-id=") {
        let id = id.trim_end();
        let bare = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id);
        return Some(Filter { message_id: Some(bare).filter(|id| !id.is_empty()), ..filter(NAME, "new mail") });
    }
    if let Some(rest) = text.strip_prefix("accept mail to <") {
        // `… to <ADDRESS> (QUEUEID) (rule: NAME)`
        let (to, rest) = rest.split_once("> (")?;
        let (queued_as, rest) = rest.split_once(')')?;
        return Some(Filter { queued_as: Some(queued_as), ..decided("accept", Fate::Passed, to, rest) });
    }
    if let Some(rest) = text.strip_prefix("block mail to <") {
        let (to, rest) = rest.split_once('>')?;
        return Some(decided("block", Fate::Discarded, to, rest));
    }
    if let Some(rest) = text.strip_prefix("moved mail for <") {
        // `… for <ADDRESS> to spam quarantine - ID (rule: NAME)`
        let (to, rest) = rest.split_once("> to ")?;
        let (kind, rest) = rest.split_once(" - ")?;
        return Some(decided(kind, Fate::Quarantined, to, rest)).filter(|_| kind.ends_with(" quarantine"));
    }
    if let Some(found) = text.strip_prefix("virus detected: ") {
        return Some(Filter { detail: Some(found), ..filter(NAME, "infected") });
    }
    // `SA score=5/5 time=2.975 bayes=… hits=…`
    let rest = text.strip_prefix("SA score=")?;
    let (score, rest) = rest.split_once('/')?;
    let hits = rest.split_once("hits=").map(|(_, hits)| hits).filter(|hits| !hits.is_empty());
    let score = score.parse().ok().filter(|score: &f64| score.is_finite());
    Some(Filter { score, detail: hits, ..filter(NAME, "score") })
}

fn decided<'a>(verdict: &'a str, fate: Fate, to: &'a str, rest: &'a str) -> Filter<'a> {
    let rule = rest.split_once("(rule: ").map(|(_, rule)| rule.strip_suffix(')').unwrap_or(rule));
    Filter { fate: Some(fate), to: Some(to).filter(|to| !to.is_empty()), detail: rule, ..filter(NAME, verdict) }
}

/// Whether a text is a remark without a verdict: other things that the filter did, its errors, and the time it took.
fn is_remark(text: &str) -> bool {
    const STARTS: [&str; 18] = [
        "processing time: ",
        "found archive ",
        "unpack ",
        "bcc to <",
        "bcc from ",
        "notify <",
        "added disclaimer",
        "adding disclaimer failed",
        "modified field ",
        "modify field ",
        "removed attachment ",
        "removing attachment ",
        "attachment ",
        "message ",
        "adding missing ",
        "SA ",
        "accept mail ",
        "accept NDR ",
    ];
    let failed = [" failed", "error", "ERROR"].iter().any(|word| text.contains(word));
    failed || STARTS.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use crate::model::{Event, Parsed, event::Filter};
    use crate::parse::neighbours::check;

    #[test]
    fn each_recipient_has_a_fate() {
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: accept mail to <b@example.net> (032F62C229B) (rule: default-accept)",
            "2C225C6817C7EEE1481: pmg-smtp-filter accept detail=default-accept as=032F62C229B to=b@example.net fate=Passed",
        );
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: moved mail for <b@example.net> to spam quarantine - 2C2265C6817C7F01234 (rule: Quarantine/Mark Spam (Level 3))",
            "2C225C6817C7EEE1481: pmg-smtp-filter spam quarantine detail=Quarantine/Mark Spam (Level 3) to=b@example.net fate=Quarantined",
        );
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: block mail to <b@example.net> (rule: Blacklist)",
            "2C225C6817C7EEE1481: pmg-smtp-filter block detail=Blacklist to=b@example.net fate=Discarded",
        );
    }

    #[test]
    fn the_message_has_an_id_a_score_and_viruses() {
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: new mail message-id=<DX1P@EXAMPLE.COM>",
            "2C225C6817C7EEE1481: pmg-smtp-filter new mail mid=DX1P@EXAMPLE.COM",
        );
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: SA score=5/5 time=2.975 bayes=undefined autolearn=no autolearn_force=no hits=DKIM_INVALID(0.1)",
            "2C225C6817C7EEE1481: pmg-smtp-filter score score=5 detail=DKIM_INVALID(0.1)",
        );
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: virus detected: Eicar-Test-Signature (clamav)",
            "2C225C6817C7EEE1481: pmg-smtp-filter infected detail=Eicar-Test-Signature (clamav)",
        );
    }

    #[test]
    fn the_rest_is_known_or_not() {
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: processing time: 3.15 seconds (2.975, 0.019, 0)",
            "2C225C6817C7EEE1481: note",
        );
        check("pmg-smtp-filter", "2C225C6817C7EEE1481: flurble xyz", "unrecognised");
        check("pmg-smtp-filter", "starting database maintenance", "ignored: the filter says this of itself");
    }

    #[test]
    fn its_id_is_a_hop_of_the_message() {
        let parsed = super::parse("2C225C6817C7EEE1481: block mail to <b@example.net>");
        assert!(matches!(parsed, Parsed::Event { event: Event::Filter(Filter { is_hop: true, .. }), .. }));
    }

    #[test]
    fn what_is_empty_is_none() {
        for (text, found) in [
            ("block mail to <> (rule: x)", "pmg-smtp-filter block detail=x fate=Discarded"),
            ("new mail message-id=<>", "pmg-smtp-filter new mail"),
            ("new mail message-id=1@example.org", "pmg-smtp-filter new mail mid=1@example.org"),
            ("SA score=0/5 time=1 hits=", "pmg-smtp-filter score score=0"),
            ("SA score=inf/5 time=1 hits=A(1)", "pmg-smtp-filter score detail=A(1)"),
            (
                "moved mail for <a@example.org> to virus quarantine - 2C2 (x)",
                "pmg-smtp-filter virus quarantine to=a@example.org fate=Quarantined",
            ),
        ] {
            check("pmg-smtp-filter", &format!("2C225C6817C7EEE1481: {text}"), &format!("2C225C6817C7EEE1481: {found}"));
        }
        check(
            "pmg-smtp-filter",
            "2C225C6817C7EEE1481: moved mail for <a@example.org> to flurble - 2C2 (x)",
            "unrecognised",
        );
    }

    #[test]
    fn a_failure_is_only_evidence() {
        for text in ["flurble failed", "flurble error", "ERROR: flurble", "unpack flurble"] {
            check("pmg-smtp-filter", &format!("2C225C6817C7EEE1481: {text}"), "2C225C6817C7EEE1481: note");
        }
    }
}
