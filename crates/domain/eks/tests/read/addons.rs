//! Software and add-ons by their images, settings and field managers.

use fleetwright_eks::facts::Software;
use fleetwright_eks::facts::addons::CoreDns;
use fleetwright_eks::read::Kind;
use serde_json::{Value, json};

use crate::cluster::{Cluster, cluster, controller, detail, known, object};

fn deployment(name: &str, image: &str) -> Value {
    controller(name, json!({ "name": name, "image": image }))
}

#[test]
fn software_is_known_by_its_image_wherever_it_is_mirrored() {
    let labelled = |name: &str, image: &str| {
        let mut labelled = deployment(name, image);
        labelled["metadata"]["labels"] = json!({ "app.kubernetes.io/version": "1.7.1" });
        labelled
    };
    let read = cluster().with(
        Kind::Deployments,
        [
            deployment("karpenter", "public.ecr.aws/karpenter/controller:1.5.0@sha256:abc"),
            deployment("autoscaler", "registry.example/mirror/autoscaling/cluster-autoscaler:v1.33.1"),
            labelled("controller", "registry.k8s.io/ingress-nginx/controller@sha256:abc"),
            deployment("web", "shop/my-cluster-autoscaler:1.0.0"),
        ],
    );
    let software = |name: &str, version| Software { name: name.to_owned(), version };
    assert_eq!(
        known(read.read().addons.software),
        [
            software("karpenter", (1, 5, 0)),
            software("cluster-autoscaler", (1, 33, 1)),
            software("ingress-nginx", (1, 7, 1)),
        ]
    );
    let latest =
        cluster().with(Kind::Deployments, [deployment("karpenter", "x/karpenter/controller:latest")]);
    let said = detail(latest.read().addons.software);
    let expected = "Deployment kube-system/karpenter: the image x/karpenter/controller:latest of karpenter says no version";
    assert_eq!(said, expected);
}

fn dns(corefile: Value, selects: &str) -> Cluster {
    let budget = json!({ "spec": { "selector": { "matchLabels": { "k8s-app": selects } } } });
    let mut deployment = deployment("coredns", "eks/coredns:v1.12.4");
    deployment["spec"]["replicas"] = 2.into();
    cluster()
        .with(Kind::Deployments, [deployment])
        .with(Kind::Budgets, [object("kube-system", "coredns", budget)])
        .with(
            Kind::SystemConfigMaps,
            [object("kube-system", "coredns", json!({ "data": { "Corefile": corefile } }))],
        )
}

#[test]
fn core_dns_is_told_with_its_replicas_budget_and_plugins() {
    let usual = ".:53 {\n    errors\n    health {\n        lameduck 5s\n      }\n    ready\n    kubernetes cluster.local \
                 in-addr.arpa {\n      pods insecure\n    }\n    forward . /etc/resolv.conf\n    cache 30\n    loop\n}\n";
    let read = |cluster: Cluster| known(cluster.read().addons.core_dns);
    let good = CoreDns { replicas: 2, has_budget: true, plugins_known: true };
    assert_eq!(read(dns(usual.into(), "coredns")), Some(good));
    let bad = CoreDns { has_budget: false, plugins_known: false, ..good };
    assert_eq!(read(dns(usual.replace("loop", "proxy . 8.8.8.8").into(), "other")), Some(bad));
    assert_eq!(read(cluster()), None);
    let said = detail(dns(Value::Null, "coredns").read().addons.core_dns);
    assert_eq!(said, "ConfigMap kube-system/coredns: data.Corefile is missing");
}

#[test]
fn the_image_of_kube_proxy_is_taken_from_its_daemon_set() {
    let proxy = |image: &str| {
        let set = controller("kube-proxy", json!({ "name": "kube-proxy", "image": image }));
        cluster().with(Kind::DaemonSets, [set]).read().addons.kube_proxy
    };
    let image =
        known(proxy("602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks/kube-proxy:v1.31.2-eksbuild.3"));
    assert_eq!(image.and_then(|image| image.version()), Some((1, 31, 2)));
    assert_eq!(known(cluster().read().addons.kube_proxy), None);
    assert!(detail(proxy("a b")).starts_with("DaemonSet kube-system/kube-proxy: its image \"a b\""));
}

#[test]
fn what_runs_and_is_not_managed_is_self_managed() {
    let set = |name: &str| controller(name, json!({ "name": name, "image": "x:1" }));
    let read = cluster().with(Kind::DaemonSets, [set("aws-node"), set("kube-proxy")]).read();
    assert_eq!(known(read.addons.self_managed(&["vpc-cni".to_owned()])), ["kube-proxy"]);
}

#[test]
fn fields_that_somebody_else_has_set_are_named_with_who_did() {
    let mut set = controller("aws-node", json!({ "name": "aws-node", "image": "x:1" }));
    let variable = json!({ "f:spec": { "f:template": { "f:spec": { "f:containers": {
        "k:{\"name\":\"aws-node\"}": { "f:env": { "k:{\"name\":\"WARM_IP_TARGET\"}": { ".": {}, "f:value": {} } } } } } } } });
    let restarted = json!({ "f:spec": { "f:template": { "f:metadata": { "f:annotations": {
        ".": {}, "f:kubectl.kubernetes.io/restartedAt": {} } } } } });
    set["metadata"]["managedFields"] = json!([
        { "manager": "eks", "apiVersion": "apps/v1", "fieldsV1": { "f:spec": {} } },
        { "manager": "kubectl-set", "apiVersion": "apps/v1", "fieldsV1": variable },
        { "manager": "kubectl-rollout", "apiVersion": "apps/v1", "fieldsV1": restarted },
        { "manager": "someone", "subresource": "status", "apiVersion": "apps/v1", "fieldsV1": { "f:status": {} } },
    ]);
    let read = cluster().with(Kind::DaemonSets, [set.clone()]).read().addons;
    let changed = known(read.changed_fields_of("vpc-cni"));
    assert_eq!(
        changed,
        [
            "DaemonSet kube-system/aws-node: spec.template.spec.containers[{\"name\":\"aws-node\"}].env[{\"name\":\"WARM_IP_TARGET\"}].value, set by kubectl-set"
        ]
    );
    assert_eq!(detail(read.changed_fields_of("adot")), "the objects of adot are not known");
    set["metadata"]["managedFields"] = Value::Null;
    let said = detail(cluster().with(Kind::DaemonSets, [set]).read().addons.changed_fields);
    assert_eq!(
        said,
        "DaemonSet kube-system/aws-node: nothing tells who set its fields (metadata.managedFields)"
    );
}
