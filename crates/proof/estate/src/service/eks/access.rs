//! Who may use a cluster: access entries, roles of service accounts, and tags.

use serde_json::{Value, json};

use super::{arn, arn_id, cluster, error, moment, not_found, paged, parameter, part};
use crate::call::{ApiError, Call};
use crate::service::action::region;
use crate::world::World;
use crate::world::eks::Cluster;

/// ListPodIdentityAssociations.
pub(super) fn list_pod_identities(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let (namespace, account) = (parameter(call, "namespace"), parameter(call, "serviceAccount"));
    let cluster = cluster(world, call)?;
    let all = cluster.pod_identities.iter().filter(|it| {
        namespace.is_none_or(|wanted| wanted == it.namespace)
            && account.is_none_or(|wanted| wanted == it.service_account)
    });
    let shown = all.map(|it| {
        json!({
            "clusterName": cluster.name,
            "namespace": it.namespace,
            "serviceAccount": it.service_account,
            "associationArn": arn(call, &format!("podidentityassociation/{}/{}", cluster.name, it.id)),
            "associationId": it.id,
        })
    });
    paged(call, "associations", shown.collect())
}

/// ListAccessEntries.
pub(super) fn list_entries(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let policy = parameter(call, "associatedPolicyArn");
    let all = cluster(world, call)?.access.iter();
    let fits =
        all.filter(|(_, entry)| policy.is_none_or(|it| entry.policies.iter().any(|known| known == it)));
    paged(call, "accessEntries", fits.map(|(principal, _)| principal.as_str().into()).collect())
}

/// The last part of an entry's ARN, which names principal and kind.
pub(super) fn entry_path(cluster: &Cluster, principal: &str) -> String {
    let account = principal.split(':').nth(4).unwrap_or_default();
    let (kind, name) = principal.rsplit(':').next().and_then(|it| it.split_once('/')).unwrap_or(("role", ""));
    let id = arn_id(cluster, &format!("access-entry/{principal}"));
    format!("access-entry/{}/{kind}/{account}/{name}/{id}", cluster.name)
}

/// DescribeAccessEntry.
pub(super) fn describe_entry(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let principal = part(call, "principalArn");
    let cluster = cluster(world, call)?;
    let entry = cluster.access.get(principal);
    let entry = entry.ok_or_else(|| {
        not_found(call, format!("The specified principalArn could not be found: {principal}"))
    })?;
    Ok(json!({ "accessEntry": {
        "clusterName": cluster.name,
        "principalArn": principal,
        "kubernetesGroups": entry.groups,
        "accessEntryArn": arn(call, &entry_path(cluster, principal)),
        "createdAt": moment(entry.created),
        "modifiedAt": moment(entry.created),
        "tags": {},
        "username": entry.username,
        "type": "STANDARD",
    }}))
}

/// ListTagsForResource: of a cluster, a node group, an add-on or a Fargate profile.
pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let given = part(call, "resourceArn");
    let unknown = || error(404, "NotFoundException", call, format!("Resource not found for ARN: {given}"));
    let own = arn(call, "");
    let rest = given.strip_prefix(own.as_str());
    let rest =
        rest.ok_or_else(|| error(400, "BadRequestException", call, format!("Invalid ARN: {given}")))?;
    let parts: Vec<&str> = rest.split('/').collect();
    let clusters = &region(world, call)?.clusters.by_name;
    let found = parts.get(1).and_then(|name| clusters.get(*name)).ok_or_else(unknown)?;
    let tags = match parts[..] {
        ["cluster", _] => Some(&found.tags),
        ["nodegroup", _, name, id] => found.node_groups.get(name).filter(|it| it.id == id).map(|it| &it.tags),
        ["addon", _, name, id] => {
            let same = arn_id(found, &format!("addon/{name}")) == id;
            found.addons.get(name).filter(|_| same).map(|it| &it.tags)
        }
        ["fargateprofile", _, name, id] => {
            let same = arn_id(found, &format!("fargateprofile/{name}")) == id;
            found.fargate.get(name).filter(|_| same).map(|it| &it.tags)
        }
        _ => None,
    };
    Ok(json!({ "tags": tags.ok_or_else(unknown)? }))
}
