//! Key, lines and parts of a stored document.

use crate::{
    model::{
        Line, LineId, Time, Transaction,
        transaction::{Brief, Evidence},
    },
    stitch::{Key, Rules, lone},
};
use std::sync::Arc;

/// The lines of a document, those kept in brief included.
pub fn lines_of(transaction: &Transaction) -> Vec<Line> {
    let host: Arc<str> = transaction.host.name.as_str().into();
    let line = |e: &Evidence| Line {
        id: e.id,
        time: e.time,
        host: Arc::clone(&host),
        program: Arc::clone(&e.program),
        pid: e.pid,
        text: Arc::clone(&e.text),
    };
    let mut lines: Vec<Line> = transaction.mail.lines.iter().map(line).collect();
    for Brief { program, text, stamps } in &transaction.mail.brief {
        let brief = |(id, time): &(LineId, Time)| Line {
            id: *id,
            time: *time,
            host: Arc::clone(&host),
            program: Arc::clone(program),
            pid: None,
            text: Arc::clone(text),
        };
        lines.extend(stamps.iter().map(brief));
    }
    lines
}

/// The key of a document; `None` if it is made of one line alone.
pub fn key_of(transaction: &Transaction, rules: &Rules) -> Option<Key> {
    let queue_id = match transaction.email.local_id.as_deref() {
        Some(queue_id) => queue_id.into(),
        None => lone::name_in(transaction)?,
    };
    Some(Key {
        host: transaction.host.name.as_str().into(),
        instance: rules.instance(&transaction.service.name),
        queue_id,
    })
}

/// The ids of all parts of a large message, from any of them; empty if there is only one part.
pub(super) fn parts_of(transaction: &Transaction) -> Vec<String> {
    let mail = &transaction.mail;
    if mail.parts <= 1 {
        return Vec::new();
    }
    let base = mail.id.strip_suffix(&format!("-{}", mail.part)).filter(|_| mail.part > 0).unwrap_or(&mail.id);
    (0..mail.parts).map(|n| if n == 0 { base.to_owned() } else { format!("{base}-{n}") }).collect()
}
