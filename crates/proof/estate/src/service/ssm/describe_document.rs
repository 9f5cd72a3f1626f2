//! DescribeDocument.

use serde_json::{Value, json};

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;
use crate::world::command::document::{Document, ParameterKind};

/// DescribeDocument: a document's versions, platforms and parameters.
pub(super) struct DescribeDocument;

/// When the estate's documents were made: long before any scenario starts.
const CREATED: f64 = 1_735_689_600.0;

fn name(call: &Call) -> &str {
    call.json().get("Name").and_then(Value::as_str).unwrap_or_default()
}

impl Operation for DescribeDocument {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeDocument"
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let resource = format!("arn:aws:ssm:{}::document/{}", call.region, name(call));
        vec![Requirement { action: "ssm:DescribeDocument".into(), resource, context: Vec::new() }]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        document::region(world, call)?;
        let found = Document::find(name(call)).ok_or_else(|| {
            let message = format!("Document with name {} does not exist.", name(call));
            ApiError::new(400, "InvalidDocument", message)
        })?;
        let parameters: Vec<Value> = found
            .parameters()
            .iter()
            .map(|parameter| {
                let kind = if parameter.kind == ParameterKind::Lines { "StringList" } else { "String" };
                let mut shown =
                    json!({ "Name": parameter.name, "Type": kind, "Description": parameter.description });
                if let Some(default) = parameter.default {
                    shown["DefaultValue"] = default.into();
                }
                shown
            })
            .collect();
        document::write(&json!({ "Document": {
            "Name": found.name(),
            "Owner": "Amazon",
            "CreatedDate": CREATED,
            "Status": "Active",
            "DocumentVersion": found.version(),
            "LatestVersion": found.version(),
            "DefaultVersion": found.version(),
            "Parameters": parameters,
            "PlatformTypes": found.platforms(),
            "DocumentType": "Command",
            "SchemaVersion": "1.2",
            "DocumentFormat": "JSON",
            "Tags": [],
        }}))
    }
}
