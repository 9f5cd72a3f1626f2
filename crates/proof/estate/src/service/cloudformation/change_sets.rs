//! Change sets: made, shown, carried out, deleted.

use jiff::Timestamp;

use super::given::definition;
use super::{existing, found, is_name, listed, parameters_and_tags, shown_page, stack_arn};
use crate::call::{ApiError, Call};
use crate::service::query::{invalid, only, place, required, time};
use crate::wire::xml;
use crate::world::World;
use crate::world::stacks::compare::{Action, Detail, Recreation, Replacement, ResourceChange, compare};
use crate::world::stacks::resolve::Scope;
use crate::world::stacks::{
    ChangeSet, ChangeSetKind, Definition, Execution, Operation, Stack, StackStatus, begin, uuid,
};

/// What CloudFormation says of a change set that would change nothing.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

/// CreateChangeSet.
pub(super) fn create(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(
        call,
        &[
            "StackName",
            "TemplateBody",
            "TemplateURL",
            "UsePreviousTemplate",
            "Parameters",
            "Capabilities",
            "RoleARN",
            "Tags",
            "ChangeSetName",
            "ClientToken",
            "Description",
            "ChangeSetType",
        ],
    )?;
    let given = required(call, "StackName")?;
    let name = required(call, "ChangeSetName")?;
    let kind = match call.query().get("ChangeSetType") {
        None | Some("UPDATE") => ChangeSetKind::Update,
        Some("CREATE") => ChangeSetKind::Create,
        Some(other) => {
            return Err(invalid(format!("ChangeSetType {other}: the estate makes and changes stacks only")));
        }
    };
    if !is_name(name) || (!given.starts_with("arn:") && !is_name(given)) {
        return Err(invalid(
            "1 validation error detected: Value at 'changeSetName' or 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
        ));
    }
    let number = found(world, call, given)?;
    let stack = number.map(|number| existing(world, call, number)).transpose()?;
    let token = call.query().get("ClientToken").map(str::to_owned);
    if let Some(known) = stack.and_then(|stack| stack.change_sets.iter().find(|it| it.name == name)) {
        if token.is_some() && known.token == token {
            return Ok(made(known, stack.map_or("", |stack| &stack.id)));
        }
        let message =
            format!("ChangeSet {name} cannot be created due to a mismatch with existing attribute Template");
        return Err(ApiError::new(400, "AlreadyExistsException", message));
    }
    check_state(stack, given, name, kind)?;
    let definition = definition(world, call, stack.map(|stack| &stack.definition))?;
    let number = match number {
        Some(number) => number,
        None => reserve(world, call, given)?,
    };
    let place = place(world, call)?;
    let draw = place.region.stacks.all[number].change_sets.len() as u64;
    let ready = call.now + place.length(place.pace.change_set, "change-set", draw, call.now);
    let stack = &mut place.region.stacks.all[number];
    let changes = changes(stack, &definition).map_err(invalid)?;
    let id = stack_arn(call, "changeSet", name, &uuid(&[&stack.id, name, &call.now.to_string()]));
    let set = ChangeSet {
        id,
        name: name.to_owned(),
        description: call.query().get("Description").map(str::to_owned),
        kind,
        created: call.now,
        ready,
        definition,
        changes,
        execution: Execution::Available,
        token,
        executed_with: None,
    };
    let answer = made(&set, &stack.id);
    stack.change_sets.push(set);
    Ok(answer)
}

fn made(set: &ChangeSet, stack: &str) -> String {
    let mut out = String::new();
    xml::text(&mut out, "Id", &set.id);
    xml::text(&mut out, "StackId", stack);
    out
}

/// Whether a stack takes such a change set as it stands.
fn check_state(stack: Option<&Stack>, given: &str, name: &str, kind: ChangeSetKind) -> Result<(), ApiError> {
    match (kind, stack) {
        (ChangeSetKind::Update, None) => Err(invalid(format!("Stack [{given}] does not exist"))),
        (ChangeSetKind::Update, Some(stack)) if !stack.status.takes_updates() => Err(invalid(format!(
            "Stack:{} is in {} state and can not be updated.",
            stack.id,
            stack.status.name()
        ))),
        (ChangeSetKind::Create, Some(stack)) if stack.status != StackStatus::ReviewInProgress => {
            Err(invalid(format!(
                "Stack [{}] already exists and cannot be created again with the changeSet [{name}].",
                stack.name
            )))
        }
        _ => Ok(()),
    }
}

/// A stack that is but a name yet.
fn reserve(world: &mut World, call: &Call, name: &str) -> Result<usize, ApiError> {
    let stacks = &mut place(world, call)?.region.stacks.all;
    let drawn = uuid(&[&call.account, &call.region, name, &stacks.len().to_string()]);
    let stack = Stack {
        id: stack_arn(call, "stack", name, &drawn),
        name: name.to_owned(),
        status: StackStatus::ReviewInProgress,
        reason: Some("User Initiated".to_owned()),
        created: call.now,
        updated: None,
        deleted: None,
        definition: Definition::default(),
        before: None,
        protected: false,
        resources: Default::default(),
        events: Vec::new(),
        change_sets: Vec::new(),
        outputs: Vec::new(),
        work: None,
        operations: 0,
    };
    stacks.push(stack);
    Ok(stacks.len() - 1)
}

fn changes(stack: &Stack, definition: &Definition) -> Result<Vec<ResourceChange>, String> {
    let Definition { template, parameters, .. } = definition;
    let scope = Scope { template, parameters, stack_id: &stack.id, physical: None };
    let before = stack.resources.iter().map(|(name, it)| (name.clone(), it.wanted.clone())).collect();
    compare(&before, &scope.wanted())
}

/// The change set that a request names, with its stack.
fn named(world: &World, call: &Call) -> Result<(usize, usize), ApiError> {
    let name = required(call, "ChangeSetName")?;
    let missing = || ApiError::new(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"));
    let region = crate::service::query::region(world, call)?;
    let in_stack = |number: usize| {
        let sets = &region.stacks.all[number].change_sets;
        sets.iter().rposition(|set| set.id == name || set.name == name).map(|set| (number, set))
    };
    let found = match call.query().get("StackName") {
        Some(stack) => {
            let number = found(world, call, stack)?;
            let number = number.ok_or_else(|| invalid(format!("Stack [{stack}] does not exist")))?;
            in_stack(number)
        }
        None if !name.starts_with("arn:") => {
            return Err(invalid("StackName must be specified if ChangeSetName is not specified as an ARN."));
        }
        None => (0..region.stacks.all.len()).find_map(in_stack),
    };
    found.ok_or_else(missing)
}

/// How a change set stands, whether it can be carried out, and why not.
fn standing(
    set: &ChangeSet,
    stack: &Stack,
    now: Timestamp,
) -> (&'static str, &'static str, Option<&'static str>) {
    match set.execution {
        Execution::Begun if stack.status.is_moving() => ("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", None),
        Execution::Begun => match stack.status {
            StackStatus::CreateComplete | StackStatus::UpdateComplete => {
                ("CREATE_COMPLETE", "EXECUTE_COMPLETE", None)
            }
            _ => ("CREATE_COMPLETE", "EXECUTE_FAILED", None),
        },
        Execution::Available if now < set.ready => ("CREATE_IN_PROGRESS", "UNAVAILABLE", None),
        Execution::Available if set.is_empty(stack) => ("FAILED", "UNAVAILABLE", Some(NO_CHANGES)),
        Execution::Available => ("CREATE_COMPLETE", "AVAILABLE", None),
    }
}

/// DescribeChangeSet.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["ChangeSetName", "StackName", "NextToken"])?;
    let (number, set) = named(world, call)?;
    let stack = existing(world, call, number)?;
    let set = &stack.change_sets[set];
    let (status, execution, reason) = standing(set, stack, call.now);
    let mut out = String::new();
    xml::text(&mut out, "ChangeSetName", &set.name);
    xml::text(&mut out, "ChangeSetId", &set.id);
    xml::text(&mut out, "StackId", &stack.id);
    xml::text(&mut out, "StackName", &stack.name);
    xml::text_if(&mut out, "Description", set.description.as_deref());
    xml::plain(&mut out, "CreationTime", time(set.created));
    xml::plain(&mut out, "ExecutionStatus", execution);
    xml::plain(&mut out, "Status", status);
    xml::text_if(&mut out, "StatusReason", reason);
    xml::element(&mut out, "NotificationARNs", |_| {});
    parameters_and_tags(&mut out, &set.definition);
    let changes: &[ResourceChange] = if status == "CREATE_IN_PROGRESS" { &[] } else { &set.changes };
    shown_page(&mut out, call, "Changes", changes, |out, change| {
        xml::plain(out, "Type", "Resource");
        xml::element(out, "ResourceChange", |out| resource_change(out, change, stack));
    })?;
    Ok(out)
}

fn resource_change(out: &mut String, change: &ResourceChange, stack: &Stack) {
    let policy = match (change.action, change.replacement, change.retained) {
        (Action::Remove, _, true) => Some("Retain"),
        (Action::Remove, _, false) => Some("Delete"),
        (Action::Modify, Replacement::True, true) => Some("ReplaceAndRetain"),
        (Action::Modify, Replacement::True, false) => Some("ReplaceAndDelete"),
        _ => None,
    };
    xml::text_if(out, "PolicyAction", policy);
    xml::plain(
        out,
        "Action",
        match change.action {
            Action::Add => "Add",
            Action::Modify => "Modify",
            Action::Remove => "Remove",
        },
    );
    xml::text(out, "LogicalResourceId", &change.logical);
    let physical = stack.resources.get(&change.logical).map(|resource| resource.physical.as_str());
    xml::text_if(out, "PhysicalResourceId", physical);
    xml::text(out, "ResourceType", &change.kind);
    if change.action == Action::Modify {
        xml::plain(
            out,
            "Replacement",
            match change.replacement {
                Replacement::True => "True",
                Replacement::False => "False",
                Replacement::Conditional => "Conditional",
            },
        );
    }
    let mut scope: Vec<&str> = change.details.iter().map(|detail| detail.attribute).collect();
    scope.dedup();
    listed(out, "Scope", scope, |out, attribute| out.push_str(attribute));
    listed(out, "Details", &change.details, shown_detail);
}

fn shown_detail(out: &mut String, detail: &Detail) {
    xml::element(out, "Target", |out| {
        xml::plain(out, "Attribute", detail.attribute);
        xml::text_if(out, "Name", detail.property.as_deref());
        xml::plain(
            out,
            "RequiresRecreation",
            match detail.recreation {
                Recreation::Never => "Never",
                Recreation::Conditionally => "Conditionally",
                Recreation::Always => "Always",
            },
        );
    });
    let (evaluation, source) = match &detail.cause {
        None => ("Static", "DirectModification"),
        Some((_, None)) => ("Dynamic", "ResourceReference"),
        Some((_, Some(_))) => ("Dynamic", "ResourceAttribute"),
    };
    xml::plain(out, "Evaluation", evaluation);
    xml::plain(out, "ChangeSource", source);
    match &detail.cause {
        Some((name, Some(attribute))) => xml::text(out, "CausingEntity", &format!("{name}.{attribute}")),
        Some((name, None)) => xml::text(out, "CausingEntity", name),
        None => {}
    }
}

/// ExecuteChangeSet.
pub(super) fn execute(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["ChangeSetName", "StackName", "ClientRequestToken", "RetainExceptOnCreate"])?;
    let (number, at) = named(world, call)?;
    let stack = existing(world, call, number)?;
    let set = &stack.change_sets[at];
    let token = call.query().get("ClientRequestToken").map(str::to_owned);
    if set.execution == Execution::Begun && token.is_some() && set.executed_with == token {
        return Ok(String::new());
    }
    let refused = |message: String| ApiError::new(400, "InvalidChangeSetStatus", message);
    let (status, execution, _) = standing(set, stack, call.now);
    if execution != "AVAILABLE" {
        return Err(refused(format!(
            "ChangeSet [{}] cannot be executed in its current status of [{}]",
            set.id,
            if status == "CREATE_COMPLETE" { execution } else { status }
        )));
    }
    if stack.status != StackStatus::ReviewInProgress && !stack.status.takes_updates() {
        return Err(refused(format!(
            "ChangeSet [{}] cannot be executed: stack {} is in {} state",
            set.id,
            stack.id,
            stack.status.name()
        )));
    }
    let mut place = place(world, call)?;
    let stack = &mut place.region.stacks.all[number];
    // The others were made of what will not be there any more.
    let mut set = stack.change_sets.swap_remove(at);
    stack.change_sets.clear();
    set.execution = Execution::Begun;
    set.executed_with = token.clone();
    let operation = match set.kind {
        ChangeSetKind::Create => {
            stack.definition = set.definition.clone();
            let discards_new = call.query().get("RetainExceptOnCreate") == Some("true");
            Operation::Create { discards_new }
        }
        ChangeSetKind::Update => Operation::Update(Box::new(set.definition.clone())),
    };
    stack.change_sets.push(set);
    begin(&mut place, number, operation, token, call.now);
    Ok(String::new())
}

/// DeleteChangeSet: one that is not there is deleted already.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<String, ApiError> {
    only(call, &["ChangeSetName", "StackName"])?;
    let (number, at) = match named(world, call) {
        Ok(found) => found,
        Err(error) if error.code == "ChangeSetNotFound" => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    let stack = &mut place(world, call)?.region.stacks.all[number];
    if stack.change_sets[at].execution == Execution::Begun && stack.status.is_moving() {
        let message = format!(
            "ChangeSet [{}] cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]",
            stack.change_sets[at].id
        );
        return Err(ApiError::new(400, "InvalidChangeSetStatus", message));
    }
    stack.change_sets.remove(at);
    Ok(String::new())
}
