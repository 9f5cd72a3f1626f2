//! Nodes are replaced as their budgets allow.

use super::*;

const ROLL: &str = "/clusters/c/node-groups/n/update-version";
const OF_GROUP: &str = "?nodegroupName=n";

/// A cluster at 1.34 with three nodes at 1.33, and a workload.
fn with_workload(group: &str, workload: &str) -> Arc<Estate> {
    let more = format!(
        "[[clusters.node_groups]]\nname = \"n\"\nversion = \"1.33\"\n{group}\n\
         [[clusters.workloads]]\nname = \"web\"\n{workload}"
    );
    cluster("1.34", &more)
}

/// Kubelet versions and readiness of the nodes, and how many pods of the workload are ready.
fn state(estate: &Estate) -> (Vec<(String, bool)>, usize) {
    use fleetwright_estate::world::kube::{NODES, PODS, nodes, pods};
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        let versions = kube.list(NODES, None).map(|(_, node)| {
            (nodes::kubelet(node).expect("a version").to_string(), node["spec"]["unschedulable"] != true)
        });
        let ready = kube.list(PODS, Some("default")).filter(|(_, pod)| pods::is_ready(pod)).count();
        (versions.collect(), ready)
    })
}

fn open(version: &str, count: usize) -> Vec<(String, bool)> {
    vec![(version.to_owned(), true); count]
}

#[tokio::test]
async fn new_nodes_come_before_old_ones_go_and_budgets_hold_throughout() {
    let estate = with_workload("nodes = 3", "replicas = 6\nmax_unavailable = 1");
    assert_eq!(state(&estate), (open("1.33", 3), 6));
    let begun = post(&estate, ROLL, json!({})).await;
    let mut most = 0;
    while after(&estate, &begun, OF_GROUP, 0.5).await == going_on() {
        let (nodes, ready) = state(&estate);
        most = most.max(nodes.len());
        assert!(ready >= 5, "the budget lets one go at a time: {ready}");
    }
    assert_eq!(after(&estate, &begun, OF_GROUP, 1.0).await, done());
    assert_eq!(state(&estate), (open("1.34", 3), 6));
    assert_eq!(most, 3 + 4, "the surge is twice the zones");
    let group = get(&estate, "/clusters/c/node-groups/n").await["nodegroup"].clone();
    assert_eq!((&group["version"], &group["status"]), (&json!("1.34"), &json!("ACTIVE")));
}

#[tokio::test]
async fn the_minimal_strategy_never_has_more_nodes_than_wanted() {
    let estate = with_workload("nodes = 3\nminimal = true", "replicas = 3");
    let begun = post(&estate, ROLL, json!({})).await;
    let mut least = 3;
    while after(&estate, &begun, OF_GROUP, 0.25).await == going_on() {
        let nodes = state(&estate).0.len();
        assert!(nodes <= 3, "{nodes} nodes");
        least = least.min(nodes);
    }
    assert_eq!(after(&estate, &begun, OF_GROUP, 1.0).await, done());
    assert_eq!(state(&estate), (open("1.34", 3), 3));
}

#[tokio::test]
async fn a_budget_that_is_never_satisfied_fails_the_update_after_fifteen_minutes() {
    let estate = with_workload("nodes = 3", "replicas = 3\nmin_available = 3");
    let begun = post(&estate, ROLL, json!({})).await;
    assert_eq!(after(&estate, &begun, OF_GROUP, 14.0).await, going_on());
    let failed = ("Failed".to_owned(), "PodEvictionFailure".to_owned());
    assert_eq!(after(&estate, &begun, OF_GROUP, 6.0).await, failed);
    let (nodes, ready) = state(&estate);
    assert_eq!(ready, 3, "no pod was taken");
    assert_eq!(nodes.len(), 3);
    assert!(nodes.iter().all(|(_, open)| *open), "nodes take pods again: {nodes:?}");
    assert_eq!(get(&estate, "/clusters/c/node-groups/n").await["nodegroup"]["version"], "1.33");
}

#[tokio::test]
async fn force_ends_nodes_with_what_is_on_them() {
    let estate = with_workload("nodes = 1", "replicas = 1\nmin_available = 1");
    let begun = post(&estate, ROLL, json!({ "force": true })).await;
    assert_eq!(after(&estate, &begun, OF_GROUP, 14.0).await, going_on(), "not before its time");
    assert_eq!(after(&estate, &begun, OF_GROUP, 10.0).await, done());
    assert_eq!(state(&estate), (open("1.34", 1), 1));
}

#[tokio::test]
async fn nodes_are_never_newer_than_the_control_plane_nor_go_back_by_themselves() {
    let estate = with_workload("nodes = 1", "");
    let refused = "InvalidParameterException";
    assert_eq!(code(&estate, ROLL, to("1.35"), "must not be newer").await, refused);
    assert_eq!(code(&estate, ROLL, to("1.32"), "cannot be rolled back").await, refused);
    let odd = json!({ "version": "1.34", "releaseVersion": "1.33.8-20260801" });
    assert_eq!(code(&estate, ROLL, odd, "not valid for kubernetes version 1.34").await, refused);
}

#[tokio::test]
async fn amazon_linux_2_ends_with_1_32() {
    let estate = with_workload("nodes = 1\nami_type = \"AL2_x86_64\"", "");
    let refused = code(&estate, ROLL, to("1.34"), "AL2_x86_64 is not supported").await;
    assert_eq!(refused, "InvalidParameterException");
}

#[tokio::test]
async fn kubelets_that_never_start_fail_the_update_and_leave_the_old_nodes() {
    let estate = with_workload("nodes = 2\nkubelets_fail = true", "replicas = 2");
    let begun = post(&estate, ROLL, json!({})).await;
    let failed = ("Failed".to_owned(), "NodeCreationFailure".to_owned());
    assert_eq!(after(&estate, &begun, OF_GROUP, 31.0).await, failed);
    assert_eq!(state(&estate), (open("1.33", 2), 2));
}

#[tokio::test]
async fn a_group_is_updated_by_one_at_a_time_and_the_same_token_is_the_same_update() {
    let estate = with_workload("nodes = 1", "");
    let asked = json!({ "version": "1.34", "clientRequestToken": "t" });
    let first = post(&estate, ROLL, asked.clone()).await;
    assert_eq!(post(&estate, ROLL, asked).await["update"]["id"], first["update"]["id"]);
    assert_eq!(code(&estate, ROLL, to("1.34"), "in progress").await, "ResourceInUseException");
    assert_eq!(after(&estate, &first, OF_GROUP, 20.0).await, done());
    let asked = |version: &str| json!({ "version": version, "clientRequestToken": "t" });
    let ended = post(&estate, ROLL, asked("1.34")).await["update"].clone();
    assert_eq!((&ended["id"], &ended["status"]), (&first["update"]["id"], &json!("Successful")));
    let other = code(&estate, ROLL, asked("1.33"), "other parameters").await;
    assert_eq!(other, "InvalidParameterException");
    let listed = get(&estate, &format!("/clusters/c/updates{OF_GROUP}")).await["updateIds"].clone();
    assert_eq!(listed, json!([first["update"]["id"]]), "one update, under the node group");
}

#[tokio::test]
async fn a_group_is_resized_within_its_bounds() {
    let estate = with_workload("nodes = 2\nmin = 1\nmax = 4", "replicas = 4");
    let path = "/clusters/c/node-groups/n/update-config";
    let size = |wanted: u64| json!({ "scalingConfig": { "desiredSize": wanted } });
    assert_eq!(code(&estate, path, size(5), "between 1 and 4").await, "InvalidParameterException");
    post(&estate, path, size(4)).await;
    estate.advance(5.0 * MINUTE).expect("advanced");
    assert_eq!(state(&estate).0.len(), 4);
    post(&estate, path, size(1)).await;
    estate.advance(5.0 * MINUTE).expect("advanced");
    assert_eq!(state(&estate), (open("1.33", 1), 4));
}
