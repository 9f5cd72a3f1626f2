use aws_sdk_ec2::types::InstanceStatus;
use fleetwright_model::{Cell, ErrorClass, InstanceId, InstanceState, Partial};
use fleetwright_ports::Pulse;
use futures::FutureExt;

use super::batches::in_parts;
use crate::Aws;
use crate::clients::Connection;
use crate::machines::{instance_id, system_health};
use crate::operations::DESCRIBE_INSTANCE_STATUS;
use crate::pages::unexpected;

/// Ids per call. Source: EC2 API reference, DescribeInstanceStatus, InstanceIds.
const BATCH: usize = 100;

/// State and status checks of these instances, whatever state they are in.
pub(super) async fn look(aws: &Aws, cell: &Cell<'_>, ids: &[InstanceId]) -> Partial<Pulse> {
    let connection: &Connection<'_, aws_sdk_ec2::Client> = &aws.at(cell.zone, &cell.region);
    // Named instances come on one page; a page size together with ids would be refused.
    let done = in_parts(ids, BATCH, |ids| {
        async move {
            let send = |client: &aws_sdk_ec2::Client| {
                let request = client.describe_instance_status().set_instance_ids(Some(ids.clone()));
                request.include_all_instances(true).send()
            };
            connection.call(&DESCRIBE_INSTANCE_STATUS, send).await
        }
        .boxed()
    })
    .await;
    let mut pulses = Partial::complete(Vec::with_capacity(ids.len()));
    let rows = done.answers.into_iter().flat_map(|answer| answer.instance_statuses.unwrap_or_default());
    for row in rows {
        match pulse(&row) {
            Ok(pulse) => pulses.items.push(pulse),
            Err(malformed) => {
                let words = format!("a row cannot be used because of {malformed}");
                pulses.failure.get_or_insert(unexpected(&DESCRIBE_INSTANCE_STATUS, &words));
            }
        }
    }
    // What does not exist is not in the listing.
    let failures = done.failed.into_iter().map(|(_, failure)| failure);
    let failure = failures.into_iter().find(|failure| failure.class != ErrorClass::NotFound);
    pulses.failure = failure.or(pulses.failure);
    pulses
}

fn pulse(row: &InstanceStatus) -> Result<Pulse, String> {
    let id = instance_id(row.instance_id())?;
    let name = row.instance_state().and_then(|state| state.name());
    let state =
        name.and_then(|name| InstanceState::from_name(name.as_str())).unwrap_or(InstanceState::Unknown);
    let health = (state == InstanceState::Running).then(|| system_health(row));
    Ok(Pulse { id, state, health })
}
