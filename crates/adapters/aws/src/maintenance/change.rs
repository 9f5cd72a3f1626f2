use std::collections::HashMap;

use aws_sdk_ssm::types::{
    MaintenanceWindowResourceType, MaintenanceWindowRunCommandParameters,
    MaintenanceWindowTaskCutoffBehavior, MaintenanceWindowTaskInvocationParameters,
    MaintenanceWindowTaskType, Target,
};
use fleetwright_model::{Cell, ErrorClass, Failure, Text};
use fleetwright_ports::maintenance::{NewTask, NewWindow, Selection};

use crate::Aws;
use crate::clients::Connection;
use crate::operation::Operation;
use crate::operations::{
    CREATE_MAINTENANCE_WINDOW, DELETE_MAINTENANCE_WINDOW, REGISTER_TARGET_WITH_MAINTENANCE_WINDOW,
    REGISTER_TASK_WITH_MAINTENANCE_WINDOW,
};
use crate::pages::unexpected;

/// The parameter that takes the ids of a window's targets.
const TARGET_IDS: &str = "WindowTargetIds";

/// An answer without the id it promises: what it made is somewhere.
fn named(id: Option<String>, operation: &Operation) -> Result<Text, Failure> {
    id.map(Into::into).ok_or_else(|| Failure {
        class: ErrorClass::Ambiguous,
        ..unexpected(operation, "the answer names no id")
    })
}

fn target(key: &str, values: &[Text]) -> Target {
    Target::builder().key(key).set_values(Some(values.iter().map(|it| it.to_string()).collect())).build()
}

pub(super) async fn create(aws: &Aws, cell: &Cell<'_>, window: &NewWindow) -> Result<Text, Failure> {
    let hours = |hours: u32| i32::try_from(hours).unwrap_or(i32::MAX);
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_ssm::Client| {
        let call = client.create_maintenance_window().name(&*window.name).schedule(&*window.schedule);
        let description = Some(window.description.to_string()).filter(|text| !text.is_empty());
        let call = call.set_description(description);
        let call = call.set_schedule_timezone(window.time_zone.as_ref().map(|zone| zone.to_string()));
        let call = call.duration(hours(window.duration_hours)).cutoff(hours(window.cutoff_hours));
        // A task that goes beyond the window's targets is nothing of ours.
        call.allow_unassociated_targets(false).client_token(&*window.token).send()
    };
    let made =
        connection.change(&CREATE_MAINTENANCE_WINDOW, std::slice::from_ref(&window.name), send).await?;
    named(made.window_id, &CREATE_MAINTENANCE_WINDOW)
}

pub(super) async fn register_target(
    aws: &Aws,
    cell: &Cell<'_>,
    window: &str,
    selections: &[Selection],
    token: &str,
) -> Result<Text, Failure> {
    let targets: Vec<Target> = selections.iter().map(|it| target(&it.key, &it.values)).collect();
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_ssm::Client| {
        let call = client.register_target_with_maintenance_window().window_id(window);
        let call = call.resource_type(MaintenanceWindowResourceType::Instance);
        call.set_targets(Some(targets.clone())).client_token(token).send()
    };
    let operation = &REGISTER_TARGET_WITH_MAINTENANCE_WINDOW;
    named(connection.change(operation, &[window.into()], send).await?.window_target_id, operation)
}

pub(super) async fn register_task(
    aws: &Aws,
    cell: &Cell<'_>,
    window: &str,
    task: &NewTask,
) -> Result<Text, Failure> {
    let parameters: HashMap<String, Vec<String>> =
        task.parameters.iter().map(|(name, values)| (name.to_string(), values.clone())).collect();
    let command = MaintenanceWindowRunCommandParameters::builder().set_parameters(Some(parameters)).build();
    let invocation = MaintenanceWindowTaskInvocationParameters::builder().run_command(command).build();
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_ssm::Client| {
        let call = client.register_task_with_maintenance_window().window_id(window);
        let call = call.task_type(MaintenanceWindowTaskType::RunCommand).task_arn(&*task.document);
        let call = call.targets(target(TARGET_IDS, &task.targets)).priority(1);
        let call = call.max_concurrency(&*task.max_concurrency).max_errors(&*task.max_errors);
        let call = call.cutoff_behavior(MaintenanceWindowTaskCutoffBehavior::ContinueTask);
        call.task_invocation_parameters(invocation.clone()).client_token(&*task.token).send()
    };
    let operation = &REGISTER_TASK_WITH_MAINTENANCE_WINDOW;
    named(connection.change(operation, &[window.into()], send).await?.window_task_id, operation)
}

pub(super) async fn delete(aws: &Aws, cell: &Cell<'_>, window: &str) -> Result<(), Failure> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_ssm::Client| client.delete_maintenance_window().window_id(window).send();
    match connection.change(&DELETE_MAINTENANCE_WINDOW, &[window.into()], send).await {
        Err(failure) if failure.class != ErrorClass::NotFound => Err(failure),
        _ => Ok(()),
    }
}
