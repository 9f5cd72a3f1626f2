//! Moving objects to newer versions of their API.

use fleetwright_kubernetes::rewrite::{Rewrite, rewrite};
use fleetwright_kubernetes::{ApiTable, GroupVersionKind, Minor, Verdict};
use serde_json::{Value, json};

fn moved(object: &Value, to: &str) -> (Rewrite, Value) {
    let kind = object["kind"].as_str().expect("a kind");
    let api = |version: &str| GroupVersionKind::new(version, kind).expect("well formed");
    let from = api(object["apiVersion"].as_str().expect("a version"));
    let rewrite = rewrite(object, &from, &api(to)).expect("there is a rule");
    let after = rewrite.apply(object).expect("the patch fits");
    assert_eq!(after["apiVersion"], to);
    (rewrite, after)
}

fn manual(rewrite: &Rewrite) -> Vec<&str> {
    rewrite.manual.iter().map(|manual| manual.path.as_str()).collect()
}

#[test]
fn a_deployment_gets_the_selector_it_had_silently() {
    let object = json!({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "spec": {
        "rollbackTo": {"revision": 1}, "template": {"metadata": {"labels": {"app": "web"}}}}});
    let (rewrite, after) = moved(&object, "apps/v1");
    assert!(rewrite.is_complete());
    assert_eq!(
        after["spec"],
        json!({"selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}}})
    );
    assert_eq!(rewrite.notes.len(), 4, "{:?}", rewrite.notes);
}

#[test]
fn a_deployment_without_labels_or_with_others_is_for_a_person() {
    let bare = json!({"apiVersion": "apps/v1beta1", "kind": "Deployment", "spec": {"template": {}}});
    assert_eq!(manual(&moved(&bare, "apps/v1").0), ["/spec/selector"]);
    let unfit = json!({"apiVersion": "apps/v1beta2", "kind": "Deployment", "spec": {
        "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "api"}}}}});
    assert_eq!(manual(&moved(&unfit, "apps/v1").0), ["/spec/selector/matchLabels"]);
}

#[test]
fn an_ingress_gets_backends_and_path_types_of_v1() {
    let object = json!({"apiVersion": "extensions/v1beta1", "kind": "Ingress",
        "metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}},
        "spec": {"backend": {"serviceName": "fallback", "servicePort": "http"}, "rules": [{"http": {"paths": [
            {"path": "/a", "backend": {"serviceName": "a", "servicePort": 80}},
            {"path": "/b", "pathType": "Prefix", "backend": {"serviceName": "b", "servicePort": "8080"}},
            {"path": "/c", "backend": {"resource": {"kind": "Bucket", "name": "c"}}}]}}, {"host": "x"}]}});
    let (rewrite, after) = moved(&object, "networking.k8s.io/v1");
    assert!(rewrite.is_complete(), "{:?}", rewrite.manual);
    let service = |name: &str, port: Value| json!({"service": {"name": name, "port": port}});
    assert_eq!(after["spec"]["defaultBackend"], service("fallback", json!({"name": "http"})));
    assert_eq!(
        after["spec"]["rules"][0]["http"]["paths"],
        json!([
            {"path": "/a", "pathType": "ImplementationSpecific", "backend": service("a", json!({"number": 80}))},
            {"path": "/b", "pathType": "Prefix", "backend": service("b", json!({"number": 8080}))},
            {"path": "/c", "pathType": "ImplementationSpecific", "backend": {"resource": {"kind": "Bucket", "name": "c"}}},
        ])
    );
    assert_eq!(after["spec"].get("backend"), None);
    assert!(rewrite.notes[0].contains("ingress.class"));
}

#[test]
fn an_ingress_whose_backend_has_no_port_is_for_a_person() {
    let object = json!({"apiVersion": "networking.k8s.io/v1beta1", "kind": "Ingress",
        "spec": {"backend": {"serviceName": "a"}}});
    assert_eq!(manual(&moved(&object, "networking.k8s.io/v1").0), ["/spec/defaultBackend/service/port"]);
}

#[test]
fn targets_of_an_autoscaler_become_objects() {
    let object = json!({"apiVersion": "autoscaling/v2beta1", "kind": "HorizontalPodAutoscaler", "spec": {"metrics": [
        {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 70}},
        {"type": "Pods", "pods": {"metricName": "qps", "targetAverageValue": "10"}},
        {"type": "External", "external": {"metricName": "queue", "targetValue": "30"}},
        {"type": "Object", "object": {"metricName": "hits"}}]}});
    let (rewrite, after) = moved(&object, "autoscaling/v2");
    assert_eq!(manual(&rewrite), ["/spec/metrics/3"]);
    assert_eq!(
        after["spec"]["metrics"][0]["resource"],
        json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}})
    );
    assert_eq!(
        after["spec"]["metrics"][1]["pods"],
        json!({"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "10"}})
    );
    assert_eq!(
        after["spec"]["metrics"][2]["external"],
        json!({"metric": {"name": "queue"}, "target": {"type": "Value", "value": "30"}})
    );
}

#[test]
fn an_empty_selector_of_a_disruption_budget_is_for_a_person() {
    let budget = |selector: Value| {
        json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget",
        "spec": {"selector": selector}})
    };
    assert_eq!(manual(&moved(&budget(json!({})), "policy/v1").0), ["/spec/selector"]);
    assert!(moved(&budget(json!({"matchLabels": {"app": "web"}})), "policy/v1").0.is_complete());
}

#[test]
fn a_cron_job_changes_its_version_only() {
    let object = json!({"apiVersion": "batch/v1beta1", "kind": "CronJob", "spec": {"schedule": "@daily"}});
    let (rewrite, after) = moved(&object, "batch/v1");
    assert!(rewrite.is_complete() && rewrite.patch.len() == 1);
    assert_eq!(after["spec"], object["spec"]);
}

#[test]
fn webhooks_keep_the_defaults_they_relied_on() {
    let version = "admissionregistration.k8s.io/v1";
    let object = json!({"apiVersion": format!("{version}beta1"), "kind": "ValidatingWebhookConfiguration",
        "webhooks": [{"name": "a", "sideEffects": "None", "admissionReviewVersions": ["v1", "v1beta1"]},
                     {"name": "b", "failurePolicy": "Fail", "sideEffects": "Unknown"}]});
    let (rewrite, after) = moved(&object, version);
    assert_eq!(after["webhooks"][0]["failurePolicy"], "Ignore");
    assert_eq!(after["webhooks"][0]["timeoutSeconds"], 30);
    assert_eq!(after["webhooks"][1]["failurePolicy"], "Fail");
    assert_eq!(manual(&rewrite), ["/webhooks/1/sideEffects", "/webhooks/1/admissionReviewVersions"]);
}

#[test]
fn a_definition_gets_its_schema_in_every_version() {
    let object = json!({"apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition", "spec": {
        "version": "v1", "preserveUnknownFields": false, "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Age", "JSONPath": ".x"}],
        "validation": {"openAPIV3Schema": {"type": "object"}}}});
    let (rewrite, after) = moved(&object, "apiextensions.k8s.io/v1");
    assert!(rewrite.is_complete(), "{:?}", rewrite.manual);
    assert_eq!(
        after["spec"],
        json!({"preserveUnknownFields": false, "versions": [{"name": "v1", "served": true,
        "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}, "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Age", "jsonPath": ".x"}]}]})
    );
    let open = json!({"apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition",
        "spec": {"versions": [{"name": "v1"}]}});
    let (rewrite, _) = moved(&open, "apiextensions.k8s.io/v1");
    assert_eq!(manual(&rewrite), ["/spec/versions/0/schema", "/spec/versions"]);
}

#[test]
fn endpoints_of_a_slice_say_zone_and_node_themselves() {
    let object = json!({"apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice", "endpoints": [
        {"topology": {"topology.kubernetes.io/zone": "1a", "kubernetes.io/hostname": "n"}}]});
    let (_, after) = moved(&object, "discovery.k8s.io/v1");
    assert_eq!(after["endpoints"], json!([{"zone": "1a", "nodeName": "n"}]));
}

#[test]
fn zero_shares_of_a_priority_level_are_for_a_person() {
    let flow = "flowcontrol.apiserver.k8s.io";
    let object = json!({"apiVersion": format!("{flow}/v1beta3"), "kind": "PriorityLevelConfiguration",
        "spec": {"limited": {"nominalConcurrencyShares": 0}}});
    assert_eq!(manual(&moved(&object, &format!("{flow}/v1")).0).len(), 1);
}

#[test]
fn a_patch_for_another_object_changes_nothing() {
    let object = json!({"apiVersion": "extensions/v1beta1", "kind": "Ingress", "spec": {"backend": {}}});
    let (rewrite, _) = moved(&object, "networking.k8s.io/v1");
    let error = rewrite.apply(&json!({"apiVersion": "x", "spec": {}})).expect_err("it does not fit");
    assert_eq!(error.path, "/spec/backend");
}

#[test]
fn objects_of_any_shape_are_rewritten_without_harm() {
    let table = ApiTable::bundled();
    let shapes = [
        json!({}),
        json!({"spec": 5}),
        json!({"spec": {"rules": [1, {"http": {"paths": 7}}]}}),
        json!({"spec": {"versions": [1, "x"]}, "webhooks": [null], "endpoints": [[]]}),
        json!([]),
    ];
    for row in table.rows() {
        let Verdict::Removed { replacement: Some(replacement), .. } = table.verdict(&row.api, Minor::new(37))
        else {
            continue;
        };
        for shape in &shapes {
            if let Some(rewrite) = rewrite(shape, &row.api, &replacement.api) {
                assert!(rewrite.apply(shape).is_ok(), "{} {shape}", row.api);
            }
        }
    }
}
