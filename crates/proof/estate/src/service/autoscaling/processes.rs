//! SuspendProcesses and ResumeProcesses.

use super::{group, on_group};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::query;
use crate::world::World;
use crate::world::scaling::Process;
use crate::world::scaling::life::{self, Switch};

/// SuspendProcesses: what a group does by itself stops; all of it where none is named.
pub(super) struct SuspendProcesses;
/// ResumeProcesses: it goes on, with what was put off.
pub(super) struct ResumeProcesses;

fn act(world: &mut World, call: &Call, to: Switch) -> Result<String, ApiError> {
    query::only(call, &["AutoScalingGroupName", "ScalingProcesses"])?;
    let place = query::place(world, call)?;
    let number = group(place.region, call)?;
    let named = call.query().list("ScalingProcesses.member");
    let read = |name: &&str| {
        Process::parse(name).ok_or_else(|| query::invalid(format!("{name} is not a valid process name")))
    };
    let processes = match named.is_empty() {
        true => Process::ALL.to_vec(),
        false => named.iter().map(read).collect::<Result<_, _>>()?,
    };
    life::switch(place.region, number, &processes, to, call.now);
    Ok(String::new())
}

impl Operation for SuspendProcesses {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "SuspendProcesses"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "autoscaling:SuspendProcesses")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        act(world, call, Switch::Suspend)
    }
}

impl Operation for ResumeProcesses {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "ResumeProcesses"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "autoscaling:ResumeProcesses")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        act(world, call, Switch::Resume)
    }
}
