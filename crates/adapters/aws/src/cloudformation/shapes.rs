//! What CloudFormation answers, in our nouns.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::redaction::redact;
use fleetwright_ports::stacks::{
    ChangeAction, ChangeSet, ChangeSetState, ResourceChange, Stack, StackEvent, StackStatus,
};

use crate::query_service::Element;

fn owned(element: &Element, name: &str) -> Option<String> {
    element.text(name).map(str::to_owned)
}

/// A text of AWS's, without what looks like a secret.
fn said(element: &Element, name: &str) -> Option<String> {
    element.text(name).filter(|text| !text.is_empty()).map(|text| redact(text).into_owned())
}

fn table(element: &Element, list: &str, key: &str, value: &str) -> BTreeMap<String, String> {
    element.members(list).filter_map(|row| Some((owned(row, key)?, owned(row, value)?))).collect()
}

pub(super) fn stack(row: &Element) -> Option<Stack> {
    Some(Stack {
        id: owned(row, "StackId")?,
        status: StackStatus::new(owned(row, "StackStatus")?),
        reason: said(row, "StackStatusReason"),
        protected: row.text("EnableTerminationProtection") == Some("true"),
        parameters: table(row, "Parameters", "ParameterKey", "ParameterValue"),
        outputs: table(row, "Outputs", "OutputKey", "OutputValue"),
    })
}

pub(super) fn event(row: &Element) -> Option<StackEvent> {
    Some(StackEvent {
        id: owned(row, "EventId")?,
        at: row.text("Timestamp")?.parse().ok()?,
        logical: owned(row, "LogicalResourceId")?,
        physical: owned(row, "PhysicalResourceId").unwrap_or_default(),
        kind: owned(row, "ResourceType").unwrap_or_default(),
        status: owned(row, "ResourceStatus")?,
        reason: said(row, "ResourceStatusReason"),
    })
}

pub(super) fn change_set(page: &Element) -> Option<ChangeSet> {
    let reason = said(page, "StatusReason").unwrap_or_default();
    let state = match page.text("Status")? {
        "CREATE_COMPLETE" => ChangeSetState::Ready,
        "FAILED" if is_empty(&reason) => ChangeSetState::Empty,
        "FAILED" => ChangeSetState::Failed(reason),
        _ => ChangeSetState::InProgress,
    };
    let changes = page.members("Changes").filter_map(|row| row.child("ResourceChange"));
    Some(ChangeSet {
        id: owned(page, "ChangeSetId")?,
        stack_id: owned(page, "StackId")?,
        state,
        changes: changes.filter_map(resource_change).collect(),
    })
}

/// CloudFormation has no code for it, but two ways to say it.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

fn resource_change(row: &Element) -> Option<ResourceChange> {
    let action = match (row.text("Action")?, row.text("Replacement")) {
        ("Add", _) => ChangeAction::Add,
        ("Remove", _) => ChangeAction::Remove,
        ("Modify", Some("True")) => ChangeAction::Replace,
        ("Modify", Some("Conditional")) => ChangeAction::MayReplace,
        ("Modify", _) => ChangeAction::Change,
        _ => ChangeAction::Other,
    };
    let about: BTreeSet<String> = row
        .members("Details")
        .filter_map(|detail| detail.child("Target"))
        .filter_map(|target| owned(target, "Name").or_else(|| owned(target, "Attribute")))
        .collect();
    Some(ResourceChange {
        logical: owned(row, "LogicalResourceId")?,
        physical: owned(row, "PhysicalResourceId").filter(|physical| !physical.is_empty()),
        kind: owned(row, "ResourceType")?,
        action,
        retained: row.text("PolicyAction").is_some_and(|policy| policy.ends_with("Retain")),
        about,
    })
}
