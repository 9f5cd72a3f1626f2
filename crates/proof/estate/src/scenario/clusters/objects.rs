//! What runs in a scenario's cluster, and what else its API server keeps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::eks::Cluster;
use crate::world::kube::{BUDGETS, PODS, seconds};

/// Pods of one kind, and what keeps them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSection {
    /// Its name.
    pub name: String,
    /// What keeps the pods.
    #[serde(default)]
    pub kind: WorkloadKind,
    /// The namespace.
    #[serde(default = "usual_namespace")]
    pub namespace: String,
    /// Pods; one for each node with a daemon set.
    #[serde(default = "one")]
    pub replicas: u64,
    /// The image.
    #[serde(default = "usual_image")]
    pub image: String,
    /// Processors that each pod asks for.
    #[serde(default = "usual_cpu")]
    pub cpu: String,
    /// Memory that each pod asks for.
    #[serde(default = "usual_memory")]
    pub memory: String,
    /// Pods that its disruption budget keeps: a number, or a percentage.
    pub min_available: Option<Value>,
    /// Pods that its disruption budget lets go: a number, or a percentage.
    pub max_unavailable: Option<Value>,
    /// What its budget does with pods that are not ready: `IfHealthyBudget` or `AlwaysAllow`.
    pub unhealthy: Option<String>,
    /// True where its pods never become ready.
    #[serde(default)]
    pub never_ready: bool,
    /// Seconds that its pods have to stop.
    pub grace: Option<i64>,
    /// True where its pods tolerate every taint.
    #[serde(default)]
    pub tolerates_all: bool,
    /// Labels of nodes that its pods ask for.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Annotations of its pods.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// What keeps pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadKind {
    /// A deployment with its replica set.
    #[default]
    Deployment,
    /// A stateful set.
    StatefulSet,
    /// A daemon set.
    DaemonSet,
    /// Nothing.
    Bare,
}

/// A Kubernetes object as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectSection {
    /// Its resource: group and plural (`apps/deployments`), the core group without one (`secrets`).
    pub resource: String,
    /// The object.
    pub object: Value,
    /// The version of its API that somebody applied it with by `kubectl apply`, where it tells that.
    pub applied_as: Option<String>,
}

const fn one() -> u64 {
    1
}
pub(super) fn usual_namespace() -> String {
    "default".to_owned()
}
fn usual_image() -> String {
    "registry.example/app:1".to_owned()
}
fn usual_cpu() -> String {
    "50m".to_owned()
}
fn usual_memory() -> String {
    "64Mi".to_owned()
}

/// A workload with nothing special about it.
pub(super) fn workload(name: &str, kind: WorkloadKind, namespace: &str, image: String) -> WorkloadSection {
    WorkloadSection {
        name: name.to_owned(),
        kind,
        namespace: namespace.to_owned(),
        replicas: 2,
        image,
        cpu: usual_cpu(),
        memory: usual_memory(),
        min_available: None,
        max_unavailable: None,
        unhealthy: None,
        never_ready: false,
        grace: None,
        tolerates_all: kind == WorkloadKind::DaemonSet,
        node_selector: BTreeMap::new(),
        annotations: BTreeMap::new(),
    }
}

fn pod_spec(section: &WorkloadSection) -> Value {
    let requests = json!({ "cpu": section.cpu, "memory": section.memory });
    let mut spec = json!({ "containers": [
        { "name": section.name, "image": section.image, "resources": { "requests": requests } },
    ]});
    if let Some(grace) = section.grace {
        spec["terminationGracePeriodSeconds"] = grace.into();
    }
    if section.tolerates_all {
        spec["tolerations"] = json!([{ "operator": "Exists" }]);
    }
    if !section.node_selector.is_empty() {
        spec["nodeSelector"] = json!(section.node_selector);
    }
    spec
}

/// Puts a workload into a cluster, with its pods and its disruption budget.
///
/// # Errors
/// What is wrong with it.
pub(super) fn put_workload(
    cluster: &mut Cluster,
    section: &WorkloadSection,
    at: Timestamp,
) -> Result<(), String> {
    let labels = json!({ "app": section.name });
    let mut annotations = json!(section.annotations);
    if section.never_ready {
        annotations["estate/never-ready"] = "true".into();
    }
    let metadata = json!({ "name": section.name, "namespace": section.namespace, "labels": labels });
    put_namespace(cluster, &section.namespace, at);
    let template = json!({
        "metadata": { "labels": labels, "annotations": annotations },
        "spec": pod_spec(section),
    });
    let selector = json!({ "matchLabels": labels });
    let (resource, kind) = match section.kind {
        WorkloadKind::Deployment => ("apps/deployments", "Deployment"),
        WorkloadKind::StatefulSet => ("apps/statefulsets", "StatefulSet"),
        WorkloadKind::DaemonSet => ("apps/daemonsets", "DaemonSet"),
        WorkloadKind::Bare => {
            let mut metadata = metadata.clone();
            metadata["annotations"] = annotations;
            let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
                              "spec": pod_spec(section), "status": { "phase": "Pending" } });
            cluster.kube.put(PODS, pod, at);
            return put_budget(cluster, section, &selector, at);
        }
    };
    let mut spec = json!({ "selector": selector, "template": template });
    if section.kind != WorkloadKind::DaemonSet {
        spec["replicas"] = section.replicas.into();
    }
    let object = json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec });
    let key = cluster.kube.put(resource, object, at);
    // Daemons come with their nodes.
    if section.kind != WorkloadKind::DaemonSet {
        cluster.kube.roll_out(resource, &key, at);
    }
    put_budget(cluster, section, &selector, at)
}

fn put_budget(
    cluster: &mut Cluster,
    section: &WorkloadSection,
    selector: &Value,
    at: Timestamp,
) -> Result<(), String> {
    let mut spec = match (&section.min_available, &section.max_unavailable) {
        (None, None) => return Ok(()),
        (Some(least), None) => json!({ "minAvailable": least }),
        (None, Some(most)) => json!({ "maxUnavailable": most }),
        (Some(_), Some(_)) => {
            return Err(format!(
                "workload {}: give min_available or max_unavailable, not both",
                section.name
            ));
        }
    };
    spec["selector"] = selector.clone();
    if let Some(policy) = &section.unhealthy {
        spec["unhealthyPodEvictionPolicy"] = policy.as_str().into();
    }
    let metadata = json!({ "name": section.name, "namespace": section.namespace });
    let budget = json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec });
    cluster.kube.put(BUDGETS, budget, at);
    Ok(())
}

/// Makes a namespace, where it is not there.
pub(super) fn put_namespace(cluster: &mut Cluster, name: &str, at: Timestamp) {
    if cluster.kube.get("namespaces", "", name).is_none() {
        let metadata = json!({ "name": name, "labels": { "kubernetes.io/metadata.name": name } });
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata,
                                "status": { "phase": "Active" } });
        cluster.kube.put("namespaces", namespace, at);
    }
}

/// Puts an object into a cluster.
///
/// # Errors
/// It has no name, kind or version.
pub(super) fn put_object(
    cluster: &mut Cluster,
    section: &ObjectSection,
    at: Timestamp,
) -> Result<(), String> {
    let object = &section.object;
    for (what, value) in [
        ("metadata.name", &object["metadata"]["name"]),
        ("kind", &object["kind"]),
        ("apiVersion", &object["apiVersion"]),
    ] {
        if !value.is_string() {
            return Err(format!("objects: an object of {} has no {what}", section.resource));
        }
    }
    if let Some(namespace) = object["metadata"]["namespace"].as_str() {
        put_namespace(cluster, namespace, at);
    }
    let mut object = object.clone();
    if let Some(version) = &section.applied_as {
        apply_as(&mut object, version, at);
    }
    let key = cluster.kube.put(&section.resource, object, at);
    // Daemons come with their nodes.
    if section.resource != "apps/daemonsets" {
        cluster.kube.roll_out(&section.resource, &key, at);
    }
    Ok(())
}

/// Leaves in an object what `kubectl apply` leaves there: what was applied, and who set its fields.
///
/// Source: Kubernetes documentation, "Declarative Management of Kubernetes Objects Using Configuration Files".
fn apply_as(object: &mut Value, version: &str, at: Timestamp) {
    let mut applied = object.clone();
    applied["apiVersion"] = version.into();
    let metadata = &mut object["metadata"];
    metadata["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = applied.to_string().into();
    metadata["managedFields"] = json!([{
        "manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": version, "time": seconds(at),
        "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": {} },
    }]);
}
