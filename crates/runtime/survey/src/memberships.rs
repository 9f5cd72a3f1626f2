//! Who is behind which load balancer: read where it is planned with, because it takes a call for every
//! target group.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::{Cell, Failure, Gap, GapSubject, InstanceId, Observed, Region, Text, Zone, ZoneName};
use fleetwright_patch::Inventory;
use fleetwright_ports::{Balancers, SeatHealth};
use futures::stream::{self, StreamExt};

use crate::join::cell_gap;
use crate::stop::{Stop, stopped};

/// The pools of each host, and whether one of its places there is found healthy, or not looked at.
type Pools = BTreeMap<InstanceId, BTreeMap<Text, bool>>;

/// Adds to every host the target groups, and the load balancers of the first generation, it is
/// registered with. What cannot be read is a gap, and nobody knows then.
pub async fn memberships(
    balancers: &dyn Balancers,
    zones: &[Zone],
    inventory: &mut Inventory,
    max_concurrent_regions: usize,
    stop: &Stop,
) {
    let places: BTreeSet<(&ZoneName, &Region)> =
        inventory.hosts.iter().map(|host| (&host.zone, &host.region)).collect();
    let cell = |(name, region): (&ZoneName, &Region)| {
        let zone = zones.iter().find(|zone| zone.name == *name)?;
        Some(Cell { zone, region: region.clone() })
    };
    let cells: Vec<Cell<'_>> = places.into_iter().filter_map(cell).collect();
    let read = stream::iter(&cells)
        .map(|cell| async move {
            let found = stop.or_stop(read(balancers, cell)).await;
            let why = |why| Err(stopped(why, "elasticloadbalancing:DescribeTargetHealth"));
            (cell, found.unwrap_or_else(why))
        })
        .buffer_unordered(max_concurrent_regions.max(1));
    let found: Vec<(&Cell<'_>, Result<Pools, Failure>)> = read.collect().await;
    let mut gaps: Vec<Gap> = Vec::new();
    for (cell, found) in found {
        let here =
            inventory.hosts.iter_mut().filter(|it| it.zone == cell.zone.name && it.region == cell.region);
        match found {
            Ok(mut pools) => here.for_each(|host| {
                let mine = pools.remove(&host.instance.id).unwrap_or_default();
                let ill = mine.iter().filter(|(_, serves)| !**serves);
                host.ill_in = ill.map(|(pool, _)| pool.clone()).collect();
                host.target_groups = Observed::Known(mine.into_keys().collect());
            }),
            Err(failure) => gaps.push(cell_gap(cell, GapSubject::LoadBalancers, Some(here.count()), failure)),
        }
    }
    inventory.gaps.extend(gaps);
    inventory.sort();
}

async fn read(balancers: &dyn Balancers, cell: &Cell<'_>) -> Result<Pools, Failure> {
    let pools = balancers.pools(cell).await;
    if let Some(failure) = pools.failure {
        return Err(failure);
    }
    let listed = balancers.registrations(cell, &pools.items).await;
    if let Some(failure) = listed.failure {
        return Err(failure);
    }
    let mut found = Pools::new();
    for it in listed.items.into_iter().filter(|it| it.health != SeatHealth::Draining) {
        let serves = !matches!(it.health, SeatHealth::Unhealthy);
        *found.entry(it.seat.host).or_default().entry(it.seat.pool).or_default() |= serves;
    }
    Ok(found)
}
