use aws_sdk_elasticloadbalancing::types::{Instance, InstanceState};
use fleetwright_model::{Cell, Failure, Partial, Text};
use fleetwright_ports::{PoolArn, Registration, Seat, SeatHealth};
use futures::FutureExt;

use super::classic_arn;
use crate::Aws;
use crate::clients::Connection;
use crate::machines::instance_id;
use crate::operations::{
    DEREGISTER_INSTANCES, DESCRIBE_INSTANCE_HEALTH, DESCRIBE_LOAD_BALANCERS, REGISTER_INSTANCES,
};
use crate::pages::{Page, pages};

type Client = aws_sdk_elasticloadbalancing::Client;

/// Rows per page. Source: ELB API reference 2012-06-01, DescribeLoadBalancers, PageSize.
const PAGE: i32 = 400;

/// Every balancer of the first generation.
pub(super) async fn list(aws: &Aws, cell: &Cell<'_>) -> Partial<PoolArn> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let listed = pages(
        &DESCRIBE_LOAD_BALANCERS,
        |name: &Text| name,
        |token| {
            let send = move |client: &Client| {
                client.describe_load_balancers().page_size(PAGE).set_marker(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_LOAD_BALANCERS, send).await?;
                let rows =
                    answer.load_balancer_descriptions.unwrap_or_default().into_iter().map(|row| {
                        Ok(Text::from(row.load_balancer_name.ok_or("a missing load balancer name")?))
                    });
                Ok(Page::of(rows, answer.next_marker))
            }
            .boxed()
        },
    )
    .await;
    let items = listed.items.iter().map(|name| classic_arn(cell, name)).collect();
    Partial { items, failure: listed.failure }
}

/// Everything registered with a balancer, in one answer.
pub(super) async fn registrations(
    aws: &Aws,
    cell: &Cell<'_>,
    pool: &PoolArn,
    name: &str,
) -> Result<Vec<Registration>, Failure> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let send = |client: &Client| client.describe_instance_health().load_balancer_name(name).send();
    let answer = connection.call(&DESCRIBE_INSTANCE_HEALTH, send).await?;
    let rows = answer.instance_states.unwrap_or_default();
    Ok(rows.into_iter().filter_map(|row| registration(pool, &row)).collect())
}

/// Whether an instance out of service is on its way in or out, only the words tell.
/// Source: ELB API reference 2012-06-01, InstanceState, Description.
fn registration(pool: &PoolArn, row: &InstanceState) -> Option<Registration> {
    let host = instance_id(row.instance_id.as_deref()).ok()?;
    let words = row.description.as_deref().unwrap_or_default();
    let health = match row.state.as_deref() {
        _ if words.contains("deregistration") => SeatHealth::Draining,
        _ if words.contains("not currently registered") => return None,
        Some("InService") => SeatHealth::Healthy,
        Some("OutOfService") if words.contains("registration is still in progress") => SeatHealth::Initial,
        Some("OutOfService") if words.contains("stopped state") => SeatHealth::Unused,
        Some("OutOfService") => SeatHealth::Unhealthy,
        _ => SeatHealth::Unknown,
    };
    Some(Registration { seat: Seat { pool: pool.clone(), host, port: None }, health })
}

fn instances(seats: &[Seat]) -> Vec<Instance> {
    seats.iter().map(|seat| Instance::builder().instance_id(seat.host.as_str()).build()).collect()
}

pub(super) async fn register(aws: &Aws, cell: &Cell<'_>, name: &str, seats: &[Seat]) -> Result<(), Failure> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let instances = instances(seats);
    let send = |client: &Client| {
        let request = client.register_instances_with_load_balancer().load_balancer_name(name);
        request.set_instances(Some(instances.clone())).send()
    };
    connection.change(&REGISTER_INSTANCES, &super::changed(name, seats), send).await.map(|_| ())
}

/// An instance that is not registered any more would be refused, and all others with it.
pub(super) async fn deregister(
    aws: &Aws,
    cell: &Cell<'_>,
    pool: &PoolArn,
    name: &str,
    seats: &[Seat],
) -> Result<(), Failure> {
    let there = registrations(aws, cell, pool, name).await?;
    let is_there =
        |seat: &Seat| there.iter().any(|it| it.seat.host == seat.host && it.health != SeatHealth::Draining);
    let seats: Vec<Seat> = seats.iter().filter(|seat| is_there(seat)).cloned().collect();
    if seats.is_empty() {
        return Ok(());
    }
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let instances = instances(&seats);
    let send = |client: &Client| {
        let request = client.deregister_instances_from_load_balancer().load_balancer_name(name);
        request.set_instances(Some(instances.clone())).send()
    };
    connection.change(&DEREGISTER_INSTANCES, &super::changed(name, &seats), send).await.map(|_| ())
}
