//! Weighs the evidence that one transaction is the parent of another.
//!
//! In: two transactions, and what the parent logged about a hop.  Out: a weight, or `None` if too little speaks for it.
//!
//! ```text
//! mx1 smtp[2]: 4F1A2B3C4D: to=<b@example.net>, relay=mx2.example.org[192.0.2.2]:25, …, status=sent (… queued as 5F1A2B3C4D)
//! mx2 smtpd[1]: 5F1A2B3C4D: client=mx1.example.org[192.0.2.1]
//! mx2 cleanup[1]: 5F1A2B3C4D: message-id=<1@example.org>
//! ```
//!
//! Here the reply names the child (2), relay and client name each other's hosts (1 + 1). With the same Message-ID (2)
//! and a common recipient (2), the weight is 8.
//!
//! None of these facts proves anything alone: anyone may answer `queued as 4F1A2B3C4D`, call a server
//! `mx1.evil.example`, or put the Message-ID of another mail into his own. So each fact that one side logs is compared
//! with what the other side logs, the weights are summed, and the heaviest claim wins. Nearness in time decides only
//! between equal claims.

use super::{Node, node::Onward, place::Place};
use crate::stitch::id::IdForm;

/// Message-IDs are compared up to this many bytes, because sendmail cuts them at 100 characters.
const CUT_AT: usize = 95;

/// The reply names the child's queue id: `queued as 5F1A2B3C4D`.
const REPLY: i32 = 2;
/// The child's own line names the parent's queue id: `orig_queue_id=`, `orig_id=`.
const NAMED: i32 = 3;
/// Both sides logged the same Message-ID.
const SAME_MESSAGE_ID: i32 = 2;
/// A recipient of the reply is a recipient of the child.
const SAME_RECIPIENT: i32 = 2;
/// For each of the two directions (see `places`): the message stayed on the host, or came back from the address that it
/// was handed to.
const HERE: i32 = 2;
/// For each direction: only a name agrees, and a stranger may choose such a name.
const BY_NAME: i32 = 1;
/// The names, the Message-IDs or the domains of the recipients differ.
const OTHER: i32 = -1;
/// The child was handed in on its own host, by loopback or a command, but the parent is on another host.
const IMPOSSIBLE: i32 = -2;

/// For a claim in which no line names a queue id: the Message-ID is the same, and each side names the other as a host.
pub(super) const BY_MESSAGE_ID: i32 = SAME_MESSAGE_ID + 2 * BY_NAME;
/// The same on one host, by loopback or through a program.
pub(super) const BY_MESSAGE_ID_HERE: i32 = SAME_MESSAGE_ID + 2 * HERE;

/// The weight of a reply that names the child's queue id; `None` if too little speaks for it. The other facts must sum
/// to more than 0; a sum of 0 is enough if none of them speaks against it and the queue id is unique.
pub(super) fn of_reply(parent: &Node, hop: &Onward, child: &Node) -> Option<i32> {
    let (to, from) = places(parent, hop, child);
    let message_id = message_ids(parent, child);
    let facts = [to, from, message_id, recipients(hop, child), named(parent, child)];
    let sum: i32 = facts.iter().sum();
    let is_unique = || child.queue_id.as_deref().is_some_and(|id| IdForm::of(id, false).is_unique());
    let nothing_against = || facts.iter().all(|fact| *fact >= 0) && is_unique();
    // Filters and gateways may change a Message-ID, but then the child must have come from the parent's host.
    let is_other_mail = message_id < 0 && from <= 0;
    (!is_other_mail && (sum > 0 || sum == 0 && nothing_against())).then_some(REPLY + sum)
}

/// The weight of a parent that the child's own line names.
pub(super) fn of_previous(parent: &Node, child: &Node) -> i32 {
    let here = if parent.host == child.host { HERE } else { 0 };
    NAMED + here + message_ids(parent, child)
}

fn named(parent: &Node, child: &Node) -> i32 {
    let is_named = |queue_id| child.previous.binary_search_by(|(h, q)| (h, q).cmp(&(&parent.host, queue_id))).is_ok();
    if parent.queue_id.as_ref().is_some_and(is_named) { NAMED } else { 0 }
}

fn message_ids(parent: &Node, child: &Node) -> i32 {
    match (&parent.message_id, &child.message_id) {
        (Some(a), Some(b)) if prefix(a) == prefix(b) => SAME_MESSAGE_ID,
        (Some(_), Some(_)) => OTHER,
        _ => 0,
    }
}

/// The part of a Message-ID that is compared.
pub(super) fn prefix(message_id: &str) -> &str {
    let mut end = CUT_AT.min(message_id.len());
    while !message_id.is_char_boundary(end) {
        end -= 1;
    }
    &message_id[..end]
}

/// Compares the recipients of the reply with those of the child: a common one speaks for it; no common domain speaks
/// against it, if all domains are known.
fn recipients(hop: &Onward, child: &Node) -> i32 {
    let (few, many) = if hop.to.len() <= child.to.len() { (&hop.to, &child.to) } else { (&child.to, &hop.to) };
    if few.iter().any(|address| many.contains(address)) {
        return SAME_RECIPIENT;
    }
    let are_known = !few.is_empty();
    match (&hop.to_houses, &child.to_houses) {
        (Some(a), Some(b)) if are_known && a.is_disjoint(b) => OTHER,
        _ => 0,
    }
}

/// Compares the places, in two directions: whether the hop led to the child's host, and whether the child came from the
/// parent's host.
fn places(parent: &Node, hop: &Onward, child: &Node) -> (i32, i32) {
    let (client, relay) = (&child.source.place, &hop.relay);
    let is_named = |place: &Place, host: &str| match &place.label {
        Some(label) if *label == host => BY_NAME,
        Some(_) => OTHER,
        None => 0,
    };
    if parent.host != child.host {
        let to = if hop.is_local { 0 } else { is_named(relay, &child.host) };
        return match child.source.is_local {
            // Handed in by a program beside the child's server: possible if the relay is that host, where a filter took
            // the message.
            true => (to, if to > 0 { 0 } else { IMPOSSIBLE }),
            false => of_house(relay, client, (to, is_named(client, &parent.host))),
        };
    }
    // One host: the message stayed on it, or it went to a relay and came back.
    let is_back = relay.ip.is_some() && relay.ip == client.ip || relay.label.is_some() && relay.label == client.label;
    match () {
        () if child.source.is_local && hop.is_local => (HERE, HERE),
        () if child.source.is_local => (OTHER, OTHER),
        () if relay.ip.is_some() && relay.ip == client.ip => (HERE, HERE),
        () if is_back => of_house(relay, client, (BY_NAME, BY_NAME)),
        () if hop.is_local && client.is_unknown() => (HERE, 0),
        () if hop.is_local => (0, is_named(client, &parent.host)),
        () => of_house(relay, client, (is_named(relay, &child.host), is_named(client, &parent.host))),
    }
}

/// Corrects the weights of first labels. If relay and client are of different domains, labels that agree count for
/// nothing; if they are of one domain, labels that differ do not count, as both names may be ours.
fn of_house(relay: &Place, client: &Place, (to, from): (i32, i32)) -> (i32, i32) {
    match relay.is_of_house(client) {
        Some(true) => (to.max(0), from.max(0)),
        Some(false) => (to.min(0), from.min(0)),
        None => (to, from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::testing::document;
    use std::collections::BTreeSet;

    /// A mail on its way from mx1 to mx2, with what each side logs of the other.
    struct Hop<'a> {
        relay: &'a str,
        client: &'a str,
        ids: [&'a str; 2],
        to: [&'a str; 2],
        child_id: &'a str,
        child_host: &'a str,
    }

    const HOP: Hop<'_> = Hop {
        relay: "mx2.example.org[192.0.2.2]:25",
        client: "mx1.example.org[192.0.2.1]",
        ids: ["1@example.org", "1@example.org"],
        to: ["b@example.net", "b@example.net"],
        child_id: "5F1A2B3C4D",
        child_host: "mx2",
    };

    impl Hop<'_> {
        fn nodes(&self) -> (Node, Node) {
            let Self { relay, client, ids, to, child_id, child_host } = self;
            let parent = document(&format!(
                "1 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.com[203.0.113.9]
                 1 mx1 postfix/cleanup[1]: 4F1A2B3C4D: message-id=<{}>
                 2 mx1 postfix/smtp[2]: 4F1A2B3C4D: to=<{}>, relay={relay}, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {child_id})",
                ids[0], to[0]
            ));
            let child = document(&format!(
                "1.5 {child_host} postfix/smtpd[1]: {child_id}: client={client}
                 1.5 {child_host} postfix/cleanup[1]: {child_id}: message-id=<{}>
                 2 {child_host} postfix/local[2]: {child_id}: to=<{}>, relay=local, delay=1, dsn=2.0.0, status=sent (delivered to mailbox)",
                ids[1], to[1]
            ));
            (Node::new(&parent), Node::new(&child))
        }

        #[track_caller]
        fn check(&self, expected: Option<i32>) {
            self.check_changed(|_| {}, expected);
        }

        /// Checks the weight after a change to the child.
        #[track_caller]
        fn check_changed(&self, change: impl Fn(&mut Node), expected: Option<i32>) {
            let (parent, mut child) = self.nodes();
            change(&mut child);
            let hop = parent.onward.iter().find(|hop| hop.queue_id == self.child_id).unwrap();
            assert_eq!(of_reply(&parent, hop, &child), expected);
        }

        #[track_caller]
        fn check_places(&self, relay: &str, client: &str, expected: (i32, i32)) {
            let (parent, child) = Hop { relay, client, ..*self }.nodes();
            assert_eq!(places(&parent, &parent.onward[0], &child), expected, "{relay} {client}");
        }
    }

    #[test]
    fn all_that_agrees_is_summed() {
        // The reply, both names, the Message-ID and the recipient.
        HOP.check(Some(REPLY + 2 * BY_NAME + SAME_MESSAGE_ID + SAME_RECIPIENT));
        // The client has no name: only the relay's name counts.
        Hop { client: "unknown[192.0.2.1]", ..HOP }.check(Some(REPLY + BY_NAME + SAME_MESSAGE_ID + SAME_RECIPIENT));
        // The relay has another name of the same domain, perhaps of the same host: it does not count.
        Hop { relay: "mail.example.org[192.0.2.2]:25", ..HOP }
            .check(Some(REPLY + BY_NAME + SAME_MESSAGE_ID + SAME_RECIPIENT));
        // Relay and client are of different domains: their first labels do not count.
        Hop { relay: "mx2.example.com[192.0.2.2]:25", ..HOP }.check(Some(REPLY + SAME_MESSAGE_ID + SAME_RECIPIENT));
        Hop { to: ["b@example.net", "c@example.net"], ..HOP }.check(Some(REPLY + 2 * BY_NAME + SAME_MESSAGE_ID));
        Hop { to: ["b@example.net", "c@example.com"], ..HOP }
            .check(Some(REPLY + 2 * BY_NAME + SAME_MESSAGE_ID + OTHER));
    }

    #[test]
    fn another_mail_is_no_child_unless_it_came_from_here() {
        let ids = ["1@example.org", "2@example.org"];
        Hop { ids, ..HOP }.check(Some(REPLY + 2 * BY_NAME + OTHER + SAME_RECIPIENT));
        Hop { ids, client: "unknown[192.0.2.1]", ..HOP }.check(None);
        Hop { ids, client: "mx9.example.com[192.0.2.9]", ..HOP }.check(None);
    }

    #[test]
    fn on_one_host_loopback_leads_here() {
        let here =
            Hop { relay: "127.0.0.1[127.0.0.1]:10024", client: "localhost[127.0.0.1]", child_host: "mx1", ..HOP };
        here.check(Some(REPLY + 2 * HERE + SAME_MESSAGE_ID + SAME_RECIPIENT));
        // The client is outside: no filter of ours handed the mail back.
        Hop { client: "mx9.example.com[192.0.2.9]", ..here }
            .check(Some(REPLY + OTHER + SAME_MESSAGE_ID + SAME_RECIPIENT));
    }

    #[test]
    fn a_message_id_is_compared_as_far_as_sendmail_writes_it() {
        let long = "x".repeat(120);
        assert_eq!(prefix(&long).len(), CUT_AT);
        assert_eq!(prefix(&"é".repeat(60)).len(), CUT_AT - 1);
        assert_eq!(prefix("short"), "short");
    }

    #[test]
    fn a_child_that_names_its_parent_is_his() {
        let (parent, mut child) = HOP.nodes();
        assert_eq!(of_previous(&parent, &child), NAMED + SAME_MESSAGE_ID);
        child.previous = vec![("mx1".into(), "4F1A2B3C4D".into())];
        let hop = &parent.onward[0];
        assert_eq!(
            of_reply(&parent, hop, &child),
            Some(REPLY + 2 * BY_NAME + SAME_MESSAGE_ID + SAME_RECIPIENT + NAMED)
        );
        child.host = "mx1".into();
        assert_eq!(of_previous(&parent, &child), NAMED + HERE + SAME_MESSAGE_ID);
    }

    fn without_recipients(child: &mut Node) {
        child.to.clear();
        child.to_houses = Some(BTreeSet::new());
    }

    fn without_message_id(child: &mut Node) {
        child.message_id = None;
    }

    #[test]
    fn on_one_host_a_mail_comes_back_from_where_it_was_given_to() {
        let here = Hop { child_host: "mx1", ..HOP };
        here.check_places("127.0.0.1[127.0.0.1]:10024", "localhost[127.0.0.1]", (HERE, HERE));
        // A gateway: with the same address; with the same name; with the same first label in another domain.
        here.check_places("gw.example.org[192.0.2.8]:25", "unknown[192.0.2.8]", (HERE, HERE));
        here.check_places("gw.example.org[192.0.2.8]:25", "gw.example.org[192.0.2.9]", (BY_NAME, BY_NAME));
        here.check_places("gw.example.org[192.0.2.8]:25", "gw.example.com[192.0.2.9]", (0, 0));
        // Handed to one server, but received from another, from a program on the host, or from a nameless address.
        here.check_places("mx2.example.org[192.0.2.2]:25", "mx9.example.com[192.0.2.9]", (OTHER, OTHER));
        here.check_places("mx2.example.org[192.0.2.2]:25", "localhost[127.0.0.1]", (OTHER, OTHER));
        here.check_places("192.0.2.2[192.0.2.2]:25", "unknown[192.0.2.9]", (0, 0));
        // Handed to the host itself, by its name.
        here.check_places("mx1.example.org[192.0.2.1]:25", "mx9.example.org[192.0.2.9]", (BY_NAME, 0));
    }

    /// A filter on the host may hand the mail back from the host's own address, and its client may not be logged.
    #[test]
    fn a_filter_on_the_host_hands_back_what_does_not_come_from_elsewhere() {
        let here = Hop { child_host: "mx1", ..HOP };
        let filter = "filter.example.org[127.0.0.1]:10024";
        here.check_places(filter, "unknown[unknown]", (HERE, 0));
        here.check_places(filter, "mx1.example.org[192.0.2.1]", (0, BY_NAME));
        here.check_places(filter, "mx9.example.com[192.0.2.9]", (0, OTHER));
    }

    #[test]
    fn a_program_hands_in_to_another_host_only_where_the_relay_leads_there() {
        HOP.check_places("mx2.example.org[192.0.2.2]:10024", "localhost[127.0.0.1]", (BY_NAME, 0));
        HOP.check_places("192.0.2.2[192.0.2.2]:10024", "localhost[127.0.0.1]", (0, IMPOSSIBLE));
        HOP.check_places("mx3.example.org[192.0.2.3]:10024", "localhost[127.0.0.1]", (OTHER, IMPOSSIBLE));
        HOP.check_places("127.0.0.1[127.0.0.1]:10024", "localhost[127.0.0.1]", (0, IMPOSSIBLE));
    }

    #[test]
    fn what_is_not_known_yet_speaks_neither_for_nor_against() {
        HOP.check_changed(without_recipients, Some(REPLY + 2 * BY_NAME + SAME_MESSAGE_ID));
        HOP.check_changed(without_message_id, Some(REPLY + 2 * BY_NAME + SAME_RECIPIENT));
        // Without a Message-ID nothing says that it is another mail, though its origin is unknown.
        Hop { client: "unknown[192.0.2.1]", ..HOP }
            .check_changed(without_message_id, Some(REPLY + BY_NAME + SAME_RECIPIENT));
    }

    /// Long ids never come back; a short id may also be that of a message on another host.
    #[test]
    fn an_id_alone_is_enough_where_it_is_unique_and_nothing_speaks_against() {
        let nothing_known = |child: &mut Node| {
            without_recipients(child);
            without_message_id(child);
        };
        let short = Hop { relay: "192.0.2.2[192.0.2.2]:25", client: "unknown[192.0.2.1]", ..HOP };
        let long = Hop { child_id: "4jXgRb5BTwzq68g", ..short };
        short.check_changed(nothing_known, None);
        long.check_changed(nothing_known, Some(REPLY));
        // One name for it and one against it; then only one against it.
        Hop { relay: "mx2[192.0.2.2]:25", client: "mx9[192.0.2.9]", ..long }.check_changed(nothing_known, None);
        Hop { client: "mx9.example.com[192.0.2.9]", ..long }.check_changed(nothing_known, None);
    }
}
