//! The subresource `scale` of workloads: how many pods there are and ought to be.
//!
//! Shape: Kubernetes API reference, "Scale v1 autoscaling".

use serde_json::{Value, json};

use super::answer::{Answer, Status};
use super::asked::{Asked, Target};
use super::patch as patches;
use super::reading::key;
use super::writing::admitted;
use crate::world::eks::{Cluster, Ground, running};
use crate::world::kube::admission::Operation;

/// Resources that can be scaled.
pub(super) const SCALED: [&str; 3] = ["apps/deployments", "apps/replicasets", "apps/statefulsets"];

/// Reads how a workload is scaled.
pub(super) fn get(cluster: &Cluster, target: &Target) -> Result<Answer, Status> {
    Ok(Answer::document(&shown(cluster, target)?))
}

fn shown(cluster: &Cluster, target: &Target) -> Result<Value, Status> {
    let key = key(target);
    let found = cluster.kube.get(&target.resource(), &key.0, &key.1);
    let found = found.ok_or_else(|| Status::missing(&target.plural, &key.1))?;
    let metadata = &found["metadata"];
    let status = running::workload_status(cluster, &key.0, found);
    let labels = found["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let kept = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
    let kept = kept.into_iter().map(|name| (name.to_owned(), metadata[name].clone()));
    Ok(json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": kept.collect::<serde_json::Map<_, _>>(),
        "spec": { "replicas": found["spec"]["replicas"].as_u64().unwrap_or(1) },
        "status": { "replicas": status["replicas"], "selector": selector.join(",") },
    }))
}

/// Scales a workload: by a whole document, or by a patch of one.
pub(super) fn change(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    asked: &Asked,
    target: &Target,
) -> Result<Answer, Status> {
    let before = shown(cluster, target)?;
    let mut wanted = before.clone();
    match asked.verb() {
        "patch" => patches::apply(&mut wanted, &asked.body, &asked.content_type)?,
        _ => wanted = asked.body.clone(),
    }
    let version = &wanted["metadata"]["resourceVersion"];
    if !version.is_null() && *version != before["metadata"]["resourceVersion"] {
        let message = "Operation cannot be fulfilled: the object has been modified; please apply your changes to the \
                       latest version and try again";
        return Err(Status::new(409, "Conflict", message));
    }
    let replicas = wanted["spec"]["replicas"].as_u64();
    let replicas = replicas.ok_or_else(|| {
        Status::new(422, "Invalid", "spec.replicas: Invalid value: must be greater than or equal to 0")
    })?;
    admitted(cluster, target, Operation::Update)?;
    if asked.is_dry() {
        wanted["status"] = before["status"].clone();
        return Ok(Answer::document(&wanted));
    }
    running::scale(cluster, ground, &target.resource(), &key(target), replicas);
    Ok(Answer::document(&shown(cluster, target)?))
}
