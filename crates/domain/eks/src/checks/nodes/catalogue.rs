//! The entries of the family.

use fleetwright_kubernetes::Minor;

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};

const fn check(
    code: &'static str,
    (severity, scope, applies): (Severity, Scope, Applies),
    title: &'static str,
    why: &'static str,
    source: &'static str,
    remedy: &'static str,
    evaluate: fn(&Context<'_>, &mut Examination),
) -> Check {
    Check { code, title, why, severity, scope, applies, source, remedy, evaluate }
}

const BLOCKS_HOP: (Severity, Scope, Applies) = (Severity::Blocking, Scope::Hop, Applies::Always);
const WARNS_OF_HOP: (Severity, Scope, Applies) = (Severity::Warning, Scope::Hop, Applies::Always);
const BLOCKS: (Severity, Scope, Applies) = (Severity::Blocking, Scope::Cluster, Applies::Always);
const WARNS: (Severity, Scope, Applies) = (Severity::Warning, Scope::Cluster, Applies::Always);

/// About hops to this version and later ones.
const fn from(severity: Severity, minor: u16) -> (Severity, Scope, Applies) {
    (severity, Scope::Hop, Applies::From(Minor::new(minor)))
}

pub(in crate::checks) const CHECKS: &[Check] = &[
    check(
        "EKS-N1",
        BLOCKS_HOP,
        "Every kubelet is within the version skew of the hop",
        "A kubelet must not be newer than the API server, nor more than three minors older.",
        "status.nodeInfo of nodes",
        "Replace the nodes before the hop.",
        super::kubelet_skew,
    ),
    check(
        "EKS-N2",
        BLOCKS,
        "Every managed node group is active and healthy",
        "EKS refuses to update a node group that is not, or fails half-way.",
        "eks:DescribeNodegroup",
        "Mend what the issue names.",
        super::managed_groups,
    ),
    check(
        "EKS-N3",
        from(Severity::Blocking, 33),
        "No node runs Amazon Linux 2",
        "EKS makes no Amazon Linux 2 images from 1.33 on.",
        "eks:DescribeNodegroup, nodes, Karpenter's node classes",
        "Move the nodes to Amazon Linux 2023 or Bottlerocket before the hop.",
        super::amazon_linux_2,
    ),
    check(
        "EKS-N4",
        BLOCKS_HOP,
        "An image for the version exists for every node group",
        "A node group without an image cannot be updated.",
        "ssm:GetParameter, ec2:DescribeLaunchTemplateVersions, ec2:DescribeImages",
        "Build or choose an image for the version.",
        super::target_images,
    ),
    check(
        "EKS-N5",
        BLOCKS_HOP,
        "Container runtime, control groups and kubelet flags are known to the version",
        "A kubelet that does not start leaves a node that never becomes ready.",
        "nodes, user data of launch templates",
        "Use a newer image; take the flag out of the user data.",
        super::runtimes,
    ),
    check(
        "EKS-N6",
        from(Severity::Warning, 35),
        "kube-proxy does not use IPVS",
        "The mode ipvs is deprecated since 1.35.",
        "ConfigMap kube-proxy-config",
        "Move to iptables or nftables.",
        super::ipvs,
    ),
    check(
        "EKS-N6b",
        from(Severity::Blocking, 36),
        "No pod has a volume of type gitRepo",
        "Kubernetes 1.36 does not start pods with such a volume.",
        "pods",
        "Clone the repository in an init container.",
        super::git_repo,
    ),
    check(
        "EKS-N7",
        WARNS,
        "No other change of a launch template is waiting",
        "A change that rolls out with the version is blamed on the version, or hidden by it.",
        "eks:DescribeNodegroup, ec2:DescribeLaunchTemplateVersions",
        "Roll the change out first, or name the version of the template.",
        super::launch_templates,
    ),
    check(
        "EKS-N8",
        BLOCKS,
        "Self-managed groups are made from launch templates",
        "A launch configuration cannot be changed: the group cannot get a new image.",
        "autoscaling:DescribeAutoScalingGroups",
        "Move the group to a launch template.",
        super::own_groups::launch_configurations,
    ),
    check(
        "EKS-N9",
        WARNS_OF_HOP,
        "Fargate pods have the control plane's version",
        "A Fargate pod gets a newer kubelet only when it is evicted and comes back.",
        "nodes",
        "Evict the pod, by its disruption budget.",
        super::fargate,
    ),
    check(
        "EKS-N10",
        WARNS,
        "Karpenter may replace its nodes",
        "Pinned images, an empty budget or a reached limit keep old nodes.",
        "NodePools, EC2NodeClasses",
        "Use an alias for images, a budget above 0 and a limit with room.",
        super::karpenter,
    ),
    check(
        "EKS-N11",
        WARNS,
        "Auto Mode may replace its nodes",
        "Auto Mode replaces nodes when they are too old, at last against every budget.",
        "NodePools",
        "Set a budget above 0 for the time of the upgrade.",
        super::auto_mode,
    ),
    check(
        "EKS-N12",
        WARNS,
        "No hybrid or Windows nodes",
        "Hybrid nodes are not upgraded here; Windows nodes take longer than others.",
        "nodes",
        "Plan hybrid nodes with who runs them; give Windows nodes more time.",
        super::other_kinds,
    ),
    check(
        "EKS-N13",
        WARNS,
        "All nodes are ready, at ease and open to pods",
        "A node that is out of service already takes the room that a drain needs.",
        "conditions of nodes",
        "Mend or replace the node; uncordon it where nobody needs it so.",
        super::health,
    ),
    check(
        "EKS-N14",
        BLOCKS,
        "Auto Scaling groups are free to replace instances",
        "Suspended processes, a refresh under way or protected instances stop the replacement.",
        "autoscaling:DescribeAutoScalingGroups, autoscaling:DescribeInstanceRefreshes",
        "Resume the processes, wait for the refresh, take the protection away.",
        super::own_groups::free_to_replace,
    ),
    check(
        "EKS-N15",
        BLOCKS,
        "Node groups are not replaced all at once",
        "maxUnavailable and MINIMAL may take away all nodes of a group together.",
        "eks:DescribeNodegroup updateConfig",
        "Lower maxUnavailable; use DEFAULT for a group with one node.",
        super::update_settings,
    ),
];
