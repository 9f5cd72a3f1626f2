//! CreateImage, DeregisterImage and DeleteSnapshot.

use super::params;
use super::resource::{Resource, TagSpecifications, on_new, on_one};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;
use crate::world::ids::{ImageId, InstanceId, SnapshotId};
use crate::world::images::{self, Consistency, ImageRequest};
use crate::world::instance::{InstanceState, RootDevice};
use crate::world::storage::Image;
use crate::world::timeline::Place;

/// CreateImage: an image of an instance, available after a while.
pub(super) struct CreateImage;
/// DeregisterImage: nobody launches from the image any more.
pub(super) struct DeregisterImage;
/// DeleteSnapshot.
pub(super) struct DeleteSnapshot;

const PARAMETERS: &[&str] = &[
    "InstanceId",
    "Name",
    "Description",
    "NoReboot",
    "BlockDeviceMapping.#.DeviceName",
    "BlockDeviceMapping.#.NoDevice",
    "TagSpecification.#.ResourceType",
    "TagSpecification.#.Tag.#.Key",
    "TagSpecification.#.Tag.#.Value",
];

/// Snapshots of one volume that may be pending at once (General Reference, "Amazon EBS endpoints
/// and quotas").
const MAX_PENDING: u8 = 5;

impl Operation for CreateImage {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "CreateImage"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        const ACTION: &str = "ec2:CreateImage";
        let region = params::place(world, call).ok().map(|(_, region)| region);
        let mut needed: Vec<Requirement> = on_one(ACTION, "InstanceId", region, call).into_iter().collect();
        for kind in ["image", "snapshot"] {
            needed.push(on_new(ACTION, kind, call, &TagSpecifications::request_context(call, kind)));
        }
        needed.extend(TagSpecifications::requirements(call));
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let mut place = params::place_mut(world, call)?;
        let instance = params::instance(call, place.region)?;
        let name = name(call)?;
        let tags = TagSpecifications::read(call, &["image", "snapshot"])?;
        let consistency = match params::flag(call, "NoReboot")? {
            true => Consistency::NoReboot,
            false => Consistency::Reboot,
        };
        if let Some(taken) = place.region.image_names.get(name) {
            return Err(ApiError::new(
                400,
                "InvalidAMIName.Duplicate",
                format!("AMI name {name} is already in use by AMI {taken}"),
            ));
        }
        check_instance(&place, instance)?;
        let mappings = call.query().structures("BlockDeviceMapping");
        let left_out = mappings.iter().filter(|given| given.get("NoDevice").is_some());
        let request = ImageRequest {
            instance,
            name: name.to_owned(),
            description: call.query().get("Description").unwrap_or_default().to_owned(),
            consistency,
            left_out: left_out.filter_map(|given| given.get("DeviceName")).map(str::to_owned).collect(),
            tags: tags.of("image"),
            snapshot_tags: tags.of("snapshot"),
        };
        let id = images::create(&mut place, request, call.now)
            .ok_or_else(|| Resource::Instance(instance).not_found())?;
        super::hide_new(&mut place, instance, id.0, call.now);
        Ok(format!("<imageId>{id}</imageId>"))
    }
}

/// 3 to 128 letters, digits and a few signs (EC2 API reference, CreateImage).
fn name(call: &Call) -> Result<&str, ApiError> {
    let name = params::required(call, "Name", "name")?;
    let fits = (3..=128).contains(&name.chars().count());
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ()[]./-'@_".contains(c);
    if fits && name.chars().all(allowed) {
        return Ok(name);
    }
    Err(ApiError::new(
        400,
        "InvalidAMIName.Malformed",
        "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and only the \
         following characters: ( ) [ ] . / - ' @ _ and spaces",
    ))
}

fn check_instance(place: &Place<'_>, id: InstanceId) -> Result<(), ApiError> {
    let Some(it) = place.region.instances.get(id) else {
        return Err(Resource::Instance(id).not_found());
    };
    if !matches!(it.state, InstanceState::Running | InstanceState::Stopped) {
        return Err(ApiError::new(
            400,
            "IncorrectState",
            format!("Instance '{id}' is not in state 'running' or 'stopped'"),
        ));
    }
    if it.root_device == RootDevice::InstanceStore || it.volumes.is_empty() {
        return Err(params::invalid(format!(
            "Instance does not have a volume attached at root ({})",
            it.platform.facts().root_device
        )));
    }
    let full = it.volumes.iter().filter_map(|attached| place.region.volumes.get(&attached.volume));
    if full.into_iter().any(|volume| volume.pending_snapshots >= MAX_PENDING) {
        return Err(ApiError::new(
            400,
            "ConcurrentSnapshotLimitExceeded",
            "Maximum allowed in-progress snapshots for a single volume exceeded.",
        ));
    }
    Ok(())
}

impl Operation for DeregisterImage {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DeregisterImage"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        const ACTION: &str = "ec2:DeregisterImage";
        let region = params::place(world, call).ok().map(|(_, region)| region);
        let mut needed: Vec<Requirement> = on_one(ACTION, "ImageId", region, call).into_iter().collect();
        if call.query().get("DeleteAssociatedSnapshots") == Some("true") {
            let id = call.query().get("ImageId").and_then(|text| ImageId::parse(text).ok());
            let image = region.and_then(|region| region.images.get(&id?));
            for disk in image.into_iter().flat_map(|image| &image.disks) {
                needed.push(Resource::Snapshot(disk.snapshot).requirement(
                    "ec2:DeleteSnapshot",
                    region,
                    call,
                    &[],
                ));
            }
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["ImageId", "DeleteAssociatedSnapshots"])?;
        let snapshots = params::flag(call, "DeleteAssociatedSnapshots")?;
        let mut place = params::place_mut(world, call)?;
        let id = own_image(call, &place)?;
        let image =
            images::deregister(&mut place, id, call.now).ok_or_else(|| Resource::Image(id).not_found())?;
        let mut out = String::from("<return>true</return>");
        if snapshots {
            delete_all(&mut out, &mut place, &image, call);
        }
        Ok(out)
    }
}

/// Deletes the snapshots of a deregistered image, but those another image uses.
fn delete_all(out: &mut String, place: &mut Place<'_>, image: &Image, call: &Call) {
    out.push_str("<deleteSnapshotResultSet>");
    for disk in &image.disks {
        let code = if user(place, disk.snapshot).is_some() { "skipped" } else { "success" };
        if code == "success" {
            images::delete_snapshot(place, disk.snapshot, call.now);
        }
        out.push_str(&format!(
            "<item><snapshotId>{}</snapshotId><returnCode>{code}</returnCode></item>",
            disk.snapshot
        ));
    }
    out.push_str("</deleteSnapshotResultSet>");
}

fn own_image(call: &Call, place: &Place<'_>) -> Result<ImageId, ApiError> {
    let given = params::required(call, "ImageId", "ImageId")?;
    let id = params::one_id(given, ImageId::PREFIX, "InvalidAMIID.Malformed", ImageId::parse)?;
    let absent =
        || ApiError::new(400, "InvalidAMIID.NotFound", format!("The image id '[{given}]' does not exist"));
    let id = id.ok_or_else(absent)?;
    match place.region.images.get(&id) {
        Some(image) if image.owner == call.account => Ok(id),
        Some(_) => {
            let message = format!("Not authorized for image:{id}");
            Err(ApiError::new(403, "AuthFailure", message))
        }
        None if place.region.deregistered.contains(&id) => Err(ApiError::new(
            400,
            "InvalidAMIID.Unavailable",
            format!("The image ID '{id}' is no longer available"),
        )),
        None => Err(absent()),
    }
}

/// The image that uses a snapshot.
fn user(place: &Place<'_>, id: SnapshotId) -> Option<ImageId> {
    let image = place.region.snapshots.get(&id)?.image?;
    place.region.images.contains_key(&image).then_some(image)
}

impl Operation for DeleteSnapshot {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DeleteSnapshot"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        const ACTION: &str = "ec2:DeleteSnapshot";
        let region = params::place(world, call).ok().map(|(_, region)| region);
        let needed = on_one(ACTION, "SnapshotId", region, call);
        vec![needed.unwrap_or_else(|| Requirement::any_resource(ACTION))]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, &["SnapshotId"])?;
        let mut place = params::place_mut(world, call)?;
        let given = params::required(call, "SnapshotId", "SnapshotId")?;
        let id = params::one_id(given, SnapshotId::PREFIX, "InvalidSnapshotID.Malformed", SnapshotId::parse)?
            .filter(|id| place.region.snapshots.contains_key(id))
            .ok_or_else(|| {
                let message = format!("The snapshot '{given}' does not exist.");
                ApiError::new(400, "InvalidSnapshot.NotFound", message)
            })?;
        if let Some(image) = user(&place, id) {
            return Err(ApiError::new(
                400,
                "InvalidSnapshot.InUse",
                format!("The snapshot {id} is currently in use by {image}"),
            ));
        }
        images::delete_snapshot(&mut place, id, call.now);
        Ok("<return>true</return>".to_owned())
    }
}
