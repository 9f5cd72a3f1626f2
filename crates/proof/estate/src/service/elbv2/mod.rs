//! Elastic Load Balancing of the second generation: application and network balancers, their target
//! groups and targets.
//!
//! Rules: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html>.

mod describe;
mod targets;

use crate::call::{ApiError, Call, Operation, Requirement};
use crate::service::query;
use crate::world::balancing::{Balancer, Kind};
use crate::world::{Region, World};

/// Every operation of the second generation.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(describe::DescribeLoadBalancers),
        Box::new(describe::DescribeTags),
        Box::new(describe::DescribeTargetGroupAttributes),
        Box::new(describe::DescribeTargetGroups),
        Box::new(targets::DeregisterTargets),
        Box::new(targets::DescribeTargetHealth),
        Box::new(targets::RegisterTargets),
    ]
}

fn group_not_found() -> ApiError {
    ApiError::new(400, "TargetGroupNotFound", "One or more target groups not found")
}

fn balancer_not_found(arn: &str) -> ApiError {
    ApiError::new(400, "LoadBalancerNotFound", format!("Load balancer '{arn}' not found"))
}

/// The number of the balancer whose target group a call names.
fn group(region: &Region, call: &Call) -> Result<usize, ApiError> {
    let arn = query::required(call, "TargetGroupArn")?;
    if !arn.starts_with("arn:") || !arn.contains(":targetgroup/") {
        return Err(query::invalid(format!("'{arn}' is not a valid target group ARN")));
    }
    let number = region.balancing.with_pool(arn).ok_or_else(group_not_found)?;
    region.balancing.get(number).filter(|it| it.kind != Kind::Classic).ok_or_else(group_not_found)?;
    Ok(number)
}

/// What an action needs on the target group that a call names.
fn on_group(world: &World, call: &Call, action: &'static str) -> Vec<Requirement> {
    let arn = call.query().get("TargetGroupArn").unwrap_or("*");
    let found = query::region(world, call).ok().and_then(|region| {
        let number = region.balancing.with_pool(arn)?;
        region.balancing.get(number)
    });
    query::on(action, arn.to_owned(), "elasticloadbalancing", found.map(|it: &Balancer| &it.pool.tags))
}
