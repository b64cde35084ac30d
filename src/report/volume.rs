//! Messages over time, in steps that fit the range.

use super::behind::{Behind, Brief, Register};
use crate::model::Time;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// Possible steps in seconds; each divides the next.
const STEPS: [i64; 16] = [
    1,
    5,
    15,
    60,
    300,
    900,
    3600,
    10_800,
    21_600,
    43_200,
    86_400,
    604_800,
    2_419_200,
    29_030_400,
    290_304_000,
    2_322_432_000,
];
/// Steps of a week or more begin on a Monday; 5 January 1970 was one.
const WEEK: i64 = 604_800;
const MONDAY: i64 = 4 * 86_400;
/// Most steps kept while counting, and most shown.
const KEPT: usize = 500;
const SHOWN: i64 = 60;

/// Messages over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Volume {
    /// Seconds from one point to the next; 0 if there are none.
    pub step_s: i64,
    /// Oldest first, without gaps.
    pub points: Vec<Point>,
}

/// Counts of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    pub start: Time,
    /// Messages that began, minus those that have another fate at some hop.
    pub delivered: u64,
    pub waiting: u64,
    pub failed: u64,
    /// Refused attempts and messages.
    pub refused: u64,
    pub other: u64,
    /// Indices into `Report::transactions`.
    pub transactions: Vec<usize>,
}

/// The outcome of a message, a recipient or an attempt, as the report classifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Waiting,
    Failed,
    Refused,
    Other,
}

#[derive(Debug, Default)]
struct Step {
    /// By fate; the entry of `Delivered` counts all messages that began.
    counts: [u64; 5],
    /// Messages with another fate, here or at a later hop, to be subtracted from those that began.
    undone: u64,
    behind: Behind,
}

/// Counts by time; switches to a larger step when there are too many.
#[derive(Debug, Default)]
pub struct Over {
    /// Index into `STEPS`.
    step: usize,
    steps: BTreeMap<i64, Step>,
}

fn floor(second: i64, step: usize) -> i64 {
    let width = STEPS[step];
    let shift = if width >= WEEK { MONDAY } else { 0 };
    (second - shift).div_euclid(width) * width + shift
}

impl Over {
    /// Counts a message or an attempt. `begins`: the journey of the message begins here.
    pub fn count(&mut self, at: Time, fate: Fate, begins: bool, is_attempt: bool, brief: &Arc<Brief>) {
        let step = self.steps.entry(floor(at.second(), self.step)).or_default();
        step.counts[Fate::Delivered as usize] += u64::from(begins);
        if fate != Fate::Delivered {
            step.counts[fate as usize] += 1;
            step.undone += u64::from(!is_attempt);
        }
        step.behind.add(brief);
        while self.steps.len() > KEPT && self.step + 1 < STEPS.len() {
            self.coarser();
        }
    }

    fn coarser(&mut self) {
        self.step += 1;
        for (second, step) in std::mem::take(&mut self.steps) {
            let into = self.steps.entry(floor(second, self.step)).or_default();
            for (sum, n) in into.counts.iter_mut().zip(step.counts) {
                *sum += n;
            }
            into.undone += step.undone;
            step.behind.pour(&mut into.behind);
        }
    }

    pub fn finish(mut self, register: &mut Register) -> Volume {
        let ends = |steps: &BTreeMap<i64, Step>| Some((*steps.keys().next()?, *steps.keys().next_back()?));
        let too_many = |o: &Self| ends(&o.steps).is_some_and(|(a, b)| (b - a) / STEPS[o.step] >= SHOWN);
        while self.step + 1 < STEPS.len() && too_many(&self) {
            self.coarser();
        }
        let Some((first, last)) = ends(&self.steps) else { return Volume { step_s: 0, points: Vec::new() } };
        let step_s = STEPS[self.step];
        let count = (last - first) / step_s + 1;
        // Surplus of a step to subtract from earlier ones: a message that failed at a later hop may have begun
        // before.
        let mut elsewhere = 0;
        let point = |n: i64| {
            let second = first + n * step_s;
            let step = self.steps.remove(&second).unwrap_or_default();
            let [began, waiting, failed, refused, other] = step.counts;
            let undone = step.undone + elsewhere;
            let delivered = began.saturating_sub(undone);
            elsewhere = undone.saturating_sub(began);
            let transactions = register.places(&step.behind);
            Point { start: Time::from_seconds(second), delivered, waiting, failed, refused, other, transactions }
        };
        let mut points: Vec<Point> = (0..count).rev().map(point).collect();
        points.reverse();
        Volume { step_s, points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(times: impl Iterator<Item = i64>) -> Volume {
        let mut over = Over::default();
        let brief = Arc::new(Brief::default());
        for second in times {
            over.count(Time::from_seconds(second), Fate::Delivered, true, false, &brief);
        }
        assert!(over.steps.len() <= KEPT);
        over.finish(&mut Register::default())
    }

    #[test]
    fn seconds_are_shown_as_seconds() {
        let v = volume([100, 100, 103].into_iter());
        assert_eq!(v.step_s, 1);
        assert_eq!(v.points.iter().map(|p| p.delivered).collect::<Vec<_>>(), [2, 0, 0, 1]);
    }

    #[test]
    fn a_month_is_shown_by_the_day_and_nothing_is_lost() {
        let v = volume((0..30 * 24).map(|hour| 1_795_305_600 + hour * 3600));
        assert_eq!((v.step_s, v.points.len()), (43_200, 60));
        assert_eq!(v.points.iter().map(|p| p.delivered).sum::<u64>(), 720);
    }

    #[test]
    fn what_fails_further_on_was_not_delivered() {
        let mut over = Over::default();
        let brief = Arc::new(Brief::default());
        for second in [100, 100, 101] {
            over.count(Time::from_seconds(second), Fate::Delivered, true, false, &brief);
        }
        over.count(Time::from_seconds(103), Fate::Failed, false, false, &brief);
        over.count(Time::from_seconds(103), Fate::Refused, false, true, &brief);
        let points = over.finish(&mut Register::default()).points;
        assert_eq!(points.iter().map(|p| p.delivered).collect::<Vec<_>>(), [2, 0, 0, 0]);
        assert_eq!((points[3].failed, points[3].refused), (1, 1));
    }

    #[test]
    fn weeks_begin_on_mondays() {
        let v = volume((0..200).map(|day| 1_795_305_600 + day * 86_400));
        assert_eq!(v.step_s, 604_800);
        assert!(v.points.iter().all(|p| p.start.utc().format("%a").to_string() == "Mon"));
    }

    #[test]
    fn a_wrong_clock_does_not_fill_the_memory() {
        let v = volume([0, 253_402_300_799].into_iter());
        assert!(v.points.len() < 400, "{}", v.points.len());
    }
}
