//! What an upgrade needs, against every other way of doing it on small cases.

mod addon_paths;
mod drains;
mod schedules;
mod surges;

use fleetwright_kubernetes::{Hop, Minor};

fn route(from: u16, to: u16) -> Vec<Hop> {
    Minor::new(from).hops_to(Minor::new(to)).expect("upwards")
}
