//! Making a scenario's clusters.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand::RngExt;
use serde_json::json;

use super::insights::{days_before, insight};
use super::objects::{put_namespace, put_object, put_workload, workload};
use super::own_groups;
use super::suites::put_suite;
use super::{AddonKindSection, AddonSection, ClusterSection, IssueSection, NodeGroupSection, WorkloadKind};
use super::{around, pools};
use crate::generate::accounts::AccountPlan;
use crate::generate::cell_seed;
use crate::generate::seed::Seed;
use crate::world::command::uuid;
use crate::world::eks::addons::{self, Addon, Kind, Version};
use crate::world::eks::node_groups::{AtOnce, NodeGroup};
use crate::world::eks::version::{CALENDAR, Minor};
use crate::world::eks::{self, AccessEntry, Cluster, FargateProfile, PodIdentity, Sketch, running};
use crate::world::{World, instance_types};

/// The policy of who made a cluster.
const ADMIN: &str = "AmazonEKSClusterAdminPolicy";

/// The settings of CoreDNS, as EKS's add-on brings them.
const COREFILE: &str = "\
.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}
";

/// Clusters of a region at most. Source: Amazon EKS User Guide, "Service quotas", clusters.
const MAX_CLUSTERS: usize = 100;

/// Makes the add-ons that can be had.
///
/// # Errors
/// The number of the section, and what is wrong with it.
pub(in crate::scenario) fn kinds(
    world: &mut World,
    sections: &[AddonKindSection],
) -> Result<(), (usize, String)> {
    for (nth, section) in sections.iter().enumerate() {
        let kind = kind(section).map_err(|problem| (nth, problem))?;
        for region in world.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
            region.clusters.catalog.retain(|it| it.name != kind.name);
            region.clusters.catalog.push(kind.clone());
        }
    }
    Ok(())
}

fn kind(section: &AddonKindSection) -> Result<Kind, String> {
    let version = |it: &super::AddonVersionSection| {
        Ok(Version { name: it.name.clone(), fits: (it.first.parse()?, it.last.parse()?), default_for: None })
    };
    Ok(Kind {
        name: section.name.clone(),
        purpose: section.purpose.clone(),
        publisher: section.publisher.clone(),
        namespace: section.name.clone(),
        needs_iam: false,
        settings: Vec::new(),
        versions: section.versions.iter().map(version).collect::<Result<_, String>>()?,
    })
}

/// Makes the clusters.
///
/// # Errors
/// The number of the section, and what is wrong with it.
pub(in crate::scenario) fn clusters(
    world: &mut World,
    plans: &[AccountPlan],
    sections: &[ClusterSection],
    (role, seed, start): (&str, &Seed, Timestamp),
) -> Result<(), (usize, String)> {
    for (nth, section) in sections.iter().enumerate() {
        for name in names(section).map_err(|problem| (nth, problem))? {
            let section = ClusterSection { name, ..section.clone() };
            make(world, plans, &section, (role, seed, start)).map_err(|problem| (nth, problem))?;
        }
    }
    Ok(())
}

/// The names of the clusters that a section describes.
fn names(section: &ClusterSection) -> Result<Vec<String>, String> {
    match section.count {
        None => Ok(vec![section.name.clone()]),
        Some(count) if (1..=MAX_CLUSTERS).contains(&count) => {
            Ok((1..=count).map(|number| format!("{}-{number}", section.name)).collect())
        }
        Some(count) => Err(format!("count: {count} clusters; a region takes 1 to {MAX_CLUSTERS}")),
    }
}

fn make(
    world: &mut World,
    plans: &[AccountPlan],
    section: &ClusterSection,
    (role, seed, start): (&str, &Seed, Timestamp),
) -> Result<(), String> {
    let (account, code) = region_of(plans, &section.account, section.region.as_ref())?;
    if let Some(owner) = world.accounts.get_mut(&account) {
        around::roles(owner, &account, section, days_before(start, 400.0))?;
    }
    let mut place =
        world.place(&account, &code).ok_or_else(|| format!("{code} is not a region of {account}"))?;
    if place.region.clusters.by_name.contains_key(&section.name) {
        return Err(format!("name: there is a cluster {} in {code} already", section.name));
    }
    let own = cell_seed(seed, &account, &code);
    let group = around::security_group(place.region, section, &own);
    around::key(place.region, section, (&account, &code), (&own, start));
    around::images(place.region, &code, start);
    let network = &place.region.network;
    let vpc = network.subnets.first().map(|it| it.vpc.to_string()).unwrap_or_default();
    let subnets = network.subnets.iter().map(|it| it.id.to_string()).collect();
    let zones = network.subnets.iter().map(|it| it.zone.clone()).collect();
    let groups = vec![group.to_string()];
    let sketch = Sketch {
        name: section.name.clone(),
        version: version(&section.version)?,
        role: format!("arn:aws:iam::{account}:role/eks-{}", section.name),
        network: (vpc, subnets, zones, groups),
    };
    let cluster = Cluster::new(sketch, &own, days_before(start, 400.0));
    place.region.clusters.by_name.insert(section.name.clone(), cluster);
    let mut templates = BTreeMap::new();
    for group in &section.node_groups {
        if let Some(template) = &group.launch_template {
            let ground = (&own.child(&section.name), start);
            templates.insert(
                group.name.clone(),
                own_groups::of_managed(place.region, &group.name, template, ground)?,
            );
        }
    }
    for group in &section.self_managed {
        if let Some(cluster) = place.region.clusters.by_name.get_mut(&section.name) {
            own_groups::put(cluster, group, (&account, &own, start))?;
        }
        own_groups::scale(&mut place, &section.name, group, (&own, start))?;
    }
    let admin = format!("arn:aws:iam::{account}:role/{role}");
    let made: Option<Result<(), String>> =
        eks::with(&mut place, &section.name, start, |cluster, catalog, ground| {
            describe(cluster, section, start)?;
            eks::network::connect(cluster, ground);
            access(cluster, section, &admin, start);
            for addon in &section.addons {
                put_addon(cluster, catalog, addon, start)?;
            }
            for group in &section.node_groups {
                let mut made = node_group(cluster, group, (&account, &own, start))?;
                made.launch_template = templates.get(&group.name).copied();
                cluster.node_groups.insert(group.name.clone(), made);
                eks::node_groups::resize(cluster, ground, &group.name);
            }
            for group in &section.self_managed {
                for _ in 0..group.nodes {
                    eks::node_groups::launch(cluster, ground, &group.name, own_version(cluster, &group.name));
                }
            }
            pools::put(cluster, section, ground)?;
            for it in &section.workloads {
                put_workload(cluster, it, start)?;
            }
            for it in &section.suites {
                put_suite(cluster, it, start)?;
            }
            for it in &section.objects {
                put_object(cluster, it, start)?;
            }
            running::settle_all(cluster, ground);
            pools::settle(cluster, start);
            Ok(())
        });
    made.unwrap_or(Ok(()))?;
    for group in &section.self_managed {
        own_groups::protect(place.region, group);
    }
    Ok(())
}

fn own_version(cluster: &Cluster, group: &str) -> Minor {
    cluster.group(group).map_or(cluster.version, |it| it.version)
}

/// The account, by its id, and the region that a section names.
///
/// # Errors
/// There is no such account, or it does not use the region.
pub(in crate::scenario) fn region_of(
    plans: &[AccountPlan],
    account: &str,
    region: Option<&String>,
) -> Result<(String, String), String> {
    let plan = plans.iter().find(|plan| plan.name == account);
    let plan =
        plan.ok_or_else(|| format!("there is no account \"{account}\"; name one of the scenario's"))?;
    let code = region.unwrap_or(&plan.regions[0]);
    match plan.regions.contains(code) {
        true => Ok((plan.id.clone(), code.clone())),
        false => {
            let used = plan.regions.join(", ");
            Err(format!("account {} does not use {code}; it uses {used}", plan.name))
        }
    }
}

pub(super) fn version(text: &str) -> Result<Minor, String> {
    let version = text.parse()?;
    let known = CALENDAR.iter().any(|it| it.version == version);
    let all: Vec<String> = CALENDAR.iter().map(|it| it.version.to_string()).collect();
    known.then_some(version).ok_or_else(|| format!("version: EKS has no {text}; it has {}", all.join(", ")))
}

fn issues(sections: &[IssueSection]) -> Vec<(String, String)> {
    sections.iter().map(|it| (it.code.clone(), it.message.clone())).collect()
}

fn describe(cluster: &mut Cluster, section: &ClusterSection, start: Timestamp) -> Result<(), String> {
    if let Some(upgraded) = &section.upgraded {
        cluster.upgraded = Some((upgraded.from.parse()?, days_before(start, upgraded.days_ago)));
    }
    cluster.extended = section.extended;
    cluster.auto_mode = section.auto_mode;
    cluster.deletion_protection = section.deletion_protection;
    cluster.logging = section.logging.iter().cloned().collect();
    cluster.key.clone_from(&section.key);
    cluster.issues = issues(&section.issues);
    cluster.next_upgrade_fails.clone_from(&section.next_upgrade_fails);
    cluster.blocks_rollback.clone_from(&section.blocks_rollback);
    cluster.tags.clone_from(&section.tags);
    for profile in &section.fargate_profiles {
        let made = FargateProfile {
            namespaces: profile.namespaces.clone(),
            began_at: profile.version.as_deref().map(version).transpose()?,
            role: format!("{}-fargate", cluster.role),
            created: cluster.created,
            tags: profile.tags.clone(),
        };
        cluster.fargate.insert(profile.name.clone(), made);
    }
    for (nth, it) in section.pod_identities.iter().enumerate() {
        cluster.pod_identities.push(PodIdentity {
            id: format!("a-{nth:017x}"),
            namespace: it.namespace.clone(),
            service_account: it.service_account.clone(),
        });
    }
    for it in &section.insights {
        cluster.insights.push(insight(&section.name, it, start)?);
    }
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        put_namespace(cluster, name, cluster.created);
    }
    Ok(())
}

fn access(cluster: &mut Cluster, section: &ClusterSection, admin: &str, start: Timestamp) {
    let policy = |name: &str| format!("arn:aws:eks::aws:cluster-access-policy/{name}");
    let mut enter = |principal: &str, groups: &[String], policies: Vec<String>| {
        let name = principal.rsplit('/').next().unwrap_or_default();
        let account = principal.split(':').nth(4).unwrap_or_default();
        let username = match principal.contains(":role/") {
            true => format!("arn:aws:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}"),
            false => principal.to_owned(),
        };
        let entry = AccessEntry { groups: groups.to_vec(), username, policies, created: start };
        cluster.access.insert(principal.to_owned(), entry);
    };
    match &section.access {
        None => enter(admin, &[], vec![policy(ADMIN)]),
        Some(entries) => {
            for it in entries {
                enter(&it.principal, &it.groups, it.policies.iter().map(|name| policy(name)).collect());
            }
        }
    }
}

fn put_addon(
    cluster: &mut Cluster,
    catalog: &[Kind],
    section: &AddonSection,
    start: Timestamp,
) -> Result<(), String> {
    let kind = catalog.iter().find(|it| it.name == section.name);
    let kind = kind.ok_or_else(|| format!("addons: there is no add-on \"{}\"", section.name))?;
    let version = section.version.clone().or_else(|| Some(kind.default_for(cluster.version)?.name.clone()));
    let version = version.filter(|it| kind.version(it).is_some());
    let version = version.ok_or_else(|| {
        let all: Vec<&str> = kind.versions.iter().map(|it| it.name.as_str()).collect();
        format!("addons: {} has no such version; it has {}", section.name, all.join(", "))
    })?;
    let image = format!("registry.example/eks/{}:{version}", section.name);
    let mut addon = Addon::new(version, "ACTIVE", cluster.created);
    addon.drifted = section.drifted;
    addon.configuration = section.configuration.as_ref().map(ToString::to_string);
    addon.role.clone_from(&section.role);
    addon.issues = issues(&section.issues);
    addon.tags.clone_from(&section.tags);
    cluster.addons.insert(section.name.clone(), addon);
    put_controller(cluster, &section.name, image, start)?;
    addons::tell_managers(cluster, &section.name, start);
    Ok(())
}

/// What an add-on consists of in the cluster, where the estate plays it.
fn put_controller(cluster: &mut Cluster, addon: &str, image: String, start: Timestamp) -> Result<(), String> {
    let system = "kube-system";
    match addon {
        "vpc-cni" => {
            put_workload(cluster, &workload("aws-node", WorkloadKind::DaemonSet, system, image), start)
        }
        "kube-proxy" => {
            put_workload(cluster, &workload("kube-proxy", WorkloadKind::DaemonSet, system, image), start)
        }
        "coredns" => {
            let mut dns = workload("coredns", WorkloadKind::Deployment, system, image);
            dns.max_unavailable = Some(json!(1));
            dns.tolerates_all = true;
            let settings = json!({ "apiVersion": "v1", "kind": "ConfigMap",
                                   "metadata": { "name": "coredns", "namespace": system },
                                   "data": { "Corefile": COREFILE } });
            cluster.kube.put("configmaps", settings, start);
            put_workload(cluster, &dns, start)
        }
        _ => Ok(()),
    }
}

/// A node group as a section says it.
pub(super) fn node_group(
    cluster: &Cluster,
    section: &NodeGroupSection,
    (account, seed, start): (&str, &Seed, Timestamp),
) -> Result<NodeGroup, String> {
    if instance_types::find(&section.instance_type).is_none() {
        return Err(format!("node_groups: there is no instance type \"{}\"", section.instance_type));
    }
    let version = section.version.as_deref().map_or(Ok(cluster.version), version)?;
    if version > cluster.version {
        return Err(format!("node_groups: {} would be newer than the control plane", section.name));
    }
    let at_once = match (section.max_unavailable, section.max_unavailable_percentage) {
        (nodes, None) => AtOnce::Nodes(nodes.unwrap_or(1)),
        (None, Some(percent)) => AtOnce::Percent(percent),
        _ => {
            return Err(
                "node_groups: give max_unavailable or max_unavailable_percentage, not both".to_owned()
            );
        }
    };
    let id = uuid(seed.child("node group").child(&cluster.name).child(&section.name).stream().random());
    let zones = section.zones.clamp(1, cluster.zones.len().max(1));
    let taints = section.taints.iter().map(|it| (it.key.clone(), it.value.clone(), it.effect.clone()));
    Ok(NodeGroup {
        version,
        release: version.image_release(),
        status: "ACTIVE",
        created: cluster.created,
        modified: start,
        ami_type: section.ami_type.clone(),
        instance_type: section.instance_type.clone(),
        capacity_type: if section.spot { "SPOT" } else { "ON_DEMAND" }.to_owned(),
        scaling: (section.min, section.nodes, section.max.unwrap_or(section.nodes * 2).max(1)),
        at_once,
        minimal: section.minimal,
        zones: cluster.zones.iter().take(zones).cloned().collect(),
        subnets: cluster.subnets.iter().take(zones).cloned().collect(),
        role: format!("arn:aws:iam::{account}:role/eks-{}-node", cluster.name),
        labels: section.labels.clone(),
        taints: taints.collect(),
        scaling_group: format!("eks-{}-{id}", section.name),
        issues: issues(&section.issues),
        tags: section.tags.clone(),
        id,
        launched: 0,
        kubelets_fail: section.kubelets_fail,
        launch_template: None,
    })
}
