//! What people call resources besides their plurals: short names, and the category `all`.
//!
//! Source: kubectl reference documentation, "Resource types"; the registries of the API server.

/// Group, plural, short names.
const SHORT: &[(&str, &str, &[&str])] = &[
    ("", "configmaps", &["cm"]),
    ("", "endpoints", &["ep"]),
    ("", "events", &["ev"]),
    ("", "limitranges", &["limits"]),
    ("", "namespaces", &["ns"]),
    ("", "nodes", &["no"]),
    ("", "persistentvolumeclaims", &["pvc"]),
    ("", "persistentvolumes", &["pv"]),
    ("", "pods", &["po"]),
    ("", "replicationcontrollers", &["rc"]),
    ("", "resourcequotas", &["quota"]),
    ("", "serviceaccounts", &["sa"]),
    ("", "services", &["svc"]),
    ("apiextensions.k8s.io", "customresourcedefinitions", &["crd", "crds"]),
    ("apps", "daemonsets", &["ds"]),
    ("apps", "deployments", &["deploy"]),
    ("apps", "replicasets", &["rs"]),
    ("apps", "statefulsets", &["sts"]),
    ("autoscaling", "horizontalpodautoscalers", &["hpa"]),
    ("batch", "cronjobs", &["cj"]),
    ("networking.k8s.io", "ingresses", &["ing"]),
    ("networking.k8s.io", "networkpolicies", &["netpol"]),
    ("policy", "poddisruptionbudgets", &["pdb"]),
    ("scheduling.k8s.io", "priorityclasses", &["pc"]),
    ("storage.k8s.io", "storageclasses", &["sc"]),
    ("storage.k8s.io", "volumeattributesclasses", &["vac"]),
];

/// What `kubectl get all` shows: group and plural.
const ALL: &[(&str, &str)] = &[
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("", "services"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
];

/// The short names of a resource of Kubernetes itself.
pub(super) fn short(group: &str, plural: &str) -> Vec<String> {
    let found = SHORT.iter().find(|it| (it.0, it.1) == (group, plural));
    found.into_iter().flat_map(|it| it.2).map(|it| (*it).to_owned()).collect()
}

/// The categories of a resource of Kubernetes itself.
pub(super) fn categories(group: &str, plural: &str) -> Vec<String> {
    if ALL.contains(&(group, plural)) { vec!["all".to_owned()] } else { Vec::new() }
}
