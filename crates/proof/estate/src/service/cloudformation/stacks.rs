//! Stacks: shown, with what happened to them and what they consist of; protected, deleted, put back.

use std::collections::BTreeSet;

use super::{existing, found, parameters_and_tags, shown_page};
use crate::call::{ApiError, Call};
use crate::service::query::{invalid, only, place, region, required, time};
use crate::wire::xml;
use crate::world::World;
use crate::world::stacks::{Operation, ResourceStatus, Stack, StackStatus, Stage, Verb, begin};

fn missing(given: &str) -> ApiError {
    invalid(format!("Stack with id {given} does not exist"))
}

/// The number of the stack that a request names.
fn number(world: &World, call: &Call) -> Result<usize, ApiError> {
    let given = required(call, "StackName")?;
    found(world, call, given)?.ok_or_else(|| missing(given))
}

/// DescribeStacks.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["StackName", "NextToken"])?;
    let mut out = String::new();
    let stacks: Vec<&Stack> = match call.query().get("StackName") {
        Some(_) => vec![existing(world, call, number(world, call)?)?],
        None => {
            let all = &region(world, call)?.stacks.all;
            all.iter().filter(|stack| stack.status != StackStatus::DeleteComplete).collect()
        }
    };
    shown_page(&mut out, call, "Stacks", &stacks, |out, stack| shown(out, stack))?;
    Ok(out)
}

fn shown(out: &mut String, stack: &Stack) {
    xml::text(out, "StackId", &stack.id);
    xml::text(out, "StackName", &stack.name);
    xml::text_if(out, "Description", stack.definition.template["Description"].as_str());
    xml::plain(out, "CreationTime", time(stack.created));
    xml::text_if(out, "LastUpdatedTime", stack.updated.map(time).as_deref());
    xml::text_if(out, "DeletionTime", stack.deleted.map(time).as_deref());
    xml::plain(out, "DisableRollback", false);
    xml::plain(out, "StackStatus", stack.status.name());
    xml::text_if(out, "StackStatusReason", stack.reason.as_deref());
    xml::element(out, "NotificationARNs", |_| {});
    xml::text_if(out, "RoleARN", stack.definition.role.as_deref());
    xml::plain(out, "EnableTerminationProtection", stack.protected);
    xml::element(out, "DriftInformation", |out| xml::plain(out, "StackDriftStatus", "NOT_CHECKED"));
    parameters_and_tags(out, &stack.definition);
    super::listed(out, "Outputs", &stack.outputs, |out, output| {
        xml::text(out, "OutputKey", &output.name);
        xml::text(out, "OutputValue", &output.value);
        xml::text_if(out, "Description", output.description.as_deref());
    });
}

/// DescribeStackEvents, from new to old.
pub(super) fn events(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["StackName", "NextToken"])?;
    let given = required(call, "StackName")?;
    let number =
        found(world, call, given)?.ok_or_else(|| invalid(format!("Stack [{given}] does not exist")))?;
    let stack = existing(world, call, number)?;
    let events: Vec<_> = stack.events.iter().rev().collect();
    let mut out = String::new();
    shown_page(&mut out, call, "StackEvents", &events, |out, event| {
        xml::text(out, "StackId", &stack.id);
        xml::text(out, "EventId", &event.id);
        xml::text(out, "StackName", &stack.name);
        xml::text(out, "LogicalResourceId", &event.logical);
        xml::text(out, "PhysicalResourceId", &event.physical);
        xml::text(out, "ResourceType", &event.kind);
        xml::plain(out, "Timestamp", time(event.at));
        xml::plain(out, "ResourceStatus", event.status);
        xml::text_if(out, "ResourceStatusReason", event.reason.as_deref());
        xml::text_if(out, "ClientRequestToken", event.token.as_deref());
    })?;
    Ok(out)
}

/// ListStackResources.
pub(super) fn resources(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["StackName", "NextToken"])?;
    let stack = existing(world, call, number(world, call)?)?;
    let all: Vec<_> = stack.resources.iter().collect();
    let mut out = String::new();
    shown_page(&mut out, call, "StackResourceSummaries", &all, |out, (logical, resource)| {
        xml::text(out, "LogicalResourceId", logical);
        xml::text(out, "PhysicalResourceId", &resource.physical);
        xml::text(out, "ResourceType", &resource.wanted.kind);
        xml::plain(out, "LastUpdatedTimestamp", time(resource.at));
        xml::plain(out, "ResourceStatus", resource.status.name());
        xml::text_if(out, "ResourceStatusReason", resource.reason.as_deref());
        xml::element(out, "DriftInformation", |out| {
            xml::plain(out, "StackResourceDriftStatus", "NOT_CHECKED");
        });
    })?;
    Ok(out)
}

/// GetTemplate, as it was given.
pub(super) fn template(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["StackName", "TemplateStage"])?;
    let stack = existing(world, call, number(world, call)?)?;
    let mut out = String::new();
    xml::text(&mut out, "TemplateBody", &stack.definition.text);
    super::listed(&mut out, "StagesAvailable", ["Original", "Processed"], |out, stage| out.push_str(stage));
    Ok(out)
}

/// UpdateTerminationProtection.
pub(super) fn protect(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["StackName", "EnableTerminationProtection"])?;
    let protected = match required(call, "EnableTerminationProtection")? {
        "true" => true,
        "false" => false,
        other => return Err(invalid(format!("EnableTerminationProtection is {other}"))),
    };
    let number = number(world, call)?;
    let stack = &mut place(world, call)?.region.stacks.all[number];
    stack.protected = protected;
    let mut out = String::new();
    xml::text(&mut out, "StackId", &stack.id);
    Ok(out)
}

/// DeleteStack: one that is not there is deleted already.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["StackName", "RetainResources", "RoleARN", "ClientRequestToken"])?;
    let given = required(call, "StackName")?;
    let Some(number) = found(world, call, given)? else { return Ok(String::new()) };
    let stack = existing(world, call, number)?;
    let kept: BTreeSet<String> =
        call.query().list("RetainResources.member").into_iter().map(str::to_owned).collect();
    match stack.status {
        StackStatus::DeleteComplete | StackStatus::DeleteInProgress => return Ok(String::new()),
        _ if stack.protected => {
            return Err(invalid(format!(
                "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                stack.name
            )));
        }
        status if status.is_moving() && status != StackStatus::CreateInProgress => {
            return Err(invalid(format!(
                "Stack [{}] cannot be deleted while in status {}",
                stack.id,
                status.name()
            )));
        }
        status if status != StackStatus::DeleteFailed && !kept.is_empty() => {
            return Err(invalid(format!(
                "Invalid operation on stack [{}]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.",
                stack.id
            )));
        }
        _ => {}
    }
    let token = call.query().get("ClientRequestToken").map(str::to_owned);
    let mut place = place(world, call)?;
    begin(&mut place, number, Operation::Delete(kept), token, call.now);
    Ok(String::new())
}

/// ContinueUpdateRollback.
pub(super) fn continue_rollback(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["StackName", "ResourcesToSkip", "RoleARN", "ClientRequestToken"])?;
    let number = number(world, call)?;
    let stack = existing(world, call, number)?;
    if stack.status != StackStatus::UpdateRollbackFailed {
        return Err(invalid(format!(
            "Stack:{} is in {} state and can not continue rollback.",
            stack.id,
            stack.status.name()
        )));
    }
    let skipped: BTreeSet<String> =
        call.query().list("ResourcesToSkip.member").into_iter().map(str::to_owned).collect();
    let failed = ResourceStatus::Of(Verb::Update, Stage::Failed);
    if let Some(odd) =
        skipped.iter().find(|name| stack.resources.get(*name).is_none_or(|it| it.status != failed))
    {
        return Err(invalid(format!("The following resource(s) cannot be skipped: [{odd}]")));
    }
    let token = call.query().get("ClientRequestToken").map(str::to_owned);
    let mut place = place(world, call)?;
    begin(&mut place, number, Operation::Continue(skipped), token, call.now);
    Ok(String::new())
}
