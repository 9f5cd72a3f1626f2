//! What changes from one version of an API to the next.

use serde_json::{Value, json};

use super::Rewriting;
use crate::api::GroupVersionKind;

/// Changes an object whose `apiVersion` has been changed already.
pub(super) type Rule = fn(&mut Rewriting);

/// Kind, version before, version after, what changes beside the version.
const RULES: [(&str, &str, &str, Rule); 42] = [
    ("Deployment", "extensions/v1beta1", "apps/v1", deployment_of_extensions),
    ("Deployment", "apps/v1beta1", "apps/v1", deployment_of_apps_v1beta1),
    ("Deployment", "apps/v1beta2", "apps/v1", selected),
    ("DaemonSet", "extensions/v1beta1", "apps/v1", daemon_set_of_extensions),
    ("DaemonSet", "apps/v1beta2", "apps/v1", selected),
    ("ReplicaSet", "extensions/v1beta1", "apps/v1", with_selector),
    ("ReplicaSet", "apps/v1beta2", "apps/v1", selected),
    ("StatefulSet", "apps/v1beta1", "apps/v1", stateful_set_of_apps_v1beta1),
    ("StatefulSet", "apps/v1beta2", "apps/v1", selected),
    ("NetworkPolicy", "extensions/v1beta1", "networking.k8s.io/v1", same),
    ("Ingress", "extensions/v1beta1", "networking.k8s.io/v1", ingress),
    ("Ingress", "networking.k8s.io/v1beta1", "networking.k8s.io/v1", ingress),
    ("IngressClass", "networking.k8s.io/v1beta1", "networking.k8s.io/v1", same),
    ("HorizontalPodAutoscaler", "autoscaling/v2beta2", "autoscaling/v2", same),
    ("HorizontalPodAutoscaler", "autoscaling/v2beta1", "autoscaling/v2", autoscaler_of_v2beta1),
    ("PodDisruptionBudget", "policy/v1beta1", "policy/v1", disruption_budget),
    ("CronJob", "batch/v1beta1", "batch/v1", same),
    ("EndpointSlice", "discovery.k8s.io/v1beta1", "discovery.k8s.io/v1", endpoint_slice),
    ("RuntimeClass", "node.k8s.io/v1beta1", "node.k8s.io/v1", same),
    ("Lease", "coordination.k8s.io/v1beta1", "coordination.k8s.io/v1", same),
    ("PriorityClass", "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1", same),
    ("Role", "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", same),
    ("RoleBinding", "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", same),
    ("ClusterRole", "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", same),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", same),
    ("CSIDriver", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", same),
    ("CSINode", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", same),
    ("StorageClass", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", same),
    ("VolumeAttachment", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", same),
    ("CSIStorageCapacity", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", same),
    ("VolumeAttributesClass", "storage.k8s.io/v1beta1", "storage.k8s.io/v1", same),
    (
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1beta1",
        "admissionregistration.k8s.io/v1",
        webhooks,
    ),
    (
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1beta1",
        "admissionregistration.k8s.io/v1",
        webhooks,
    ),
    ("APIService", "apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1", same),
    ("FlowSchema", "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1beta3", same),
    ("FlowSchema", "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1", same),
    ("FlowSchema", "flowcontrol.apiserver.k8s.io/v1beta3", "flowcontrol.apiserver.k8s.io/v1", same),
    (
        "PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "flowcontrol.apiserver.k8s.io/v1beta3",
        shares,
    ),
    (
        "PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "flowcontrol.apiserver.k8s.io/v1",
        shares,
    ),
    (
        "PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "flowcontrol.apiserver.k8s.io/v1",
        shares_of_v1beta3,
    ),
    ("CustomResourceDefinition", "apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1", definition),
    ("CertificateSigningRequest", "certificates.k8s.io/v1beta1", "certificates.k8s.io/v1", signing_request),
];

pub(super) fn find(from: &GroupVersionKind, to: &GroupVersionKind) -> Option<Rule> {
    let (before, after) = (from.api_version.to_string(), to.api_version.to_string());
    let fits = |rule: &&(&str, &str, &str, Rule)| rule.0 == from.kind && rule.1 == before && rule.2 == after;
    RULES.iter().find(fits).map(|rule| rule.3)
}

/// Nothing but the version changes.
fn same(_: &mut Rewriting) {}

fn deployment_of_extensions(object: &mut Rewriting) {
    with_selector(object);
    object.remove("/spec/rollbackTo");
    default_changes(object, "/spec/progressDeadlineSeconds", "no deadline", "600 seconds");
    default_changes(object, "/spec/revisionHistoryLimit", "all", "10");
    if object.get("/spec/strategy/type") != Some(&json!("Recreate")) {
        default_changes(object, "/spec/strategy/rollingUpdate/maxSurge", "1", "25%");
        default_changes(object, "/spec/strategy/rollingUpdate/maxUnavailable", "1", "25%");
    }
}

fn deployment_of_apps_v1beta1(object: &mut Rewriting) {
    with_selector(object);
    object.remove("/spec/rollbackTo");
    default_changes(object, "/spec/revisionHistoryLimit", "2", "10");
}

/// Tells of a default that is another one now, where the object relies on it.
fn default_changes(object: &mut Rewriting, path: &str, before: &str, after: &str) {
    if object.get(path).is_none() {
        object.note(&format!("{path} is not set: it meant {before} and will mean {after}"));
    }
}

fn daemon_set_of_extensions(object: &mut Rewriting) {
    with_selector(object);
    object.remove("/spec/templateGeneration");
    default_changes(object, "/spec/updateStrategy/type", "OnDelete", "RollingUpdate");
}

fn stateful_set_of_apps_v1beta1(object: &mut Rewriting) {
    with_selector(object);
    default_changes(object, "/spec/updateStrategy/type", "OnDelete", "RollingUpdate");
}

/// Versions before apps/v1 took the selector from the template's labels where none was given.
fn with_selector(object: &mut Rewriting) {
    if object.get("/spec/selector").is_some_and(|selector| !selector.is_null()) {
        return selected(object);
    }
    let labels = object.get("/spec/template/metadata/labels").filter(is_filled).cloned();
    match labels {
        Some(labels) => object.put("/spec/selector", json!({ "matchLabels": labels })),
        None => object.manual(
            "/spec/selector",
            "a selector is required, and the template has no labels to take it from: give both the same labels",
        ),
    }
}

/// The selector is required, must fit the template, and cannot be changed later.
fn selected(object: &mut Rewriting) {
    let Some(wanted) = object.get("/spec/selector").filter(|selector| !selector.is_null()) else {
        return object.manual("/spec/selector", "a selector is required: take the labels of the template");
    };
    let wanted = wanted.get("matchLabels").and_then(Value::as_object).cloned().unwrap_or_default();
    let label = |key: &str| object.get("/spec/template/metadata/labels").and_then(|labels| labels.get(key));
    if wanted.iter().any(|(key, value)| label(key) != Some(value)) {
        object.manual(
            "/spec/selector/matchLabels",
            "the template lacks labels that the selector asks for: apps/v1 refuses that",
        );
    }
}

fn is_filled(value: &&Value) -> bool {
    value.as_object().is_some_and(|entries| !entries.is_empty())
}

fn ingress(object: &mut Rewriting) {
    object.rename("/spec/backend", "/spec/defaultBackend");
    ingress_backend(object, "/spec/defaultBackend");
    let class = "/metadata/annotations/kubernetes.io~1ingress.class";
    if object.get("/spec/ingressClassName").is_none()
        && let Some(name) = object.get(class)
    {
        let name = name.as_str().unwrap_or_default().chars().take(63).collect::<String>();
        object.note(&format!(
            "the annotation kubernetes.io/ingress.class still works; /spec/ingressClassName needs an IngressClass \
             that leads to the same controller as {name:?}"
        ));
    }
    let length =
        |object: &Rewriting, path: &str| object.get(path).and_then(Value::as_array).map_or(0, Vec::len);
    for rule in 0..length(object, "/spec/rules") {
        let paths = format!("/spec/rules/{rule}/http/paths");
        for index in 0..length(object, &paths) {
            let path = format!("{paths}/{index}");
            ingress_backend(object, &format!("{path}/backend"));
            if object.get(&format!("{path}/pathType")).is_none() {
                object.put(&format!("{path}/pathType"), json!("ImplementationSpecific"));
            }
        }
    }
}

/// `serviceName` and `servicePort` become `service.name` and `service.port`.
fn ingress_backend(object: &mut Rewriting, path: &str) {
    let Some(backend) = object.get(path).filter(|backend| backend.get("serviceName").is_some()).cloned()
    else {
        return;
    };
    let port = match backend.get("servicePort") {
        Some(Value::String(text)) => match text.parse::<u16>() {
            Ok(number) => json!({ "number": number }),
            Err(_) => json!({ "name": text }),
        },
        Some(Value::Number(number)) => json!({ "number": number }),
        _ => {
            let reason = "the backend names a service without a port: give its number or name";
            return object.manual(&format!("{path}/service/port"), reason);
        }
    };
    object.remove(&format!("{path}/serviceName"));
    object.remove(&format!("{path}/servicePort"));
    object.put(&format!("{path}/service"), json!({ "name": backend["serviceName"], "port": port }));
}

/// Targets of metrics became one object with a type.
fn autoscaler_of_v2beta1(object: &mut Rewriting) {
    let Some(metrics) = object.get("/spec/metrics").and_then(Value::as_array).cloned() else { return };
    for (index, metric) in metrics.iter().enumerate() {
        let path = format!("/spec/metrics/{index}");
        let moved = match metric.get("type").and_then(Value::as_str) {
            Some("Resource") => resource_metric(metric, "resource"),
            Some("ContainerResource") => resource_metric(metric, "containerResource"),
            Some("Pods") => metric.get("pods").and_then(|pods| {
                let target =
                    json!({ "type": "AverageValue", "averageValue": pods.get("targetAverageValue")? });
                Some(("pods", json!({ "metric": identifier(pods, "selector")?, "target": target })))
            }),
            Some("External") => metric.get("external").and_then(|external| {
                let metric = identifier(external, "metricSelector")?;
                Some(("external", json!({ "metric": metric, "target": value_target(external)? })))
            }),
            _ => None,
        };
        match moved {
            Some((field, value)) => object.put(&format!("{path}/{field}"), value),
            None => object
                .manual(&path, "targets of this metric have another form in autoscaling/v2: write it anew"),
        }
    }
}

fn resource_metric(metric: &Value, field: &'static str) -> Option<(&'static str, Value)> {
    let resource = metric.get(field)?;
    let target = match (resource.get("targetAverageUtilization"), resource.get("targetAverageValue")) {
        (Some(share), _) => json!({ "type": "Utilization", "averageUtilization": share }),
        (None, Some(value)) => json!({ "type": "AverageValue", "averageValue": value }),
        (None, None) => return None,
    };
    let mut moved = json!({ "name": resource.get("name")?, "target": target });
    if let Some(container) = resource.get("container") {
        moved["container"] = container.clone();
    }
    Some((field, moved))
}

fn value_target(metric: &Value) -> Option<Value> {
    match (metric.get("targetValue"), metric.get("targetAverageValue")) {
        (Some(value), None) => Some(json!({ "type": "Value", "value": value })),
        (None, Some(value)) => Some(json!({ "type": "AverageValue", "averageValue": value })),
        _ => None,
    }
}

fn identifier(metric: &Value, selector: &str) -> Option<Value> {
    let mut identifier = json!({ "name": metric.get("metricName")? });
    if let Some(selector) = metric.get(selector) {
        identifier["selector"] = selector.clone();
    }
    Some(identifier)
}

/// An empty selector selected nothing, and selects everything now.
fn disruption_budget(object: &mut Rewriting) {
    let empty = |selector: &Value| selector.as_object().is_some_and(serde_json::Map::is_empty);
    if object.get("/spec/selector").is_some_and(empty) {
        object.manual(
            "/spec/selector",
            "an empty selector selected no pods in policy/v1beta1 and selects all pods of the namespace in \
             policy/v1: remove the budget, or name the pods that are meant",
        );
    }
}

fn endpoint_slice(object: &mut Rewriting) {
    let endpoints = object.get("/endpoints").and_then(Value::as_array).map_or(0, Vec::len);
    for index in 0..endpoints {
        let topology = format!("/endpoints/{index}/topology");
        let zone = format!("{topology}/topology.kubernetes.io~1zone");
        let host = format!("{topology}/kubernetes.io~1hostname");
        object.rename(&zone, &format!("/endpoints/{index}/zone"));
        if object.get(&format!("/endpoints/{index}/nodeName")).is_none() {
            object.rename(&host, &format!("/endpoints/{index}/nodeName"));
        }
        object.remove(&topology);
    }
}

/// Defaults that became other ones, and fields that became required.
fn webhooks(object: &mut Rewriting) {
    let count = object.get("/webhooks").and_then(Value::as_array).map_or(0, Vec::len);
    for index in 0..count {
        let at = |field: &str| format!("/webhooks/{index}/{field}");
        for (field, before) in [
            ("failurePolicy", json!("Ignore")),
            ("matchPolicy", json!("Exact")),
            ("timeoutSeconds", json!(30)),
        ] {
            if object.get(&at(field)).is_none() {
                object.put(&at(field), before);
            }
        }
        let effects = object.get(&at("sideEffects")).and_then(Value::as_str);
        if !matches!(effects, Some("None" | "NoneOnDryRun")) {
            let reason = "v1 takes None and NoneOnDryRun only: say which is true of the webhook";
            object.manual(&at("sideEffects"), reason);
        }
        match object.get(&at("admissionReviewVersions")).and_then(Value::as_array) {
            None => {
                // The default of v1beta1; a webhook that knows v1 should say so.
                object.put(&at("admissionReviewVersions"), json!(["v1beta1"]));
                object.manual(
                    &at("admissionReviewVersions"),
                    "v1beta1 was the default: add v1 if the webhook knows it",
                );
            }
            Some(versions) if !versions.contains(&json!("v1")) => {
                let reason = "the webhook names no review version v1: add it if the webhook knows it";
                object.manual(&at("admissionReviewVersions"), reason);
            }
            Some(_) => {}
        }
    }
}

fn shares(object: &mut Rewriting) {
    object.rename("/spec/limited/assuredConcurrencyShares", "/spec/limited/nominalConcurrencyShares");
}

fn shares_of_v1beta3(object: &mut Rewriting) {
    if object.get("/spec/limited/nominalConcurrencyShares") == Some(&json!(0)) {
        object.manual(
            "/spec/limited/nominalConcurrencyShares",
            "0 meant the default of 30 in v1beta3 and means none in v1: say which is meant",
        );
    }
}

/// Schema, subresources and columns belong to each version.
fn definition(object: &mut Rewriting) {
    let schema = object.get("/spec/validation/openAPIV3Schema").cloned();
    let subresources = object.get("/spec/subresources").cloned();
    let columns = object.get("/spec/additionalPrinterColumns").and_then(Value::as_array).cloned();
    if object.get("/spec/versions").is_none()
        && let Some(name) = object.get("/spec/version").cloned()
    {
        object.put("/spec/versions", json!([{ "name": name, "served": true, "storage": true }]));
    }
    for field in ["version", "validation", "subresources", "additionalPrinterColumns"] {
        object.remove(&format!("/spec/{field}"));
    }
    let count = object.get("/spec/versions").and_then(Value::as_array).map_or(0, Vec::len);
    for index in 0..count {
        let at = |field: &str| format!("/spec/versions/{index}/{field}");
        match &schema {
            _ if object.get(&at("schema")).is_some() => {}
            Some(schema) => object.put(&at("schema"), json!({ "openAPIV3Schema": schema })),
            None => object.manual(&at("schema"), "every version needs a structural schema: write one"),
        }
        if let Some(subresources) = &subresources {
            object.put(&at("subresources"), subresources.clone());
        }
        let own = object.get(&at("additionalPrinterColumns")).and_then(Value::as_array).cloned();
        if let Some(columns) = own.or_else(|| columns.clone()) {
            object.put(&at("additionalPrinterColumns"), columns.into_iter().map(printer_column).collect());
        }
    }
    if object.get("/spec/preserveUnknownFields") != Some(&json!(false)) {
        object.remove("/spec/preserveUnknownFields");
        object.manual(
            "/spec/versions",
            "v1 drops fields that the schema does not name: check that it is structural and complete",
        );
    }
    if object.get("/spec/conversion/strategy") == Some(&json!("Webhook")) {
        object.manual("/spec/conversion", "webhookClientConfig moved into conversion.webhook: write it anew");
    }
}

/// `JSONPath` became `jsonPath`.
fn printer_column(mut column: Value) -> Value {
    if let Some(column) = column.as_object_mut()
        && let Some(path) = column.remove("JSONPath")
    {
        column.insert("jsonPath".to_owned(), path);
    }
    column
}

fn signing_request(object: &mut Rewriting) {
    for (field, example) in [("signerName", "kubernetes.io/kube-apiserver-client"), ("usages", "client auth")]
    {
        let path = format!("/spec/{field}");
        if object.get(&path).is_none() {
            object.manual(&path, &format!("v1 requires it: say which, for example {example}"));
        }
    }
}
