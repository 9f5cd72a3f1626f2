//! What really happened in the world during a run, whatever the run believes.

use std::collections::BTreeMap;

use fleetwright_estate::world::World;
use jiff::Timestamp;

use crate::happenings::happenings;

/// Everything that `effects` of an expectation may name.
pub(crate) const NAMES: [&str; 10] = [
    "drains",
    "images",
    "images_deleted",
    "snapshots_deleted",
    "installs",
    "reboots",
    "returns",
    "roots_replaced",
    "starts",
    "stops",
];

/// How often each thing happened since then.
pub(crate) fn effects(world: &World, since: Timestamp) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&'static str, usize> = NAMES.into_iter().map(|name| (name, 0)).collect();
    for (name, _) in happenings(world, since) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
