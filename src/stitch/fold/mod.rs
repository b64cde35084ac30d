//! Turns the lines of one life into its transaction (law L1).
//!
//! In: a life.  Out: one document, or several parts for a large message. `postfix.rs` or `sendmail.rs`, by the server
//! that the message is in, adds each line to a `Draft`; `document.rs` turns the draft into the document.

mod beyond;
mod bound;
mod company;
mod document;
mod draft;
mod fate;
mod named;
mod outgoing;
mod parts;
mod postfix;
mod recipient;
mod repeat;
mod sendmail;
mod single;
mod status;
mod thin;

pub use single::single;

use super::{
    id::{self, IdForm},
    key::{Key, Rules, service_type},
    life::{self, Life, Told},
    lone,
};
use crate::{
    model::{Event, Line, LineId, Parsed, Transaction},
    stitch::Reading,
};
use draft::Draft;
use hashbrown::HashMap;
use std::collections::HashSet;
use thin::Thinned;

/// The documents of all lives under a key. `lines` is a set: without copies, in any order.
pub fn fold(key: &Key, lines: &[&Line], rules: &Rules) -> Vec<Transaction> {
    let read = Read::new(key, lines.iter().copied());
    fold_told(key, read.told(key, rules).collect(), rules)
}

/// Like [`fold`], for lines that are parsed already.
pub fn fold_readings<'a>(
    key: &Key,
    readings: impl ExactSizeIterator<Item = &'a Reading<'a>>,
    rules: &Rules,
) -> Vec<Transaction> {
    let mut told: Vec<Told<'_>> = Vec::with_capacity(readings.len());
    told.extend(readings.filter_map(|reading| tell(key, reading.line, reading, rules)));
    fold_told(key, told, rules)
}

/// Lines with their parsed texts. Shortened lines share their texts, and each of these is parsed only once.
struct Read<'a> {
    readings: Vec<Reading<'a>>,
    lines: Vec<(&'a Line, usize)>,
}

impl<'a> Read<'a> {
    fn new(key: &Key, lines: impl ExactSizeIterator<Item = &'a Line>) -> Self {
        let mut read = Self { readings: Vec::new(), lines: Vec::with_capacity(lines.len()) };
        let mut known: HashMap<(&str, *const u8), usize> = HashMap::new();
        for line in lines {
            let next = read.readings.len();
            let n = match thin::is_brief(&key.queue_id, &line.text) {
                true => *known.entry((&line.program, line.text.as_ptr())).or_insert(next),
                false => next,
            };
            if n == next {
                read.readings.push(Reading::new(line));
            }
            read.lines.push((line, n));
        }
        read
    }

    fn told(&'a self, key: &Key, rules: &Rules) -> impl Iterator<Item = Told<'a>> {
        self.lines.iter().filter_map(move |(line, n)| tell(key, line, &self.readings[*n], rules))
    }
}

/// Folds the lives under a key, after it shortened the lines beyond the bounds. A key that stands for a line has at
/// most one document.
fn fold_told(key: &Key, told: Vec<Told<'_>>, rules: &Rules) -> Vec<Transaction> {
    if let Some(own) = lone::line_of(key) {
        return company::document(own, &told, rules.session_lead_ms).into_iter().collect();
    }
    let Thinned { shortened, surplus } = thin::shorten(key, &told, &rules.bounds);
    if shortened.is_empty() && surplus.is_empty() {
        return fold_bounded(key, told, rules);
    }
    let ids: HashSet<LineId> = shortened.iter().map(|line| line.id).chain(surplus).collect();
    let read = Read::new(key, shortened.iter());
    let mut bounded: Vec<Told<'_>> = told.into_iter().filter(|t| !ids.contains(&t.line.id)).collect();
    bounded.extend(read.told(key, rules));
    fold_bounded(key, bounded, rules)
}

fn fold_bounded(key: &Key, told: Vec<Told<'_>>, rules: &Rules) -> Vec<Transaction> {
    let joined = sendmail::join_pieces(key, &told);
    let joined: Vec<Reading<'_>> = joined.iter().map(|(line, text)| Reading::of(line, text)).collect();
    let mut told: Vec<Told<'_>> = told;
    told.extend(joined.iter().filter_map(|r| Some(Told { joined: true, ..tell(key, r.line, r, rules)? })));
    let mut lives = life::cut(key, &told, rules);
    let mut out = Vec::with_capacity(lives.len());
    for life in &mut lives {
        thin::leave_out(life, &rules.bounds);
        fold_life(key, life, rules, &mut out);
    }
    out
}

/// A line as evidence for a key; `None` if the line is not recognised. A line that names another key, or none, is a
/// session line shared with this key.
fn tell<'a>(key: &Key, line: &'a Line, reading: &'a Reading<'a>, rules: &Rules) -> Option<Told<'a>> {
    let (names, names_key, event) = match &reading.parsed {
        Parsed::Event { queue_id, event } => (queue_id.is_some(), *queue_id == Some(&*key.queue_id), event),
        _ => (true, true, thin::left_of(&key.queue_id, &line.text)?),
    };
    let own = match lone::line_of(key) {
        Some(own) => line.id == own,
        None => names_key && rules.is_instance(&line.program, &key.instance),
    };
    let of_another = !own && names;
    Some(Told { line, family: reading.family, event, own, of_another, joined: false })
}

/// Whether lines of this message may be lost: the transport reported a loss during its life, or near it if the message
/// is not complete.
fn has_gap(life: &Life<'_>, complete: bool) -> bool {
    let span = life.start()..=life.end();
    life.told.iter().any(|t| matches!(t.event, Event::Gap { .. }) && (!complete || span.contains(&t.line.time)))
}

/// Folds one life and appends its document, or the parts of it, to `out`.
fn fold_life(key: &Key, life: &Life<'_>, rules: &Rules, out: &mut Vec<Transaction>) {
    let mut draft = Draft::new(&key.queue_id, life);
    let form = life.id_form(&key.queue_id);
    let by_sendmail = life.told.iter().filter(|t| t.own).find_map(|t| service_type(t.family)) == Some("sendmail");
    let of_sendmail = by_sendmail || matches!(form, IdForm::Sendmail(_));
    let again = repeat::said_again(life);
    for told in life.told.iter().filter(|told| !again.contains(&told.line.id)) {
        if let Some(kind) = thin::kind_of(&key.queue_id, &told.line.text) {
            draft.leave_out(kind);
        }
        match of_sendmail {
            true => sendmail::read(&mut draft, told),
            false => postfix::read(&mut draft, told),
        }
    }
    // Policy lines of the session come last: they fill only what the message's own lines leave open.
    for told in life.told.iter().filter(|told| !told.own) {
        if let Event::Policy(policy) = told.event {
            draft.envelope(policy);
        }
    }
    draft.service_type = if of_sendmail { "sendmail" } else { "postfix" };
    status::settle(&mut draft);
    draft.gap = has_gap(life, draft.complete);
    let id_time = match form {
        IdForm::Short | IdForm::Line => life.start(),
        IdForm::Long(t) | IdForm::Sendmail(t) => t,
    };
    let (whole, owners) = document::document(key, life, draft, &rules.bounds);
    let split = parts::Split { key, life, owners, bounds: &rules.bounds };
    let first = out.len();
    split.into(whole, |part| id::message_id(key, id_time, part), out);
    out[first..].iter_mut().for_each(bound::bound);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::transaction::Omitted,
        stitch::{
            Bounds,
            bounds::Ends,
            testing::{at, document, documents_by, lines},
        },
    };

    const LOG: &str = "1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
        1 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
        2 mx1 postfix/cleanup[12]: 4F1A2B3C4D: message-id=<1@example.org>
        3 mx1 postfix/qmgr[9]: 4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=2 (queue active)
        4 mx1 postfix/smtp[13]: 4F1A2B3C4D: to=<b@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=3, delays=1/1/0/1, dsn=4.0.0, status=deferred (busy)
        9 mx1 postfix/smtp[14]: 4F1A2B3C4D: to=<b@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=8, delays=6/1/0/1, dsn=2.0.0, status=sent (ok)
        9 mx1 postfix/smtp[14]: 4F1A2B3C4D: to=<c@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=8, delays=6/1/0/1, dsn=2.0.0, status=sent (ok)
        9 mx1 postfix/qmgr[9]: 4F1A2B3C4D: removed";

    #[test]
    fn a_document_has_what_its_lines_say() {
        let t = document(LOG);
        assert_eq!(
            (t.source.ip.as_deref(), t.email.from.address.as_deref()),
            (Some("192.0.2.7"), Some("a@example.org"))
        );
        assert_eq!((t.mail.size, t.mail.nrcpt, t.mail.attempts, t.mail.complete), (Some(900), Some(2), 3, true));
        assert_eq!((t.event.end.0 - t.event.start.0, t.event.duration), (8000, 8_000_000_000));
        let b = &t.mail.recipients[0];
        assert_eq!((&*b.address, b.attempts, b.delay_s, b.is_final), ("b@example.net", 2, Some(8.0), true));
        assert_eq!(
            (b.first_attempt.unwrap().0, b.last_attempt.unwrap().0 - b.first_attempt.unwrap().0),
            (t.event.start.0 + 3000, 5000)
        );
    }

    /// Law L1 in one example; tests/laws.rs tests it for any input.
    #[test]
    fn the_order_of_lines_changes_nothing() {
        let key = Key { host: "mx1".into(), instance: "".into(), queue_id: "4F1A2B3C4D".into() };
        let all = lines(LOG);
        let mut set: Vec<&Line> = all.iter().collect();
        let once = fold(&key, &set, &Rules::default());
        set.reverse();
        assert_eq!(fold(&key, &set, &Rules::default()), once);
        set.rotate_left(3);
        assert_eq!(fold(&key, &set, &Rules::default()), once);
    }

    /// A notice of lost lines counts during the life of a message, and shortly after it only if the message is not
    /// complete.
    #[test]
    fn a_gap_is_told_where_something_is_missing() {
        let notice = "rsyslogd: imuxsock[pid 1]: begin to drop messages due to rate-limiting";
        assert!(!document(LOG).mail.gap);
        assert!(document(&format!("{LOG}\n5 mx1 {notice}")).mail.gap, "during its life");
        let open = LOG.rsplit_once('\n').unwrap().0;
        assert!(!document(open).mail.gap);
        assert!(document(&format!("{open}\n30 mx1 {notice}")).mail.gap, "soon after, and no end is known");
        assert!(!document(&format!("{LOG}\n30 mx1 {notice}")).mail.gap, "it was complete by then");
        assert!(!document(&format!("{open}\n900 mx1 {notice}")).mail.gap, "long after");
    }

    /// A server that is down for a day is tried every few minutes.
    #[test]
    fn of_many_attempts_those_in_the_middle_are_shortened_and_counted() {
        let mut text = "1 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]\n".to_owned();
        for second in 2..12 {
            text += &format!(
                "{second} mx1 postfix/smtp[13]: 4F1A2B3C4D: to=<b@example.net>, relay=none, delay={second}, dsn=4.4.1, status=deferred (timed out)\n"
            );
        }
        let two = Ends { most: 2, least: 2, in_all: 2, bytes: usize::MAX };
        let bounds = Bounds { attempts: two, ..Bounds::default() };
        let all = documents_by(&text, &Rules { bounds, ..Rules::default() });
        assert_eq!(all.len(), 1);
        let mail = &all[0].mail;
        let seconds: Vec<i64> = mail.lines.iter().map(|line| (line.time.0 - at(0).0) / 1000).collect();
        assert_eq!(seconds, [1, 2, 3, 10, 11]);
        assert_eq!(mail.brief.iter().map(|brief| brief.stamps.len()).collect::<Vec<_>>(), [6]);
        assert_eq!((mail.omitted.lines, mail.omitted.attempts), (6, 6));
        let b = &mail.recipients[0];
        assert_eq!((mail.attempts, b.attempts, b.history.len()), (10, 10, 4));
        // Within the bounds nothing is shortened.
        let whole = &document(&text).mail;
        assert_eq!((whole.lines.len(), whole.brief.len(), whole.omitted), (11, 0, Omitted::default()));
        assert_eq!(whole.recipients[0].history.len(), 10);
    }

    #[test]
    fn one_id_in_two_instances_of_a_host_is_two_mails() {
        let text = "1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]
            1 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
            1 mx1 postfix-out/smtpd[12]: 4F1A2B3C4D: client=d.example.org[192.0.2.8]
            2 mx1 postfix/qmgr[9]: 4F1A2B3C4D: from=<a@example.org>, size=900, nrcpt=1 (queue active)
            2 mx1 postfix-out/qmgr[8]: 4F1A2B3C4D: from=<d@example.org>, size=800, nrcpt=1 (queue active)";
        let rules = Rules { instances: vec!["postfix-out".into()], ..Rules::default() };
        let all = documents_by(text, &rules);
        let found: Vec<_> = all.iter().map(|t| (&*t.service.name, t.mail.size, t.mail.lines.len())).collect();
        assert_eq!(found, [("postfix", Some(900), 3), ("postfix-out", Some(800), 2)]);
    }

    /// Before 8.12, sendmail made ids like `AAA12345`. Of a mail with a current id, a milter's line may be all that is
    /// known.
    #[test]
    fn a_mail_is_sendmails_by_its_program_or_by_its_id() {
        for (text, expected) in [
            ("1 mx1 postfix/qmgr[1]: 4F1A2B3C4D: removed", "postfix"),
            ("1 mx1 sm-mta[1]: AAA12345: from=<a@example.org>, size=9, nrcpts=1", "sendmail"),
            ("1 mx1 sm-mta[1]: 6AMKK5jq012345: from=<a@example.org>, size=9, nrcpts=1", "sendmail"),
            ("1 mx1 opendkim[1]: 6AMKK5jq012345: no signature data", "sendmail"),
            ("1 mx1 opendkim[1]: 4F1A2B3C4D: no signature data", "postfix"),
        ] {
            assert_eq!(document(text).service.kind, expected, "{text}");
        }
    }

    #[test]
    fn a_record_that_sendmail_split_is_one_attempt_of_each_recipient() {
        let t = document(
            "1 mx1 sm-mta[1]: 6AMKK5jq012345: from=<a@example.org>, size=9, nrcpts=2, relay=c.example.org [192.0.2.7]
             2 mx1 sm-mta[2]: 6AMKK5jq012345[1]: to=<b@example.net>, ...
             2 mx1 sm-mta[2]: 6AMKK5jq012345[2]: <c@example.net>, delay=00:00:01, mailer=esmtp, relay=mx.example.net. [192.0.2.25], dsn=2.0.0, stat=Sent (ok)",
        );
        let found: Vec<_> = t.mail.recipients.iter().map(|r| (&*r.address, r.attempts)).collect();
        assert_eq!(found, [("b@example.net", 1), ("c@example.net", 1)]);
        assert_eq!(t.mail.lines.len(), 3);
    }

    /// A lost piece may have named a recipient that is still waiting, so a split record does not show that the message
    /// is over.
    #[test]
    fn a_record_in_pieces_is_no_end_for_a_notice_of_lost_lines() {
        let from = "1 mx1 sm-mta[1]: 6AMKK5jq012345: from=<a@example.org>, size=9, nrcpts=1";
        let (to, rest) = ("to=<b@example.net>,", "delay=00:00:01, mailer=esmtp, dsn=2.0.0, stat=Sent (ok)");
        let notice = "30 mx1 rsyslogd: imuxsock[pid 1]: begin to drop messages due to rate-limiting";
        let whole = format!("{from}\n2 mx1 sm-mta[2]: 6AMKK5jq012345: {to} {rest}\n{notice}");
        let pieces = format!(
            "{from}\n2 mx1 sm-mta[2]: 6AMKK5jq012345[1]: {to} ...\n2 mx1 sm-mta[2]: 6AMKK5jq012345[2]: {rest}\n{notice}"
        );
        let has_notice = |text: &str| document(text).mail.lines.iter().any(|line| line.text.contains("imuxsock"));
        assert!(!has_notice(&whole));
        assert!(has_notice(&pieces));
    }
}
