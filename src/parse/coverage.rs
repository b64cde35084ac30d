//! Measures what the parsers understand: counts by program, and the shapes of unrecognised lines.
//!
//! A shape is a line with its numbers, ids, addresses and hosts replaced, so that a line that is new in a server release is
//! listed once, however often it was logged.

use super::parse;
use crate::model::{Line, Parsed};
use std::collections::{BTreeMap, HashMap};

/// Counts of one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramCount {
    pub read: u64,
    pub understood: u64,
    /// Known and deliberately unused, by reason.
    pub unused: BTreeMap<&'static str, u64>,
    pub unrecognised: u64,
}

impl ProgramCount {
    /// Known and deliberately unused, for all reasons.
    pub fn unused_total(&self) -> u64 {
        self.unused.values().sum()
    }
}

/// Lines that look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub program: String,
    pub shape: String,
    pub count: u64,
    /// The first of them.
    pub sample: String,
}

/// The counts so far.
#[derive(Debug, Default)]
pub struct Counted {
    programs: BTreeMap<String, ProgramCount>,
    shapes: HashMap<(String, String), (u64, String)>,
}

/// The program name under which texts without a syslog frame are counted.
const NO_FRAME: &str = "(no syslog frame)";
/// Strangers can make up programs and shapes, so their number is limited (law L5). Further programs are counted as `OTHERS`;
/// further shapes are left out.
const PROGRAMS_KEPT: usize = 10_000;
const SHAPES_KEPT: usize = 100_000;
const OTHERS: &str = "(others)";
/// The longest shape, in characters; the rest is cut.
const SHAPE_LENGTH: usize = 200;

impl Counted {
    /// Counts a line.
    pub fn line(&mut self, line: &Line) {
        let parsed = parse(line);
        let count = self.program(&line.program);
        count.read += 1;
        match parsed {
            Parsed::Event { .. } => count.understood += 1,
            Parsed::Ignored(reason) => *count.unused.entry(reason).or_default() += 1,
            Parsed::Unrecognised => {
                count.unrecognised += 1;
                self.shape(&line.program, &line.text);
            }
        }
    }

    /// Counts a text without a syslog frame.
    pub fn noise(&mut self, text: &str) {
        let count = self.program(NO_FRAME);
        count.read += 1;
        count.unrecognised += 1;
        self.shape(NO_FRAME, text);
    }

    /// The counts, by program.
    pub fn programs(&self) -> impl Iterator<Item = (&str, &ProgramCount)> {
        self.programs.iter().map(|(name, count)| (name.as_str(), count))
    }

    /// The shapes of unrecognised lines, most frequent first, at most `limit`.
    pub fn shapes(&self, limit: usize) -> Vec<Shape> {
        let shape = |((program, shape), (count, sample)): (&(String, String), &(u64, String))| Shape {
            program: program.clone(),
            shape: shape.clone(),
            count: *count,
            sample: sample.clone(),
        };
        let mut shapes: Vec<Shape> = self.shapes.iter().map(shape).collect();
        shapes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.program, &a.shape).cmp(&(&b.program, &b.shape))));
        shapes.truncate(limit);
        shapes
    }

    fn program(&mut self, name: &str) -> &mut ProgramCount {
        let known = self.programs.len() < PROGRAMS_KEPT || self.programs.contains_key(name);
        self.programs.entry(if known { name } else { OTHERS }.to_owned()).or_default()
    }

    fn shape(&mut self, program: &str, text: &str) {
        let key = (program.to_owned(), shape(text));
        if self.shapes.len() >= SHAPES_KEPT && !self.shapes.contains_key(&key) {
            return;
        }
        let sample = || (0, text.chars().take(4 * SHAPE_LENGTH).collect());
        self.shapes.entry(key).or_insert_with(sample).0 += 1;
    }
}

/// A text with everything that differs from mail to mail replaced: words with an `@` by `ADDRESS`, host names by
/// `HOST`, other words with a digit by `N`.
pub fn shape(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '@' | '-' | '_' | '+' | ':' | '/');
    let mut out = String::new();
    let mut rest: String = text.chars().take(4 * SHAPE_LENGTH).collect();
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let (core, tail) = word.split_at(word.trim_end_matches([':', '.', '/', '-']).len());
        out.push_str(match core {
            "" => "",
            w if w.contains('@') => "ADDRESS",
            w if is_host(w) => "HOST",
            w if w.contains(|c: char| c.is_ascii_digit()) => "N",
            w => w,
        });
        out.push_str(tail);
        let mut chars = after.chars();
        out.extend(chars.next());
        rest = chars.collect();
    }
    out.chars().take(SHAPE_LENGTH).collect()
}

/// Whether a word is a host name: labels separated by dots, the last one of letters only. An IP address, a number or a version is
/// not.
fn is_host(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, last)| !last.is_empty() && last.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Intake, Time};

    fn line(program: &str, text: &str) -> Line {
        Intake::default().line(Time(1_795_377_600_000), "mx1", program, None, text).unwrap()
    }

    #[test]
    fn lines_that_differ_in_what_varies_have_one_shape() {
        let a = shape("3F2A41C0E7: frobnicated for <alice@example.org> at mx1.example.org[192.0.2.1]:25 after 0.3 s");
        let b = shape("7C1D2E3F40: frobnicated for <bob@example.net> at relay.example.net[192.0.2.7]:587 after 12 s");
        assert_eq!(a, b);
        assert_eq!(a, "N: frobnicated for <ADDRESS> at HOST[N]N after N s");
    }

    #[test]
    fn any_text_has_a_shape() {
        assert_eq!(shape(""), "");
        assert_eq!(shape("\u{0}é: ::"), "\u{0}é: ::");
    }

    #[test]
    fn each_line_is_counted_once_with_its_program() {
        let mut counted = Counted::default();
        for text in
            ["3F2A41C0E7: removed", "3F2A41C0E7: removed", "daemon started", "daemon started", "flurble", "flurble"]
        {
            counted.line(&line("postfix/qmgr", text));
        }
        counted.line(&line("cron", "text"));
        counted.noise("flurble");
        counted.noise("flurble 1");
        let programs: BTreeMap<&str, &ProgramCount> = counted.programs().collect();
        let qmgr = programs["postfix/qmgr"];
        assert_eq!((qmgr.read, qmgr.understood, qmgr.unused_total(), qmgr.unrecognised), (6, 2, 2, 2));
        let noise = programs[NO_FRAME];
        assert_eq!((noise.read, noise.understood, noise.unused_total(), noise.unrecognised), (2, 0, 0, 2));
        assert_eq!((programs["cron"].read, programs.len()), (1, 3));
    }

    #[test]
    fn the_most_frequent_shape_comes_first_with_its_first_text() {
        let mut counted = Counted::default();
        for text in ["odd", "flurble 1", "flurble 2", "flurble 3", "even"] {
            counted.noise(text);
        }
        let shapes = counted.shapes(2);
        let told: Vec<_> = shapes.iter().map(|s| (s.shape.as_str(), s.count, s.sample.as_str())).collect();
        assert_eq!(told, [("flurble N", 3, "flurble 1"), ("even", 1, "even")]);
        assert_eq!(counted.shapes(9).len(), 3);
    }

    #[test]
    fn past_their_limit_new_programs_share_a_place() {
        let mut counted = Counted::default();
        for n in 0..PROGRAMS_KEPT {
            counted.program(&n.to_string()).read += 1;
        }
        assert!(counted.programs().all(|(name, _)| name != OTHERS));
        for name in ["new", "newer", "0"] {
            counted.program(name).read += 1;
        }
        let programs: BTreeMap<&str, &ProgramCount> = counted.programs().collect();
        assert_eq!((programs.len(), programs[OTHERS].read, programs["0"].read), (PROGRAMS_KEPT + 1, 2, 2));
    }

    #[test]
    fn past_their_limit_no_new_shape_is_kept() {
        let mut counted = Counted::default();
        for n in 0..SHAPES_KEPT {
            counted.shape(&n.to_string(), "x");
        }
        counted.shape("new", "x");
        counted.shape("0", "x");
        assert_eq!(counted.shapes.len(), SHAPES_KEPT);
        assert_eq!(counted.shapes[&("0".to_owned(), "x".to_owned())].0, 2);
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = "x ".repeat(1000);
        assert_eq!(shape(&text).chars().count(), SHAPE_LENGTH);
        let words = format!("{} {}", "9".repeat(4 * SHAPE_LENGTH - 2), "word");
        assert_eq!(shape(&words), "N w");
        let mut counted = Counted::default();
        counted.noise(&text);
        assert_eq!(counted.shapes(1)[0].sample.len(), 4 * SHAPE_LENGTH);
    }

    #[test]
    fn a_host_ends_with_a_label_of_letters() {
        for (word, found) in [
            ("mx.example.org", "HOST"),
            ("mx1.example.org.", "HOST."),
            ("8.18.1", "N"),
            ("mx1", "N"),
            (".", "."),
            ("end.", "end."),
            ("a_b+c/d@x", "ADDRESS"),
            ("plain-word", "plain-word"),
        ] {
            assert_eq!(shape(word), found);
        }
    }
}
