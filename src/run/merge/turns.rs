//! Ids that come back so often within a stretch that memory would not hold all of their messages: worked on in turns.
//!
//! In: sets of lines.  Out: rounds of them, in each of which a key has one set. A set is cut only where a message begins, as
//! windows may cut a log anywhere (law L2), so that each turn has some of the messages, whole.

use crate::{
    model::{Event, Line, Parsed, event::Operation},
    stitch::{Key, Reading, Rules, gather::Sets, id::IdForm},
};

/// Lines of a short id in one turn, about: fewer than are kept whole of any kind.
const LINES_OF_TURN: usize = 1_500;

/// A key with lines of it, and of its sessions.
pub(super) type Set<'a> = (&'a Key, Vec<&'a Line>);

/// The sets of a stretch in rounds; nearly always in one.
pub(super) fn rounds<'a>(readings: &[Reading<'a>], sets: &'a Sets, rules: &Rules) -> Vec<Vec<Set<'a>>> {
    let mut rounds: Vec<Vec<Set<'a>>> = vec![Vec::new()];
    for (key, places) in sets.iter() {
        let turns = match places.len() > LINES_OF_TURN {
            true => turns(key, places, readings, rules.session_lead_ms),
            false => vec![places.iter().map(|place| readings[*place as usize].line).collect()],
        };
        for (n, turn) in turns.into_iter().enumerate() {
            if rounds.len() <= n {
                rounds.push(Vec::new());
            }
            rounds[n].push((key, turn));
        }
    }
    rounds
}

/// The lines of a key, in order of time, in turns: those of messages, each with what the sessions of the time around say.
fn turns<'a>(key: &Key, places: &[u32], readings: &[Reading<'a>], lead_ms: i64) -> Vec<Vec<&'a Line>> {
    let line = |place: &u32| readings[*place as usize].line;
    if IdForm::of_lines(&key.queue_id, places.iter().map(line)).is_unique() {
        return vec![places.iter().map(line).collect()];
    }
    let event = |place: u32| match &readings[place as usize].parsed {
        Parsed::Event { queue_id: Some(id), event } if **id == *key.queue_id => Some(event),
        _ => None,
    };
    let (mut own, shared): (Vec<u32>, Vec<u32>) = places.iter().partition(|place| event(**place).is_some());
    own.sort_by_key(|place| line(place).time);
    let mut turns: Vec<Vec<&Line>> = Vec::new();
    let (mut begun, mut removed) = (0, None);
    for (n, place) in own.iter().enumerate() {
        let second = line(place).time.second();
        let begins = match event(*place) {
            Some(Event::Client { .. } | Event::Pickup { .. }) => true,
            _ => removed.is_some_and(|removed| removed < second),
        };
        if begins && n - begun >= LINES_OF_TURN {
            turns.push(own[begun..n].iter().map(line).collect());
            begun = n;
        }
        if let Some(Event::Removed | Event::Canceled { .. } | Event::Operation(Operation::Delete)) = event(*place) {
            removed = Some(second);
        }
    }
    turns.push(own[begun..].iter().map(line).collect());
    if turns.len() == 1 {
        return vec![places.iter().map(line).collect()];
    }
    for turn in &mut turns {
        let (Some(first), Some(last)) = (turn.first(), turn.last()) else { continue };
        let (from, to) = (first.time.plus(-lead_ms), last.time.plus(lead_ms));
        let near = shared.iter().map(line).filter(|line| from <= line.time && line.time <= to);
        turn.extend(near.collect::<Vec<_>>());
    }
    turns
}
