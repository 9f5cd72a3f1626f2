//! DescribeLifecycleHooks.

use super::group;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::query;
use crate::wire::xml;
use crate::world::World;

/// DescribeLifecycleHooks: what holds instances on their way into and out of a group; in the estate, out of it.
pub(super) struct DescribeLifecycleHooks;

impl Operation for DescribeLifecycleHooks {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "DescribeLifecycleHooks"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("autoscaling:DescribeLifecycleHooks")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["AutoScalingGroupName", "LifecycleHookNames"])?;
        let region = query::region(world, call)?;
        let number = group(region, call)?;
        let names = call.query().list("LifecycleHookNames.member");
        let mut body = String::new();
        let Some(group) = region.scaling.get(number) else { return Ok(body) };
        xml::element(&mut body, "LifecycleHooks", |out| {
            for it in group.hooks.iter().filter(|it| names.is_empty() || names.contains(&it.name.as_str())) {
                let seconds = it.heartbeat.as_secs();
                xml::element(out, "member", |out| {
                    xml::text(out, "LifecycleHookName", &it.name);
                    xml::text(out, "AutoScalingGroupName", &group.name);
                    xml::text(out, "LifecycleTransition", "autoscaling:EC2_INSTANCE_TERMINATING");
                    xml::plain(out, "HeartbeatTimeout", seconds);
                    // Source: the API reference: the smaller of 172,800 seconds and 100 heartbeats.
                    xml::plain(out, "GlobalTimeout", (100 * seconds).min(172_800));
                    xml::text(out, "DefaultResult", "CONTINUE");
                });
            }
        });
        Ok(body)
    }
}
