//! Splits the document of a large message into parts, so that none exceeds what a search engine accepts.
//!
//! A recipient belongs to part hash(address) mod P. P is the smallest power of two that keeps both the distinct
//! recipients (1,000 by default) and the bytes of a part within the bounds, on average. A part holds its recipients,
//! their lines, and the session lines and warnings about them. Part 0 also holds the rest: links, refusals, filter
//! verdicts, context, and lines about no recipient. Shortened lines about no recipient are spread over all parts.

use super::{
    super::{
        Bounds,
        key::Key,
        life::{Life, Told},
    },
    document::{Owners, bounded, envelope, evidence, related},
    postfix::shown,
    thin,
};
use crate::{
    model::{
        LineId, Time, Transaction,
        event::Event,
        logged::unescape,
        transaction::{Brief, Evidence, Recipient, Remark},
    },
    parse,
    stitch::id::hash64,
};
use std::{collections::BTreeMap, mem::take, sync::Arc};

/// Bytes that a line adds to a document besides its text and what is made of it, approximately.
const BESIDE: usize = 400;

/// The facts that decide how a document is split.
pub(super) struct Split<'a> {
    pub key: &'a Key,
    pub life: &'a Life<'a>,
    pub owners: Owners,
    pub bounds: &'a Bounds,
}

/// The contents of one part that no other part has.
#[derive(Default)]
struct Share {
    recipients: Vec<Recipient>,
    warnings: Vec<Remark>,
    lines: Vec<Evidence>,
    /// Ids and times of shortened lines, by program and text.
    brief: BTreeMap<[Arc<str>; 2], Vec<(LineId, Time)>>,
}

impl Split<'_> {
    /// Appends the parts of a document to `out`, part 0 first. `id` gives the document id of a part.
    pub fn into(self, mut whole: Transaction, id: impl Fn(u32) -> String, out: &mut Vec<Transaction>) {
        let parts = self.parts(whole.email.to.address.len());
        whole.mail.parts = parts;
        let shares = self.shares(&mut whole, parts);
        if parts > 1 {
            whole.email.to.address.clear();
        }
        // The template of the further parts: the document without what only part 0 holds.
        let further = (parts > 1).then(|| {
            let lists = (take(&mut whole.mail.links), take(&mut whole.mail.rejects), take(&mut whole.mail.filters));
            let omitted = take(&mut whole.mail.omitted);
            let further = whole.clone();
            (whole.mail.links, whole.mail.rejects, whole.mail.filters) = lists;
            whole.mail.omitted = omitted;
            further
        });
        let mut first = Some(whole);
        for (n, share) in (0u32..).zip(shares) {
            let Some(mut part) = first.take().or_else(|| further.clone()) else { break };
            part.mail.part = n;
            part.mail.id = id(n);
            if parts > 1 {
                part.email.to.address = envelope(&share.recipients, part.mail.kind);
            }
            share.put_into(&mut part, self.bounds);
            out.push(part);
        }
    }

    /// The number of parts for a number of distinct recipients.
    fn parts(&self, recipients: usize) -> u32 {
        let spread = |t: &&&Told<'_>| !t.own || is_attempt(t) || thin::is_brief(&self.key.queue_id, &t.line.text);
        let bytes = |t: &&Told<'_>| match thin::is_brief(&self.key.queue_id, &t.line.text) {
            true => 32,
            false => 2 * t.line.text.len() + BESIDE,
        };
        let bytes: usize = self.life.told.iter().filter(spread).map(bytes).sum();
        let by_recipients = recipients.div_ceil(self.bounds.part_recipients);
        let parts = by_recipients.max(bytes.div_ceil(self.bounds.part_bytes)).next_power_of_two();
        u32::try_from(parts).unwrap_or(1 << 31).max(1)
    }

    /// The contents of each part: recipients and warnings are taken out of the document, evidence is made of the lines.
    fn shares(&self, whole: &mut Transaction, parts: u32) -> Vec<Share> {
        let mut shares: Vec<Share> = Vec::new();
        shares.resize_with(parts as usize, Share::default);
        let part = |hash: u64| (hash % u64::from(parts)) as usize;
        for recipient in take(&mut whole.mail.recipients) {
            shares[part(hash64(&[&recipient.address]))].recipients.push(recipient);
        }
        for (n, warning) in take(&mut whole.mail.warnings).into_iter().enumerate() {
            let owner = self.owners.warnings.get(&n).copied();
            shares[owner.map_or(0, part)].warnings.push(warning);
        }
        let told = self.life.told.iter().filter(|t| !t.joined).map(|t| (false, *t));
        let mut told: Vec<(bool, &Told<'_>)> = told.chain(self.life.context.iter().map(|t| (true, *t))).collect();
        // A line that belongs to the message is not context as well: of the two the first is kept.
        told.sort_unstable_by_key(|(context, t)| (t.line.time, t.line.id, *context));
        told.dedup_by_key(|(_, t)| t.line.id);
        for (context, t) in told {
            let share = &mut shares[if parts == 1 || context { 0 } else { part(self.owner(t)) }];
            if t.own && thin::is_brief(&self.key.queue_id, &t.line.text) {
                let alike = [Arc::clone(&t.line.program), Arc::clone(&t.line.text)];
                share.brief.entry(alike).or_default().push((t.line.id, t.line.time));
            } else {
                share.lines.push(Evidence { context, ..evidence(t.line) });
            }
        }
        shares
    }

    /// The number that decides the part of a line: the hash of the recipient that it is about; a number of its own for
    /// a shortened line about none; else 0. A sendmail record with several recipients goes with the first.
    fn owner(&self, t: &Told<'_>) -> u64 {
        match t.event {
            Event::Delivery(record) => hash64(&[shown(record.to)]),
            Event::To(record) => {
                let first = parse::sendmail::recipients(record.to).next();
                first.map_or(0, |to| hash64(&[&unescape(to)]))
            }
            Event::Brief { .. } => t.line.id.0 as u64,
            _ => self.owners.lines.get(&t.line.id).copied().unwrap_or(0),
        }
    }
}

fn is_attempt(t: &Told<'_>) -> bool {
    matches!(t.event, Event::Delivery(_) | Event::To(_))
}

impl Share {
    fn put_into(self, part: &mut Transaction, bounds: &Bounds) {
        let mail = &mut part.mail;
        mail.recipients = self.recipients;
        mail.warnings = self.warnings;
        mail.omitted.warnings += bounded(&mut mail.warnings, bounds.listed);
        mail.lines = self.lines;
        let brief = self.brief.into_iter().map(|([program, text], stamps)| Brief { program, text, stamps });
        mail.brief = brief.collect();
        mail.omitted.lines = mail.brief.iter().map(|brief| brief.stamps.len() as u64).sum();
        mail.omitted.attempts = mail.recipients.iter().map(|r| r.attempts - r.history.len() as u64).sum();
        part.related = related(part);
        let lists = [&mut part.related.ip, &mut part.related.hosts, &mut part.related.user];
        part.mail.omitted.related = lists.map(|list| bounded(list, bounds.listed)).iter().sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::transaction::{Mail, Rel},
        stitch::{
            Rules, fold,
            testing::{document, documents_by, lines},
        },
    };
    use std::collections::BTreeSet;

    const ARRIVAL: &str = "1 mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]\n";
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    fn address(name: &str) -> String {
        format!("{name}@example.net")
    }

    /// The delivery record of a recipient.
    fn delivery(name: &str) -> String {
        let to = address(name);
        format!(
            "9 mx1 postfix/smtp[13]: 4F1A2B3C4D: to=<{to}>, relay=mx.example.net[192.0.2.25]:25, delay=8, delays=6/1/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 5F1A2B3C4D)\n"
        )
    }

    /// A mail to all `NAMES`.
    fn mail() -> String {
        ARRIVAL.to_owned() + &NAMES.map(delivery).concat()
    }

    /// The documents of the first mail of a text, with `part_recipients` as the bound.
    #[track_caller]
    fn parts_of(text: &str, part_recipients: usize) -> Vec<Transaction> {
        let bounds = Bounds { part_recipients, ..Bounds::default() };
        let mut all = documents_by(text, &Rules { bounds, ..Rules::default() });
        let first = all[0].email.local_id.clone();
        all.retain(|t| t.email.local_id == first);
        for (n, part) in (0..).zip(&all) {
            assert_eq!((part.mail.part, part.mail.parts as usize), (n, all.len()));
            let suffix = if n == 0 { String::new() } else { format!("-{n}") };
            assert_eq!(part.mail.id, format!("{}{suffix}", all[0].mail.id));
        }
        all
    }

    fn addresses(mail: &Mail) -> Vec<&str> {
        mail.recipients.iter().map(|r| &*r.address).collect()
    }

    #[test]
    fn each_recipient_is_in_one_part_with_its_lines() {
        let all = parts_of(&mail(), 2);
        assert_eq!(all.len(), 4);
        let filled = all.iter().filter(|part| !part.mail.recipients.is_empty()).count();
        assert!(filled > 1, "they are spread");
        let mut found: Vec<&str> = all.iter().flat_map(|part| addresses(&part.mail)).collect();
        found.sort();
        assert_eq!(found, NAMES.map(address));
        for part in &all {
            let to = addresses(&part.mail);
            assert_eq!(part.email.to.address, to);
            for name in NAMES {
                let address = address(name);
                let has_line = part.mail.lines.iter().any(|line| line.text.contains(&format!("to=<{address}>")));
                assert_eq!(has_line, to.contains(&&*address), "{address} {}", part.mail.part);
            }
            let lines = to.len() + usize::from(part.mail.part == 0);
            assert_eq!(part.mail.lines.len(), lines, "what is about no recipient is in part 0");
            let links: Vec<Rel> = part.mail.links.iter().map(|link| link.rel).collect();
            assert_eq!(links, if part.mail.part == 0 { vec![Rel::Next] } else { vec![] });
            assert_eq!((part.mail.attempts, part.source.ip.as_deref()), (8, Some("192.0.2.7")), "common to all");
        }
    }

    /// postfix writes the null address as nothing, and documents as `<>`.
    #[test]
    fn the_line_of_the_null_address_is_in_the_part_of_its_recipient() {
        let text = mail() + &delivery("a").replace("a@example.net", "").replace("dsn=2.0.0", "dsn=2.0.1");
        for part in parts_of(&text, 1) {
            let has_recipient = addresses(&part.mail).contains(&"<>");
            let has_line = part.mail.lines.iter().any(|line| line.text.contains("to=<>"));
            assert_eq!(has_line, has_recipient, "{}", part.mail.part);
        }
    }

    /// The smallest power of two with, on average, no more recipients in a part than the bounds say.
    #[test]
    fn there_are_as_many_parts_as_the_recipients_need() {
        for (most, expected) in [(1, 8), (2, 4), (3, 4), (4, 2), (7, 2), (8, 1), (9, 1)] {
            assert_eq!(parts_of(&mail(), most).len(), expected, "{most}");
        }
        let split = |recipients| {
            let key = Key { host: "mx1".into(), instance: "".into(), queue_id: "4F1A2B3C4D".into() };
            let owners = Owners { lines: Default::default(), warnings: Default::default() };
            let bounds = Bounds { part_recipients: 1, ..Bounds::default() };
            Split { key: &key, life: &Life::default(), owners, bounds: &bounds }.parts(recipients)
        };
        assert_eq!((split(0), split(1), split(1 << 31)), (1, 1, 1 << 31));
        assert_eq!(split(1 << 40), 1 << 31, "the largest power of two that is counted");
    }

    #[test]
    fn whom_a_mail_was_refused_for_has_none_of_it() {
        let text = format!(
            "{ARRIVAL}2 mx1 postfix/smtpd[11]: 4F1A2B3C4D: reject: RCPT from c.example.org[192.0.2.7]: 550 5.1.1 <x@example.net>: Recipient address rejected: User unknown; from=<a@example.org> to=<x@example.net> proto=ESMTP helo=<c>\n{}",
            delivery("b")
        );
        let t = document(&text);
        assert_eq!(addresses(&t.mail), ["b@example.net", "x@example.net"]);
        assert_eq!(t.email.to.address, ["b@example.net"]);
        for part in parts_of(&(text + &mail()), 2) {
            assert!(!part.email.to.address.iter().any(|to| to == "x@example.net"), "{}", part.mail.part);
        }
    }

    #[test]
    fn a_record_of_sendmail_goes_with_its_first_recipient() {
        let mut text = "1 mx1 sm-mta[1]: 6AMKK5jq012345: from=<a@example.org>, size=9, nrcpts=8\n".to_owned();
        for pair in NAMES.chunks(2) {
            let to: Vec<String> = pair.iter().map(|name| format!("<{}>", address(name))).collect();
            text += &format!(
                "2 mx1 sm-mta[2]: 6AMKK5jq012345: to={}, delay=00:00:01, mailer=esmtp, relay=mx.example.net. [192.0.2.25], dsn=2.0.0, stat=Sent (ok)\n",
                to.join(",")
            );
        }
        for part in parts_of(&text, 2) {
            let to = addresses(&part.mail);
            for pair in NAMES.chunks(2) {
                let first = address(pair[0]);
                let has_line = part.mail.lines.iter().any(|line| line.text.contains(&format!("to=<{first}>")));
                assert_eq!(has_line, to.contains(&&*first), "{first} {}", part.mail.part);
            }
        }
    }

    /// The documents of a mail whose stored document already has shortened lines.
    fn folded(text: &str, bounds: Bounds) -> Vec<Transaction> {
        let key = Key { host: "mx1".into(), instance: "".into(), queue_id: "4F1A2B3C4D".into() };
        let all = lines(text);
        fold(&key, &all.iter().collect::<Vec<_>>(), &Rules { bounds, ..Rules::default() })
    }

    /// The number of parts of a mail, with `part_bytes` as the bound.
    fn parts_by_bytes(text: &str, part_bytes: usize) -> u32 {
        folded(text, Bounds { part_bytes, ..Bounds::default() })[0].mail.parts
    }

    #[test]
    fn parts_have_no_more_bytes_than_the_bounds_say() {
        let length = |raw: &str| raw.trim_end().split_once("]: ").map_or(0, |(_, text)| text.len());
        let connect = "1 mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]\n";
        let brief = "5 mx1 postfix/smtp[13]: 4F1A2B3C4D: … warning\n";
        let warning = "5 mx1 postfix/smtp[13]: warning: 4F1A2B3C4D: queue file size limit exceeded\n";
        let delivery = delivery("b");
        let whole = 2 * length(&delivery) + BESIDE;
        for (further, bytes) in [
            (String::new(), whole),
            // Session lines count, because there may be many.
            (connect.to_owned(), whole + 2 * length(connect) + BESIDE),
            // Shortened lines share their text.
            (brief.to_owned(), whole + 32),
            (brief.to_owned() + &brief.replace('5', "6"), whole + 64),
            // A line that is always in part 0 does not count.
            (warning.to_owned(), whole),
        ] {
            let text = format!("{further}{ARRIVAL}{delivery}");
            assert_eq!(parts_by_bytes(&text, bytes), 1, "{further}");
            assert_eq!(parts_by_bytes(&text, bytes - 1), 2, "{further}");
            assert_eq!(parts_by_bytes(&text, bytes.div_ceil(2)), 2, "{further}");
            assert_eq!(parts_by_bytes(&text, bytes.div_ceil(2) - 1), 4, "{further}");
        }
    }

    /// Shortened lines about no recipient are spread over all parts, instead of all being in part 0.
    #[test]
    fn shortened_lines_are_spread_over_the_parts() {
        let brief: String =
            (20..60).map(|second| format!("{second} mx1 postfix/smtp[13]: 4F1A2B3C4D: … warning\n")).collect();
        let all = folded(&(mail() + &brief), Bounds { part_recipients: 2, ..Bounds::default() });
        assert_eq!(all.len(), 4);
        let stamps: Vec<u64> =
            all.iter().map(|part| part.mail.brief.iter().map(|b| b.stamps.len() as u64).sum()).collect();
        assert_eq!(stamps.iter().sum::<u64>(), 40);
        assert!(stamps.iter().all(|n| *n > 0), "{stamps:?}");
        assert_eq!(all.iter().map(|part| part.mail.omitted.lines).collect::<Vec<_>>(), stamps);
    }

    #[test]
    fn warnings_beyond_the_bounds_are_counted() {
        let warnings: String = (20..25)
            .map(|second| format!("{second} mx1 postfix/smtp[13]: warning: 4F1A2B3C4D: no route, {second}\n"))
            .collect();
        let bounds = Bounds { listed: 2, ..Bounds::default() };
        let all = documents_by(&(ARRIVAL.to_owned() + &warnings), &Rules { bounds, ..Rules::default() });
        let mail = &all[0].mail;
        assert_eq!((mail.warnings.len(), mail.omitted.warnings), (2, 3));
        assert_eq!(mail.lines.len(), 6, "the lines are all there");
    }

    /// The other mail's record shows that the failed connection was not on the way to a recipient of this mail.
    #[test]
    fn context_is_in_the_first_part() {
        let failed = "5 mx1 postfix/smtp[13]: connect to mx1.example.net[192.0.2.24]:25: Connection refused\n";
        let mut firsts = BTreeSet::new();
        for name in NAMES {
            let to = address(name);
            let other = format!(
                "9 mx1 postfix/smtp[13]: 5F1A2B3C4D: to=<{to}>, relay=none, delay=8, delays=1/1/6/0, dsn=4.4.1, status=deferred (connect to mx1.example.net[192.0.2.24]:25: Connection refused)\n"
            );
            // The process worked on both mails for six seconds.
            let mail = mail().replace("delays=6/1/0/1", "delays=1/1/5/1");
            let all = parts_of(&format!("{mail}{failed}{other}"), 4);
            assert_eq!(all.len(), 2);
            let context = |part: &Transaction| part.mail.lines.iter().filter(|line| line.context).count();
            assert!(context(&all[0]) > 0, "{to}");
            assert_eq!(context(&all[1]), 0, "{to}");
            firsts.insert(addresses(&all[0].mail).contains(&&*to));
        }
        assert_eq!(firsts.len(), 2, "whatever part its recipient would be in");
    }
}
