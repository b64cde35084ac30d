//! Engines that misbehave: whatever a server answers, or does not, the documents afterwards are those of a run that nobody
//! disturbed (laws L3 and L6).
//!
//! A proxy before a real server does the harm (`tests/servers/proxy.rs`); what a server can be made to do by itself, it
//! does itself.

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
