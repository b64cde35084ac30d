//! An index that somebody else's shipper filled, in a real engine: what it wrote, and the shippers themselves.

mod common;
mod servers;

#[path = "shippers/daemons.rs"]
mod daemons;
#[path = "shippers/shapes.rs"]
mod shapes;
