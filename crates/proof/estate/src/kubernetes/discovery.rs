//! What a cluster's API server serves in its version, and telling clients of it.
//!
//! Lifecycles: the generated lifecycle markers of `k8s.io/api`. Custom resources come from their definitions.

use serde_json::{Value, json};

use super::answer::{Answer, Status};
use super::asked::{Asked, Target};
use super::names;
use super::scale::SCALED;
use crate::world::eks::Cluster;
use crate::world::eks::version::Minor;

/// A resource in one version of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// The group, empty for the core group.
    pub(super) group: String,
    /// The version.
    pub(super) version: String,
    /// The plural.
    pub(super) plural: String,
    /// The kind.
    pub(super) kind: String,
    /// True where objects are in namespaces.
    pub(super) namespaced: bool,
    /// Short names.
    pub(super) short_names: Vec<String>,
    /// Categories, under which several resources are asked for at once.
    pub(super) categories: Vec<String>,
    /// Since when it is deprecated, when it goes, and what takes its place.
    pub(super) deprecated: Option<(Minor, Option<Minor>, String)>,
}

/// Group, version, plural, kind, whether in namespaces.
type Row = (&'static str, &'static str, &'static str, &'static str, bool);

/// What every version of the estate's calendar serves.
const ALWAYS: &[Row] = &[
    ("", "v1", "configmaps", "ConfigMap", true),
    ("", "v1", "endpoints", "Endpoints", true),
    ("", "v1", "events", "Event", true),
    ("", "v1", "limitranges", "LimitRange", true),
    ("", "v1", "namespaces", "Namespace", false),
    ("", "v1", "nodes", "Node", false),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
    ("", "v1", "persistentvolumes", "PersistentVolume", false),
    ("", "v1", "pods", "Pod", true),
    ("", "v1", "replicationcontrollers", "ReplicationController", true),
    ("", "v1", "resourcequotas", "ResourceQuota", true),
    ("", "v1", "secrets", "Secret", true),
    ("", "v1", "serviceaccounts", "ServiceAccount", true),
    ("", "v1", "services", "Service", true),
    (
        "admissionregistration.k8s.io",
        "v1",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        false,
    ),
    ("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", false),
    (
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        false,
    ),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false),
    ("apiregistration.k8s.io", "v1", "apiservices", "APIService", false),
    ("apps", "v1", "controllerrevisions", "ControllerRevision", true),
    ("apps", "v1", "daemonsets", "DaemonSet", true),
    ("apps", "v1", "deployments", "Deployment", true),
    ("apps", "v1", "replicasets", "ReplicaSet", true),
    ("apps", "v1", "statefulsets", "StatefulSet", true),
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false),
    ("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true),
    ("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true),
    ("batch", "v1", "cronjobs", "CronJob", true),
    ("batch", "v1", "jobs", "Job", true),
    ("coordination.k8s.io", "v1", "leases", "Lease", true),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true),
    ("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", false),
    (
        "flowcontrol.apiserver.k8s.io",
        "v1",
        "prioritylevelconfigurations",
        "PriorityLevelConfiguration",
        false,
    ),
    ("networking.k8s.io", "v1", "ingressclasses", "IngressClass", false),
    ("networking.k8s.io", "v1", "ingresses", "Ingress", true),
    ("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true),
    ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false),
    ("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true),
    ("rbac.authorization.k8s.io", "v1", "roles", "Role", true),
    ("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false),
    ("storage.k8s.io", "v1", "csidrivers", "CSIDriver", false),
    ("storage.k8s.io", "v1", "csinodes", "CSINode", false),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", false),
    ("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", false),
];

/// A row, since when it is served, when it is deprecated and when it goes.
type Span = (Row, u32, Option<(u32, u32)>);

/// What some versions serve.
const SOMETIMES: &[Span] = &[
    (("flowcontrol.apiserver.k8s.io", "v1beta3", "flowschemas", "FlowSchema", false), 26, Some((29, 32))),
    (
        (
            "flowcontrol.apiserver.k8s.io",
            "v1beta3",
            "prioritylevelconfigurations",
            "PriorityLevelConfiguration",
            false,
        ),
        26,
        Some((29, 32)),
    ),
    (("storage.k8s.io", "v1", "volumeattributesclasses", "VolumeAttributesClass", false), 34, None),
    (
        ("storage.k8s.io", "v1beta1", "volumeattributesclasses", "VolumeAttributesClass", false),
        31,
        Some((34, 37)),
    ),
];

fn served((group, version, plural, kind, namespaced): &Row) -> Served {
    Served {
        group: (*group).to_owned(),
        version: (*version).to_owned(),
        plural: (*plural).to_owned(),
        kind: (*kind).to_owned(),
        namespaced: *namespaced,
        short_names: names::short(group, plural),
        categories: names::categories(group, plural),
        deprecated: None,
    }
}

/// Everything that a cluster serves.
pub(super) fn all(cluster: &Cluster) -> Vec<Served> {
    let mut all: Vec<Served> = ALWAYS.iter().map(served).collect();
    for (row, since, deprecated) in SOMETIMES {
        let gone = deprecated.is_some_and(|(_, gone)| cluster.version >= Minor(gone));
        if cluster.version < Minor(*since) || gone {
            continue;
        }
        let mut found = served(row);
        let now = deprecated.filter(|(since, _)| cluster.version >= Minor(*since));
        found.deprecated = now.map(|(since, gone)| {
            (Minor(since), Some(Minor(gone)), format!("{}/v1 {}", found.group, found.kind))
        });
        all.push(found);
    }
    if cluster.version >= Minor(33)
        && let Some(endpoints) = all.iter_mut().find(|it| it.plural == "endpoints")
    {
        let instead = "discovery.k8s.io/v1 EndpointSlice".to_owned();
        endpoints.deprecated = Some((Minor(33), None, instead));
    }
    for (_, definition) in cluster.kube.list("apiextensions.k8s.io/customresourcedefinitions", None) {
        all.extend(custom(definition));
    }
    all
}

/// The resources of a definition, version by version.
fn custom(definition: &Value) -> Vec<Served> {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
    let versions = spec["versions"].as_array().into_iter().flatten().filter(|it| it["served"] == true);
    versions
        .map(|version| Served {
            group: text(&spec["group"]),
            version: text(&version["name"]),
            plural: text(&spec["names"]["plural"]),
            kind: text(&spec["names"]["kind"]),
            namespaced: spec["scope"] == "Namespaced",
            short_names: texts(&spec["names"]["shortNames"]),
            categories: texts(&spec["names"]["categories"]),
            deprecated: None,
        })
        .collect()
}

/// The resource that a target names.
///
/// # Errors
/// The cluster does not serve it in that version.
pub(super) fn of(cluster: &Cluster, target: &Target) -> Result<Served, Status> {
    let same =
        |it: &Served| it.group == target.group && it.version == target.version && it.plural == target.plural;
    all(cluster).into_iter().find(same).ok_or_else(not_served)
}

fn not_served() -> Status {
    Status::new(404, "NotFound", "the server could not find the requested resource")
}

fn verbs(found: &Served) -> Value {
    match found.plural.ends_with("reviews") {
        true => json!(["create"]),
        false => json!(["create", "delete", "get", "list", "patch", "update", "watch"]),
    }
}

/// The resource as the store names it.
fn resource_of(found: &Served) -> String {
    if found.group.is_empty() { found.plural.clone() } else { format!("{}/{}", found.group, found.plural) }
}

fn group_version(found: &Served) -> String {
    if found.group.is_empty() { found.version.clone() } else { format!("{}/{}", found.group, found.version) }
}

/// Answers where a path is about discovery; none where it is about something else.
pub(super) fn answer(cluster: &Cluster, asked: &Asked) -> Option<Result<Answer, Status>> {
    let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    let aggregated = asked.accept.contains("as=APIGroupDiscoveryList");
    let served = all(cluster);
    let document = match parts[..] {
        ["api"] if aggregated => return Some(Ok(discovered(&served, true))),
        ["apis"] if aggregated => return Some(Ok(discovered(&served, false))),
        ["api"] => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        ["apis"] => {
            let groups: Vec<Value> = groups(&served).iter().map(|name| group(&served, name)).collect();
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
        }
        ["apis", name] if served.iter().any(|it| it.group == name) => {
            let mut document = group(&served, name);
            (document["kind"], document["apiVersion"]) = ("APIGroup".into(), "v1".into());
            document
        }
        ["api", version] => return Some(resources(&served, "", version)),
        ["apis", group, version] => return Some(resources(&served, group, version)),
        _ => return None,
    };
    Some(Ok(Answer::document(&document)))
}

/// Groups but the core group, each once, in their order.
fn groups(served: &[Served]) -> Vec<String> {
    let mut names: Vec<String> =
        served.iter().map(|it| it.group.clone()).filter(|it| !it.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Versions of a group, the preferred one first.
fn versions(served: &[Served], group: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for it in served.iter().filter(|it| it.group == group) {
        if !all.contains(&it.version) {
            all.push(it.version.clone());
        }
    }
    all
}

fn group(served: &[Served], name: &str) -> Value {
    let versions = versions(served, name).into_iter();
    let versions: Vec<Value> =
        versions.map(|it| json!({ "groupVersion": format!("{name}/{it}"), "version": it })).collect();
    json!({ "name": name, "preferredVersion": versions[0], "versions": versions })
}

fn resources(served: &[Served], group: &str, version: &str) -> Result<Answer, Status> {
    let own: Vec<&Served> = served.iter().filter(|it| it.group == group && it.version == version).collect();
    let first = own.first().ok_or_else(not_served)?;
    let mut entries = Vec::new();
    for it in &own {
        let singular = it.kind.to_lowercase();
        let mut entry = json!({ "name": it.plural, "singularName": singular, "namespaced": it.namespaced,
                                "kind": it.kind, "verbs": verbs(it) });
        name_further(&mut entry, it);
        entries.push(entry);
        if SCALED.contains(&resource_of(it).as_str()) {
            entries.push(
                json!({ "name": format!("{}/scale", it.plural), "singularName": "", "namespaced": true,
                                 "group": "autoscaling", "version": "v1", "kind": "Scale",
                                 "verbs": ["get", "patch", "update"] }),
            );
        }
        if it.plural == "pods" {
            entries.push(json!({ "name": "pods/eviction", "singularName": "", "namespaced": true,
                                 "group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"] }));
        }
    }
    Ok(Answer::document(&json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(first), "resources": entries,
    })))
}

/// Adds what else a resource is called; the API server leaves out what is empty.
fn name_further(entry: &mut Value, it: &Served) {
    for (key, names) in [("shortNames", &it.short_names), ("categories", &it.categories)] {
        if !names.is_empty() {
            entry[key] = json!(names);
        }
    }
}

/// Everything at once (aggregated discovery, `apidiscovery.k8s.io/v2`).
fn discovered(served: &[Served], core: bool) -> Answer {
    let names = if core { vec![String::new()] } else { groups(served) };
    let items: Vec<Value> = names
        .iter()
        .map(|name| {
            let versions = versions(served, name).into_iter().map(|version| {
                let own = served.iter().filter(|it| it.group == *name && it.version == version);
                json!({ "version": version, "freshness": "Current",
                        "resources": own.map(entry).collect::<Vec<_>>() })
            });
            json!({ "metadata": { "name": name }, "versions": versions.collect::<Vec<_>>() })
        })
        .collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    });
    Answer {
        content_type: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList".to_owned(),
        ..Answer::document(&document)
    }
}

fn entry(it: &Served) -> Value {
    let kind = json!({ "group": it.group, "version": it.version, "kind": it.kind });
    let mut entry = json!({
        "resource": it.plural, "responseKind": kind, "singularResource": it.kind.to_lowercase(),
        "scope": if it.namespaced { "Namespaced" } else { "Cluster" }, "verbs": verbs(it),
    });
    name_further(&mut entry, it);
    if SCALED.contains(&resource_of(it).as_str()) {
        let kind = json!({ "group": "autoscaling", "version": "v1", "kind": "Scale" });
        let verbs = ["get", "patch", "update"];
        entry["subresources"] = json!([{ "subresource": "scale", "responseKind": kind, "verbs": verbs }]);
    }
    if it.plural == "pods" {
        let kind = json!({ "group": "policy", "version": "v1", "kind": "Eviction" });
        entry["subresources"] =
            json!([{ "subresource": "eviction", "responseKind": kind, "verbs": ["create"] }]);
    }
    entry
}
