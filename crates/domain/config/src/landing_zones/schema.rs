//! JSON Schema of inventories, for editors.

use serde_json::{Map, Value, json};

use super::fields::{self, Field, FieldForm, Standing};

/// The JSON Schema (draft 2020-12) of an inventory file, every shape included.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fleetwright landing zones",
        "description": "The accounts fleetwright works on, in any of the shapes it reads.",
        "anyOf": [
            { "$ref": "#/$defs/list" },
            { "$ref": "#/$defs/wrapped" },
            { "$ref": "#/$defs/reference" },
            { "allOf": [{ "$ref": "#/$defs/zone" }], "required": ["account_id"] },
            { "$ref": "#/$defs/keyed" },
            { "type": "null" }
        ],
        "$defs": {
            "list": { "type": "array", "items": { "$ref": "#/$defs/entry" } },
            "keyed": {
                "type": "object",
                "description": "Landing zones keyed by name.",
                "additionalProperties": { "allOf": [{ "$ref": "#/$defs/zone" }], "required": ["account_id"] },
                "minProperties": 1
            },
            "zones": { "anyOf": [
                { "$ref": "#/$defs/list" },
                { "$ref": "#/$defs/reference" },
                { "allOf": [{ "$ref": "#/$defs/zone" }], "required": ["account_id"] },
                { "$ref": "#/$defs/keyed" },
                { "type": "null" }
            ] },
            "wrapped": {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "properties": {
                    "landing_zones": { "$ref": "#/$defs/zones" },
                    "zones": { "$ref": "#/$defs/zones", "deprecated": true },
                    "accounts": { "$ref": "#/$defs/zones", "deprecated": true },
                    "organization": { "$ref": "#/$defs/scopes" },
                    "organisation": { "$ref": "#/$defs/scopes" }
                }
            },
            "entry": { "anyOf": [
                { "type": ["string", "integer"], "description": "Name or account id of a landing zone that another inventory describes." },
                { "allOf": [{ "$ref": "#/$defs/zone" }], "required": ["account_id"] },
                { "$ref": "#/$defs/reference" },
                { "$ref": "#/$defs/organization_entry" },
                { "allOf": [{ "$ref": "#/$defs/keyed" }], "maxProperties": 1 }
            ] },
            "organization_entry": { "anyOf": [
                object(&[], &[("organization", json!({ "$ref": "#/$defs/scopes" }))], &["organization"]),
                object(&[], &[("organisation", json!({ "$ref": "#/$defs/scopes" }))], &["organisation"]),
                object(fields::SCOPE, &[("organization", json!({ "type": "string" }))], &["organization"])
            ] },
            "scopes": { "anyOf": [
                { "$ref": "#/$defs/scope" },
                { "type": "array", "items": { "$ref": "#/$defs/scope" } }
            ] },
            "scope": { "anyOf": [
                { "const": "all" },
                { "type": "string", "pattern": "^(r|ou)-" },
                object(fields::SCOPE, &[], &[])
            ] },
            "reference": object(fields::REFERENCE, &[], &["inventory"]),
            "zone": object(fields::ZONE, &[], &[])
        }
    })
}

fn object(table: &'static [Field], more: &[(&str, Value)], required: &[&str]) -> Value {
    let mut properties: Map<String, Value> =
        table.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    properties.extend(more.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())));
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn property(field: &Field) -> Value {
    let one_or_list = json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": ["string", "integer"] } }] });
    let mut schema = match field.form {
        FieldForm::Account => json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9]{1,12}$" },
            { "type": "integer", "minimum": 0, "maximum": 999_999_999_999_u64 }
        ] }),
        FieldForm::Text => json!({ "type": ["string", "number"] }),
        FieldForm::OptionalText => json!({ "type": ["string", "null"] }),
        FieldForm::Bool => json!({ "type": "boolean" }),
        FieldForm::Region => json!({ "type": "string", "pattern": "^[a-z]{2,4}(-[a-z]+){1,2}-[0-9]{1,2}$" }),
        FieldForm::Regions | FieldForm::Patterns => one_or_list,
        FieldForm::Filters => json!({
            "type": "object",
            "additionalProperties": false,
            "properties": { "tags": { "type": "object", "additionalProperties": { "anyOf": [
                { "type": ["string", "number", "boolean"] },
                { "type": "array", "minItems": 1, "items": { "type": ["string", "number", "boolean"] } }
            ] } } }
        }),
    };
    schema["description"] = json!(field.doc);
    if field.standing == Standing::Older {
        schema["deprecated"] = json!(true);
    }
    schema
}
