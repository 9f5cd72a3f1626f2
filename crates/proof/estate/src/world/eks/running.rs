//! What runs in a cluster as time passes: kubelets start, pods are placed, evicted, ended and replaced.

use serde_json::{Value, json};

use super::{Cluster, Ground, What, fargate, jobs, node_pools};
use crate::world::ids::InstanceId;
use crate::world::kube::admission::{Denied, Operation, Subject};
use crate::world::kube::budgets::Refused;
use crate::world::kube::{Key, NODES, PODS, controller, nodes, pods, seconds};

/// A kubelet has started: its node is ready, gets the daemons' pods, and takes pods that wait.
pub(super) fn node_started(cluster: &mut Cluster, ground: &mut Ground<'_>, name: &str) {
    if cluster.kube.get(NODES, "", name).is_none_or(nodes::is_ready) {
        return;
    }
    cluster.kube.node_ready(name, true, ground.now);
    node_pools::node_started(cluster, ground, name);
    let already: Vec<Key> = cluster.kube.pods_on(name).map(|(key, _)| key.clone()).collect();
    for key in already.into_iter().chain(cluster.kube.daemons_for(name, ground.now)) {
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
        if fargate::profile_of(cluster, &key).is_some() {
            fargate::launch(cluster, ground, &key, cluster.version);
            continue;
        }
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
        let pod = pod.clone();
        cluster.kube.pod_ready(key, ground.now);
        cluster.kube.tell_owners(&pod, ground.now);
        jobs::pod_runs(cluster, ground, key);
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

/// Whether what a pod is of has as many pods as it wants without this one.
fn is_surplus(cluster: &Cluster, gone: &Value) -> bool {
    let Some((kind @ ("ReplicaSet" | "StatefulSet"), owner)) = controller(gone) else { return false };
    let resource = if kind == "ReplicaSet" { "apps/replicasets" } else { "apps/statefulsets" };
    let namespace = gone["metadata"]["namespace"].as_str().unwrap_or_default();
    let Some(set) = cluster.kube.get(resource, namespace, owner) else { return false };
    let all = cluster.kube.list(PODS, Some(namespace)).map(|it| it.1);
    let own = all.filter(|pod| {
        controller(pod) == Some((kind, owner)) && pod["metadata"]["deletionTimestamp"].is_null()
    });
    own.count() as u64 >= set["spec"]["replicas"].as_u64().unwrap_or(1)
}

fn remove(cluster: &mut Cluster, ground: &mut Ground<'_>, key: &Key) {
    let Some(gone) = cluster.kube.remove(PODS, key) else { return };
    let node = pods::node_of(&gone).and_then(|node| cluster.kube.get(NODES, "", node));
    if let Some(node) =
        node.filter(|node| fargate::is_fargate(node)).map(|node| crate::world::kube::key(node).1)
    {
        end_node(cluster, ground, &node);
    }
    let made = if is_surplus(cluster, &gone) { None } else { cluster.kube.replace(&gone, ground.now) };
    if let Some(made) = made {
        let placed = cluster.kube.get(PODS, &made.0, &made.1).is_some_and(|it| pods::node_of(it).is_some());
        if placed {
            start_later(cluster, ground, made);
        }
    }
    cluster.kube.tell_owners(&gone, ground.now);
    jobs::pod_lost(cluster, ground, &gone);
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

/// Whether a drain asks a pod to go.
#[must_use]
pub fn is_evicted(pod: &Value) -> bool {
    !stays(pod) && !pods::has_ended(pod)
}

/// Evicts what may go from a node, and says whether the node is drained.
pub fn evict_all(cluster: &mut Cluster, ground: &mut Ground<'_>, node: &str) -> bool {
    evict_where(cluster, ground, node, |_| true)
}

/// The same with the pods that are meant; others go with their node.
pub fn evict_where(
    cluster: &mut Cluster,
    ground: &mut Ground<'_>,
    node: &str,
    is_meant: impl Fn(&Value) -> bool,
) -> bool {
    let here = cluster.kube.pods_on(node).filter(|(_, pod)| is_evicted(pod) && is_meant(pod));
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
        ground.changes.ended.extend(InstanceId::parse(instance));
    }
    for key in keys {
        remove(cluster, ground, &key);
    }
}

/// Everything is there at once, as in a cluster that has run for long: nodes are ready, pods are placed and run.
pub fn settle_all(cluster: &mut Cluster, ground: &mut Ground<'_>) {
    let now = ground.now;
    for key in cluster.kube.pending() {
        let profile = fargate::profile_of(cluster, &key).and_then(|name| cluster.fargate.get(name));
        if let Some(version) = profile.map(|it| it.began_at.unwrap_or(cluster.version)) {
            fargate::launch(cluster, ground, &key, version);
        }
    }
    let names: Vec<String> = cluster.kube.list(NODES, None).map(|(key, _)| key.1.clone()).collect();
    for name in &names {
        cluster.kube.node_ready(name, true, now);
        node_pools::node_started(cluster, ground, name);
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

/// Gives a workload another number of pods: those that it lacks are made, and of those too many the youngest go.
pub fn scale(cluster: &mut Cluster, ground: &mut Ground<'_>, resource: &str, key: &Key, replicas: u64) {
    let is_set =
        cluster.kube.change(resource, key, ground.now, |it| it["spec"]["replicas"] = replicas.into());
    let Some(workload) = cluster.kube.get(resource, &key.0, &key.1).filter(|_| is_set) else { return };
    let uid = workload["metadata"]["uid"].clone();
    let owned = |object: &Value| {
        let owners = object["metadata"]["ownerReferences"].as_array();
        owners.is_some_and(|all| all.iter().any(|it| it["uid"] == uid))
    };
    let keys = |resource: &str| -> Vec<Key> {
        let all = cluster.kube.list(resource, Some(&key.0));
        all.filter(|(_, it)| owned(it) && it["metadata"]["deletionTimestamp"].is_null())
            .map(|(key, _)| key.clone())
            .collect()
    };
    let (sets, mut pods) = (keys("apps/replicasets"), keys(PODS));
    for set in sets {
        scale(cluster, ground, "apps/replicasets", &set, replicas);
    }
    if resource == "apps/deployments" {
        return;
    }
    let created = |key: &Key| {
        let pod = cluster.kube.get(PODS, &key.0, &key.1);
        pod.map(|it| it["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned())
    };
    pods.sort_by_cached_key(|key| (created(key), key.1.len(), key.1.clone()));
    for key in pods.iter().skip(usize::try_from(replicas).unwrap_or(usize::MAX)) {
        delete_pod(cluster, ground, key, None);
    }
    cluster.kube.fill_from(resource, key, pods.len() as u64, ground.now);
    schedule_pending(cluster, ground);
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
