//! Large messages: a document is split into parts, so that none outgrows what an engine takes.
//!
//! A recipient's part is hash(address) mod P, P the smallest power of two with at most 1,000 distinct recipients a part
//! on average, and no more bytes than the bounds say. A part holds its own recipients, their lines, and what was met on
//! the way to them; part 0 also the rest, and the totals of the whole. Of surplus lines that are about no recipient each
//! part holds some.

use super::{
    super::{
        Bounds,
        key::Key,
        life::{Life, Told},
    },
    document::{Owners, bounded, evidence, related, unique},
    thin,
};
use crate::{
    model::{
        LineId, Time, Transaction,
        event::Event,
        transaction::{Brief, Evidence, Recipient, Remark},
    },
    parse,
    stitch::id::hash64,
};
use std::{collections::BTreeMap, mem::take, sync::Arc};

/// Bytes of a line in a document beside its text, and of what is made of it, about.
const BESIDE: usize = 400;

/// What decides how a document is split.
pub(super) struct Split<'a> {
    pub key: &'a Key,
    pub life: &'a Life<'a>,
    pub owners: Owners,
    pub bounds: &'a Bounds,
}

/// What is of one part only.
#[derive(Default)]
struct Share {
    recipients: Vec<Recipient>,
    warnings: Vec<Remark>,
    lines: Vec<Evidence>,
    /// By program and text.
    brief: BTreeMap<[Arc<str>; 2], Vec<(LineId, Time)>>,
}

impl Split<'_> {
    /// The parts of a document, part 0 first. `id` names a part.
    pub fn into(self, mut whole: Transaction, id: impl Fn(u32) -> String, out: &mut Vec<Transaction>) {
        let parts = self.parts(whole.email.to.address.len());
        whole.mail.parts = parts;
        let shares = self.shares(&mut whole, parts);
        if parts > 1 {
            whole.email.to.address.clear();
        }
        // What the others have in common with the first part, but for what only that one tells.
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
                part.email.to.address = unique(share.recipients.iter().map(|r| &r.address));
            }
            share.put_into(&mut part, self.bounds);
            out.push(part);
        }
    }

    /// How many parts there are.
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

    /// What is of each part only, taken out of the document or made of the lines.
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
        // A line that one of the message's lines takes is no context of another.
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

    /// A number that decides the part of a line: the hash of the recipient it is about, else 0. A sendmail line with
    /// several recipients goes with its first.
    fn owner(&self, t: &Told<'_>) -> u64 {
        match t.event {
            Event::Delivery(record) => hash64(&[record.to]),
            Event::To(record) => {
                let first = parse::sendmail::recipients(record.to).next();
                first.map_or(0, |to| hash64(&[&parse::sendmail::unescape(to)]))
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
