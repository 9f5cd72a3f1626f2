//! Add-ons: what a cluster has, and what can be had.

use serde_json::{Map, Value, json};

use super::{arn, arn_id, cluster, invalid, moment, not_found, paged, parameter, part};
use crate::call::{ApiError, Call};
use crate::service::action::region;
use crate::world::World;
use crate::world::eks::Cluster;
use crate::world::eks::addons::{Addon, Kind, Version};
use crate::world::eks::version::{CALENDAR, Minor};

/// ListAddons.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let names = cluster(world, call)?.addons.keys().map(|name| name.as_str().into()).collect();
    paged(call, "addons", names)
}

pub(super) fn unknown(call: &Call, name: &str) -> ApiError {
    not_found(call, format!("No addon: {name} found in cluster: {}", part(call, "name")))
}

/// DescribeAddon.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let name = part(call, "addonName");
    let catalog = &region(world, call)?.clusters.catalog;
    let cluster = cluster(world, call)?;
    let addon = cluster.addons.get(name).ok_or_else(|| unknown(call, name))?;
    Ok(json!({ "addon": shown(cluster, catalog, call, name, addon) }))
}

/// An add-on as the API shows it.
pub(super) fn shown(cluster: &Cluster, catalog: &[Kind], call: &Call, name: &str, addon: &Addon) -> Value {
    let id = arn_id(cluster, &format!("addon/{name}"));
    let issues = addon.issues.iter();
    let issues: Vec<Value> = issues
        .map(|(code, message)| json!({ "code": code, "message": message, "resourceIds": [] }))
        .collect();
    let status = if issues.is_empty() || addon.status != "ACTIVE" { addon.status } else { "DEGRADED" };
    let mut document = json!({
        "addonName": name,
        "clusterName": cluster.name,
        "status": status,
        "addonVersion": addon.version,
        "health": { "issues": issues },
        "addonArn": arn(call, &format!("addon/{}/{name}/{id}", cluster.name)),
        "createdAt": moment(addon.created),
        "modifiedAt": moment(addon.modified),
        "tags": addon.tags,
    });
    if let Some(kind) = catalog.iter().find(|it| it.name == name) {
        document["namespaceConfig"] = json!({ "namespace": kind.namespace });
        if kind.publisher != "eks" {
            document["publisher"] = kind.publisher.as_str().into();
        }
    }
    for (member, value) in
        [("serviceAccountRoleArn", &addon.role), ("configurationValues", &addon.configuration)]
    {
        if let Some(value) = value {
            document[member] = value.as_str().into();
        }
    }
    document
}

/// DescribeAddonVersions.
pub(super) fn describe_versions(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let catalog = &region(world, call)?.clusters.catalog;
    let wanted = parameter(call, "kubernetesVersion");
    let wanted: Option<Minor> = wanted
        .map(|it| it.parse().map_err(|_| invalid(call, format!("unsupported Kubernetes version {it}"))))
        .transpose()?;
    let name = parameter(call, "addonName");
    if let Some(name) = name.filter(|name| !catalog.iter().any(|it| it.name == *name)) {
        return Err(not_found(call, format!("Addon {name} specified is not supported")));
    }
    let among = |member: &str, value: &str| {
        let mut listed = call.path().into_iter().flat_map(|it| it.list(member)).peekable();
        listed.peek().is_none() || listed.any(|it| it == value)
    };
    let owner = |kind: &Kind| if kind.publisher == "eks" { "aws" } else { "aws-marketplace" };
    let fits = |kind: &&Kind| {
        name.is_none_or(|name| name == kind.name)
            && among("types", &kind.purpose)
            && among("publishers", &kind.publisher)
            && among("owners", owner(kind))
    };
    let document = |kind: &Kind| {
        let versions: Vec<Value> = kind
            .versions
            .iter()
            .filter(|it| wanted.is_none_or(|wanted| it.fits(wanted)))
            .map(|it| version(kind, it, wanted))
            .collect();
        (!versions.is_empty()).then(|| {
            json!({ "addonName": kind.name, "type": kind.purpose, "publisher": kind.publisher,
                    "owner": owner(kind), "defaultNamespace": kind.namespace, "addonVersions": versions })
        })
    };
    paged(call, "addons", catalog.iter().filter(fits).filter_map(document).collect())
}

fn version(kind: &Kind, version: &Version, wanted: Option<Minor>) -> Value {
    let offered = CALENDAR.iter().rev().map(|it| it.version);
    let fitting = offered.filter(|it| version.fits(*it) && wanted.is_none_or(|wanted| wanted == *it));
    let compatibilities: Vec<Value> = fitting
        .map(|it| {
            json!({ "clusterVersion": it.to_string(), "platformVersions": ["*"],
                    "defaultVersion": version.is_default(it) })
        })
        .collect();
    json!({
        "addonVersion": version.name,
        "architecture": ["amd64", "arm64"],
        "computeTypes": ["ec2", "auto", "hybrid"],
        "compatibilities": compatibilities,
        "requiresConfiguration": false,
        "requiresIamPermissions": kind.needs_iam,
    })
}

/// DescribeAddonConfiguration.
pub(super) fn describe_configuration(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let (name, wanted) = (parameter(call, "addonName"), parameter(call, "addonVersion"));
    let (Some(name), Some(wanted)) = (name, wanted) else {
        return Err(invalid(call, "addonName and addonVersion are required"));
    };
    let catalog = &region(world, call)?.clusters.catalog;
    let kind = catalog.iter().find(|it| it.name == name);
    let kind = kind.filter(|it| it.version(wanted).is_some());
    let kind = kind.ok_or_else(|| not_found(call, format!("Addon {name} has no version {wanted}")))?;
    let properties: Map<String, Value> = kind.settings.iter().map(|it| (it.clone(), json!({}))).collect();
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    Ok(json!({ "addonName": name, "addonVersion": wanted, "configurationSchema": schema.to_string() }))
}
