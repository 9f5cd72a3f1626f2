//! The port for changes. None is forced, and each carries its token: a repeated call is the same one.

use async_trait::async_trait;
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, ErrorClass, Failure};
use fleetwright_ports::ClusterChanges;
use fleetwright_ports::cluster_changes::{ClientToken, Conflicts, UpdateOf};
use fleetwright_ports::clusters::{ClusterName, Update};
use serde_json::{Value, json};

use super::{CHANGE, arn, part, shapes};
use crate::Aws;
use crate::operation::Operation;
use crate::operations::{
    CANCEL_UPDATE, DESCRIBE_UPDATE, UPDATE_ADDON, UPDATE_CLUSTER_VERSION, UPDATE_NODEGROUP_VERSION,
};
use crate::pages::unexpected;
use crate::rest_service::{Call, RestService};

/// Begins an update of `target`, the end of an ARN. Those of add-ons and node groups go on with an id, which EKS would have
/// to be asked for.
async fn begin(
    (aws, cell): (&Aws, &Cell<'_>),
    operation: &'static Operation,
    (target, path): (String, String),
    body: &Value,
) -> Result<Update, Failure> {
    let call = Call::with("POST", path, body);
    let target = arn(cell, &target);
    let answer = RestService::eks(aws, cell).change_shown(operation, (&target, CHANGE), call).await?;
    // An update that cannot be read was begun all the same.
    shapes::update(&answer["update"])
        .map_err(|odd| Failure { class: ErrorClass::Ambiguous, ..unexpected(operation, &odd) })
}

#[async_trait]
impl ClusterChanges for Aws {
    async fn update_version(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        to: Minor,
        token: &ClientToken,
    ) -> Result<Update, Failure> {
        let place = (format!("cluster/{name}"), format!("/clusters/{name}/updates"));
        let body = json!({ "version": to.to_string(), "clientRequestToken": token.as_str() });
        begin((self, cell), &UPDATE_CLUSTER_VERSION, place, &body).await
    }

    async fn update_addon(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        addon: &str,
        version: &str,
        conflicts: Conflicts,
        token: &ClientToken,
    ) -> Result<Update, Failure> {
        let path = format!("/clusters/{name}/addons/{}/update", part(addon));
        let body = json!({
            "addonVersion": version,
            "resolveConflicts": conflicts.as_str(),
            "clientRequestToken": token.as_str(),
        });
        begin((self, cell), &UPDATE_ADDON, (format!("addon/{name}/{addon}"), path), &body).await
    }

    async fn update_node_group(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        group: &str,
        to: Minor,
        token: &ClientToken,
    ) -> Result<Update, Failure> {
        let path = format!("/clusters/{name}/node-groups/{}/update-version", part(group));
        let body = json!({ "version": to.to_string(), "clientRequestToken": token.as_str() });
        begin((self, cell), &UPDATE_NODEGROUP_VERSION, (format!("nodegroup/{name}/{group}"), path), &body)
            .await
    }

    async fn update(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        of: UpdateOf<'_>,
        id: &str,
    ) -> Result<Update, Failure> {
        let query: &[(&'static str, &str)] = match &of {
            UpdateOf::Cluster => &[],
            UpdateOf::Addon(addon) => &[("addonName", addon)],
            UpdateOf::NodeGroup(group) => &[("nodegroupName", group)],
        };
        let call = Call::get(format!("/clusters/{name}/updates/{}", part(id)), query);
        let answer = RestService::eks(self, cell).read(&DESCRIBE_UPDATE, call).await?;
        shapes::update(&answer["update"]).map_err(|odd| unexpected(&DESCRIBE_UPDATE, &odd))
    }

    async fn cancel_update(&self, cell: &Cell<'_>, name: &ClusterName, id: &str) -> Result<(), Failure> {
        let path = format!("/clusters/{name}/updates/{}/cancel-update", part(id));
        // Nobody calls an update off twice.
        let call = Call::with("POST", path, &json!({ "clientRequestToken": format!("cancel-{id}") }));
        let target = arn(cell, &format!("cluster/{name}"));
        RestService::eks(self, cell).change(&CANCEL_UPDATE, (&target, CHANGE), call).await.map(drop)
    }
}
