//! Who we are, where we can get in, and what we may do there.

use async_trait::async_trait;
use fleetwright_model::{
    Failure, Identity, OrganizationAccount, OrganizationScope, Partial, PermissionAnswer, Phase, Region,
    RequiredAction, Zone,
};

/// Identity and entry. Every method reads only.
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
}

/// What may be done in a zone, for who wants to know before it is tried. Every method reads only.
#[async_trait]
pub trait Rights: Send + Sync {
    /// Every action any of the phases needs.
    fn required_actions(&self, phases: &[Phase]) -> Vec<RequiredAction>;

    /// Whether the region answers for this zone at all.
    ///
    /// # Errors
    /// The region is not enabled or cannot be reached.
    async fn reach(&self, zone: &Zone, region: &Region) -> Result<(), Failure>;

    /// Whether each action the phases need is allowed in the zone and region: one answer per
    /// required action, in the order of [`Rights::required_actions`].
    async fn permissions(&self, zone: &Zone, region: &Region, phases: &[Phase]) -> Vec<PermissionAnswer>;
}
