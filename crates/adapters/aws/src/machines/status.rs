use aws_sdk_ec2::types::{InstanceStatus, InstanceStatusSummary};
use fleetwright_model::{Cell, HealthCheck, InstanceId, Partial, SystemHealth};
use futures::FutureExt;

use super::instance_id;
use crate::Aws;
use crate::clients::Connection;
use crate::operations::DESCRIBE_INSTANCE_STATUS;
use crate::pages::{Page, pages};

/// Rows per page. Source: EC2 API reference, DescribeInstanceStatus, MaxResults.
const PAGE: i32 = 1_000;

/// The status checks of running instances: the service's default, so that nothing is said of
/// stopped ones.
pub(super) async fn checks(aws: &Aws, cell: &Cell<'_>) -> Partial<(InstanceId, SystemHealth)> {
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let running = aws_sdk_ec2::types::Filter::builder().name("instance-state-name").values("running").build();
    let running = &running;
    pages(
        &DESCRIBE_INSTANCE_STATUS,
        |(id, _): &(InstanceId, SystemHealth)| id.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ec2::Client| {
                let request = client.describe_instance_status().filters(running.clone());
                request.include_all_instances(false).max_results(PAGE).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_INSTANCE_STATUS, send).await?;
                let rows = answer.instance_statuses.unwrap_or_default();
                Ok(Page::of(rows.iter().map(health), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

fn health(row: &InstanceStatus) -> Result<(InstanceId, SystemHealth), String> {
    Ok((instance_id(row.instance_id())?, system_health(row)))
}

/// Both checks of a row.
pub(crate) fn system_health(row: &InstanceStatus) -> SystemHealth {
    SystemHealth { system: check(row.system_status()), instance: check(row.instance_status()) }
}

/// A check EC2 does not report, or reports in words this version does not know, has no data.
fn check(summary: Option<&InstanceStatusSummary>) -> HealthCheck {
    let status = summary.and_then(InstanceStatusSummary::status);
    status.and_then(|status| HealthCheck::from_name(status.as_str())).unwrap_or(HealthCheck::InsufficientData)
}
