//! Bounds: how much of a message's evidence is kept whole, whatever was logged about it (law L5).
//!
//! Lines are told apart by what they are about (a recipient, a host that was tried, a kind of line); of each such course
//! the first and the last are kept whole. More lines only push more of them into the middle, so what was shortened once
//! never needs to be whole again.

/// The bounds of evidence. Those of [`Default`] are what every command uses; tests have smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Attempts of a recipient.
    pub attempts: Ends,
    /// Lines of any other kind that name the message.
    pub others: Ends,
    /// Failed connections to a host, and TLS sessions with it.
    pub tried: Ends,
    /// Lines of a kind of an incoming session.
    pub session: Ends,
    /// Bytes of text that a line of a session keeps.
    pub session_text: usize,
    /// Entries of `mail.rejects`, `mail.warnings`, `mail.filters` and of each list of `related`.
    pub listed: usize,
    /// Entries of `mail.links`.
    pub links: usize,
    /// Recipients of a message whose addresses are kept. One with a long name counts as several.
    pub recipients: usize,
    /// Shortened lines of which ids and times are kept, about.
    pub shortened: usize,
    /// Distinct recipients of a part, on average, at most.
    pub part_recipients: usize,
    /// Bytes of what is spread over the parts, in each of them on average, at most.
    pub part_bytes: usize,
}

/// What is kept of a course of lines at either end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Lines, where there are few courses.
    pub most: usize,
    /// Lines, however many courses there are.
    pub least: usize,
    /// Lines of all courses together, as long as each has more than `least`.
    pub in_all: usize,
    /// Bytes for each line that may be kept.
    pub bytes: usize,
}

impl Ends {
    /// Lines and bytes kept at either end of each of so many courses: the more courses, the less.
    pub fn of_each(&self, courses: usize) -> (usize, usize) {
        let lines = (self.in_all / courses.max(1)).clamp(self.least, self.most);
        (lines, lines.saturating_mul(self.bytes))
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            attempts: Ends { most: 100, least: 2, in_all: 2000, bytes: 1024 },
            others: Ends { most: 1000, least: 1000, in_all: 1000, bytes: 256 },
            tried: Ends { most: 2500, least: 2, in_all: 10_000, bytes: usize::MAX },
            session: Ends { most: 100, least: 100, in_all: 100, bytes: usize::MAX },
            session_text: 512,
            listed: 1000,
            links: 10_000,
            recipients: 20_000,
            shortened: 150_000,
            part_recipients: 1000,
            part_bytes: 4 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_courses_the_less_is_kept_of_each() {
        let ends = Ends { most: 100, least: 2, in_all: 2000, bytes: 10 };
        let check = |courses, lines| assert_eq!(ends.of_each(courses), (lines, lines * 10), "{courses}");
        check(0, 100);
        check(1, 100);
        check(20, 100);
        check(21, 95);
        check(666, 3);
        check(667, 2);
        check(5000, 2);
        assert_eq!(Ends { bytes: usize::MAX, ..ends }.of_each(1), (100, usize::MAX), "as long as they are");
    }
}
