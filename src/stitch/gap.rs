//! Lost lines: which messages a notice of the transport (`Event::Gap`) is about.
//!
//! In: notices, and lines of messages.  Out: pairs of the two.  A notice comes after some of the lines that were lost and
//! before others, so it is about the messages of its host that went on after it, and about those that had not come to
//! their end when it came. It becomes a line of theirs.
//!
//! "After" and "when" are at most `session_lead` long, so that the same pairs are found however the log is cut into
//! windows (law L2): the last notice of a host, and the last line of each message under way, are carried on as context.

use crate::model::{Event, Line, LineId, Time, event::Operation};
use std::{collections::BTreeMap, ops::Bound, sync::Arc};

/// Whether a message goes on after a line (`true`), has come to its end with it (`false`), or neither: many lines say
/// nothing about it.
pub fn goes_on(event: &Event<'_>) -> Option<bool> {
    match event {
        Event::Client { .. }
        | Event::Pickup { .. }
        | Event::MessageId { .. }
        | Event::Queued { .. }
        | Event::Delivery(_)
        | Event::From(_) => Some(true),
        // sendmail writes no line at the end; a recipient that is not deferred is one that needs no other.
        Event::To(to) => Some(!to.dsn.is_some_and(|dsn| dsn.starts_with(['2', '5']))),
        Event::Removed | Event::Canceled { .. } | Event::Done | Event::Operation(Operation::Delete) => Some(false),
        _ => None,
    }
}

/// How far a message has come.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// Its last line, whatever it says.
    last: Time,
    place: u32,
    /// The last line that [`goes_on`] knows: when, and whether it was the end. Of one moment the end is the last.
    end: Option<(Time, bool)>,
}

impl Course {
    fn begin(time: Time, place: u32) -> Self {
        Self { last: time, place, end: None }
    }

    fn add(&mut self, time: Time, place: u32, goes_on: Option<bool>) {
        if self.last <= time {
            (self.last, self.place) = (time, place);
        }
        self.end = self.end.max(goes_on.map(|on| (time, !on)));
    }

    fn is_under_way(&self) -> bool {
        self.end.is_none_or(|(_, ended)| !ended)
    }
}

/// Pairs of a line of a message and a notice that it makes concern the message, by their places: the last notice at most
/// `lead_ms` before a line; and the first one at most `lead_ms` after the last line before it, had the message not come to
/// its end. `own`: times with what [`goes_on`] says, of all messages under a key; both are sorted by time. Notices beside
/// those that the messages have in truth change nothing.
pub fn concerned(own: &[(Time, Option<bool>)], notices: &[Time], lead_ms: i64) -> Vec<(usize, usize)> {
    let in_reach = |from: Time, to: Time| to.0.saturating_sub(from.0) <= lead_ms;
    let mut found = Vec::new();
    let mut course: Option<Course> = None;
    for (n, (time, goes_on)) in own.iter().enumerate() {
        course.get_or_insert(Course::begin(*time, 0)).add(*time, 0, *goes_on);
        let after = notices.partition_point(|notice| notice <= time);
        found.extend(after.checked_sub(1).filter(|before| in_reach(notices[*before], *time)).map(|before| (n, before)));
        let is_next = |notice: &Time| own.get(n + 1).is_none_or(|(next, _)| notice < next) && in_reach(*time, *notice);
        if course.is_some_and(|course| course.is_under_way()) && notices.get(after).is_some_and(is_next) {
            found.push((n, after));
        }
    }
    found
}

/// The notices of a stretch and its context, and the lines of messages. Keys and places are numbers of
/// [`gather`](super::gather()).
#[derive(Default)]
pub struct Gaps {
    by_host: BTreeMap<Arc<str>, Notices>,
    own: Vec<Own>,
}

/// Notices by time, in the order of their ids within one moment.
type Notices = BTreeMap<(Time, LineId), Notice>;

#[derive(Debug, Clone, Copy)]
struct Notice {
    time: Time,
    place: u32,
    context: bool,
}

/// A line of a message.
struct Own {
    key: u32,
    place: u32,
    context: bool,
    goes_on: Option<bool>,
}

impl Gaps {
    pub fn with_capacity(lines: usize) -> Self {
        Self { by_host: BTreeMap::new(), own: Vec::with_capacity(lines) }
    }

    /// A line of a message. Lines come in the order of their places.
    pub fn own(&mut self, key: u32, place: u32, event: &Event<'_>, context: bool) {
        self.own.push(Own { key, place, context, goes_on: goes_on(event) });
    }

    /// A notice of lost lines.
    pub fn notice(&mut self, place: u32, line: &Line, context: bool) {
        self.by_host
            .entry(Arc::clone(&line.host))
            .or_default()
            .insert((line.time, line.id), Notice { time: line.time, place, context });
    }

    /// Keys, each with the place of one of its lines and of the notice nearest to it on either side. Which of them it is
    /// about is decided with all that is known of the message (`life.rs`).
    pub fn near(&self, lines: &[Line], lead_ms: i64) -> Vec<(u32, u32, u32)> {
        if self.by_host.is_empty() {
            return Vec::new();
        }
        let in_reach = |a: Time, b: Time| a.0.abs_diff(b.0) <= lead_ms.unsigned_abs();
        let mut found = Vec::new();
        for own in self.own.iter().filter(|own| !own.context) {
            let line = &lines[own.place as usize];
            let Some(notices) = self.by_host.get(&line.host) else { continue };
            let before = notices.range(..=(line.time, LineId(u128::MAX))).next_back().map(|(_, notice)| notice);
            let near = before.into_iter().chain(first_after(notices, line.time));
            let near = near.filter(|notice| in_reach(line.time, notice.time));
            found.extend(near.map(|notice| (own.key, own.place, notice.place)));
        }
        // A message of the context was stitched with its own stretch; a notice that comes only now is new to it.
        for (key, course) in courses(lines, self.own.iter().filter(|own| own.context)) {
            let Some(notices) = self.by_host.get(&lines[course.place as usize].host) else { continue };
            let news = first_after(notices, course.last)
                .filter(|notice| !notice.context && course.is_under_way() && in_reach(course.last, notice.time));
            found.extend(news.map(|notice| (key, course.place, notice.place)));
        }
        found
    }

    /// What later lines may need: the last notice of each host, the last line of each message that was under way in the
    /// last `lead_ms`.
    pub fn open(&self, lines: &[Line], lead_ms: i64) -> Vec<u32> {
        let Some(newest) = lines.last() else { return Vec::new() };
        // Lines are sorted by second.
        let earliest = newest.time.plus(-lead_ms).floor_second();
        let recent = lines.partition_point(|line| line.time < earliest) as u32;
        let own = &self.own[self.own.partition_point(|own| own.place < recent)..];
        let notices =
            self.by_host.values().filter_map(|notices| notices.values().next_back().map(|notice| notice.place));
        let under_way = courses(lines, own.iter()).filter(|(_, course)| course.is_under_way());
        notices.chain(under_way.map(|(_, course)| course.place)).collect()
    }
}

fn first_after(notices: &Notices, time: Time) -> Option<&Notice> {
    notices.range((Bound::Excluded((time, LineId(u128::MAX))), Bound::Unbounded)).next().map(|(_, notice)| notice)
}

/// How far each message has come: keys with the courses of these lines of theirs.
fn courses<'a>(lines: &[Line], own: impl Iterator<Item = &'a Own>) -> impl Iterator<Item = (u32, Course)> {
    let mut found: Vec<Option<Course>> = Vec::new();
    for Own { key, place, goes_on, .. } in own {
        let (n, time) = (*key as usize, lines[*place as usize].time);
        if found.len() <= n {
            found.resize(n + 1, None);
        }
        found[n].get_or_insert(Course::begin(time, *place)).add(time, *place, *goes_on);
    }
    (0..).zip(found).filter_map(|(key, course)| Some((key, course?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(own: &[(i64, Option<bool>)], notices: &[i64], expected: &[(usize, usize)]) {
        let own: Vec<_> = own.iter().map(|(time, on)| (Time(*time), *on)).collect();
        let notices: Vec<_> = notices.iter().map(|time| Time(*time)).collect();
        assert_eq!(concerned(&own, &notices, 10), expected);
    }

    #[test]
    fn a_message_that_went_on_is_concerned() {
        check(&[(100, None)], &[100], &[(0, 0)]);
        check(&[(50, Some(true)), (110, Some(false))], &[100], &[(1, 0)]);
        check(&[(111, Some(true))], &[100], &[]);
    }

    #[test]
    fn a_message_that_had_ended_is_not() {
        check(&[(95, Some(true))], &[100], &[(0, 0)]);
        check(&[(89, Some(true))], &[100], &[]);
        check(&[(95, Some(false))], &[100], &[]);
        check(&[(95, Some(false)), (95, Some(true)), (96, None)], &[100], &[]);
        check(&[(85, Some(true)), (95, None)], &[100], &[(1, 0)]);
    }

    #[test]
    fn of_many_notices_the_nearest_are_about_a_message() {
        check(&[(100, Some(true))], &[93, 94, 106, 107], &[(0, 1), (0, 2)]);
        check(&[(100, Some(true)), (105, Some(true))], &[106, 107], &[(1, 0)]);
    }
}
