//! Clusters of EKS in a scenario: `[[clusters]]` and `[[addon_kinds]]` tables.

mod around;
mod insights;
mod make;
mod objects;
mod own_groups;
mod pools;
mod suites;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub use around::Absent;
pub use insights::{CallerSection, DeprecationSection, InsightSection};
pub(super) use make::{clusters, kinds, region_of};
pub use objects::{ObjectSection, WorkloadKind, WorkloadSection};
pub use own_groups::{SelfManagedSection, TemplateSection};
pub use pools::PoolSection;
pub use suites::SuiteSection;

/// A cluster; a `[[clusters]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSection {
    /// Its name.
    pub name: String,
    /// How many like it, named `NAME-1` and so on; one of the plain name where absent.
    pub count: Option<usize>,
    /// The account's name.
    pub account: String,
    /// The region; the account's first where absent.
    pub region: Option<String>,
    /// The control plane's version, such as `1.33`.
    pub version: String,
    /// Its last upgrade in place; none where absent.
    pub upgraded: Option<UpgradedSection>,
    /// Whether it goes on into extended support.
    #[serde(default = "yes")]
    pub extended: bool,
    /// Whether EKS runs the nodes.
    #[serde(default)]
    pub auto_mode: bool,
    /// Whether it is protected from deletion.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Kinds of logs that it writes.
    #[serde(default)]
    pub logging: Vec<String>,
    /// ARN of the key that encrypts secrets; one of the account and region is made.
    pub key: Option<String>,
    /// Days after which that key is deleted; it stays where absent.
    pub key_deleted_in_days: Option<u32>,
    /// What it names and does not exist any more.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// What is wrong with it.
    #[serde(default)]
    pub issues: Vec<IssueSection>,
    /// The code that its next upgrade fails with.
    pub next_upgrade_fails: Option<String>,
    /// Features that no rollback is possible with.
    #[serde(default)]
    pub blocks_rollback: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Who may use its Kubernetes API; the access role as administrator where absent.
    pub access: Option<Vec<AccessEntrySection>>,
    /// Managed node groups.
    #[serde(default)]
    pub node_groups: Vec<NodeGroupSection>,
    /// Node pools: Karpenter's, or with `auto_mode` those of EKS.
    #[serde(default)]
    pub pools: Vec<PoolSection>,
    /// The version of Karpenter's controller, where there are pools of Karpenter.
    #[serde(default = "pools::usual_controller")]
    pub karpenter: String,
    /// Auto Scaling groups of one's own whose instances are its nodes.
    #[serde(default)]
    pub self_managed: Vec<SelfManagedSection>,
    /// Fargate profiles.
    #[serde(default)]
    pub fargate_profiles: Vec<FargateSection>,
    /// Add-ons.
    #[serde(default)]
    pub addons: Vec<AddonSection>,
    /// Roles of service accounts.
    #[serde(default)]
    pub pod_identities: Vec<PodIdentitySection>,
    /// What EKS has found out that the estate does not find out by itself.
    #[serde(default)]
    pub insights: Vec<InsightSection>,
    /// What runs in it.
    #[serde(default)]
    pub workloads: Vec<WorkloadSection>,
    /// Test suites, of which Jobs are made.
    #[serde(default)]
    pub suites: Vec<SuiteSection>,
    /// Other Kubernetes objects.
    #[serde(default)]
    pub objects: Vec<ObjectSection>,
}

const fn yes() -> bool {
    true
}

/// An upgrade in place that is over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpgradedSection {
    /// The version before.
    pub from: String,
    /// How many days before the start.
    pub days_ago: f64,
}

/// Something that is wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueSection {
    /// The API's code.
    pub code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

/// Who may use a cluster's Kubernetes API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessEntrySection {
    /// ARN of the user or role.
    pub principal: String,
    /// Kubernetes groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// EKS's access policies by their names, e.g. `AmazonEKSAdminViewPolicy`.
    #[serde(default)]
    pub policies: Vec<String>,
}

/// A managed node group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeGroupSection {
    /// Its name.
    pub name: String,
    /// Nodes that it has, and is wanted to have.
    #[serde(default = "usual_nodes")]
    pub nodes: usize,
    /// Nodes at least; 0 where absent.
    #[serde(default)]
    pub min: usize,
    /// Nodes at most; twice those it has where absent.
    pub max: Option<usize>,
    /// Their version; the cluster's where absent.
    pub version: Option<String>,
    /// Their type.
    #[serde(default = "usual_type")]
    pub instance_type: String,
    /// The kind of their image, as the EKS API spells it.
    #[serde(default = "usual_image")]
    pub ami_type: String,
    /// Nodes that may be replaced at once; 1 where absent.
    pub max_unavailable: Option<usize>,
    /// The same as a percentage.
    pub max_unavailable_percentage: Option<usize>,
    /// True where old nodes go before new ones come.
    #[serde(default)]
    pub minimal: bool,
    /// True where they are spare capacity.
    #[serde(default)]
    pub spot: bool,
    /// How many zones it spreads over, 1 to 3.
    #[serde(default = "usual_zones")]
    pub zones: usize,
    /// Labels of its nodes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes, the effect as the EKS API spells it.
    #[serde(default)]
    pub taints: Vec<TaintSection>,
    /// What is wrong with it.
    #[serde(default)]
    pub issues: Vec<IssueSection>,
    /// True where kubelets of new nodes never start.
    #[serde(default)]
    pub kubelets_fail: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its launch template; none of its own where absent.
    pub launch_template: Option<TemplateSection>,
}

/// A taint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaintSection {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
    /// `NO_SCHEDULE`, `NO_EXECUTE` or `PREFER_NO_SCHEDULE`.
    pub effect: String,
}

const fn usual_nodes() -> usize {
    3
}
const fn usual_zones() -> usize {
    2
}
fn usual_type() -> String {
    "m6i.large".to_owned()
}
fn usual_image() -> String {
    "AL2023_x86_64_STANDARD".to_owned()
}

/// A Fargate profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FargateSection {
    /// Its name.
    pub name: String,
    /// Namespaces whose pods it takes.
    pub namespaces: Vec<String>,
    /// The version of the kubelets that its pods began with; the cluster's where absent.
    pub version: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// An add-on of a cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonSection {
    /// Its name.
    pub name: String,
    /// Its version; the default for the cluster's where absent.
    pub version: Option<String>,
    /// Its configuration.
    pub configuration: Option<Value>,
    /// ARN of the role of its service account.
    pub role: Option<String>,
    /// True where somebody has changed in the cluster what it manages.
    #[serde(default)]
    pub drifted: bool,
    /// What is wrong with it.
    #[serde(default)]
    pub issues: Vec<IssueSection>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// The role of a service account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodIdentitySection {
    /// The namespace.
    pub namespace: String,
    /// The service account.
    pub service_account: String,
}

/// An add-on that can be had beside EKS's own, or instead of one; an `[[addon_kinds]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonKindSection {
    /// Its name.
    pub name: String,
    /// Who publishes it.
    #[serde(default = "usual_publisher")]
    pub publisher: String,
    /// What it is for.
    #[serde(default = "usual_purpose")]
    pub purpose: String,
    /// Its versions, the newest first.
    pub versions: Vec<AddonVersionSection>,
}

/// A version of such an add-on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonVersionSection {
    /// Its name.
    pub name: String,
    /// The first Kubernetes version that it fits.
    pub first: String,
    /// The last.
    pub last: String,
}

fn usual_publisher() -> String {
    "eks".to_owned()
}
fn usual_purpose() -> String {
    "observability".to_owned()
}
