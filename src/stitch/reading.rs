//! A line with what it tells, read once for all that follows.

use crate::{
    model::{Line, Parsed},
    parse, program,
    program::Family,
};

/// A line, the family of the program that logged it, and what it tells.
#[derive(Debug)]
pub struct Reading<'a> {
    pub line: &'a Line,
    pub family: Family<'a>,
    pub parsed: Parsed<'a>,
}

impl<'a> Reading<'a> {
    /// Reads a line.
    pub fn new(line: &'a Line) -> Self {
        Self::of(line, &line.text)
    }

    /// Reads `text` as if a line said it.
    pub fn of(line: &'a Line, text: &'a str) -> Self {
        Self::by(program::family(&line.program), line, text)
    }

    /// Reads `text` as if a line said it, whose program's family is known.
    pub fn by(family: Family<'a>, line: &'a Line, text: &'a str) -> Self {
        Self { line, family, parsed: parse::parse_as(family, &line.program, text) }
    }
}
