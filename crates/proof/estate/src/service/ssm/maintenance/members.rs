//! RegisterTargetWithMaintenanceWindow and RegisterTaskWithMaintenanceWindow.

use serde_json::{Value, json};

use super::{
    Members, Token, member_id, members, missing, name, number, on_window, remember, text, token, too_many,
    window, window_id, windows,
};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::service::ssm::members::{spelled, wrong_type};
use crate::world::World;
use crate::world::maintenance::{MAX_TARGETS, MAX_TASKS};

/// RegisterTargetWithMaintenanceWindow: what a window's tasks may go to.
pub(super) struct RegisterTargetWithMaintenanceWindow;
/// RegisterTaskWithMaintenanceWindow: what a window does.
pub(super) struct RegisterTaskWithMaintenanceWindow;

const TARGET: &str = "RegisterTargetWithMaintenanceWindow";
const TASK: &str = "RegisterTaskWithMaintenanceWindow";

/// Kinds of targets.
const RESOURCE_TYPES: [&str; 2] = ["INSTANCE", "RESOURCE_GROUP"];
/// Kinds of tasks.
const TASK_TYPES: [&str; 4] = ["RUN_COMMAND", "AUTOMATION", "STEP_FUNCTIONS", "LAMBDA"];
/// What becomes of a task at the cutoff.
const CUTOFFS: [&str; 2] = ["CONTINUE_TASK", "CANCEL_TASK"];

/// What a target keeps of the request.
const TARGET_FACTS: [&str; 5] = ["ResourceType", "Targets", "OwnerInformation", "Name", "Description"];
/// What a task keeps of the request.
const TASK_FACTS: [&str; 13] = [
    "Targets",
    "TaskArn",
    "ServiceRoleArn",
    "TaskType",
    "TaskParameters",
    "TaskInvocationParameters",
    "Priority",
    "MaxConcurrency",
    "MaxErrors",
    "LoggingInfo",
    "Name",
    "Description",
    "CutoffBehavior",
];

/// A text that must be one of a few, if it is there.
fn one_of<'m>(members: &'m Members, name: &str, all: &[&str]) -> Result<Option<&'m str>, ApiError> {
    let given = text(members, name, (0, 64))?;
    match given.filter(|given| !all.contains(given)) {
        None => Ok(given),
        Some(odd) => Err(document::constraint(
            &format!("'{odd}'"),
            &spelled(name),
            &format!("Member must satisfy enum value set: [{}]", all.join(", ")),
        )),
    }
}

/// Checks the targets of a request, up to five with up to fifty values each.
fn targets<'m>(members: &'m Members, keys: &[&str]) -> Result<Option<&'m Vec<Value>>, ApiError> {
    let Some(value) = members.get("Targets").filter(|value| !value.is_null()) else { return Ok(None) };
    let targets = value.as_array().ok_or_else(|| wrong_type("Targets"))?;
    if targets.len() > 5 {
        let rule = "Member must have length less than or equal to 5";
        return Err(document::constraint(&value.to_string(), "targets", rule));
    }
    for target in targets {
        let key = target["Key"].as_str().unwrap_or_default();
        let known = keys.contains(&key) || key.starts_with("tag:") && keys.contains(&"InstanceIds");
        let values = target["Values"].as_array().map_or(0, Vec::len);
        if !known || values == 0 || values > 50 {
            return Err(ApiError::new(
                400,
                "ValidationException",
                format!(
                    "Target key {key} with {values} values is not valid: use {} with 1 to 50 values",
                    keys.join(", ")
                ),
            ));
        }
    }
    Ok(Some(targets))
}

fn kept(members: &Members, facts: &[&str]) -> Members {
    let wanted = |(name, value): &(&String, &Value)| facts.contains(&name.as_str()) && !value.is_null();
    members.iter().filter(wanted).map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Operation for RegisterTargetWithMaintenanceWindow {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        TARGET
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:RegisterTargetWithMaintenanceWindow")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let id = window_id(&members)?;
        name(&members)?;
        text(&members, "Description", (1, 128))?;
        text(&members, "OwnerInformation", (1, 128))?;
        let kind =
            one_of(&members, "ResourceType", &RESOURCE_TYPES)?.ok_or_else(|| missing("ResourceType"))?;
        let keys: &[&str] = match kind {
            "INSTANCE" => &["InstanceIds", "tag-key"],
            _ => &["resource-groups:Name", "resource-groups:ResourceTypeFilters"],
        };
        if targets(&members, keys)?.is_none_or(Vec::is_empty) {
            return Err(missing("Targets"));
        }
        let seed = world.seed;
        let windows = windows(world, call)?;
        window(windows, &id)?;
        if let Token::Known(target) = token(windows, TARGET, &members)? {
            return document::write(&json!({ "WindowTargetId": target }));
        }
        if window(windows, &id)?.targets.len() >= MAX_TARGETS {
            return Err(too_many("targets of a maintenance window", MAX_TARGETS));
        }
        let target = member_id(seed, call, windows);
        remember(windows, TARGET, &members, &target);
        window(windows, &id)?.targets.insert(target.clone(), kept(&members, &TARGET_FACTS));
        document::write(&json!({ "WindowTargetId": target }))
    }
}

/// A task's rate: a number or a share, as the service's model has it.
fn rate(members: &Members, name: &str) -> Result<(), ApiError> {
    let Some(given) = text(members, name, (1, 7))? else { return Ok(()) };
    let digits = given.strip_suffix('%').unwrap_or(given);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let within = !given.ends_with('%') || digits.parse::<u32>().is_ok_and(|share| share <= 100);
    if plain && within {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: ^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$";
    Err(document::constraint(&format!("'{given}'"), &spelled(name), rule))
}

impl Operation for RegisterTaskWithMaintenanceWindow {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        TASK
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let mut needed = on_window(world, call, "ssm:RegisterTaskWithMaintenanceWindow");
        if let Some(role) = call.json()["ServiceRoleArn"].as_str() {
            let context = vec![("iam:PassedToService".to_owned(), "ssm.amazonaws.com".to_owned())];
            needed.push(Requirement { action: "iam:PassRole".into(), resource: role.to_owned(), context });
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let id = window_id(&members)?;
        name(&members)?;
        text(&members, "Description", (1, 128))?;
        text(&members, "TaskArn", (1, 1600))?.ok_or_else(|| missing("TaskArn"))?;
        let kind = one_of(&members, "TaskType", &TASK_TYPES)?.ok_or_else(|| missing("TaskType"))?;
        one_of(&members, "CutoffBehavior", &CUTOFFS)?;
        number(&members, "Priority", (0, i64::from(i32::MAX)))?;
        rate(&members, "MaxConcurrency")?;
        rate(&members, "MaxErrors")?;
        let targets = targets(&members, &["WindowTargetIds", "InstanceIds"])?.cloned().unwrap_or_default();
        if kind == "RUN_COMMAND" && targets.is_empty() {
            let message = "Targets must be specified for tasks of type RUN_COMMAND";
            return Err(ApiError::new(400, "ValidationException", message));
        }
        let seed = world.seed;
        let windows = windows(world, call)?;
        let known = window(windows, &id)?;
        let unknown = targets
            .iter()
            .filter(|target| target["Key"] == "WindowTargetIds")
            .flat_map(|target| target["Values"].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .find(|value| !known.targets.contains_key(*value));
        if let Some(target) = unknown {
            let message = format!("Window target {target} does not exist in maintenance window {id}");
            return Err(ApiError::new(400, "DoesNotExistException", message));
        }
        if let Token::Known(task) = token(windows, TASK, &members)? {
            return document::write(&json!({ "WindowTaskId": task }));
        }
        if window(windows, &id)?.tasks.len() >= MAX_TASKS {
            return Err(too_many("tasks of a maintenance window", MAX_TASKS));
        }
        let task = member_id(seed, call, windows);
        remember(windows, TASK, &members, &task);
        let mut facts = kept(&members, &TASK_FACTS);
        facts.entry("Priority").or_insert_with(|| 1.into());
        window(windows, &id)?.tasks.insert(task.clone(), facts);
        document::write(&json!({ "WindowTaskId": task }))
    }
}
