//! Measures what the parsers understand: counts by program, and the shapes of the lines that nobody recognised.
//!
//! A shape is a line with its numbers, ids, addresses and hosts replaced, so that a new line of a server upgrade stands
//! there once, however often it was logged.

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
    /// Known and unused, for all reasons.
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

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Counted {
    programs: BTreeMap<String, ProgramCount>,
    shapes: HashMap<(String, String), (u64, String)>,
}

/// The name under which texts that no syslog frame fits are counted.
const NO_FRAME: &str = "(no syslog frame)";
/// Programs and shapes are made by strangers: past these numbers new ones share a place.
const PROGRAMS_KEPT: usize = 10_000;
const SHAPES_KEPT: usize = 100_000;
const OTHERS: &str = "(others)";
/// A shape longer than this is cut, in characters.
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

    /// Counts a text that no syslog frame fits.
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

    /// The shapes of what was not recognised, most frequent first, at most `limit`.
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

/// Labels with dots between them, the last one of letters: not an address, a number or a version.
fn is_host(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, last)| !last.is_empty() && last.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::shape;

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
}
