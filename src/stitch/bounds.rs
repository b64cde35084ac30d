//! Bounds: how much of a message's evidence is kept whole, however much was logged about it (law L5).
//!
//! Lines are grouped into courses by their subject: a recipient, a host that was tried, a kind of line. The first and the last
//! lines of each course are kept whole. Further lines only push more of them into the middle, so a line that was shortened
//! once never has to be whole again.

/// The bounds of evidence. Every command uses those of [`Default`]; tests use smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Delivery attempts for a recipient.
    pub attempts: Ends,
    /// Other lines that name the message, of one kind.
    pub others: Ends,
    /// Failed connections to a host, and TLS sessions with it.
    pub tried: Ends,
    /// Other session lines, of one kind.
    pub session: Ends,
    /// Bytes of text kept of a session line.
    pub session_text: usize,
    /// Entries of `mail.rejects`, `mail.warnings`, `mail.filters` and of each list of `related`.
    pub listed: usize,
    /// Entries of `mail.links`.
    pub links: usize,
    /// Recipients of a message whose addresses are kept. A long address counts as several.
    pub recipients: usize,
    /// Shortened lines whose ids and times are kept; the first and the last of each course are kept beside these.
    pub shortened: usize,
    /// Largest average number of distinct recipients in a part.
    pub part_recipients: usize,
    /// Largest average size of a part in bytes, of what is spread over the parts.
    pub part_bytes: usize,
}

/// How much of a course of lines is kept at each of its two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Lines at most, however few courses there are.
    pub most: usize,
    /// Lines at least, however many courses there are.
    pub least: usize,
    /// Lines divided evenly among the courses; each gets at least `least` and at most `most`.
    pub in_all: usize,
    /// Bytes granted for each of these lines; their sum bounds the bytes kept at that end.
    pub bytes: usize,
}

impl Ends {
    /// Lines and bytes kept at each end of a course, where there are `courses` of them: the more courses, the less.
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
