//! The ports [`Accounts`] (identity, entry, organisation) and [`Rights`] (permissions).

mod organization;
pub(crate) mod permissions;

use std::collections::BTreeSet;

use async_trait::async_trait;
use fleetwright_model::{Failure, OrganizationAccount, OrganizationScope, Partial, Phase, Region, Zone};
use fleetwright_ports::{Accounts, Identity, PermissionAnswer, RequiredAction, Rights};

use crate::Aws;
use crate::clients::Connection;
use crate::operation::{Need, Operation, Principal};
use crate::operations::{self, DESCRIBE_REGIONS};
use crate::policy;

#[async_trait]
impl Accounts for Aws {
    async fn caller(&self, profile: Option<&str>) -> Result<Identity, Failure> {
        let sessions = &self.inner.sessions;
        let session = sessions.of_profile(profile).await?;
        sessions.identity(&session).await.cloned()
    }

    async fn enter(&self, zone: &Zone) -> Result<Identity, Failure> {
        let sessions = &self.inner.sessions;
        let session = sessions.of_zone(zone).await?;
        sessions.identity(&session).await.cloned()
    }

    async fn organization_accounts(&self, scope: &OrganizationScope) -> Partial<OrganizationAccount> {
        organization::accounts(self, scope).await
    }
}

#[async_trait]
impl Rights for Aws {
    fn required_actions(&self, phases: &[Phase]) -> Vec<RequiredAction> {
        required(self, phases).into_iter().map(action).collect()
    }

    async fn reach(&self, zone: &Zone, region: &Region) -> Result<(), Failure> {
        let connection: Connection<'_, aws_sdk_ec2::Client> = self.at(zone, region);
        let name = region.as_str();
        connection
            .call(&DESCRIBE_REGIONS, |client| client.describe_regions().region_names(name).send())
            .await
            .map(|_| ())
    }

    async fn permissions(&self, zone: &Zone, region: &Region, phases: &[Phase]) -> Vec<PermissionAnswer> {
        permissions::check(self, zone, region, &required(self, phases)).await
    }
}

/// What the phases need of a landing zone's role, as the configuration goes through them.
fn required(aws: &Aws, phases: &[Phase]) -> Vec<&'static Operation> {
    let phases: BTreeSet<Phase> = phases.iter().copied().collect();
    let used = |operation: &Operation| match &aws.inner.sessions.caller.options.uses {
        Some(uses) => policy::is_used(operation, &phases, uses),
        None => operation.phases.iter().any(|phase| phases.contains(phase)),
    };
    let all = operations::ALL.iter().copied();
    all.filter(|operation| operation.principal == Principal::Zone && used(operation)).collect()
}

fn action(operation: &'static Operation) -> RequiredAction {
    RequiredAction {
        action: operation.iam,
        phases: operation.phases,
        purpose: operation.purpose,
        optional: operation.need == Need::Optional,
    }
}
