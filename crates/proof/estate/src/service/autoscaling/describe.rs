//! DescribeAutoScalingGroups, DescribeAutoScalingInstances and DescribeScalingActivities.

use super::{activity, group};
use crate::call::{ApiError, Call, Operation, QueryParams, Requirement, Service};
use crate::service::query::{self, Page};
use crate::wire::xml;
use crate::world::ids::{InstanceId, LaunchTemplateId};
use crate::world::scaling::{Group, Member, Source};
use crate::world::{Region, World};

/// Instances of one DescribeAutoScalingInstances call, at most.
const MAX_IDS: usize = 50;

/// DescribeAutoScalingGroups: groups with their instances.
pub(super) struct DescribeAutoScalingGroups;
/// DescribeAutoScalingInstances: instances of any group.
pub(super) struct DescribeAutoScalingInstances;
/// DescribeScalingActivities: what groups did, the latest first.
pub(super) struct DescribeScalingActivities;

fn pages(call: &Call, usual: usize, most: usize) -> Result<Page, ApiError> {
    Page::read(call, ("NextToken", "MaxRecords"), (usual, most), "InvalidNextToken")
}

impl Operation for DescribeAutoScalingGroups {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "DescribeAutoScalingGroups"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("autoscaling:DescribeAutoScalingGroups")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(
            call,
            &["AutoScalingGroupNames", "IncludeInstances", "NextToken", "MaxRecords", "Filters"],
        )?;
        let page = pages(call, 50, 100)?;
        let region = query::region(world, call)?;
        let names = call.query().list("AutoScalingGroupNames.member");
        let filters = call.query().structures("Filters.member");
        if let Some(odd) = filters.iter().find(|filter| !is_known(filter)) {
            let name = odd.get("Name").unwrap_or_default();
            return Err(query::invalid(format!("Filter type {name} is not correct.")));
        }
        // Names that no group has are left out, not refused.
        let wanted = |group: &&Group| {
            (names.is_empty() || names.contains(&&*group.name)) && filters.iter().all(|f| fits(f, group))
        };
        let all: Vec<&Group> = region.scaling.iter().filter(wanted).collect();
        let with_instances = call.query().get("IncludeInstances") != Some("false");
        let mut body = String::new();
        xml::element(&mut body, "AutoScalingGroups", |out| {
            for it in all.iter().skip(page.from).take(page.size) {
                xml::element(out, "member", |out| {
                    description(out, it, region);
                    xml::element(out, "Instances", |out| {
                        for (id, member) in it.members.iter().filter(|_| with_instances) {
                            xml::element(out, "member", |out| instance(out, (region, it), *id, member));
                        }
                    });
                });
            }
        });
        xml::text_if(&mut body, "NextToken", page.next(call, all.len()).as_deref());
        Ok(body)
    }
}

fn is_known(filter: &QueryParams) -> bool {
    let name = filter.get("Name").unwrap_or_default();
    matches!(name, "tag-key" | "tag-value") || name.starts_with("tag:")
}

fn fits(filter: &QueryParams, group: &Group) -> bool {
    let (name, values) = (filter.get("Name").unwrap_or_default(), filter.list("Values.member"));
    match name {
        "tag-key" => group.tags.iter().any(|(key, _)| values.contains(&key)),
        "tag-value" => group.tags.iter().any(|(_, value)| values.contains(&value)),
        _ => name
            .strip_prefix("tag:")
            .and_then(|key| group.tags.get(key))
            .is_some_and(|value| values.contains(&value)),
    }
}

fn description(out: &mut String, it: &Group, region: &Region) {
    xml::text(out, "AutoScalingGroupName", &it.name);
    xml::text(out, "AutoScalingGroupARN", &it.arn);
    source(out, it, region);
    xml::plain(out, "MinSize", it.min);
    xml::plain(out, "MaxSize", it.max);
    xml::plain(out, "DesiredCapacity", it.desired);
    xml::plain(out, "DefaultCooldown", 300);
    xml::element(out, "AvailabilityZones", |out| {
        it.subnets.iter().for_each(|subnet| xml::text(out, "member", &subnet.zone));
    });
    let pools = || it.balancers.iter().filter_map(|number| region.balancing.get(*number));
    let classic = |arn: &str| !arn.contains(":targetgroup/");
    xml::element(out, "LoadBalancerNames", |out| {
        pools().filter(|it| classic(&it.pool.arn)).for_each(|it| xml::text(out, "member", &it.name));
    });
    xml::element(out, "TargetGroupARNs", |out| {
        pools().filter(|it| !classic(&it.pool.arn)).for_each(|it| xml::text(out, "member", &it.pool.arn));
    });
    xml::text(out, "HealthCheckType", it.check.name());
    xml::plain(out, "HealthCheckGracePeriod", it.grace.as_secs());
    xml::text(out, "CreatedTime", &query::time(it.created_at));
    xml::element(out, "SuspendedProcesses", |out| {
        for (process, since) in &it.suspended {
            xml::element(out, "member", |out| {
                xml::text(out, "ProcessName", process.name());
                xml::text(out, "SuspensionReason", &format!("User suspended at {}", query::time(*since)));
            });
        }
    });
    let subnets: Vec<String> = it.subnets.iter().map(|subnet| subnet.id.to_string()).collect();
    xml::text(out, "VPCZoneIdentifier", &subnets.join(","));
    xml::element(out, "EnabledMetrics", |_| {});
    xml::element(out, "Tags", |out| {
        for (key, value) in it.tags.iter() {
            xml::element(out, "member", |out| {
                xml::text(out, "ResourceId", &it.name);
                xml::text(out, "ResourceType", "auto-scaling-group");
                xml::text(out, "Key", key);
                xml::text(out, "Value", value);
                xml::plain(out, "PropagateAtLaunch", true);
            });
        }
    });
    xml::element(out, "TerminationPolicies", |out| xml::text(out, "member", "Default"));
    xml::plain(out, "NewInstancesProtectedFromScaleIn", false);
}

/// What a group is made from.
fn source(out: &mut String, it: &Group, region: &Region) {
    match &it.source {
        Source::Unknown => named_template(out, &it.name),
        Source::Configuration(name) => xml::text(out, "LaunchConfigurationName", name),
        Source::Template { id, version } => template(out, region, *id, version),
    }
}

pub(super) fn template(out: &mut String, region: &Region, id: LaunchTemplateId, version: &str) {
    xml::element(out, "LaunchTemplate", |out| {
        xml::plain(out, "LaunchTemplateId", id);
        xml::text_if(out, "LaunchTemplateName", region.launch_templates.get(&id).map(|it| it.name.as_str()));
        xml::text(out, "Version", version);
    });
}

/// The launch template, of which the estate knows no more than the name.
fn named_template(out: &mut String, group: &str) {
    xml::element(out, "LaunchTemplate", |out| {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "().-/_".contains(c) { c } else { '-' };
        let name: String = group.chars().take(120).map(plain).collect();
        xml::text(out, "LaunchTemplateName", &format!("lt-{name}"));
        xml::text(out, "Version", "1");
    });
}

/// What both ways of listing say of an instance.
fn instance(out: &mut String, (region, group): (&Region, &Group), id: InstanceId, member: &Member) {
    xml::plain(out, "InstanceId", id);
    if let Some(it) = region.instances.get(id) {
        xml::text(out, "InstanceType", it.instance_type.name);
        xml::text(out, "AvailabilityZone", &it.subnet.zone);
    }
    xml::text(out, "LifecycleState", member.lifecycle.name());
    xml::text(out, "HealthStatus", member.mark.name());
    match (&group.source, member.template_version) {
        (Source::Template { id, .. }, Some(version)) => template(out, region, *id, &version.to_string()),
        (Source::Configuration(name), _) => xml::text(out, "LaunchConfigurationName", name),
        _ => {}
    }
    xml::plain(out, "ProtectedFromScaleIn", group.protected.contains(&id));
}

impl Operation for DescribeAutoScalingInstances {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "DescribeAutoScalingInstances"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("autoscaling:DescribeAutoScalingInstances")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["InstanceIds", "MaxRecords", "NextToken"])?;
        let page = pages(call, MAX_IDS, MAX_IDS)?;
        let region = query::region(world, call)?;
        let given = call.query().list("InstanceIds.member");
        if given.len() > MAX_IDS {
            return Err(query::invalid(format!(
                "The number of instance ids that may be passed in is limited to {MAX_IDS}"
            )));
        }
        let wrong = |text: &str| query::invalid(format!("The instance id {text} is not valid"));
        let ids = query::instance_ids(&given, wrong)?;
        // Ids of instances that are in no group are left out, not refused.
        let all: Vec<(&Group, InstanceId, &Member)> = region
            .scaling
            .iter()
            .flat_map(|group| group.members.iter().map(move |(id, member)| (group, *id, member)))
            .filter(|(_, id, _)| ids.is_empty() || ids.contains(id))
            .collect();
        let mut body = String::new();
        xml::element(&mut body, "AutoScalingInstances", |out| {
            for (group, id, member) in all.iter().skip(page.from).take(page.size) {
                xml::element(out, "member", |out| {
                    instance(out, (region, group), *id, member);
                    xml::text(out, "AutoScalingGroupName", &group.name);
                    if group.source == Source::Unknown {
                        named_template(out, &group.name);
                    }
                });
            }
        });
        xml::text_if(&mut body, "NextToken", page.next(call, all.len()).as_deref());
        Ok(body)
    }
}

impl Operation for DescribeScalingActivities {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "DescribeScalingActivities"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("autoscaling:DescribeScalingActivities")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["ActivityIds", "AutoScalingGroupName", "MaxRecords", "NextToken"])?;
        let page = pages(call, 100, 100)?;
        let region = query::region(world, call)?;
        let only = match call.query().get("AutoScalingGroupName") {
            Some(_) => Some(group(region, call)?),
            None => None,
        };
        let ids = call.query().list("ActivityIds.member");
        let of = |(number, group): (usize, _)| only.is_none_or(|only| only == number).then_some(group);
        let groups = region.scaling.iter().enumerate().filter_map(of);
        let mut all: Vec<(&Group, _)> =
            groups.flat_map(|group: &Group| group.activities.iter().map(move |it| (group, it))).collect();
        all.retain(|(_, it)| ids.is_empty() || ids.contains(&crate::world::command::uuid(it.id).as_str()));
        all.sort_by_key(|(_, it)| std::cmp::Reverse(it.began));
        let mut body = String::new();
        xml::element(&mut body, "Activities", |out| {
            for (group, it) in all.iter().skip(page.from).take(page.size) {
                activity(out, group, it, call.now);
            }
        });
        xml::text_if(&mut body, "NextToken", page.next(call, all.len()).as_deref());
        Ok(body)
    }
}
