//! Add-ons that EKS manages, with the versions there are for every version of the way.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_eks::facts::addons::Addon;
use fleetwright_eks::facts::{AddonFacts, Fact, UnreadCause};
use fleetwright_eks::read::AddonObjects;
use fleetwright_kubernetes::Minor;
use fleetwright_model::Failure;
use fleetwright_ports::clusters::{AddonDescription, AddonOffer};
use futures::{StreamExt, stream};

use super::{ClusterPorts, ClusterRequest, fact, unread};

/// Add-ons looked up side by side; the governor of the adapter paces them.
const SIDE_BY_SIDE: usize = 8;

/// The managed add-ons.
pub(super) async fn read(ports: ClusterPorts<'_>, request: ClusterRequest<'_>) -> Fact<Vec<Addon>> {
    let found = match ports.clusters.addons(request.cell, request.name).await {
        Ok(found) => found,
        Err(failure) => return unread(&failure),
    };
    let described = found.into_iter().map(|addon| describe(ports, request, addon));
    Fact::Known(stream::iter(described).buffered(SIDE_BY_SIDE).collect().await)
}

/// The add-ons with what the cluster's own API says of them.
pub(super) fn with_objects(mut addons: Fact<Vec<Addon>>, objects: &AddonObjects) -> AddonFacts {
    if let Fact::Known(addons) = &mut addons {
        for addon in addons {
            addon.changed_fields = objects.changed_fields_of(&addon.name);
        }
    }
    let self_managed = match &addons {
        Fact::Known(addons) => {
            objects.self_managed(&addons.iter().map(|addon| addon.name.clone()).collect::<Vec<_>>())
        }
        Fact::NotRead(why) => Fact::NotRead(why.clone()),
    };
    AddonFacts {
        addons,
        software: objects.software.clone(),
        kube_proxy: objects.kube_proxy.clone(),
        core_dns: objects.core_dns.clone(),
        self_managed,
    }
}

async fn describe(ports: ClusterPorts<'_>, request: ClusterRequest<'_>, addon: AddonDescription) -> Addon {
    let minors: BTreeSet<Minor> = request.route.iter().flat_map(|hop| [hop.from, hop.to]).collect();
    let mut offers: Result<BTreeMap<Minor, AddonOffer>, Failure> = Ok(BTreeMap::new());
    for minor in minors {
        let offer = ports.clusters.addon_offer(request.cell, &addon.name, minor).await;
        match (&mut offers, offer) {
            (Ok(offers), Ok(offer)) => drop(offers.insert(minor, offer)),
            (Ok(_), Err(failure)) => offers = Err(failure),
            (Err(_), _) => break,
        }
    }
    let needs_permissions =
        offers.as_ref().is_ok_and(|offers| offers.values().any(|offer| offer.needs_permissions));
    let configuration_faults = match &addon.configuration {
        None => Fact::Known(Vec::new()),
        Some(_) => Fact::unread(
            UnreadCause::NotAsked,
            format!(
                "the configuration of {} was not held against the schema of a version to come",
                addon.name
            ),
        ),
    };
    Addon {
        name: addon.name,
        version: addon.version,
        status: addon.status,
        health_issues: addon.health_issues,
        offers: fact(
            offers.map(|all| all.into_iter().map(|(minor, offer)| (minor, offer.versions)).collect()),
        ),
        configuration_faults,
        changed_fields: Fact::unread(UnreadCause::NotAsked, "the cluster's own API was not asked"),
        needs_permissions,
        has_role: addon.has_role,
    }
}
