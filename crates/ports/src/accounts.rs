//! Who we are, where we can get in, and what we may do there.

use async_trait::async_trait;
use fleetwright_model::{
    AccountId, Failure, OrganizationAccount, OrganizationScope, Partial, Phase, Region, Zone,
};

/// A principal as STS names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// ARN of the user or role session.
    pub arn: String,
}

/// An IAM action that fleetwright needs, from the table beside the code that calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredAction {
    /// The IAM action, e.g. `ec2:DescribeInstances`.
    pub action: &'static str,
    /// The phases that need it.
    pub phases: &'static [Phase],
    /// What it is needed for, in a few words.
    pub purpose: &'static str,
    /// True where the scan still gives a useful result without it.
    pub optional: bool,
}

/// Whether an action is allowed. "Not checked" is never "allowed".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Allowed.
    Allowed,
    /// Refused, with what refuses it as far as AWS tells.
    Denied(String),
    /// Could not be found out.
    NotChecked(Failure),
}

/// How a permission was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// By iam:SimulatePrincipalPolicy.
    Simulation,
    /// By making the call, harmlessly or as a dry run.
    Trial,
}

/// The answer for one action in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionAnswer {
    /// The action asked about.
    pub required: RequiredAction,
    /// The verdict.
    pub answer: Answer,
    /// How it was found.
    pub verified: Verified,
}

/// Identity, entry and permissions. Every method reads only.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The principal the command itself runs as, with the zone's profile where one is given.
    ///
    /// # Errors
    /// Missing, expired or rejected credentials; an unreachable endpoint.
    async fn caller(&self, profile: Option<&str>) -> Result<Identity, Failure>;

    /// Enters the zone and says as whom. Checks that the session belongs to the zone's account.
    ///
    /// # Errors
    /// The role refuses us, or the session is of another account.
    async fn enter(&self, zone: &Zone) -> Result<Identity, Failure>;

    /// The accounts in the scope, each once.
    async fn organization_accounts(&self, scope: &OrganizationScope) -> Partial<OrganizationAccount>;

    /// Every action any of the phases needs.
    fn required_actions(&self, phases: &[Phase]) -> Vec<RequiredAction>;

    /// Whether the region answers for this zone at all.
    ///
    /// # Errors
    /// The region is not enabled or cannot be reached.
    async fn reach(&self, zone: &Zone, region: &Region) -> Result<(), Failure>;

    /// Whether each action the phases need is allowed in the zone and region: one answer per
    /// required action, in the order of [`Accounts::required_actions`].
    async fn permissions(&self, zone: &Zone, region: &Region, phases: &[Phase]) -> Vec<PermissionAnswer>;
}
