//! Patches: merge (RFC 7386), JSON (RFC 6902), and Kubernetes' strategic merge.

use serde_json::Value;

use super::answer::Status;

/// Changes a document as a patch of that content type says.
///
/// # Errors
/// The patch cannot be applied.
pub(super) fn apply(object: &mut Value, patch: &Value, content_type: &str) -> Result<(), Status> {
    match content_type.split(';').next().unwrap_or_default() {
        "application/merge-patch+json" => merge(object, patch, None),
        "application/strategic-merge-patch+json" => merge(object, patch, Some("")),
        "application/json-patch+json" => {
            let operations = patch.as_array().ok_or_else(|| Status::bad("a JSON patch is a list"))?;
            return operations.iter().try_for_each(|it| operate(object, it));
        }
        other => {
            let message = format!("the body of the request was in an unknown format: {other}");
            return Err(Status::new(415, "UnsupportedMediaType", message));
        }
    }
    Ok(())
}

/// The member that entries of a list are told apart by in strategic merges (Kubernetes API reference, "patch merge
/// key"); none for lists that are replaced as a whole.
fn key_of(list: &str) -> Option<&'static str> {
    match list {
        "conditions" => Some("type"),
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" | "webhooks" => Some("name"),
        "ports" => Some("containerPort"),
        "volumeMounts" => Some("mountPath"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

/// Merges; `list` is the member's name in a strategic merge.
fn merge(object: &mut Value, patch: &Value, strategic: Option<&str>) {
    match (patch, strategic) {
        (Value::Object(members), _) => {
            if !object.is_object()
                || (strategic.is_some() && members.get("$patch") == Some(&"replace".into()))
            {
                *object = Value::Object(serde_json::Map::new());
            }
            for (name, value) in members {
                if strategic.is_some() && name.starts_with('$') {
                    continue;
                }
                if value.is_null() {
                    if let Some(object) = object.as_object_mut() {
                        object.remove(name);
                    }
                } else {
                    merge(&mut object[name.as_str()], value, strategic.map(|_| name.as_str()));
                }
            }
        }
        (Value::Array(entries), Some(list)) if key_of(list).is_some() && object.is_array() => {
            merge_list(object, entries, key_of(list).unwrap_or_default());
        }
        (other, _) => *object = other.clone(),
    }
}

fn merge_list(object: &mut Value, entries: &[Value], key: &str) {
    let Some(all) = object.as_array_mut() else { return };
    for entry in entries {
        let place = all.iter().position(|it| it[key] == entry[key]);
        match (place, entry["$patch"] == "delete") {
            (Some(at), true) => drop(all.remove(at)),
            (Some(at), false) => merge(&mut all[at], entry, Some("")),
            (None, true) => {}
            (None, false) => all.push(entry.clone()),
        }
    }
}

/// One operation of a JSON patch. What cannot be done is refused without saying what it was, as API servers do; a test
/// for null holds where nothing is.
fn operate(object: &mut Value, operation: &Value) -> Result<(), Status> {
    let refused =
        || Status::new(422, "Invalid", "the server rejected our request due to an error in our request");
    let path = operation["path"].as_str().ok_or_else(refused)?;
    let (parent, last) = path.rsplit_once('/').ok_or_else(refused)?;
    let last = last.replace("~1", "/").replace("~0", "~");
    let value = &operation["value"];
    let kind = operation["op"].as_str().ok_or_else(refused)?;
    if kind == "test" {
        let same = object.pointer(path).unwrap_or(&Value::Null) == value;
        return if same { Ok(()) } else { Err(refused()) };
    }
    let holder = object.pointer_mut(parent).ok_or_else(refused)?;
    match (kind, holder) {
        ("add" | "replace", Value::Object(members)) => {
            if kind == "replace" && !members.contains_key(&last) {
                return Err(refused());
            }
            members.insert(last, value.clone());
        }
        ("add", Value::Array(entries)) if last == "-" => entries.push(value.clone()),
        ("add", Value::Array(entries)) => {
            let at = last.parse().ok().filter(|at| *at <= entries.len()).ok_or_else(refused)?;
            entries.insert(at, value.clone());
        }
        ("replace", Value::Array(entries)) => {
            let entry = last.parse::<usize>().ok().and_then(|at| entries.get_mut(at)).ok_or_else(refused)?;
            *entry = value.clone();
        }
        ("remove", Value::Object(members)) => drop(members.remove(&last).ok_or_else(refused)?),
        ("remove", Value::Array(entries)) => {
            let at = last.parse().ok().filter(|at| *at < entries.len()).ok_or_else(refused)?;
            entries.remove(at);
        }
        _ => return Err(refused()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(patch: Value, content_type: &str) -> Result<Value, u16> {
        let mut object = json!({ "spec": { "unschedulable": true, "taints": [{ "key": "a" }] },
                                 "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        apply(&mut object, &patch, content_type).map_err(|it| it.code)?;
        Ok(object)
    }

    #[test]
    fn a_merge_removes_what_is_null_and_replaces_lists() {
        let patch = json!({ "spec": { "unschedulable": null, "taints": [] } });
        let object = patched(patch, "application/merge-patch+json").expect("applied");
        assert_eq!(object["spec"], json!({ "taints": [] }));
    }

    #[test]
    fn a_strategic_merge_keeps_entries_with_other_keys() {
        let patch = json!({ "status": { "conditions": [{ "type": "Disk", "status": "False" }] },
                            "spec": { "taints": [{ "key": "b" }] } });
        let object = patched(patch, "application/strategic-merge-patch+json").expect("applied");
        assert_eq!(object["status"]["conditions"].as_array().map(Vec::len), Some(2));
        assert_eq!(object["spec"]["taints"], json!([{ "key": "b" }]), "taints are one value");
    }

    #[test]
    fn a_json_patch_is_applied_step_by_step_or_refused() {
        let kind = "application/json-patch+json";
        let patch = json!([{ "op": "test", "path": "/spec/unschedulable", "value": true },
                           { "op": "remove", "path": "/spec/unschedulable" },
                           { "op": "add", "path": "/spec/taints/-", "value": { "key": "b" } }]);
        assert_eq!(
            patched(patch, kind).expect("applied")["spec"],
            json!({ "taints": [{ "key": "a" }, { "key": "b" }] })
        );
        let wrong = json!([{ "op": "test", "path": "/spec/unschedulable", "value": false }]);
        assert_eq!(patched(wrong, kind), Err(422));
        assert_eq!(patched(json!({}), "application/apply-patch+yaml"), Err(415));
    }
}
