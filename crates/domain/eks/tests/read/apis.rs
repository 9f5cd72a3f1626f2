//! Who uses which API: objects, field managers, what was applied, releases, callers, rules, policies, fields.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleetwright_eks::facts::ApiUse;
use fleetwright_eks::facts::apis::DroppedField;
use fleetwright_eks::read::Kind;
use fleetwright_eks::{Fact, UnreadCause};
use serde_json::{Value, json};

use crate::cluster::{cluster, detail, known, object, pod};

fn told(uses: Fact<Vec<ApiUse>>) -> Vec<String> {
    known(uses).into_iter().map(|of| format!("{} by {}", of.api, of.by)).collect()
}

fn flow(metadata: Value) -> Value {
    object("", "catch-all", json!({ "metadata": metadata }))
}

#[test]
fn objects_live_in_the_most_settled_version_that_is_served() {
    let read = cluster()
        .with_others("flowschemas", [flow(json!({}))])
        .with_others("volumeattributesclasses", [object("", "fast", json!({}))])
        .read();
    assert_eq!(
        told(read.apis.live),
        ["storage.k8s.io/v1beta1 VolumeAttributesClass by VolumeAttributesClass fast"],
        "flow schemas are served in v1, which stays"
    );
}

#[test]
fn field_managers_are_told_that_write_with_a_version_that_goes_and_is_served() {
    let entry = |manager: &str, version: &str| json!({ "manager": manager, "apiVersion": version });
    let metadata = json!({ "managedFields": [
        entry("argocd", "flowcontrol.apiserver.k8s.io/v1beta3"),
        entry("argocd", "flowcontrol.apiserver.k8s.io/v1beta3"),
        entry("kubectl", "flowcontrol.apiserver.k8s.io/v1"),
        entry("ancient", "flowcontrol.apiserver.k8s.io/v1beta1"),
    ] });
    let read = cluster().with_others("flowschemas", [flow(metadata)]).read();
    assert_eq!(
        told(read.apis.managed_fields),
        ["flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema by FlowSchema catch-all (field manager argocd)"]
    );
    let odd =
        cluster().with_others("flowschemas", [flow(json!({ "managedFields": [entry("x", "V/1")] }))]).read();
    let said = detail(odd.apis.managed_fields);
    assert!(
        said.starts_with("FlowSchema catch-all: metadata.managedFields: \"V/1\" is not an apiVersion"),
        "{said}"
    );
}

#[test]
fn what_was_applied_last_says_the_version_of_the_manifest() {
    let annotated = |text: &str| {
        let annotations = json!({ "kubectl.kubernetes.io/last-applied-configuration": text });
        object(
            "shop",
            "web",
            json!({ "metadata": { "annotations": annotations }, "spec": { "maxReplicas": 3 } }),
        )
    };
    let applied = r#"{"apiVersion":"autoscaling/v2beta2","kind":"HorizontalPodAutoscaler"}"#;
    let read = cluster().with(Kind::Autoscalers, [annotated(applied)]).read();
    assert_eq!(
        told(read.apis.last_applied),
        ["autoscaling/v2beta2 HorizontalPodAutoscaler by HorizontalPodAutoscaler shop/web"]
    );
    let odd = cluster().with(Kind::Autoscalers, [annotated("{")]).read();
    assert!(detail(odd.apis.last_applied).ends_with("last-applied-configuration is no JSON"));
}

fn release(status: &str, data: Value) -> Value {
    let labels = json!({ "owner": "helm", "name": "web", "status": status });
    object(
        "shop",
        &format!("sh.helm.release.v1.web.{status}"),
        json!({ "metadata": { "labels": labels }, "data": { "release": data } }),
    )
}

fn packed() -> String {
    let manifest = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata:\n  name: web\n";
    let chart = json!({ "metadata": { "name": "web", "version": "1.2.3" } });
    let release =
        json!({ "name": "web", "namespace": "shop", "version": 3, "manifest": manifest, "chart": chart });
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(release.to_string().as_bytes()).expect("packed");
    STANDARD.encode(encoder.finish().expect("packed"))
}

#[test]
fn deployed_releases_are_read_and_those_that_cannot_be_are_told() {
    let read = cluster()
        .with(
            Kind::HelmSecrets,
            [release("deployed", STANDARD.encode(packed()).into()), release("superseded", "§".into())],
        )
        .with(Kind::HelmConfigMaps, [release("deployed", packed().into()), release("deployed", Value::Null)])
        .read();
    let helm = known(read.apis.helm);
    let apis: Vec<_> = helm.releases.iter().map(|of| of.manifests.objects[0].api.to_string()).collect();
    assert_eq!(apis, ["policy/v1beta1 PodDisruptionBudget", "policy/v1beta1 PodDisruptionBudget"]);
    let unreadable: Vec<_> = helm.unreadable.iter().map(ToString::to_string).collect();
    assert_eq!(
        unreadable,
        [
            "the Helm release in ConfigMap shop/sh.helm.release.v1.web.deployed cannot be read: data.release is missing"
        ]
    );
}

#[test]
fn the_servers_metric_tells_that_somebody_calls_and_not_who() {
    let line = |resource: &str, count: u32| {
        format!(
            "apiserver_requested_deprecated_apis{{group=\"flowcontrol.apiserver.k8s.io\",removed_release=\"1.32\",\
             resource=\"{resource}\",subresource=\"\",version=\"v1beta3\"}} {count}"
        )
    };
    let callers = |lines: &[&str]| cluster().with_calls(lines).read().apis.callers;
    let found = known(callers(&[&line("flowschemas", 1), &line("flowschemas", 0)]));
    let told: Vec<_> = found.iter().map(|of| (of.api.to_string(), of.last_request)).collect();
    assert_eq!(told, [("flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema".to_owned(), None)]);
    let unknown = detail(callers(&[&line("inventions", 1)]));
    assert!(unknown.starts_with("apiserver_requested_deprecated_apis: nothing tells the kind"), "{unknown}");
    let odd = detail(callers(&["apiserver_requested_deprecated_apis 1"]));
    assert!(odd.starts_with("apiserver_requested_deprecated_apis: not a line of a metric"), "{odd}");
}

#[test]
fn rules_and_policies_are_told_that_name_only_versions_that_go() {
    let rule = |versions: Value| json!({ "apiGroups": ["flowcontrol.apiserver.k8s.io"], "apiVersions": versions, "resources": ["flowschemas"] });
    let webhook = |name: &str, versions: Value| {
        let config = json!({ "url": "https://x.example/" });
        json!({ "name": name, "rules": [rule(versions)], "clientConfig": config })
    };
    let webhooks = [
        webhook("old", json!(["v1beta3"])),
        webhook("both", json!(["v1beta3", "v1"])),
        webhook("any", json!(["*"])),
    ];
    let constraints = json!({ "matchConstraints": { "resourceRules": [rule(json!(["v1beta3"]))] } });
    let kinds =
        json!({ "any": [{ "resources": { "kinds": ["Pod", "policy/v1beta1/PodDisruptionBudget"] } }] });
    let read = cluster()
        .with(Kind::ValidatingWebhooks, [object("", "policy", json!({ "webhooks": webhooks }))])
        .with(Kind::AdmissionPolicies, [object("", "limits", json!({ "spec": constraints }))])
        .with(
            Kind::ClusterPolicies,
            [object("", "budgets", json!({ "spec": { "rules": [{ "match": kinds }] } }))],
        )
        .read();
    let flow = "flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema by";
    assert_eq!(told(read.apis.rules), [format!("{flow} old of ValidatingWebhookConfiguration policy")]);
    assert_eq!(
        told(read.apis.policies),
        [
            format!("{flow} ValidatingAdmissionPolicy limits"),
            "policy/v1beta1 PodDisruptionBudget by ClusterPolicy budgets".to_owned(),
        ]
    );
}

#[test]
fn fields_that_are_dropped_are_told_with_their_objects() {
    let mut annotated = pod("web", json!({}));
    annotated["metadata"]["annotations"] = json!({
        "seccomp.security.alpha.kubernetes.io/pod": "runtime/default",
        "container.apparmor.security.beta.kubernetes.io/main": "runtime/default",
    });
    let account =
        json!({ "metadata": { "annotations": { "kubernetes.io/enforce-mountable-secrets": "true" } } });
    let service = |name: &str, spec: Value| object("shop", name, json!({ "spec": spec }));
    let read = cluster()
        .with(Kind::Pods, [annotated])
        .with(Kind::ServiceAccounts, [object("shop", "ci", account)])
        .with(
            Kind::Services,
            [
                service("web", json!({ "selector": { "app": "web" }, "externalIPs": ["192.0.2.1"] })),
                service("legacy", json!({ "ports": [] })),
            ],
        )
        .with(
            Kind::Endpoints,
            [
                object("shop", "web", json!({})),
                object("shop", "legacy", json!({})),
                object("default", "kubernetes", json!({})),
            ],
        )
        .read();
    let found: Vec<_> = known(read.apis.fields).iter().map(|of| (of.field, of.object.to_string())).collect();
    let expected = [
        (DroppedField::SeccompAnnotation, "Pod shop/web"),
        (DroppedField::AppArmorAnnotation, "Pod shop/web"),
        (DroppedField::EnforceMountableSecrets, "ServiceAccount shop/ci"),
        (DroppedField::ExternalIps, "Service shop/web"),
        (DroppedField::Endpoints, "Endpoints shop/legacy"),
    ];
    assert_eq!(found, expected.map(|(field, object)| (field, object.to_owned())));
}

#[test]
fn manifests_are_nobodys_here() {
    let Fact::NotRead(why) = cluster().read().apis.manifests else { panic!("nobody gave any") };
    assert_eq!(why.cause, UnreadCause::NotAsked);
}
