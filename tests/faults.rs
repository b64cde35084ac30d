//! Engines that misbehave: whatever a server answers or fails to answer, the documents in the end are those of an
//! undisturbed run (laws L3 and L6).
//!
//! A proxy before a real server causes the faults (`tests/servers/proxy.rs`), except for those that a server can be
//! made to cause itself.

#[path = "faults/answers.rs"]
mod answers;
mod common;
#[path = "faults/connections.rs"]
mod connections;
#[path = "faults/installation.rs"]
mod installation;
#[path = "faults/killed.rs"]
mod killed;
#[path = "faults/months.rs"]
mod months;
#[path = "faults/restored.rs"]
mod restored;
mod servers;
#[path = "faults/servers_down.rs"]
mod servers_down;
