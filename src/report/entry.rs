//! Counts kept under a name: senders and recipients, relays, reasons.

use super::{top::Counts, volume::Fate};
use sketches_ddsketch::{Config, DDSketch};

/// Messages or recipients: all of them where a journey began, and what went wrong at any hop.
#[derive(Debug, Default)]
pub struct Party {
    /// Counted at the first hop only.
    pub all: u64,
    pub waiting: u64,
    pub failed: u64,
    /// Refused attempts, which are not in `all`, and refused messages.
    pub refused: u64,
    /// Not or not yet delivered, at whatever hop; attempts excluded.
    undelivered: u64,
    pub bytes: u64,
}

impl Party {
    /// Counts one. `is_new`: its journey began here, and it is not just an attempt.
    pub fn add(&mut self, fate: Fate, is_new: bool, is_attempt: bool) {
        self.all += u64::from(is_new);
        self.undelivered += u64::from(fate != Fate::Delivered && !is_attempt);
        match fate {
            Fate::Waiting => self.waiting += 1,
            Fate::Failed => self.failed += 1,
            Fate::Refused => self.refused += 1,
            Fate::Delivered | Fate::Other => {}
        }
    }

    /// `all` without the undelivered.
    pub fn delivered(&self) -> u64 {
        self.all.saturating_sub(self.undelivered)
    }
}

/// Weight of a message, relative to one failure.
const MESSAGE: u64 = 1 << 20;

/// Names rank by messages first; names without messages rank far below, by failures and attempts.
impl Counts for Party {
    fn weight(&self) -> u64 {
        self.all.saturating_mul(MESSAGE).saturating_add(self.waiting + self.failed + self.refused)
    }

    fn largest(&self) -> u64 {
        self.all.max(self.waiting).max(self.failed).max(self.refused)
    }
}

/// A plain count.
#[derive(Debug, Default)]
pub struct Times(pub u64);

impl Counts for Times {
    fn weight(&self) -> u64 {
        self.0
    }
}

/// How often something was said, and one example of the wording.
#[derive(Debug, Default)]
pub struct Reason {
    pub times: u64,
    pub example: String,
}

impl Counts for Reason {
    fn weight(&self) -> u64 {
        self.times
    }
}

/// Recipients that a queue handed on or tried to, and how long it took.
#[derive(Default)]
pub struct Passage {
    pub all: u64,
    pub delivered: u64,
    pub waiting: u64,
    pub failed: u64,
    pub delay: Spread,
    /// Sums of the four parts of `delays=a/b/c/d`, over `staged` recipients.
    pub stages: [f64; 4],
    pub staged: u64,
}

impl Counts for Passage {
    fn weight(&self) -> u64 {
        self.all
    }
}

/// A distribution for quantiles, in bounded memory and exact to 1 %.
pub struct Spread(DDSketch);

impl Default for Spread {
    fn default() -> Self {
        // Values below a millisecond are not told apart. From there, 2,048 steps of 2 % reach beyond any duration or
        // size.
        Self(DDSketch::new(Config::new(0.01, 2048, 0.001)))
    }
}

impl Spread {
    /// Adds a value; ignores anything but numbers from 0 up.
    pub fn add(&mut self, value: f64) {
        if value.is_finite() && value >= 0.0 {
            self.0.add(value);
        }
    }

    /// The value that the given share of all values does not exceed.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        self.0.quantile(share).ok().flatten().map(|x| x.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If the error were the sum of weights instead, that of a busy table would be a million times too large.
    #[test]
    fn what_was_forgotten_is_told_in_what_rows_count() {
        assert_eq!(Party { all: 3, waiting: 1, ..Party::default() }.largest(), 3);
        assert_eq!(Party { all: 3, refused: 5, ..Party::default() }.largest(), 5);
    }

    #[test]
    fn quantiles_are_right_within_a_percent() {
        let mut spread = Spread::default();
        (1..=10_000).for_each(|n| spread.add(f64::from(n) / 100.0));
        for (share, expected) in [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0)] {
            let found = spread.quantile(share).unwrap();
            assert!((found - expected).abs() <= 0.011 * expected, "{share}: {found}");
        }
        assert_eq!(Spread::default().quantile(0.5), None);
    }

    #[test]
    fn what_is_no_time_is_passed_over() {
        let mut spread = Spread::default();
        [f64::NAN, f64::INFINITY, -1.0].into_iter().for_each(|x| spread.add(x));
        assert_eq!(spread.quantile(1.0), None);
    }

    #[test]
    fn a_failure_further_on_takes_from_what_was_delivered() {
        let mut party = Party::default();
        // Two messages came in and were handed on; one of them bounced two hosts later.
        party.add(Fate::Delivered, true, false);
        party.add(Fate::Delivered, true, false);
        party.add(Fate::Delivered, false, false);
        party.add(Fate::Failed, false, false);
        party.add(Fate::Refused, false, true);
        assert_eq!((party.all, party.delivered(), party.failed, party.refused), (2, 1, 1, 1));
    }
}
