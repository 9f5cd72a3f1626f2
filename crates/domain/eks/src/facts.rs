//! What was read of a cluster. Every part is known, or says why it is not.

pub mod addons;
pub mod apis;
pub mod control_plane;
pub mod nodes;
pub mod own_groups;
pub mod workloads;

use serde::{Deserialize, Serialize};

pub use addons::{Addon, AddonFacts, AddonVersion, Software};
pub use apis::{ApiFacts, ApiService, ApiUse, Caller, CustomResource, Webhook};
pub use control_plane::{Cluster, ControlPlaneFacts, Insight, Subnet, VersionOffer};
pub use nodes::{CniMode, ManagedNodeGroup, NodeFacts, NodePool, SelfManagedGroup};
pub use workloads::{Workload, WorkloadFacts};

/// Something that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// Looked, and this is all there is.
    Known(T),
    /// Not known, and why.
    NotRead(Unread),
}

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unread {
    /// What kind of reason.
    pub cause: UnreadCause,
    /// What was asked, and what was answered; untrusted text.
    pub detail: String,
}

/// Kinds of reasons for not knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnreadCause {
    /// Access was refused.
    Denied,
    /// The cluster or the region does not offer the API.
    Unsupported,
    /// The call failed, or its answer could not be understood.
    Failed,
    /// Nobody asked: the source was left out or is not configured.
    NotAsked,
    /// What was read is not enough to judge by, or there was nothing to look at.
    Incomplete,
}

impl<T> Fact<T> {
    /// Not known.
    pub fn unread(cause: UnreadCause, detail: impl Into<String>) -> Self {
        Self::NotRead(Unread { cause, detail: detail.into() })
    }

    /// The fact, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::NotRead(_) => None,
        }
    }
}

/// Everything that was read of a cluster, family by family.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The cluster and what surrounds its control plane.
    pub control_plane: ControlPlaneFacts,
    /// Who uses which API.
    pub apis: ApiFacts,
    /// Add-ons and other software of the cluster.
    pub addons: AddonFacts,
    /// Nodes and what makes them.
    pub nodes: NodeFacts,
    /// What runs there, and what protects it.
    pub workloads: WorkloadFacts,
}
