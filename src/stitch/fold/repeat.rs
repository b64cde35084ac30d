//! Records that a syslog daemon says again: `message repeated 2 times: [ …: to=<b@example.org>, … status=sent (250 ok)]`.
//!
//! In: a life.  Out: the lines that add no attempt, because the line which they repeat is there.

use crate::{
    model::{Event, LineId},
    parse::transport::{self, Repeat},
    stitch::life::{Life, Told},
};
use std::collections::HashSet;

/// A syslog daemon cuts what it repeats here, in characters.
const CUT: usize = 800;

/// Delivery records that only repeat one that is there. rsyslog writes the first as it is, and the repeat in place of the copies
/// that follow; where another daemon or a second relay kept the copies, each would be counted once more.
pub(super) fn said_again(life: &Life<'_>) -> HashSet<LineId> {
    let repeats: Vec<(LineId, &str)> = life.told.iter().filter_map(|told| repeat(told)).collect();
    if repeats.is_empty() {
        return HashSet::new();
    }
    let said: HashSet<&str> = life.told.iter().map(|told| beginning(&told.line.text)).collect();
    repeats.into_iter().filter(|(_, text)| said.contains(beginning(text))).map(|(id, _)| id).collect()
}

fn repeat<'a>(told: &Told<'a>) -> Option<(LineId, &'a str)> {
    let is_attempt = matches!(told.event, Event::Delivery(_) | Event::To(_));
    match transport::repeated(&told.line.text).filter(|_| is_attempt)? {
        Repeat::Text { text, .. } => Some((told.line.id, text)),
        Repeat::Unknown => None,
    }
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(CUT).map_or(text, |(end, _)| &text[..end])
}
