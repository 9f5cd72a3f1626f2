//! Targets of rules: put, listed, removed, and asked for the rules that tell them.

use serde_json::{Value, json};

use super::{bus, bus_of, invalid, is_name, name, no_rule, on_rule, page, pass, rule_mut, too_many};
use crate::call::{ApiError, Call, Requirement};
use crate::service::members::{
    Members, constraint, members, missing, object, objects, only, text, text_within, texts,
};
use crate::world::World;
use crate::world::events::path::Path;
use crate::world::events::{MAX_TARGETS, Target};

/// Targets of one request, at most.
const MAX_AT_ONCE: usize = 100;

/// Members of a target (API reference, "Target"). What only services have that the estate does not tell is kept
/// and shown.
const MEMBERS: [&str; 17] = [
    "Id",
    "Arn",
    "RoleArn",
    "Input",
    "InputPath",
    "InputTransformer",
    "KinesisParameters",
    "RunCommandParameters",
    "EcsParameters",
    "BatchParameters",
    "SqsParameters",
    "HttpParameters",
    "RedshiftDataParameters",
    "SageMakerPipelineParameters",
    "DeadLetterConfig",
    "RetryPolicy",
    "AppSyncParameters",
];

/// PutTargets on the rule with the targets, whose roles are passed.
pub(super) fn needs_to_put(world: &World, call: &Call) -> Vec<Requirement> {
    let mut needed = on_rule(world, call);
    for target in call.json()["Targets"].as_array().into_iter().flatten() {
        let aim = target["Arn"].as_str();
        needed[0].context.extend(aim.map(|arn| ("events:TargetArn".to_owned(), arn.to_owned())));
        needed.extend(target["RoleArn"].as_str().map(pass));
    }
    needed
}

/// PutTargets: those of a known id are replaced.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["Rule", "EventBusName", "Targets"])?;
    let (rule_name, bus) = (name(members, "Rule")?, bus_of(call, members)?);
    let given = objects(members, "Targets")?;
    check_count("Targets", given.len())?;
    let targets: Vec<(String, Target)> = given.into_iter().map(target).collect::<Result<_, _>>()?;
    let rule = rule_mut(world, call, bus, rule_name)?;
    let mut all = rule.targets.clone();
    all.extend(targets);
    if all.len() > MAX_TARGETS {
        return Err(too_many("The requested resource exceeds the maximum number allowed."));
    }
    rule.targets = all;
    Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
}

fn check_count(member: &str, count: usize) -> Result<(), ApiError> {
    let rule = match count {
        0 => "Member must have length greater than or equal to 1".to_owned(),
        _ if count > MAX_AT_ONCE => format!("Member must have length less than or equal to {MAX_AT_ONCE}"),
        _ => return Ok(()),
    };
    Err(constraint("'[…]'", member, &rule))
}

fn target(given: &Members) -> Result<(String, Target), ApiError> {
    only(given, &MEMBERS)?;
    let id = name(given, "Id")?;
    let aim = text_within(given, "Arn", (1, 1_600))?.ok_or_else(|| missing("Arn"))?;
    if !aim.starts_with("arn:") || aim.split(':').count() < 6 {
        return Err(invalid(format!(
            "Parameter {aim} is not valid. Reason: Provided Arn is not in correct format."
        )));
    }
    let inputs = ["Input", "InputPath", "InputTransformer"];
    if inputs.iter().filter(|name| given.get(**name).is_some_and(|it| !it.is_null())).count() > 1 {
        return Err(invalid(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        )));
    }
    if let Some(input) = text_within(given, "Input", (0, 8_192))?
        && serde_json::from_str::<Value>(input).is_err()
    {
        return Err(invalid(format!("JSON syntax error in Input for target {id}.")));
    }
    if let Some(path) = text_within(given, "InputPath", (0, 256))?
        && Path::parse(path).is_none()
    {
        return Err(invalid(format!("Invalid InputPath for target {id}.")));
    }
    if let Some(transformer) = object(given, "InputTransformer")? {
        check_transformer(id, transformer)?;
    }
    let members = given.iter().filter(|(_, value)| !value.is_null());
    let members = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok((id.to_owned(), Target { arn: aim.to_owned(), members }))
}

fn check_transformer(id: &str, transformer: &Members) -> Result<(), ApiError> {
    only(transformer, &["InputPathsMap", "InputTemplate"])?;
    text_within(transformer, "InputTemplate", (1, 8_192))?.ok_or_else(|| missing("InputTemplate"))?;
    let Some(paths) = object(transformer, "InputPathsMap")? else { return Ok(()) };
    if paths.len() > 100 {
        return Err(constraint(
            "'{…}'",
            "InputPathsMap",
            "Member must have length less than or equal to 100",
        ));
    }
    for (name, path) in paths {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if name.is_empty() || !plain || name.to_ascii_uppercase().starts_with("AWS.") {
            return Err(invalid(format!("Invalid input transformer variable {name} for target {id}.")));
        }
        if path.as_str().and_then(Path::parse).is_none() {
            return Err(invalid(format!(
                "Invalid InputTransformer for target {id}: {name} is no JSON path."
            )));
        }
    }
    Ok(())
}

/// ListTargetsByRule, by id.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["Rule", "EventBusName", "NextToken", "Limit"])?;
    let (name, bus_name) = (name(members, "Rule")?, bus_of(call, members)?);
    let rule = bus(world, call, bus_name)?.rules.get(name).ok_or_else(|| no_rule(name, bus_name))?;
    let listed = rule.targets.values().map(|target| Value::Object(target.members.clone())).collect();
    page(call, members, "Targets", listed)
}

/// RemoveTargets: one that is not there is as good as removed.
pub(super) fn remove(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["Rule", "EventBusName", "Ids", "Force"])?;
    let (rule_name, bus) = (name(members, "Rule")?, bus_of(call, members)?);
    let ids = texts(members, "Ids")?;
    check_count("Ids", ids.len())?;
    if let Some(odd) = ids.iter().find(|id| !is_name(id)) {
        return Err(constraint(&format!("'{odd}'"), "Ids", "Member must be the id of a target"));
    }
    let rule = rule_mut(world, call, bus, rule_name)?;
    rule.targets.retain(|id, _| !ids.contains(&id.as_str()));
    Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
}

/// ListRuleNamesByTarget: the rules of a bus that tell an ARN.
pub(super) fn list_rule_names(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let members = members(call, &["TargetArn", "EventBusName", "NextToken", "Limit"])?;
    let aim = text(members, "TargetArn")?.ok_or_else(|| missing("TargetArn"))?;
    let rules = &bus(world, call, bus_of(call, members)?)?.rules;
    let telling = rules.iter().filter(|(_, rule)| rule.targets.values().any(|target| target.arn == aim));
    page(call, members, "RuleNames", telling.map(|(name, _)| name.as_str().into()).collect())
}
