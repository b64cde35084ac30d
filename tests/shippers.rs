//! An index that somebody else's shipper filled, in a real engine: what it wrote, how the index is mapped, how many there are,
//! and the shippers themselves.

mod common;
mod servers;

#[path = "shippers/daemons.rs"]
mod daemons;
#[path = "shippers/mappings.rs"]
mod mappings;
#[path = "shippers/shapes.rs"]
mod shapes;
#[path = "shippers/shards.rs"]
mod shards;
