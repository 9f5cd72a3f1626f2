//! Nouns and rules of Kubernetes that upgrades are decided by.
//!
//! Pure data and functions: what was read of a cluster is handed in, nothing here asks for it.

pub mod api;
pub mod disruption;
pub mod fit;
pub mod helm;
pub mod image;
pub mod lifecycle;
pub mod manifest;
pub mod node;
pub mod object;
pub mod pod;
pub mod quantity;
pub mod resource;
pub mod rewrite;
pub mod selector;
pub mod taint;
pub mod version;

pub use api::{ApiVersion, GroupVersionKind, InvalidApiVersion};
pub use disruption::{
    Budget, DisruptionStatus, Eviction, IntOrPercent, PodDisruptionBudget, UnhealthyPodEvictionPolicy,
};
pub use fit::{Misfit, Placement};
pub use helm::{HelmRelease, UnreadableRelease};
pub use image::ImageRef;
pub use lifecycle::{ApiTable, Replacement, Verdict};
pub use manifest::{Manifest, ManifestGap, Manifests};
pub use node::Node;
pub use object::{Labels, ObjectMeta, ObjectRef, OwnerReference, owner_chain};
pub use pod::Pod;
pub use quantity::{Quantity, Resources};
pub use resource::{Depth, Resource};
pub use rewrite::{Rewrite, rewrite};
pub use selector::{LabelSelector, Operator, Requirement};
pub use taint::{Effect, Taint, Toleration};
pub use version::{Hop, InvalidMinor, Minor, Skew, UnreachableMinor};
