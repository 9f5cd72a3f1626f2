//! RegisterTargets, DeregisterTargets and DescribeTargetHealth.

use super::{group, on_group};
use crate::call::{ApiError, Call, Operation, QueryParams, Requirement, Service};
use crate::service::query;
use crate::wire::xml;
use crate::world::balancing::{Finding, Kind, Phase, Pool, Target, TargetKey};
use crate::world::ids::InstanceId;
use crate::world::instance::InstanceState;
use crate::world::{Region, World};

/// Targets of a group, at most (ELB user guides, "Quotas").
const MAX_TARGETS: usize = 1_000;

/// RegisterTargets: running instances get requests once they are healthy.
pub(super) struct RegisterTargets;
/// DeregisterTargets: instances drain, and then get no more.
pub(super) struct DeregisterTargets;
/// DescribeTargetHealth: how targets are, and why.
pub(super) struct DescribeTargetHealth;

fn invalid_target(message: String) -> ApiError {
    ApiError::new(400, "InvalidTarget", message)
}

/// The targets a call names, on the group's port where it names none.
fn named(call: &Call, pool: &Pool) -> Result<Vec<TargetKey>, ApiError> {
    let read = |given: QueryParams| {
        let text = given.get("Id").ok_or_else(|| query::must_not_be_null("Targets.1.Id"))?;
        let id = InstanceId::parse(text)
            .map_err(|_| query::invalid(format!("Instance ID '{text}' is not valid")))?;
        let port =
            match given.get("Port") {
                None => pool.port,
                Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                    query::invalid(format!("Port '{port}' must be a number from 1 to 65535"))
                })?,
            };
        Ok((id, port))
    };
    call.query().structures("Targets.member").into_iter().map(read).collect()
}

fn some(targets: &[TargetKey]) -> Result<(), ApiError> {
    match targets.is_empty() {
        true => Err(query::must_not_be_null("Targets")),
        false => Ok(()),
    }
}

fn pool(region: &Region, number: usize) -> Result<&Pool, ApiError> {
    region.balancing.get(number).map(|it| &it.pool).ok_or_else(super::group_not_found)
}

impl Operation for RegisterTargets {
    fn service(&self) -> Service {
        Service::Elbv2
    }

    fn name(&self) -> &'static str {
        "RegisterTargets"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "elasticloadbalancing:RegisterTargets")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["TargetGroupArn", "Targets"])?;
        let place = query::place(world, call)?;
        let number = group(place.region, call)?;
        let pool = pool(place.region, number)?;
        let targets = named(call, pool)?;
        some(&targets)?;
        let state = |id: InstanceId| place.region.instances.get(id).map(|it| it.state);
        let of = |wanted: &dyn Fn(Option<InstanceState>) -> bool| {
            let ids: Vec<String> =
                targets.iter().filter(|key| wanted(state(key.0))).map(|key| format!("'{}'", key.0)).collect();
            ids.join(", ")
        };
        let gone = of(&|state| matches!(state, None | Some(InstanceState::Terminated)));
        if !gone.is_empty() {
            return Err(invalid_target(format!("The following targets are not valid instances: {gone}")));
        }
        let idle = of(&|state| state != Some(InstanceState::Running));
        if !idle.is_empty() {
            return Err(invalid_target(format!(
                "The following targets are not in a running state and cannot be registered: {idle}"
            )));
        }
        if pool.targets.len() + targets.iter().filter(|key| !pool.targets.contains_key(*key)).count()
            > MAX_TARGETS
        {
            let message = "The maximum number of targets for the target group has been reached";
            return Err(ApiError::new(400, "TooManyTargets", message));
        }
        for key in targets {
            place.region.register_target(number, key, call.now);
        }
        Ok(String::new())
    }
}

impl Operation for DeregisterTargets {
    fn service(&self) -> Service {
        Service::Elbv2
    }

    fn name(&self) -> &'static str {
        "DeregisterTargets"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "elasticloadbalancing:DeregisterTargets")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["TargetGroupArn", "Targets"])?;
        let place = query::place(world, call)?;
        let number = group(place.region, call)?;
        let targets = named(call, pool(place.region, number)?)?;
        some(&targets)?;
        // One that is not registered is no error: the answer is the same as for one that was.
        for key in targets {
            place.region.deregister_target(number, key, call.now);
        }
        Ok(String::new())
    }
}

impl Operation for DescribeTargetHealth {
    fn service(&self) -> Service {
        Service::Elbv2
    }

    fn name(&self) -> &'static str {
        "DescribeTargetHealth"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("elasticloadbalancing:DescribeTargetHealth")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["TargetGroupArn", "Targets"])?;
        let place = query::place(world, call)?;
        let number = group(place.region, call)?;
        let asked = named(call, pool(place.region, number)?)?;
        let all: Vec<InstanceId> = pool(place.region, number)?.targets.keys().map(|key| key.0).collect();
        for id in all {
            place.region.check_target(id, call.now);
        }
        let pool = pool(place.region, number)?;
        let shown: Vec<TargetKey> =
            if asked.is_empty() { pool.targets.keys().copied().collect() } else { asked };
        let kind = place.region.balancing.get(number).map_or(Kind::Application, |it| it.kind);
        let mut body = String::new();
        xml::element(&mut body, "TargetHealthDescriptions", |out| {
            for key in shown {
                xml::element(out, "member", |out| {
                    xml::element(out, "Target", |out| {
                        xml::plain(out, "Id", key.0);
                        xml::plain(out, "Port", key.1);
                    });
                    xml::plain(out, "HealthCheckPort", key.1);
                    let state = place.region.instances.get(key.0).map(|it| it.state);
                    xml::element(out, "TargetHealth", |out| {
                        health(out, pool.targets.get(&key), state, kind);
                    });
                });
            }
        });
        Ok(body)
    }
}

/// A target's state with its reason; a healthy one needs none.
fn health(out: &mut String, target: Option<&Target>, state: Option<InstanceState>, kind: Kind) {
    let (state, reason, description) = match target {
        None => ("unused", "Target.NotRegistered", "Target is not registered to the target group".to_owned()),
        Some(target) => match (target.phase, target.finding) {
            (Phase::Draining { .. }, _) => (
                "draining",
                "Target.DeregistrationInProgress",
                "Target deregistration is in progress".to_owned(),
            ),
            (_, Finding::Off) => {
                let state = state.map_or("terminated", InstanceState::name);
                ("unused", "Target.InvalidState", format!("Target is in the {state} state"))
            }
            (Phase::Initial, _) if kind == Kind::Network => {
                ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress".to_owned())
            }
            (Phase::Initial, _) => {
                ("initial", "Elb.RegistrationInProgress", "Target registration is in progress".to_owned())
            }
            (Phase::Healthy, _) => return xml::text(out, "State", "healthy"),
            (Phase::Unhealthy, _) => {
                ("unhealthy", "Target.FailedHealthChecks", "Health checks failed".to_owned())
            }
        },
    };
    xml::text(out, "State", state);
    xml::text(out, "Reason", reason);
    xml::text(out, "Description", &description);
}
