//! The contract of [`Clusters`](crate::Clusters) and [`Foundations`](crate::Foundations), over a cluster that nobody
//! changes meanwhile.

use std::collections::BTreeSet;

use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, ErrorClass};

use crate::clusters::{ClusterDescription, ClusterName, Refresh};
use crate::{Clusters, Foundations};

/// What the suite is to find.
pub struct Expected {
    /// The cluster, which is active.
    pub name: ClusterName,
    /// Its version, which is neither the oldest nor the newest that is offered.
    pub version: Minor,
    /// Its add-ons.
    pub addons: BTreeSet<String>,
    /// Its managed node groups.
    pub node_groups: BTreeSet<String>,
}

fn nobody() -> ClusterName {
    "fleetwright-conformance-nobody".parse().expect("a name")
}

/// Runs the suite of [`Clusters`].
///
/// # Panics
/// With the rule that was broken.
pub async fn check(clusters: &dyn Clusters, cell: &Cell<'_>, expected: &Expected) {
    let listed = clusters.clusters(cell).await;
    assert_eq!(listed.failure, None);
    assert!(
        listed.items.windows(2).all(|pair| pair[0] < pair[1]),
        "each once and by name: {:?}",
        listed.items
    );
    assert!(listed.items.contains(&expected.name));
    let described = clusters.cluster(cell, &expected.name).await.expect("a cluster");
    assert_eq!(described.cluster.version, expected.version);
    assert_eq!(
        (described.cluster.name.as_str(), described.cluster.status.as_str()),
        (expected.name.as_str(), "ACTIVE")
    );
    assert!(!described.cluster.endpoint.is_empty() && !described.role.is_empty());
    assert_eq!(described.cluster.certificate_authority.len(), 64, "a SHA-256 in hexadecimal");
    let missing = clusters.cluster(cell, &nobody()).await.expect_err("there is none");
    assert_eq!(missing.class, ErrorClass::NotFound, "{missing}");
    versions(clusters, cell, expected).await;
    insights(clusters, cell, expected).await;
    parts(clusters, cell, expected).await;
}

async fn versions(clusters: &dyn Clusters, cell: &Cell<'_>, expected: &Expected) {
    let offers = clusters.versions(cell).await.expect("versions");
    let of = |minor: Minor| offers.iter().find(|offer| offer.version == minor);
    let own = of(expected.version).expect("the cluster's version is known");
    assert!(own.standard_support_ends < own.extended_support_ends);
    assert!(of(expected.version.next()).is_some_and(|next| next.supported), "there is a version to go to");
    assert!(offers.iter().any(|offer| !offer.supported), "those without support are known as well");
    let updates = clusters.updates(cell, &expected.name).await.expect("updates");
    let ids: BTreeSet<&str> = updates.iter().map(|update| update.id.as_str()).collect();
    assert_eq!(ids.len(), updates.len(), "each once");
}

async fn insights(clusters: &dyn Clusters, cell: &Cell<'_>, expected: &Expected) {
    // Asking twice is asking once.
    for _ in 0..2 {
        clusters.refresh_insights(cell, &expected.name).await.expect("EKS looks again");
    }
    let refresh = clusters.refresh(cell, &expected.name).await.expect("a refresh");
    assert!(matches!(refresh, Refresh::InProgress | Refresh::Completed), "{refresh:?}");
    let insights = clusters.insights(cell, &expected.name).await.expect("insights");
    assert!(!insights.list.is_empty(), "EKS looks at every cluster");
}

async fn parts(clusters: &dyn Clusters, cell: &Cell<'_>, expected: &Expected) {
    let addons = clusters.addons(cell, &expected.name).await.expect("add-ons");
    let names: BTreeSet<String> = addons.iter().map(|addon| addon.name.clone()).collect();
    assert_eq!(names, expected.addons);
    for addon in &addons {
        let offer = clusters.addon_offer(cell, &addon.name, expected.version).await.expect("versions");
        let versions: BTreeSet<&str> = offer.versions.iter().map(|it| it.version.as_str()).collect();
        assert!(versions.contains(addon.version.as_str()), "what is in use is offered: {addon:?}");
        assert_eq!(versions.len(), offer.versions.len(), "each once");
        assert_eq!(offer.versions.iter().filter(|it| it.default).count(), 1, "one is the default");
        let schema = clusters.addon_schema(cell, &addon.name, &addon.version).await.expect("a schema");
        assert!(schema.is_object());
    }
    let groups = clusters.node_groups(cell, &expected.name).await.expect("node groups");
    let names: BTreeSet<String> = groups.iter().map(|group| group.name.clone()).collect();
    assert_eq!(names, expected.node_groups);
    assert!(groups.iter().all(|group| !group.subnet_ids.is_empty() && group.nodes.0 <= group.nodes.1));
    let missing = clusters.node_groups(cell, &nobody()).await.expect_err("there is no such cluster");
    assert_eq!(missing.class, ErrorClass::NotFound, "{missing}");
}

/// Runs the suite of [`Foundations`] with what a cluster stands on, which is all there.
///
/// # Panics
/// With the rule that was broken.
pub async fn check_foundations(foundations: &dyn Foundations, cell: &Cell<'_>, cluster: &ClusterDescription) {
    let mut ids = cluster.cluster.subnet_ids.clone();
    ids.push("subnet-00000000000000000".to_owned());
    let subnets = foundations.subnets(cell, &ids).await.expect("subnets");
    let found: BTreeSet<&String> = subnets.iter().map(|subnet| &subnet.id).collect();
    assert_eq!(found, cluster.cluster.subnet_ids.iter().collect(), "those that exist, each once");
    assert!(subnets.iter().all(|subnet| subnet.zone.starts_with(cell.region.as_str())));
    assert_eq!(foundations.subnets(cell, &[]).await, Ok(Vec::new()), "none where none is meant");

    let mut ids = cluster.cluster.security_group_ids.clone();
    ids.push("sg-00000000000000000".to_owned());
    let groups = foundations.security_groups(cell, &ids).await.expect("security groups");
    assert_eq!(
        groups.iter().collect::<BTreeSet<_>>(),
        cluster.cluster.security_group_ids.iter().collect::<BTreeSet<_>>()
    );

    let role = foundations.cluster_role(cell, &cluster.role).await.expect("an answer");
    assert!(role.is_some_and(|role| role.trusts_eks), "{}", cluster.role);
    let nobody = format!("{}-nobody", cluster.role);
    assert_eq!(foundations.cluster_role(cell, &nobody).await, Ok(None));

    let kinds = ["m6i.large".to_owned(), "x9z.nano".to_owned()];
    let offers = foundations.instance_offers(cell, &kinds).await.expect("offers");
    let zones_of = |kind: &str| offers.iter().find(|it| it.instance_type == kind).map(|it| it.zones.len());
    assert!(zones_of("m6i.large").is_some_and(|zones| zones > 1), "{offers:?}");
    assert_eq!(zones_of("x9z.nano"), Some(0), "a type that is nowhere is offered nowhere");

    let interfaces = foundations.network_interfaces(cell).await.expect("interfaces");
    assert!(interfaces.quota > 0);
    let (on_demand, spot) = foundations.vcpu_quotas(cell).await.expect("quotas");
    assert!(on_demand > 0 && spot > 0);
    let storage = foundations.volume_storage(cell).await.expect("volumes and their quotas");
    let types: Vec<&str> = storage.iter().map(|(kind, _)| kind.as_str()).collect();
    assert!(types.is_sorted() && ["gp2", "gp3"].iter().all(|kind| types.contains(kind)), "{storage:?}");
    assert!(
        storage.iter().all(|(_, usage)| usage.quota >= 1_024 && usage.used <= usage.quota),
        "{storage:?}"
    );

    let image = fleetwright_eks::image::parameter("AL2023_x86_64_STANDARD", cluster.cluster.version);
    let wanted = [image.expect("a parameter"), "/aws/service/eks/optimized-ami/0.1/nothing".to_owned()];
    assert_eq!(foundations.public_parameters(cell, &wanted).await, Ok(vec![wanted[0].clone()]));
}
