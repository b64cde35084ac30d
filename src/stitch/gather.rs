//! From lines to sets: which lines belong to which key, and which stand alone.
//!
//! In: the lines of a stretch, and lines before it that they may need (context).  Out: a set of lines for each key, the lines
//! that are a document of their own, the lines that later ones may need, and a tally that accounts for every line (law L4).
//!
//! Invariants, each with a line:
//!
//! - A line with a queue id belongs to one key: its host, its instance and the id.
//!   `mx1 postfix/smtpd[11]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]` is not of the 4F1A2B3C4D that mx2 logs.
//! - A session line is in the set of every message that it concerns, and in none as long as no such message is known.
//!   `mx1 postfix/smtpd[11]: connect from c.example.org[192.0.2.7]` is in the sets of all messages of that session.
//! - A new line that is a document of its own is in [`Gathered::single`] or, if it needs other lines, in a set of its own.
//!   `NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 554 …` is in the former, `proxy-reject: END-OF-MESSAGE: 550 …` in
//!   the latter (see `lone`).
//! - A context line was stitched with an earlier stretch. It is not counted, and its message has no set unless a new line
//!   concerns it: if `connect from c.example.org[192.0.2.7]` comes late, the `client=` line of 4F1A2B3C4D is context, and
//!   both are the set of 4F1A2B3C4D.
//! - A set is not the whole message, only what these lines add to it: the caller unites it with the lines in the store.
//!   `4F1A2B3C4D: removed` may be all that a stretch has of a message.
//! - Everything that later lines may need is in [`Gathered::open`]: `connect from c.example.org[192.0.2.7]`, for instance, until
//!   the `disconnect`, but no longer than `session_lead`.

use super::{
    Reading,
    fold::{fold_readings, single},
    gap::Gaps,
    key::{Key, Rules},
    lone,
    near::{self, NearLine},
    process::Processes,
    session::{self, Pair, Role, SessionLine},
    tally::Tally,
};
use crate::model::{Event, Line, LineId, Parsed, Time, Transaction, event::Action};
use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};
use std::{hash::BuildHasher, sync::Arc};

/// The lines of a stretch, sorted into sets. Numbers are places in the lines given to [`gather`].
#[derive(Debug, Default)]
pub struct Gathered<'a> {
    /// All lines, parsed.
    pub readings: Vec<Reading<'a>>,
    /// For each key its own lines, and the lines without a queue id or of other keys that it needs.
    pub sets: Sets,
    /// Lines that are documents of their own and need no others: refused attempts and filters' verdicts without a queue id.
    pub single: Vec<u32>,
    /// Lines that later ones may still need: all events of the unsettled time of their host (its newest second and the two
    /// before it), and what was open when that time began, up to `session_lead` before it. Sorted, unique.
    pub open: Vec<u32>,
    pub tally: Tally,
}

impl Gathered<'_> {
    /// The documents that these lines make without a store: those of the sets, then those of single lines.
    pub fn documents(&self, rules: &Rules) -> impl Iterator<Item = Transaction> {
        let reading = |place: &u32| &self.readings[*place as usize];
        let of_sets = self.sets.iter().flat_map(move |(key, set)| fold_readings(key, set.iter().map(reading), rules));
        of_sets.chain(self.single.iter().filter_map(move |place| single(reading(place))))
    }
}

/// Keys in the order of their first lines, each with the places of its lines.
#[derive(Debug, Default)]
pub struct Sets {
    keys: Vec<Key>,
    /// All places, key after key; the places of a key are sorted and unique.
    places: Vec<u32>,
    /// For each key, the end of its part of `places`.
    ends: Vec<usize>,
}

impl Sets {
    /// Each key with the places of its lines.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &[u32])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let sets = starts.zip(&self.ends).map(|(start, end)| &self.places[start..*end]);
        self.keys.iter().zip(sets)
    }

    /// The sets of `keys`; each pair is a key's number and the place of a line. Pairs of a key that is `None` are left out.
    fn new(keys: Vec<Option<Key>>, pairs: &[(u32, u32)]) -> Self {
        // A counting sort, since the lines of a key lie far apart in a busy log.
        let mut next = vec![0; keys.len() + 1];
        for (key, _) in pairs {
            next[*key as usize + 1] += 1;
        }
        for n in 1..next.len() {
            next[n] += next[n - 1];
        }
        let mut sorted = vec![0; pairs.len()];
        for (key, place) in pairs {
            let at = &mut next[*key as usize];
            sorted[*at] = *place;
            *at += 1;
        }
        let mut out = Self::default();
        let mut start = 0;
        for (key, end) in keys.into_iter().zip(next) {
            let set = &mut sorted[start..end];
            start = end;
            let Some(key) = key else { continue };
            if !set.is_sorted() {
                set.sort_unstable();
            }
            for (n, place) in set.iter().enumerate() {
                if n == 0 || set[n - 1] != *place {
                    out.places.push(*place);
                }
            }
            out.keys.push(key);
            out.ends.push(out.places.len());
        }
        out
    }
}

/// Sorts by second and removes copies. The line that stays gets the better stamp (see [`Line::better_time`]). Returns the
/// number of copies removed.
pub fn unite(lines: &mut Vec<Line>) -> u64 {
    let before = lines.len();
    if !lines.is_sorted_by_key(|line| line.time.second()) {
        lines.sort_by_key(|line| line.time.second());
    }
    // Copies have the same second, so only lines of one second are compared. The id is a hash already.
    let hash = |id: LineId| id.0 as u64;
    let mut seen: HashTable<(LineId, usize)> = HashTable::new();
    let (mut kept, mut second) = (0, None);
    for n in 0..before {
        let (id, time) = (lines[n].id, lines[n].time);
        if second != Some(time.second()) {
            second = Some(time.second());
            seen.clear();
        }
        match seen.entry(hash(id), |(known, _)| *known == id, |(known, _)| hash(*known)) {
            Entry::Occupied(copy) => {
                let (_, first) = copy.get();
                lines[*first].time = Line::better_time(lines[*first].time, time);
            }
            Entry::Vacant(place) => {
                place.insert((id, kept));
                lines.swap(kept, n);
                kept += 1;
            }
        }
    }
    lines.truncate(kept);
    (before - kept) as u64
}

/// Sorts a stretch into sets. `lines` must be united. Those for which `is_context` holds were stitched with an earlier
/// stretch: they are used for what they tell of other lines, and are not counted.
pub fn gather<'a>(lines: &'a [Line], is_context: impl Fn(usize) -> bool, rules: &Rules) -> Gathered<'a> {
    let mut out = Gathered { readings: Vec::with_capacity(lines.len()), ..Gathered::default() };
    let mut processes = Processes::new(rules);
    let mut keys = Keys::default();
    let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(lines.len());
    let mut told: Vec<SessionLine<'_>> = Vec::with_capacity(lines.len());
    let mut by: Vec<u32> = Vec::with_capacity(lines.len());
    let mut gaps = Gaps::with_capacity(lines.len());
    let mut near: Vec<NearLine<'_>> = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let place = n as u32;
        let number = processes.number(line);
        by.push(number);
        let process = processes.get(number);
        out.readings.push(Reading::by(process.family, line, &line.text));
        let Reading { parsed, .. } = &out.readings[n];
        let context = is_context(n);
        if !context {
            out.tally.line(process.family, line, parsed, is_held(parsed, process.has_sessions));
        }
        let Parsed::Event { queue_id, event } = parsed else { continue };
        let lone = queue_id.is_none() && lone::needs_others(event, process.has_sessions);
        let name = lone.then(|| lone::name(line.id));
        let key = queue_id.or(name.as_deref()).map(|id| keys.number(&line.host, &process.instance, id));
        near.extend(NearLine::new(place, line, queue_id.is_some(), lone, event));
        match key {
            _ if context => {}
            Some(key) => {
                keys.touch(key);
                pairs.push((key, place));
            }
            None if stands_alone(event) => out.single.push(place),
            None => {}
        }
        match key {
            Some(key) if !lone => gaps.own(key, place, event),
            None if matches!(event, Event::Gap { .. }) => gaps.notice(place, line),
            _ => {}
        }
        if process.has_sessions {
            told.extend(SessionLine::new(place, number, line, key, lone, event));
        }
    }
    let unsettled: Vec<Time> = processes.newest_of_host().into_iter().map(unsettled).collect();
    let sessions: Vec<Option<Time>> = unsettled.iter().copied().map(Some).collect();
    let shared = session::share(&told, &sessions, rules.session_lead_ms);
    let of_sessions = shared.pairs.into_iter().map(|Pair { key, own, other, role }| match role {
        Role::Taken => (key, own, other, None),
        Role::Context(by) => (key, own, other, Some(by)),
    });
    let of_gaps = gaps.near(lines, rules.session_lead_ms).into_iter().map(|(key, own, other)| (key, own, other, None));
    let key_of = |own: u32| {
        let name = lone::name(lines[own as usize].id);
        keys.known(&lines[own as usize].host, &processes.get(by[own as usize]).instance, &name)
    };
    let of_near: Vec<_> =
        near::pairs(&near).into_iter().filter_map(|(own, other)| Some((key_of(own)?, own, other, None))).collect();
    for (key, own, other, by) in of_sessions.chain(of_gaps).chain(of_near) {
        if is_context(own as usize) {
            if [Some(other), by].into_iter().flatten().all(|place| is_context(place as usize)) {
                continue;
            }
            // A new line concerns a message that was stitched with an earlier stretch.
            keys.touch(key);
            pairs.push((key, own));
        }
        pairs.push((key, other));
        pairs.extend(by.map(|by| (key, by)));
    }
    out.open = shared.open;
    let unsettled = |place: u32| unsettled[by[place as usize] as usize];
    out.open.extend(gaps.open(lines, unsettled));
    let waiting = near.iter().filter(|n| near::is_open(n, lines[n.place as usize].time, unsettled(n.place)));
    out.open.extend(waiting.map(|n| n.place));
    let is_since = |place: u32, lead_ms: i64| lines[place as usize].time >= unsettled(place).plus(-lead_ms);
    out.open.retain(|place| is_since(*place, rules.session_lead_ms));
    let tells = |place: &u32| matches!(out.readings[*place as usize].parsed, Parsed::Event { .. });
    out.open.extend((0..lines.len() as u32).filter(|place| is_since(*place, 0)).filter(tells));
    out.open.sort_unstable();
    out.open.dedup();
    out.sets = Sets::new(keys.touched(), &pairs);
    out
}

/// The beginning of the unsettled time of a host, in which lines may still come in any order, by the time of its newest line:
/// stamps may be whole seconds, and the threads and sockets of a syslog daemon may mix up lines by a second or two.
fn unsettled(newest: Time) -> Time {
    newest.floor_second().plus(-2000)
}

/// Whether an event without a queue id makes a document of its own. `NOQUEUE: hold` and `NOQUEUE: discard` do not: they belong
/// to the next message of their session.
fn stands_alone(event: &Event<'_>) -> bool {
    match event {
        Event::Policy(policy) => !matches!(policy.action, Action::Hold | Action::Discard),
        event => matches!(event, Event::Filter(_)),
    }
}

/// Whether a document holds the line, or a session that may give it to one.
fn is_held(parsed: &Parsed<'_>, has_sessions: bool) -> bool {
    let Parsed::Event { queue_id, event } = parsed else { return false };
    let of_session = || {
        matches!(
            event,
            Event::Connect { .. }
                | Event::Tls { .. }
                | Event::SaslFailed { .. }
                | Event::SaslLogin { .. }
                | Event::ConnectFailed { .. }
                | Event::Policy(_)
        )
    };
    queue_id.is_some() || stands_alone(event) || matches!(event, Event::Gap { .. }) || has_sessions && of_session()
}

/// Numbers keys in the order of their first lines.
#[derive(Default)]
struct Keys {
    keys: Vec<Key>,
    /// Whether a new line names the key, or concerns its message. A key for which only context lines are known is left alone:
    /// its message was stitched with an earlier stretch.
    touched: Vec<bool>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Keys {
    /// The number of a key; `None` if it has none yet.
    fn known(&self, host: &str, instance: &str, queue_id: &str) -> Option<u32> {
        let same = |n: &u32| {
            let key = &self.keys[*n as usize];
            *key.queue_id == *queue_id && *key.host == *host && *key.instance == *instance
        };
        self.numbers.find(self.hasher.hash_one((queue_id, host, instance)), same).copied()
    }

    fn number(&mut self, host: &Arc<str>, instance: &Arc<str>, queue_id: &str) -> u32 {
        let hash = |host: &str, instance: &str, queue_id: &str| self.hasher.hash_one((queue_id, host, instance));
        let same = |n: &u32| {
            let key = &self.keys[*n as usize];
            *key.queue_id == *queue_id && key.host == *host && key.instance == *instance
        };
        let wanted = hash(host, instance, queue_id);
        if let Some(n) = self.numbers.find(wanted, same) {
            return *n;
        }
        let n = self.keys.len() as u32;
        let rehash = |n: &u32| {
            let key = &self.keys[*n as usize];
            hash(&key.host, &key.instance, &key.queue_id)
        };
        self.numbers.insert_unique(wanted, n, rehash);
        self.keys.push(Key { host: Arc::clone(host), instance: Arc::clone(instance), queue_id: queue_id.into() });
        self.touched.push(false);
        n
    }

    fn touch(&mut self, n: u32) {
        self.touched[n as usize] = true;
    }

    fn touched(self) -> Vec<Option<Key>> {
        self.keys.into_iter().zip(self.touched).map(|(key, touched)| touched.then_some(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::testing::{at, gathered, lines};

    #[test]
    fn copies_go_and_the_finer_time_stays() {
        let mut all = lines(
            "1.25 mx1 postfix/qmgr[9]: 4F1A2B3C4D: removed\n1 mx1 postfix/qmgr[9]: 4F1A2B3C4D: removed\n2 mx1 a[1]: x\n0 mx1 a[1]: x",
        );
        assert_eq!(unite(&mut all), 1);
        let times: Vec<Time> = all.iter().map(|line| line.time).collect();
        assert_eq!(times, [at(0), at(1250), at(2000)]);
    }

    /// Keys with the texts of their lines, and the texts of single lines.
    fn sorted(text: &str) -> (Vec<(String, Vec<String>)>, Vec<String>) {
        let mut lines = lines(text);
        let gathered = gathered(&mut lines, &Rules::default());
        let texts = |places: &[u32]| -> Vec<String> {
            places.iter().map(|n| gathered.readings[*n as usize].line.text.to_string()).collect()
        };
        let sets =
            gathered.sets.iter().map(|(key, set)| (format!("{}@{}", key.queue_id, key.host), texts(set))).collect();
        (sets, texts(&gathered.single))
    }

    #[test]
    fn keys_are_of_a_host_and_sessions_are_shared() {
        let (sets, single) = sorted(
            "1 mx1 postfix/smtpd[1]: connect from c.example.org[192.0.2.7]
             2 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx2 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]
             4 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from c.example.org[192.0.2.7]: 554 5.7.1 no; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
             5 mx1 postfix/smtpd[1]: NOQUEUE: hold: RCPT from c.example.org[192.0.2.7]: x; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>",
        );
        let client = "4F1A2B3C4D: client=c.example.org[192.0.2.7]".to_owned();
        let connect = "connect from c.example.org[192.0.2.7]".to_owned();
        assert_eq!(
            sets,
            [("4F1A2B3C4D@mx1".to_owned(), vec![connect, client.clone()]), ("4F1A2B3C4D@mx2".to_owned(), vec![client])]
        );
        assert_eq!(single.len(), 1);
        assert!(single[0].contains("reject"), "what was held waits for its message: {single:?}");
    }

    /// Context lines tell of other lines, but do not touch their own messages.
    #[test]
    fn context_is_neither_counted_nor_stitched_again() {
        let mut all = lines(
            "1 mx1 postfix/smtpd[1]: connect from c.example.org[192.0.2.7]
             2 mx1 postfix/smtpd[1]: 5F1A2B3C4D: client=c.example.org[192.0.2.7]
             3 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]",
        );
        unite(&mut all);
        let gathered = gather(&all, |n| n < 2, &Rules::default());
        let sets: Vec<(&str, usize)> = gathered.sets.iter().map(|(key, set)| (&*key.queue_id, set.len())).collect();
        assert_eq!(sets, [("4F1A2B3C4D", 2)]);
        assert_eq!((gathered.tally.used, gathered.tally.read()), (1, 1));
    }

    #[test]
    fn the_last_seconds_of_a_host_stay_open() {
        let mut all = lines(
            "1 mx1 postfix/smtpd[1]: connect from c.example.org[192.0.2.7]
             2 mx1 postfix/smtpd[2]: connect from d.example.org[192.0.2.8]
             2 mx1 postfix/smtpd[2]: disconnect from d.example.org[192.0.2.8]
             2 mx1 postfix/qmgr[9]: 3F1A2B3C4D: removed
             99 mx2 postfix/qmgr[9]: 3F1A2B3C4D: removed
             7.5 mx1 postfix/qmgr[9]: 4F1A2B3C4D: removed
             5 mx1 postfix/qmgr[9]: 5F1A2B3C4D: removed
             4.9 mx1 postfix/qmgr[9]: 6F1A2B3C4D: removed",
        );
        let gathered = gathered(&mut all, &Rules::default());
        let open: Vec<&str> = gathered.open.iter().map(|n| &*gathered.readings[*n as usize].line.text).collect();
        let is_open = |text: &str| open.iter().any(|line| line.starts_with(text));
        for text in ["connect from c.", "4F1A2B3C4D", "5F1A2B3C4D"] {
            assert!(is_open(text), "{text}: {open:?}");
        }
        assert!(!is_open("6F1A2B3C4D"), "{open:?}");
    }

    #[test]
    fn a_line_is_used_where_a_document_or_a_session_holds_it() {
        let tally = |text: &str| {
            let mut lines = lines(text);
            let Tally { used, unused, unrecognised, mail, missed, .. } = gathered(&mut lines, &Rules::default()).tally;
            [used, unused, unrecognised, mail, missed]
        };
        assert_eq!(tally("1 mx1 postfix/qmgr[9]: 4F1A2B3C4D: removed"), [1, 0, 0, 1, 0]);
        assert_eq!(tally("1 mx1 postfix/smtpd[9]: connect from a[192.0.2.1]"), [1, 0, 0, 1, 0]);
        assert_eq!(tally("1 mx1 postfix/smtpd[9]: disconnect from a[192.0.2.1]"), [0, 1, 0, 1, 0]);
        assert_eq!(tally("1 mx1 postfix/postscreen[9]: CONNECT from [192.0.2.1]:1 to [192.0.2.2]:25"), [0, 1, 0, 1, 0]);
        assert_eq!(tally("1 mx1 cron[9]: x"), [0, 1, 0, 0, 0]);
        assert_eq!(tally("1 mx1 postfix/smtp[9]: flurble"), [0, 0, 1, 1, 1]);
        assert_eq!(tally("1 mx1 docker[9]: postfix/smtp[9]: flurble"), [0, 0, 1, 1, 1]);
    }

    #[test]
    fn a_notice_of_lost_lines_is_about_messages_and_not_about_a_filters_answer() {
        let (sets, _) = sorted(
            "1 mx1 rsyslogd: imuxsock lost 57 messages from pid 1 due to rate-limiting
             2 mx1 postfix/smtpd[1]: proxy-reject: END-OF-MESSAGE: 550 5.7.0 Spam; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<c>
             3 mx1 postfix/smtpd[1]: 4F1A2B3C4D: client=c.example.org[192.0.2.7]",
        );
        assert_eq!(sets.iter().map(|(_, lines)| lines.len()).collect::<Vec<_>>(), [1, 2], "{sets:?}");
    }

    #[test]
    fn a_key_is_its_host_its_instance_and_its_queue_id() {
        let names = |count: u32| -> Vec<Arc<str>> { (0..count).map(|n| format!("{n}").into()).collect() };
        let (hosts, instances, ids) = (names(8), names(2), names(256));
        let mut keys = Keys::default();
        let mut expected = 0;
        for (host, instance) in hosts.iter().flat_map(|host| instances.iter().map(move |instance| (host, instance))) {
            for id in &ids {
                assert_eq!(keys.known(host, instance, id), None);
                assert_eq!(keys.number(host, instance, id), expected);
                assert_eq!(keys.number(host, instance, id), expected);
                assert_eq!(keys.known(host, instance, id), Some(expected));
                expected += 1;
            }
        }
    }
}
