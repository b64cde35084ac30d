//! (being written)
use crate::model::Parsed;
/// Whether a syslog name is sendmail's.
pub fn is_program(name: &str) -> bool { matches!(name, "sendmail" | "sm-mta") }
/// Reads the text of a sendmail line.
pub fn parse(_text: &str) -> Parsed<'_> { Parsed::Unrecognised }
use crate::model::event::Peer;
/// stub
pub fn unescape(s: &str) -> std::borrow::Cow<'_, str> { s.into() }
/// stub
pub fn recipients(s: &str) -> impl Iterator<Item = &str> { s.split(',') }
/// stub
pub fn reply_queue_id(_: &str) -> Option<&str> { None }
/// stub
pub fn peer(_: &str) -> Peer<'_> { Peer::default() }
