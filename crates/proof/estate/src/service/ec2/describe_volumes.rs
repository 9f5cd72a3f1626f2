//! DescribeVolumes.

use super::filter::{Catalog, Field, Filters, Scope, absent};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::wire::xml;
use crate::world::World;
use crate::world::history::View;
use crate::world::ids::VolumeId;
use crate::world::storage::{Encryption, Volume, VolumeType};

/// DescribeVolumes.
pub(super) struct DescribeVolumes;

const PARAMETERS: &[&str] = &[
    "VolumeId.#",
    "Filter.#.Name",
    "Filter.#.Value.#",
    "MaxResults",
    "NextToken",
    "IncludeManagedResources",
];

/// Volumes of a page, at most.
const PAGE: usize = 1_000;

static FILTERS: Catalog<Volume> = Catalog { fields: FIELDS, tags: Some(|it| &it.tags) };

const FIELDS: &[(&str, Field<Volume>)] = &[
    ("attachment.attach-time", |it, _, v| it.attachment.as_ref().is_some_and(|a| v.time(a.since))),
    ("attachment.delete-on-termination", |it, _, v| {
        it.attachment.as_ref().is_some_and(|a| v.shown(a.delete_on_termination))
    }),
    ("attachment.device", |it, _, v| it.attachment.as_ref().is_some_and(|a| v.text(&a.device))),
    ("attachment.instance-id", |it, _, v| it.attachment.as_ref().is_some_and(|a| v.shown(a.instance))),
    ("attachment.status", |it, _, v| it.attachment.is_some() && v.text("attached")),
    ("availability-zone", |it, _, v| v.text(&it.zone)),
    ("availability-zone-id", absent),
    ("create-time", |it, _, v| v.time(it.created_at)),
    ("encrypted", |it, _, v| v.shown(it.encryption == Encryption::DefaultKey)),
    ("fast-restored", |_, _, v| v.text("false")),
    ("multi-attach-enabled", |_, _, v| v.text("false")),
    ("operator.managed", |_, _, v| v.text("false")),
    ("operator.principal", absent),
    ("size", |it, _, v| v.shown(it.gib)),
    ("snapshot-id", |it, _, v| it.snapshot.is_some_and(|id| v.shown(id))),
    ("status", |it, _, v| v.text(status(it))),
    ("volume-id", |it, _, v| v.shown(it.id)),
    ("volume-type", |it, _, v| v.text(it.volume_type.name())),
];

fn status(volume: &Volume) -> &'static str {
    if volume.attachment.is_some() { "in-use" } else { "available" }
}

impl Operation for DescribeVolumes {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeVolumes"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeVolumes")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        params::flag(call, "IncludeManagedResources")?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("VolumeId");
        params::ids_or_pages(call, &given, "volumeSet")?;
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let filters = Filters::read(call, &FILTERS)?;
        let start = params::start(call)?;
        let scope = Scope::of(call);
        let view = region.view(call.as_of);

        let listed: Box<dyn Iterator<Item = &Volume>> = if given.is_empty() {
            Box::new(view.volumes_from(VolumeId(start)))
        } else {
            Box::new(find(&view, &given)?.into_iter())
        };
        let mut out = String::from("<volumeSet>");
        let mut next = None;
        for (n, volume) in listed.filter(|volume| filters.accept(volume, &scope)).enumerate() {
            if given.is_empty() && n == size {
                next = Some(page::token(call, volume.id.0));
                break;
            }
            render_volume(&mut out, volume, &scope);
        }
        out.push_str("</volumeSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn find<'r>(view: &View<'r>, given: &[&str]) -> Result<Vec<&'r Volume>, ApiError> {
    let (mut ids, unknown) =
        params::ids(given, VolumeId::PREFIX, "InvalidVolumeID.Malformed", VolumeId::parse)?;
    ids.sort_unstable();
    ids.dedup();
    let missing =
        |id: &str| ApiError::new(400, "InvalidVolume.NotFound", format!("The volume '{id}' does not exist."));
    if let Some(id) = unknown.first() {
        return Err(missing(id));
    }
    ids.into_iter().map(|id| view.volume(id).ok_or_else(|| missing(&id.to_string()))).collect()
}

fn render_volume(out: &mut String, volume: &Volume, scope: &Scope<'_>) {
    render::push(
        out,
        format_args!("<item><volumeId>{}</volumeId><size>{}</size><snapshotId>", volume.id, volume.gib),
    );
    if let Some(snapshot) = volume.snapshot {
        render::push(out, format_args!("{snapshot}"));
    }
    render::push(
        out,
        format_args!(
            "</snapshotId><availabilityZone>{}</availabilityZone><status>{}</status>",
            volume.zone,
            status(volume)
        ),
    );
    render::time(out, "createTime", volume.created_at);
    match &volume.attachment {
        None => out.push_str("<attachmentSet/>"),
        Some(attachment) => {
            render::push(
                out,
                format_args!(
                    "<attachmentSet><item><volumeId>{}</volumeId><instanceId>{}</instanceId>",
                    volume.id, attachment.instance
                ),
            );
            xml::text(out, "device", &attachment.device);
            out.push_str("<status>attached</status>");
            render::time(out, "attachTime", attachment.since);
            render::push(
                out,
                format_args!(
                    "<deleteOnTermination>{}</deleteOnTermination></item></attachmentSet>",
                    attachment.delete_on_termination
                ),
            );
        }
    }
    render::tags(out, &volume.tags);
    render::push(
        out,
        format_args!(
            "<volumeType>{}</volumeType><iops>{}</iops>",
            volume.volume_type.name(),
            volume.volume_type.operations_per_second(volume.gib)
        ),
    );
    if volume.volume_type == VolumeType::Gp3 {
        out.push_str("<throughput>125</throughput>");
    }
    let encrypted = volume.encryption == Encryption::DefaultKey;
    render::push(
        out,
        format_args!("<encrypted>{encrypted}</encrypted><multiAttachEnabled>false</multiAttachEnabled>"),
    );
    if encrypted {
        render::push(
            out,
            format_args!("<kmsKeyId>arn:aws:kms:{}:{}:alias/aws/ebs</kmsKeyId>", scope.region, scope.account),
        );
    }
    out.push_str("</item>");
}
