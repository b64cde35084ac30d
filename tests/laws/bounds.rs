//! The laws for more lines than a document keeps whole: what remains of the surplus is also a function of the set,
//! and lines that come later do not change it.

use crate::{
    at_once, ids, in_pieces, in_windows, indices, lines::lines, rules, said, whole, windows, with_coarse_copies,
};
use mailstitch::{
    model::Line,
    stitch::{self, Bounds, bounds::Ends},
    write::stored,
};
use proptest::{prelude::*, sample::Index};
use std::cell::Cell;

thread_local! {
    static IN_FORCE: Cell<Option<Bounds>> = const { Cell::new(None) };
}

/// The bounds that the tests of this thread use.
pub fn in_force() -> Bounds {
    IN_FORCE.get().unwrap_or_default()
}

/// Bounds that a handful of lines exceeds.
fn tight() {
    let ends = |most, in_all, bytes| Ends { most, least: 1, in_all, bytes };
    IN_FORCE.set(Some(Bounds {
        attempts: ends(2, 3, 200),
        others: ends(1, 1, 60),
        tried: ends(2, 3, usize::MAX),
        session: ends(1, 1, usize::MAX),
        session_text: 90,
        listed: 2,
        links: 2,
        recipients: 3,
        shortened: 4,
        part_recipients: 2,
        part_bytes: 1500,
    }));
}

proptest! {
    #[test]
    fn l1_order_and_repetition_change_nothing_of_what_is_left(lines in lines(), order in any::<Vec<Index>>()) {
        tight();
        let mut shuffled = lines.clone();
        for (n, index) in order.iter().enumerate().filter(|_| !lines.is_empty()) {
            let (a, b) = (n % shuffled.len(), index.index(shuffled.len()));
            shuffled.swap(a, b);
            shuffled.push(shuffled[b].clone());
        }
        prop_assert_eq!(whole(&lines), whole(&shuffled));
    }

    #[test]
    fn l1_what_is_left_makes_the_same_documents(lines in lines()) {
        tight();
        let documents = whole(&lines);
        let of_messages = || documents.iter().filter(|d| d.email.local_id.is_some());
        for first in of_messages().filter(|d| d.mail.part == 0) {
            let parts: Vec<_> = of_messages().filter(|d| d.mail.id.starts_with(&first.mail.id)).cloned().collect();
            let own: Vec<Line> = parts.iter().flat_map(stored::lines_of).collect();
            let key = stored::key_of(first, &rules()).unwrap();
            prop_assert_eq!(stitch::fold(&key, &own.iter().collect::<Vec<_>>(), &rules()), parts);
        }
    }

    #[test]
    fn l2_a_cut_changes_nothing_of_what_is_left(lines in lines(), windows in windows()) {
        tight();
        let expected = at_once(&lines);
        let found = in_windows(lines, &windows);
        prop_assert_eq!(ids(&found), ids(&expected));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn l2_a_file_that_is_cut_changes_nothing_of_what_is_left(lines in lines(), copies in indices(), cuts in indices()) {
        tight();
        let lines = with_coarse_copies(lines, &copies);
        let expected = at_once(&lines);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).chain([0, lines.len()]).collect();
        cuts.sort_unstable();
        let (found, _) = in_pieces(cuts.windows(2).map(|cut| lines[cut[0]..cut[1]].to_vec()));
        prop_assert_eq!(found, expected);
    }
}

/// The middle one of three lines with a Message-ID is shortened when the third comes, and no longer begins a message.
/// The verdict that had found its mail there then has none.
#[test]
fn a_verdict_leaves_the_journey_of_a_mail_that_turned_out_to_be_none() {
    tight();
    let lines = [
        said(0, "postfix/cleanup", "3A9C96093D: message-id=<m2@example.org>"),
        said(0, "dovecot", "lmtp(b@example.net)<1><s>: sieve: msgid=<m1@example.org>: discarded message"),
        said(1_000, "postfix/qmgr", "3A9C96093D: from=<a@example.org>, size=500, nrcpt=1 (queue active)"),
        said(5_000, "postfix/cleanup", "3A9C96093D: message-id=<m1@example.org>"),
        said(30_000, "postfix/cleanup", "3A9C96093D: message-id=<m2@example.org>"),
    ];
    for cut in 0..=lines.len() {
        let (found, _) = in_pieces([lines[..cut].to_vec(), lines[cut..].to_vec()]);
        assert_eq!(found, at_once(&lines), "{cut}");
    }
}

/// The record between a failed connection and a later record is shortened when a third attempt is known, and denies nothing any more.
#[test]
fn a_failed_connection_is_kept_for_a_record_that_another_one_of_its_message_denied_it() {
    tight();
    let sent = "3A9C96093D: to=<b@example.net>, relay=mx.example.net[198.51.100.25]:25, delay=1.2, \
                delays=0.1/0/0.6/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4F0)";
    let deferred = "3A9C96093D: to=<d@example.net>, relay=none, delay=8, delays=0.1/0/7.9/0, dsn=4.4.1, \
                    status=deferred (connect to mx.example.net[198.51.100.25]:25: Connection timed out)";
    let lines = [
        said(0, "postfix/lmtp", sent),
        said(14_000, "postfix/smtp", "connect to mx.example.net[198.51.100.25]:25: Connection timed out"),
        said(18_000, "postfix/smtp", sent),
        said(18_001, "postfix/smtp", deferred),
        said(23_000, "postfix/lmtp", sent),
    ];
    let whole = at_once(&lines);
    assert_eq!(whole.iter().map(|t| t.mail.warnings.len()).sum::<usize>(), 1);
    for cut in 0..=lines.len() {
        let (found, _) = in_pieces([lines[..cut].to_vec(), lines[cut..].to_vec()]);
        assert_eq!(found, whole, "{cut}");
    }
}
