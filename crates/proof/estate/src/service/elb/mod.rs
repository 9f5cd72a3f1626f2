//! Elastic Load Balancing of the first generation: classic balancers and their instances.
//!
//! Rules: <https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/Welcome.html>.

mod describe;
mod instances;

use crate::call::{ApiError, Call, Operation, Requirement};
use crate::service::query;
use crate::world::ids::InstanceId;
use crate::world::{Region, World};

/// Every operation of the first generation.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(describe::DescribeLoadBalancerAttributes),
        Box::new(describe::DescribeLoadBalancers),
        Box::new(instances::DeregisterInstancesFromLoadBalancer),
        Box::new(instances::DescribeInstanceHealth),
        Box::new(instances::RegisterInstancesWithLoadBalancer),
    ]
}

fn not_found(name: &str) -> ApiError {
    ApiError::new(400, "LoadBalancerNotFound", format!("There is no ACTIVE Load Balancer named '{name}'"))
}

fn invalid_instance(id: impl std::fmt::Display) -> ApiError {
    ApiError::new(400, "InvalidInstance", format!("Could not find EC2 instance {id}."))
}

/// The number of the balancer a call names.
fn balancer(region: &Region, call: &Call) -> Result<usize, ApiError> {
    let name = query::required(call, "LoadBalancerName")?;
    region.balancing.classic_named(name).ok_or_else(|| not_found(name))
}

/// The instances a call names.
fn named(call: &Call) -> Result<Vec<InstanceId>, ApiError> {
    let given = call.query().structures("Instances.member");
    let given: Vec<&str> = given.iter().filter_map(|it| it.get("InstanceId")).collect();
    query::instance_ids(&given, |text| invalid_instance(text))
}

/// What an action needs on the balancer that a call names.
fn on_balancer(world: &World, call: &Call, action: &'static str) -> Vec<Requirement> {
    let name = call.query().get("LoadBalancerName").unwrap_or_default();
    let arn = format!("arn:aws:elasticloadbalancing:{}:{}:loadbalancer/{name}", call.region, call.account);
    let tags = query::region(world, call).ok().and_then(|region| {
        let number = region.balancing.classic_named(name)?;
        region.balancing.get(number).map(|it| &it.tags)
    });
    query::on(action, arn, "elasticloadbalancing", tags)
}
