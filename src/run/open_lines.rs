//! Which of the open lines of a log are kept for the next run: those of hosts that no longer speak age out.
//!
//! In: the lines that are open after a stretch, and which hosts spoke in it.  Out: what of them the ledger takes. A host that
//! spoke keeps all of its lines, however old its stamps are: it may be the next of many files. One that is silent keeps them
//! for `lookback` behind the newest line of all, and no more than so many lines of all silent hosts are kept, those of who spoke
//! last: names of hosts are what a stranger makes up.

use crate::model::{Line, Time};
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Lines of silent hosts, some megabytes of ledger.
const SILENT_LINES: usize = 20_000;

/// Leaves out the lines of hosts that are gone.
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
