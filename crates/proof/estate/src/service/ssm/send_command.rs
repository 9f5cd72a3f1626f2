//! SendCommand.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{document, list_commands};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::command::document::Document;
use crate::world::command::{Order, run};
use crate::world::ids::InstanceId;
use crate::world::instance::{Instance, InstanceState};
use crate::world::{Region, World};

/// SendCommand: a document, run on the nodes named or on those with the tags named.
pub(super) struct SendCommand;

/// Nodes by id, at most.
const MAX_IDS: usize = 50;
/// Targets, at most, and values of each.
const MAX_TARGETS: usize = 5;
const MAX_TARGET_VALUES: usize = 50;
/// Characters of a comment, at most.
const MAX_COMMENT: usize = 100;
/// Seconds for delivery: least, most, default.
const TIMEOUT: (i64, i64, i64) = (30, 2_592_000, 3_600);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    document_name: Option<String>,
    document_version: Option<String>,
    instance_ids: Option<Vec<String>>,
    targets: Option<Vec<Target>>,
    timeout_seconds: Option<i64>,
    comment: Option<String>,
    parameters: Option<Map<String, Value>>,
    #[serde(rename = "OutputS3BucketName")]
    output_bucket: Option<String>,
    #[serde(rename = "OutputS3KeyPrefix")]
    output_prefix: Option<String>,
    max_concurrency: Option<String>,
    max_errors: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    key: Option<String>,
    values: Option<Vec<String>>,
}

fn refuse(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

/// A node that commands can be sent to: registered, and not on its way out.
fn is_managed(it: &Instance) -> bool {
    it.agent.is_some() && !matches!(it.state, InstanceState::Terminated | InstanceState::ShuttingDown)
}

/// The nodes a request names, in the order they get the command.
fn nodes(input: &Input, region: &Region, account: &str) -> Result<Vec<InstanceId>, ApiError> {
    let named = input.instance_ids.as_deref().unwrap_or_default();
    let targets = input.targets.as_deref().unwrap_or_default();
    if named.is_empty() && targets.is_empty() {
        return Err(refuse("You must specify either InstanceIds or Targets."));
    }
    if !named.is_empty() && !targets.is_empty() {
        return Err(refuse("InstanceIds and Targets can't be used in the same request."));
    }
    if named.len() > MAX_IDS {
        let shown = format!("'[{}]'", named.join(", "));
        let rule = format!("Member must have length less than or equal to {MAX_IDS}");
        return Err(document::constraint(&shown, "instanceIds", &rule));
    }
    if !named.is_empty() {
        return by_id(named, region, account);
    }
    if targets.len() > MAX_TARGETS {
        let rule = format!("Member must have length less than or equal to {MAX_TARGETS}");
        return Err(document::constraint("'[…]'", "targets", &rule));
    }
    by_target(targets, region, account)
}

fn by_id(named: &[String], region: &Region, account: &str) -> Result<Vec<InstanceId>, ApiError> {
    let unique: BTreeSet<&String> = named.iter().collect();
    if unique.len() < named.len() {
        return Err(ApiError::new(
            400,
            "DuplicateInstanceId",
            "You can't specify an instance ID in more than one place.",
        ));
    }
    let known = |text: &String| {
        let id = InstanceId::parse(text).ok()?;
        region.instances.get(id).filter(|it| is_managed(it)).map(|it| it.id)
    };
    let bad: Vec<String> = named.iter().filter(|text| known(text).is_none()).cloned().collect();
    if !bad.is_empty() {
        return Err(document::invalid_instances(&bad, account));
    }
    Ok(named.iter().filter_map(known).collect())
}

fn by_target(targets: &[Target], region: &Region, account: &str) -> Result<Vec<InstanceId>, ApiError> {
    let mut read: Vec<(&str, &[String])> = Vec::with_capacity(targets.len());
    for target in targets {
        let key = target.key.as_deref().unwrap_or_default();
        let values = target.values.as_deref().unwrap_or_default();
        if values.is_empty() || values.len() > MAX_TARGET_VALUES {
            return Err(refuse(format!("Target {key} must have 1 to {MAX_TARGET_VALUES} values.")));
        }
        if key.starts_with("resource-groups:") {
            return Err(refuse(format!(
                "Target key {key} isn't supported: the estate has no resource groups."
            )));
        }
        if key != "InstanceIds" && key != "tag-key" && !key.starts_with("tag:") {
            return Err(refuse(format!("Target key {key} isn't valid.")));
        }
        read.push((key, values));
    }
    if let [("InstanceIds", ids)] = read[..] {
        return by_id(ids, region, account);
    }
    let matches = |it: &Instance| {
        read.iter().all(|(key, values)| match key.strip_prefix("tag:") {
            Some(tag) => it.tags.get(tag).is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            None if *key == "tag-key" => it.tags.iter().any(|(known, _)| values.iter().any(|v| v == known)),
            None => values.contains(&it.id.to_string()),
        })
    };
    Ok(region.instances.iter().filter(|it| is_managed(it) && matches(it)).map(|it| it.id).collect())
}

fn document_of(input: &Input, region: &Region) -> Result<Document, ApiError> {
    let name = input.document_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Err(document::constraint("null", "documentName", "Member must not be null"));
    }
    let found = Document::find(name, region.hosts.environment().documents()).ok_or_else(|| {
        ApiError::new(400, "InvalidDocument", format!("Document with name {name} does not exist."))
    })?;
    match input.document_version.as_deref() {
        None | Some("" | "$LATEST" | "$DEFAULT") => Ok(found),
        Some(version) if version == found.version() => Ok(found),
        Some(version) => Err(ApiError::new(
            400,
            "InvalidDocumentVersion",
            format!("Document version {version} does not exist for document {name}."),
        )),
    }
}

/// A limit as it is written: a number, or a share of the targets.
fn measure(text: Option<String>, default: &str, member: &str, least: u32) -> Result<String, ApiError> {
    let text = text.unwrap_or_else(|| default.to_owned());
    let (digits, most) = match text.strip_suffix('%') {
        Some(digits) => (digits, 100),
        None => (text.as_str(), 9_999_999),
    };
    let plain = !digits.is_empty() && (digits == "0" || !digits.starts_with('0')) && text.len() <= 7;
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u32>().ok()).flatten();
    match number {
        Some(n) if plain && n >= least && n <= most => Ok(text),
        _ => Err(document::constraint(
            &format!("'{text}'"),
            member,
            "Member must satisfy regular expression pattern",
        )),
    }
}

fn order(input: Input, document: Document, ids: &[InstanceId]) -> Result<Order, ApiError> {
    let (least, most, default) = TIMEOUT;
    let timeout_seconds = input.timeout_seconds.unwrap_or(default);
    if !(least..=most).contains(&timeout_seconds) {
        let rule = if timeout_seconds < least {
            format!("Member must have value greater than or equal to {least}")
        } else {
            format!("Member must have value less than or equal to {most}")
        };
        return Err(document::constraint(&format!("'{timeout_seconds}'"), "timeoutSeconds", &rule));
    }
    let comment = input.comment.unwrap_or_default();
    if comment.chars().count() > MAX_COMMENT {
        let rule = format!("Member must have length less than or equal to {MAX_COMMENT}");
        return Err(document::constraint(&format!("'{comment}'"), "comment", &rule));
    }
    let parameters = input.parameters.unwrap_or_default();
    document.check(&parameters).map_err(|problem| ApiError::new(400, "InvalidParameters", problem))?;
    let by_id = input.instance_ids.as_ref().is_some_and(|ids| !ids.is_empty());
    let targets = input.targets.unwrap_or_default();
    Ok(Order {
        document,
        version: input.document_version.unwrap_or_default(),
        comment,
        parameters,
        instance_ids: if by_id { ids.to_vec() } else { Vec::new() },
        targets: targets.into_iter().map(|t| json!({ "Key": t.key, "Values": t.values })).collect(),
        timeout_seconds,
        max_concurrency: measure(input.max_concurrency, "50", "maxConcurrency", 1)?,
        max_errors: measure(input.max_errors, "0", "maxErrors", 0)?,
        output_bucket: input.output_bucket.unwrap_or_default(),
        output_prefix: input.output_prefix.unwrap_or_default(),
    })
}

impl Operation for SendCommand {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "SendCommand"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let name = call.json().get("DocumentName").and_then(Value::as_str).unwrap_or_default();
        let resource = document::arn(call, name);
        let action = "ssm:SendCommand";
        let mut needed = vec![Requirement { action: action.into(), resource, context: Vec::new() }];
        let input: Option<Input> = document::read(call).ok();
        let region = document::region(world, call).ok();
        let ids = match (&input, region) {
            (Some(input), Some(region)) => nodes(input, region, &call.account).unwrap_or_default(),
            _ => Vec::new(),
        };
        for it in ids.iter().filter_map(|id| region.and_then(|region| region.instances.get(*id))) {
            let resource = format!("arn:aws:ec2:{}:{}:instance/{}", call.region, call.account, it.id);
            let tag = |(key, value): (&str, &str)| {
                [format!("ssm:resourceTag/{key}"), format!("aws:ResourceTag/{key}")]
                    .map(|name| (name, value.to_owned()))
            };
            let context = it.tags.iter().flat_map(tag).collect();
            needed.push(Requirement { action: action.into(), resource, context });
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let document = document_of(&input, region)?;
        let ids = nodes(&input, region, &call.account)?;
        let order = order(input, document, &ids)?;
        let mut place = world.place(&call.account, &call.region).ok_or_else(|| {
            ApiError::new(500, "InternalServerError", "the region went away while its command was sent")
        })?;
        let id = run::send(&mut place, order, &ids, call.now);
        let command = place.region.commands.get(id).map(list_commands::shown);
        document::write(&json!({ "Command": command }))
    }
}
