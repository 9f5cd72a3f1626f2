//! EnterStandby and ExitStandby.

use super::{activity, group, on_group};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::query;
use crate::wire::xml;
use crate::world::World;
use crate::world::ids::InstanceId;
use crate::world::scaling::life::{self, Capacity};
use crate::world::scaling::{Activity, Group, Lifecycle};

/// EnterStandby: takes instances out of service, and keeps them.
pub(super) struct EnterStandby;
/// ExitStandby: puts them back.
pub(super) struct ExitStandby;

/// The members a call names, each of which must be in that state.
fn members(call: &Call, group: &Group, wanted: &Lifecycle) -> Result<Vec<InstanceId>, ApiError> {
    let given = call.query().list("InstanceIds.member");
    if given.is_empty() {
        return Err(query::invalid("Instance IDs cannot be empty for EnterStandby and ExitStandby"));
    }
    let outsider = |text: &str| {
        query::invalid(format!("The instance {text} is not part of Auto Scaling group {}.", group.name))
    };
    let ids = query::instance_ids(&given, outsider)?;
    for id in &ids {
        let member = group.members.get(id).ok_or_else(|| outsider(&id.to_string()))?;
        if member.lifecycle != *wanted {
            return Err(query::invalid(format!("The instance {id} is not in {}.", wanted.name())));
        }
    }
    Ok(ids)
}

/// The words for a group whose bounds do not allow it.
fn out_of_bounds(group: &Group, count: usize, what: &str) -> ApiError {
    query::invalid(format!(
        "AutoScalingGroup {} has min-size={}, max-size={}, and desired-size={}. To {what} {count} instance{}, \
         please update the AutoScalingGroup sizes appropriately.",
        group.name,
        group.min,
        group.max,
        group.desired,
        if count == 1 { "" } else { "s" }
    ))
}

fn written(group: Option<&Group>, activities: &[Activity], call: &Call) -> String {
    let mut body = String::new();
    xml::element(&mut body, "Activities", |out| {
        for (group, it) in group.into_iter().flat_map(|group| activities.iter().map(move |it| (group, it))) {
            activity(out, group, it, call.now);
        }
    });
    body
}

impl Operation for EnterStandby {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "EnterStandby"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "autoscaling:EnterStandby")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["InstanceIds", "AutoScalingGroupName", "ShouldDecrementDesiredCapacity"])?;
        let mut place = query::place(world, call)?;
        let number = group(place.region, call)?;
        let capacity = match query::required(call, "ShouldDecrementDesiredCapacity")? {
            "true" => Capacity::Decrement,
            "false" => Capacity::Keep,
            other => {
                return Err(query::invalid(format!(
                    "ShouldDecrementDesiredCapacity: '{other}' must be true or false"
                )));
            }
        };
        let ids = match place.region.scaling.get(number) {
            None => Vec::new(),
            Some(group) => {
                let ids = members(call, group, &Lifecycle::InService)?;
                if capacity == Capacity::Decrement && group.desired < group.min + ids.len() {
                    return Err(out_of_bounds(group, ids.len(), "place into standby"));
                }
                ids
            }
        };
        let activities = life::enter_standby(&mut place, number, &ids, capacity, call.now);
        Ok(written(place.region.scaling.get(number), &activities, call))
    }
}

impl Operation for ExitStandby {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "ExitStandby"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "autoscaling:ExitStandby")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["InstanceIds", "AutoScalingGroupName"])?;
        let mut place = query::place(world, call)?;
        let number = group(place.region, call)?;
        let ids = match place.region.scaling.get(number) {
            None => Vec::new(),
            Some(group) => {
                let ids = members(call, group, &Lifecycle::Standby)?;
                if group.desired + ids.len() > group.max {
                    return Err(out_of_bounds(group, ids.len(), "remove from standby"));
                }
                ids
            }
        };
        let activities = life::exit_standby(&mut place, number, &ids, call.now);
        Ok(written(place.region.scaling.get(number), &activities, call))
    }
}
