use aws_sdk_ssm::types::{
    MaintenanceWindowIdentity, MaintenanceWindowTask, MaintenanceWindowTaskType, Target,
};
use fleetwright_model::{Cell, Partial, Text};
use fleetwright_ports::maintenance::{MaintenanceWindow, Selection, WindowTarget, WindowTask};
use futures::FutureExt;
use jiff::Timestamp;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::{
    DESCRIBE_MAINTENANCE_WINDOW_SCHEDULE, DESCRIBE_MAINTENANCE_WINDOW_TARGETS,
    DESCRIBE_MAINTENANCE_WINDOW_TASKS, DESCRIBE_MAINTENANCE_WINDOWS,
};
use crate::pages::{Page, pages};

/// Rows per page. Source: SSM API reference, DescribeMaintenanceWindows and its sisters.
const PAGE: i32 = 100;

pub(super) async fn windows(aws: &Aws, cell: &Cell<'_>) -> Partial<MaintenanceWindow> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let operation = &DESCRIBE_MAINTENANCE_WINDOWS;
    pages(
        operation,
        |window: &MaintenanceWindow| &window.id,
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                client.describe_maintenance_windows().max_results(PAGE).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(operation, send).await?;
                let rows = answer.window_identities.unwrap_or_default().into_iter().map(window);
                Ok(Page::of(rows, answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

fn window(row: MaintenanceWindowIdentity) -> Result<MaintenanceWindow, String> {
    let hours = |hours: i32| u32::try_from(hours).map_err(|_| format!("a length of {hours} hours"));
    let next = row.next_execution_time.filter(|text| !text.is_empty());
    Ok(MaintenanceWindow {
        id: row.window_id.ok_or("a missing window id")?.into(),
        name: row.name.unwrap_or_default().into(),
        enabled: row.enabled,
        schedule: row.schedule.unwrap_or_default().into(),
        time_zone: row.schedule_timezone.map(Into::into),
        duration_hours: hours(row.duration.unwrap_or_default())?,
        cutoff_hours: hours(row.cutoff)?,
        next: next.map(|text| moment(&text)).transpose()?,
    })
}

/// A moment as windows have it, `2026-11-08T02:00+01:00` or with seconds and `Z`.
fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("time {text:?}"))
}

pub(super) async fn openings(aws: &Aws, cell: &Cell<'_>, window: &str) -> Partial<Timestamp> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &aws_sdk_ssm::Client| {
        client.describe_maintenance_window_schedule().window_id(window).max_results(PAGE).send()
    };
    // One page reaches far enough: the service goes on for ever.
    let answer = match connection.call(&DESCRIBE_MAINTENANCE_WINDOW_SCHEDULE, send).await {
        Ok(answer) => answer,
        Err(failure) => return Partial::broken_off(Vec::new(), failure),
    };
    let rows = answer.scheduled_window_executions.unwrap_or_default().into_iter();
    let times = rows.map(|row| moment(&row.execution_time.unwrap_or_default())).collect::<Result<_, _>>();
    match times {
        Ok(times) => Partial::complete(times),
        Err(odd) => {
            let message = format!("an opening cannot be used because of {odd}");
            let failure = crate::pages::unexpected(&DESCRIBE_MAINTENANCE_WINDOW_SCHEDULE, &message);
            Partial::broken_off(Vec::new(), failure)
        }
    }
}

fn selections(targets: Option<Vec<Target>>) -> Vec<Selection> {
    let selection = |target: Target| Selection {
        key: target.key.unwrap_or_default().into(),
        values: target.values.unwrap_or_default().into_iter().map(Into::into).collect(),
    };
    targets.unwrap_or_default().into_iter().map(selection).collect()
}

pub(super) async fn targets(aws: &Aws, cell: &Cell<'_>, window: &str) -> Partial<WindowTarget> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let operation = &DESCRIBE_MAINTENANCE_WINDOW_TARGETS;
    pages(
        operation,
        |target: &WindowTarget| &target.id,
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                let call = client.describe_maintenance_window_targets().window_id(window);
                call.max_results(PAGE).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(operation, send).await?;
                let rows = answer.targets.unwrap_or_default().into_iter().map(|row| {
                    let id: Text = row.window_target_id.ok_or("a missing target id")?.into();
                    Ok(WindowTarget { id, selections: selections(row.targets) })
                });
                Ok(Page::of(rows, answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

pub(super) async fn tasks(aws: &Aws, cell: &Cell<'_>, window: &str) -> Partial<WindowTask> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let operation = &DESCRIBE_MAINTENANCE_WINDOW_TASKS;
    pages(
        operation,
        |task: &WindowTask| &task.id,
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                let call = client.describe_maintenance_window_tasks().window_id(window);
                call.max_results(PAGE).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(operation, send).await?;
                let rows = answer.tasks.unwrap_or_default().into_iter().map(task);
                Ok(Page::of(rows, answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

fn task(row: MaintenanceWindowTask) -> Result<WindowTask, String> {
    Ok(WindowTask {
        id: row.window_task_id.ok_or("a missing task id")?.into(),
        runs_command: row.r#type == Some(MaintenanceWindowTaskType::RunCommand),
        document: row.task_arn.unwrap_or_default().into(),
        targets: selections(row.targets),
        max_concurrency: row.max_concurrency.map(Into::into),
        max_errors: row.max_errors.map(Into::into),
    })
}
