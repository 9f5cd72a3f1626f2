//! What steps leave for later ones and for reports.

use serde::{Deserialize, Serialize};

/// What a cluster is compared with later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineNote {
    /// SHA-256 of the file that has it, hexadecimal.
    pub digest: String,
    /// Nodes, and of them those that were ready.
    pub nodes: u32,
    /// Nodes that were not ready.
    pub not_ready: u32,
    /// Deployments and StatefulSets.
    pub workloads: u32,
}

/// An update that EKS made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateNote {
    /// Its id.
    pub update: String,
}
