//! The ports [`SelfManagedGroups`] and [`InstanceRefreshes`]: Auto Scaling groups of one's own, and launch templates.

mod groups;
mod refreshes;
mod templates;

use async_trait::async_trait;
use fleetwright_eks::facts::nodes::{TemplateRef, TemplateVersion};
use fleetwright_model::{Cell, Failure, Partial};
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::self_managed::{GroupDescription, InstanceRefresh};
use fleetwright_ports::{InstanceRefreshes, SelfManagedGroups};

use crate::Aws;
use crate::clients::Connection;

/// Auto Scaling in one cell.
type Scaling<'a> = Connection<'a, aws_sdk_autoscaling::Client>;

/// A listing that is of use only as a whole.
fn whole<T>(found: Partial<T>) -> Result<Vec<T>, Failure> {
    match found.failure {
        Some(failure) => Err(failure),
        None => Ok(found.items),
    }
}

#[async_trait]
impl SelfManagedGroups for Aws {
    async fn groups(&self, cell: &Cell<'_>, cluster: &ClusterName) -> Result<Vec<GroupDescription>, Failure> {
        groups::of_cluster(self, cell, cluster).await
    }

    async fn group(&self, cell: &Cell<'_>, name: &str) -> Result<Option<GroupDescription>, Failure> {
        groups::named(self, cell, name).await
    }

    async fn template_versions(
        &self,
        cell: &Cell<'_>,
        template: &str,
    ) -> Result<Vec<TemplateVersion>, Failure> {
        templates::versions(self, cell, template).await
    }

    async fn refreshes(&self, cell: &Cell<'_>, group: &str) -> Result<Vec<InstanceRefresh>, Failure> {
        refreshes::of_group(self, cell, group).await
    }
}

#[async_trait]
impl InstanceRefreshes for Aws {
    async fn start_refresh(
        &self,
        cell: &Cell<'_>,
        group: &str,
        template: &TemplateRef,
    ) -> Result<String, Failure> {
        refreshes::start(self, cell, group, template).await
    }

    async fn cancel_refresh(&self, cell: &Cell<'_>, group: &str) -> Result<(), Failure> {
        refreshes::cancel(self, cell, group).await
    }
}
