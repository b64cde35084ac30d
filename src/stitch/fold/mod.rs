//! From the set of lines of one life to its transaction (law L1).
//!
//! In: a life.  Out: one document, or several parts for a large message. Each server has its own reading of its lines
//! (`postfix.rs`, `sendmail.rs`); both fill one `Draft`, and `document.rs` makes the document of it.

mod document;
mod draft;
mod fate;
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
    model::{Event, Line, Parsed, Transaction},
    stitch::Reading,
};
use draft::Draft;

/// The documents of all lives under a key. `lines` is a set: united, in any order.
pub fn fold(key: &Key, lines: &[&Line], rules: &Rules) -> Vec<Transaction> {
    let readings: Vec<Reading<'_>> = lines.iter().map(|line| Reading::new(line)).collect();
    fold_readings(key, readings.iter(), rules)
}

/// The documents of all lives under a key, of lines that were read before; see [`fold`].
pub fn fold_readings<'a>(
    key: &Key,
    readings: impl ExactSizeIterator<Item = &'a Reading<'a>>,
    rules: &Rules,
) -> Vec<Transaction> {
    let mut told: Vec<Told<'_>> = Vec::with_capacity(readings.len());
    told.extend(readings.filter_map(|reading| tell(key, reading, rules)));
    let joined = sendmail::join_pieces(key, &told);
    let joined: Vec<Reading<'_>> = joined.iter().map(|(line, text)| Reading::of(line, text)).collect();
    told.extend(joined.iter().filter_map(|reading| Some(Told { joined: true, ..tell(key, reading, rules)? })));
    let lives = life::cut(key, &told, rules);
    let mut out = Vec::with_capacity(lives.len());
    lives.iter().for_each(|life| fold_thinned(key, life, rules, &mut out));
    out
}

/// The documents of a life, after its surplus attempts were shortened.
fn fold_thinned(key: &Key, life: &Life<'_>, rules: &Rules, out: &mut Vec<Transaction>) {
    let thinned = thin::thin(&key.queue_id, life);
    if thinned.is_empty() {
        return fold_life(key, life, out);
    }
    let readings: Vec<_> = thin::replaced(life, &thinned).into_iter().map(Reading::new).collect();
    let told: Vec<_> = readings.iter().filter_map(|reading| tell(key, reading, rules)).collect();
    let context = life.context.clone();
    fold_life(key, &Life { context, ..Life::of(told.iter().collect()) }, out);
}

/// What a line tells about a key; `None` for what is not understood. A line that names another key, or none, is a
/// session line that was shared with this one.
fn tell<'a>(key: &Key, reading: &'a Reading<'a>, rules: &Rules) -> Option<Told<'a>> {
    let Reading { line, family, parsed: Parsed::Event { queue_id, event } } = reading else { return None };
    let own = *queue_id == Some(&*key.queue_id) && rules.is_instance(&line.program, &key.instance);
    Some(Told { line, family: *family, event, own, of_another: !own && queue_id.is_some(), joined: false })
}

/// Whether lines of this message may be lost: the transport said so during its life, or near it while something is
/// missing.
fn has_gap(life: &Life<'_>, complete: bool) -> bool {
    let span = life.start()..=life.end();
    life.told.iter().any(|t| matches!(t.event, Event::Gap { .. }) && (!complete || span.contains(&t.line.time)))
}

/// The document of one life, or its parts.
fn fold_life(key: &Key, life: &Life<'_>, out: &mut Vec<Transaction>) {
    let mut draft = Draft::new(life);
    let form = life.id_form(&key.queue_id);
    let by_sendmail = life.told.iter().filter(|t| t.own).find_map(|t| service_type(t.family)) == Some("sendmail");
    let of_sendmail = by_sendmail || matches!(form, IdForm::Sendmail(_));
    let again = repeat::said_again(life);
    for told in life.told.iter().filter(|told| !again.contains(&told.line.id)) {
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
    let whole = document::document(key, life, draft);
    parts::split(whole, |part| id::message_id(key, id_time, part), out);
}
