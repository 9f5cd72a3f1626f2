//! The schemas take what the readers take, and refuse what they refuse.

use fleetwright_config::landing_zones::example;
use fleetwright_config::{SourceText, default_yaml, landing_zones_schema, schema};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use crate::fixture;

/// YAML as editors see it before they validate: plain scalars of the core schema have types.
fn json(text: &str) -> Value {
    let mut stack: Vec<Value> = vec![Value::Array(Vec::new())];
    let mut keys: Vec<Option<String>> = vec![None];
    let mut anchors = std::collections::HashMap::new();
    let mut names = vec![0];
    for event in Parser::new_from_str(text) {
        let (value, anchor) = match event.expect("well-formed").0 {
            Event::Scalar(text, style, anchor, _) => (scalar(&text, style == ScalarStyle::Plain), anchor),
            Event::Alias(anchor) => (Value::clone(&anchors[&anchor]), 0),
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if {
                    names.push(anchor);
                    false
                } =>
            {
                unreachable!()
            }
            Event::SequenceStart(..) => {
                stack.push(Value::Array(Vec::new()));
                keys.push(None);
                continue;
            }
            Event::MappingStart(..) => {
                stack.push(Value::Object(Map::new()));
                keys.push(None);
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                keys.pop();
                (stack.pop().expect("open"), names.pop().expect("open"))
            }
            _ => continue,
        };
        if anchor != 0 {
            anchors.insert(anchor, value.clone());
        }
        let key = keys.last_mut().expect("open");
        match stack.last_mut().expect("open") {
            Value::Array(items) => items.push(value),
            Value::Object(entries) => match key.take() {
                None => *key = Some(value.as_str().map_or(value.to_string(), str::to_owned)),
                Some(name) if name == "<<" => entries.extend(value.as_object().expect("a mapping").clone()),
                Some(name) => {
                    entries.insert(name, value);
                }
            },
            _ => unreachable!("only collections are open"),
        }
    }
    stack
        .pop()
        .and_then(|root| root.as_array().and_then(|documents| documents.first().cloned()))
        .unwrap_or(Value::Null)
}

fn scalar(text: &str, plain: bool) -> Value {
    match text {
        "true" | "yes" | "on" if plain => Value::Bool(true),
        "false" | "no" | "off" if plain => Value::Bool(false),
        "" | "~" | "null" if plain => Value::Null,
        _ if plain => text
            .parse::<u64>()
            .map(Value::from)
            .or_else(|_| text.parse::<f64>().map(Value::from))
            .unwrap_or_else(|_| Value::from(text)),
        _ => Value::from(text),
    }
}

fn check(schema: &Value, file: &SourceText) -> Result<(), String> {
    let validator = jsonschema::validator_for(schema).expect("a valid schema");
    let instance = json(&file.text);
    validator
        .validate(&instance)
        .map_err(|error| format!("{}: {} at {}", file.name, error, error.instance_path()))
}

#[test]
fn the_configuration_schema_takes_every_valid_configuration() {
    let schema = schema();
    for file in [
        SourceText::new("default", default_yaml()),
        fixture!("configurations/older-workflow.yaml"),
        fixture!("configurations/older-switches.yaml"),
        fixture!("configurations/older-sections.yaml"),
        fixture!("configurations/environments.yaml"),
    ] {
        assert_eq!(check(&schema, &file), Ok(()));
    }
}

#[test]
fn the_configuration_schema_refuses_what_is_misspelt_or_out_of_range() {
    let schema = schema();
    for text in [
        "aws: {regoin: eu-central-1}",
        "aws: {max_attempts: 99}",
        "scan: {platforms: [windoze]}",
        "environments: {prod: {saftey: {}}}",
        "aws: {rates: {DescribeInstances: {burst: 1}}}",
    ] {
        assert!(check(&schema, &SourceText::new("bad", text)).is_err(), "{text}");
    }
}

#[test]
fn older_spellings_are_marked_deprecated_and_defaults_are_given() {
    let schema = schema();
    let properties = &schema["properties"];
    assert_eq!(properties["skip_backup"]["deprecated"], true);
    assert_eq!(properties["workflow"]["deprecated"], true);
    assert_eq!(properties["aws"]["properties"]["max_attempts"]["default"], 8);
    assert!(properties["aws"]["deprecated"].is_null());
}

#[test]
fn the_inventory_schema_takes_every_shape_and_refuses_misspelt_keys() {
    let schema = landing_zones_schema();
    for file in [
        SourceText::new("example", example()),
        fixture!("inventories/a-list.yaml"),
        fixture!("inventories/b-roles.yaml"),
        fixture!("inventories/c-keyed.yaml"),
        fixture!("inventories/d-names.yaml"),
        fixture!("inventories/d-reference.yaml"),
        fixture!("inventories/bare.yaml"),
        fixture!("inventories/mixed.yaml"),
    ] {
        assert_eq!(check(&schema, &file), Ok(()));
    }
    for text in ["- {name: a, acount_id: 1}", "- {name: a}", "zone: {account_id: 1, regoins: all}"] {
        assert!(check(&schema, &SourceText::new("bad", text)).is_err(), "{text}");
    }
}
