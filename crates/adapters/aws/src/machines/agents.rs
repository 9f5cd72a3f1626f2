use aws_sdk_ssm::types::{InstanceInformation, InstanceInformationStringFilter};
use fleetwright_model::{AgentFacts, Answers, Cell, InstanceId, Partial, PingStatus};
use futures::FutureExt;

use super::instances::address;
use super::{in_batches, instance_id};
use crate::Aws;
use crate::clients::Connection;
use crate::interner::Interner;
use crate::operations::DESCRIBE_INSTANCE_INFORMATION;
use crate::pages::{Page, pages};
use crate::sdk_time::timestamp;

/// Ids per filter and rows per page.
/// Source: SSM API reference, DescribeInstanceInformation, MaxResults.
const BATCH: i32 = 50;

/// What Systems Manager knows of the agents.
pub(super) async fn look_up(aws: &Aws, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<AgentFacts> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    in_batches(ids, BATCH as usize, |batch| one_batch(connection, &aws.inner.texts, batch).boxed()).await
}

async fn one_batch(
    connection: &Connection<'_, aws_sdk_ssm::Client>,
    texts: &Interner,
    batch: &[InstanceId],
) -> Partial<(InstanceId, AgentFacts)> {
    let values = batch.iter().map(|id| id.as_str().to_owned()).collect();
    let filter = InstanceInformationStringFilter::builder().key("InstanceIds").set_values(Some(values));
    let filter = &filter.build().expect("key and values are set");
    pages(
        &DESCRIBE_INSTANCE_INFORMATION,
        |(id, _): &(InstanceId, AgentFacts)| id.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                let request =
                    client.describe_instance_information().filters(filter.clone()).max_results(BATCH);
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_INSTANCE_INFORMATION, send).await?;
                let rows = answer.instance_information_list.unwrap_or_default();
                Ok(Page::of(rows.into_iter().map(|row| facts(row, texts)), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

fn facts(row: InstanceInformation, texts: &Interner) -> Result<(InstanceId, AgentFacts), String> {
    let id = instance_id(row.instance_id.as_deref())?;
    let ping = row.ping_status.as_ref().and_then(|status| PingStatus::from_name(status.as_str()));
    let facts = AgentFacts {
        ping: ping.unwrap_or(PingStatus::Unknown),
        last_ping: row.last_ping_date_time.as_ref().and_then(timestamp),
        version: texts.share_if(row.agent_version.as_deref()),
        platform_name: texts.share_if(row.platform_name.as_deref()),
        platform_version: texts.share_if(row.platform_version.as_deref()),
        ip: address(row.ip_address.as_deref()),
        computer_name: row.computer_name.map(Into::into),
    };
    Ok((id, facts))
}
