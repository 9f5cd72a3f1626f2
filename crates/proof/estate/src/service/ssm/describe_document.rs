//! DescribeDocument.

use serde_json::{Value, json};

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;
use crate::world::command::document::Document;

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
        let resource = document::arn(call, name(call));
        vec![Requirement { action: "ssm:DescribeDocument".into(), resource, context: Vec::new() }]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let region = document::region(world, call)?;
        let custom = region.hosts.environment().documents();
        let found = Document::find(name(call), custom).ok_or_else(|| {
            let message = format!("Document with name {} does not exist.", name(call));
            ApiError::new(400, "InvalidDocument", message)
        })?;
        let parameters: Vec<Value> = found
            .parameters()
            .iter()
            .map(|parameter| {
                let kind = if parameter.kind.is_list() { "StringList" } else { "String" };
                let mut shown =
                    json!({ "Name": parameter.name, "Type": kind, "Description": parameter.description });
                if let Some(default) = &parameter.default {
                    shown["DefaultValue"] = default.as_ref().into();
                }
                shown
            })
            .collect();
        let own = match &found {
            Document::Custom(custom) => Some(custom),
            _ => None,
        };
        document::write(&json!({ "Document": {
            "Name": found.name(),
            "Owner": own.map_or("Amazon", |_| &call.account),
            "Description": own.map_or("", |custom| &custom.description),
            "CreatedDate": CREATED,
            "Status": "Active",
            "DocumentVersion": found.version(),
            "LatestVersion": found.version(),
            "DefaultVersion": found.version(),
            "Parameters": parameters,
            "PlatformTypes": found.platforms(),
            "DocumentType": "Command",
            "SchemaVersion": own.map_or("1.2", |_| "2.2"),
            "DocumentFormat": "JSON",
            "Tags": [],
        }}))
    }
}
