//! Large messages: a document is split into parts, so that none outgrows what an engine takes.
//!
//! A recipient's part is hash(address) mod P, P the smallest power of two with at most 1,000 distinct recipients a part
//! on average. A part holds its own recipients and their lines; part 0 also the rest, and the totals of the whole.

use super::document::unique;
use crate::{
    model::{
        Parsed, Transaction,
        event::{Delivery, Event},
        transaction::{Evidence, Recipient},
    },
    parse,
    stitch::id::hash64,
};

/// Distinct recipients of a part, on average, at most.
const RECIPIENTS: usize = 1000;

/// The parts of a document, part 0 first. `id` names a part.
pub(super) fn split(mut whole: Transaction, id: impl Fn(u32) -> String, out: &mut Vec<Transaction>) {
    let distinct = whole.email.to.address.len();
    let parts = distinct.div_ceil(RECIPIENTS).next_power_of_two().max(1) as u32;
    whole.mail.parts = parts;
    if parts == 1 {
        whole.mail.id = id(0);
        return out.push(whole);
    }
    let mut recipients = vec![Vec::new(); parts as usize];
    for recipient in std::mem::take(&mut whole.mail.recipients) {
        recipients[part_of(&recipient.address, parts)].push(recipient);
    }
    let mut lines = vec![Vec::new(); parts as usize];
    for line in std::mem::take(&mut whole.mail.lines) {
        lines[part_of_line(&line, parts)].push(line);
    }
    let template = whole;
    let of_part = |(n, (recipients, lines)): (usize, (Vec<_>, Vec<_>))| {
        let mut part = template.clone();
        part.email.to.address = unique(recipients.iter().map(|r: &Recipient| &r.address));
        part.mail.part = n as u32;
        part.mail.id = id(n as u32);
        if n > 0 {
            part.mail.links.clear();
            part.mail.rejects.clear();
            part.mail.warnings.clear();
            part.mail.filters.clear();
        }
        part.mail.recipients = recipients;
        part.mail.lines = lines;
        part
    };
    out.extend(recipients.into_iter().zip(lines).enumerate().map(of_part));
}

/// The part of an address.
fn part_of(address: &str, parts: u32) -> usize {
    (hash64(&[address]) % u64::from(parts)) as usize
}

/// The part of a line: that of the recipient of a delivery record, else part 0. A sendmail line with several
/// recipients goes with its first.
fn part_of_line(line: &Evidence, parts: u32) -> usize {
    match parse::parse_text(&line.program, &line.text) {
        Parsed::Event { event: Event::Delivery(Delivery { to, .. }), .. } => part_of(to, parts),
        Parsed::Event { event: Event::To(to), .. } => {
            parse::sendmail::recipients(to.to).next().map_or(0, |to| part_of(&parse::sendmail::unescape(to), parts))
        }
        _ => 0,
    }
}
