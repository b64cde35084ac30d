//! Splits ids that are reused so often within a stretch that memory could not hold all of their messages at once.
//!
//! In: sets of lines. Out: rounds of sets; in each round a key has at most one set (a turn). A set is cut only where a
//! message begins, so each turn has whole messages; a log may be cut into windows anywhere (law L2), so the result is
//! the same.

use crate::{
    model::{Event, Line, Parsed, event::Operation},
    stitch::{Key, Reading, Rules, gather::Sets, id::IdForm},
};

/// Approximate lines of a short id in one turn: fewer than the lines of any kind that a document keeps whole.
const LINES_OF_TURN: usize = 1_500;

/// A key with some of its lines and those of the sessions around them.
pub(super) type Set<'a> = (&'a Key, Vec<&'a Line>);

/// The sets of a stretch in rounds; nearly always one round.
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

/// The lines of a key in turns, ordered by time. Each turn has the lines of some whole messages, and the session lines
/// within `lead_ms` of them. A message begins at `client=` or pickup, or in a later second than the end of the last
/// one. Unique ids are never cut.
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
        if begins {
            removed = None;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Intake, Time},
        stitch::gather,
    };

    const BEGINNING: i64 = 1_795_377_600_000;
    const LEAD: i64 = 5_000;
    const ID: &str = "4F1A2B3C4D";

    fn line(ms: i64, program: &str, text: &str) -> Line {
        Intake::default().line(Time(BEGINNING + ms), "mx1", program, Some(1), text).unwrap()
    }

    /// Consecutive messages with one id; each line is one second after the last.
    fn messages(id: &str, count: i64, texts: &[&str]) -> Vec<Line> {
        let len = texts.len() as i64;
        let line = |n: i64| line(n * 1000, "postfix/x", &format!("{id}: {}", texts[usize::try_from(n % len).unwrap()]));
        (0..count * len).map(line).collect()
    }

    const WHOLE: [&str; 5] = [
        "client=c.example.org[192.0.2.7]",
        "message-id=<1@example.org>",
        "from=<a@example.org>, size=900, nrcpt=1 (queue active)",
        "to=<b@example.net>, relay=x[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (ok)",
        "removed",
    ];
    const QUEUED: [&str; 3] = [WHOLE[2], WHOLE[3], WHOLE[4]];

    /// The lines of each turn, as times in milliseconds after `BEGINNING`.
    fn turns_of(id: &str, lines: &[Line]) -> Vec<Vec<i64>> {
        let readings: Vec<Reading<'_>> = lines.iter().map(Reading::new).collect();
        let key = Key { host: "mx1".into(), instance: "".into(), queue_id: id.into() };
        let places: Vec<u32> = (0..lines.len() as u32).collect();
        let turns = turns(&key, &places, &readings, LEAD);
        turns.iter().map(|turn| turn.iter().map(|line| line.time.0 - BEGINNING).collect()).collect()
    }

    fn sizes_of(id: &str, lines: &[Line]) -> Vec<usize> {
        turns_of(id, lines).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_turn_is_cut_where_a_message_begins() {
        assert_eq!(sizes_of(ID, &messages(ID, 300, &WHOLE)), [1500]);
        assert_eq!(sizes_of(ID, &messages(ID, 302, &WHOLE)), [1500, 10]);
        assert_eq!(sizes_of(ID, &messages(ID, 601, &WHOLE)), [1500, 1500, 5]);
        assert_eq!(sizes_of(ID, &messages(ID, 502, &QUEUED)), [1500, 6], "one removed, the next begun");
        assert_eq!(sizes_of(ID, &messages(ID, 2000, &WHOLE[3..4])), [2000], "one message");
    }

    #[test]
    fn only_a_client_or_a_user_begins_a_message_in_the_second_of_a_removal() {
        for (next, sizes) in
            [(&WHOLE[..], vec![1500, 5]), (&["uid=0 from=<root>", WHOLE[4]], vec![1500, 2]), (&QUEUED, vec![1503])]
        {
            let mut lines = messages(ID, 500, &QUEUED);
            let at = lines[1499].time.0 - BEGINNING;
            lines.extend(next.iter().map(|text| line(at, "postfix/x", &format!("{ID}: {text}"))));
            assert_eq!(sizes_of(ID, &lines), sizes, "{next:?}");
        }
    }

    #[test]
    fn a_message_that_was_canceled_or_deleted_has_ended() {
        for (program, end) in [("postfix/cleanup", "removed (canceled)"), ("postfix/postsuper", "removed")] {
            let mut lines = messages(ID, 1, &[WHOLE[3]; 1499]);
            lines.push(line(1_499_000, program, &format!("{ID}: {end}")));
            lines.push(line(1_500_000, "postfix/qmgr", &format!("{ID}: {}", WHOLE[2])));
            assert_eq!(sizes_of(ID, &lines), [1500, 1], "{end}");
        }
    }

    #[test]
    fn an_id_that_never_comes_back_has_one_turn() {
        let id = "4dhRlh0sf8z9rvS";
        assert_eq!(sizes_of(id, &messages(id, 302, &WHOLE)), [1510]);
    }

    #[test]
    fn each_turn_has_the_sessions_around_it() {
        let mut lines = messages(ID, 302, &WHOLE);
        let (last, next, end) = (1_499_000, 1_500_000, 1_509_000);
        let shared =
            [-LEAD - 1, -LEAD, last + LEAD, last + LEAD + 1, next - LEAD, next - LEAD - 1, end + LEAD, end + LEAD + 1];
        for ms in shared {
            lines.push(line(ms, "postfix/smtpd", "connect from c.example.org[192.0.2.7]"));
        }
        lines.push(line(9_000_000, "postfix/smtpd", "3F2A41C0E7: client=c.example.org[192.0.2.7]"));
        let turns = turns_of(ID, &lines);
        assert_eq!(turns.len(), 2);
        assert_eq!(turns[0][1500..], [-LEAD, last + LEAD, next - LEAD, next - LEAD - 1]);
        assert_eq!(turns[1][10..], [last + LEAD, last + LEAD + 1, next - LEAD, end + LEAD]);
    }

    #[test]
    fn one_turn_has_every_line() {
        let mut lines = messages(ID, 1, &WHOLE);
        lines.push(line(9_000_000, "postfix/smtpd", "connect from c.example.org[192.0.2.7]"));
        assert_eq!(sizes_of(ID, &lines), [6]);
    }

    #[test]
    fn in_a_round_each_key_has_one_turn() {
        let mut lines = messages(ID, 302, &WHOLE);
        lines.extend(messages("3F2A41C0E7", 1, &WHOLE));
        lines.extend(messages("7C1D2E3F40", 301, &WHOLE));
        let gathered = gather(&lines, |_| false, &Rules::default());
        let rounds = rounds(&gathered.readings, &gathered.sets, &Rules::default());
        let sizes = |round: &Vec<Set<'_>>| round.iter().map(|(_, lines)| lines.len()).collect::<Vec<_>>();
        assert_eq!(rounds.iter().map(sizes).collect::<Vec<_>>(), [vec![1500, 5, 1500], vec![10, 5]]);
    }
}
