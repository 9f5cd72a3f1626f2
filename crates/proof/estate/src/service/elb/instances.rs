//! Registering and deregistering instances with a classic balancer, and their health.

use super::{balancer, invalid_instance, named, not_found, on_balancer};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::query;
use crate::wire::xml;
use crate::world::balancing::{Finding, Phase, Pool, Target};
use crate::world::ids::InstanceId;
use crate::world::instance::InstanceState;
use crate::world::{Region, World};

/// RegisterInstancesWithLoadBalancer: instances get requests once they are in service.
pub(super) struct RegisterInstancesWithLoadBalancer;
/// DeregisterInstancesFromLoadBalancer: instances drain, and then get no more.
pub(super) struct DeregisterInstancesFromLoadBalancer;
/// DescribeInstanceHealth: whether instances are in service, and why not.
pub(super) struct DescribeInstanceHealth;

fn pool(region: &Region, number: usize) -> Result<&Pool, ApiError> {
    region.balancing.get(number).map(|it| &it.pool).ok_or_else(|| not_found(""))
}

fn registered(region: &Region, number: usize) -> Result<String, ApiError> {
    let pool = pool(region, number)?;
    let mut body = String::new();
    xml::element(&mut body, "Instances", |out| {
        for ((id, _), _) in pool.targets.iter().filter(|(_, target)| Target::is_registered(target)) {
            xml::element(out, "member", |out| xml::plain(out, "InstanceId", *id));
        }
    });
    Ok(body)
}

fn some(ids: &[InstanceId]) -> Result<(), ApiError> {
    if ids.is_empty() { Err(query::must_not_be_null("Instances")) } else { Ok(()) }
}

impl Operation for RegisterInstancesWithLoadBalancer {
    fn service(&self) -> Service {
        Service::ClassicElb
    }

    fn name(&self) -> &'static str {
        "RegisterInstancesWithLoadBalancer"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_balancer(world, call, "elasticloadbalancing:RegisterInstancesWithLoadBalancer")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["LoadBalancerName", "Instances"])?;
        let place = query::place(world, call)?;
        let number = balancer(place.region, call)?;
        let ids = named(call)?;
        some(&ids)?;
        let gone = |id: &&InstanceId| {
            let state = place.region.instances.get(**id).map(|it| it.state);
            matches!(state, None | Some(InstanceState::Terminated | InstanceState::ShuttingDown))
        };
        if let Some(id) = ids.iter().find(gone) {
            return Err(invalid_instance(id));
        }
        let port = pool(place.region, number)?.port;
        for id in ids {
            place.region.register_target(number, (id, port), call.now);
        }
        registered(place.region, number)
    }
}

impl Operation for DeregisterInstancesFromLoadBalancer {
    fn service(&self) -> Service {
        Service::ClassicElb
    }

    fn name(&self) -> &'static str {
        "DeregisterInstancesFromLoadBalancer"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_balancer(world, call, "elasticloadbalancing:DeregisterInstancesFromLoadBalancer")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["LoadBalancerName", "Instances"])?;
        let place = query::place(world, call)?;
        let number = balancer(place.region, call)?;
        let ids = named(call)?;
        some(&ids)?;
        let port = pool(place.region, number)?.port;
        if let Some(id) = ids
            .iter()
            .find(|id| !pool(place.region, number).is_ok_and(|it| it.targets.contains_key(&(**id, port))))
        {
            return Err(invalid_instance(id));
        }
        for id in ids {
            place.region.deregister_target(number, (id, port), call.now);
        }
        registered(place.region, number)
    }
}

impl Operation for DescribeInstanceHealth {
    fn service(&self) -> Service {
        Service::ClassicElb
    }

    fn name(&self) -> &'static str {
        "DescribeInstanceHealth"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_balancer(world, call, "elasticloadbalancing:DescribeInstanceHealth")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["LoadBalancerName", "Instances"])?;
        let place = query::place(world, call)?;
        let number = balancer(place.region, call)?;
        let asked = named(call)?;
        let keys: Vec<_> = pool(place.region, number)?.targets.keys().copied().collect();
        for (id, _) in &keys {
            place.region.check_target(*id, call.now);
        }
        let pool = pool(place.region, number)?;
        let find = |id: InstanceId| pool.targets.get(&(id, pool.port));
        if let Some(id) = asked.iter().find(|id| find(**id).is_none()) {
            return Err(invalid_instance(id));
        }
        let shown: Vec<InstanceId> =
            if asked.is_empty() { pool.targets.keys().map(|key| key.0).collect() } else { asked };
        let mut body = String::new();
        xml::element(&mut body, "InstanceStates", |out| {
            for id in shown {
                let (state, reason, description) = health(find(id));
                xml::element(out, "member", |out| {
                    xml::plain(out, "InstanceId", id);
                    xml::text(out, "State", state);
                    xml::text(out, "ReasonCode", reason);
                    xml::text(out, "Description", description);
                });
            }
        });
        Ok(body)
    }
}

/// State, reason and description in the service's words.
fn health(target: Option<&Target>) -> (&'static str, &'static str, &'static str) {
    const OUT: &str = "OutOfService";
    match target.map(|target| (target.phase, target.finding)) {
        Some((Phase::Healthy, finding)) if finding != Finding::Off => ("InService", "N/A", "N/A"),
        Some((Phase::Draining { .. }, _)) => {
            ("InService", "N/A", "Instance deregistration currently in progress.")
        }
        Some((_, Finding::Off)) => (OUT, "Instance", "Instance is in stopped state."),
        Some((Phase::Initial, _)) => (OUT, "ELB", "Instance registration is still in progress."),
        Some(_) => (
            OUT,
            "Instance",
            "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
        ),
        None => (OUT, "Instance", "Instance is not currently registered with the LoadBalancer."),
    }
}
