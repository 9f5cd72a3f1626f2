//! Pods on Fargate have a node each, and come back with the control plane's version.

use fleetwright_estate::world::eks::fargate::is_fargate;
use fleetwright_estate::world::kube::{Key, NODES, PODS, nodes, pods};

use super::super::kubernetes;
use super::*;

const CLUSTER: &str = r#"
    access = [{ principal = "arn:aws:iam::098765432109:user/tester", policies = ["AmazonEKSClusterAdminPolicy"] }]
    node_groups = [{ name = "n", nodes = 2 }]
    addons = [{ name = "kube-proxy" }]
    fargate_profiles = [{ name = "jobs", namespaces = ["jobs"], version = "1.32" }]
    workloads = [
        { name = "web", replicas = 2 },
        { name = "worker", namespace = "jobs", replicas = 2, max_unavailable = 1, tolerates_all = true },
    ]"#;

/// Pods of a namespace with their nodes, each node with its version and whether it is Fargate's; none for those that wait.
fn placed(estate: &Estate, namespace: &str) -> Vec<(Key, String, bool, bool)> {
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        let all = kube.list(PODS, Some(namespace)).filter_map(|(key, pod)| {
            let node = kube.get(NODES, "", pods::node_of(pod)?)?;
            let version = nodes::kubelet(node).expect("a version").to_string();
            Some((key.clone(), version, is_fargate(node), pods::is_ready(pod)))
        });
        all.collect()
    })
}

fn fargate_nodes(estate: &Estate) -> Vec<String> {
    estate.with_world(|world| {
        let region = &world.accounts[ACCOUNT].regions[REGION];
        let all = region.clusters.by_name["c"].kube.list(NODES, None);
        all.filter(|(_, node)| is_fargate(node)).map(|((_, name), _)| name.clone()).collect()
    })
}

#[tokio::test]
async fn every_pod_of_a_profile_has_a_node_of_its_own_and_nobody_else_is_there() {
    let estate = cluster_with(CLUSTER);
    let jobs = placed(&estate, "jobs");
    assert_eq!(jobs.len(), 2);
    assert!(
        jobs.iter().all(|(_, version, fargate, ready)| version == "1.32" && *fargate && *ready),
        "{jobs:?}"
    );
    assert!(placed(&estate, "default").iter().all(|(_, _, fargate, _)| !fargate));
    let nodes = fargate_nodes(&estate);
    assert_eq!(nodes.len(), 2);
    assert!(nodes.iter().all(|name| name.starts_with("fargate-ip-")), "{nodes:?}");
    assert_eq!(placed(&estate, "kube-system").len(), 2, "daemons are on the group's nodes only");
}

#[tokio::test]
async fn an_evicted_pod_comes_back_on_a_new_node_with_the_control_planes_version() {
    let estate = cluster_with(CLUSTER);
    let before = fargate_nodes(&estate);
    let interfaces = |estate: &Estate| {
        estate.with_world(|world| world.accounts[ACCOUNT].regions[REGION].network.interfaces.len())
    };
    let taken = interfaces(&estate);
    let keys: Vec<Key> = placed(&estate, "jobs").into_iter().map(|it| it.0).collect();
    let [first, second] = &keys[..] else { panic!("two pods: {keys:?}") };
    let evict = async |key: &Key| {
        let body = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": key.1 } });
        let path = format!("/api/v1/namespaces/{}/pods/{}/eviction", key.0, key.1);
        kubernetes::ask(&estate, "POST", &path, &[], body).await.status
    };
    assert_eq!(evict(first).await, 201);
    assert_eq!(evict(second).await, 429, "the budget lets one go at a time");
    estate.advance(10.0 * MINUTE).expect("advanced");
    let versions = |estate: &Estate| {
        let mut all: Vec<String> = placed(estate, "jobs").into_iter().map(|it| it.1).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(versions(&estate), ["1.32", "1.33"]);
    assert!(placed(&estate, "jobs").iter().all(|it| it.3), "both are ready");
    assert_eq!(evict(second).await, 201);
    estate.advance(10.0 * MINUTE).expect("advanced");
    assert_eq!(versions(&estate), ["1.33", "1.33"]);
    let nodes = fargate_nodes(&estate);
    assert!(nodes.len() == 2 && nodes.iter().all(|name| !before.contains(name)), "{before:?} {nodes:?}");
    assert_eq!(interfaces(&estate), taken, "the old nodes' interfaces are gone");
}
