//! Configurations of add-ons held against JSON Schemas.

use fleetwright_eks::schema::{Verdict, validate};
use serde_json::{Value, json};

fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let Verdict { faults, unknown } = validate(schema, value);
    assert!(unknown.is_empty(), "{unknown:?}");
    faults.into_iter().collect()
}

fn unknown(schema: &Value, value: &Value) -> Vec<String> {
    let Verdict { faults, unknown } = validate(schema, value);
    assert!(faults.is_empty(), "{faults:?}");
    unknown.into_iter().collect()
}

/// As the schemas of EKS are made: a reference to a definition, and nothing allowed beside what is named.
fn cni() -> Value {
    json!({
        "$ref": "#/definitions/VpcCni",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {
            "VpcCni": {
                "type": "object", "title": "VpcCni", "additionalProperties": false, "required": ["env"],
                "properties": {
                    "env": { "$ref": "#/definitions/Env" },
                    "resources": { "type": ["object", "null"] },
                    "tolerations": { "type": "array", "items": { "type": "object", "required": ["key"] }, "maxItems": 2 },
                    "podLabels": { "additionalProperties": { "type": "string" } },
                },
            },
            "Env": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "AWS_VPC_K8S_CNI_LOGLEVEL": { "enum": ["DEBUG", "ERROR"], "default": "DEBUG" },
                    "WARM_IP_TARGET": { "type": "string", "format": "Integer", "pattern": "^[0-9]+$" },
                    "MTU": { "type": "integer", "minimum": 576, "exclusiveMaximum": 9002 },
                },
            },
        },
    })
}

#[test]
fn a_configuration_that_fits_has_no_fault() {
    let good = json!({
        "env": { "AWS_VPC_K8S_CNI_LOGLEVEL": "ERROR", "WARM_IP_TARGET": "5", "MTU": 9001 },
        "resources": null, "tolerations": [{ "key": "spot" }], "podLabels": { "team": "net" },
    });
    assert_eq!(faults(&cni(), &good), [""; 0]);
}

#[test]
fn every_fault_names_its_place_and_what_is_expected_and_no_value() {
    let bad = json!({
        "env": { "AWS_VPC_K8S_CNI_LOGLEVEL": "hunter2", "WARM_IP_TARGET": "hunter2", "MTU": 9002, "OLD": "hunter2" },
        "resources": "hunter2", "tolerations": [{ "key": "a" }, {}, {}], "podLabels": { "team": 7 }, "extra": true,
    });
    let found = faults(&cni(), &bad);
    assert_eq!(
        found,
        [
            "env.AWS_VPC_K8S_CNI_LOGLEVEL: one of \"DEBUG\", \"ERROR\"",
            "env.MTU: less than 9002",
            "env.OLD: the version does not know this setting",
            "env.WARM_IP_TARGET: a text that fits ^[0-9]+$",
            "extra: the version does not know this setting",
            "podLabels.team: of type string",
            "resources: of type object or null",
            "tolerations: 2 items at most",
            "tolerations[1]: key is required",
            "tolerations[2]: key is required",
        ]
    );
    assert!(found.iter().all(|fault| !fault.contains("hunter2")));
    assert_eq!(faults(&cni(), &json!({})), ["the configuration: env is required"]);
    assert_eq!(faults(&cni(), &json!([])), ["the configuration: of type object"]);
}

#[test]
fn schemas_made_of_schemas_are_judged_by_their_parts() {
    let either = json!({ "anyOf": [{ "type": "string" }, { "type": "integer", "maximum": 5 }] });
    assert_eq!(faults(&either, &json!("a")), [""; 0]);
    assert_eq!(faults(&either, &json!(6)), ["the configuration: fits none of the schemas it may fit"]);
    let one = json!({ "oneOf": [{ "minimum": 1 }, { "minimum": 3 }] });
    assert_eq!(faults(&one, &json!(2)), [""; 0]);
    assert_eq!(faults(&one, &json!(4)), ["the configuration: fits several schemas of which it may fit one"]);
    let not = json!({ "not": { "required": ["old"] } });
    assert_eq!(faults(&not, &json!({ "old": 1 })), ["the configuration: not what the schema excludes"]);
    let when =
        json!({ "if": { "required": ["a"] }, "then": { "required": ["b"] }, "else": { "maxProperties": 0 } });
    assert_eq!(faults(&when, &json!({ "a": 1 })), ["the configuration: b is required"]);
    assert_eq!(faults(&when, &json!({ "c": 1 })), ["the configuration: 0 members at most"]);
    let names = json!({ "patternProperties": { "^x": { "const": 1 } }, "additionalProperties": false });
    assert_eq!(faults(&names, &json!({ "xa": 1.0, "b": 1 })), ["b: the version does not know this setting"]);
}

#[test]
fn what_is_not_known_is_said_and_never_taken_for_fulfilled() {
    let keyword = json!({ "properties": { "a": { "dependentRequired": {} } } });
    assert_eq!(
        unknown(&keyword, &json!({ "a": 1 })),
        ["a: the schema's keyword dependentRequired is not known"]
    );
    assert_eq!(unknown(&keyword, &json!({ "b": 1 })), [""; 0]);
    let outside = json!({ "$ref": "https://example.com/schema" });
    assert_eq!(
        unknown(&outside, &json!(1)),
        ["the configuration: its schema refers to something outside of the schema"]
    );
    let pattern = json!({ "pattern": "(?!a)" });
    assert_eq!(unknown(&pattern, &json!("b")), ["the configuration: the schema's pattern cannot be read"]);
    let around = json!({ "$ref": "#" });
    assert_eq!(unknown(&around, &json!(1)), ["the configuration: the schema goes deeper than 64"]);
    let either = json!({ "anyOf": [{ "type": "string" }, { "multipleOf": 2 }] });
    assert_eq!(
        unknown(&either, &json!(4)),
        ["the configuration: which of several schemas it fits cannot be judged"]
    );
    assert_eq!(unknown(&either, &json!("a")), [""; 0]);
    assert_eq!(
        unknown(&json!([]), &json!(1)),
        ["the configuration: its schema is neither an object nor a boolean"]
    );
}
