//! Auto Scaling groups of one's own in a scenario's clusters, and launch templates.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde::Deserialize;

use super::NodeGroupSection;
use super::make::{node_group, version};
use crate::generate::seed::Seed;
use crate::world::Region;
use crate::world::eks::node_groups::NodeGroup;
use crate::world::eks::own_groups::OwnGroup;
use crate::world::eks::version::Minor;
use crate::world::eks::{Cluster, images, instances};
use crate::world::ids::LaunchTemplateId;
use crate::world::launch_templates::{LaunchTemplate, Version};
use crate::world::network::Network;
use crate::world::scaling::{Group, Hook, Process, Source};
use crate::world::timeline::Place;

/// How long a hook holds an instance where nobody says (Auto Scaling API reference, `PutLifecycleHook`).
const HEARTBEAT_SECONDS: u32 = 3_600;

/// An Auto Scaling group of one's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfManagedSection {
    /// Its name.
    pub name: String,
    /// Nodes that it has, and is wanted to have.
    #[serde(default = "super::usual_nodes")]
    pub nodes: usize,
    /// Their version; the cluster's where absent.
    pub version: Option<String>,
    /// The version whose image the latest version of its launch template names; that of its nodes where absent.
    pub image: Option<String>,
    /// The version of the template that it launches from.
    #[serde(default = "latest")]
    pub template_version: String,
    /// True where it is made from a launch configuration.
    #[serde(default)]
    pub launch_configuration: bool,
    /// User data of every version of the template, in clear.
    pub user_data: Option<String>,
    /// The type of its instances.
    #[serde(default = "super::usual_type")]
    pub instance_type: String,
    /// How many zones it spreads over, 1 to 3.
    #[serde(default = "super::usual_zones")]
    pub zones: usize,
    /// Labels of its nodes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// True where a hook on termination has its nodes drained.
    #[serde(default)]
    pub hook: bool,
    /// Seconds that the hook holds an instance at most.
    #[serde(default = "heartbeat")]
    pub heartbeat: u32,
    /// Processes that are suspended.
    #[serde(default)]
    pub suspended: Vec<String>,
    /// How many of its instances are protected from scaling in.
    #[serde(default)]
    pub protected: usize,
    /// True where kubelets of new nodes never start.
    #[serde(default)]
    pub kubelets_fail: bool,
}

/// The launch template of a managed node group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSection {
    /// Versions that there are; the first is in use.
    #[serde(default = "one")]
    pub versions: usize,
    /// Which of them is the default.
    #[serde(default = "one")]
    pub default: usize,
    /// User data of every version, in clear.
    pub user_data: Option<String>,
}

fn latest() -> String {
    "$Latest".to_owned()
}
const fn heartbeat() -> u32 {
    HEARTBEAT_SECONDS
}
const fn one() -> usize {
    1
}

impl SelfManagedSection {
    /// What its nodes are like, as a node group would say it.
    fn like_managed(&self) -> NodeGroupSection {
        NodeGroupSection {
            name: self.name.clone(),
            nodes: self.nodes,
            min: 0,
            max: None,
            version: self.version.clone(),
            instance_type: self.instance_type.clone(),
            ami_type: super::usual_image(),
            max_unavailable: None,
            max_unavailable_percentage: None,
            minimal: false,
            spot: false,
            zones: self.zones,
            labels: self.labels.clone(),
            taints: Vec::new(),
            issues: Vec::new(),
            kubelets_fail: self.kubelets_fail,
            tags: BTreeMap::new(),
            launch_template: None,
        }
    }
}

/// Makes the part of a group that the cluster knows.
pub(super) fn put(
    cluster: &mut Cluster,
    section: &SelfManagedSection,
    (account, seed, start): (&str, &Seed, Timestamp),
) -> Result<(), String> {
    let mut nodes = node_group(cluster, &section.like_managed(), (account, seed, start))
        .map_err(|problem| problem.replacen("node_groups", "self_managed", 1))?;
    if cluster.group(&section.name).is_some() {
        return Err(format!("self_managed: there is a group {} already", section.name));
    }
    nodes.scaling_group.clone_from(&section.name);
    cluster.own_groups.insert(section.name.clone(), OwnGroup { nodes, launches_from: 1 });
    Ok(())
}

/// Makes its launch template and its Auto Scaling group, without instances.
pub(super) fn scale(
    place: &mut Place<'_>,
    cluster: &str,
    section: &SelfManagedSection,
    (seed, start): (&Seed, Timestamp),
) -> Result<(), String> {
    let suspended: Vec<Process> = section
        .suspended
        .iter()
        .map(|name| Process::parse(name).ok_or_else(|| format!("self_managed: {name} is not a process")))
        .collect::<Result<_, _>>()?;
    let wanted = section.image.as_deref().map(version).transpose()?;
    let (account, code) = (place.account, place.code);
    let region = &mut *place.region;
    if region.scaling.named(&section.name).is_some() {
        return Err(format!("self_managed: there is an Auto Scaling group {} already", section.name));
    }
    let Some(owner) = region.clusters.by_name.get(cluster) else { return Ok(()) };
    let Some(own) = owner.own_groups.get(&section.name) else { return Ok(()) };
    let made = group(owner, &own.nodes, section, &region.network, (account, code));
    let versions: Vec<Option<Minor>> =
        std::iter::once(Some(own.nodes.version)).chain(wanted.map(Some)).collect();
    let ami_type = own.nodes.ami_type.clone();
    let source = match section.launch_configuration {
        true => Source::Configuration(section.name.clone()),
        false => {
            let image = |minor: Option<Minor>| minor.map(|it| images::of_group(&ami_type, it, code));
            let row = |minor| Version {
                created: start,
                image: image(minor),
                instance_type: Some(section.instance_type.clone()),
                user_data: section.user_data.as_ref().map(|text| STANDARD.encode(text)),
            };
            let versions: Vec<Version> = versions.into_iter().map(row).collect();
            let id = template(region, &section.name, versions, 1, &seed.child(cluster));
            Source::Template { id, version: section.template_version.clone() }
        }
    };
    let suspended = suspended.into_iter().map(|it| (it, start)).collect();
    region.scaling.add(Group { source, suspended, ..made });
    Ok(())
}

fn group(
    cluster: &Cluster,
    nodes: &NodeGroup,
    section: &SelfManagedSection,
    network: &Network,
    place: (&str, &str),
) -> Group {
    let hook =
        || Hook { name: "drain".to_owned(), heartbeat: SignedDuration::from_secs(section.heartbeat.into()) };
    Group {
        cluster: Some(cluster.name.clone()),
        hooks: section.hook.then(hook).into_iter().collect(),
        ..instances::scaling_group(place, (cluster, &section.name), nodes, network)
    }
}

/// Protects the first of a group's instances.
pub(super) fn protect(region: &mut Region, section: &SelfManagedSection) {
    let Some(number) = region.scaling.named(&section.name) else { return };
    if let Some(group) = region.scaling.get_mut(number) {
        let first: BTreeSet<_> = group.members.keys().take(section.protected).copied().collect();
        group.protected = first;
    }
}

/// The launch template of a managed node group; its id and the version in use.
pub(super) fn of_managed(
    region: &mut Region,
    group: &str,
    section: &TemplateSection,
    (seed, start): (&Seed, Timestamp),
) -> Result<(LaunchTemplateId, usize), String> {
    if !(1..=section.versions).contains(&section.default) {
        return Err(format!("node_groups: {group}: the default is none of its template's versions"));
    }
    let row = |_| Version {
        created: start,
        image: None,
        instance_type: None,
        user_data: section.user_data.as_ref().map(|text| STANDARD.encode(text)),
    };
    let versions = (0..section.versions).map(row).collect();
    Ok((template(region, group, versions, section.default, seed), 1))
}

fn template(
    region: &mut Region,
    name: &str,
    versions: Vec<Version>,
    default: usize,
    seed: &Seed,
) -> LaunchTemplateId {
    let id = LaunchTemplateId(seed.child("launch template").child(name).stream().random());
    let name = format!("lt-{name}");
    let made = LaunchTemplate { name, versions, default, tags: Default::default() };
    region.launch_templates.insert(id, made);
    id
}
