//! fleetwright
fn main() {}
