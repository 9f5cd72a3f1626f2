//! What runs in a cluster as time passes: kubelets start, pods are placed, evicted, ended and replaced.

use serde_json::{Value, json};

use super::{Cluster, Ground, What};
use crate::world::kube::admission::{Denied, Operation, Subject};
use crate::world::kube::budgets::Refused;
use crate::world::kube::{Key, NODES, PODS, controller, nodes, pods, seconds};

/// A kubelet has started: its node is ready, gets the daemons' pods, and takes pods that wait.
pub(super) fn node_started(cluster: &mut Cluster, ground: &mut Ground<'_>, name: &str) {
    if cluster.kube.get(NODES, "", name).is_none_or(nodes::is_ready) {
        return;
    }
    cluster.kube.node_ready(name, true, ground.now);
    for key in cluster.kube.daemons_for(name, ground.now) {
        start_later(cluster, ground, key);
    }
    schedule_pending(cluster, ground);
}

fn start_later(cluster: &mut Cluster, ground: &mut Ground<'_>, key: Key) {
    let takes = ground.length(cluster, ground.pace.pod);
    ground.after(takes, What::PodReady(key));
}

/// Gives pods that wait a node where there is one for them.
pub fn schedule_pending(cluster: &mut Cluster, ground: &mut Ground<'_>) {
    for key in cluster.kube.pending() {
        let Some(pod) = cluster.kube.get(PODS, &key.0, &key.1) else { continue };
        if let Some(node) = cluster.kube.node_for(pod) {
            cluster.kube.bind(&key, &node, ground.now);
            start_later(cluster, ground, key);
        }
    }
}

/// A pod's containers have started, where the pod is still there and its node's kubelet runs.
pub(super) fn pod_started(cluster: &mut Cluster, ground: &mut Ground<'_>, key: &Key) {
    let Some(pod) = cluster.kube.get(PODS, &key.0, &key.1) else { return };
    let stays = pod["metadata"]["deletionTimestamp"].is_null();
    // A pod that its image keeps from ever being ready says so itself.
    let never = pod["metadata"]["annotations"]["estate/never-ready"] == "true";
    let node = pods::node_of(pod).and_then(|node| cluster.kube.get(NODES, "", node));
    if stays && !never && node.is_some_and(nodes::is_ready) {
        cluster.kube.pod_ready(key, ground.now);
    }
}

/// A pod's containers have stopped: it is gone, and what wants it back makes another.
pub(super) fn pod_stopped(cluster: &mut Cluster, ground: &mut Ground<'_>, key: &Key) {
    let asked = cluster
        .kube
        .get(PODS, &key.0, &key.1)
        .is_some_and(|it| !it["metadata"]["deletionTimestamp"].is_null());
    if asked {
        remove(cluster, ground, key);
    }
}

fn remove(cluster: &mut Cluster, ground: &mut Ground<'_>, key: &Key) {
    let Some(gone) = cluster.kube.remove(PODS, key) else { return };
    if let Some(made) = cluster.kube.replace(&gone, ground.now) {
        let placed = cluster.kube.get(PODS, &made.0, &made.1).is_some_and(|it| pods::node_of(it).is_some());
        if placed {
            start_later(cluster, ground, made);
        }
    }
    schedule_pending(cluster, ground);
}

/// Asks a pod to go: at once where it never ran, else when its containers have stopped, at the latest after its
/// grace period.
pub fn delete_pod(cluster: &mut Cluster, ground: &mut Ground<'_>, key: &Key, grace: Option<i64>) {
    let Some(pod) = cluster.kube.get(PODS, &key.0, &key.1) else { return };
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        return;
    }
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    let grace = jiff::SignedDuration::from_secs(grace.unwrap_or(own).max(0));
    if pods::node_of(pod).is_none() || grace.is_zero() {
        remove(cluster, ground, key);
        return;
    }
    let takes = ground.length(cluster, ground.pace.pod_stop).min(grace);
    let now = ground.now;
    cluster.kube.change(PODS, key, now, |pod| {
        pod["metadata"]["deletionTimestamp"] = seconds(now).into();
        pod["metadata"]["deletionGracePeriodSeconds"] = grace.as_secs().into();
    });
    ground.after(takes, What::PodGone(key.clone()));
}

/// Evicts a pod where no budget forbids it.
///
/// # Errors
/// What forbids it.
pub fn evict(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    key: &Key,
    grace: Option<i64>,
) -> Result<(), Refused> {
    let Some(pod) = cluster.kube.get(PODS, &key.0, &key.1) else { return Ok(()) };
    cluster.kube.may_evict(key, pod)?;
    let subject = Subject {
        operation: Operation::Create,
        group: "",
        version: "v1",
        resource: PODS,
        subresource: "eviction",
        namespace: &key.0,
    };
    cluster.kube.admits(&subject).map_err(|denied| match denied {
        Denied::Refused(message) | Denied::Unreachable(message) => Refused::Webhook(message),
    })?;
    delete_pod(cluster, ground, key, grace);
    Ok(())
}

/// Whether a drain leaves a pod where it is: a daemon's, or one that the kubelet itself runs.
fn stays(pod: &Value) -> bool {
    let mirrored = !pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null();
    mirrored || controller(pod).is_some_and(|(kind, _)| kind == "DaemonSet")
}

/// Evicts what may go from a node, and says whether the node is drained.
pub fn evict_all(cluster: &mut Cluster, ground: &mut Ground<'_>, node: &str) -> bool {
    let here = cluster.kube.pods_on(node).filter(|(_, pod)| !stays(pod) && !pods::has_ended(pod));
    let keys: Vec<Key> = here.map(|(key, _)| key.clone()).collect();
    for key in &keys {
        // A refusal is asked again the next time.
        let _ = evict(cluster, ground, key, None);
    }
    keys.is_empty()
}

/// Ends a node with all that is on it.
pub fn end_node(cluster: &mut Cluster, ground: &mut Ground<'_>, name: &str) {
    let keys: Vec<Key> = cluster.kube.pods_on(name).map(|(key, _)| key.clone()).collect();
    let gone = cluster.kube.remove(NODES, &nodes::node_key(name));
    if let Some(instance) = gone.as_ref().and_then(nodes::instance_of) {
        ground.disconnect(instance);
    }
    for key in keys {
        remove(cluster, ground, &key);
    }
}

/// Everything is there at once, as in a cluster that has run for long: nodes are ready, pods are placed and run.
pub fn settle_all(cluster: &mut Cluster, now: jiff::Timestamp) {
    let names: Vec<String> = cluster.kube.list(NODES, None).map(|(key, _)| key.1.clone()).collect();
    for name in &names {
        cluster.kube.node_ready(name, true, now);
        cluster.kube.daemons_for(name, now);
    }
    for key in cluster.kube.pending() {
        let Some(pod) = cluster.kube.get(PODS, &key.0, &key.1) else { continue };
        if let Some(node) = cluster.kube.node_for(pod) {
            cluster.kube.bind(&key, &node, now);
        }
    }
    let placed: Vec<Key> = cluster
        .kube
        .list(PODS, None)
        .filter(|(_, pod)| {
            pods::node_of(pod).is_some() && pod["metadata"]["annotations"]["estate/never-ready"] != "true"
        })
        .map(|(key, _)| key.clone())
        .collect();
    for key in placed {
        cluster.kube.pod_ready(&key, now);
    }
}

/// How many replicas of a workload are there and ready, as its status says it.
#[must_use]
pub fn workload_status(cluster: &Cluster, namespace: &str, workload: &Value) -> Value {
    let selector = &workload["spec"]["selector"];
    let all = cluster.kube.list(PODS, Some(namespace)).map(|it| it.1);
    let own: Vec<&Value> =
        all.filter(|pod| crate::world::kube::selects(selector, &pod["metadata"]["labels"])).collect();
    let ready = own.iter().filter(|pod| pods::is_ready(pod)).count();
    json!({ "replicas": own.len(), "readyReplicas": ready, "availableReplicas": ready,
            "updatedReplicas": own.len() })
}
