//! A scenario as it is written in TOML.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::balancing::{BalancerSection, GroupSection};
use super::clusters::{AddonKindSection, ClusterSection};
use super::documents::DocumentSection;
use super::network::SubnetSection;
use super::quotas::QuotaSection;
use crate::fault::FaultRule;
use crate::generate::fleet::Fleet;
use crate::limits::LimitSettings;
use crate::world::calendars::Calendar;
use crate::world::host::fault::HostFault;
use crate::world::metrics::Alarm;
use crate::world::pace::Pace;
use crate::world::platform::Platform;
use crate::world::releases::Release;

/// A scenario: who is there, how they get in, what goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, usually the file's.
    pub name: String,
    /// What story it tells.
    #[serde(default)]
    pub description: String,
    /// What everything random is drawn from.
    #[serde(default)]
    pub seed: u64,
    /// When it starts, RFC 3339.
    #[serde(default = "usual_start")]
    pub start: Timestamp,
    /// The organisation around the accounts.
    #[serde(default)]
    pub organization: OrganizationSection,
    /// Accounts by hand.
    #[serde(default)]
    pub accounts: Vec<AccountSection>,
    /// The generated fleet.
    #[serde(default)]
    pub fleet: Fleet,
    /// How the hub gets into the accounts.
    #[serde(default)]
    pub access: AccessSection,
    /// Request rates.
    #[serde(default)]
    pub limits: LimitSettings,
    /// How long things take.
    #[serde(default)]
    pub pace: Pace,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<FaultRule>,
    /// What goes wrong on hosts.
    #[serde(default)]
    pub hosts: Vec<HostFault>,
    /// CloudWatch alarms.
    #[serde(default)]
    pub alarms: Vec<Alarm>,
    /// Systems Manager documents of the organisation's own.
    #[serde(default)]
    pub documents: Vec<DocumentSection>,
    /// Load balancers.
    #[serde(default)]
    pub load_balancers: Vec<BalancerSection>,
    /// Auto Scaling groups.
    #[serde(default)]
    pub auto_scaling_groups: Vec<GroupSection>,
    /// Clusters of EKS.
    #[serde(default)]
    pub clusters: Vec<ClusterSection>,
    /// Subnets of which something is to be said.
    #[serde(default)]
    pub subnets: Vec<SubnetSection>,
    /// Quotas that are not the usual ones.
    #[serde(default)]
    pub quotas: Vec<QuotaSection>,
    /// Add-ons for clusters beside EKS's own.
    #[serde(default)]
    pub addon_kinds: Vec<AddonKindSection>,
    /// Change calendars.
    #[serde(default)]
    pub calendars: Vec<Calendar>,
    /// Patches that are released meanwhile.
    #[serde(default)]
    pub releases: Vec<Release>,
    /// Buckets that are there.
    #[serde(default)]
    pub buckets: Vec<BucketSection>,
    /// Instances by hand.
    #[serde(default)]
    pub instances: Vec<InstanceSection>,
    /// Images that were made before it starts.
    #[serde(default)]
    pub images: Vec<ImageSection>,
    /// What a test expects; the estate itself does not read it.
    #[serde(default)]
    pub expect: toml::Table,
}

fn usual_start() -> Timestamp {
    // A Monday night, as maintenance windows like them.
    Timestamp::constant(1_793_584_800, 0)
}

/// The organisation around the accounts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrganizationSection {
    /// What the hub account is in it.
    pub hub: HubPlace,
}

/// What the hub account is in the organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HubPlace {
    /// The management account.
    #[default]
    Management,
    /// A delegated administrator, which may list the accounts as well.
    Delegated,
    /// A member like the others, which may not.
    Member,
    /// There is no organisation.
    NoOrganization,
}

/// An account by hand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSection {
    /// Its name.
    pub name: String,
    /// Its id, 12 digits in quotes; drawn where absent.
    pub id: Option<String>,
    /// Its environment; the fleet's in turn where absent.
    pub environment: Option<String>,
    /// The regions in use; the fleet's where absent.
    pub regions: Option<Vec<String>>,
    /// Generated instances in each region; the fleet's share where absent.
    pub instances_per_region: Option<usize>,
}

/// An empty bucket of S3.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSection {
    /// Its name.
    pub name: String,
    /// The account that owns it, by name.
    pub account: String,
    /// The region it is in; the account's first where absent.
    pub region: Option<String>,
}

/// How the hub gets into the accounts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSection {
    /// Name of the role in every account.
    pub role_name: String,
    /// The external id of every role; one of its own for each account where absent.
    pub external_id: Option<String>,
    /// What the role may do.
    pub permissions: Permissions,
    /// Actions that the hub's user may take in its own account besides entering the others, with `*` and `?`.
    pub hub_actions: Vec<String>,
    /// Names of the buckets that instances with a profile may put objects into and get them from, with `*` and `?`.
    pub instance_buckets: Vec<String>,
    /// Accounts where something is different.
    pub exceptions: Vec<ExceptionSection>,
}

impl Default for AccessSection {
    fn default() -> Self {
        Self {
            role_name: "FleetwrightSpoke".to_owned(),
            external_id: None,
            permissions: Permissions::Full,
            hub_actions: Vec::new(),
            instance_buckets: vec!["*".to_owned()],
            exceptions: Vec::new(),
        }
    }
}

/// What the role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permissions {
    /// Everything.
    Full,
    /// What a scan reads, and simulating its own policies.
    Scan,
}

/// An account where access is different.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionSection {
    /// The account's name.
    pub account: String,
    /// What is wrong.
    pub problem: Problem,
    /// The regions it is about; for `region-not-enabled` and `scp-denies`.
    #[serde(default)]
    pub regions: Vec<String>,
    /// The actions it is about; for `actions-missing` and `scp-denies`.
    #[serde(default)]
    pub actions: Vec<String>,
}

/// What can be wrong with access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// There is no such role.
    RoleMissing,
    /// The role demands another external id than the inventory gives.
    WrongExternalId,
    /// The role trusts another account than the hub.
    HubNotTrusted,
    /// The role's policy does not allow `actions`.
    ActionsMissing,
    /// The account has not enabled `regions`, which must be opt-in regions.
    RegionNotEnabled,
    /// A service control policy denies `actions` (all where empty) in `regions` (all where empty).
    ScpDenies,
}

/// One or more like instances by hand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceSection {
    /// The account's name.
    pub account: String,
    /// The region; the account's first where absent.
    pub region: Option<String>,
    /// How many.
    #[serde(default = "one")]
    pub count: usize,
    /// Its id, where it is only one; drawn where absent.
    pub id: Option<String>,
    /// When it was launched, RFC 3339; drawn where absent.
    pub launched_at: Option<Timestamp>,
    /// Operating system.
    #[serde(default = "usual_platform")]
    pub platform: Platform,
    /// Size.
    #[serde(default = "usual_type")]
    pub instance_type: String,
    /// State.
    #[serde(default)]
    pub state: State,
    /// The agent.
    #[serde(default)]
    pub agent: AgentState,
    /// Whether Patch Manager ever looked.
    #[serde(default)]
    pub patch_manager: PatchManager,
    /// The patches that are missing, by id or title, with `*` and `?`; drawn where absent. Not with
    /// `patch_manager = "never"`.
    pub missing: Option<Vec<String>>,
    /// How it is paid for.
    #[serde(default)]
    pub lifecycle: Payment,
    /// Where the root device lives.
    #[serde(default)]
    pub root_device: RootKind,
    /// Zone, 0 to 2.
    #[serde(default)]
    pub zone: usize,
    /// Tags, exactly these.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Further tags are added until there are so many; 50 at most.
    #[serde(default)]
    pub fill_tags_to: usize,
}

/// Images of instances by hand, complete since they were made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSection {
    /// Of which instances, by `Name` tag, with `*` and `?`.
    pub instance: String,
    /// How many days before the start they were made.
    pub days_old: u16,
    /// The beginning of their names; the instance's id follows.
    pub name: String,
    /// Tags of the images and of their snapshots; `{instance}` stands for the instance's id.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

const fn one() -> usize {
    1
}

const fn usual_platform() -> Platform {
    Platform::AmazonLinux2023
}

fn usual_type() -> String {
    "t3.medium".to_owned()
}

/// An instance's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Starting.
    Pending,
    /// Up.
    #[default]
    Running,
    /// On its way down.
    Stopping,
    /// Down.
    Stopped,
    /// On its way out.
    ShuttingDown,
    /// Gone.
    Terminated,
}

/// An agent's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// Pings.
    #[default]
    Online,
    /// Stopped pinging.
    Lost,
    /// Written off.
    Inactive,
    /// Never registered.
    Never,
}

/// Whether Patch Manager ever looked at an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatchManager {
    /// It has.
    #[default]
    Scanned,
    /// It has not.
    Never,
}

/// How an instance is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payment {
    /// The usual way.
    #[default]
    OnDemand,
    /// Spare capacity.
    Spot,
}

/// Where a root device lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootKind {
    /// On a volume.
    #[default]
    Ebs,
    /// On the host.
    InstanceStore,
}
