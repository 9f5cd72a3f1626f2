//! The cluster, its surroundings, and AWS's own insights into it.

use fleetwright_kubernetes::Minor;
use jiff::Timestamp;

use super::Fact;

/// The control plane and what it stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlPlaneFacts {
    /// The cluster (`DescribeCluster`).
    pub cluster: Fact<Cluster>,
    /// Versions that EKS offers (`DescribeClusterVersions`).
    pub offers: Fact<Vec<VersionOffer>>,
    /// Updates that have not ended, as type and id (`ListUpdates`, `DescribeUpdate`).
    pub updates_in_progress: Fact<Vec<String>>,
    /// When the version was last raised in place; `None` where never.
    pub upgraded_at: Fact<Option<Timestamp>>,
    /// Insights into what a rollback would not get past, by name.
    pub rollback_blockers: Fact<Vec<String>>,
    /// What the Kubernetes endpoint that is asked says of itself.
    pub endpoint: Fact<Endpoint>,
    /// Calls of AWS that change something and that an upgrade makes, and whether the caller may make them
    /// (`iam:SimulatePrincipalPolicy`).
    pub rights: Fact<Vec<Right>>,
    /// What an upgrade changes by the cluster's own API, and whether the caller may (`SelfSubjectAccessReview`).
    pub cluster_rights: Fact<Vec<Right>>,
    /// The cluster's subnets that exist (`DescribeSubnets`).
    pub subnets: Fact<Vec<Subnet>>,
    /// Ids of the cluster's security groups that exist (`DescribeSecurityGroups`).
    pub security_groups: Fact<Vec<String>>,
    /// The cluster's role; `None` where it does not exist (`iam:GetRole`).
    pub role: Fact<Option<ClusterRole>>,
    /// The key that encrypts Secrets; `None` where none is used (`kms:DescribeKey`).
    pub key: Fact<Option<EncryptionKey>>,
    /// Network interfaces of the region against their quota (`L-DF5E4CA3`).
    pub network_interfaces: Fact<Usage>,
    /// Insights, refreshed (`StartInsightsRefresh`, `ListInsights`, `DescribeInsight`).
    pub insights: Fact<Insights>,
    /// Who else manages the cluster, such as `Terraform` or `CloudFormation stack prod`, by its tags.
    pub managed_by: Fact<Vec<String>>,
    /// The freeze that holds now or begins before the upgrade can end, by name.
    pub freeze: Fact<Option<String>>,
    /// The newest backup of the cluster's objects that Velero finished; `None` where there is none.
    pub backup: Fact<Option<Backup>>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The version of its control plane.
    pub version: Minor,
    /// Its state, such as `ACTIVE`.
    pub status: String,
    /// The address of its Kubernetes API.
    pub endpoint: String,
    /// The SHA-256 of its certificate authority, in hexadecimal.
    pub certificate_authority: String,
    /// What happens at the end of standard support.
    pub support: SupportType,
    /// Health issues, as code and message.
    pub health_issues: Vec<String>,
    /// Its subnets, by id.
    pub subnet_ids: Vec<String>,
    /// Its security groups, by id.
    pub security_group_ids: Vec<String>,
    /// Audit logs go to CloudWatch.
    pub audit_logging: bool,
    /// It runs on an Outpost.
    pub on_outpost: bool,
    /// EKS Auto Mode makes its nodes.
    pub auto_mode: bool,
}

/// `upgradePolicy.supportType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupportType {
    /// Upgraded by EKS when standard support ends.
    Standard,
    /// Kept in extended support, which costs more, and upgraded at its end.
    Extended,
}

/// A version that EKS offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionOffer {
    /// The version.
    pub version: Minor,
    /// It can be chosen: in standard or in extended support.
    pub supported: bool,
    /// When standard support ends.
    pub standard_support_ends: Timestamp,
    /// When extended support ends.
    pub extended_support_ends: Timestamp,
}

/// The Kubernetes API that the program talks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: String,
    /// The SHA-256 of the certificate authority it is trusted by, in hexadecimal.
    pub certificate_authority: String,
    /// What `/version` says.
    pub version: Minor,
}

/// A call that the plan needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The IAM action, or verb and resource of Kubernetes.
    pub action: String,
    /// What it is made on: an ARN, or the cluster.
    pub on: String,
    /// The caller may make it.
    pub allowed: bool,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Its availability zone.
    pub zone: String,
    /// IPv4 addresses that are free.
    pub free_addresses: u32,
}

/// The cluster's role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRole {
    /// Its name.
    pub name: String,
    /// Its trust policy lets `eks.amazonaws.com` assume it.
    pub trusts_eks: bool,
}

/// A KMS key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionKey {
    /// Its id.
    pub id: String,
    /// Its state, such as `Enabled` or `PendingDeletion`.
    pub state: String,
}

/// How much of a quota is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// In use.
    pub used: u32,
    /// The quota.
    pub quota: u32,
}

impl Usage {
    /// What is left.
    pub fn free(self) -> u32 {
        self.quota.saturating_sub(self.used)
    }
}

/// Insights and their age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insights {
    /// When they were last refreshed.
    pub refreshed_at: Timestamp,
    /// The insights.
    pub list: Vec<Insight>,
}

/// One insight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insight {
    /// Its id, by which it is described.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: InsightCategory,
    /// The version that it is about; `None` for any.
    pub version: Option<Minor>,
    /// What it says.
    pub status: InsightStatus,
    /// Why, in AWS's words; untrusted text.
    pub reason: String,
}

/// Categories of insights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsightCategory {
    /// `UPGRADE_READINESS`.
    UpgradeReadiness,
    /// `MISCONFIGURATION`.
    Misconfiguration,
    /// `ROLLBACK_READINESS`.
    RollbackReadiness,
}

/// What an insight says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsightStatus {
    /// Nothing found.
    Passing,
    /// Something to look at.
    Warning,
    /// Something that EKS refuses to upgrade over.
    Error,
    /// EKS could not tell.
    Unknown,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its name.
    pub name: String,
    /// When it ended.
    pub completed_at: Timestamp,
    /// It holds everything it was to hold.
    pub complete: bool,
}
