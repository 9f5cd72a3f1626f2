//! What really happened in the world during a run, whatever the run believes.

use std::collections::BTreeMap;

use fleetwright_estate::world::diary::Event;
use fleetwright_estate::world::host::{HostEventKind, RebootCause};
use fleetwright_estate::world::instance::InstanceState;
use fleetwright_estate::world::{Region, World};
use jiff::Timestamp;

/// Everything that `effects` of an expectation may name.
pub(crate) const NAMES: [&str; 8] = [
    "images",
    "images_deleted",
    "snapshots_deleted",
    "installs",
    "reboots",
    "roots_replaced",
    "starts",
    "stops",
];

/// How often each thing happened since then.
pub(crate) fn effects(world: &World, since: Timestamp) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&'static str, usize> = NAMES.into_iter().map(|name| (name, 0)).collect();
    for region in world.accounts.values().flat_map(|account| account.regions.values()) {
        for name in events(region, since) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

fn events(region: &Region, since: Timestamp) -> Vec<&'static str> {
    let noted = region.diary.entries().iter().filter(|(at, _)| *at >= since);
    let mut names: Vec<&'static str> = noted.filter_map(|(_, event)| of_region(event)).collect();
    for it in region.instances.iter() {
        let history = region.host_history(it.id).iter().filter(|event| event.at >= since);
        names.extend(history.filter_map(|event| of_host(&event.kind)));
    }
    names
}

fn of_region(event: &Event) -> Option<&'static str> {
    match event {
        Event::ImageBegun { .. } => Some("images"),
        Event::ImageDeregistered { .. } => Some("images_deleted"),
        Event::SnapshotDeleted { .. } => Some("snapshots_deleted"),
        Event::RootReplaced(_) => Some("roots_replaced"),
        Event::Instance { state: InstanceState::Pending, .. } => Some("starts"),
        Event::Instance { state: InstanceState::Stopping, .. } => Some("stops"),
        _ => None,
    }
}

fn of_host(kind: &HostEventKind) -> Option<&'static str> {
    match kind {
        HostEventKind::Installed { .. } => Some("installs"),
        HostEventKind::Rebooted { cause: RebootCause::Start | RebootCause::RootReplaced, .. } => None,
        HostEventKind::Rebooted { .. } => Some("reboots"),
        _ => None,
    }
}
