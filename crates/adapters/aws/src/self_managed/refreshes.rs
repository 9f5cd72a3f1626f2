use aws_sdk_autoscaling::types::{
    self, DesiredConfiguration, InstanceRefreshStatus, LaunchTemplateSpecification, RefreshPreferences,
    RefreshStrategy, ScaleInProtectedInstances, StandbyInstances,
};
use fleetwright_eks::facts::nodes::TemplateRef;
use fleetwright_eks::solve::surge::REFRESH_PERCENT_MAX;
use fleetwright_model::{Cell, ErrorClass, Failure, code};
use fleetwright_ports::self_managed::{InstanceRefresh, RefreshStatus};

use super::{Scaling, groups};
use crate::Aws;
use crate::operations::{CANCEL_INSTANCE_REFRESH, DESCRIBE_INSTANCE_REFRESHES, START_INSTANCE_REFRESH};
use crate::pages::unexpected;
use crate::sdk_time::timestamp;

type Client = aws_sdk_autoscaling::Client;

/// Refreshes of a group that are looked at: only the latest matter. Source: EC2 Auto Scaling API reference,
/// DescribeInstanceRefreshes, MaxRecords.
const LATEST: i32 = 50;

/// The latest refreshes of a group.
pub(super) async fn of_group(
    aws: &Aws,
    cell: &Cell<'_>,
    group: &str,
) -> Result<Vec<InstanceRefresh>, Failure> {
    let scaling: Scaling<'_> = aws.at(cell.zone, &cell.region);
    let send = |client: &Client| {
        client.describe_instance_refreshes().auto_scaling_group_name(group).max_records(LATEST).send()
    };
    let answer = scaling.call(&DESCRIBE_INSTANCE_REFRESHES, send).await?;
    let rows = answer.instance_refreshes.unwrap_or_default().into_iter().map(refresh);
    rows.collect::<Result<_, _>>().map_err(|odd: &str| unexpected(&DESCRIBE_INSTANCE_REFRESHES, odd))
}

/// Begins a refresh.
pub(super) async fn start(
    aws: &Aws,
    cell: &Cell<'_>,
    group: &str,
    template: &TemplateRef,
) -> Result<String, Failure> {
    let desired = desired(aws, cell, group, template).await?;
    let scaling: Scaling<'_> = aws.at(cell.zone, &cell.region);
    let send = |client: &Client| {
        let request = client.start_instance_refresh().auto_scaling_group_name(group);
        let request = request.strategy(RefreshStrategy::Rolling).desired_configuration(desired.clone());
        request.preferences(preferences()).send()
    };
    let answer = scaling.change(&START_INSTANCE_REFRESH, &[group.into()], send).await?;
    answer.instance_refresh_id.ok_or_else(|| Failure {
        class: ErrorClass::Ambiguous,
        ..unexpected(&START_INSTANCE_REFRESH, "a refresh without an id")
    })
}

/// Calls the refresh of a group off.
pub(super) async fn cancel(aws: &Aws, cell: &Cell<'_>, group: &str) -> Result<(), Failure> {
    let scaling: Scaling<'_> = aws.at(cell.zone, &cell.region);
    let send = |client: &Client| client.cancel_instance_refresh().auto_scaling_group_name(group).send();
    scaling.change(&CANCEL_INSTANCE_REFRESH, &[group.into()], send).await.map(drop)
}

/// As the plan of an upgrade tells people.
fn preferences() -> RefreshPreferences {
    RefreshPreferences::builder()
        .min_healthy_percentage(100)
        .max_healthy_percentage(REFRESH_PERCENT_MAX.cast_signed())
        .skip_matching(true)
        .scale_in_protected_instances(ScaleInProtectedInstances::Wait)
        .standby_instances(StandbyInstances::Wait)
        .build()
}

/// What the group is to be made from. A mixed instances policy is given as a whole: it stays but for the version.
async fn desired(
    aws: &Aws,
    cell: &Cell<'_>,
    group: &str,
    template: &TemplateRef,
) -> Result<DesiredConfiguration, Failure> {
    let gone = || {
        let words = format!("there is no Auto Scaling group {group} any more");
        Failure::new(ErrorClass::NotFound, &code::NOT_FOUND, START_INSTANCE_REFRESH.iam, &words)
    };
    let row = groups::row(aws, cell, group).await?.ok_or_else(gone)?;
    Ok(configured(row.mixed_instances_policy, template))
}

fn configured(policy: Option<types::MixedInstancesPolicy>, template: &TemplateRef) -> DesiredConfiguration {
    let named = LaunchTemplateSpecification::builder()
        .launch_template_id(&template.id)
        .version(template.version.to_string())
        .build();
    let Some(mut policy) = policy else {
        return DesiredConfiguration::builder().launch_template(named).build();
    };
    let mut launched = policy.launch_template.unwrap_or_else(|| types::LaunchTemplate::builder().build());
    launched.launch_template_specification = Some(named);
    policy.launch_template = Some(launched);
    DesiredConfiguration::builder().mixed_instances_policy(policy).build()
}

fn refresh(row: types::InstanceRefresh) -> Result<InstanceRefresh, &'static str> {
    let status = row.status.as_ref().ok_or("a refresh without a status")?;
    let reason = row.status_reason.filter(|reason| !reason.is_empty());
    let told = match reason {
        Some(reason) => format!("{}: {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    };
    let desired = row.desired_configuration.and_then(|it| {
        let mixed = it.mixed_instances_policy.and_then(|it| it.launch_template);
        let named = it.launch_template.or(mixed.and_then(|it| it.launch_template_specification))?;
        Some((named.launch_template_id?, named.version.unwrap_or_default()))
    });
    Ok(InstanceRefresh {
        id: row.instance_refresh_id.ok_or("a refresh without an id")?,
        status: standing(status),
        told,
        desired,
        began_at: row.start_time.as_ref().and_then(timestamp),
        percent: row.percentage_complete.and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
    })
}

/// Source: EC2 Auto Scaling API reference, InstanceRefresh, Status. One that is not known is looked at again.
fn standing(status: &InstanceRefreshStatus) -> RefreshStatus {
    match status {
        InstanceRefreshStatus::Successful => RefreshStatus::Successful,
        InstanceRefreshStatus::Failed
        | InstanceRefreshStatus::RollbackFailed
        | InstanceRefreshStatus::RollbackSuccessful => RefreshStatus::Failed,
        InstanceRefreshStatus::Cancelled => RefreshStatus::Cancelled,
        InstanceRefreshStatus::Cancelling => RefreshStatus::Cancelling,
        _ => RefreshStatus::Active,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{InstancesDistribution, LaunchTemplate, MixedInstancesPolicy};

    use super::*;

    fn version(version: u32) -> TemplateRef {
        TemplateRef { id: "lt-1".to_owned(), version }
    }

    #[test]
    fn a_mixed_instances_policy_stays_but_for_the_version() {
        let plain = configured(None, &version(2));
        assert_eq!(plain.launch_template().and_then(|it| it.version()), Some("2"));
        let distribution = InstancesDistribution::builder().on_demand_base_capacity(1).build();
        let over = types::LaunchTemplateOverrides::builder().instance_type("m6i.large").build();
        let policy = MixedInstancesPolicy::builder()
            .instances_distribution(distribution.clone())
            .launch_template(LaunchTemplate::builder().overrides(over.clone()).build())
            .build();
        let mixed = configured(Some(policy), &version(3));
        assert_eq!(mixed.launch_template(), None);
        let policy = mixed.mixed_instances_policy().expect("a policy");
        assert_eq!(policy.instances_distribution(), Some(&distribution));
        let launched = policy.launch_template().expect("a template");
        assert_eq!(launched.overrides(), [over]);
        assert_eq!(launched.launch_template_specification().and_then(|it| it.version()), Some("3"));
    }

    #[test]
    fn a_refresh_that_was_rolled_back_has_failed_and_one_that_nobody_knows_goes_on() {
        let of = |status: &str| standing(&InstanceRefreshStatus::from(status));
        assert_eq!(of("RollbackSuccessful"), RefreshStatus::Failed);
        assert_eq!(of("RollbackInProgress"), RefreshStatus::Active);
        assert_eq!(of("Baking"), RefreshStatus::Active);
        assert_eq!(of("Something"), RefreshStatus::Active);
    }
}
