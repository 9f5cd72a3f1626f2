//! The port.

use async_trait::async_trait;
use fleetwright_eks::facts::apis::DeprecatedUse;
use fleetwright_eks::facts::control_plane::{Insight, Insights, VersionOffer};
use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, Failure, Partial};
use fleetwright_ports::Clusters;
use fleetwright_ports::clusters::{
    AddonDescription, AddonOffer, ClusterDescription, ClusterName, NodeGroupDescription, Refresh, Update,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CHANGE, PAGE, arn, listed, names, part, shapes};
use crate::Aws;
use crate::json_service::text;
use crate::operation::Operation;
use crate::operations::{
    DESCRIBE_ADDON, DESCRIBE_ADDON_CONFIGURATION, DESCRIBE_ADDON_VERSIONS, DESCRIBE_CLUSTER,
    DESCRIBE_CLUSTER_VERSIONS, DESCRIBE_INSIGHT, DESCRIBE_INSIGHTS_REFRESH, DESCRIBE_NODEGROUP,
    DESCRIBE_UPDATE, LIST_ADDONS, LIST_CLUSTERS, LIST_INSIGHTS, LIST_NODEGROUPS,
    LIST_POD_IDENTITY_ASSOCIATIONS, LIST_UPDATES, START_INSIGHTS_REFRESH,
};
use crate::pages::{Page, pages, unexpected};
use crate::rest_service::{Call, RestService};

/// Descriptions asked for side by side; the governor paces them.
const SIDE_BY_SIDE: usize = 8;

/// One object of an answer, read.
async fn described<T>(
    service: &RestService<'_>,
    operation: &'static Operation,
    (path, member): (String, &str),
    shape: fn(&Value) -> Result<T, String>,
) -> Result<T, Failure> {
    let answer = service.read(operation, Call::get(path, &[])).await?;
    shape(&answer[member]).map_err(|odd| unexpected(operation, &odd))
}

/// The objects of these names below a path, in order.
async fn each<T>(
    service: &RestService<'_>,
    operation: &'static Operation,
    (path, member): (&str, &str),
    names: Vec<String>,
    shape: fn(&Value) -> Result<T, String>,
) -> Result<Vec<T>, Failure> {
    let described = names.into_iter().map(|name| {
        let path = format!("{path}/{}", part(&name));
        described(service, operation, (path, member), shape)
    });
    stream::iter(described).buffered(SIDE_BY_SIDE).try_collect().await
}

#[async_trait]
impl Clusters for Aws {
    async fn clusters(&self, cell: &Cell<'_>) -> Partial<ClusterName> {
        let service = RestService::eks(self, cell);
        let row = |row: &Value| {
            let name = row.as_str().ok_or_else(|| row.to_string())?;
            let parsed: ClusterName = name.parse().map_err(|odd| format!("{odd}"))?;
            Ok((name.to_owned(), parsed))
        };
        let found = listed(&service, &LIST_CLUSTERS, ("/clusters", &[], "clusters"), row).await;
        let mut items: Vec<ClusterName> = found.items.into_iter().map(|(_, name)| name).collect();
        items.sort();
        Partial { items, failure: found.failure }
    }

    async fn cluster(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<ClusterDescription, Failure> {
        let service = RestService::eks(self, cell);
        described(&service, &DESCRIBE_CLUSTER, (format!("/clusters/{name}"), "cluster"), shapes::cluster)
            .await
    }

    async fn versions(&self, cell: &Cell<'_>) -> Result<Vec<VersionOffer>, Failure> {
        let service = RestService::eks(self, cell);
        let row = |row: &Value| shapes::version(row).map(|offer| (offer.version.to_string(), offer));
        let asked = ("/cluster-versions", &[("includeAll", "true")][..], "clusterVersions");
        let found = listed(&service, &DESCRIBE_CLUSTER_VERSIONS, asked, row).await;
        match found.failure {
            Some(failure) => Err(failure),
            None => Ok(found.items.into_iter().map(|(_, offer)| offer).collect()),
        }
    }

    async fn updates(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Vec<Update>, Failure> {
        let service = &RestService::eks(self, cell);
        let path = format!("/clusters/{name}/updates");
        let ids = names(service, &LIST_UPDATES, (&path, "updateIds")).await?;
        each(service, &DESCRIBE_UPDATE, (&path, "update"), ids, shapes::update).await
    }

    async fn insights(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Insights, Failure> {
        let service = &RestService::eks(self, cell);
        let found = pages(
            &LIST_INSIGHTS,
            |row: &(String, Insight, Timestamp)| row.0.as_str(),
            |next| {
                async move {
                    let mut body = json!({ "maxResults": PAGE.parse::<u32>().unwrap_or(100) });
                    if let Some(next) = next {
                        body["nextToken"] = next.into();
                    }
                    let call = Call::with("POST", format!("/clusters/{name}/insights"), &body);
                    let answer = service.read(&LIST_INSIGHTS, call).await?;
                    let rows = answer["insights"].as_array().into_iter().flatten().map(shapes::insight);
                    Ok(Page::of(rows, text(&answer, "nextToken")))
                }
                .boxed()
            },
        )
        .await;
        if let Some(failure) = found.failure {
            return Err(failure);
        }
        // The oldest look is the one that counts; without insights nobody knows when EKS looked.
        let refreshed_at = found.items.iter().map(|(.., at)| *at).min().unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(Insights { refreshed_at, list: found.items.into_iter().map(|(_, insight, _)| insight).collect() })
    }

    async fn deprecated_uses(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
        insight: &str,
    ) -> Result<Vec<DeprecatedUse>, Failure> {
        let service = RestService::eks(self, cell);
        let path = format!("/clusters/{name}/insights/{}", part(insight));
        let answer = service.read(&DESCRIBE_INSIGHT, Call::get(path, &[])).await?;
        let found = answer["insight"]["categorySpecificSummary"]["deprecationDetails"].as_array();
        let read = found.into_iter().flatten().map(shapes::deprecated_use).collect::<Result<_, _>>();
        read.map_err(|odd: String| unexpected(&DESCRIBE_INSIGHT, &odd))
    }

    async fn refresh_insights(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<(), Failure> {
        let service = RestService::eks(self, cell);
        let call = Call::with("POST", format!("/clusters/{name}/insights-refresh"), &json!({}));
        let target = arn(cell, &format!("cluster/{name}"));
        service.change(&START_INSIGHTS_REFRESH, (&target, CHANGE), call).await.map(drop)
    }

    async fn refresh(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Refresh, Failure> {
        let service = RestService::eks(self, cell);
        let call = Call::get(format!("/clusters/{name}/insights-refresh"), &[]);
        let answer = service.read(&DESCRIBE_INSIGHTS_REFRESH, call).await?;
        shapes::refresh(&answer).map_err(|odd| unexpected(&DESCRIBE_INSIGHTS_REFRESH, &odd))
    }

    async fn addons(&self, cell: &Cell<'_>, name: &ClusterName) -> Result<Vec<AddonDescription>, Failure> {
        let service = &RestService::eks(self, cell);
        let path = format!("/clusters/{name}/addons");
        let found = names(service, &LIST_ADDONS, (&path, "addons")).await?;
        let mut addons = each(service, &DESCRIBE_ADDON, (&path, "addon"), found, shapes::addon).await?;
        // A role by pod identity is only told by the associations of the add-on's namespace.
        if addons.iter().any(|(addon, _)| !addon.has_role) {
            let path = format!("/clusters/{name}/pod-identity-associations");
            let row = |row: &Value| {
                let id = text(row, "associationId").ok_or_else(|| row.to_string())?;
                Ok((id, text(row, "ownerArn").unwrap_or_default()))
            };
            let found =
                listed(service, &LIST_POD_IDENTITY_ASSOCIATIONS, (&path, &[], "associations"), row).await;
            if let Some(failure) = found.failure {
                return Err(failure);
            }
            for (addon, arn) in &mut addons {
                addon.has_role |= found.items.iter().any(|(_, owner)| !arn.is_empty() && owner == arn);
            }
        }
        Ok(addons.into_iter().map(|(addon, _)| addon).collect())
    }

    async fn addon_offer(&self, cell: &Cell<'_>, addon: &str, minor: Minor) -> Result<AddonOffer, Failure> {
        let service = RestService::eks(self, cell);
        let minor_text = minor.to_string();
        let query = [("addonName", addon), ("kubernetesVersion", minor_text.as_str())];
        let row = |row: &Value| {
            let offer = shapes::addon_offer(row, minor)?;
            Ok((text(row, "addonName").unwrap_or_default(), offer))
        };
        let asked = ("/addons/supported-versions", &query[..], "addons");
        let found = listed(&service, &DESCRIBE_ADDON_VERSIONS, asked, row).await;
        if let Some(failure) = found.failure {
            return Err(failure);
        }
        let mut all = AddonOffer { versions: Vec::new(), needs_permissions: false };
        for (_, offer) in found.items {
            all.versions.extend(offer.versions);
            all.needs_permissions |= offer.needs_permissions;
        }
        Ok(all)
    }

    async fn addon_schema(&self, cell: &Cell<'_>, addon: &str, version: &str) -> Result<Value, Failure> {
        let service = RestService::eks(self, cell);
        let operation = &DESCRIBE_ADDON_CONFIGURATION;
        let query = [("addonName", addon), ("addonVersion", version)];
        let answer =
            service.read(operation, Call::get("/addons/configuration-schemas".to_owned(), &query)).await?;
        let schema = answer["configurationSchema"].as_str().unwrap_or("{}");
        serde_json::from_str(schema)
            .map_err(|_| unexpected(operation, "the schema of the configuration is no JSON"))
    }

    async fn node_groups(
        &self,
        cell: &Cell<'_>,
        name: &ClusterName,
    ) -> Result<Vec<NodeGroupDescription>, Failure> {
        let service = &RestService::eks(self, cell);
        let path = format!("/clusters/{name}/node-groups");
        let found = names(service, &LIST_NODEGROUPS, (&path, "nodegroups")).await?;
        each(service, &DESCRIBE_NODEGROUP, (&path, "nodegroup"), found, shapes::node_group).await
    }
}
