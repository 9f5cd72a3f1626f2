//! What happened to whom in the world.

use std::collections::BTreeSet;

use fleetwright_estate::world::diary::{Event, Standing};
use fleetwright_estate::world::host::{HostEventKind, RebootCause};
use fleetwright_estate::world::instance::InstanceState;
use fleetwright_estate::world::{Region, World};
use jiff::Timestamp;

/// Everything that happened since then: what, and to whom. An image is known by its name.
pub(crate) fn happenings(world: &World, since: Timestamp) -> Vec<(&'static str, String)> {
    let regions = world.accounts.values().flat_map(|account| account.regions.values());
    regions.flat_map(|region| in_region(region, since)).collect()
}

fn in_region(region: &Region, since: Timestamp) -> Vec<(&'static str, String)> {
    let noted = region.diary.entries().iter().filter(|(at, _)| *at >= since);
    let mut found: Vec<_> = noted.filter_map(|(_, event)| of_region(event)).collect();
    found.extend(in_service(region, since));
    for it in region.instances.iter() {
        let history = region.host_history(it.id).iter().filter(|event| event.at >= since);
        found.extend(history.filter_map(|event| Some((of_host(&event.kind)?, it.id.to_string()))));
    }
    found
}

/// Who was taken out of which group on purpose, and who serves in it again after that.
fn in_service(region: &Region, since: Timestamp) -> Vec<(&'static str, String)> {
    let mut away = BTreeSet::new();
    let mut found = Vec::new();
    for (_, event) in region.diary.entries().iter().filter(|(at, _)| *at >= since) {
        let Event::Standing { group, instance, standing } = event else { continue };
        let whom = format!("{group} {instance}");
        match standing {
            Standing::Aside | Standing::Left => {
                if away.insert(whom.clone()) {
                    found.push(("drains", whom));
                }
            }
            Standing::Serving => {
                if away.remove(&whom) {
                    found.push(("returns", whom));
                }
            }
            Standing::Out => {}
        }
    }
    found
}

/// What an event of a region is, and to whom it happened.
pub(crate) fn of_region(event: &Event) -> Option<(&'static str, String)> {
    match event {
        Event::ImageBegun { name, .. } => Some(("images", name.clone())),
        Event::ImageDeregistered { image, .. } => Some(("images_deleted", image.to_string())),
        Event::SnapshotDeleted { snapshot, .. } => Some(("snapshots_deleted", snapshot.to_string())),
        Event::RootReplaced(id) => Some(("roots_replaced", id.to_string())),
        Event::Instance { id, state: InstanceState::Pending } => Some(("starts", id.to_string())),
        Event::Instance { id, state: InstanceState::Stopping } => Some(("stops", id.to_string())),
        _ => None,
    }
}

/// What happened on a host; none where it changed nothing.
pub(crate) fn of_host(kind: &HostEventKind) -> Option<&'static str> {
    match kind {
        HostEventKind::Installed { .. } => Some("installs"),
        HostEventKind::Rebooted { cause: RebootCause::Start | RebootCause::RootReplaced, .. } => None,
        HostEventKind::Rebooted { .. } => Some("reboots"),
        _ => None,
    }
}
