//! Pods, what makes them and what protects them.

use fleetwright_eks::facts::workloads::Workload;
use fleetwright_eks::read::Kind;
use fleetwright_kubernetes::pod::{Binding, Namespaces, Phase, Volume};
use fleetwright_kubernetes::{Budget, IntOrPercent, Operator, Pod, Quantity, Toleration};
use serde_json::{Value, json};

use crate::cluster::{cluster, detail, known, object, pod};

fn one(pod: Value) -> Pod {
    known(cluster().with(Kind::Pods, [pod]).read().workloads.pods).remove(0)
}

#[test]
fn a_pod_says_where_it_is_and_how_it_stands() {
    let mut plain = pod("web-1", json!({}));
    plain["metadata"]["labels"] = json!({ "app": "web" });
    plain["metadata"]["ownerReferences"] =
        json!([{ "kind": "ReplicaSet", "name": "web", "controller": true }]);
    let read = one(plain);
    assert_eq!((read.metadata.namespace.as_str(), read.node.as_deref()), ("shop", Some("node-a")));
    assert_eq!((read.phase, read.ready, read.grace_seconds), (Phase::Running, true, 30));
    assert_eq!(read.metadata.controller().map(|owner| owner.kind.as_str()), Some("ReplicaSet"));
    assert_eq!((read.images, read.readiness_probe), (vec!["shop/web:1.2.3".to_owned()], false));
    let mut failing = pod("web-2", json!({ "restartPolicy": "Never", "nodeName": null }));
    failing["status"] = json!({
        "phase": "Pending",
        "initContainerStatuses": [{ "state": { "waiting": { "reason": "CrashLoopBackOff" } } }],
    });
    let read = one(failing);
    assert_eq!((read.node, read.ready, read.crash_looping, read.readiness_probe), (None, false, true, true));
}

#[test]
fn what_a_pod_asks_for_is_the_sum_of_its_containers_with_sidecars_and_overhead() {
    let asks = |cpu: &str| json!({ "image": "x:1", "resources": { "requests": { "cpu": cpu } } });
    let mut sidecar = asks("100m");
    sidecar["restartPolicy"] = "Always".into();
    let spec = json!({
        "containers": [asks("1"), asks("500m")],
        "initContainers": [asks("2"), sidecar],
        "overhead": { "cpu": "50m" },
    });
    assert_eq!(one(pod("web", spec.clone())).requests["cpu"], Quantity::milli(2_150));
    let mut whole = spec;
    whole["resources"] = json!({ "requests": { "cpu": "3" } });
    assert_eq!(one(pod("web", whole)).requests["cpu"], Quantity::milli(3_050));
}

#[test]
fn rules_of_placement_are_read_as_the_scheduler_takes_them() {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let zone = json!({ "key": "zone", "operator": "In", "values": ["a"] });
    let field = json!({ "key": "metadata.name", "operator": "In", "values": ["node-a"] });
    let spec = json!({
        "nodeSelector": { "disk": "ssd" },
        "affinity": {
            "nodeAffinity": { required: { "nodeSelectorTerms": [{ "matchExpressions": [zone], "matchFields": [field] }, {}] } },
            "podAffinity": { required: [{ "topologyKey": "zone", "namespaces": ["a"], "namespaceSelector": {} }] },
            "podAntiAffinity": { required: [{ "topologyKey": "host", "labelSelector": { "matchLabels": { "app": "web" } } }] },
        },
        "topologySpreadConstraints": [
            { "maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}, "matchLabelKeys": ["hash"] },
            { "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {} },
        ],
        "tolerations": [
            { "operator": "Exists" },
            { "key": "gpu", "value": "yes", "effect": "NoSchedule", "tolerationSeconds": 3 },
        ],
    });
    let mut placed = pod("web", spec);
    placed["metadata"]["labels"] = json!({ "hash": "7" });
    let read = one(placed);
    assert_eq!(read.node_affinity.len(), 1, "a term without requirements finds no node");
    assert_eq!(read.node_affinity[0][1].key, "kubernetes.io/hostname");
    assert_eq!(read.pod_anti_affinity[0].namespaces, Namespaces::Own);
    assert!(
        matches!(&read.pod_affinity[0].namespaces, Namespaces::Chosen { named, selected: Some(_) } if named == &["a"])
    );
    assert_eq!(read.pod_affinity[0].selector, None, "no selector finds no pods");
    let spread = &read.topology_spread;
    assert_eq!((spread.len(), spread[0].max_skew, spread[0].min_domains), (1, 2, 1));
    assert_eq!(spread[0].selector.match_labels["hash"], "7");
    assert_eq!(read.tolerations[0], Toleration::everything());
    assert_eq!(read.tolerations[1].key.as_deref(), Some("gpu"));
    let impossible = json!({ "affinity": { "nodeAffinity": { required: { "nodeSelectorTerms": [{}] } } } });
    let never = &one(pod("web", impossible)).node_affinity[0][0];
    assert_eq!((never.operator, never.values.len()), (Operator::In, 0), "no node fits");
}

#[test]
fn claims_lead_to_the_zones_or_the_node_of_their_volumes() {
    let affinity = |key: &str, value: &str| {
        let expression = json!({ "key": key, "operator": "In", "values": [value] });
        json!({ "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [expression] }] } } })
    };
    let mut local = affinity("kubernetes.io/hostname", "node-a");
    local["local"] = json!({ "path": "/mnt" });
    let volume = |name: &str, spec: Value| object("", name, json!({ "spec": spec }));
    let volumes = [
        volume("pv-zone", affinity("topology.ebs.csi.aws.com/zone", "eu-central-1a")),
        volume("pv-local", local),
        volume("pv-efs", json!({})),
    ];
    let claim = |name: &str, volume: Value| object("shop", name, json!({ "spec": { "volumeName": volume } }));
    let claims = [
        claim("data", "pv-zone".into()),
        claim("web-scratch", "pv-local".into()),
        claim("shared", "pv-efs".into()),
        claim("waiting", Value::Null),
    ];
    let of = |name: &str| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
    let spec = json!({ "volumes": [
        of("data"), { "name": "scratch", "ephemeral": { "volumeClaimTemplate": {} } }, of("shared"), of("waiting"),
        { "name": "a", "emptyDir": { "medium": "Memory" } }, { "name": "b", "emptyDir": {} },
        { "name": "c", "hostPath": { "path": "/var" } }, { "name": "d", "gitRepo": {} },
        { "name": "e", "configMap": { "name": "x" } },
    ] });
    let cluster = cluster()
        .with(Kind::Pods, [pod("web", spec)])
        .with(Kind::Volumes, volumes)
        .with(Kind::Claims, claims);
    let claim = |name: &str, bound_to| Volume::Claim { name: name.to_owned(), bound_to };
    assert_eq!(
        known(cluster.read().workloads.pods)[0].volumes,
        [
            claim("data", Binding::Zones(vec!["eu-central-1a".to_owned()])),
            claim("web-scratch", Binding::Node),
            claim("shared", Binding::Anywhere),
            claim("waiting", Binding::Anywhere),
            Volume::EmptyDir { memory: true },
            Volume::EmptyDir { memory: false },
            Volume::HostPath("/var".to_owned()),
            Volume::GitRepo,
        ]
    );
}

#[test]
fn a_pod_that_cannot_be_understood_is_named_and_makes_pods_unknown() {
    let cases = [
        (json!({ "containers": [] }), "spec.containers is missing"),
        (json!({ "tolerations": [{ "operator": "Lt" }] }), "a toleration compares by Lt, which is not known"),
        (
            json!({ "containers": [{ "image": "x", "resources": { "requests": { "cpu": "much" } } }] }),
            "resources.requests: ",
        ),
        (json!({ "nodeSelector": 7 }), "spec.nodeSelector: invalid type"),
    ];
    for (spec, said) in cases {
        let read = cluster().with(Kind::Pods, [pod("good", json!({})), pod("bad", spec)]).read();
        let detail = detail(read.workloads.pods);
        assert!(detail.starts_with(&format!("Pod shop/bad: {said}")), "{detail}");
    }
}

#[test]
fn budgets_controllers_and_jobs_are_read_with_what_is_usual() {
    let policy = json!({ "spec": { "maxUnavailable": "50%", "selector": {}, "unhealthyPodEvictionPolicy": "AlwaysAllow" },
        "status": { "currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 3, "disruptionsAllowed": 1 } });
    let bare = json!({ "spec": { "minAvailable": 1 } });
    let template = json!({ "metadata": { "labels": { "app": "web" } } });
    let job = |name: &str, active: u32| {
        object("shop", name, json!({ "status": { "active": active, "startTime": "2026-08-01T00:00:00Z" } }))
    };
    let read = cluster()
        .with(Kind::Budgets, [object("shop", "web", policy), object("shop", "new", bare)])
        .with(
            Kind::Deployments,
            [object(
                "shop",
                "web",
                json!({ "spec": { "strategy": { "type": "Recreate" }, "template": template } }),
            )],
        )
        .with(
            Kind::StatefulSets,
            [object("shop", "db", json!({ "spec": { "replicas": 3, "minReadySeconds": 9 } }))],
        )
        .with(Kind::Jobs, [job("now", 1), job("over", 0)])
        .with(Kind::Namespaces, [object("", "shop", json!({ "metadata": { "labels": { "team": "a" } } }))])
        .read()
        .workloads;
    let budgets = known(read.budgets);
    assert_eq!(budgets[0].budget, Some(Budget::MaxUnavailable(IntOrPercent::Percent(50))));
    assert_eq!((budgets[0].status.disruptions_allowed, budgets[1].status.expected_pods), (1, 0));
    assert_eq!(budgets[1].selector, None);
    let shape = |of: &Workload| (of.kind.clone(), of.replicas, of.recreates, of.min_ready_seconds);
    let shapes: Vec<_> = known(read.workloads).iter().map(shape).collect();
    assert_eq!(shapes, [("Deployment".to_owned(), 1, true, 0), ("StatefulSet".to_owned(), 3, false, 9)]);
    let jobs = known(read.jobs);
    assert_eq!((jobs.len(), jobs[0].metadata.name.as_str()), (1, "now"));
    assert_eq!(known(read.namespaces)["shop"]["team"], "a");
}

#[test]
fn autoscalers_and_quotas_without_room_are_told() {
    let scaler = |name: &str, now: u32| {
        object("shop", name, json!({ "spec": { "maxReplicas": 5 }, "status": { "currentReplicas": now } }))
    };
    let quota = |name: &str, used: &str| {
        let status = json!({ "hard": { "requests.cpu": "10", "services": "1" }, "used": { "requests.cpu": used, "services": "1" } });
        object("shop", name, json!({ "status": status }))
    };
    let read = cluster()
        .with(Kind::Autoscalers, [scaler("full", 5), scaler("roomy", 4)])
        .with(Kind::Quotas, [quota("full", "10"), quota("roomy", "9500m")])
        .read();
    assert_eq!(
        known(read.workloads.tight),
        [
            "HorizontalPodAutoscaler shop/full: 5 of 5 replicas",
            "ResourceQuota shop/full: requests.cpu 10 of 10",
        ]
    );
}

#[test]
fn the_newest_backup_that_ended_counts_however_it_ended() {
    let backup = |name: &str, phase: &str, at: Value| {
        object("velero", name, json!({ "status": { "phase": phase, "completionTimestamp": at } }))
    };
    let read = cluster().with(
        Kind::Backups,
        [
            backup("monday", "Completed", "2026-08-03T02:00:00Z".into()),
            backup("tuesday", "PartiallyFailed", "2026-08-04T02:00:00Z".into()),
            backup("now", "InProgress", Value::Null),
        ],
    );
    let newest = known(read.read().backup).expect("there are two");
    assert_eq!((newest.name.as_str(), newest.complete), ("tuesday", false));
    assert_eq!(known(cluster().read().backup), None);
    let odd = cluster().with(Kind::Backups, [backup("odd", "Completed", "yesterday".into())]);
    assert_eq!(detail(odd.read().backup), "Backup velero/odd: status.completionTimestamp is no time");
}
