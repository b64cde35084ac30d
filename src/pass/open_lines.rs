//! Decides which open lines are carried on to the next stretch and the next run, within bounds of memory and ledger
//! size.
//!
//! In: the lines that are open after a stretch, and the hosts that logged in it. Out: the lines for the ledger. A host
//! that logged keeps all of its lines, however old their stamps are: it may be the next of many files. A silent host
//! keeps its lines until they are `lookback` older than the newest line of all. The total for silent hosts is limited,
//! and those that logged last come first: a stranger can make up host names.

use crate::model::{Line, Time};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Most lines of silent hosts; some megabytes of ledger.
const SILENT_LINES: usize = 20_000;

/// Most lines kept, and most bytes of their texts: ten minutes at some thousand lines a second leave fewer.
const LINES: usize = 50_000;
const BYTES: usize = 16 << 20;

/// Drops lines beyond these limits. Hosts with few lines keep all of theirs; of the other hosts the newest lines are
/// kept, so that `session_lead` is shorter for them.
pub fn bounded(open: Vec<Line>) -> Vec<Line> {
    bounded_by(open, LINES, BYTES)
}

fn bounded_by(mut open: Vec<Line>, most_lines: usize, most_bytes: usize) -> Vec<Line> {
    let bytes = |lines: &[Line]| lines.iter().map(|line| line.text.len()).sum::<usize>();
    if open.len() <= most_lines && bytes(&open) <= most_bytes {
        return open;
    }
    let before = open.len();
    open.sort_by(|a, b| (&a.host, Reverse(a.time), a.id).cmp(&(&b.host, Reverse(b.time), b.id)));
    // The newest line of each host first, then the second newest of each, and so on, until there is no more room.
    let mut turns: Vec<(usize, usize)> = Vec::with_capacity(open.len());
    for (at, line) in open.iter().enumerate() {
        let turn = at.checked_sub(1).filter(|last| open[*last].host == line.host).map_or(0, |last| turns[last].0 + 1);
        turns.push((turn, at));
    }
    turns.sort_unstable();
    let mut room = most_bytes;
    let fits = |(_, at): &&(usize, usize)| {
        let rest = room.checked_sub(open[*at].text.len());
        room = rest.unwrap_or(0);
        rest.is_some()
    };
    let mut kept: Vec<usize> = turns.iter().take(most_lines).take_while(fits).map(|(_, at)| *at).collect();
    kept.sort_unstable();
    let kept: Vec<Line> = kept.into_iter().map(|at| open[at].clone()).collect();
    tracing::warn!("{} open lines were let go: later ones may lack what their sessions said", before - kept.len());
    kept
}

/// Drops the lines of hosts that have been silent for too long.
pub fn keep(open: Vec<Line>, spoke: &HashSet<Arc<str>>, newest: Time, silence_ms: i64) -> Vec<Line> {
    keep_at_most(open, spoke, newest.plus(-silence_ms), SILENT_LINES)
}

fn keep_at_most(mut open: Vec<Line>, spoke: &HashSet<Arc<str>>, since: Time, most: usize) -> Vec<Line> {
    let mut silent: HashMap<Arc<str>, (Time, usize)> = HashMap::new();
    for line in open.iter().filter(|line| !spoke.contains(&line.host)) {
        let (last, lines) = silent.entry(Arc::clone(&line.host)).or_insert((line.time, 0));
        (*last, *lines) = ((*last).max(line.time), *lines + 1);
    }
    let mut hosts: Vec<_> = silent.into_iter().filter(|(_, (last, _))| *last >= since).collect();
    hosts.sort_unstable_by(|(a, (a_last, _)), (b, (b_last, _))| (Reverse(a_last), a).cmp(&(Reverse(b_last), b)));
    let mut room = most;
    let waiting = hosts.into_iter().map_while(|(host, (_, lines))| {
        room = room.checked_sub(lines)?;
        Some(host)
    });
    let waiting: HashSet<Arc<str>> = waiting.collect();
    open.retain(|line| spoke.contains(&line.host) || waiting.contains(&line.host));
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Intake;

    fn line(second: i64, host: &str) -> Line {
        let line = Intake::default().line(
            Time(second * 1000),
            host,
            "postfix/smtpd",
            Some(1),
            "connect from unknown[192.0.2.1]",
        );
        line.unwrap()
    }

    #[track_caller]
    fn check(open: &[(i64, &str)], spoke: &[&str], since: i64, most: usize, expected: &[&str]) {
        let open = open.iter().map(|(second, host)| line(*second, host)).collect();
        let spoke = spoke.iter().map(|host| Arc::from(*host)).collect();
        let kept = keep_at_most(open, &spoke, Time(since * 1000), most);
        assert_eq!(kept.iter().map(|line| &*line.host).collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn check_bounds(open: &[(i64, &str)], most_lines: usize, most_bytes: usize, expected: &[(i64, &str)]) {
        let open = open.iter().map(|(second, host)| line(*second, host)).collect();
        let kept = bounded_by(open, most_lines, most_bytes);
        let kept: Vec<(i64, &str)> = kept.iter().map(|line| (line.time.second(), &*line.host)).collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn of_too_many_open_lines_those_of_who_has_few_and_the_newest_stay() {
        let open = [(1, "a"), (2, "a"), (3, "a"), (4, "a"), (1, "b")];
        check_bounds(&open, 5, 1000, &open);
        check_bounds(&open, 3, 1000, &[(4, "a"), (3, "a"), (1, "b")]);
        // The text of each line has 31 bytes.
        check_bounds(&open, 5, 80, &[(4, "a"), (1, "b")]);
    }

    #[test]
    fn a_host_that_is_silent_for_too_long_is_gone() {
        check(&[(10, "a"), (20, "b"), (99, "c")], &["c"], 15, 100, &["b", "c"]);
    }

    #[test]
    fn a_host_that_spoke_is_there_however_old_its_stamps_are() {
        check(&[(10, "a"), (99, "c")], &["a"], 100, 100, &["a"]);
    }

    #[test]
    fn of_too_many_silent_hosts_the_last_to_speak_are_waited_for() {
        check(&[(10, "a"), (11, "a"), (12, "b"), (13, "c"), (14, "c")], &[], 0, 3, &["b", "c", "c"]);
        check(&[(10, "a"), (11, "a"), (12, "b"), (13, "c")], &["b"], 0, 1, &["b", "c"]);
    }
}
