//! A line with its parsed content, parsed once for all later steps.

use crate::{
    model::{Line, Parsed},
    parse, program,
    program::Family,
};

/// A line, the family of the program that logged it, and its parsed content.
#[derive(Debug)]
pub struct Reading<'a> {
    pub line: &'a Line,
    pub family: Family<'a>,
    pub parsed: Parsed<'a>,
}

impl<'a> Reading<'a> {
    /// Parses a line.
    pub fn new(line: &'a Line) -> Self {
        Self::of(line, &line.text)
    }

    /// Parses `text` as if it were the text of `line`.
    pub fn of(line: &'a Line, text: &'a str) -> Self {
        Self::by(program::family(&line.program), line, text)
    }

    /// As [`Self::of`], where the family of the line's program is known already.
    pub fn by(family: Family<'a>, line: &'a Line, text: &'a str) -> Self {
        Self { line, family, parsed: parse::parse_as(family, &line.program, text) }
    }
}
