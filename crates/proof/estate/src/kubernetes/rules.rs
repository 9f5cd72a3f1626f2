//! What somebody may do, as a list of rules (SelfSubjectRulesReview).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{Person, policies, roles};
use super::discovery;
use crate::world::eks::Cluster;

/// Reading.
const READS: [&str; 3] = ["get", "list", "watch"];

fn resources(verbs: &[&str], groups: &[&str], resources: &Value) -> Value {
    json!({ "verbs": verbs, "apiGroups": groups, "resources": resources })
}

fn paths(verbs: &[&str], paths: &[&str]) -> Value {
    json!({ "verbs": verbs, "nonResourceURLs": paths })
}

/// The status of a review of what a person may do in a namespace.
pub(super) fn of(cluster: &Cluster, person: &Person, namespace: &str) -> Value {
    // What everybody who is known may do: the roles system:basic-user and system:discovery.
    let reviews = json!(["selfsubjectaccessreviews", "selfsubjectrulesreviews"]);
    let mut rules = vec![
        resources(&["create"], &["authorization.k8s.io"], &reviews),
        resources(&["create"], &["authentication.k8s.io"], &json!(["selfsubjectreviews"])),
        paths(
            &["get"],
            &[
                "/api",
                "/api/*",
                "/apis",
                "/apis/*",
                "/healthz",
                "/livez",
                "/openapi",
                "/openapi/*",
                "/readyz",
                "/version",
            ],
        ),
    ];
    if person.groups.iter().any(|it| it == "system:masters") {
        rules.extend(everything());
    }
    for policy in policies(cluster, person) {
        rules.extend(by_policy(cluster, policy, namespace));
    }
    for role in roles(cluster, person, namespace) {
        rules.extend(role["rules"].as_array().into_iter().flatten().cloned());
    }
    let of_paths = |rule: &&Value| rule["nonResourceURLs"].is_array();
    let (on_paths, on_resources): (Vec<&Value>, Vec<&Value>) = rules.iter().partition(of_paths);
    json!({ "resourceRules": on_resources, "nonResourceRules": on_paths, "incomplete": false })
}

fn everything() -> [Value; 2] {
    [resources(&["*"], &["*"], &json!(["*"])), paths(&["*"], &["*"])]
}

/// What EKS's access policies come to, the same as [`super::access::may`] has it.
fn by_policy(cluster: &Cluster, name: &str, namespace: &str) -> Vec<Value> {
    match name {
        "AmazonEKSClusterAdminPolicy" => everything().into(),
        "AmazonEKSAdminViewPolicy" => vec![resources(&READS, &["*"], &json!(["*"])), paths(&["get"], &["*"])],
        "AmazonEKSViewPolicy" => all_but(cluster, &READS, &["nodes", "secrets"]),
        "AmazonEKSAdminPolicy" | "AmazonEKSEditPolicy" if !namespace.is_empty() => {
            all_but(cluster, &["*"], &["nodes"])
        }
        _ => Vec::new(),
    }
}

/// A rule for each group that the cluster serves, without some resources.
fn all_but(cluster: &Cluster, verbs: &[&str], without: &[&str]) -> Vec<Value> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for it in discovery::all(cluster) {
        let own = groups.entry(it.group).or_default();
        let is_stored = !it.plural.ends_with("reviews");
        if is_stored && !without.contains(&it.plural.as_str()) && !own.contains(&it.plural) {
            own.push(it.plural);
        }
    }
    groups.retain(|_, plurals| !plurals.is_empty());
    groups.iter().map(|(group, plurals)| resources(verbs, &[group], &json!(plurals))).collect()
}
