use aws_sdk_ec2::types::{ReplaceRootVolumeTask, ResourceType};
use fleetwright_model::{Cell, ErrorClass, Failure, InstanceId, Partial, Tags, Text};
use fleetwright_ports::{Restore, RestoreState};
use futures::FutureExt;

use crate::Aws;
use crate::clients::Connection;
use crate::ec2_terms::{tagging, tags};
use crate::interner::Interner;
use crate::machines::instance_id;
use crate::operations::{CREATE_REPLACE_ROOT_VOLUME_TASK, DESCRIBE_REPLACE_ROOT_VOLUME_TASKS};
use crate::pages::{Page, pages, unexpected};

/// Tasks per call and page.
/// Source: EC2 API reference, DescribeReplaceRootVolumeTasks, MaxResults.
const BATCH: usize = 50;

/// Begins to replace the root volume from an image; the old volume stays, for a second look.
pub(super) async fn begin(
    aws: &Aws,
    cell: &Cell<'_>,
    instance: &InstanceId,
    image: &str,
    token: &str,
    tags: &Tags,
) -> Result<Text, Failure> {
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let tags = tagging(ResourceType::ReplaceRootVolumeTask, tags).map(|tags| vec![tags]);
    let send = |client: &aws_sdk_ec2::Client| {
        let task = client.create_replace_root_volume_task().instance_id(instance.as_str());
        task.image_id(image).client_token(token).set_tag_specifications(tags.clone()).send()
    };
    let answer = connection
        .change(&CREATE_REPLACE_ROOT_VOLUME_TASK, &[instance.as_str().into(), image.into()], send)
        .await?;
    let task = answer.replace_root_volume_task.and_then(|task| task.replace_root_volume_task_id);
    task.map(Into::into).ok_or_else(|| {
        let failure = unexpected(&CREATE_REPLACE_ROOT_VOLUME_TASK, "the answer names no task id");
        Failure { class: ErrorClass::Ambiguous, ..failure }
    })
}

/// How far these tasks are.
pub(super) async fn look(aws: &Aws, cell: &Cell<'_>, ids: &[Text]) -> Partial<Restore> {
    let connection: Connection<'_, aws_sdk_ec2::Client> = aws.at(cell.zone, &cell.region);
    let (connection, texts) = (&connection, &aws.inner.texts);
    let mut whole = Partial::complete(Vec::new());
    for batch in ids.chunks(BATCH) {
        let batch: &Vec<String> = &batch.iter().map(|id| id.to_string()).collect();
        let part = pages(
            &DESCRIBE_REPLACE_ROOT_VOLUME_TASKS,
            |restore: &Restore| &restore.id,
            |token| {
                let send = move |client: &aws_sdk_ec2::Client| {
                    let request = client.describe_replace_root_volume_tasks();
                    let request = request.set_replace_root_volume_task_ids(Some(batch.clone()));
                    request.set_next_token(token.clone()).send()
                };
                async move {
                    let answer = connection.call(&DESCRIBE_REPLACE_ROOT_VOLUME_TASKS, send).await?;
                    let rows = answer.replace_root_volume_tasks.unwrap_or_default().into_iter();
                    Ok(Page::of(rows.map(|row| restore(row, texts)), answer.next_token))
                }
                .boxed()
            },
        )
        .await;
        whole.items.extend(part.items);
        whole.failure = whole.failure.or(part.failure);
    }
    whole
}

fn restore(row: ReplaceRootVolumeTask, texts: &Interner) -> Result<Restore, String> {
    let id = row.replace_root_volume_task_id.ok_or("a missing task id")?;
    Ok(Restore {
        id: id.into(),
        instance: instance_id(row.instance_id.as_deref())?,
        state: state(row.task_state.as_ref().map_or("", |state| state.as_str())),
        started_at: row.start_time.as_deref().and_then(|time| time.parse().ok()),
        tags: tags(row.tags, texts),
    })
}

/// Source: EC2 API reference, ReplaceRootVolumeTask, taskState.
fn state(name: &str) -> RestoreState {
    match name {
        "pending" | "in-progress" | "failing" => RestoreState::InProgress,
        "succeeded" => RestoreState::Succeeded,
        "failed" => RestoreState::Failed,
        "failed-detached" => RestoreState::FailedDetached,
        _ => RestoreState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_failing_has_not_failed_yet() {
        assert_eq!(state("failing"), RestoreState::InProgress);
        assert_eq!(state("failed-detached"), RestoreState::FailedDetached);
        assert_eq!(state("new"), RestoreState::Unknown);
    }
}
