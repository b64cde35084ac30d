//! (being written)
use crate::model::Parsed;
/// Whether the part after the last slash of a syslog name is a postfix daemon.
pub fn is_daemon(name: &str) -> bool { matches!(name, "smtpd" | "qmgr") }
/// Reads the text of a postfix daemon.
pub fn parse<'a>(_daemon: Option<&str>, _text: &'a str) -> Parsed<'a> { Parsed::Unrecognised }
use crate::model::event::Peer;
/// stub
pub fn reply_queue_id(_: &str) -> Option<&str> { None }
/// stub
pub fn relay(_: &str) -> Peer<'_> { Peer::default() }
