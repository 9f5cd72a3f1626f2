//! Add-ons that EKS manages, with the versions there are for every version of the way.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_eks::facts::addons::Addon;
use fleetwright_eks::facts::{AddonFacts, Fact, UnreadCause};
use fleetwright_eks::plan::addons::versions_to_come;
use fleetwright_eks::read::AddonObjects;
use fleetwright_eks::schema::{Verdict, validate};
use fleetwright_kubernetes::{Minor, manifest};
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
    let configured = addon.configuration;
    let mut addon = Addon {
        name: addon.name,
        version: addon.version,
        status: addon.status,
        health_issues: addon.health_issues,
        offers: fact(
            offers.map(|all| all.into_iter().map(|(minor, offer)| (minor, offer.versions)).collect()),
        ),
        configuration: Fact::Known(Verdict::default()),
        changed_fields: Fact::unread(UnreadCause::NotAsked, "the cluster's own API was not asked"),
        needs_permissions,
        has_role: addon.has_role,
    };
    if let Some(configured) = configured {
        addon.configuration = held(ports, request, &addon, &configured).await;
    }
    addon
}

/// What a configuration has against the schemas of the versions that the plan takes its add-on to.
async fn held(
    ports: ClusterPorts<'_>,
    request: ClusterRequest<'_>,
    addon: &Addon,
    configured: &str,
) -> Fact<Verdict> {
    if let Fact::NotRead(why) = &addon.offers {
        return Fact::NotRead(why.clone());
    }
    let configuration = match manifest::value(configured) {
        Ok(configuration) => configuration,
        Err(fault) => {
            let detail = format!("the configuration of {} is neither JSON nor YAML: {fault}", addon.name);
            return Fact::unread(UnreadCause::Incomplete, detail);
        }
    };
    let mut verdict = Verdict::default();
    for version in versions_to_come(addon, request.route) {
        let schema = match ports.clusters.addon_schema(request.cell, &addon.name, &version).await {
            Ok(schema) => schema,
            Err(failure) => return unread(&failure),
        };
        let of_it = validate(&schema, &configuration);
        verdict.faults.extend(of_it.faults.into_iter().map(|fault| format!("{version}: {fault}")));
        verdict.unknown.extend(of_it.unknown.into_iter().map(|unclear| format!("{version}: {unclear}")));
    }
    Fact::Known(verdict)
}
