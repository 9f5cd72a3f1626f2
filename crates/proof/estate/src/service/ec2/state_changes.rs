//! StartInstances, StopInstances, RebootInstances and TerminateInstances.
//!
//! Each is checked for all its instances before it touches one: EC2 changes all or none.

use super::params;
use super::render;
use super::resource::on_each;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::fault::Mishap;
use crate::world::World;
use crate::world::host::{self, RebootCause};
use crate::world::ids::InstanceId;
use crate::world::instance::{Instance, InstanceState, Lifecycle, RootDevice};
use crate::world::life_cycle::{self, strike};
use crate::world::timeline::Place;

/// StartInstances.
pub(super) struct StartInstances;
/// StopInstances.
pub(super) struct StopInstances;
/// RebootInstances.
pub(super) struct RebootInstances;
/// TerminateInstances.
pub(super) struct TerminateInstances;

fn requirements(action: &'static str, world: &World, call: &Call) -> Vec<Requirement> {
    let region = params::place(world, call).ok().map(|(_, region)| region);
    on_each(action, "InstanceId", region, call, &[])
}

/// How many instances a call names, for the resource bucket.
fn count(call: &Call) -> Option<u32> {
    u32::try_from(call.query().list("InstanceId").len()).ok()
}

/// Changes every instance and shows the states before and after.
fn change_all(
    place: &mut Place<'_>,
    ids: &[InstanceId],
    mut change: impl FnMut(&mut Place<'_>, InstanceId),
) -> String {
    let mut out = String::from("<instancesSet>");
    for id in ids {
        let Some(before) = place.region.instances.get(*id).map(|it| it.state) else { continue };
        change(place, *id);
        let after = place.region.instances.get(*id).map_or(before, |it| it.state);
        render::push(&mut out, format_args!("<item><instanceId>{id}</instanceId>"));
        super::instance_xml::state(&mut out, "currentState", after);
        super::instance_xml::state(&mut out, "previousState", before);
        out.push_str("</item>");
    }
    out.push_str("</instancesSet>");
    out
}

fn each<'r>(place: &'r Place<'_>, ids: &'r [InstanceId]) -> impl Iterator<Item = &'r Instance> {
    ids.iter().filter_map(|id| place.region.instances.get(*id))
}

impl Operation for StartInstances {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "StartInstances"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn resources(&self, call: &Call) -> Option<u32> {
        count(call)
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        requirements("ec2:StartInstances", world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["InstanceId.#", "AdditionalInfo"])?;
        let mut place = params::place_mut(world, call)?;
        let ids = params::instances(call, place.region)?;
        for it in each(&place, &ids) {
            let startable =
                matches!(it.state, InstanceState::Stopped | InstanceState::Pending | InstanceState::Running);
            if !startable {
                return Err(incorrect(format!(
                    "The instance '{}' is not in a state from which it can be started.",
                    it.id
                )));
            }
        }
        for id in &ids {
            let stopped = place.region.instances.get(*id).filter(|it| it.state == InstanceState::Stopped);
            let Some((size, zone)) = stopped.map(|it| (it.instance_type.name, it.subnet.zone.clone())) else {
                continue;
            };
            let fails = strike(&mut place, *id, call.now, |m| (m == Mishap::StartFails).then_some(()));
            if fails.is_some() {
                return Err(no_capacity(size, &zone));
            }
        }
        Ok(change_all(&mut place, &ids, |place, id| {
            if place.region.instances.get(id).is_some_and(|it| it.state == InstanceState::Stopped) {
                life_cycle::start(place, id, call.now);
            }
        }))
    }
}

/// What EC2 answers where a zone has no room for an instance type.
pub(super) fn no_capacity(size: &str, zone: &str) -> ApiError {
    ApiError::new(
        500,
        "InsufficientInstanceCapacity",
        format!(
            "We currently do not have sufficient {size} capacity in the Availability Zone you requested ({zone}). \
             Our system will be working on provisioning additional capacity."
        ),
    )
}

fn incorrect(message: String) -> ApiError {
    ApiError::new(400, "IncorrectInstanceState", message)
}

impl Operation for StopInstances {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "StopInstances"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn resources(&self, call: &Call) -> Option<u32> {
        count(call)
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        requirements("ec2:StopInstances", world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["InstanceId.#", "Force", "Hibernate", "SkipOsShutdown"])?;
        params::flag(call, "Force")?;
        params::flag(call, "SkipOsShutdown")?;
        let hibernate = params::flag(call, "Hibernate")?;
        let mut place = params::place_mut(world, call)?;
        let ids = params::instances(call, place.region)?;
        for it in each(&place, &ids) {
            check_stop(it)?;
            if hibernate {
                return Err(ApiError::new(
                    400,
                    "UnsupportedHibernationConfiguration",
                    format!("The instance '{}' is not enabled for hibernation.", it.id),
                ));
            }
        }
        Ok(change_all(&mut place, &ids, |place, id| {
            let up = |it: &&Instance| it.state == InstanceState::Running;
            if place.region.instances.get(id).filter(up).is_some() {
                life_cycle::stop(place, id, call.now);
            }
        }))
    }
}

fn check_stop(it: &Instance) -> Result<(), ApiError> {
    let stoppable =
        matches!(it.state, InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped);
    if !stoppable {
        return Err(incorrect(format!(
            "This instance '{}' is not in a state from which it can be stopped.",
            it.id
        )));
    }
    let unsupported = |message| Err(ApiError::new(400, "UnsupportedOperation", message));
    if it.root_device == RootDevice::InstanceStore {
        return unsupported(format!(
            "The instance '{}' does not have an 'ebs' root device type and cannot be stopped.",
            it.id
        ));
    }
    if it.lifecycle == Lifecycle::Spot {
        return unsupported(format!(
            "You can't stop the Spot Instance '{}' because it is associated with a one-time Spot Instance request. \
             You can only stop Spot Instances associated with persistent Spot Instance requests.",
            it.id
        ));
    }
    Ok(())
}

impl Operation for RebootInstances {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "RebootInstances"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        requirements("ec2:RebootInstances", world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["InstanceId.#"])?;
        let mut place = params::place_mut(world, call)?;
        let ids = params::instances(call, place.region)?;
        for it in each(&place, &ids) {
            // "Requests to reboot terminated instances are ignored" (EC2 API reference).
            if !matches!(it.state, InstanceState::Running | InstanceState::Terminated) {
                let message = format!("The instance '{}' is not in the 'running' state.", it.id);
                return Err(ApiError::new(400, "IncorrectState", message));
            }
        }
        for id in ids {
            if place.region.instances.get(id).is_some_and(|it| it.state == InstanceState::Running) {
                host::reboot(&mut place, id, RebootCause::RebootInstances, call.now);
            }
        }
        Ok("<return>true</return>".to_owned())
    }
}

impl Operation for TerminateInstances {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "TerminateInstances"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn resources(&self, call: &Call) -> Option<u32> {
        count(call)
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        requirements("ec2:TerminateInstances", world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["InstanceId.#", "Force", "SkipOsShutdown"])?;
        params::flag(call, "Force")?;
        params::flag(call, "SkipOsShutdown")?;
        let mut place = params::place_mut(world, call)?;
        let ids = params::instances(call, place.region)?;
        Ok(change_all(&mut place, &ids, |place, id| life_cycle::terminate(place, id, call.now)))
    }
}
