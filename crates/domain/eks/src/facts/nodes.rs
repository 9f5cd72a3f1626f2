//! Nodes, what makes them, and the room they need.

use fleetwright_kubernetes::{IntOrPercent, Minor, Node};
use serde::{Deserialize, Serialize};

use super::control_plane::{Subnet, Usage};
pub use super::own_groups::{
    GroupInstance, GroupTemplate, LaunchSource, Launched, MixedPolicy, SelfManagedGroup, TemplateRef,
    TemplateVersion,
};
use super::{Fact, Unread};

/// Nodes and their makers.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeFacts {
    /// Nodes.
    pub nodes: Fact<Vec<Node>>,
    /// Managed node groups (`DescribeNodegroup`).
    pub managed: Fact<Vec<ManagedNodeGroup>>,
    /// Auto Scaling groups whose instances are nodes, and that no managed group owns.
    pub self_managed: Fact<Vec<SelfManagedGroup>>,
    /// Node pools of Karpenter, or of EKS Auto Mode.
    pub pools: Fact<Vec<NodePool>>,
    /// kube-proxy's mode: `iptables`, `ipvs` or `nftables`.
    pub proxy_mode: Fact<String>,
    /// Flags that user data and launch templates give the kubelet.
    pub kubelet_flags: Fact<Vec<KubeletFlag>>,
    /// Nodes, by name, that run with version 1 of control groups.
    pub cgroup_v1: Fact<Vec<String>>,
    /// How addresses are given to pods.
    pub cni: Fact<CniMode>,
    /// Subnets of nodes.
    pub subnets: Fact<Vec<Subnet>>,
    /// Subnets of pods, where they have subnets of their own (`ENIConfig`); empty where they have not.
    pub pod_subnets: Fact<Vec<Subnet>>,
    /// vCPUs by quota, such as `Running On-Demand Standard instances`.
    pub vcpu_quotas: Fact<Vec<(String, Usage)>>,
    /// Storage of volumes by their type, such as `gp3`, against the quota of the type, in GiB.
    pub volume_quotas: Fact<Vec<(String, Usage)>>,
}

/// A managed node group.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedNodeGroup {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Minor,
    /// Its state, such as `ACTIVE`.
    pub status: String,
    /// Health issues, as code and message.
    pub health_issues: Vec<String>,
    /// Its AMI type, such as `AL2023_x86_64_STANDARD` or `CUSTOM`.
    pub ami_type: String,
    /// An image for the version to come exists.
    pub target_image: Fact<bool>,
    /// Nodes it has.
    pub nodes: u32,
    /// Nodes it may have.
    pub max_nodes: u32,
    /// Nodes that may be unavailable in an update.
    pub max_unavailable: IntOrPercent,
    /// How it is updated.
    pub strategy: UpdateStrategy,
    /// A newer version of its launch template than the one in use is the default.
    pub pending_launch_template: Fact<bool>,
    /// What new nodes of it take.
    pub new_nodes: NewNodes,
}

/// Where new nodes of a group come to stand, and what each of them takes at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNodes {
    /// The subnets that they may be in, by id.
    pub subnet_ids: Vec<String>,
    /// The zones of these subnets.
    pub zones: Vec<String>,
    /// Their instance types, and in which zones each is offered.
    pub instance_types: Fact<Vec<InstanceOffer>>,
    /// vCPUs of the largest of these types.
    pub vcpus: Fact<u32>,
    /// The names of the quotas that they may count against; none where their types are not known.
    pub vcpu_quotas: Vec<String>,
    /// Pods on the fullest node so far.
    pub pods_per_node: Fact<u32>,
}

impl NewNodes {
    /// Those of a group whose subnets alone are known, and why no more is.
    pub fn not_read(subnet_ids: Vec<String>, why: &Unread) -> Self {
        Self {
            subnet_ids,
            zones: Vec::new(),
            instance_types: Fact::NotRead(why.clone()),
            vcpus: Fact::NotRead(why.clone()),
            vcpu_quotas: Vec::new(),
            pods_per_node: Fact::NotRead(why.clone()),
        }
    }
}

/// Where an instance type is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceOffer {
    /// The type.
    pub instance_type: String,
    /// Zones that offer it.
    pub zones: Vec<String>,
}

/// `updateConfig.updateStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum UpdateStrategy {
    /// New nodes first.
    Default,
    /// Old nodes go first.
    Minimal,
}

impl UpdateStrategy {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::Minimal => "MINIMAL",
        }
    }
}

/// A node pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePool {
    /// Its name.
    pub name: String,
    /// EKS Auto Mode owns it.
    pub auto_mode: bool,
    /// Its image family, such as `AL2023`.
    pub image_family: String,
    /// Images are pinned to ids, and do not follow the control plane.
    pub pinned_images: bool,
    /// Its first budget lets no node drift, as a run of ours puts it in front of the others.
    pub held: bool,
    /// Nodes that may be disrupted at once, by the tightest budget that holds for drift; that of a held pool is left out.
    pub budget: IntOrPercent,
    /// vCPUs left of its limit; `None` without a limit.
    pub vcpus_left: Option<u32>,
}

/// A flag of the kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletFlag {
    /// The flag, such as `--pod-infra-container-image`.
    pub flag: String,
    /// Who gives it, such as a launch template.
    pub by: String,
}

/// How the VPC CNI gives addresses to pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CniMode {
    /// Single addresses of network interfaces.
    Addresses {
        /// Addresses of one interface of the usual instance type.
        per_interface: u32,
        /// `WARM_IP_TARGET`; `None` keeps a whole interface warm.
        warm_addresses: Option<u32>,
        /// `MINIMUM_IP_TARGET`.
        minimum_addresses: u32,
    },
    /// Prefixes of 16 addresses (`ENABLE_PREFIX_DELEGATION`).
    Prefixes,
    /// Another network: pods take no addresses of the VPC.
    Overlay,
}
