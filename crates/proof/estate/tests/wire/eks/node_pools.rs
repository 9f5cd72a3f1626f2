//! Nodes of pools drift when the control plane changes, and are replaced as budgets allow.

use fleetwright_estate::world::eks::node_pools::POOL;
use fleetwright_estate::world::kube::{NODES, PODS, nodes, pods};

use super::super::kubernetes;
use super::*;

const UPDATE: &str = "/clusters/c/updates";
/// The tester may use the cluster's own API.
const ACCESS: &str = r#"access = [{ principal = "arn:aws:iam::098765432109:user/tester", policies = ["AmazonEKSClusterAdminPolicy"] }]"#;

/// A cluster at 1.33 with pools, and a managed group for whoever looks after them.
fn with_pools(pools: &str, more: &str) -> Arc<Estate> {
    let text = format!(
        "{ACCESS}\nnode_groups = [{{ name = \"system\", nodes = 2, labels = {{ role = \"system\" }} }}]\n\
         pools = [{pools}]\n{more}"
    );
    cluster_with(&text)
}

/// A workload on the nodes of the pool `p`.
fn web(replicas: usize, more: &str) -> String {
    format!(
        "workloads = [{{ name = \"web\", replicas = {replicas}, node_selector = {{ \"karpenter.sh/nodepool\" = \"p\" }}, \
         {more} }}]"
    )
}

/// Versions of a pool's nodes, and how many of its pods are ready.
fn state(estate: &Estate, pool: &str) -> (Vec<String>, usize) {
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        let own = kube.list(NODES, None).filter(|(_, node)| node["metadata"]["labels"][POOL] == pool);
        let mut versions: Vec<String> =
            own.map(|(_, node)| nodes::kubelet(node).expect("a version").to_string()).collect();
        versions.sort_unstable();
        let ready = kube.list(PODS, Some("default")).filter(|(_, pod)| pods::is_ready(pod)).count();
        (versions, ready)
    })
}

/// How many nodes of a pool were launched since the start, beside those it began with.
fn replaced(estate: &Estate, pool: &str, began_with: usize) -> usize {
    estate.with_world(|world| {
        let cluster = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"];
        cluster.pools[pool].launched() - began_with
    })
}

fn versions(all: &[(&str, usize)]) -> Vec<String> {
    all.iter().flat_map(|(version, count)| vec![(*version).to_owned(); *count]).collect()
}

/// Takes the control plane to 1.34; the pools have not begun yet.
async fn upgraded(estate: &Estate) {
    let begun = post(estate, UPDATE, to("1.34")).await;
    while after(estate, &begun, "", 0.25).await == going_on() {}
    assert_eq!(after(estate, &begun, "", 0.0).await, done());
}

async fn patch(estate: &Estate, path: &str, operations: Value) {
    let kind = [("content-type", "application/json-patch+json")];
    let said = kubernetes::ask(estate, "PATCH", path, &kind, operations).await;
    assert_eq!(said.status, 200, "{path}: {}", said.body);
}

async fn read(estate: &Estate, path: &str) -> Value {
    kubernetes::ask(estate, "GET", path, &[], Value::Null).await.document()
}

fn minutes(estate: &Estate, minutes: f64) {
    estate.advance(minutes * MINUTE).expect("advanced");
}

#[tokio::test]
async fn nodes_drift_with_the_control_plane_and_are_replaced_one_by_one_under_their_budgets() {
    let estate = with_pools("{ name = \"p\", nodes = 4, budget = \"1\" }", &web(8, "max_unavailable = 1"));
    assert_eq!(state(&estate, "p"), (versions(&[("1.33", 4)]), 8));
    upgraded(&estate).await;
    let (mut most, mut least) = (0, 8);
    for _ in 0..240 {
        minutes(&estate, 0.25);
        let (nodes, ready) = state(&estate, "p");
        (most, least) = (most.max(nodes.len()), least.min(ready));
    }
    assert_eq!(state(&estate, "p"), (versions(&[("1.34", 4)]), 8));
    assert_eq!((most, replaced(&estate, "p", 4)), (5, 4), "one at a time, each once");
    assert!(least >= 7, "the pods' budget holds: {least}");
    let claims = read(&estate, "/apis/karpenter.sh/v1/nodeclaims").await;
    let claims = claims["items"].as_array().expect("a list").clone();
    assert_eq!(claims.len(), 4);
    let drifted = |claim: &Value| claim["status"]["conditions"].to_string().contains("Drifted");
    assert!(!claims.iter().any(drifted), "nobody drifts any more");
    let pool = read(&estate, "/apis/karpenter.sh/v1/nodepools/p").await;
    assert_eq!(pool["status"]["resources"]["nodes"], "4");
}

#[tokio::test]
async fn a_budget_of_none_holds_drift_back_until_it_is_opened() {
    let estate = with_pools("{ name = \"p\", nodes = 3, budget = \"0\" }", "");
    upgraded(&estate).await;
    minutes(&estate, 60.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.33", 3)]));
    let claims = read(&estate, "/apis/karpenter.sh/v1/nodeclaims").await;
    let of = |claim: &Value| {
        let mut all = claim["status"]["conditions"].as_array().expect("conditions").iter();
        all.find(|it| it["type"] == "Drifted").map(|it| it["reason"].clone())
    };
    let told: Vec<_> = claims["items"].as_array().expect("a list").iter().map(of).collect();
    assert_eq!(told, vec![Some(json!("AMIDrift")); 3], "they are told all the same");
    let path = "/apis/karpenter.sh/v1/nodepools/p";
    let open = json!([{ "op": "replace", "path": "/spec/disruption/budgets/0/nodes", "value": "100%" }]);
    patch(&estate, path, open).await;
    minutes(&estate, 15.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.34", 3)]));
}

#[tokio::test]
async fn a_pinned_image_does_not_drift_until_its_class_names_another() {
    let estate = with_pools("{ name = \"p\", nodes = 2, budget = \"2\", pinned = true }", "");
    upgraded(&estate).await;
    minutes(&estate, 60.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.33", 2)]));
    let path = "/apis/karpenter.k8s.aws/v1/ec2nodeclasses/p";
    let class = read(&estate, path).await;
    assert!(class["spec"]["amiSelectorTerms"][0]["id"].as_str().is_some_and(|id| id.starts_with("ami-")));
    let alias = json!([{ "op": "replace", "path": "/spec/amiSelectorTerms", "value": [{ "alias": "al2023@latest" }] }]);
    patch(&estate, path, alias).await;
    minutes(&estate, 15.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.34", 2)]));
    // And back, as a way back of the control plane asks for.
    let old = json!([{ "op": "replace", "path": "/spec/amiSelectorTerms", "value": class["spec"]["amiSelectorTerms"] }]);
    patch(&estate, path, old).await;
    minutes(&estate, 15.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.33", 2)]));
}

#[tokio::test]
async fn what_must_not_be_disrupted_keeps_its_node() {
    let estate = with_pools(
        "{ name = \"p\", nodes = 2, budget = \"2\" }",
        &web(1, "annotations = { \"karpenter.sh/do-not-disrupt\" = \"true\" }"),
    );
    upgraded(&estate).await;
    minutes(&estate, 60.0);
    assert_eq!(state(&estate, "p"), (versions(&[("1.33", 1), ("1.34", 1)]), 1));
    let pods = read(&estate, "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb").await;
    let name = pods["items"][0]["metadata"]["name"].as_str().expect("a name");
    let path = format!("/api/v1/namespaces/default/pods/{name}");
    let gone = json!([{ "op": "remove", "path": "/metadata/annotations/karpenter.sh~1do-not-disrupt" }]);
    patch(&estate, &path, gone).await;
    minutes(&estate, 15.0);
    assert_eq!(state(&estate, "p"), (versions(&[("1.34", 2)]), 1));
}

#[tokio::test]
async fn a_pods_budget_that_never_lets_go_keeps_its_node_unless_the_pool_drains_for_so_long_only() {
    let held = with_pools("{ name = \"p\", nodes = 1, budget = \"1\" }", &web(1, "min_available = 1"));
    upgraded(&held).await;
    minutes(&held, 120.0);
    assert_eq!(state(&held, "p"), (versions(&[("1.33", 1)]), 1));
    assert_eq!(replaced(&held, "p", 1), 0, "it is no candidate");
    let pool = "{ name = \"p\", nodes = 1, budget = \"1\", termination_grace = \"30m\" }";
    let bounded = with_pools(pool, &web(1, "min_available = 1"));
    upgraded(&bounded).await;
    minutes(&bounded, 20.0);
    assert_eq!(state(&bounded, "p").0, versions(&[("1.33", 1), ("1.34", 1)]), "it is being drained");
    minutes(&bounded, 40.0);
    assert_eq!(state(&bounded, "p"), (versions(&[("1.34", 1)]), 1));
}

#[tokio::test]
async fn a_node_that_does_not_come_is_given_up_and_the_old_one_stays_open() {
    let estate = with_pools("{ name = \"p\", nodes = 2, budget = \"1\", kubelets_fail = true }", "");
    upgraded(&estate).await;
    minutes(&estate, 5.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.33", 2), ("1.34", 1)]));
    minutes(&estate, 115.0);
    let tried = replaced(&estate, "p", 2);
    assert!((5..=9).contains(&tried), "every fifteen minutes: {tried}");
    let (old, _) = state(&estate, "p");
    assert_eq!(old.iter().filter(|it| *it == "1.33").count(), 2);
}

#[tokio::test]
async fn a_limit_without_room_keeps_old_nodes() {
    let estate = with_pools("{ name = \"p\", nodes = 2, budget = \"2\", limit_cpu = 4 }", "");
    upgraded(&estate).await;
    minutes(&estate, 60.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.33", 2)]));
    let more = json!([{ "op": "replace", "path": "/spec/limits/cpu", "value": "6" }]);
    patch(&estate, "/apis/karpenter.sh/v1/nodepools/p", more).await;
    minutes(&estate, 30.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.34", 2)]));
}

#[tokio::test]
async fn without_a_controller_nobody_replaces_nodes() {
    let estate = with_pools("{ name = \"p\", nodes = 2, budget = \"2\" }", "");
    let deployment = "/apis/apps/v1/namespaces/kube-system/deployments/karpenter";
    let image = read(&estate, deployment).await["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    assert_eq!(image, "public.ecr.aws/karpenter/controller:1.9.0");
    let gone = kubernetes::ask(&estate, "DELETE", deployment, &[], Value::Null).await;
    assert_eq!(gone.status, 200);
    upgraded(&estate).await;
    minutes(&estate, 60.0);
    assert_eq!(state(&estate, "p").0, versions(&[("1.33", 2)]));
}

#[tokio::test]
async fn auto_mode_replaces_its_nodes_by_itself_and_takes_them_back_before_the_control_plane() {
    let text = format!(
        "{ACCESS}\nauto_mode = true\npools = [{{ name = \"general-purpose\", nodes = 3, budget = \"50%\" }}]"
    );
    let estate = cluster_with(&text);
    let pods = read(&estate, "/api/v1/pods?labelSelector=app%3Dkarpenter").await;
    assert_eq!(pods["items"], json!([]), "no controller is to be seen");
    upgraded(&estate).await;
    minutes(&estate, 30.0);
    assert_eq!(state(&estate, "general-purpose").0, versions(&[("1.34", 3)]));
    let begun = post(&estate, UPDATE, to("1.33")).await;
    let control_plane = || async { get(&estate, "/clusters/c").await["cluster"]["version"].clone() };
    while state(&estate, "general-purpose").0 != versions(&[("1.33", 3)]) {
        assert_eq!(after(&estate, &begun, "", 0.5).await, going_on());
        assert_eq!(control_plane().await, "1.34", "nodes are never newer than it");
    }
    while after(&estate, &begun, "", 1.0).await == going_on() {}
    assert_eq!(control_plane().await, "1.33");
    minutes(&estate, 60.0);
    assert_eq!(state(&estate, "general-purpose").0, versions(&[("1.33", 3)]));
}
