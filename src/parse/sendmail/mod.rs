//! (being written)
use crate::model::Parsed;
/// Whether a syslog name is sendmail's.
pub fn is_program(name: &str) -> bool { matches!(name, "sendmail" | "sm-mta") }
/// Reads the text of a sendmail line.
pub fn parse(_text: &str) -> Parsed<'_> { Parsed::Unrecognised }
