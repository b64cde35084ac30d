//! Indices filled by other shippers, in a real engine: what they write, how the index is mapped, how many indices
//! there are, and the shippers themselves.

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
