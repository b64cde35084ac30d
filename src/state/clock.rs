//! Handles a ledger that is ahead of the clock: one of the two was wrong, and no line may stay unread because of it.
//!
//! In: the ledger and `now`. Out: a ledger that is not ahead of `now`, and a message for the administrator. Buckets
//! that were read stay known: if the clock is the one that is wrong, nothing is read again once it is right.

use super::{Checkpoint, HOUR_MS};
use crate::{
    model::Time,
    window::{Held, bucket_start},
};

/// Clocks are corrected by seconds all the time; that is not reported.
const TOLERANCE_MS: i64 = 5 * 60_000;

impl Checkpoint {
    /// Whether watermark or floor lie in the future.
    pub fn is_ahead(&self, now: Time) -> bool {
        let limit = now.plus(TOLERANCE_MS);
        self.watermark.max(self.floor).is_some_and(|t| t > limit)
    }

    /// Pulls back watermark and floor if they are ahead of the clock; returns the message about it.
    pub fn follow_clock(&mut self, now: Time, lookback_ms: i64, horizon_ms: i64) -> Option<String> {
        self.drop_folded_early(now, now.plus(-lookback_ms));
        if !self.is_ahead(now) {
            return self.catch_up_with_itself(now);
        }
        let was = self.watermark.max(self.floor)?;
        let newest = |entries: &std::collections::BTreeMap<i64, Held>| {
            entries.range(..=now.0).next_back().map(|(start, _)| Time(*start))
        };
        let read = newest(&self.buckets).max(newest(&self.hours));
        let back = match (&self.position, read) {
            // The position in files does not depend on the time of the last line.
            (Some(_), _) => now,
            (None, Some(read)) => read,
            (None, None) => self.floor.filter(|floor| *floor <= now).max(Some(now.plus(-horizon_ms))).unwrap_or(now),
        };
        // Buckets from the future were read: perhaps the clock is behind. Remember how far reading had come.
        if self.position.is_none()
            && (self.buckets.range(now.0..).next().is_some() || self.hours.range(now.0..).next().is_some())
        {
            self.ahead = self.ahead.max(self.watermark);
        }
        self.watermark = Some(back);
        self.floor = self.floor.map(|floor| if floor > now { back } else { floor });
        Some(format!(
            "the ledger had come to {was}, the clock says {now}: a clock was wrong, or is; reading goes on from {back}"
        ))
    }

    /// After the clock was behind for a while: continues where reading had come to, as everything before is known.
    fn catch_up_with_itself(&mut self, now: Time) -> Option<String> {
        let ahead = self.ahead.filter(|ahead| *ahead <= now)?;
        self.ahead = None;
        let back = self.watermark.replace(ahead.max(self.watermark?))?;
        (back < ahead)
            .then(|| format!("the clock is back at {now}: reading goes on from {ahead}, where it had come to"))
    }

    /// A clock that was ahead has folded minutes of the lookback into hours. Drops these hours, so that the minutes are
    /// read and counted again.
    fn drop_folded_early(&mut self, now: Time, lookback_from: Time) {
        let cut = bucket_start(lookback_from, HOUR_MS).0;
        if self.hours.range(cut.saturating_add(HOUR_MS)..).next().is_some_and(|(hour, _)| *hour <= now.0) {
            self.hours.retain(|hour, _| *hour < cut || *hour > now.0);
        }
    }

    /// Whether something that is done every `every_ms` is due. A `last` in the future counts as never.
    pub fn is_due(last: Option<Time>, now: Time, every_ms: i64) -> bool {
        last.is_none_or(|last| !(0..every_ms).contains(&now.0.saturating_sub(last.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR_MS;
    const NOW: Time = Time(1_000 * DAY);

    fn ledger(watermark: Time) -> Checkpoint {
        let mut ledger = Checkpoint::new("f".to_owned());
        (ledger.watermark, ledger.floor) = (Some(watermark), Some(NOW.plus(-100 * DAY)));
        ledger
    }

    fn held(lines: u64) -> Held {
        Held { lines, print: None }
    }

    fn settle(ledger: &mut Checkpoint, now: Time) -> Option<String> {
        ledger.follow_clock(now, DAY, 14 * DAY)
    }

    #[test]
    fn a_ledger_behind_the_clock_is_left_alone() {
        let mut there = ledger(NOW);
        there.buckets.insert(NOW.0 - 60_000, held(7));
        let before = there.clone();
        assert_eq!(settle(&mut there, NOW.plus(-60_000)), None, "some seconds are nothing");
        assert_eq!(there, before);
    }

    #[test]
    fn after_a_clock_that_was_ahead_reading_goes_on_where_lines_were_read() {
        let mut wrong = ledger(NOW.plus(30 * DAY));
        wrong.hours.insert(NOW.0 - 3 * DAY, held(7));
        let told = settle(&mut wrong, NOW);
        assert!(told.is_some_and(|told| told.contains("a clock was wrong")));
        assert_eq!((wrong.watermark, wrong.ahead), (Some(NOW.plus(-3 * DAY)), None));
        assert_eq!(settle(&mut wrong, NOW), None, "it is told once");
    }

    #[test]
    fn a_first_run_of_next_year_leaves_nothing_out() {
        let mut wrong = ledger(NOW.plus(365 * DAY));
        wrong.floor = wrong.watermark;
        assert!(settle(&mut wrong, NOW).is_some());
        assert_eq!((wrong.watermark, wrong.floor), (Some(NOW.plus(-14 * DAY)), Some(NOW.plus(-14 * DAY))));
    }

    #[test]
    fn a_clock_that_was_behind_costs_nothing_when_it_is_right_again() {
        let mut right = ledger(NOW);
        right.buckets.insert(NOW.0 - 60_000, held(7));
        right.hours.insert(NOW.0 - 2 * DAY, held(9));
        let (buckets, hours) = (right.buckets.clone(), right.hours.clone());
        assert!(settle(&mut right, Time(0)).is_some());
        assert!(right.watermark <= Some(Time(0)));
        assert_eq!(settle(&mut right, Time(900_000)), None);
        assert!(settle(&mut right, NOW.plus(900_000)).is_some());
        assert_eq!((right.watermark, right.buckets, right.hours), (Some(NOW), buckets, hours));
    }

    #[test]
    fn minutes_folded_by_a_clock_ahead_are_not_counted_twice() {
        let mut wrong = ledger(NOW.plus(30 * DAY));
        wrong.hours.extend([(NOW.0 - 3 * DAY, held(5)), (NOW.0 - 2 * HOUR_MS, held(7))]);
        settle(&mut wrong, NOW);
        assert_eq!(wrong.hours.into_iter().collect::<Vec<_>>(), [(NOW.0 - 3 * DAY, held(5))]);
    }

    #[test]
    fn a_mark_of_a_time_to_come_keeps_nothing_from_being_done() {
        assert!(Checkpoint::is_due(Some(NOW.plus(30 * DAY)), NOW, HOUR_MS));
        assert!(Checkpoint::is_due(None, NOW, HOUR_MS));
        assert!(!Checkpoint::is_due(Some(NOW.plus(-1)), NOW, HOUR_MS));
    }
}
