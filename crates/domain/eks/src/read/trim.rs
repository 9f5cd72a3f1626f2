//! Taking out of objects what no fact is read from, before they pile up in memory.

use serde_json::{Map, Value, json};

/// The annotation with what `kubectl apply` was given last.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Members of containers that say nothing about where pods may run. Some hold secrets.
const OF_CONTAINERS: [&str; 9] = [
    "env",
    "envFrom",
    "args",
    "command",
    "volumeMounts",
    "lifecycle",
    "livenessProbe",
    "startupProbe",
    "securityContext",
];

/// Takes out of an object what is not looked at: who owns which field outside `kube-system`, what was applied last but
/// for its API, environments and commands outside `kube-system`, schemas of custom resources, images that a node has.
pub fn trim(object: &mut Value) {
    let system = object["metadata"]["namespace"] == "kube-system";
    if let Some(Value::Array(entries)) = object.pointer_mut("/metadata/managedFields") {
        let fields = entries.iter_mut().filter_map(Value::as_object_mut).filter(|_| !system);
        fields.for_each(|entry| drop(entry.remove("fieldsV1")));
    }
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        trim_last_applied(annotations);
    }
    if let Some(versions) = object.pointer_mut("/spec/versions").and_then(Value::as_array_mut) {
        versions.iter_mut().filter_map(Value::as_object_mut).for_each(|of| drop(of.remove("schema")));
    }
    if let Some(status) = object.pointer_mut("/status").and_then(Value::as_object_mut) {
        status.remove("images");
    }
    if !system {
        for spec in ["/spec", "/spec/template/spec"] {
            for member in ["containers", "initContainers"] {
                let containers = object.pointer_mut(&format!("{spec}/{member}"));
                let containers = containers.and_then(Value::as_array_mut).into_iter().flatten();
                containers.filter_map(Value::as_object_mut).for_each(trim_container);
            }
        }
    }
}

fn trim_container(container: &mut Map<String, Value>) {
    OF_CONTAINERS.iter().for_each(|member| drop(container.remove(*member)));
}

fn trim_last_applied(annotations: &mut Map<String, Value>) {
    let Some(Value::String(text)) = annotations.get_mut(LAST_APPLIED) else { return };
    // What is no JSON stays, and is told by whoever reads it.
    if let Ok(applied) = serde_json::from_str::<Value>(text) {
        *text = json!({ "apiVersion": applied["apiVersion"], "kind": applied["kind"] }).to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_workloads_do_not_stay_in_memory_and_settings_of_the_system_do() {
        let make = |namespace: &str| {
            let applied = r#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"token":"s3cret"}}"#;
            let spec =
                json!({ "containers": [{ "name": "a", "image": "x:1", "env": [{ "value": "s3cret" }] }] });
            json!({
                "metadata": {
                    "namespace": namespace, "annotations": { LAST_APPLIED: applied },
                    "managedFields": [{ "manager": "helm", "apiVersion": "apps/v1", "fieldsV1": { "f:spec": {} } }],
                },
                "spec": { "template": { "spec": spec }, "versions": [{ "name": "v1", "schema": {} }] },
                "status": { "images": [], "phase": "x" },
            })
        };
        let (mut shop, mut system) = (make("shop"), make("kube-system"));
        trim(&mut shop);
        assert!(!shop.to_string().contains("s3cret"), "{shop}");
        assert_eq!(
            shop["metadata"]["managedFields"],
            json!([{ "manager": "helm", "apiVersion": "apps/v1" }])
        );
        assert_eq!(shop["spec"]["template"]["spec"]["containers"], json!([{ "name": "a", "image": "x:1" }]));
        assert_eq!(
            (&shop["spec"]["versions"], &shop["status"]),
            (&json!([{ "name": "v1" }]), &json!({ "phase": "x" }))
        );
        trim(&mut system);
        assert!(system["metadata"]["managedFields"][0]["fieldsV1"].is_object());
        assert!(system["spec"]["template"]["spec"]["containers"][0]["env"].is_array());
    }
}
