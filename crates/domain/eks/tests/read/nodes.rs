//! Nodes and node pools.

use fleetwright_eks::facts::NodePool;
use fleetwright_eks::read::Kind;
use fleetwright_kubernetes::{Effect, IntOrPercent, Minor, Quantity};
use serde_json::{Value, json};

use crate::cluster::{cluster, detail, known, object, pod};

fn node(name: &str, image: &str) -> Value {
    object(
        "",
        name,
        json!({
            "metadata": { "labels": { "eks.amazonaws.com/nodegroup": "blue", "karpenter.sh/nodepool": "general" } },
            "spec": { "unschedulable": true, "taints": [
                { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-08-01T00:00:00Z" },
                { "key": "gpu", "value": "yes", "effect": "NoExecute" },
            ] },
            "status": {
                "allocatable": { "cpu": "1930m", "memory": "7Gi", "pods": "29" },
                "conditions": [{ "type": "Ready", "status": "True" }, { "type": "DiskPressure", "status": "True" }],
                "nodeInfo": {
                    "kubeletVersion": "v1.31.2-eks-94953ac", "osImage": image, "operatingSystem": "linux",
                    "containerRuntimeVersion": "containerd://1.7.27",
                },
            },
        }),
    )
}

#[test]
fn a_node_says_what_it_runs_and_how_it_stands() {
    let nodes = known(cluster().with(Kind::Nodes, [node("a", "Amazon Linux 2023.9")]).read().nodes.nodes);
    let node = &nodes[0];
    assert_eq!((node.kubelet, node.ready, node.unschedulable), (Minor::new(31), true, true));
    assert_eq!((&node.pressures[..], node.containerd_major()), (&["DiskPressure".to_owned()][..], Some(1)));
    assert_eq!(
        (node.taints.len(), node.taints[0].effect),
        (1, Effect::NoExecute),
        "being cordoned is told once"
    );
    assert_eq!(node.allocatable["cpu"], Quantity::milli(1_930));
    let mut odd = self::node("b", "x");
    odd["status"]["nodeInfo"]["kubeletVersion"] = "unknown".into();
    let said = detail(cluster().with(Kind::Nodes, [odd]).read().nodes.nodes);
    assert!(
        said.starts_with("Node b: status.nodeInfo.kubeletVersion: \"unknown\" is not a Kubernetes version"),
        "{said}"
    );
}

#[test]
fn control_groups_are_known_by_the_image_or_not_at_all() {
    let read = |images: &[&str]| {
        let nodes = images.iter().enumerate().map(|(index, image)| node(&format!("n{index}"), image));
        cluster().with(Kind::Nodes, nodes).read().nodes.cgroup_v1
    };
    let known_images = ["Amazon Linux 2", "Amazon Linux 2023.9.1", "Bottlerocket OS 1.50.0 (aws-k8s-1.33)"];
    assert_eq!(known(read(&known_images)), ["n0"]);
    let said = detail(read(&["Ubuntu 24.04"]));
    assert_eq!(said, "node n0: with \"Ubuntu 24.04\" nothing tells the version of control groups");
}

#[test]
fn pods_that_run_are_counted_on_every_node() {
    let mut over = pod("over", json!({ "nodeName": "a" }));
    over["status"]["phase"] = "Succeeded".into();
    let pods = [
        pod("p1", json!({ "nodeName": "a" })),
        pod("p2", json!({ "nodeName": "a" })),
        over,
        pod("p3", json!({ "nodeName": "b" })),
    ];
    let nodes = ["a", "b", "c"].map(|name| node(name, "Amazon Linux 2023"));
    let read = cluster().with(Kind::Nodes, nodes).with(Kind::Pods, pods).read();
    let counts = [("a", 2), ("b", 1), ("c", 0)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(known(read.nodes.pods_on_nodes), counts.into());
}

fn pool(rest: Value) -> Value {
    let mut pool = json!({
        "spec": {
            "template": { "spec": { "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default" } } },
            "limits": { "cpu": "100" },
        },
        "status": { "resources": { "cpu": "98500m" } },
    });
    for (key, value) in rest.as_object().expect("members") {
        pool["spec"][key] = value.clone();
    }
    object("", "general", pool)
}

fn class(spec: Value) -> Value {
    object("", "default", json!({ "spec": spec }))
}

fn pools(pool: Value, class: Value) -> NodePool {
    let nodes = (0..20).map(|index| node(&format!("n{index}"), "Amazon Linux 2023"));
    let cluster = cluster().with(Kind::NodePools, [pool]).with(Kind::Ec2NodeClasses, [class]);
    known(cluster.with(Kind::Nodes, nodes).read().nodes.pools).remove(0)
}

#[test]
fn a_pool_takes_its_images_from_its_class() {
    let latest = pools(pool(json!({})), class(json!({ "amiSelectorTerms": [{ "alias": "al2023@latest" }] })));
    assert_eq!((latest.image_family.as_str(), latest.pinned_images), ("AL2023", false));
    assert_eq!((latest.budget, latest.vcpus_left), (IntOrPercent::Percent(10), Some(2)));
    let pinned = pools(
        pool(json!({ "limits": {} })),
        class(json!({ "amiFamily": "AL2", "amiSelectorTerms": [{ "id": "ami-1" }] })),
    );
    assert_eq!((pinned.image_family.as_str(), pinned.pinned_images, pinned.vcpus_left), ("AL2", true, None));
    let missing = cluster().with(Kind::NodePools, [pool(json!({}))]).read();
    assert_eq!(detail(missing.nodes.pools), "NodePool general: its EC2NodeClass default does not exist");
    let auto = json!({ "template": { "spec": { "nodeClassRef": { "group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default" } } } });
    let auto = known(cluster().with(Kind::NodePools, [pool(auto)]).read().nodes.pools).remove(0);
    assert!(auto.auto_mode && !auto.pinned_images);
}

#[test]
fn the_tightest_budget_that_always_holds_for_drift_counts() {
    let budgets = json!({ "disruption": { "budgets": [
        { "nodes": "50%" },
        { "nodes": "3", "reasons": ["Drifted"] },
        { "nodes": "0", "reasons": ["Empty"] },
        { "nodes": "0", "schedule": "0 9 * * 1-5", "duration": "8h" },
    ] } });
    assert_eq!(
        pools(pool(budgets), class(json!({}))).budget,
        IntOrPercent::Count(3),
        "3 of 20 is less than 50 %"
    );
    let none = json!({ "disruption": { "budgets": [{ "nodes": "0" }] } });
    assert_eq!(pools(pool(none), class(json!({}))).budget, IntOrPercent::Count(0));
}

#[test]
fn a_pool_that_a_run_left_held_is_known_with_the_budget_behind_ours() {
    let first = |budget: Value| {
        let budgets = json!({ "disruption": { "budgets": [budget, { "nodes": "3" }] } });
        let read = pools(pool(budgets), class(json!({})));
        (read.held, read.budget)
    };
    let ours = json!({ "nodes": "0", "reasons": ["Drifted"] });
    assert_eq!(first(ours.clone()), (true, IntOrPercent::Count(3)));
    // Open, about more than drift, or at times only, it is none of ours.
    for (others, budget) in [
        (json!({ "nodes": "1", "reasons": ["Drifted"] }), 1),
        (json!({ "nodes": "0", "reasons": ["Drifted", "Empty"] }), 0),
        (json!({ "nodes": "0", "reasons": ["Drifted"], "schedule": "0 9 * * 1-5", "duration": "8h" }), 3),
    ] {
        assert_eq!(first(others.clone()), (false, IntOrPercent::Count(budget)), "{others}");
    }
    let class = json!({ "group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default" });
    let auto = json!({
        "template": { "spec": { "nodeClassRef": class } }, "disruption": { "budgets": [ours] },
    });
    let auto = known(cluster().with(Kind::NodePools, [pool(auto)]).read().nodes.pools).remove(0);
    assert_eq!((auto.held, auto.budget), (false, IntOrPercent::Count(0)));
}
