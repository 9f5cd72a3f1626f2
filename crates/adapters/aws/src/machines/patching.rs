use aws_sdk_ssm::types::InstancePatchState;
use fleetwright_model::{Answers, Cell, InstanceId, Partial, PatchFacts};
use fleetwright_ports::Baseline;
use futures::FutureExt;

use super::{in_batches, instance_id};
use crate::Aws;
use crate::clients::Connection;
use crate::interner::Interner;
use crate::operations::{DESCRIBE_INSTANCE_PATCH_STATES, DESCRIBE_PATCH_BASELINES};
use crate::pages::{Page, pages};
use crate::sdk_time::timestamp;

/// Ids per call. Source: SSM API reference, DescribeInstancePatchStates, InstanceIds.
const BATCH: i32 = 50;
/// Rows per page. Source: SSM API reference, DescribePatchBaselines, MaxResults.
const BASELINES: i32 = 100;

/// The patch states of these instances.
pub(super) async fn states(aws: &Aws, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<PatchFacts> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    in_batches(ids, BATCH as usize, |batch| one_batch(connection, &aws.inner.texts, batch).boxed()).await
}

async fn one_batch(
    connection: &Connection<'_, aws_sdk_ssm::Client>,
    texts: &Interner,
    batch: &[InstanceId],
) -> Partial<(InstanceId, PatchFacts)> {
    let ids: &Vec<String> = &batch.iter().map(|id| id.as_str().to_owned()).collect();
    pages(
        &DESCRIBE_INSTANCE_PATCH_STATES,
        |(id, _): &(InstanceId, PatchFacts)| id.as_str(),
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                let request = client.describe_instance_patch_states().set_instance_ids(Some(ids.clone()));
                request.max_results(BATCH).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_INSTANCE_PATCH_STATES, send).await?;
                let rows = answer.instance_patch_states.unwrap_or_default();
                Ok(Page::of(rows.into_iter().map(|row| facts(&row, texts)), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

fn facts(row: &InstancePatchState, texts: &Interner) -> Result<(InstanceId, PatchFacts), String> {
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    let count_if = |number: Option<i32>| number.map_or(0, count);
    let facts = PatchFacts {
        baseline: texts.share(&row.baseline_id),
        baseline_name: None,
        patch_group: Some(&row.patch_group).filter(|group| !group.is_empty()).map(|group| texts.share(group)),
        operation: texts.share(row.operation.as_str()),
        operation_end: timestamp(&row.operation_end_time),
        installed: count(row.installed_count),
        installed_other: count(row.installed_other_count),
        installed_pending_reboot: count_if(row.installed_pending_reboot_count),
        installed_rejected: count_if(row.installed_rejected_count),
        missing: count(row.missing_count),
        failed: count(row.failed_count),
        critical_non_compliant: count_if(row.critical_non_compliant_count),
        security_non_compliant: count_if(row.security_non_compliant_count),
        other_non_compliant: count_if(row.other_non_compliant_count),
    };
    Ok((instance_id(Some(&row.instance_id))?, facts))
}

/// The patch baselines of the cell.
pub(super) async fn baselines(aws: &Aws, cell: &Cell<'_>) -> Partial<Baseline> {
    let connection: Connection<'_, aws_sdk_ssm::Client> = aws.at(cell.zone, &cell.region);
    let (connection, texts) = (&connection, &aws.inner.texts);
    pages(
        &DESCRIBE_PATCH_BASELINES,
        |baseline: &Baseline| &baseline.id,
        |token| {
            let send = move |client: &aws_sdk_ssm::Client| {
                client.describe_patch_baselines().max_results(BASELINES).set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_PATCH_BASELINES, send).await?;
                let rows = answer.baseline_identities.unwrap_or_default().into_iter().map(|row| {
                    let id = row.baseline_id.ok_or("a missing baseline id")?;
                    let name = row.baseline_name.unwrap_or_default();
                    Ok(Baseline { id: texts.share(&id), name: texts.share(&name) })
                });
                Ok(Page::of(rows, answer.next_token))
            }
            .boxed()
        },
    )
    .await
}
