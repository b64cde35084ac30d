//! (being written)
use crate::model::Parsed;
/// Whether a syslog name is a filter's or mail store's that is read.
pub fn is_program(name: &str) -> bool { matches!(name, "amavis" | "opendkim") }
/// Reads the text of a neighbour's line.
pub fn parse<'a>(_program: &str, _text: &'a str) -> Parsed<'a> { Parsed::Unrecognised }
