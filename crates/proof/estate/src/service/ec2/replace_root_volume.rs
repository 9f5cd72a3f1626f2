//! CreateReplaceRootVolumeTask and DescribeReplaceRootVolumeTasks.

use std::sync::Arc;

use jiff::Timestamp;

use super::filter::{Catalog, Field, Filters, Scope};
use super::resource::{Resource, TagSpecifications, on_new, on_one};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::host::Software;
use crate::world::ids::{ImageId, InstanceId, RootTaskId, SnapshotId};
use crate::world::instance::{InstanceState, RootDevice};
use crate::world::root_tasks::{self, OldRoot, RootRequest, RootTask};
use crate::world::storage::{ImageState, SnapshotState};
use crate::world::timeline::Place;

/// CreateReplaceRootVolumeTask: back to the launch state, to a snapshot, or to an image.
pub(super) struct CreateReplaceRootVolumeTask;
/// DescribeReplaceRootVolumeTasks.
pub(super) struct DescribeReplaceRootVolumeTasks;

const KIND: &str = "replace-root-volume-task";

const PARAMETERS: &[&str] = &[
    "InstanceId",
    "ImageId",
    "SnapshotId",
    "ClientToken",
    "DeleteReplacedRootVolume",
    "TagSpecification.#.ResourceType",
    "TagSpecification.#.Tag.#.Key",
    "TagSpecification.#.Tag.#.Value",
];

impl Operation for CreateReplaceRootVolumeTask {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "CreateReplaceRootVolumeTask"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        const ACTION: &str = "ec2:CreateReplaceRootVolumeTask";
        let region = params::place(world, call).ok().map(|(_, region)| region);
        let named = ["InstanceId", "ImageId", "SnapshotId"];
        let mut needed: Vec<Requirement> =
            named.into_iter().filter_map(|name| on_one(ACTION, name, region, call)).collect();
        needed.push(on_new(ACTION, KIND, call, &TagSpecifications::request_context(call, KIND)));
        needed.push(on_new(ACTION, "volume", call, &[]));
        needed.extend(TagSpecifications::requirements(call));
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let mut place = params::place_mut(world, call)?;
        let request = read(call, &place)?;
        let earlier = request.client_token.as_ref().and_then(|token| {
            place.region.root_tasks.values().find(|task| task.client_token.as_ref() == Some(token))
        });
        let id = match earlier {
            Some(task) if is_same(task, &request) => task.id,
            Some(_) => return Err(params::token_mismatch()),
            None => {
                check_instance(&place, request.instance)?;
                let instance = request.instance;
                let id = root_tasks::create(&mut place, request, call.now);
                super::hide_new(&mut place, instance, id.0, call.now);
                id
            }
        };
        let mut out = String::from("<replaceRootVolumeTask>");
        if let Some(task) = place.region.root_tasks.get(&id) {
            render_task(&mut out, task);
        }
        out.push_str("</replaceRootVolumeTask>");
        Ok(out)
    }
}

fn is_same(task: &RootTask, request: &RootRequest) -> bool {
    (task.instance, task.image, task.old_root) == (request.instance, request.image, request.old_root)
        && (request.image.is_some() || task.snapshot == request.snapshot)
}

fn read(call: &Call, place: &Place<'_>) -> Result<RootRequest, ApiError> {
    let query = call.query();
    let (image, snapshot) = (query.get("ImageId"), query.get("SnapshotId"));
    if image.is_some() && snapshot.is_some() {
        return Err(ApiError::new(
            400,
            "InvalidParameterCombination",
            "You can specify either an image or a snapshot, but not both.",
        ));
    }
    let instance = params::instance(call, place.region)?;
    let (image, snapshot, software) = match (image, snapshot) {
        (Some(text), _) => from_image(text, place, instance)?,
        (None, Some(text)) => from_snapshot(text, place, instance)?,
        (None, None) => (None, None, None),
    };
    let old_root = match params::flag(call, "DeleteReplacedRootVolume")? {
        true => OldRoot::Deleted,
        false => OldRoot::Kept,
    };
    Ok(RootRequest {
        instance,
        image,
        snapshot,
        software,
        old_root,
        client_token: query.get("ClientToken").map(str::to_owned),
        tags: TagSpecifications::read(call, &[KIND])?.of(KIND),
    })
}

type Source = (Option<ImageId>, Option<SnapshotId>, Option<Arc<Software>>);

/// The image must have the instance's product, architecture and boot mode (EC2 user guide,
/// "Replace a root volume").
fn from_image(text: &str, place: &Place<'_>, instance: InstanceId) -> Result<Source, ApiError> {
    let image = params::one_id(text, ImageId::PREFIX, "InvalidAMIID.Malformed", ImageId::parse)?
        .and_then(|id| place.region.images.get(&id))
        .ok_or_else(|| {
            ApiError::new(400, "InvalidAMIID.NotFound", format!("The image id '[{text}]' does not exist"))
        })?;
    if image.state != ImageState::Available {
        let message = format!("The image ID '{text}' is not available");
        return Err(ApiError::new(400, "InvalidAMIID.Unavailable", message));
    }
    let Some(it) = place.region.instances.get(instance) else {
        return Err(Resource::Instance(instance).not_found());
    };
    let product = |platform: crate::world::platform::Platform| platform.facts().usage_operation;
    if product(image.platform) != product(it.platform) || image.architecture != it.instance_type.architecture
    {
        return Err(params::invalid(format!(
            "The image '{text}' does not have the same product code, billing information, architecture type, or \
             virtualization type as instance '{instance}'"
        )));
    }
    let root = image.disks.first().map(|disk| disk.snapshot);
    Ok((Some(image.id), root, image.software.clone()))
}

/// The snapshot must be of this instance's root volume or of its copy.
fn from_snapshot(text: &str, place: &Place<'_>, instance: InstanceId) -> Result<Source, ApiError> {
    let snapshot =
        params::one_id(text, SnapshotId::PREFIX, "InvalidSnapshotID.Malformed", SnapshotId::parse)?
            .and_then(|id| place.region.snapshots.get(&id))
            .ok_or_else(|| {
                let message = format!("The snapshot '{text}' does not exist.");
                ApiError::new(400, "InvalidSnapshot.NotFound", message)
            })?;
    if !matches!(snapshot.state, SnapshotState::Completed(_)) {
        let message = format!("Snapshot '{text}' is not in 'completed' state.");
        return Err(ApiError::new(400, "IncorrectState", message));
    }
    let root = place.region.instances.get(instance).and_then(|it| it.volumes.first());
    let of_root = root.is_some_and(|root| {
        let made_from = place.region.volumes.get(&root.volume).and_then(|volume| volume.snapshot);
        root.volume == snapshot.volume || made_from == Some(snapshot.id) || snapshot.software.is_some()
    });
    if !of_root {
        return Err(params::invalid(format!(
            "The snapshot '{text}' was not taken from the root volume of instance '{instance}'"
        )));
    }
    Ok((None, Some(snapshot.id), snapshot.software.clone()))
}

fn check_instance(place: &Place<'_>, id: InstanceId) -> Result<(), ApiError> {
    let Some(it) = place.region.instances.get(id) else {
        return Err(Resource::Instance(id).not_found());
    };
    if it.state != InstanceState::Running {
        let message = format!("The instance '{id}' is not in the 'running' state.");
        return Err(ApiError::new(400, "IncorrectInstanceState", message));
    }
    if it.root_device == RootDevice::InstanceStore || it.volumes.is_empty() {
        let message = format!("The instance '{id}' does not have an 'ebs' root device type.");
        return Err(ApiError::new(400, "UnsupportedOperation", message));
    }
    let busy = place.region.root_tasks.values().any(|task| task.instance == id && !task.state.is_final());
    if busy {
        let message = format!("A root volume replacement is already in progress for instance '{id}'.");
        return Err(ApiError::new(400, "IncorrectState", message));
    }
    Ok(())
}

fn render_task(out: &mut String, task: &RootTask) {
    render::push(
        out,
        format_args!(
            "<replaceRootVolumeTaskId>{}</replaceRootVolumeTaskId><instanceId>{}</instanceId>\
             <taskState>{}</taskState>",
            task.id,
            task.instance,
            task.state.name()
        ),
    );
    second(out, "startTime", task.started_at);
    if let Some(at) = task.completed_at {
        second(out, "completeTime", at);
    }
    if let Some(image) = task.image {
        render::push(out, format_args!("<imageId>{image}</imageId>"));
    }
    if let Some(snapshot) = task.snapshot {
        render::push(out, format_args!("<snapshotId>{snapshot}</snapshotId>"));
    }
    let deleted = task.old_root == OldRoot::Deleted;
    render::push(out, format_args!("<deleteReplacedRootVolume>{deleted}</deleteReplacedRootVolume>"));
    render::tags(out, &task.tags);
}

/// A moment as this operation writes it, a text without fractions: `2026-11-02T02:00:00Z`.
fn second(out: &mut String, name: &str, at: Timestamp) {
    render::push(out, format_args!("<{name}>{}</{name}>", at.strftime("%Y-%m-%dT%H:%M:%SZ")));
}

static FILTERS: Catalog<RootTask> = Catalog { fields: FIELDS, tags: None };

const FIELDS: &[(&str, Field<RootTask>)] =
    &[("instance-id", |it, _, v| v.shown(it.instance)), ("task-state", |it, _, v| v.text(it.state.name()))];

impl Operation for DescribeReplaceRootVolumeTasks {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeReplaceRootVolumeTasks"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeReplaceRootVolumeTasks")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        const KNOWN: &[&str] =
            &["ReplaceRootVolumeTaskId.#", "Filter.#.Name", "Filter.#.Value.#", "MaxResults", "NextToken"];
        params::only(call, KNOWN)?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("ReplaceRootVolumeTaskId");
        let size = params::max_results(call, 1, 50, 50)?;
        let filters = Filters::read(call, &FILTERS)?;
        let start = params::start(call)?;
        let scope = Scope::of(call);
        let view = region.view(call.as_of);
        let (ids, unknown) = params::ids(
            &given,
            RootTaskId::PREFIX,
            "InvalidReplaceRootVolumeTaskId.Malformed",
            RootTaskId::parse,
        )?;
        let missing = ids.iter().find(|id| view.root_task(**id).is_none()).map(ToString::to_string);
        if let Some(id) = unknown.into_iter().next().or(missing) {
            return Err(ApiError::new(
                400,
                "InvalidReplaceRootVolumeTaskId.NotFound",
                format!("The replace root volume task ID '{id}' does not exist"),
            ));
        }
        let wanted =
            |task: &&RootTask| (ids.is_empty() || ids.contains(&task.id)) && filters.accept(task, &scope);
        let mut out = String::from("<replaceRootVolumeTaskSet>");
        let mut next = None;
        for (n, task) in view.root_tasks_from(RootTaskId(start)).filter(wanted).enumerate() {
            if n == size {
                next = Some(page::token(call, task.id.0));
                break;
            }
            out.push_str("<item>");
            render_task(&mut out, task);
            out.push_str("</item>");
        }
        out.push_str("</replaceRootVolumeTaskSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}
