//! Insights: what EKS has found out about a cluster, and asking it to look again.

use serde_json::{Value, json};

use super::{invalid, moment, not_found, only, paged, part, with};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::eks::insights::{self, Caller, Deprecation, Insight};
use crate::world::eks::{Cluster, What};

fn summary(insight: &Insight, cluster: &Cluster) -> Value {
    json!({
        "id": insight.id,
        "name": insight.name,
        "category": insight.category.name(),
        "kubernetesVersion": insight.version.to_string(),
        "lastRefreshTime": moment(cluster.refresh.at),
        "lastTransitionTime": moment(insight.changed),
        "description": insight.name,
        "insightStatus": { "status": insight.status, "reason": insight.reason },
    })
}

/// ListInsights.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    only(call, &["filter", "maxResults", "nextToken"])?;
    let filter = &call.json()["filter"];
    let among = |member: &str, value: &str| {
        filter[member].as_array().is_none_or(|all| all.is_empty() || all.iter().any(|it| it == value))
    };
    with(world, call, |cluster, catalog, ground| {
        insights::keep_fresh(cluster, catalog, ground.now);
        let fits = |it: &&Insight| {
            among("categories", it.category.name())
                && among("kubernetesVersions", &it.version.to_string())
                && among("statuses", &it.status)
        };
        let found = cluster.insights.iter().filter(fits).map(|it| summary(it, cluster)).collect();
        paged(call, "insights", found)
    })
}

/// DescribeInsight.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let id = part(call, "id");
    with(world, call, |cluster, catalog, ground| {
        insights::keep_fresh(cluster, catalog, ground.now);
        let insight = cluster.insights.iter().find(|it| it.id == id);
        let insight = insight.ok_or_else(|| not_found(call, format!("No insight found for ID: {id}")))?;
        let mut document = summary(insight, cluster);
        document["recommendation"] = insight.recommendation.as_str().into();
        document["additionalInfo"] = json!({});
        let status = document["insightStatus"].clone();
        let resources = insight.resources.iter();
        document["resources"] =
            resources.map(|path| json!({ "insightStatus": status, "kubernetesResourceUri": path })).collect();
        let addons = insight.addons.iter();
        let addons: Vec<Value> =
            addons.map(|(name, fitting)| json!({ "name": name, "compatibleVersions": fitting })).collect();
        let deprecations: Vec<Value> = insight.deprecations.iter().map(deprecation).collect();
        document["categorySpecificSummary"] =
            json!({ "deprecationDetails": deprecations, "addonCompatibilityDetails": addons });
        Ok(json!({ "insight": document }))
    })
}

fn deprecation(found: &Deprecation) -> Value {
    let caller = |it: &Caller| {
        json!({ "userAgent": it.user_agent, "numberOfRequestsLast30Days": it.requests,
                "lastRequestTime": moment(it.last) })
    };
    json!({
        "usage": found.usage,
        "replacedWith": found.replaced_with,
        "stopServingVersion": found.stops.to_string(),
        "startServingReplacementVersion": found.replacement_since.to_string(),
        "clientStats": found.callers.iter().map(caller).collect::<Vec<_>>(),
    })
}

/// StartInsightsRefresh; one that goes on is not begun again.
pub(super) fn start_refresh(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    with(world, call, |cluster, _, ground| {
        if !matches!(cluster.refresh.asked, Some((_, None))) {
            cluster.refresh.asked = Some((ground.now, None));
            let takes = ground.length(cluster, ground.pace.insights);
            ground.after(takes, What::Insights);
        }
        Ok(json!({ "message": "Insights refresh is in progress", "status": "IN_PROGRESS" }))
    })
}

/// DescribeInsightsRefresh.
pub(super) fn describe_refresh(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let asked = super::cluster(world, call)?.refresh.asked;
    match asked {
        None => Err(invalid(call, "No insights refresh was started for the cluster")),
        Some((begun, None)) => Ok(json!({
            "message": "Insights refresh is in progress", "status": "IN_PROGRESS", "startedAt": moment(begun),
        })),
        Some((begun, Some(end))) => Ok(json!({
            "message": "Insights refresh is complete", "status": "COMPLETED",
            "startedAt": moment(begun), "endedAt": moment(end),
        })),
    }
}
