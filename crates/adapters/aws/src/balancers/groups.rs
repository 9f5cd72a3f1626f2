use aws_sdk_autoscaling::types::{AutoScalingGroup, AutoScalingInstanceDetails};
use fleetwright_model::{Answers, Cell, Failure, InstanceId, Partial, Text};
use fleetwright_ports::{Member, MemberState, ScalingGroup};
use futures::FutureExt;

use super::classic_arn;
use crate::Aws;
use crate::clients::Connection;
use crate::machines::{in_batches, instance_id};
use crate::operations::{
    DESCRIBE_AUTO_SCALING_GROUPS, DESCRIBE_AUTO_SCALING_INSTANCES, ENTER_STANDBY, EXIT_STANDBY,
    RESUME_PROCESSES, SUSPEND_PROCESSES,
};
use crate::pages::{Page, pages};

type Client = aws_sdk_autoscaling::Client;

/// Ids per call. Source: EC2 Auto Scaling API reference, DescribeAutoScalingInstances, InstanceIds.
const MEMBERS: usize = 50;
/// Names per call and rows per page. Source: as above, DescribeAutoScalingGroups, MaxRecords.
const GROUPS: i32 = 100;

/// The groups these instances are members of.
pub(super) async fn members(aws: &Aws, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<Member> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    in_batches(ids, MEMBERS, |batch| one_batch(connection, batch).boxed()).await
}

async fn one_batch(
    connection: &Connection<'_, Client>,
    batch: &[InstanceId],
) -> Partial<(InstanceId, Member)> {
    let ids: &Vec<String> = &batch.iter().map(|id| id.as_str().to_owned()).collect();
    pages(
        &DESCRIBE_AUTO_SCALING_INSTANCES,
        |(id, _): &(InstanceId, Member)| id.as_str(),
        |token| {
            let send = move |client: &Client| {
                let request = client.describe_auto_scaling_instances().set_instance_ids(Some(ids.clone()));
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = connection.call(&DESCRIBE_AUTO_SCALING_INSTANCES, send).await?;
                let rows = answer.auto_scaling_instances.unwrap_or_default();
                Ok(Page::of(rows.into_iter().map(member), answer.next_token))
            }
            .boxed()
        },
    )
    .await
}

fn member(row: AutoScalingInstanceDetails) -> Result<(InstanceId, Member), String> {
    let id = instance_id(row.instance_id.as_deref())?;
    let group = row.auto_scaling_group_name.ok_or("a missing Auto Scaling group name")?.into();
    let state = match row.lifecycle_state.as_deref().unwrap_or_default() {
        "InService" => MemberState::InService,
        "Standby" => MemberState::Standby,
        "EnteringStandby" => MemberState::EnteringStandby,
        state if state.starts_with("Pending") => MemberState::Pending,
        state if ["Terminat", "Detach", "Quarantined"].iter().any(|it| state.starts_with(it)) => {
            MemberState::Leaving
        }
        _ => MemberState::Unknown,
    };
    Ok((id, Member { group, state }))
}

/// These groups.
pub(super) async fn look_up(aws: &Aws, cell: &Cell<'_>, names: &[Text]) -> Partial<ScalingGroup> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let mut whole = Partial::complete(Vec::new());
    for batch in names.chunks(GROUPS as usize) {
        let batch: &Vec<String> = &batch.iter().map(|name| name.to_string()).collect();
        let part = pages(
            &DESCRIBE_AUTO_SCALING_GROUPS,
            |group: &ScalingGroup| &group.name,
            |token| {
                let send = move |client: &Client| {
                    let request = client.describe_auto_scaling_groups();
                    let request = request.set_auto_scaling_group_names(Some(batch.clone()));
                    request.include_instances(false).max_records(GROUPS).set_next_token(token.clone()).send()
                };
                async move {
                    let answer = connection.call(&DESCRIBE_AUTO_SCALING_GROUPS, send).await?;
                    let rows = answer.auto_scaling_groups.unwrap_or_default();
                    Ok(Page::of(rows.into_iter().map(|row| group(cell, row)), answer.next_token))
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

fn group(cell: &Cell<'_>, row: AutoScalingGroup) -> Result<ScalingGroup, String> {
    let count = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    let processes = row.suspended_processes.unwrap_or_default().into_iter();
    let mut suspended: Vec<Text> = processes.filter_map(|it| it.process_name).map(Text::from).collect();
    suspended.sort_unstable();
    let classic = row.load_balancer_names.unwrap_or_default();
    let pools = row.target_group_arns.unwrap_or_default().into_iter().map(Text::from);
    Ok(ScalingGroup {
        name: row.auto_scaling_group_name.ok_or("a missing Auto Scaling group name")?.into(),
        min: count(row.min_size),
        desired: count(row.desired_capacity),
        suspended,
        pools: pools.chain(classic.iter().map(|name| classic_arn(cell, name))).collect(),
    })
}

fn names(ids: &[InstanceId]) -> Vec<String> {
    ids.iter().map(|id| id.as_str().to_owned()).collect()
}

/// What is changed, for the record: the group and its instances.
fn changed(group: &str, ids: &[String]) -> Vec<Text> {
    std::iter::once(group).chain(ids.iter().map(String::as_str)).map(Text::from).collect()
}

fn words(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

pub(super) async fn enter_standby(
    aws: &Aws,
    cell: &Cell<'_>,
    group: &str,
    ids: &[InstanceId],
) -> Result<(), Failure> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let ids = names(ids);
    let send = |client: &Client| {
        let request =
            client.enter_standby().auto_scaling_group_name(group).set_instance_ids(Some(ids.clone()));
        request.should_decrement_desired_capacity(true).send()
    };
    connection.change(&ENTER_STANDBY, &changed(group, &ids), send).await.map(|_| ())
}

pub(super) async fn exit_standby(
    aws: &Aws,
    cell: &Cell<'_>,
    group: &str,
    ids: &[InstanceId],
) -> Result<(), Failure> {
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let ids = names(ids);
    let send = |client: &Client| {
        client.exit_standby().auto_scaling_group_name(group).set_instance_ids(Some(ids.clone())).send()
    };
    connection.change(&EXIT_STANDBY, &changed(group, &ids), send).await.map(|_| ())
}

pub(super) async fn suspend(
    aws: &Aws,
    cell: &Cell<'_>,
    group: &str,
    processes: &[Text],
) -> Result<(), Failure> {
    // No process named would be all of them.
    if processes.is_empty() {
        return Ok(());
    }
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let processes = words(processes);
    let send = |client: &Client| {
        let request = client.suspend_processes().auto_scaling_group_name(group);
        request.set_scaling_processes(Some(processes.clone())).send()
    };
    connection.change(&SUSPEND_PROCESSES, &[group.into()], send).await.map(|_| ())
}

pub(super) async fn resume(
    aws: &Aws,
    cell: &Cell<'_>,
    group: &str,
    processes: &[Text],
) -> Result<(), Failure> {
    if processes.is_empty() {
        return Ok(());
    }
    let connection: Connection<'_, Client> = aws.at(cell.zone, &cell.region);
    let processes = words(processes);
    let send = |client: &Client| {
        let request = client.resume_processes().auto_scaling_group_name(group);
        request.set_scaling_processes(Some(processes.clone())).send()
    };
    connection.change(&RESUME_PROCESSES, &[group.into()], send).await.map(|_| ())
}
