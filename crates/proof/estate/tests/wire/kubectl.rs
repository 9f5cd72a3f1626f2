//! What kubectl asks of a cluster beside its objects: rights, sizes of workloads, the API's own description.

use fleetwright_estate::world::kube::{PODS, pods};
use serde_json::{Value, json};

use super::eks::{ACCOUNT, cluster_with};
use super::kubernetes::{Said, ask};
use super::*;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/web";

fn cluster_for(policy: &str) -> Arc<Estate> {
    cluster_with(&format!(
        r#"
        access = [{{ principal = "arn:aws:iam::098765432109:user/tester", policies = ["{policy}"], groups = ["auditors"] }}]
        node_groups = [{{ name = "n", nodes = 3 }}]
        addons = [{{ name = "coredns" }}, {{ name = "kube-proxy", drifted = true }}]
        workloads = [{{ name = "web", replicas = 3 }}, {{ name = "db", kind = "stateful-set", replicas = 2 }}]
        [[clusters.objects]]
        resource = "rbac.authorization.k8s.io/clusterroles"
        object = {{ apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole", metadata = {{ name = "metrics" }}, rules = [{{ nonResourceURLs = ["/metrics"], verbs = ["get"] }}] }}
        [[clusters.objects]]
        resource = "rbac.authorization.k8s.io/clusterrolebindings"
        object = {{ apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRoleBinding", metadata = {{ name = "auditors" }}, roleRef = {{ kind = "ClusterRole", name = "metrics" }}, subjects = [{{ kind = "Group", name = "auditors" }}] }}
        [[clusters.objects]]
        resource = "flowcontrol.apiserver.k8s.io/flowschemas"
        applied_as = "flowcontrol.apiserver.k8s.io/v1beta3"
        object = {{ apiVersion = "flowcontrol.apiserver.k8s.io/v1", kind = "FlowSchema", metadata = {{ name = "limits" }}, spec = {{ matchingPrecedence = 5 }} }}
        "#
    ))
}

fn admin() -> Arc<Estate> {
    cluster_for("AmazonEKSClusterAdminPolicy")
}

async fn said(estate: &Estate, method: &str, path: &str, body: Value) -> Said {
    ask(estate, method, path, &[], body).await
}

async fn document(estate: &Estate, path: &str) -> Value {
    let said = said(estate, "GET", path, Value::Null).await;
    assert_eq!(said.status, 200, "{path}: {}", said.body);
    said.document()
}

/// The rules of a review in a namespace: for resources, and for paths.
async fn rules(estate: &Estate, namespace: &str) -> (Vec<Value>, Vec<Value>) {
    let review = json!({ "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1",
                         "spec": { "namespace": namespace } });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let said = said(estate, "POST", path, review).await;
    assert_eq!(said.status, 201, "{}", said.body);
    let status = said.document()["status"].clone();
    assert_eq!(status["incomplete"], false);
    let list = |name: &str| status[name].as_array().expect("rules").clone();
    (list("resourceRules"), list("nonResourceRules"))
}

#[tokio::test]
async fn rights_are_listed_as_they_are_held() {
    let (resources, paths) = rules(&admin(), "default").await;
    assert!(
        resources.contains(&json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] })),
        "{resources:?}"
    );
    assert!(
        paths.contains(&json!({ "verbs": ["get"], "nonResourceURLs": ["/metrics"] })),
        "of a role: {paths:?}"
    );
    let viewer = cluster_for("AmazonEKSViewPolicy");
    let (resources, _) = rules(&viewer, "default").await;
    let core = resources.iter().find(|rule| rule["apiGroups"] == json!([""])).expect("the core group");
    let has = |name: &str| core["resources"].as_array().is_some_and(|all| all.contains(&name.into()));
    assert!(has("pods") && !has("secrets") && !has("nodes"), "{core}");
    for (resource, allowed) in [("pods", true), ("secrets", false), ("nodes", false)] {
        let path = format!("/api/v1/{resource}");
        let code = said(&viewer, "GET", &path, Value::Null).await.status;
        assert_eq!(code, if allowed { 200 } else { 403 }, "{resource}");
    }
}

#[tokio::test]
async fn whether_a_path_may_be_read_is_told() {
    let viewer = cluster_for("AmazonEKSViewPolicy");
    for (path, allowed) in [("/metrics", true), ("/logs", false)] {
        let review = json!({ "spec": { "nonResourceAttributes": { "path": path, "verb": "get" } } });
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let told = said(&viewer, "POST", reviews, review).await.document();
        assert_eq!(told["status"]["allowed"], allowed, "{path}");
    }
}

/// Pods of the default namespace that nobody has asked to go, and how many of them are ready.
fn pods_of(estate: &Estate, app: &str) -> (Vec<String>, usize) {
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        let own = kube.list(PODS, Some("default")).filter(|(_, pod)| {
            pod["metadata"]["labels"]["app"] == app && pod["metadata"]["deletionTimestamp"].is_null()
        });
        let own: Vec<_> = own.collect();
        let ready = own.iter().filter(|(_, pod)| pods::is_ready(pod)).count();
        (own.iter().map(|((_, name), _)| name.clone()).collect(), ready)
    })
}

#[tokio::test]
async fn a_workload_is_scaled_by_its_subresource_and_by_itself() {
    let estate = admin();
    let scale = format!("{DEPLOYMENT}/scale");
    let mut wanted = document(&estate, &scale).await;
    assert_eq!((&wanted["kind"], &wanted["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
    assert_eq!(wanted["status"], json!({ "replicas": 3, "selector": "app=web" }));
    wanted["spec"]["replicas"] = 5.into();
    assert_eq!(said(&estate, "PUT", &scale, wanted.clone()).await.status, 200);
    assert_eq!(said(&estate, "PUT", &scale, wanted).await.status, 409, "it is another version by now");
    estate.advance(60.0).expect("advanced");
    let (grown, ready) = pods_of(&estate, "web");
    assert_eq!((grown.len(), ready), (5, 5));
    let merge = [("content-type", "application/merge-patch+json")];
    let fewer = json!({ "spec": { "replicas": 1 } });
    assert_eq!(ask(&estate, "PATCH", DEPLOYMENT, &merge, fewer).await.status, 200);
    estate.advance(60.0).expect("advanced");
    let (left, _) = pods_of(&estate, "web");
    assert!(left.len() == 1 && grown.contains(&left[0]), "{left:?} of {grown:?}");
    let set = "/apis/apps/v1/namespaces/default/statefulsets/db/scale";
    for replicas in [4, 1] {
        let body = json!({ "spec": { "replicas": replicas } });
        assert_eq!(ask(&estate, "PATCH", set, &merge, body).await.status, 200);
        estate.advance(60.0).expect("advanced");
        let expected: Vec<String> = (0..replicas).map(|number| format!("db-{number}")).collect();
        assert_eq!(pods_of(&estate, "db"), (expected, replicas));
    }
    assert_eq!(
        said(&estate, "GET", "/apis/apps/v1/namespaces/default/daemonsets/x/scale", Value::Null).await.status,
        405
    );
}

#[tokio::test]
async fn whoever_watches_a_deployment_hears_of_its_pods() {
    let estate = admin();
    let merge = [("content-type", "application/merge-patch+json")];
    let more = json!({ "spec": { "replicas": 5 } });
    let scaled = ask(&estate, "PATCH", DEPLOYMENT, &merge, more).await.document();
    assert_eq!(scaled["status"]["readyReplicas"], 3, "{scaled}");
    let version = scaled["metadata"]["resourceVersion"].as_str().expect("a version");
    estate.advance(60.0).expect("advanced");
    let all = "/apis/apps/v1/namespaces/default/deployments";
    let heard =
        said(&estate, "GET", &format!("{all}?watch=true&resourceVersion={version}"), Value::Null).await;
    let last = heard.body.lines().last().expect("an event");
    let last: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!((&last["type"], &last["object"]["metadata"]["name"]), (&json!("MODIFIED"), &json!("web")));
    assert_eq!(last["object"]["status"]["readyReplicas"], 5, "{last}");
    assert_ne!(last["object"]["metadata"]["resourceVersion"], version);
}

#[tokio::test]
async fn a_scaled_workload_keeps_its_size_when_its_pods_go() {
    let estate = admin();
    let merge = [("content-type", "application/merge-patch+json")];
    ask(&estate, "PATCH", DEPLOYMENT, &merge, json!({ "spec": { "replicas": 2 } })).await;
    let (all, _) = pods_of(&estate, "web");
    assert_eq!(all.len(), 2);
    for pod in &all {
        said(&estate, "DELETE", &format!("/api/v1/namespaces/default/pods/{pod}"), Value::Null).await;
    }
    estate.advance(120.0).expect("advanced");
    let (new, ready) = pods_of(&estate, "web");
    assert!((new.len(), ready) == (2, 2) && !new.iter().any(|pod| all.contains(pod)), "{new:?}");
}

#[tokio::test]
async fn the_description_of_the_api_is_there_in_every_form_that_clients_ask_for() {
    let estate = admin();
    assert_eq!(document(&estate, "/openapi/v2").await["swagger"], "2.0");
    assert_eq!(document(&estate, "/openapi/v3").await, json!({ "paths": {} }));
    let asked = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let binary = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    let said = ask(&estate, "GET", "/openapi/v2", &[("accept", asked)], Value::Null).await;
    assert_eq!((said.status, said.headers["content-type"].to_str().expect("ASCII")), (200, binary));
    assert!(said.body.starts_with("\u{a}\u{3}2.0"), "{:?}", said.body);
    assert_eq!(ask(&estate, "GET", "/openapi/v4", &[], Value::Null).await.status, 404);
}

#[tokio::test]
async fn objects_tell_who_set_their_fields_and_with_which_version() {
    let estate = admin();
    let dns = document(&estate, "/api/v1/namespaces/kube-system/configmaps/coredns").await;
    assert!(dns["data"]["Corefile"].as_str().is_some_and(|file| file.contains("forward . /etc/resolv.conf")));
    let managers = async |path: &str| -> Vec<String> {
        let object = document(&estate, path).await;
        let all = object["metadata"]["managedFields"].as_array().expect("managers").clone();
        all.iter().map(|it| it["manager"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(managers("/apis/apps/v1/namespaces/kube-system/deployments/coredns").await, ["eks"]);
    let drifted = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy";
    assert_eq!(managers(drifted).await, ["eks", "kubectl-edit"]);
    let applied = document(&estate, "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/limits").await;
    let last = &applied["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
    assert!(
        last.as_str().is_some_and(|text| text.contains("flowcontrol.apiserver.k8s.io/v1beta3")),
        "{last}"
    );
    assert_eq!(applied["metadata"]["managedFields"][0]["apiVersion"], "flowcontrol.apiserver.k8s.io/v1beta3");
}
