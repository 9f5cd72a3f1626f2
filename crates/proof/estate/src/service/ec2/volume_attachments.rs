//! AttachVolume and DetachVolume.

use super::params;
use super::render;
use super::resource::{Resource, on_one};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::wire::xml;
use crate::world::World;
use crate::world::ids::{InstanceId, VolumeId};
use crate::world::instance::{AttachedVolume, InstanceState};
use crate::world::storage::Attachment;
use crate::world::timeline::Place;

/// AttachVolume: attached at once, as soon as the answer is there.
pub(super) struct AttachVolume;
/// DetachVolume: detached at once.
pub(super) struct DetachVolume;

fn requirements(action: &'static str, world: &World, call: &Call) -> Vec<Requirement> {
    let region = params::place(world, call).ok().map(|(_, region)| region);
    let named = ["InstanceId", "VolumeId"];
    let needed: Vec<_> = named.into_iter().filter_map(|name| on_one(action, name, region, call)).collect();
    if needed.is_empty() { vec![Requirement::any_resource(action)] } else { needed }
}

fn volume(call: &Call, place: &Place<'_>) -> Result<VolumeId, ApiError> {
    let given = params::required(call, "VolumeId", "VolumeId")?;
    params::one_id(given, VolumeId::PREFIX, "InvalidVolumeID.Malformed", VolumeId::parse)?
        .filter(|id| place.region.volumes.contains_key(id))
        .ok_or_else(|| {
            ApiError::new(400, "InvalidVolume.NotFound", format!("The volume '{given}' does not exist."))
        })
}

fn show(id: VolumeId, at: &Attachment, status: &str) -> String {
    let mut out = String::new();
    render::push(&mut out, format_args!("<volumeId>{id}</volumeId><instanceId>{}</instanceId>", at.instance));
    xml::text(&mut out, "device", &at.device);
    xml::text(&mut out, "status", status);
    render::time(&mut out, "attachTime", at.since);
    xml::plain(&mut out, "deleteOnTermination", at.delete_on_termination);
    out
}

impl Operation for AttachVolume {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "AttachVolume"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        requirements("ec2:AttachVolume", world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["Device", "InstanceId", "VolumeId"])?;
        let place = params::place_mut(world, call)?;
        let (instance, id) = (params::instance(call, place.region)?, volume(call, &place)?);
        let device = params::required(call, "Device", "device")?;
        check_attach(&place, instance, id, device)?;
        let attachment =
            Attachment { instance, device: device.into(), since: call.now, delete_on_termination: false };
        let out = show(id, &attachment, "attaching");
        if let Some(it) = place.region.change_instance(instance, call.now) {
            let attached = AttachedVolume {
                device: device.into(),
                volume: id,
                since: call.now,
                delete_on_termination: false,
            };
            // The root volume stays the first.
            let root = device == it.platform.facts().root_device;
            let at = if root { 0 } else { it.volumes.len() };
            it.volumes.insert(at, attached);
        }
        if let Some(volume) = place.region.change_volume(id, call.now) {
            volume.attachment = Some(attachment);
        }
        Ok(out)
    }
}

fn check_attach(place: &Place<'_>, instance: InstanceId, id: VolumeId, device: &str) -> Result<(), ApiError> {
    let Some(it) = place.region.instances.get(instance) else {
        return Err(Resource::Instance(instance).not_found());
    };
    let Some(volume) = place.region.volumes.get(&id) else {
        return Err(Resource::Volume(id).not_found());
    };
    if let Some(attachment) = &volume.attachment {
        return Err(ApiError::new(
            400,
            "VolumeInUse",
            format!("{id} is already attached to an instance ({})", attachment.instance),
        ));
    }
    if *volume.zone != *it.subnet.zone {
        return Err(ApiError::new(
            400,
            "InvalidVolume.ZoneMismatch",
            format!("The volume '{id}' is not in the same availability zone as instance '{instance}'"),
        ));
    }
    if !matches!(it.state, InstanceState::Running | InstanceState::Stopped) {
        return Err(ApiError::new(
            400,
            "IncorrectState",
            format!("Instance '{instance}' is not 'running' or 'stopped'."),
        ));
    }
    if it.volumes.iter().any(|attached| *attached.device == *device) {
        return Err(params::invalid(format!(
            "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        )));
    }
    Ok(())
}

impl Operation for DetachVolume {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DetachVolume"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        requirements("ec2:DetachVolume", world, call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["Device", "Force", "InstanceId", "VolumeId"])?;
        params::flag(call, "Force")?;
        let place = params::place_mut(world, call)?;
        let id = volume(call, &place)?;
        let attachment = place.region.volumes.get(&id).and_then(|volume| volume.attachment.clone());
        let Some(attachment) = attachment else {
            let message = format!("Volume '{id}' is in the 'available' state.");
            return Err(ApiError::new(400, "IncorrectState", message));
        };
        let elsewhere =
            |name: &str, actual: &str| call.query().get(name).is_some_and(|given| given != actual);
        if elsewhere("InstanceId", &attachment.instance.to_string())
            || elsewhere("Device", &attachment.device)
        {
            return Err(ApiError::new(
                400,
                "InvalidAttachment.NotFound",
                format!("The volume '{id}' is not attached to the instance and device given."),
            ));
        }
        let it = place.region.instances.get(attachment.instance);
        let root = it.and_then(|it| it.volumes.first()).is_some_and(|first| first.volume == id);
        if root && it.is_some_and(|it| it.state != InstanceState::Stopped) {
            return Err(ApiError::new(
                400,
                "OperationNotPermitted",
                format!("Unable to detach root volume '{id}' from instance '{}'", attachment.instance),
            ));
        }
        if let Some(it) = place.region.change_instance(attachment.instance, call.now) {
            it.volumes.retain(|attached| attached.volume != id);
        }
        if let Some(volume) = place.region.change_volume(id, call.now) {
            volume.attachment = None;
        }
        Ok(show(id, &attachment, "detaching"))
    }
}
