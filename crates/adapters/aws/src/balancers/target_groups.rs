use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthStateEnum as State, TargetTypeEnum,
};
use fleetwright_model::{Cell, Failure, Partial, Text};
use fleetwright_ports::{PoolArn, Registration, Seat, SeatHealth};
use futures::FutureExt;

use crate::Aws;
use crate::clients::Connection;
use crate::machines::instance_id;
use crate::operations::{
    DEREGISTER_TARGETS, DESCRIBE_TARGET_GROUPS, DESCRIBE_TARGET_HEALTH, REGISTER_TARGETS,
};
use crate::pages::{Page, pages};

type Client = aws_sdk_elasticloadbalancingv2::Client;

/// Rows per page. Source: ELBv2 API reference, DescribeTargetGroups, PageSize.
const PAGE: i32 = 400;
/// Targets per call that changes them.
const BATCH: usize = 100;

/// Every target group of instances.
pub(super) async fn list(aws: &Aws, cell: &Cell<'_>) -> Partial<PoolArn> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let listed = pages(
        &DESCRIBE_TARGET_GROUPS,
        |row: &(Text, bool)| &row.0,
        |token| {
            let send = move |client: &Client| {
                client.describe_target_groups().page_size(PAGE).set_marker(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_TARGET_GROUPS, send).await?;
                let rows = answer.target_groups.unwrap_or_default().into_iter().map(|row| {
                    let arn = row.target_group_arn.ok_or("a missing target group ARN")?;
                    Ok((Text::from(arn), row.target_type == Some(TargetTypeEnum::Instance)))
                });
                Ok(Page::of(rows, answer.next_marker))
            }
            .boxed()
        },
    )
    .await;
    let items = listed.items.into_iter().filter(|(_, of_instances)| *of_instances).map(|(arn, _)| arn);
    Partial { items: items.collect(), failure: listed.failure }
}

/// Everything registered with a target group, in one answer.
pub(super) async fn registrations(
    aws: &Aws,
    cell: &Cell<'_>,
    pool: &PoolArn,
) -> Result<Vec<Registration>, Failure> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &Client| client.describe_target_health().target_group_arn(&**pool).send();
    let answer = connection.call(&DESCRIBE_TARGET_HEALTH, send).await?;
    let rows = answer.target_health_descriptions.unwrap_or_default();
    // Addresses and functions are no hosts.
    Ok(rows.into_iter().filter_map(|row| registration(pool, &row)).collect())
}

fn registration(pool: &PoolArn, row: &TargetHealthDescription) -> Option<Registration> {
    let target = row.target.as_ref()?;
    let host = instance_id(target.id.as_deref()).ok()?;
    let port = target.port.and_then(|port| u16::try_from(port).ok());
    let state = row.target_health.as_ref().and_then(|health| health.state.as_ref());
    let health = match state {
        Some(State::Healthy) => SeatHealth::Healthy,
        Some(State::Initial) => SeatHealth::Initial,
        Some(State::Unhealthy) => SeatHealth::Unhealthy,
        Some(State::Draining | State::UnhealthyDraining) => SeatHealth::Draining,
        Some(State::Unused) => SeatHealth::Unused,
        // Unavailable: health checks are off, and it gets requests.
        _ => SeatHealth::Unknown,
    };
    Some(Registration { seat: Seat { pool: pool.clone(), host, port }, health })
}

fn targets(seats: &[Seat]) -> Vec<TargetDescription> {
    let target = |seat: &Seat| {
        TargetDescription::builder().id(seat.host.as_str()).set_port(seat.port.map(i32::from)).build()
    };
    seats.iter().map(target).collect()
}

pub(super) async fn register(
    aws: &Aws,
    cell: &Cell<'_>,
    pool: &PoolArn,
    seats: &[Seat],
) -> Result<(), Failure> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    for batch in seats.chunks(BATCH) {
        let targets = targets(batch);
        let send = |client: &Client| {
            client.register_targets().target_group_arn(&**pool).set_targets(Some(targets.clone())).send()
        };
        connection.change(&REGISTER_TARGETS, &super::changed(pool, batch), send).await?;
    }
    Ok(())
}

pub(super) async fn deregister(
    aws: &Aws,
    cell: &Cell<'_>,
    pool: &PoolArn,
    seats: &[Seat],
) -> Result<(), Failure> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    for batch in seats.chunks(BATCH) {
        let targets = targets(batch);
        let send = |client: &Client| {
            client.deregister_targets().target_group_arn(&**pool).set_targets(Some(targets.clone())).send()
        };
        connection.change(&DEREGISTER_TARGETS, &super::changed(pool, batch), send).await?;
    }
    Ok(())
}
