//! (being written)
use crate::model::Parsed;
/// Whether a syslog name is a syslog daemon's.
pub fn is_program(name: &str) -> bool { matches!(name, "rsyslogd" | "systemd-journald") }
/// `message repeated N times: [ text]`, which any program may carry.
pub fn repeated(_text: &str) -> Option<Parsed<'_>> { None }
/// Reads the text of a syslog daemon's line.
pub fn parse(_text: &str) -> Parsed<'_> { Parsed::Unrecognised }
