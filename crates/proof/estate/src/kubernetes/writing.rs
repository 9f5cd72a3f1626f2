//! Changing objects: making, replacing, patching and deleting them.

use serde_json::Value;

use super::answer::{Answer, Status};
use super::asked::{Asked, Target};
use super::discovery::Served;
use super::reading::{get, key, shown, target};
use super::scale::SCALED;
use super::{patch as patches, pod_requests};
use crate::world::eks::jobs::{self, JOBS};
use crate::world::eks::{Cluster, Ground, node_pools, running};
use crate::world::kube::admission::{self, Operation};
use crate::world::kube::{NODES, PODS, owned_by};

/// Asks the cluster's webhooks.
pub(super) fn admitted(cluster: &Cluster, target: &Target, operation: Operation) -> Result<(), Status> {
    let subject = admission::Subject {
        operation,
        group: &target.group,
        version: &target.version,
        resource: &target.plural,
        subresource: &target.subresource,
        namespace: target.namespace.as_deref().unwrap_or_default(),
    };
    cluster.kube.admits(&subject).map_err(|denied| match denied {
        admission::Denied::Refused(message) => Status::new(403, "Forbidden", message),
        admission::Denied::Unreachable(message) => Status::new(500, "InternalError", message),
    })
}

/// Makes an object, and what a workload consists of.
pub(super) fn create(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    asked: &Asked,
    served: &Served,
) -> Result<Answer, Status> {
    let target = target(asked)?;
    let mut object = asked.body.clone();
    if object["metadata"]["name"].as_str().is_none_or(str::is_empty) {
        return Err(Status::new(422, "Invalid", "metadata.name: Required value: name is required"));
    }
    if let (Some(namespace), true) = (&target.namespace, served.namespaced) {
        object["metadata"]["namespace"] = namespace.as_str().into();
    }
    let resource = target.resource();
    let key = crate::world::kube::key(&object);
    if cluster.kube.get(&resource, &key.0, &key.1).is_some() {
        let message = format!("{} \"{}\" already exists", target.plural, key.1);
        return Err(Status::new(409, "AlreadyExists", message));
    }
    admitted(cluster, target, Operation::Create)?;
    if asked.is_dry() {
        return Ok(Answer::created(&object));
    }
    if resource == PODS && object["status"].is_null() {
        object["status"] = serde_json::json!({ "phase": "Pending" });
    }
    cluster.kube.put(&resource, object, ground.now);
    cluster.kube.roll_out(&resource, &key, ground.now);
    if resource == JOBS {
        jobs::begin(cluster, ground, &key);
    }
    running::schedule_pending(cluster, ground);
    heard(cluster, ground, &resource);
    let made = cluster.kube.get(&resource, &key.0, &key.1).cloned().unwrap_or_default();
    Ok(Answer::created(&shown(cluster, target, served, &made)))
}

/// Puts a changed object in place of the old one.
fn replace(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    asked: &Asked,
    served: &Served,
    object: Value,
) -> Result<Answer, Status> {
    let target = target(asked)?;
    let (resource, key) = (target.resource(), key(target));
    let before = cluster.kube.get(&resource, &key.0, &key.1);
    let before = before.ok_or_else(|| Status::missing(&target.plural, &key.1))?;
    let wanted = &object["metadata"]["resourceVersion"];
    if !wanted.is_null() && *wanted != before["metadata"]["resourceVersion"] {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your changes to \
             the latest version and try again",
            target.plural, key.1
        );
        return Err(Status::new(409, "Conflict", message));
    }
    admitted(cluster, target, Operation::Update)?;
    if asked.is_dry() {
        return Ok(Answer::document(&shown(cluster, target, served, &object)));
    }
    if crate::world::kube::key(&object) != key {
        return Err(Status::bad("the name of the object does not match the name on the URL"));
    }
    let replicas = object["spec"]["replicas"].as_u64().filter(|_| SCALED.contains(&resource.as_str()));
    let scaled = replicas.filter(|_| before["spec"]["replicas"] != object["spec"]["replicas"]);
    cluster.kube.put(&resource, object, ground.now);
    if let Some(replicas) = scaled {
        running::scale(cluster, ground, &resource, &key, replicas);
    }
    if resource == NODES {
        running::schedule_pending(cluster, ground);
    }
    heard(cluster, ground, &resource);
    get(cluster, asked, served, ground.now)
}

/// Tells those who go by objects of a resource that one has changed.
fn heard(cluster: &mut Cluster, ground: &mut Ground<'_>, resource: &str) {
    if node_pools::is_about(resource) {
        node_pools::wake(cluster, ground);
    }
}

/// Replaces an object.
pub(super) fn update(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    asked: &Asked,
    served: &Served,
) -> Result<Answer, Status> {
    replace(cluster, ground, asked, served, asked.body.clone())
}

/// Patches an object.
pub(super) fn patch(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    asked: &Asked,
    served: &Served,
) -> Result<Answer, Status> {
    let target = target(asked)?;
    let key = key(target);
    let found = cluster.kube.get(&target.resource(), &key.0, &key.1);
    let mut object = found.cloned().ok_or_else(|| Status::missing(&target.plural, &key.1))?;
    patches::apply(&mut object, &asked.body, &asked.content_type)?;
    replace(cluster, ground, asked, served, object)
}

/// Deletes an object, and what it controls.
pub(super) fn delete(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    asked: &Asked,
    served: &Served,
) -> Result<Answer, Status> {
    let target = target(asked)?;
    let (resource, key) = (target.resource(), key(target));
    let found = cluster.kube.get(&resource, &key.0, &key.1).cloned();
    let found = found.ok_or_else(|| Status::missing(&target.plural, &key.1))?;
    admitted(cluster, target, Operation::Delete)?;
    if !asked.is_dry() {
        match resource.as_str() {
            PODS => running::delete_pod(cluster, ground, &key, pod_requests::grace(asked)),
            NODES => running::end_node(cluster, ground, &key.1),
            _ => {
                cluster.kube.remove(&resource, &key);
                end_owned(cluster, ground, &found);
            }
        }
    }
    Ok(Answer::document(&shown(cluster, target, served, &found)))
}

/// Ends what an object controlled, as the garbage collector does.
fn end_owned(cluster: &mut Cluster, ground: &mut Ground<'_>, owner: &Value) {
    let uid = owned_by(owner)[0]["uid"].clone();
    let owned = |object: &Value| {
        let all = object["metadata"]["ownerReferences"].as_array();
        all.is_some_and(|all| all.iter().any(|it| it["uid"] == uid))
    };
    let namespace = owner["metadata"]["namespace"].as_str().unwrap_or_default();
    let keys = |resource: &str| -> Vec<_> {
        let all = cluster.kube.list(resource, Some(namespace));
        all.filter(|(_, it)| owned(it)).map(|(key, it)| (key.clone(), it.clone())).collect()
    };
    let (pods, sets, made) = (keys(PODS), keys("apps/replicasets"), keys(JOBS));
    for (key, _) in pods {
        running::delete_pod(cluster, ground, &key, None);
    }
    for (key, set) in sets {
        cluster.kube.remove("apps/replicasets", &key);
        end_owned(cluster, ground, &set);
    }
    for (key, job) in made {
        cluster.kube.remove(JOBS, &key);
        end_owned(cluster, ground, &job);
    }
}
