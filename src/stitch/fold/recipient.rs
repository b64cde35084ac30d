//! The recipients of a life, and their delivery attempts.

use crate::model::{
    Time,
    event::{Delays, Peer},
    transaction::RecipientStatus,
};
use smallvec::SmallVec;
use std::{borrow::Cow, collections::HashMap};

/// One delivery attempt for one recipient.
#[derive(Debug, Clone)]
pub(super) struct Attempt<'a> {
    pub time: Time,
    pub status: RecipientStatus,
    pub dsn: Option<&'a str>,
    /// As logged.
    pub relay: Option<&'a str>,
    /// Name, address and port in `relay`.
    pub peer: Peer<'a>,
    pub reply: Option<&'a str>,
    /// The delivery agent: `smtp`, `lmtp`, `local`, sendmail's mailer.
    pub transport: Option<&'a str>,
    pub delay_s: Option<f64>,
    pub delays: Option<Delays>,
    pub queued_as: Option<&'a str>,
    pub tls: Option<(&'a str, Option<&'a str>)>,
}

impl Attempt<'_> {
    fn weight(&self) -> (Time, bool) {
        (self.time, is_final(self.status))
    }
}

/// A recipient with its attempts, in order of time.
#[derive(Debug)]
pub(super) struct Person<'a> {
    pub address: Cow<'a, str>,
    pub orig_to: Option<Cow<'a, str>>,
    pub attempts: SmallVec<[Attempt<'a>; 1]>,
    /// The shortened attempts, summed up.
    pub brief: Option<Brief<'a>>,
    /// Status by other evidence than an attempt: expiry of the message, or a filter's verdict.
    pub settled: Option<RecipientStatus>,
}

/// A sum of attempts of which only time, status and DSN are left.
#[derive(Debug)]
pub(super) struct Brief<'a> {
    pub count: u64,
    pub first: Time,
    pub last: Attempt<'a>,
}

impl<'a> Person<'a> {
    /// The attempt that counts: the last one; of several with one stamp, a final one.
    pub fn last(&self) -> Option<&Attempt<'a>> {
        let brief = self.brief.as_ref().map(|brief| &brief.last);
        brief.into_iter().chain(&self.attempts).max_by_key(|a| a.weight())
    }

    /// The number of attempts.
    pub fn count(&self) -> u64 {
        self.attempts.len() as u64 + self.brief.as_ref().map_or(0, |brief| brief.count)
    }

    /// The time of the first attempt.
    pub fn first(&self) -> Option<Time> {
        self.attempts.iter().map(|a| a.time).chain(self.brief.as_ref().map(|brief| brief.first)).min()
    }

    pub fn status(&self) -> RecipientStatus {
        self.settled.or_else(|| self.last().map(|a| a.status)).unwrap_or(RecipientStatus::Unknown)
    }
}

/// Whether no further attempt follows this status.
pub(super) fn is_final(status: RecipientStatus) -> bool {
    use RecipientStatus as S;
    !matches!(status, S::Deferred | S::Held | S::Unknown)
}

/// Whether the mail system is done with the recipient without a failure.
pub(super) fn is_success(status: RecipientStatus) -> bool {
    use RecipientStatus as S;
    matches!(status, S::Sent | S::Filtered | S::Expanded | S::Deliverable)
}

/// The final address, and the address before expansion (`orig_to`).
type Name<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

/// All recipients of a life, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Recipients<'a> {
    people: Vec<Person<'a>>,
    by_name: HashMap<Name<'a>, usize>,
}

/// Up to this many recipients, a linear search is faster than a hash table.
const WALKED: usize = 8;

impl<'a> Recipients<'a> {
    pub fn with_capacity(n: usize) -> Self {
        Self { people: Vec::with_capacity(n), by_name: HashMap::new() }
    }

    pub fn add(&mut self, address: Cow<'a, str>, orig_to: Option<Cow<'a, str>>, attempt: Attempt<'a>) {
        let n = self.place(address, orig_to);
        self.people[n].attempts.push(attempt);
    }

    /// Adds an attempt of which only time, status and DSN are left.
    pub fn add_brief(&mut self, address: Cow<'a, str>, orig_to: Option<Cow<'a, str>>, attempt: Attempt<'a>) {
        let n = self.place(address, orig_to);
        match &mut self.people[n].brief {
            Some(brief) => {
                brief.count += 1;
                brief.first = brief.first.min(attempt.time);
                if attempt.weight() >= brief.last.weight() {
                    brief.last = attempt;
                }
            }
            none => *none = Some(Brief { count: 1, first: attempt.time, last: attempt }),
        }
    }

    /// The index of a recipient, which is added if it is new.
    fn place(&mut self, address: Cow<'a, str>, orig_to: Option<Cow<'a, str>>) -> usize {
        let found = if self.people.len() <= WALKED {
            self.people.iter().position(|p| p.address == address && p.orig_to == orig_to)
        } else {
            if self.by_name.is_empty() {
                let names = self.people.iter().enumerate().map(|(n, p)| ((p.address.clone(), p.orig_to.clone()), n));
                self.by_name = names.collect();
            }
            self.by_name.get(&(address.clone(), orig_to.clone())).copied()
        };
        found.unwrap_or_else(|| {
            let n = self.people.len();
            if !self.by_name.is_empty() {
                self.by_name.insert((address.clone(), orig_to.clone()), n);
            }
            self.people.push(Person { address, orig_to, attempts: SmallVec::new(), brief: None, settled: None });
            n
        })
    }

    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Person<'a>> {
        self.people.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Person<'a>> {
        self.people.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecipientStatus as S;

    fn attempt(ms: i64, status: S) -> Attempt<'static> {
        Attempt {
            time: Time(ms),
            status,
            dsn: None,
            relay: None,
            peer: Peer::default(),
            reply: None,
            transport: None,
            delay_s: None,
            delays: None,
            queued_as: None,
            tls: None,
        }
    }

    /// Checks status, times and number of attempts of one recipient; the shortened attempts are added first.
    #[track_caller]
    fn check(brief: &[(i64, S)], whole: &[(i64, S)], status: S, first: i64, last: i64) {
        let mut all = Recipients::default();
        for (ms, status) in brief {
            all.add_brief("b@example.net".into(), None, attempt(*ms, *status));
        }
        for (ms, status) in whole {
            all.add("b@example.net".into(), None, attempt(*ms, *status));
        }
        let people: Vec<&Person<'_>> = all.iter().collect();
        let [person] = people[..] else { panic!("{people:?}") };
        assert_eq!((person.status(), person.last().map(|a| a.time)), (status, Some(Time(last))), "{brief:?} {whole:?}");
        assert_eq!(
            (person.count(), person.first()),
            ((brief.len() + whole.len()) as u64, Some(Time(first))),
            "{brief:?} {whole:?}"
        );
    }

    #[test]
    fn the_last_attempt_counts() {
        check(&[], &[(1, S::Deferred), (5, S::Sent)], S::Sent, 1, 5);
        check(&[], &[(5, S::Deferred), (1, S::Sent)], S::Deferred, 1, 5);
        check(&[(1, S::Deferred), (5, S::Bounced), (3, S::Deferred)], &[], S::Bounced, 1, 5);
        check(&[(5, S::Deferred), (1, S::Sent), (6, S::Held)], &[], S::Held, 1, 6);
        check(&[(2, S::Deferred), (9, S::Sent)], &[(1, S::Deferred), (8, S::Deferred)], S::Sent, 1, 9);
        check(&[(2, S::Deferred), (3, S::Deferred)], &[(4, S::Deferred), (8, S::Expired)], S::Expired, 2, 8);
    }

    /// Lines with one stamp are in no reliable order, but no attempt follows a final one.
    #[test]
    fn of_one_moment_an_attempt_counts_that_ended_it() {
        for last in [S::Sent, S::Bounced, S::Expanded, S::Discarded, S::Undeliverable] {
            check(&[], &[(5, last), (5, S::Deferred)], last, 5, 5);
            check(&[], &[(5, S::Deferred), (5, last)], last, 5, 5);
            check(&[(5, last), (5, S::Unknown)], &[], last, 5, 5);
            check(&[(5, S::Deferred), (5, last)], &[], last, 5, 5);
            check(&[(5, last)], &[(5, S::Deferred)], last, 5, 5);
        }
        // If two final attempts have one stamp, the one added later counts.
        check(&[(5, S::Sent), (5, S::Bounced)], &[], S::Bounced, 5, 5);
        check(&[], &[(5, S::Sent), (5, S::Bounced)], S::Bounced, 5, 5);
    }

    #[test]
    fn other_evidence_than_an_attempt_outweighs_it() {
        let mut all = Recipients::default();
        all.add("b@example.net".into(), None, attempt(5, S::Deferred));
        all.iter_mut().for_each(|person| person.settled = Some(S::Expired));
        assert_eq!(all.iter().map(Person::status).collect::<Vec<_>>(), [S::Expired]);
    }

    #[test]
    fn a_recipient_is_an_address_and_what_it_was_before_whatever_their_number() {
        for many in [1, WALKED, WALKED + 1, WALKED + 2, 3 * WALKED] {
            let mut all = Recipients::with_capacity(0);
            assert!(all.is_empty());
            let names: Vec<(String, Option<&str>)> = (0..many)
                .flat_map(|n| [None, Some("list@example.org")].map(|orig_to| (format!("b{n}@example.net"), orig_to)))
                .take(many)
                .collect();
            for ms in [1, 2, 3] {
                for (address, orig_to) in &names {
                    all.add(address.clone().into(), orig_to.map(Cow::from), attempt(ms, S::Deferred));
                }
            }
            let found: Vec<(&str, Option<&str>, u64)> =
                all.iter().map(|p| (&*p.address, p.orig_to.as_deref(), p.count())).collect();
            let expected: Vec<_> = names.iter().map(|(address, orig_to)| (&**address, *orig_to, 3)).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_end_is_good_or_bad_or_none() {
        for (status, ends, is_good) in [
            (S::Sent, true, true),
            (S::Filtered, true, true),
            (S::Expanded, true, true),
            (S::Deliverable, true, true),
            (S::Bounced, true, false),
            (S::Expired, true, false),
            (S::Rejected, true, false),
            (S::Discarded, true, false),
            (S::Quarantined, true, false),
            (S::Undeliverable, true, false),
            (S::Deferred, false, false),
            (S::Held, false, false),
            (S::Unknown, false, false),
        ] {
            assert_eq!((is_final(status), is_success(status)), (ends, is_good), "{status:?}");
        }
    }
}
