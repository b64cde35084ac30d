//! An index that somebody else's shipper filled, in a real engine: what it wrote, and how the index is mapped.

mod common;
mod servers;

#[path = "shippers/shapes.rs"]
mod shapes;
