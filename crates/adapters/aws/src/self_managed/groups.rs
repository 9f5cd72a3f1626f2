use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Filter, Instance, LaunchTemplateSpecification, MixedInstancesPolicy,
};
use fleetwright_eks::facts::nodes::{GroupInstance, MixedPolicy};
use fleetwright_model::{Cell, Failure};
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::self_managed::{GroupDescription, GroupSource};
use futures::FutureExt;

use super::{Scaling, whole};
use crate::Aws;
use crate::operations::DESCRIBE_AUTO_SCALING_GROUPS;
use crate::pages::{Page, pages};

/// Rows per page. Source: EC2 Auto Scaling API reference, DescribeAutoScalingGroups, MaxRecords.
const PAGE: i32 = 100;
/// The tag of groups that EKS keeps. Source: EKS User Guide, "Simplify node lifecycle with managed node groups".
const MANAGED: &str = "eks:nodegroup-name";

/// Which groups are asked for.
enum Wanted {
    Named(String),
    Tagged(Filter),
}

/// The groups of one's own that are tagged as a cluster's, by name.
pub(super) async fn of_cluster(
    aws: &Aws,
    cell: &Cell<'_>,
    cluster: &ClusterName,
) -> Result<Vec<GroupDescription>, Failure> {
    let tag = format!("tag:kubernetes.io/cluster/{cluster}");
    let rows = listed(aws, cell, Wanted::Tagged(Filter::builder().name(tag).values("owned").build())).await?;
    let own = rows.into_iter().filter(|row| !is_of_eks(row));
    let mut groups: Vec<GroupDescription> = own.map(description).collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(groups)
}

/// A group by its name.
pub(super) async fn named(
    aws: &Aws,
    cell: &Cell<'_>,
    name: &str,
) -> Result<Option<GroupDescription>, Failure> {
    Ok(row(aws, cell, name).await?.map(description))
}

/// The same as Auto Scaling shows it.
pub(super) async fn row(aws: &Aws, cell: &Cell<'_>, name: &str) -> Result<Option<AutoScalingGroup>, Failure> {
    Ok(listed(aws, cell, Wanted::Named(name.to_owned())).await?.into_iter().next())
}

async fn listed(aws: &Aws, cell: &Cell<'_>, wanted: Wanted) -> Result<Vec<AutoScalingGroup>, Failure> {
    let scaling: &Scaling<'_> = &aws.at(cell.zone, &cell.region);
    let wanted = &wanted;
    let found = pages(
        &DESCRIBE_AUTO_SCALING_GROUPS,
        |row: &AutoScalingGroup| row.auto_scaling_group_name.as_deref().unwrap_or_default(),
        |token| {
            let send = move |client: &aws_sdk_autoscaling::Client| {
                let request = client.describe_auto_scaling_groups().max_records(PAGE);
                let request = match wanted {
                    Wanted::Named(name) => request.auto_scaling_group_names(name),
                    Wanted::Tagged(filter) => request.filters(filter.clone()),
                };
                request.set_next_token(token.clone()).send()
            };
            async move {
                let answer = scaling.call(&DESCRIBE_AUTO_SCALING_GROUPS, send).await?;
                let rows = answer.auto_scaling_groups.unwrap_or_default().into_iter();
                let named = rows.map(|row| match &row.auto_scaling_group_name {
                    Some(_) => Ok(row),
                    None => Err("a missing Auto Scaling group name".to_owned()),
                });
                Ok(Page::of(named, answer.next_token))
            }
            .boxed()
        },
    );
    whole(found.await)
}

fn is_of_eks(row: &AutoScalingGroup) -> bool {
    row.tags().iter().any(|tag| tag.key() == Some(MANAGED))
}

fn description(row: AutoScalingGroup) -> GroupDescription {
    let count = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    let source = source(&row);
    let processes = row.suspended_processes.unwrap_or_default().into_iter();
    let mut suspended: Vec<String> = processes.filter_map(|it| it.process_name).collect();
    suspended.sort_unstable();
    GroupDescription {
        name: row.auto_scaling_group_name.unwrap_or_default(),
        arn: row.auto_scaling_group_arn.unwrap_or_default(),
        size: (count(row.min_size), count(row.desired_capacity), count(row.max_size)),
        subnet_ids: subnets(row.vpc_zone_identifier.as_deref().unwrap_or_default()),
        source,
        suspended,
        instances: row.instances.unwrap_or_default().into_iter().filter_map(instance).collect(),
    }
}

/// The subnets of a list that commas part.
fn subnets(listed: &str) -> Vec<String> {
    listed.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn instance(row: Instance) -> Option<GroupInstance> {
    let version = row.launch_template.and_then(|template| template.version);
    Some(GroupInstance {
        id: row.instance_id?,
        template_version: version.and_then(|version| version.parse().ok()),
        protected: row.protected_from_scale_in.unwrap_or(false),
    })
}

fn source(row: &AutoScalingGroup) -> GroupSource {
    let named = |template: &LaunchTemplateSpecification, mixed| match template.launch_template_id() {
        Some(id) => {
            let version = template.version().unwrap_or("$Default").to_owned();
            GroupSource::Template { id: id.to_owned(), version, mixed }
        }
        None => GroupSource::Unclear,
    };
    match (&row.launch_template, &row.mixed_instances_policy, &row.launch_configuration_name) {
        (Some(template), _, _) => named(template, None),
        (None, Some(policy), _) if has_one_template(policy) => {
            let template = policy.launch_template().and_then(|it| it.launch_template_specification());
            template.map_or(GroupSource::Unclear, |template| named(template, Some(mixed(policy))))
        }
        (None, None, Some(_)) => GroupSource::Configuration,
        _ => GroupSource::Unclear,
    }
}

/// What a policy says beside its template. Where it says nothing of purchases, all instances are On-Demand.
/// Source: EC2 Auto Scaling API reference, InstancesDistribution.
fn mixed(policy: &MixedInstancesPolicy) -> MixedPolicy {
    let overrides = policy.launch_template().map(|it| it.overrides()).unwrap_or_default();
    let distribution = policy.instances_distribution();
    let base = distribution.and_then(|it| it.on_demand_base_capacity()).unwrap_or(0);
    let percent = distribution.and_then(|it| it.on_demand_percentage_above_base_capacity()).unwrap_or(100);
    MixedPolicy {
        instance_types: overrides.iter().filter_map(|it| it.instance_type()).map(str::to_owned).collect(),
        by_requirements: overrides.iter().any(|it| it.instance_requirements().is_some()),
        on_demand: base > 0 || percent > 0,
        spot: percent < 100,
    }
}

/// Whether no override of a policy names a template or an image of its own.
fn has_one_template(policy: &MixedInstancesPolicy) -> bool {
    let overrides = policy.launch_template().map(|it| it.overrides()).unwrap_or_default();
    overrides.iter().all(|it| it.launch_template_specification().is_none() && it.image_id().is_none())
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{
        InstanceRequirements, InstancesDistribution, LaunchTemplate, LaunchTemplateOverrides,
    };

    use super::*;

    fn template(version: &str) -> LaunchTemplateSpecification {
        LaunchTemplateSpecification::builder().launch_template_id("lt-1").version(version).build()
    }

    fn policy(overrides: LaunchTemplateOverrides) -> MixedInstancesPolicy {
        let named =
            LaunchTemplate::builder().launch_template_specification(template("3")).overrides(overrides);
        MixedInstancesPolicy::builder().launch_template(named.build()).build()
    }

    fn of_policy(policy: MixedInstancesPolicy) -> GroupSource {
        source(&AutoScalingGroup::builder().mixed_instances_policy(policy).build())
    }

    fn m6i() -> LaunchTemplateOverrides {
        LaunchTemplateOverrides::builder().instance_type("m6i.large").build()
    }

    #[test]
    fn what_a_group_is_made_from_is_told_apart() {
        let plain = AutoScalingGroup::builder().launch_template(template("$Latest")).build();
        let of = |version: &str, mixed| GroupSource::Template {
            id: "lt-1".to_owned(),
            version: version.to_owned(),
            mixed,
        };
        assert_eq!(source(&plain), of("$Latest", None));
        let mixed = MixedPolicy {
            instance_types: vec!["m6i.large".to_owned()],
            by_requirements: false,
            on_demand: true,
            spot: false,
        };
        assert_eq!(of_policy(policy(m6i())), of("3", Some(mixed)));
        let own = LaunchTemplateOverrides::builder().launch_template_specification(template("4")).build();
        assert_eq!(of_policy(policy(own)), GroupSource::Unclear, "several templates");
        let old = AutoScalingGroup::builder().launch_configuration_name("old").build();
        assert_eq!(source(&old), GroupSource::Configuration);
        assert_eq!(source(&AutoScalingGroup::builder().build()), GroupSource::Unclear);
    }

    #[test]
    fn a_policy_tells_how_instances_are_bought_and_whether_types_are_chosen() {
        let bought = |base: i32, percent: i32| {
            let distribution = InstancesDistribution::builder()
                .on_demand_base_capacity(base)
                .on_demand_percentage_above_base_capacity(percent)
                .build();
            let mut policy = policy(m6i());
            policy.instances_distribution = Some(distribution);
            let MixedPolicy { on_demand, spot, .. } = mixed(&policy);
            (on_demand, spot)
        };
        assert_eq!(bought(0, 100), (true, false));
        assert_eq!(bought(0, 0), (false, true));
        assert_eq!(bought(2, 0), (true, true));
        assert_eq!(bought(0, 30), (true, true));
        let wanted = InstanceRequirements::builder().build();
        let chosen = mixed(&policy(LaunchTemplateOverrides::builder().instance_requirements(wanted).build()));
        assert!(chosen.by_requirements && chosen.instance_types.is_empty());
    }

    #[test]
    fn subnets_are_listed_with_commas() {
        assert_eq!(subnets("subnet-1, subnet-2"), ["subnet-1", "subnet-2"]);
        assert!(subnets("").is_empty(), "a group of EC2-Classic has none");
    }
}
