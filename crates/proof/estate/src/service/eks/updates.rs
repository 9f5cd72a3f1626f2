//! Updates as the API shows them, and taking one back.

use serde_json::{Value, json};

use super::{cluster, clusters, moment, not_found, only, paged, parameter, part, text, with};
use crate::call::{ApiError, Call};
use crate::world::World;
use crate::world::eks::Cluster;
use crate::world::eks::update::{Subject, Update};

/// An update as the API shows it.
pub(super) fn shown(update: &Update) -> Value {
    let params: Vec<Value> =
        update.params.iter().map(|(kind, value)| json!({ "type": kind, "value": value })).collect();
    let errors: Vec<Value> = update
        .problems
        .iter()
        .map(|it| json!({ "errorCode": it.code, "errorMessage": it.message, "resourceIds": it.resources }))
        .collect();
    let mut document = json!({
        "id": update.id,
        "status": update.status.name(),
        "type": update.kind,
        "params": params,
        "createdAt": moment(update.created),
        "errors": errors,
    });
    if let Some((status, reason)) = &update.cancellation {
        document["cancellation"] = json!({ "status": status, "reason": reason });
    }
    document
}

/// The answer that tells of an update.
pub(super) fn begun(cluster: &Cluster, id: &str) -> Result<Value, ApiError> {
    Ok(json!({ "update": cluster.update(id).map(shown) }))
}

/// What the updates that a request asks about are of.
fn subject(call: &Call) -> Subject {
    match (parameter(call, "nodegroupName"), parameter(call, "addonName")) {
        (Some(group), _) => Subject::NodeGroup(group.to_owned()),
        (None, Some(addon)) => Subject::Addon(addon.to_owned()),
        (None, None) => Subject::Cluster,
    }
}

/// ListUpdates.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let subject = subject(call);
    let cluster = cluster(world, call)?;
    let ids = cluster.updates.iter().filter(|it| it.subject == subject).map(|it| it.id.as_str().into());
    paged(call, "updateIds", ids.collect())
}

/// DescribeUpdate.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let (subject, id) = (subject(call), part(call, "updateId"));
    let found = cluster(world, call)?.update(id).filter(|it| it.subject == subject);
    let found = found.ok_or_else(|| not_found(call, format!("No update found for ID: {id}")))?;
    Ok(json!({ "update": shown(found) }))
}

/// CancelUpdate; asked for again with the same token, it is the same cancellation.
pub(super) fn cancel(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    only(call, &["clientRequestToken"])?;
    let id = part(call, "updateId").to_owned();
    with(world, call, |cluster, _, ground| {
        let token = text(call, "clientRequestToken")?;
        let update = cluster.update(&id);
        let update = update.ok_or_else(|| not_found(call, format!("No update found for ID: {id}")))?;
        if token.is_some() && update.cancelled_with.as_deref() == token {
            return begun(cluster, &id);
        }
        clusters::cancel(cluster, ground, call, &id)?;
        if let Some(update) = cluster.update_mut(&id) {
            update.cancelled_with = token.map(str::to_owned);
        }
        begun(cluster, &id)
    })
}
