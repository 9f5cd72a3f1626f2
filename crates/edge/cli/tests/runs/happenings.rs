//! What happened to whom in the world.

use fleetwright_estate::world::diary::Event;
use fleetwright_estate::world::host::{HostEventKind, RebootCause};
use fleetwright_estate::world::instance::InstanceState;
use fleetwright_estate::world::{Region, World};
use jiff::Timestamp;

/// Everything that happened since then: what, and to whom. An image is known by its name.
pub(crate) fn happenings(world: &World, since: Timestamp) -> Vec<(&'static str, String)> {
    let regions = world.accounts.values().flat_map(|account| account.regions.values());
    regions.flat_map(|region| in_region(region, since)).collect()
}

/// When each host was sent the command that installed on it, and which host it was.
pub(crate) fn patches_sent(world: &World, since: Timestamp) -> Vec<(Timestamp, String)> {
    let regions = world.accounts.values().flat_map(|account| account.regions.values());
    let of_region = |region: &Region| {
        let histories = region.instances.iter().map(|it| (it.id, region.host_history(it.id)));
        let entries = histories.flat_map(|(id, events)| events.iter().map(move |event| (id, event)));
        let later = entries.filter(|(_, event)| event.at >= since);
        let sent = later.filter_map(|(id, event)| match &event.kind {
            HostEventKind::Installed { command, .. } => {
                Some((region.commands.get(*command)?.requested_at, id.to_string()))
            }
            _ => None,
        });
        sent.collect::<Vec<_>>()
    };
    regions.flat_map(of_region).collect()
}

/// When hosts were changed in any way, how, and which.
pub(crate) fn changes(world: &World, since: Timestamp) -> Vec<(Timestamp, &'static str, String)> {
    let regions = world.accounts.values().flat_map(|account| account.regions.values());
    let of_region = |region: &Region| {
        let noted = region.diary.entries().iter().filter(|(at, _)| *at >= since);
        let mut found: Vec<_> = noted
            .filter_map(|(at, event)| of_region(event).map(|(what, whom)| (*at, what, whom)))
            .filter(|(_, what, _)| ["roots_replaced", "starts", "stops"].contains(what))
            .collect();
        for it in region.instances.iter() {
            let history = region.host_history(it.id).iter().filter(|event| event.at >= since);
            found.extend(
                history.filter_map(|event| Some((event.at, of_host(&event.kind)?, it.id.to_string()))),
            );
        }
        found
    };
    regions.flat_map(of_region).collect()
}

fn in_region(region: &Region, since: Timestamp) -> Vec<(&'static str, String)> {
    let noted = region.diary.entries().iter().filter(|(at, _)| *at >= since);
    let mut found: Vec<_> = noted.filter_map(|(_, event)| of_region(event)).collect();
    for it in region.instances.iter() {
        let history = region.host_history(it.id).iter().filter(|event| event.at >= since);
        found.extend(history.filter_map(|event| Some((of_host(&event.kind)?, it.id.to_string()))));
    }
    found
}

fn of_region(event: &Event) -> Option<(&'static str, String)> {
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

fn of_host(kind: &HostEventKind) -> Option<&'static str> {
    match kind {
        HostEventKind::Installed { .. } => Some("installs"),
        HostEventKind::Rebooted { cause: RebootCause::Start | RebootCause::RootReplaced, .. } => None,
        HostEventKind::Rebooted { .. } => Some("reboots"),
        _ => None,
    }
}
