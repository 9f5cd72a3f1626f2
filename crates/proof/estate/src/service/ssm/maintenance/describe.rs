//! Reading windows: one, all, their targets, tasks and the times they open.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Members, members, number, on_window, paged, text, window, window_id, windows};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::world::World;
use crate::world::maintenance::Window;

/// GetMaintenanceWindow.
pub(super) struct GetMaintenanceWindow;
/// DescribeMaintenanceWindows: by name, or whether they are enabled.
pub(super) struct DescribeMaintenanceWindows;
/// DescribeMaintenanceWindowTargets.
pub(super) struct DescribeMaintenanceWindowTargets;
/// DescribeMaintenanceWindowTasks.
pub(super) struct DescribeMaintenanceWindowTasks;
/// DescribeMaintenanceWindowSchedule: when windows open next.
pub(super) struct DescribeMaintenanceWindowSchedule;

/// Openings that are listed of one window.
const OPENINGS: usize = 100;

/// Whether an entry passes a request's filters, each of which names one of `known`.
fn filtered(members: &Members, known: &[&str], entry: &Members) -> Result<bool, ApiError> {
    for filter in members.get("Filters").and_then(Value::as_array).into_iter().flatten() {
        let key = filter["Key"].as_str().unwrap_or_default();
        if !known.contains(&key) {
            let message = format!("Filter key {key} is not one of {}", known.join(", "));
            return Err(ApiError::new(400, "ValidationException", message));
        }
        let held = match entry.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let values = filter["Values"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !values.iter().any(|value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(&held))) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn size(members: &Members) -> Result<usize, ApiError> {
    document::page_size(number(members, "MaxResults", (i64::MIN, i64::MAX))?, 10, 100, 50)
}

/// A window as it is listed.
fn identity(id: &str, window: &Window, now: Timestamp) -> Members {
    let mut entry = window.facts.clone();
    entry.insert("WindowId".to_owned(), id.into());
    if let Some(next) = window.timing.next(now) {
        entry.insert("NextExecutionTime".to_owned(), window.timing.written(next).into());
    }
    entry
}

impl Operation for GetMaintenanceWindow {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "GetMaintenanceWindow"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:GetMaintenanceWindow")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let id = window_id(&members(call))?;
        let window = window(windows(world, call)?, &id)?;
        let mut answer = identity(&id, window, call.now);
        let made = document::seconds(window.created_at);
        answer.insert("CreatedDate".to_owned(), made.into());
        answer.insert("ModifiedDate".to_owned(), made.into());
        document::write(&answer)
    }
}

impl Operation for DescribeMaintenanceWindows {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeMaintenanceWindows"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:DescribeMaintenanceWindows")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let size = size(&members)?;
        let mut all = Vec::new();
        for (id, window) in &windows(world, call)?.windows {
            let mut entry = identity(id, window, call.now);
            entry.remove("AllowUnassociatedTargets");
            if filtered(&members, &["Name", "Enabled"], &entry)? {
                all.push(Value::Object(entry));
            }
        }
        paged(call, "WindowIdentities", all, size)
    }
}

impl Operation for DescribeMaintenanceWindowTargets {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeMaintenanceWindowTargets"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:DescribeMaintenanceWindowTargets")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let (id, size) = (window_id(&members)?, size(&members)?);
        let mut all = Vec::new();
        for (target, facts) in &window(windows(world, call)?, &id)?.targets {
            let mut entry = facts.clone();
            entry.insert("WindowId".to_owned(), id.as_str().into());
            entry.insert("WindowTargetId".to_owned(), target.as_str().into());
            let mut judged = entry.clone();
            judged.insert("Type".to_owned(), entry.get("ResourceType").cloned().unwrap_or_default());
            if filtered(&members, &["Type", "WindowTargetId", "OwnerInformation"], &judged)? {
                all.push(Value::Object(entry));
            }
        }
        paged(call, "Targets", all, size)
    }
}

impl Operation for DescribeMaintenanceWindowTasks {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeMaintenanceWindowTasks"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:DescribeMaintenanceWindowTasks")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let (id, size) = (window_id(&members)?, size(&members)?);
        let mut all = Vec::new();
        for (task, facts) in &window(windows(world, call)?, &id)?.tasks {
            let mut entry = facts.clone();
            entry.insert("WindowId".to_owned(), id.as_str().into());
            entry.insert("WindowTaskId".to_owned(), task.as_str().into());
            if !filtered(&members, &["WindowTaskId", "TaskArn", "Priority", "TaskType"], &entry)? {
                continue;
            }
            // The list calls the type otherwise, and leaves the invocation's parameters out.
            entry.remove("TaskInvocationParameters");
            if let Some(kind) = entry.remove("TaskType") {
                entry.insert("Type".to_owned(), kind);
            }
            all.push(Value::Object(entry));
        }
        paged(call, "Tasks", all, size)
    }
}

/// True where a window has a target with a key and a value that a request names, or it names none.
fn aims_at(members: &Members, window: &Window) -> bool {
    let Some(wanted) = members.get("Targets").and_then(Value::as_array) else { return true };
    let registered = || {
        let targets = window.targets.values().filter_map(|facts| facts.get("Targets")?.as_array());
        targets.flatten()
    };
    wanted.iter().all(|want| {
        let values = want["Values"].as_array().map(Vec::as_slice).unwrap_or_default();
        registered().any(|target| {
            let held = target["Values"].as_array().map(Vec::as_slice).unwrap_or_default();
            target["Key"] == want["Key"] && values.iter().any(|value| held.contains(value))
        })
    })
}

impl Operation for DescribeMaintenanceWindowSchedule {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribeMaintenanceWindowSchedule"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:DescribeMaintenanceWindowSchedule")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let only = match text(&members, "WindowId", (20, 20))? {
            Some(_) => Some(window_id(&members)?),
            None => None,
        };
        let size = document::page_size(number(&members, "MaxResults", (1, i64::MAX))?, 1, 100, 50)?;
        let windows = windows(world, call)?;
        if let Some(id) = &only {
            window(windows, id)?;
        }
        let mut all: Vec<(Timestamp, Value)> = Vec::new();
        for (id, window) in windows.windows.iter().filter(|(id, _)| only.as_ref().is_none_or(|it| it == *id))
        {
            if !aims_at(&members, window) {
                continue;
            }
            let openings = std::iter::successors(window.timing.next(call.now), |at| window.timing.next(*at));
            all.extend(openings.take(OPENINGS).map(|at| {
                let name = window.facts.get("Name").cloned().unwrap_or_default();
                (at, json!({ "WindowId": id, "Name": name, "ExecutionTime": window.timing.written(at) }))
            }));
        }
        all.sort_by_key(|(at, _)| *at);
        let all = all.into_iter().map(|(_, entry)| entry).collect();
        paged(call, "ScheduledWindowExecutions", all, size)
    }
}
