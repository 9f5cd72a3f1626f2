//! DeleteMaintenanceWindow, and deregistering targets and tasks.

use serde_json::{Value, json};

use super::{Members, members, missing, on_window, text, window, window_id, windows};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::world::World;

/// DeleteMaintenanceWindow: with its targets and tasks; one that is gone is no error.
pub(super) struct DeleteMaintenanceWindow;
/// DeregisterTargetFromMaintenanceWindow: `Safe` refuses while a task goes to it.
pub(super) struct DeregisterTargetFromMaintenanceWindow;
/// DeregisterTaskFromMaintenanceWindow.
pub(super) struct DeregisterTaskFromMaintenanceWindow;

fn member(members: &Members, name: &str) -> Result<String, ApiError> {
    text(members, name, (36, 36))?.map(str::to_owned).ok_or_else(|| missing(name))
}

impl Operation for DeleteMaintenanceWindow {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DeleteMaintenanceWindow"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:DeleteMaintenanceWindow")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let id = window_id(&members(call))?;
        windows(world, call)?.windows.remove(&id);
        document::write(&json!({ "WindowId": id }))
    }
}

impl Operation for DeregisterTargetFromMaintenanceWindow {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DeregisterTargetFromMaintenanceWindow"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:DeregisterTargetFromMaintenanceWindow")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let (id, target) = (window_id(&members)?, member(&members, "WindowTargetId")?);
        let window = window(windows(world, call)?, &id)?;
        if members.get("Safe").and_then(Value::as_bool) == Some(true) && window.uses(&target) {
            let message = format!("Target {target} is used by a task of maintenance window {id}");
            return Err(ApiError::new(400, "TargetInUseException", message));
        }
        if window.targets.remove(&target).is_none() {
            let message = format!("Window target {target} does not exist in maintenance window {id}");
            return Err(ApiError::new(400, "DoesNotExistException", message));
        }
        document::write(&json!({ "WindowId": id, "WindowTargetId": target }))
    }
}

impl Operation for DeregisterTaskFromMaintenanceWindow {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DeregisterTaskFromMaintenanceWindow"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_window(world, call, "ssm:DeregisterTaskFromMaintenanceWindow")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let (id, task) = (window_id(&members)?, member(&members, "WindowTaskId")?);
        if window(windows(world, call)?, &id)?.tasks.remove(&task).is_none() {
            let message = format!("Window task {task} does not exist in maintenance window {id}");
            return Err(ApiError::new(400, "DoesNotExistException", message));
        }
        document::write(&json!({ "WindowId": id, "WindowTaskId": task }))
    }
}
