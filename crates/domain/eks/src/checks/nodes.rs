//! Nodes and what makes them.

mod catalogue;
mod own_groups;

use fleetwright_kubernetes::{IntOrPercent, Node, Skew, version::skew};

pub(super) use catalogue::CHECKS;

use crate::check::{Context, Examination};
use crate::facts::nodes::UpdateStrategy;
use crate::maker::{Maker, maker};

/// Nodes of a managed group that may be unavailable at once. Source: EKS API reference, `NodegroupUpdateConfig`.
const MAX_UNAVAILABLE: i32 = 100;

fn node_name(node: &Node) -> String {
    format!("node {}", node.metadata.name)
}

fn kubelet_skew(context: &Context<'_>, exam: &mut Examination) {
    for node in exam.read(&context.facts.nodes.nodes).into_iter().flatten() {
        let evidence = format!("kubelet {}", node.kubelet);
        match skew(node.kubelet, context.hop.to) {
            Skew::Supported => {}
            Skew::Newer => exam.find(node_name(node), "the kubelet is newer than the API server", evidence),
            Skew::TooOld { oldest } if context.is_first_hop() => {
                let what = format!("the kubelet is too old for {}: at least {oldest}", context.hop.to);
                exam.find(node_name(node), what, evidence);
            }
            Skew::TooOld { oldest } => {
                let what =
                    format!("the node must be at {oldest} or newer before the hop to {}", context.hop.to);
                exam.warn(node_name(node), what, evidence);
            }
        }
    }
}

fn managed_groups(context: &Context<'_>, exam: &mut Examination) {
    for group in exam.read(&context.facts.nodes.managed).into_iter().flatten() {
        let subject = format!("node group {}", group.name);
        if group.status != "ACTIVE" {
            exam.find(&subject, "the node group is not active", format!("status {}", group.status));
        }
        for issue in &group.health_issues {
            exam.find(&subject, "EKS reports a health issue", issue);
        }
    }
}

fn amazon_linux_2(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.nodes;
    for group in exam.read(&facts.managed).into_iter().flatten() {
        if group.ami_type.starts_with("AL2_") {
            let what = format!("there is no Amazon Linux 2 image for {}", context.hop.to);
            exam.find(format!("node group {}", group.name), what, format!("AMI type {}", group.ami_type));
        }
    }
    for pool in exam.read(&facts.pools).into_iter().flatten() {
        if pool.image_family == "AL2" {
            let what = format!("there is no Amazon Linux 2 image for {}", context.hop.to);
            exam.find(format!("node pool {}", pool.name), what, "amiFamily AL2");
        }
    }
    for node in exam.read(&facts.nodes).into_iter().flatten() {
        if node.os_image.starts_with("Amazon Linux 2") && !node.os_image.starts_with("Amazon Linux 2023") {
            exam.find(node_name(node), "the node runs Amazon Linux 2", &node.os_image);
        }
    }
}

fn target_images(context: &Context<'_>, exam: &mut Examination) {
    for group in exam.read(&context.facts.nodes.managed).into_iter().flatten() {
        if exam.read(&group.target_image) == Some(&false) {
            let what = format!("no image for {} is known", context.hop.to);
            exam.find(format!("node group {}", group.name), what, format!("AMI type {}", group.ami_type));
        }
    }
    // They are replaced after the last hop, unless they are too old by then: the plan sees to that.
    if context.route.last() == Some(&context.hop) {
        own_groups::target_versions(context, exam);
    }
}

fn runtimes(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.nodes;
    for node in exam.read(&facts.nodes).into_iter().flatten() {
        let is_old = context.hop.to.number() >= 36 && node.containerd_major() == Some(1);
        if is_old && !gets_a_new_image(context, node, exam) {
            exam.find(node_name(node), "containerd 1 is not supported from 1.36 on", &node.container_runtime);
        }
    }
    if context.hop.to.number() >= 35 {
        for name in exam.read(&facts.cgroup_v1).into_iter().flatten() {
            let what = "the kubelet of 1.35 refuses to start with version 1 of control groups";
            exam.find(format!("node {name}"), what, "cgroup v1");
        }
    }
    for flag in exam.read(&facts.kubelet_flags).into_iter().flatten() {
        let gone = match flag.flag.as_str() {
            "--keep-terminated-pod-volumes" => 31,
            "--pod-infra-container-image" => 35,
            _ => continue,
        };
        if context.hop.to.number() >= gone {
            exam.find(&flag.by, format!("the kubelet of 1.{gone} does not know the flag"), &flag.flag);
        }
    }
}

/// Whether EKS or Karpenter makes the node anew from the image for the new version, and not from one that somebody chose.
/// The kubelet that a node has now goes on with the runtime that it has.
fn gets_a_new_image(context: &Context<'_>, node: &Node, exam: &mut Examination) -> bool {
    let facts = &context.facts.nodes;
    match maker(node) {
        Maker::ManagedGroup(name) => {
            let groups = exam.read(&facts.managed).map(Vec::as_slice).unwrap_or_default();
            groups.iter().any(|group| group.name == name && group.ami_type != "CUSTOM")
        }
        Maker::Pool(name) => {
            let pools = exam.read(&facts.pools).map(Vec::as_slice).unwrap_or_default();
            pools.iter().any(|pool| pool.name == name && !pool.pinned_images)
        }
        Maker::Fargate => true,
        Maker::Hybrid => false,
        Maker::Other => own_groups::gets_a_new_image(context, node, exam),
    }
}

fn ipvs(context: &Context<'_>, exam: &mut Examination) {
    if let Some(mode) = exam.read(&context.facts.nodes.proxy_mode)
        && mode == "ipvs"
    {
        exam.find("kube-proxy", "the mode ipvs is deprecated since 1.35 and will be removed", "mode ipvs");
    }
}

fn git_repo(context: &Context<'_>, exam: &mut Examination) {
    use fleetwright_kubernetes::pod::Volume;
    for pod in exam.read(&context.facts.workloads.pods).into_iter().flatten() {
        if pod.volumes.contains(&Volume::GitRepo) {
            let subject = pod.metadata.reference("Pod");
            exam.find(subject, "volumes of type gitRepo are off from 1.36 on", "gitRepo");
        }
    }
}

fn launch_templates(context: &Context<'_>, exam: &mut Examination) {
    for group in exam.read(&context.facts.nodes.managed).into_iter().flatten() {
        if exam.read(&group.pending_launch_template) == Some(&true) {
            let what = "a newer launch template would be rolled out together with the version";
            exam.find(format!("node group {}", group.name), what, "its default version is newer");
        }
    }
    own_groups::waiting_changes(context, exam);
}

fn fargate(context: &Context<'_>, exam: &mut Examination) {
    let Some(nodes) = exam.read(&context.facts.nodes.nodes) else { return };
    for node in nodes.iter().filter(|node| maker(node) == Maker::Fargate) {
        if node.kubelet < context.hop.from {
            let what = "the Fargate pod is older than the control plane already: evict it";
            exam.find(node_name(node), what, format!("kubelet {}", node.kubelet));
        }
    }
}

fn karpenter(context: &Context<'_>, exam: &mut Examination) {
    let Some(pools) = exam.read(&context.facts.nodes.pools) else { return };
    for pool in pools.iter().filter(|pool| !pool.auto_mode) {
        let subject = format!("node pool {}", pool.name);
        if pool.pinned_images {
            let what = "images are pinned: the nodes do not follow the control plane";
            exam.find(&subject, what, "amiSelectorTerms name ids");
        }
        if matches!(pool.budget, IntOrPercent::Count(0) | IntOrPercent::Percent(0)) {
            exam.find(&subject, "the budget lets no node drift", format!("nodes: {}", pool.budget));
        }
        if pool.held {
            let what = "its first budget lets no node drift, as an upgrade under way has it or one that ended early \
                        left it: the next takes it away when it has replaced the nodes";
            exam.find(&subject, what, "nodes: 0, reasons: Drifted");
        }
        if pool.vcpus_left == Some(0) {
            exam.find(&subject, "the limit leaves no room for a replacement", "limits.cpu is reached");
        }
    }
}

fn auto_mode(context: &Context<'_>, exam: &mut Examination) {
    let Some(pools) = exam.read(&context.facts.nodes.pools) else { return };
    for pool in pools.iter().filter(|pool| pool.auto_mode) {
        if matches!(pool.budget, IntOrPercent::Count(0) | IntOrPercent::Percent(0)) {
            let what = "the budget lets Auto Mode replace no node before it has to";
            exam.find(format!("node pool {}", pool.name), what, format!("nodes: {}", pool.budget));
        }
    }
}

fn other_kinds(context: &Context<'_>, exam: &mut Examination) {
    for node in exam.read(&context.facts.nodes.nodes).into_iter().flatten() {
        if maker(node) == Maker::Hybrid {
            exam.find(
                node_name(node),
                "hybrid nodes are upgraded by whoever runs them",
                "compute type hybrid",
            );
        }
        if node.operating_system == "windows" {
            exam.find(node_name(node), "Windows nodes take longer to come up", &node.os_image);
        }
    }
}

fn health(context: &Context<'_>, exam: &mut Examination) {
    for node in exam.read(&context.facts.nodes.nodes).into_iter().flatten() {
        if !node.ready {
            exam.find(node_name(node), "the node is not ready", "condition Ready");
        }
        if !node.pressures.is_empty() {
            exam.find(node_name(node), "the node is under pressure", node.pressures.join(", "));
        }
        if node.unschedulable {
            exam.find(
                node_name(node),
                "the node is cordoned, perhaps since an earlier attempt",
                "spec.unschedulable",
            );
        }
    }
}

fn update_settings(context: &Context<'_>, exam: &mut Examination) {
    for group in exam.read(&context.facts.nodes.managed).into_iter().flatten() {
        let subject = format!("node group {}", group.name);
        let nodes = i32::try_from(group.nodes).unwrap_or(i32::MAX);
        let unavailable = group.max_unavailable.of(nodes);
        if unavailable > MAX_UNAVAILABLE {
            let what = format!("more than {MAX_UNAVAILABLE} nodes would be unavailable at once");
            exam.find(&subject, what, format!("maxUnavailable {}", group.max_unavailable));
        }
        if nodes > 1 && unavailable >= nodes {
            let what = "all nodes of the group would be replaced at once";
            exam.find(&subject, what, format!("maxUnavailable {} of {nodes} nodes", group.max_unavailable));
        }
        if group.strategy == UpdateStrategy::Minimal && group.nodes == 1 {
            let what = "MINIMAL takes the group's only node away before there is another";
            exam.find(&subject, what, "updateStrategy MINIMAL, one node");
        }
    }
}
