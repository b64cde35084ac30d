//! From the set of lines of one life to its transaction (law L1).
//!
//! In: a life.  Out: one document, or several parts for a large message. Each server has its own reading of its lines
//! (`postfix.rs`, `sendmail.rs`); both fill one `Draft`, and `document.rs` makes the document of it.

mod bound;
mod document;
mod draft;
mod fate;
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
};
use crate::{
    model::{Event, Line, LineId, Parsed, Transaction},
    stitch::Reading,
};
use draft::Draft;
use hashbrown::HashMap;
use std::collections::HashSet;

/// The documents of all lives under a key. `lines` is a set: united, in any order.
pub fn fold(key: &Key, lines: &[&Line], rules: &Rules) -> Vec<Transaction> {
    let read = Read::new(key, lines.iter().copied());
    fold_told(key, read.told(key, rules).collect(), rules)
}

/// The documents of all lives under a key, of lines that were read before; see [`fold`].
pub fn fold_readings<'a>(
    key: &Key,
    readings: impl ExactSizeIterator<Item = &'a Reading<'a>>,
    rules: &Rules,
) -> Vec<Transaction> {
    let mut told: Vec<Told<'_>> = Vec::with_capacity(readings.len());
    told.extend(readings.filter_map(|reading| tell(key, reading.line, reading, rules)));
    fold_told(key, told, rules)
}

/// Lines with what they tell. Shortened lines share their texts, of which each is read once.
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

/// The documents of all lives under a key, after the surplus of lines was shortened.
fn fold_told(key: &Key, told: Vec<Told<'_>>, rules: &Rules) -> Vec<Transaction> {
    let shortened = thin::shorten(key, &told, &rules.bounds);
    if shortened.is_empty() {
        return fold_bounded(key, told, rules);
    }
    let ids: HashSet<LineId> = shortened.iter().map(|line| line.id).collect();
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

/// What a line tells about a key; `None` for what is not understood. A line that names another key, or none, is a
/// session line that was shared with this one.
fn tell<'a>(key: &Key, line: &'a Line, reading: &'a Reading<'a>, rules: &Rules) -> Option<Told<'a>> {
    let (names, names_key, event) = match &reading.parsed {
        Parsed::Event { queue_id, event } => (queue_id.is_some(), *queue_id == Some(&*key.queue_id), event),
        _ => (true, true, thin::left_of(&key.queue_id, &line.text)?),
    };
    let own = names_key && rules.is_instance(&line.program, &key.instance);
    let of_another = !own && names;
    Some(Told { line, family: reading.family, event, own, of_another, joined: false })
}

/// Whether lines of this message may be lost: the transport said so during its life, or near it while something is
/// missing.
fn has_gap(life: &Life<'_>, complete: bool) -> bool {
    let span = life.start()..=life.end();
    life.told.iter().any(|t| matches!(t.event, Event::Gap { .. }) && (!complete || span.contains(&t.line.time)))
}

/// The document of one life, or its parts.
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
    // A session's other recipients and senders are not this message's, where its own lines know better.
    for told in life.told.iter().filter(|told| !told.own) {
        if let Event::Policy(policy) = told.event {
            draft.envelope(policy);
        }
    }
    draft.service_type = if of_sendmail { "sendmail" } else { "postfix" };
    status::settle(&mut draft);
    draft.gap = has_gap(life, draft.complete);
    let id_time = match form {
        IdForm::Short => life.start(),
        IdForm::Long(t) | IdForm::Sendmail(t) => t,
    };
    let (whole, owners) = document::document(key, life, draft, &rules.bounds);
    let split = parts::Split { key, life, owners, bounds: &rules.bounds };
    let first = out.len();
    split.into(whole, |part| id::message_id(key, id_time, part), out);
    out[first..].iter_mut().for_each(bound::bound);
}
