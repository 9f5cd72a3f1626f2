//! The JSON Schema of `run.json` (draft 2020-12), made from the tables.

use std::convert::Infallible;

use serde_json::{Map, Value as Json, json};

use super::{RUN_FORMAT, json};
use crate::fields::{self, Kind, Need, Subject, Summary, Visitor};

/// The schema. Every property is required: what is not there is `null`. Properties that it does not name
/// are allowed, because a later minor version may bring them.
pub fn schema() -> Json {
    let mut tables = Tables(Map::new());
    let Ok(()) = fields::each(&mut tables);
    let mut properties = Map::new();
    properties.insert(
        "format".into(),
        json!({
            "description": "What the document is, with the version of its format.",
            "type": "string",
            "pattern": "^fleetwright\\.run/2\\.[0-9]+$",
        }),
    );
    properties.insert("run".into(), row::<Summary>());
    properties.insert(
        "outcomes".into(),
        json!({
            "description": "How many instances ended how.",
            "type": "object",
            "additionalProperties": { "type": "integer", "minimum": 1 },
        }),
    );
    properties.extend(tables.0);
    properties.insert(
        "view".into(),
        json!({
            "description": "Where the run stands: stages, steps, budgets, windows, as `status` shows it.",
            "type": "object",
            "required": ["condition", "elapsed_seconds", "totals", "stages", "groups"],
        }),
    );
    properties.insert(
        "milestones".into(),
        json!({
            "description": "What held the run, in the order it happened.",
            "type": "object",
            "required": ["freezes", "decisions", "gates"],
        }),
    );
    let required: Vec<&String> = properties.keys().collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:fleetwright:run:{RUN_FORMAT}"),
        "title": "A run of fleetwright",
        "description": format!("`run.json`, {}.", json::format()),
        "type": "object",
        "required": required,
        "properties": properties,
    })
}

struct Tables(Map<String, Json>);

impl Visitor for Tables {
    type Error = Infallible;

    fn visit<S: Subject>(&mut self) -> Result<(), Infallible> {
        let table = json!({ "description": S::DOC, "type": "array", "items": row::<S>() });
        self.0.insert(S::NAME.to_owned(), table);
        Ok(())
    }
}

/// The schema of a row.
fn row<S: Subject>() -> Json {
    let columns = S::columns();
    let required: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let properties: Map<String, Json> = columns
        .iter()
        .map(|column| (column.name.to_owned(), property(column.kind, column.need, column.doc)))
        .collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn property(kind: Kind, need: Need, doc: &str) -> Json {
    let plain = match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Word(words) => json!({ "type": "string", "enum": words() }),
        Kind::Integer => json!({ "type": "integer", "minimum": 0 }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    };
    let none = json!({ "type": "null" });
    let mut schema = match need {
        Need::Always => plain,
        Need::Sometimes => json!({ "anyOf": [plain, none] }),
        Need::MayBeUnread => json!({ "anyOf": [plain, none, { "const": "not_checked" }] }),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), doc.into());
    }
    schema
}
