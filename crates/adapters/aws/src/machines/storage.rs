use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Volume, VolumeAttachmentState};
use fleetwright_model::{Cell, InstanceId, Partial, Storage};
use futures::FutureExt;

use super::instance_id;
use crate::Aws;
use crate::clients::Connection;
use crate::operations::DESCRIBE_VOLUMES;
use crate::pages::{Page, pages};

/// Rows per page. Source: EC2 API reference, DescribeVolumes, MaxResults.
const PAGE: i32 = 1_000;

/// One attached volume: its id, the instances it is attached to, its size in GiB.
struct Attached {
    volume: String,
    instances: Vec<InstanceId>,
    gib: u64,
}

/// Attached volumes added up per instance.
pub(super) async fn attached(aws: &Aws, cell: &Cell<'_>) -> Partial<(InstanceId, Storage)> {
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let filter = &Filter::builder().name("attachment.status").values("attached").build();
    let volumes = pages(
        &DESCRIBE_VOLUMES,
        |row: &Attached| row.volume.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ec2::Client| {
                let request = client.describe_volumes().filters(filter.clone()).max_results(PAGE);
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_VOLUMES, send).await?;
                let rows = answer.volumes.unwrap_or_default();
                Ok(Page::of(rows.into_iter().map(volume), answer.next_token))
            }
            .boxed()
        },
    )
    .await;
    let mut sums: BTreeMap<InstanceId, Storage> = BTreeMap::new();
    for row in volumes.items {
        for instance in row.instances {
            let sum = sums.entry(instance).or_default();
            sum.volumes += 1;
            sum.gib += row.gib;
        }
    }
    Partial { items: sums.into_iter().collect(), failure: volumes.failure }
}

fn volume(row: Volume) -> Result<Attached, String> {
    let instances = row.attachments.unwrap_or_default().into_iter();
    let instances = instances
        .filter(|attachment| attachment.state == Some(VolumeAttachmentState::Attached))
        // Volumes of other services' resources are attached to no instance.
        .filter(|attachment| attachment.instance_id.is_some())
        .map(|attachment| instance_id(attachment.instance_id.as_deref()))
        .collect::<Result<_, String>>()?;
    let gib = row.size.and_then(|gib| u64::try_from(gib).ok()).unwrap_or(0);
    Ok(Attached { volume: row.volume_id.unwrap_or_default(), instances, gib })
}
