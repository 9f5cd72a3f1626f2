//! Documents and their schemas.

use fleetwright_report::eks::{json, json_schema};
use serde_json::Value;

use super::{everything, rendered};

/// Whether a document has what its schema requires, and nothing that the schema does not name.
fn judge(schema: &Value, document: &Value, path: &str, faults: &mut Vec<String>) {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(document)
    {
        faults.push(format!("{path}: {document} is none of {allowed:?}"));
    }
    match (schema["type"].as_str(), document) {
        (Some("object"), Value::Object(members)) if schema["properties"].is_object() => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !members.contains_key(name) {
                    faults.push(format!("{path}/{name} is missing"));
                }
            }
            for (name, value) in members {
                match schema["properties"].get(name) {
                    Some(schema) => judge(schema, value, &format!("{path}/{name}"), faults),
                    None => faults.push(format!("{path}/{name} is not in the schema")),
                }
            }
        }
        (Some("array"), Value::Array(items)) => {
            items.iter().for_each(|item| judge(&schema["items"], item, &format!("{path}/*"), faults));
        }
        (Some("object"), Value::Object(_))
        | (Some("string"), Value::String(_))
        | (Some("integer" | "number"), Value::Number(_))
        | (Some("boolean"), Value::Bool(_))
        | (None, _) => {}
        (Some(kind), other) => faults.push(format!("{path}: {other} is no {kind}")),
    }
}

#[test]
fn the_assessment_is_what_its_schema_says() {
    let document: Value = serde_json::from_str(&rendered(&everything(), json::assessment)).expect("JSON");
    let mut faults = Vec::new();
    judge(&json_schema::assessment(), &document, "", &mut faults);
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(document["readiness"], "not-ready");
    let counts = &document["counts"];
    let numbers = ["blockers", "warnings", "suppressed", "checks", "passed", "not_evaluated", "left_out"]
        .map(|name| counts[name].as_u64().expect("a number"));
    assert_eq!(numbers, [1, 1, 1, 6, 1, 2, 1]);
}
