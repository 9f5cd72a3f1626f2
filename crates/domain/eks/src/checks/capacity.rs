//! Room for the nodes and pods that stand beside others for a while.

use std::collections::BTreeSet;

use fleetwright_kubernetes::fit::{self, Misfit, Placement};
use fleetwright_kubernetes::{Labels, Pod};

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};
use crate::facts::nodes::{NewNodes, SelfManagedGroup};
use crate::facts::{Fact, Subnet};
use crate::maker::{Maker, maker};
use crate::solve::surge;

pub(super) const CHECKS: &[Check] = &[
    Check {
        code: "EKS-K1",
        title: "The nodes' subnets have addresses for the surge",
        why: "New nodes that get no addresses never become ready, and the update hangs.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeNodegroup, autoscaling:DescribeAutoScalingGroups, ec2:DescribeSubnets, settings of the VPC CNI",
        remedy: "Free addresses, lower maxUnavailable, or use MINIMAL.",
        evaluate: node_addresses,
    },
    Check {
        code: "EKS-K2",
        title: "The pods' own subnets have addresses for the surge",
        why: "With custom networking pods take addresses from subnets of their own.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "ENIConfig, ec2:DescribeSubnets",
        remedy: "Add subnets for pods, or free addresses.",
        evaluate: pod_addresses,
    },
    Check {
        code: "EKS-K3",
        title: "The quota of vCPUs leaves room for the surge",
        why: "Instances beyond the quota are not launched.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "servicequotas:GetServiceQuota, ec2:DescribeInstances",
        remedy: "Ask for a higher quota, or lower maxUnavailable.",
        evaluate: vcpus,
    },
    Check {
        code: "EKS-K4",
        title: "The quotas of volumes leave room",
        why: "New nodes need root volumes before the old ones are deleted.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "servicequotas:GetServiceQuota, ec2:DescribeVolumes",
        remedy: "Ask for a higher quota, or delete volumes that nothing uses.",
        evaluate: volumes,
    },
    Check {
        code: "EKS-K5",
        title: "Every zone of a group of nodes offers one of its instance types",
        why: "A zone without the type gets no new nodes, and volumes bound to it no pods.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "ec2:DescribeInstanceTypeOfferings",
        remedy: "Add an instance type that the zone offers.",
        evaluate: instance_types,
    },
    Check {
        code: "EKS-K6",
        title: "Pods find room elsewhere when their node is gone",
        why: "A pod that fits nowhere waits for a new node, and its disruption budget for it.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "requests of pods, allocatable of nodes",
        remedy: "Add a node for the time of the upgrade, or lower requests.",
        evaluate: room,
    },
];

/// Share of a quota of volumes that may be used before it is told of.
const VOLUMES_PERCENT_MAX: u64 = 90;

/// New nodes of a group that stand beside its others for a while.
struct Surge<'a> {
    subject: String,
    nodes: u32,
    each: &'a NewNodes,
}

/// The surges of all groups that an upgrade renews; nothing where groups are not known.
fn surges<'a>(context: &Context<'a>, exam: &mut Examination) -> Option<Vec<Surge<'a>>> {
    let facts = &context.facts.nodes;
    let (managed, own) = (exam.read(&facts.managed), own_groups(context, exam));
    let managed = managed?.iter().map(|group| Surge {
        subject: format!("node group {}", group.name),
        nodes: surge::surge_nodes(group),
        each: &group.new_nodes,
    });
    let renewed = own?.iter().filter(|group| group.template().is_some() && !group.instances.is_empty());
    let own = renewed.map(|group| Surge {
        subject: format!("Auto Scaling group {}", group.name),
        nodes: surge::refresh_nodes(group.desired),
        each: &group.new_nodes,
    });
    Some(managed.chain(own).collect())
}

/// The groups of one's own. Where all nodes come from somewhere else none of them is renewed, known or not.
fn own_groups<'a>(context: &Context<'a>, exam: &mut Examination) -> Option<&'a [SelfManagedGroup]> {
    let facts = &context.facts.nodes;
    match (&facts.self_managed, &facts.nodes) {
        (Fact::NotRead(_), Fact::Known(nodes)) if nodes.iter().all(|node| maker(node) != Maker::Other) => {
            Some(&[])
        }
        (groups, _) => exam.read(groups).map(Vec::as_slice),
    }
}

/// The addresses free in the subnets that a group may use; those that were not read count for nothing.
fn free_in(ids: &[String], subnets: &[Subnet]) -> (u32, Vec<String>) {
    let own = subnets.iter().filter(|subnet| ids.contains(&subnet.id));
    let listed = own.clone().map(|of| format!("{} in {}: {}", of.id, of.zone, of.free_addresses));
    (own.map(|subnet| subnet.free_addresses).sum(), listed.collect())
}

fn node_addresses(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.nodes;
    let (surges, cni) = (surges(context, exam), exam.read(&facts.cni));
    let (subnets, pod_subnets) = (exam.read(&facts.subnets), exam.read(&facts.pod_subnets));
    let (Some(surges), Some(&cni), Some(subnets), Some(pod_subnets)) = (surges, cni, subnets, pod_subnets)
    else {
        return;
    };
    for Surge { subject, nodes, each } in surges {
        for id in each.subnet_ids.iter().filter(|id| !subnets.iter().any(|subnet| subnet.id == **id)) {
            exam.incomplete(format!("{subject}: subnet {id} is not among those that were read"));
        }
        let Some(&pods) = exam.read(&each.pods_per_node) else { continue };
        let needed = surge::addresses_of_surge(nodes, pods, cni, !pod_subnets.is_empty()).of_nodes;
        let (free, listed) = free_in(&each.subnet_ids, subnets);
        if free < needed {
            let what = format!("{nodes} new nodes take up to {needed} addresses, {free} are free");
            exam.find(subject, what, listed.join(", "));
        }
    }
}

fn pod_addresses(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.nodes;
    let (surges, cni) = (surges(context, exam), exam.read(&facts.cni));
    let (Some(surges), Some(&cni), Some(subnets)) = (surges, cni, exam.read(&facts.pod_subnets)) else {
        return;
    };
    if subnets.is_empty() {
        return;
    }
    let free: u32 = subnets.iter().map(|subnet| subnet.free_addresses).sum();
    for Surge { subject, nodes, each } in surges {
        let Some(&pods) = exam.read(&each.pods_per_node) else { continue };
        let needed = surge::addresses_of_surge(nodes, pods, cni, true).of_pods;
        if free < needed {
            let what = format!("pods of new nodes take up to {needed} addresses, {free} are free");
            exam.find(subject, what, "subnets of ENIConfigs");
        }
    }
}

fn vcpus(context: &Context<'_>, exam: &mut Examination) {
    let (surges, quotas) = (surges(context, exam), exam.read(&context.facts.nodes.vcpu_quotas));
    let (Some(surges), Some(quotas)) = (surges, quotas) else { return };
    for Surge { subject, nodes, each } in surges {
        let Some(&vcpus) = exam.read(&each.vcpus) else { continue };
        let needed = nodes.saturating_mul(vcpus);
        for wanted in &each.vcpu_quotas {
            match quotas.iter().find(|(name, _)| name == wanted) {
                Some((name, usage)) if usage.free() < needed => {
                    let what = format!("new nodes take up to {needed} vCPUs, {} are left", usage.free());
                    let evidence = format!("{name}: {} of {} in use", usage.used, usage.quota);
                    exam.find(&subject, what, evidence);
                }
                Some(_) => {}
                None => exam.incomplete(format!("{subject}: the quota {wanted:?} was not read")),
            }
        }
    }
}

fn volumes(context: &Context<'_>, exam: &mut Examination) {
    for (name, usage) in exam.read(&context.facts.nodes.volume_quotas).into_iter().flatten() {
        if u64::from(usage.used) * 100 > u64::from(usage.quota) * VOLUMES_PERCENT_MAX {
            let what = format!("more than {VOLUMES_PERCENT_MAX} % of the quota is used");
            exam.find(name, what, format!("{} of {} GiB in use", usage.used, usage.quota));
        }
    }
}

fn instance_types(context: &Context<'_>, exam: &mut Examination) {
    for Surge { subject, each, .. } in surges(context, exam).unwrap_or_default() {
        let Some(offers) = exam.read(&each.instance_types) else { continue };
        for zone in each.zones.iter().filter(|zone| !offers.iter().any(|offer| offer.zones.contains(zone))) {
            let types: Vec<_> = offers.iter().map(|offer| offer.instance_type.as_str()).collect();
            let what = format!("{zone} offers none of the group's instance types");
            exam.find(&subject, what, types.join(", "));
        }
    }
}

/// A pod that finds no place when its node is gone.
pub(super) struct Displaced<'a> {
    pub(super) pod: &'a Pod,
    pub(super) node: &'a str,
    /// Why no other node takes it, in words.
    pub(super) reasons: Vec<String>,
    /// Room was all that it lacked, on one node at least.
    pub(super) lacks_room: bool,
}

/// Pods that would find no place if their node were drained alone; `None` where that cannot be told.
pub(super) fn displaced<'a>(context: &Context<'a>, exam: &mut Examination) -> Option<Vec<Displaced<'a>>> {
    let facts = context.facts;
    let (nodes, pods) = (exam.read(&facts.nodes.nodes), exam.read(&facts.workloads.pods));
    let (nodes, pods, namespaces) = (nodes?, pods?, exam.read(&facts.workloads.namespaces)?);
    let labels = |(name, labels): (&'a String, &'a Labels)| (name.as_str(), labels);
    let mut placement = Placement::new(nodes, pods, namespaces.iter().map(labels));
    let mut found = Vec::new();
    for node in nodes.iter().filter(|node| !node.unschedulable) {
        let name = node.metadata.name.as_str();
        let leaving: Vec<&Pod> =
            placement.pods_on(name).iter().copied().filter(|pod| pod.is_evicted_by_drain()).collect();
        let mut moved = Vec::new();
        placement.set_cordoned(name, true);
        leaving.iter().for_each(|pod| placement.take(pod, name));
        for pod in &leaving {
            match placement.first_fit(pod, &[name]) {
                Some(to) => {
                    placement.place(pod, to);
                    moved.push((*pod, to));
                }
                None => {
                    let misfits = placement.node_names().filter_map(|to| placement.fits(pod, to).err());
                    let lacks_room = misfits.into_iter().any(|of| matches!(of, Misfit::Insufficient { .. }));
                    let reasons = fit::reasons(&placement, pod);
                    found.push(Displaced { pod, node: name, reasons, lacks_room });
                }
            }
        }
        moved.iter().for_each(|(pod, to)| placement.take(pod, to));
        leaving.iter().for_each(|pod| placement.place(pod, name));
        placement.set_cordoned(name, false);
    }
    Some(found)
}

fn room(context: &Context<'_>, exam: &mut Examination) {
    let Some(displaced) = displaced(context, exam) else { return };
    let nodes: BTreeSet<&str> = displaced.iter().filter(|of| of.lacks_room).map(|of| of.node).collect();
    for node in nodes {
        let pods = displaced.iter().filter(|of| of.lacks_room && of.node == node);
        let names: Vec<_> = pods.map(|of| of.pod.metadata.reference("Pod").to_string()).collect();
        let what = format!("no room elsewhere when the node is gone, for pods: {}", names.len());
        exam.find(format!("node {node}"), what, names.join(", "));
    }
}
