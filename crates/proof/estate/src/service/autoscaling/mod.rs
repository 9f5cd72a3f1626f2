//! Auto Scaling: groups, their instances, standby, suspended processes, instance refreshes and lifecycle hooks.
//!
//! Rules: <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/Welcome.html>.

mod describe;
mod hooks;
mod processes;
mod refreshes;
mod standby;

use jiff::Timestamp;

use crate::call::{ApiError, Call, Operation, Requirement};
use crate::service::query;
use crate::wire::xml;
use crate::world::scaling::{Activity, Group};
use crate::world::{Region, World};

/// Every Auto Scaling operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(refreshes::CancelInstanceRefresh),
        Box::new(describe::DescribeAutoScalingGroups),
        Box::new(describe::DescribeAutoScalingInstances),
        Box::new(refreshes::DescribeInstanceRefreshes),
        Box::new(hooks::DescribeLifecycleHooks),
        Box::new(describe::DescribeScalingActivities),
        Box::new(processes::ResumeProcesses),
        Box::new(processes::SuspendProcesses),
        Box::new(standby::EnterStandby),
        Box::new(standby::ExitStandby),
        Box::new(refreshes::StartInstanceRefresh),
    ]
}

/// The number of the group a call names.
fn group(region: &Region, call: &Call) -> Result<usize, ApiError> {
    let name = query::required(call, "AutoScalingGroupName")?;
    let missing =
        || query::invalid(format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"));
    region.scaling.named(name).ok_or_else(missing)
}

/// What an action needs on the group that a call names.
fn on_group(world: &World, call: &Call, action: &'static str) -> Vec<Requirement> {
    let name = call.query().get("AutoScalingGroupName").unwrap_or_default();
    let found = query::region(world, call)
        .ok()
        .and_then(|region| region.scaling.named(name).and_then(|number| region.scaling.get(number)));
    let arn = found.map(|group| group.arn.clone()).unwrap_or_else(|| {
        format!(
            "arn:aws:autoscaling:{}:{}:autoScalingGroup:*:autoScalingGroupName/{name}",
            call.region, call.account
        )
    });
    query::on(action, arn, "autoscaling", found.map(|group| &group.tags))
}

/// Something a group did, as it looks now.
fn activity(out: &mut String, group: &Group, it: &Activity, now: Timestamp) {
    let over = it.ends <= now;
    xml::element(out, "member", |out| {
        xml::text(out, "ActivityId", &crate::world::command::uuid(it.id));
        xml::text(out, "AutoScalingGroupName", &group.name);
        xml::text(out, "Description", &it.description);
        xml::text(out, "Cause", &it.cause);
        xml::text(out, "StartTime", &query::time(it.began));
        if over {
            xml::text(out, "EndTime", &query::time(it.ends));
        }
        xml::text(out, "StatusCode", if over { "Successful" } else { "InProgress" });
        xml::plain(out, "Progress", if over { 100 } else { 50 });
        xml::text(out, "Details", "{}");
        xml::text(out, "AutoScalingGroupARN", &group.arn);
    });
}
