//! JSON Schema of the configuration file, for editors.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::keys::{self, Key, Kind, Reading, Secrecy, TextForm, sections};
use crate::record::{Form, Member, Spelling};
use crate::value;
use crate::waves::{ORDER_GROUP, WAIVER, WAVE};

/// The JSON Schema (draft 2020-12) of a configuration file. Older spellings are in it, marked
/// deprecated. It asks for `true` and `false`, where reading also takes `yes` and `no`.
pub fn schema() -> Value {
    let mut tree = Tree::default();
    for key in keys::all() {
        tree.insert(key.path, property(key));
        for older in key.older {
            tree.insert(older.path, older_property(key, older.reading));
        }
    }
    let Value::Object(mut settings) = tree.into_schema("") else { unreachable!("a tree is an object") };
    let mut properties = match settings.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    accept_zone_names(&mut properties);
    let mut in_environments = properties.clone();
    in_environments.remove("environment");
    properties.insert("environments".to_owned(), environments());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fleetwright configuration",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
        "$defs": { "environment": { "type": ["object", "null"], "additionalProperties": false, "properties": in_environments } }
    })
}

fn environments() -> Value {
    json!({
        "type": ["object", "null"],
        "description": "Sections laid over the rest of the file when their environment is chosen.",
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]{1,64}$" },
        "additionalProperties": { "$ref": "#/$defs/environment" }
    })
}

/// `landing_zones: [a, b]` and `landing_zones: zones.yaml`, the short forms.
fn accept_zone_names(properties: &mut Map<String, Value>) {
    if let Some(section) = properties.remove("landing_zones") {
        let short = json!({
            "type": ["array", "string"], "items": { "type": ["string", "integer"] }, "deprecated": true,
            "description": "As landing_zones.names; or, where all are paths, as landing_zones.inventory."
        });
        properties.insert("landing_zones".to_owned(), json!({ "anyOf": [section, short] }));
    }
}

/// The mappings of the file.
#[derive(Default)]
struct Tree {
    leaf: Option<Value>,
    children: BTreeMap<String, Tree>,
}

impl Tree {
    fn insert(&mut self, path: &str, property: Value) {
        let mut tree = self;
        for name in path.split('.') {
            tree = tree.children.entry(name.to_owned()).or_default();
        }
        tree.leaf = Some(property);
    }

    fn into_schema(self, path: &str) -> Value {
        if let Some(leaf) = self.leaf {
            return leaf;
        }
        let mut schema = json!({ "type": ["object", "null"], "additionalProperties": false });
        let current = sections().find(|section| section.path == path);
        if let Some(section) = current {
            schema["description"] = json!(section.doc);
        } else if !path.is_empty() {
            schema["deprecated"] = json!(true);
        }
        let mut properties = Map::new();
        for (name, child) in self.children {
            let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let child = child.into_schema(&full);
            if name == "*" {
                schema["additionalProperties"] = child;
                let pattern = keys::names_in(path).map_or(".", |names| names.pattern);
                schema["propertyNames"] = json!({ "pattern": pattern });
            } else {
                properties.insert(name, child);
            }
        }
        schema["properties"] = Value::Object(properties);
        schema
    }
}

fn property(key: &Key) -> Value {
    let mut schema = of_kind(&key.kind, Reading::Same);
    schema["description"] = json!(format!("{} {}", key.doc, key.effect()));
    let example =
        |text: &str| value::read_flow(key, text).ok().and_then(|value| serde_json::to_value(value).ok());
    if let Some(default) = key.default.and_then(example) {
        schema["default"] = default;
    }
    if key.secrecy == Secrecy::Open
        && let Some(example) = example(key.example)
    {
        schema["examples"] = json!([example]);
    }
    if key.default.is_none() {
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    schema
}

fn older_property(key: &Key, reading: Reading) -> Value {
    let mut schema = of_kind(&key.kind, reading);
    let remark = match reading {
        Reading::Same => "",
        Reading::Minutes => " Plain numbers are minutes.",
        Reading::Inverted => " Says the opposite.",
        Reading::Retries => " Counts the attempts after the first.",
        Reading::PythonLevel => " Takes Python's level names as well.",
    };
    schema["description"] = json!(format!("Older spelling of `{}`.{remark}", key.path));
    schema["deprecated"] = json!(true);
    schema
}

fn of_kind(kind: &Kind, reading: Reading) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer { min, max, .. } => {
            let shift = u64::from(reading == Reading::Retries);
            json!({ "type": "integer", "minimum": min.saturating_sub(shift), "maximum": max - shift })
        }
        Kind::Number { min, max, .. } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Duration { .. } => json!({ "anyOf": [
            { "type": "string", "pattern": "^\\s*([0-9.]+\\s*[a-z]*\\s*)+$" },
            { "type": "number", "minimum": 0 }
        ] }),
        Kind::Text(form) => text(*form, reading),
        Kind::List(form) => {
            let item = text(*form, reading);
            json!({ "anyOf": [{ "type": "array", "items": item.clone() }, item] })
        }
        Kind::TagFilter => tags(),
        Kind::Waves => json!({ "type": "array", "items": record(WAVE, Spelling::Snake) }),
        Kind::OrderGroups => json!({ "type": "array", "items": record(ORDER_GROUP, Spelling::Snake) }),
        Kind::Waivers => json!({ "type": "array", "items": record(WAIVER, Spelling::Snake) }),
    }
}

fn tags() -> Value {
    json!({ "type": "object", "additionalProperties": { "anyOf": [
        { "type": ["string", "number", "boolean"] },
        { "type": "array", "minItems": 1, "items": { "type": ["string", "number", "boolean"] } }
    ] } })
}

/// The schema of a record.
pub(crate) fn record(table: &'static [Member], spelling: Spelling) -> Value {
    let property = |member: &Member| {
        let mut schema = json!({ "anyOf": [of_form(member.form, spelling), { "type": "null" }] });
        if let Form::Record(_) | Form::Records(_) = member.form {
            schema = of_form(member.form, spelling);
        }
        schema["description"] = json!(member.doc);
        (member.spelt(spelling).to_owned(), schema)
    };
    let properties: Map<String, Value> = table.iter().map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn of_form(form: Form, spelling: Spelling) -> Value {
    let several = |item: Value| json!({ "anyOf": [{ "type": "array", "items": item.clone() }, item] });
    match form {
        Form::Bool => json!({ "type": "boolean" }),
        Form::Text(form) => text(form, Reading::Same),
        Form::List(form) => several(text(form, Reading::Same)),
        Form::Accounts => several(json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9]{12}$" },
            { "type": "integer", "minimum": 0, "maximum": 999_999_999_999_u64 }
        ] })),
        Form::Tolerance => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9]+%?$" },
        ] }),
        Form::Length { .. } => {
            of_kind(&Kind::Duration { min: Duration::ZERO, max: Duration::MAX }, Reading::Same)
        }
        Form::Tags => tags(),
        Form::Moment => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}" }),
        Form::Record(table) => record(table, spelling),
        Form::Records(table) => json!({ "type": "array", "items": record(table, spelling) }),
    }
}

fn text(form: TextForm, reading: Reading) -> Value {
    const REGION: &str = "[a-z]{2,4}(-[a-z]+){1,2}-[0-9]{1,2}";
    match form {
        TextForm::OneOf(_) if reading == Reading::PythonLevel => json!({ "type": "string" }),
        TextForm::OneOf(words) => json!({ "enum": words }),
        TextForm::Region => json!({ "type": "string", "pattern": format!("^{REGION}$") }),
        TextForm::RegionOrAll => json!({ "type": "string", "pattern": format!("^(all|{REGION})$") }),
        TextForm::Amount => json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[0-9]+%?$" },
        ] }),
        TextForm::Url => json!({ "type": "string", "pattern": "^https?://" }),
        TextForm::InstanceId => json!({ "type": "string", "pattern": "^i-([0-9a-f]{8}|[0-9a-f]{17})$" }),
        TextForm::Environment => json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }),
        TextForm::Version | TextForm::ZoneName => json!({ "type": ["string", "number"] }),
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}
