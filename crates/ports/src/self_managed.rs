//! Auto Scaling groups of one's own whose instances are nodes of clusters: what they are made from, and refreshes of
//! their instances.
//!
//! Sources: EC2 Auto Scaling API reference, DescribeAutoScalingGroups, StartInstanceRefresh, CancelInstanceRefresh and
//! DescribeInstanceRefreshes; EC2 API reference, DescribeLaunchTemplateVersions; EKS User Guide, "Maintain nodes yourself
//! with self-managed nodes".

use async_trait::async_trait;
use fleetwright_eks::facts::nodes::{GroupInstance, MixedPolicy, TemplateRef, TemplateVersion};
use fleetwright_model::{Cell, Failure};
use jiff::Timestamp;

use crate::clusters::ClusterName;

/// A group as `DescribeAutoScalingGroups` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its name; untrusted text.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Members that it has at least, aims at, and has at most.
    pub size: (u32, u32, u32),
    /// Its subnets, by id.
    pub subnet_ids: Vec<String>,
    /// What its instances are launched from.
    pub source: GroupSource,
    /// Processes that are suspended.
    pub suspended: Vec<String>,
    /// Its instances.
    pub instances: Vec<GroupInstance>,
}

/// What the instances of a group are launched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSource {
    /// A launch configuration.
    Configuration,
    /// A launch template.
    Template {
        /// Its id.
        id: String,
        /// The version that the group names: a number, `$Latest` or `$Default`.
        version: String,
        /// The mixed instances policy that names it, where one does.
        mixed: Option<MixedPolicy>,
    },
    /// A mixed instances policy that names several templates, or one that is named without an id.
    Unclear,
}

/// Where a refresh of instances stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshStatus {
    /// It goes on, or is about to.
    Active,
    /// It was called off, and finishes what it has begun.
    Cancelling,
    /// Every instance was replaced.
    Successful,
    /// It did not get there.
    Failed,
    /// It was called off.
    Cancelled,
}

impl RefreshStatus {
    /// Whether it does something.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active | Self::Cancelling)
    }
}

/// A refresh of a group's instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRefresh {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: RefreshStatus,
    /// The same in the service's own words, with its reason; untrusted text.
    pub told: String,
    /// What it launches from where it says so: the id of a template and a version.
    pub desired: Option<(String, String)>,
    /// When it began; none where it has not.
    pub began_at: Option<Timestamp>,
    /// How much of it is done, in percent.
    pub percent: u32,
}

impl InstanceRefresh {
    /// Whether it launches from that version of that template.
    pub fn launches(&self, template: &TemplateRef) -> bool {
        let version = template.version.to_string();
        self.desired.as_ref().is_some_and(|(id, number)| *id == template.id && *number == version)
    }
}

/// Groups of one's own in one cell. Every method reads only.
#[async_trait]
pub trait SelfManagedGroups: Send + Sync {
    /// The groups with the tag `kubernetes.io/cluster/NAME` = `owned`, but for those that EKS keeps, by name.
    ///
    /// # Errors
    /// The failure of a call: a part of the groups is no answer.
    async fn groups(&self, cell: &Cell<'_>, cluster: &ClusterName) -> Result<Vec<GroupDescription>, Failure>;

    /// A group by its name; none where there is none.
    ///
    /// # Errors
    /// The failure of the call.
    async fn group(&self, cell: &Cell<'_>, name: &str) -> Result<Option<GroupDescription>, Failure>;

    /// Every version of a launch template, the newest first, with the version of Kubernetes that its image is made for.
    ///
    /// # Errors
    /// The failure of a call; [`fleetwright_model::ErrorClass::NotFound`] where there is no such template.
    async fn template_versions(
        &self,
        cell: &Cell<'_>,
        template: &str,
    ) -> Result<Vec<TemplateVersion>, Failure>;

    /// The refreshes of a group that are known, the latest first.
    ///
    /// # Errors
    /// The failure of the call; also where there is no such group.
    async fn refreshes(&self, cell: &Cell<'_>, group: &str) -> Result<Vec<InstanceRefresh>, Failure>;
}

/// Refreshes the instances of groups of one's own. No token makes a repeated call the same: whoever begins a refresh
/// looks first whether one goes on.
#[async_trait]
pub trait InstanceRefreshes: Send + Sync {
    /// Begins to replace the instances of a group by those of a version of its launch template; the id of the refresh.
    /// Instances come before others go, a tenth of the group at once; those of the version already stay, those that are
    /// protected from scaling in or in standby are waited for. When all are replaced, the group launches from that version.
    /// Where a mixed instances policy names the template, the rest of the policy stays.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::Conflict`] where a refresh goes on.
    async fn start_refresh(
        &self,
        cell: &Cell<'_>,
        group: &str,
        template: &TemplateRef,
    ) -> Result<String, Failure>;

    /// Calls off the refresh of a group. Instances that were replaced stay so.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] where none goes on.
    async fn cancel_refresh(&self, cell: &Cell<'_>, group: &str) -> Result<(), Failure>;
}
