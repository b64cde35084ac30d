//! Finds the message that a filter's verdict is about.
//!
//! In: transactions.  Out: a claim of a parent on each verdict that is a transaction of its own. The parent is the
//! refused attempt or the message that a policy server was asked about; else the message that the filter handed back;
//! else a message on its host with its Message-ID, preferably with its recipient, and best with its sender too; else a
//! message with its Message-ID whose recipient's mail went to a mail store.

use super::{
    CLOCKS_MS, Node,
    evidence::{BY_MESSAGE_ID_HERE, prefix},
    parents::{Best, PROGRAM_MS, before},
    spans::Spans,
};
use crate::model::{Text, transaction::Kind};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

/// A lookup key: messages that a verdict may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum About<'a> {
    QueueId(&'a str, &'a str),
    MessageId(&'a str, &'a str),
    Recipient(&'a str, &'a str, &'a str),
    /// A Message-ID, and a recipient whose mail went to a mail store, on any host: containers log under host names of
    /// their own.
    Mailbox(&'a str, &'a str),
    Envelope(&'a str, &'a str, &'a str, &'a str),
}

/// Claims verdicts for their messages. If a mail store's verdict is `forwarded to <c@example.org>`, also claims the
/// mail that the store sent on.
pub(super) fn owners(best: &mut Best<'_>) {
    let nodes = best.nodes;
    let verdicts = || nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Filter);
    let message_ids: HashSet<&str> = verdicts().filter_map(|(_, v)| v.message_id.as_deref()).map(prefix).collect();
    let handed_on = verdicts().flat_map(|(_, v)| v.onward.iter().map(|o| &o.queue_id));
    let perhaps = verdicts().flat_map(|(_, v)| &v.perhaps);
    let queue_ids: HashSet<&str> = handed_on.chain(perhaps).map(Text::as_str).collect();
    of_refusals(best);
    if message_ids.is_empty() && queue_ids.is_empty() {
        return;
    }
    let mut lists: HashMap<About<'_>, Vec<usize>> = HashMap::new();
    for (n, node) in nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Message) {
        let host = node.host.as_str();
        if let Some(id) = node.queue_id.as_deref().filter(|id| queue_ids.contains(id)) {
            lists.entry(About::QueueId(id, host)).or_default().push(n);
        }
        let Some(id) = node.message_id.as_deref().map(prefix).filter(|id| message_ids.contains(id)) else { continue };
        lists.entry(About::MessageId(id, host)).or_default().push(n);
        node.mailboxes.keys().for_each(|to| lists.entry(About::Mailbox(id, to)).or_default().push(n));
        for to in &node.to {
            lists.entry(About::Recipient(id, host, to)).or_default().push(n);
            let from = node.from.as_deref().map(|from| About::Envelope(id, host, to, from));
            from.into_iter().for_each(|key| lists.entry(key).or_default().push(n));
        }
    }
    let spans: HashMap<About<'_>, Spans> =
        lists.into_iter().map(|(key, list)| (key, Spans::new(list, nodes, |n| n))).collect();
    for (v, verdict) in verdicts() {
        let (since, until) = (verdict.start.plus(-CLOCKS_MS), verdict.start.plus(CLOCKS_MS));
        let nearest =
            |about: About<'_>| spans.get(&about)?.nearest_before(nodes, verdict.start, since, until, usize::MAX);
        let host = verdict.host.as_str();
        let handed_back = verdict.onward.iter().filter_map(|o| nearest(About::QueueId(&o.queue_id, host)));
        let first = |found: &mut dyn Iterator<Item = usize>| found.min_by_key(|n| before(nodes, v, *n));
        let perhaps = verdict.perhaps.iter().filter_map(|id| nearest(About::QueueId(id, host)));
        let likely = perhaps.filter_map(|n| Some((Reverse(agreement(verdict, nodes[n])?), before(nodes, v, n), n)));
        if let Some((.., owner)) = likely.min() {
            best.claim(v, owner, 0);
            continue;
        }
        let owner = first(&mut handed_back.filter(|n| !is_other(verdict, nodes[*n]))).or_else(|| {
            let id = prefix(verdict.message_id.as_deref()?);
            let from = verdict.from.as_deref().unwrap_or_default();
            first(&mut verdict.to.iter().filter_map(|to| nearest(About::Envelope(id, host, to, from))))
                .or_else(|| first(&mut verdict.to.iter().filter_map(|to| nearest(About::Recipient(id, host, to)))))
                .or_else(|| nearest(About::MessageId(id, host)))
                .or_else(|| first(&mut verdict.to.iter().filter_map(|to| nearest(About::Mailbox(id, to)))))
        });
        let Some(owner) = owner else { continue };
        best.claim(v, owner, 0);
        let (Some(id), Some(to)) = (verdict.message_id.as_deref(), verdict.forwarded.as_deref()) else { continue };
        let parent = nodes[owner];
        let (here, until) = (About::Recipient(prefix(id), &parent.host, to), parent.end.plus(PROGRAM_MS));
        let again = spans
            .get(&here)
            .and_then(|s| s.nearest_before(nodes, verdict.start.plus(PROGRAM_MS), parent.start, until, owner));
        if let Some(c) = again.filter(|c| came_back(parent, verdict, nodes[*c])) {
            best.claim(c, owner, BY_MESSAGE_ID_HERE + 1);
        }
    }
}

/// Claims verdicts on refused attempts for these attempts.
fn of_refusals(best: &mut Best<'_>) {
    let nodes = best.nodes;
    let verdicts: Vec<(usize, &str)> =
        nodes.iter().enumerate().filter_map(|(v, node)| Some((v, node.refusal.as_deref()?))).collect();
    if verdicts.is_empty() {
        return;
    }
    let refusals = nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Reject);
    let by_id: HashMap<&str, usize> = refusals.map(|(n, node)| (node.id.as_str(), n)).collect();
    for (v, refusal) in verdicts {
        if let Some(n) = by_id.get(refusal) {
            best.claim(v, *n, 0);
        }
    }
}

/// How many of sender and recipients agree between a verdict and a message; `None` if it is surely about another
/// message.
fn agreement(verdict: &Node, message: &Node) -> Option<u8> {
    let sender = verdict.from.as_ref().zip(message.from.as_ref()).map(|(a, b)| a == b);
    let are_known = !verdict.to.is_empty() && !message.to.is_empty();
    let recipient = are_known.then(|| !verdict.to.is_disjoint(&message.to));
    let facts = [sender, recipient];
    // One that differs does not count if the other agrees: aliases and rewriting may change either.
    let is_other = facts.contains(&Some(false)) && !facts.contains(&Some(true));
    (!is_other).then(|| facts.iter().map(|fact| u8::from(*fact == Some(true))).sum())
}

/// Whether a message came from the mail store that logged that it sent it on: from a command on the host, or from the
/// store's address or host name.
fn came_back(parent: &Node, verdict: &Node, child: &Node) -> bool {
    let client = &child.source.place;
    let of_store = || parent.mailboxes.values().flatten().any(|ip| Some(*ip) == client.ip);
    let by_name = || client.label.as_ref().is_some_and(|label| *label == verdict.host);
    child.start >= parent.start && (child.source.is_local || of_store() || by_name())
}

/// Whether a verdict is surely about another message: its Message-ID differs, and so do all recipients.
pub(super) fn is_other(verdict: &Node, message: &Node) -> bool {
    let is_other_id = |a: &str, b: &str| prefix(a) != prefix(b);
    let other_id =
        verdict.message_id.as_deref().zip(message.message_id.as_deref()).is_some_and(|(a, b)| is_other_id(a, b));
    other_id && !verdict.to.is_empty() && !message.to.is_empty() && verdict.to.is_disjoint(&message.to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::{
        journey::tests::{check_parents, nodes},
        testing::at,
    };

    const MESSAGE: &str = "4F1A2B3C4D";

    /// A node with this sender and these recipients.
    fn node(from: Option<&str>, to: &[&str]) -> Node {
        let one = nodes("1 mx1 postfix/qmgr[1]: 4F1A2B3C4D: removed").remove(0);
        Node { from: from.map(Into::into), to: to.iter().map(|to| Text::from(*to)).collect(), ..one }
    }

    #[test]
    fn a_verdict_is_of_another_message_where_neither_sender_nor_recipient_agrees() {
        let (a, b) = (Some("a@example.org"), Some("b@example.org"));
        let (x, y): (&[&str], &[&str]) = (&["x@example.net"], &["y@example.net"]);
        for (verdict, message, expected) in [
            ((a, x), (a, x), Some(2)),
            // An alias was followed, or the sender rewritten.
            ((a, x), (a, y), Some(1)),
            ((a, x), (b, x), Some(1)),
            ((a, x), (b, y), None),
            // Less is known of one side.
            ((None, x), (a, x), Some(1)),
            ((a, x), (a, &[]), Some(1)),
            ((None, x), (a, y), None),
            ((a, x), (None, y), None),
            ((a, &[]), (b, x), None),
            ((a, x), (b, &[]), None),
            ((None, &[]), (a, x), Some(0)),
            ((a, x), (None, &[]), Some(0)),
        ] {
            let found = agreement(&node(verdict.0, verdict.1), &node(message.0, message.1));
            assert_eq!(found, expected, "{verdict:?} {message:?}");
        }
    }

    #[test]
    fn a_verdict_is_surely_of_another_message_only_where_all_of_it_differs() {
        let (x, y): (&[&str], &[&str]) = (&["x@example.net"], &["y@example.net"]);
        let (one, two) = (Some("1@example.org"), Some("2@example.org"));
        for (verdict, message, expected) in [
            ((one, x), (two, y), true),
            ((one, x), (one, y), false),
            ((one, x), (two, x), false),
            ((one, x), (None, y), false),
            ((one, &[]), (two, y), false),
            ((one, x), (two, &[]), false),
        ] {
            let node = |(message_id, to): (Option<&str>, &[&str])| Node {
                message_id: message_id.map(Text::from),
                ..node(None, to)
            };
            assert_eq!(is_other(&node(verdict), &node(message)), expected, "{verdict:?} {message:?}");
        }
    }

    /// A mail store sends mail on by a command on its host, from the address that the mail was given to, or under its
    /// host name.
    #[test]
    fn a_redirected_mail_comes_from_the_mail_store() {
        let parent = &nodes(
            "2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.com[198.51.100.9]
             3 mx1 postfix/lmtp[2]: 4F1A2B3C4D: to=<b@example.net>, relay=store.example.net[192.0.2.40]:24, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Saved)",
        )[0];
        let verdict = Node { host: "box1".into(), ..node(None, &[]) };
        let child = |line: &str| nodes(&format!("2 mx1 postfix/{line}")).remove(0);
        for (line, expected) in [
            ("pickup[1]: 5F1A2B3C4D: uid=5000 from=<a@example.org>", true),
            ("smtpd[1]: 5F1A2B3C4D: client=unknown[192.0.2.40]", true),
            ("smtpd[1]: 5F1A2B3C4D: client=box1.example.net[192.0.2.41]", true),
            ("smtpd[1]: 5F1A2B3C4D: client=box2.example.net[192.0.2.41]", false),
            ("smtpd[1]: 5F1A2B3C4D: client=unknown[192.0.2.41]", false),
        ] {
            assert_eq!(came_back(parent, &verdict, &child(line)), expected, "{line}");
            let earlier = Node { start: at(1999), ..child(line) };
            assert!(!came_back(parent, &verdict, &earlier), "before there was a mail to send on: {line}");
        }
    }

    /// A mail that was handed to a mail store at second 4.
    const STORED: &str = "2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.com[198.51.100.9]
        2 mx1 postfix/cleanup[1]: 4F1A2B3C4D: message-id=<1@example.org>
        2 mx1 postfix/qmgr[9]: 4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=1 (queue active)
        4 mx1 postfix/lmtp[2]: 4F1A2B3C4D: to=<b@example.net>, relay=mx1.example.net[private/dovecot-lmtp], delay=2, dsn=2.0.0, status=sent (250 2.0.0 Saved)\n";

    fn sieve(at: f64, host: &str, message_id: &str, said: &str) -> String {
        format!(
            "{at} {host} dovecot: lmtp(b@example.net)<5><kAD1FdVxzGJqgQgAVWC8bA>: sieve: msgid=<{message_id}>: {said}\n"
        )
    }

    #[test]
    fn a_mail_stores_verdict_is_of_the_mail_with_its_message_id() {
        let check = |at, host, message_id, expected: &[(&str, &str)]| {
            let text = STORED.to_owned() + &sieve(at, host, message_id, "stored mail into mailbox 'INBOX'");
            check_parents(&text, expected);
        };
        let is_owned = [("Filter", MESSAGE)];
        check(3.0, "mx1", "1@example.org", &is_owned);
        check(3.0, "mx1", "2@example.org", &[]);
        // A container logs under a host name of its own; the mailbox is the same.
        check(3.0, "box1", "1@example.org", &is_owned);
        // Clocks may differ by two minutes.
        check(124.0, "mx1", "1@example.org", &is_owned);
        check(124.001, "mx1", "1@example.org", &[]);
    }

    /// If nothing else agrees, the queue id under which the filter handed the mail back belongs to an earlier mail.
    #[test]
    fn a_filters_verdict_is_of_the_mail_that_it_handed_back() {
        let amavis = |message_id: &str, to: &str| {
            format!(
                "{STORED}3 mx1 amavis[7]: (12345-01) Passed CLEAN {{RelayedInbound}}, [198.51.100.9] <a@example.org> -> <{to}>, Message-ID: <{message_id}>, mail_id: x1, Hits: 0.1, size: 900, queued_as: 4F1A2B3C4D, 500 ms"
            )
        };
        check_parents(&amavis("1@example.org", "b@example.net"), &[("Filter", MESSAGE)]);
        check_parents(&amavis("2@example.org", "b@example.net"), &[("Filter", MESSAGE)]);
        check_parents(&amavis("2@example.org", "x@example.net"), &[]);
    }

    /// Two mails with one Message-ID, one of which went to a list manager just before.
    #[test]
    fn a_mail_stores_word_of_what_it_sent_on_counts_more_than_a_program_that_took_such_a_mail() {
        let listed = "4 mx1 postfix/smtpd[1]: 6F1A2B3C4D: client=c.example.com[198.51.100.9]
            4 mx1 postfix/cleanup[1]: 6F1A2B3C4D: message-id=<1@example.org>
            4 mx1 postfix/pipe[2]: 6F1A2B3C4D: to=<list@example.net>, relay=mailman, delay=1, dsn=2.0.0, status=sent (delivered via mailman service)\n";
        let again = "5 mx1 postfix/pickup[1]: 5F1A2B3C4D: uid=5000 from=<a@example.org>
            5 mx1 postfix/cleanup[1]: 5F1A2B3C4D: message-id=<1@example.org>
            6 mx1 postfix/smtp[2]: 5F1A2B3C4D: to=<c@example.org>, relay=mx.example.org[192.0.2.25]:25, delay=1, dsn=2.0.0, status=sent (250 ok)\n";
        let mails = format!("{STORED}{listed}{again}");
        check_parents(&mails, &[("5F1A2B3C4D", "6F1A2B3C4D")]);
        let verdict = |said| mails.clone() + &sieve(5.0, "mx1", "1@example.org", said);
        check_parents(&verdict("forwarded to <c@example.org>"), &[("5F1A2B3C4D", MESSAGE), ("Filter", MESSAGE)]);
        check_parents(&verdict("forwarded to <d@example.org>"), &[("5F1A2B3C4D", "6F1A2B3C4D"), ("Filter", MESSAGE)]);
    }

    const GREYLIST: &str = "1 mx1 postgrey[5]: action=greylist, reason=new, client_name=c.example.net, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net\n";
    const PASS: &str = "1 mx1 postgrey[5]: action=pass, reason=triplet found, client_name=c.example.net, client_address=192.0.2.7, sender=a@example.org, recipient=b@example.net\n";

    #[test]
    fn a_policy_servers_verdict_is_of_the_attempt_that_was_refused_then() {
        let refused = |to: &str| {
            format!(
                "{GREYLIST}1 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from c.example.net[192.0.2.7]: 450 4.2.0 <{to}>: Greylisted; from=<a@example.org> to=<{to}> proto=ESMTP helo=<c>"
            )
        };
        check_parents(&refused("b@example.net"), &[("Filter", "Reject")]);
        check_parents(&refused("x@example.net"), &[]);
    }

    /// Two connections of one client at one time: sender and recipient tell which mail was asked about.
    #[test]
    fn a_policy_servers_verdict_is_of_the_mail_of_its_client_that_agrees_most() {
        let mail = |id: &str, second: u32, from: &str, to: &str| {
            format!(
                "{second} mx1 postfix/smtpd[1]: {id}: client=c.example.net[192.0.2.7]
                 {second} mx1 postfix/qmgr[9]: {id}: from=<{from}>, size=900, nrcpt=1 (queue active)
                 {second} mx1 postfix/local[2]: {id}: to=<{to}>, relay=local, delay=1, dsn=2.0.0, status=sent (delivered to mailbox)\n"
            )
        };
        let mine = mail(MESSAGE, 3, "a@example.org", "b@example.net");
        for other in [
            mail("3F1A2B3C4D", 2, "x@example.org", "y@example.net"),
            mail("3F1A2B3C4D", 2, "a@example.org", "y@example.net"),
            mail("3F1A2B3C4D", 4, "a@example.org", "b@example.net"),
        ] {
            check_parents(&format!("{PASS}{mine}{other}"), &[("Filter", MESSAGE)]);
        }
        check_parents(&format!("{PASS}{}", mail(MESSAGE, 3, "x@example.org", "y@example.net")), &[]);
    }
}
