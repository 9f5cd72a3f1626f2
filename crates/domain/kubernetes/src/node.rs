//! Nodes.

use serde::{Deserialize, Serialize};

use crate::object::ObjectMeta;
use crate::quantity::Resources;
use crate::taint::Taint;
use crate::version::Minor;

/// The label with a node's availability zone.
pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";
/// The label with a node's own name.
pub const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The kubelet's version.
    pub kubelet: Minor,
    /// It is ready.
    pub ready: bool,
    /// It is cordoned.
    pub unschedulable: bool,
    /// Conditions of pressure that hold, such as `MemoryPressure`.
    pub pressures: Vec<String>,
    /// Its taints, without those that stand for `ready` and `unschedulable`.
    pub taints: Vec<Taint>,
    /// What pods may take of it in all.
    pub allocatable: Resources,
    /// The image of its operating system, such as `Amazon Linux 2023.9.20251014`.
    pub os_image: String,
    /// `linux` or `windows`.
    pub operating_system: String,
    /// The container runtime, such as `containerd://2.1.4`.
    pub container_runtime: String,
    /// What its cloud calls it, such as `aws:///eu-central-1a/i-0123456789abcdef0`; empty where it says nothing.
    pub provider_id: String,
}

impl Node {
    /// Its availability zone, where it says one.
    pub fn zone(&self) -> Option<&str> {
        self.metadata.labels.get(ZONE_LABEL).map(String::as_str)
    }

    /// The EC2 instance that it is, by id; `None` for nodes that are none.
    /// Source: cloud-provider-aws, `KubernetesInstanceID`.
    pub fn instance_id(&self) -> Option<&str> {
        let path = self.provider_id.strip_prefix("aws://")?;
        path.rsplit('/').next().filter(|id| id.starts_with("i-"))
    }

    /// The major version of containerd; `None` with another runtime.
    pub fn containerd_major(&self) -> Option<u32> {
        let version = self.container_runtime.strip_prefix("containerd://")?;
        version.trim_start_matches('v').split('.').next()?.parse().ok()
    }
}
