//! When hosts were changed, as the world has it.

use fleetwright_estate::world::host::HostEventKind;
use fleetwright_estate::world::{Region, World};
use jiff::Timestamp;

use crate::happenings;

/// When each host was sent the command that installed on it, and which host it was.
pub(crate) fn patches_sent(world: &World, since: Timestamp) -> Vec<(Timestamp, String)> {
    let regions = world.accounts.values().flat_map(|account| account.regions.values());
    let in_region = |region: &Region| {
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
    regions.flat_map(in_region).collect()
}

/// When hosts were changed in any way, how, and which.
pub(crate) fn changes(world: &World, since: Timestamp) -> Vec<(Timestamp, &'static str, String)> {
    let regions = world.accounts.values().flat_map(|account| account.regions.values());
    let in_region =
        |region: &Region| {
            let noted = region.diary.entries().iter().filter(|(at, _)| *at >= since);
            let mut found: Vec<_> = noted
                .filter_map(|(at, event)| happenings::of_region(event).map(|(what, whom)| (*at, what, whom)))
                .filter(|(_, what, _)| ["roots_replaced", "starts", "stops"].contains(what))
                .collect();
            for it in region.instances.iter() {
                let history = region.host_history(it.id).iter().filter(|event| event.at >= since);
                found.extend(history.filter_map(|event| {
                    Some((event.at, happenings::of_host(&event.kind)?, it.id.to_string()))
                }));
            }
            found
        };
    regions.flat_map(in_region).collect()
}
