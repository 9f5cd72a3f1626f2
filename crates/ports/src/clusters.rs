//! EKS clusters: what EKS says of them, what they stand on, and the ports to both.
//!
//! Sources: Amazon EKS API reference; Amazon EKS User Guide, "Amazon EKS service quotas".

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use fleetwright_eks::facts::addons::AddonVersion;
use fleetwright_eks::facts::apis::DeprecatedUse;
use fleetwright_eks::facts::control_plane::{
    Cluster, ClusterRole, EncryptionKey, Insights, Right, Subnet, Usage, VersionOffer,
};
use fleetwright_eks::facts::nodes::{InstanceOffer, UpdateStrategy};
use fleetwright_kubernetes::{IntOrPercent, Minor};
use fleetwright_model::{Cell, Failure, Partial, Text};
use jiff::Timestamp;

/// Characters of the name of a cluster at most. Source: EKS API reference, CreateCluster.
const LONGEST_NAME: usize = 100;

/// A text that is no name of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{value:?} is no name of a cluster: it takes 1 to 100 letters, digits, '-' and '_', and begins with a letter or digit"
)]
pub struct InvalidClusterName {
    /// What was given, shortened to 120 characters.
    pub value: String,
}

/// The name of a cluster: one in its account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(Text);

impl ClusterName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClusterName {
    type Err = InvalidClusterName;

    fn from_str(text: &str) -> Result<Self, InvalidClusterName> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        match begins && text.len() <= LONGEST_NAME && text.bytes().all(plain) {
            true => Ok(Self(text.into())),
            false => Err(InvalidClusterName { value: text.chars().take(120).collect() }),
        }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A cluster as `DescribeCluster` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDescription {
    /// What the checks look at. When it was last upgraded is not known from here.
    pub cluster: Cluster,
    /// The certificate authority of its Kubernetes API, PEM; `None` while the cluster is being made.
    pub certificate_authority: Option<String>,
    /// The ARN of its role.
    pub role: String,
    /// The ARN of the key that encrypts its Secrets, where one does.
    pub key: Option<String>,
    /// Its tags; untrusted text.
    pub tags: BTreeMap<String, String>,
}

/// An update of a cluster, a node group or an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Its id.
    pub id: String,
    /// What it does, in EKS's word, such as `VersionUpdate`.
    pub kind: String,
    /// Where it stands.
    pub status: UpdateStatus,
    /// When it began.
    pub created_at: Timestamp,
    /// What went wrong, as code and message; untrusted text.
    pub errors: Vec<String>,
}

/// Where an update stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStatus {
    /// It goes on.
    InProgress,
    /// It ended well.
    Successful,
    /// It did not.
    Failed,
    /// It was called off.
    Cancelled,
}

impl UpdateStatus {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::InProgress, Self::Successful, Self::Failed, Self::Cancelled];

    /// In EKS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// An add-on as `DescribeAddon` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddonDescription {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its state.
    pub status: String,
    /// Health issues, as code and message; untrusted text.
    pub health_issues: Vec<String>,
    /// What it is configured with, JSON or YAML; untrusted text.
    pub configuration: Option<String>,
    /// It has a role: of its service account or by pod identity.
    pub has_role: bool,
}

/// Versions of an add-on that fit a version of Kubernetes, as `DescribeAddonVersions` shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddonOffer {
    /// The versions, the newest first.
    pub versions: Vec<AddonVersion>,
    /// The version that is the default needs IAM permissions; where there is none, the newest.
    pub needs_permissions: bool,
}

/// A managed node group as `DescribeNodegroup` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeGroupDescription {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Minor,
    /// The release of its image, such as `1.33.5-20260801`.
    pub release: String,
    /// Its state.
    pub status: String,
    /// Health issues, as code and message; untrusted text.
    pub health_issues: Vec<String>,
    /// Its AMI type.
    pub ami_type: String,
    /// Nodes it is to have, and may have.
    pub nodes: (u32, u32),
    /// Nodes that may be unavailable in an update.
    pub max_unavailable: IntOrPercent,
    /// How it is updated.
    pub strategy: UpdateStrategy,
    /// Its subnets, by id.
    pub subnet_ids: Vec<String>,
    /// Its instance types; empty where its launch template names them.
    pub instance_types: Vec<String>,
    /// Its nodes are Spot Instances.
    pub spot: bool,
    /// Its launch template, by id, and the version in use.
    pub launch_template: Option<(String, String)>,
    /// Its Auto Scaling groups, by name.
    pub scaling_groups: Vec<String>,
}

/// Whether EKS has looked at a cluster again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It is looking.
    InProgress,
    /// It has.
    Completed,
    /// It could not; untrusted text.
    Failed(String),
}

/// The EKS clusters of one cell. Every method but [`Clusters::refresh_insights`] reads only, and that one changes
/// nothing of the cluster.
#[async_trait]
pub trait Clusters: Send + Sync {
    /// Every cluster, by name.
    async fn clusters(&self, cell: &Cell<'_>) -> Partial<ClusterName>;

    /// A cluster.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] where there is none.
    async fn cluster(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<ClusterDescription, Failure>;

    /// The versions that EKS knows in this region, those without support included.
    ///
    /// # Errors
    /// The failure of the call.
    async fn versions(&self, cell: &Cell<'_>) -> Result<Vec<VersionOffer>, Failure>;

    /// The updates of the cluster itself, in no particular order.
    ///
    /// # Errors
    /// The failure of a call: an update that is not known may be one in progress.
    async fn updates(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Vec<Update>, Failure>;

    /// The insights that EKS has now.
    ///
    /// # Errors
    /// The failure of a call.
    async fn insights(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Insights, Failure>;

    /// The deprecated APIs that an insight, by its id, has seen in use, with who called them.
    ///
    /// # Errors
    /// The failure of the call.
    async fn deprecated_uses(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        insight: &str,
    ) -> Result<Vec<DeprecatedUse>, Failure>;

    /// Has EKS look again; a refresh that goes on is not begun again.
    ///
    /// # Errors
    /// The failure of the call.
    async fn refresh_insights(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<(), Failure>;

    /// How the last refresh stands.
    ///
    /// # Errors
    /// The failure of the call.
    async fn refresh(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Refresh, Failure>;

    /// The add-ons that EKS manages.
    ///
    /// # Errors
    /// The failure of a call.
    async fn addons(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Vec<AddonDescription>, Failure>;

    /// Versions of an add-on for a version of Kubernetes; none where it has none for it.
    ///
    /// # Errors
    /// The failure of the call.
    async fn addon_offer(&self, cell: &Cell<'_>, addon: &str, minor: Minor) -> Result<AddonOffer, Failure>;

    /// The JSON Schema of the configuration that a version of an add-on takes.
    ///
    /// # Errors
    /// The failure of the call.
    async fn addon_schema(
        &self,
        cell: &Cell<'_>,
        addon: &str,
        version: &str,
    ) -> Result<serde_json::Value, Failure>;

    /// The managed node groups.
    ///
    /// # Errors
    /// The failure of a call.
    async fn node_groups(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
    ) -> Result<Vec<NodeGroupDescription>, Failure>;
}

/// The parts of a cluster that an upgrade changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpgradedParts<'a> {
    /// Names of add-ons.
    pub addons: &'a [String],
    /// Names of managed node groups.
    pub node_groups: &'a [String],
    /// ARNs of Auto Scaling groups of one's own.
    pub scaling_groups: &'a [String],
}

/// What clusters of one cell stand on. Every method reads only.
#[async_trait]
pub trait Foundations: Send + Sync {
    /// Those of these subnets that exist.
    ///
    /// # Errors
    /// The failure of the call.
    async fn subnets(&self, cell: &Cell<'_>, ids: &[String]) -> Result<Vec<Subnet>, Failure>;

    /// Those of these security groups that exist, by id.
    ///
    /// # Errors
    /// The failure of the call.
    async fn security_groups(&self, cell: &Cell<'_>, ids: &[String]) -> Result<Vec<String>, Failure>;

    /// A role by its ARN; `None` where there is none.
    ///
    /// # Errors
    /// The failure of the call.
    async fn cluster_role(&self, cell: &Cell<'_>, arn: &str) -> Result<Option<ClusterRole>, Failure>;

    /// A KMS key by its ARN; `None` where there is none.
    ///
    /// # Errors
    /// The failure of the call.
    async fn encryption_key(&self, cell: &Cell<'_>, arn: &str) -> Result<Option<EncryptionKey>, Failure>;

    /// In which zones of the region each of these instance types is offered.
    ///
    /// # Errors
    /// The failure of the call.
    async fn instance_offers(&self, cell: &Cell<'_>, types: &[String])
    -> Result<Vec<InstanceOffer>, Failure>;

    /// The network interfaces of the region against their quota (`L-DF5E4CA3`).
    ///
    /// # Errors
    /// The failure of a call.
    async fn network_interfaces(&self, cell: &Cell<'_>) -> Result<Usage, Failure>;

    /// The quotas of vCPUs of standard instances in the region: On-Demand (`L-1216C47A`) and Spot (`L-34B43A08`).
    ///
    /// # Errors
    /// The failure of a call.
    async fn vcpu_quotas(&self, cell: &Cell<'_>) -> Result<(u32, u32), Failure>;

    /// GiB of the region's volumes against the quotas of their types, by the type's name: of gp2 (`L-D18FCD1D`) and gp3
    /// (`L-7A658B76`), which root volumes usually are; of io1 (`L-FD252861`) and io2 (`L-09BD8365`) where there are any.
    ///
    /// # Errors
    /// The failure of a call.
    async fn volume_storage(&self, cell: &Cell<'_>) -> Result<Vec<(String, Usage)>, Failure>;

    /// Those of these public parameters that exist: EKS names its images by them.
    ///
    /// # Errors
    /// The failure of a call.
    async fn public_parameters(&self, cell: &Cell<'_>, names: &[String]) -> Result<Vec<String>, Failure>;

    /// Whether the caller may make the calls that change something in an upgrade of a cluster: on the cluster, on each
    /// of its parts, ordered. Nothing is tried: policies are simulated, which says nothing of the policy of a session. A
    /// policy that names add-ons or node groups by the id that ends their ARN is not seen to allow anything.
    ///
    /// # Errors
    /// The failure of a call, as where the caller may not simulate. A part of the answers is no answer.
    async fn upgrade_rights(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        parts: UpgradedParts<'_>,
    ) -> Result<Vec<Right>, Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clusters_are_eks_own() {
        for good in ["a", "prod-1", "0_x"] {
            assert_eq!(good.parse::<ClusterName>().map(|it| it.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "-a", "a b", "a/b", &"a".repeat(101)] {
            assert!(bad.parse::<ClusterName>().is_err(), "{bad:?}");
        }
    }
}
