//! DescribeImages.

use std::collections::BTreeSet;

use super::filter::{Catalog, Field, Filters, Scope, absent};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::wire::xml;
use crate::world::World;
use crate::world::history::View;
use crate::world::ids::ImageId;
use crate::world::storage::{Encryption, Image, ImageDisk, ImageState, Visibility};

/// DescribeImages: public images and the account's own.
pub(super) struct DescribeImages;

const PARAMETERS: &[&str] = &[
    "ImageId.#",
    "Owner.#",
    "ExecutableBy.#",
    "Filter.#.Name",
    "Filter.#.Value.#",
    "IncludeDeprecated",
    "IncludeDisabled",
    "MaxResults",
    "NextToken",
];

/// Images of a page, at most.
const PAGE: usize = 1_000;

static FILTERS: Catalog<Image> = Catalog { fields: FIELDS, tags: Some(|it| &it.tags) };

const FIELDS: &[(&str, Field<Image>)] = &[
    ("architecture", |it, _, v| v.text(it.architecture.name())),
    ("block-device-mapping.delete-on-termination", |it, _, v| {
        it.disks.iter().any(|disk| v.shown(disk.delete_on_termination))
    }),
    ("block-device-mapping.device-name", |it, _, v| it.disks.iter().any(|disk| v.text(&disk.device))),
    ("block-device-mapping.encrypted", |it, _, v| {
        it.disks.iter().any(|disk| v.shown(disk.encryption == Encryption::DefaultKey))
    }),
    ("block-device-mapping.snapshot-id", |it, _, v| it.disks.iter().any(|disk| v.shown(disk.snapshot))),
    ("block-device-mapping.volume-size", |it, _, v| it.disks.iter().any(|disk| v.shown(disk.gib))),
    ("block-device-mapping.volume-type", |it, _, v| {
        it.disks.iter().any(|disk| v.text(disk.volume_type.name()))
    }),
    ("boot-mode", absent),
    ("creation-date", |it, _, v| v.time(it.created_at)),
    ("description", |it, _, v| v.text(&it.description)),
    ("ena-support", |_, _, v| v.text("true")),
    ("free-tier-eligible", absent),
    ("hypervisor", |_, _, v| v.text("xen")),
    ("image-allowed", |_, _, v| v.text("true")),
    ("image-id", |it, _, v| v.shown(it.id)),
    ("image-type", |_, _, v| v.text("machine")),
    ("is-public", |it, _, v| v.shown(it.visibility == Visibility::Public)),
    ("kernel-id", absent),
    ("manifest-location", |it, _, v| v.text(&location(it))),
    ("name", |it, _, v| v.text(&it.name)),
    ("owner-alias", |it, _, v| v.optional(it.owner_alias)),
    ("owner-id", |it, _, v| v.text(&it.owner)),
    ("platform", |it, _, v| it.platform.is_windows() && v.text("windows")),
    ("product-code", absent),
    ("product-code.type", absent),
    ("ramdisk-id", absent),
    ("root-device-name", |it, _, v| v.text(it.platform.facts().root_device)),
    ("root-device-type", |_, _, v| v.text("ebs")),
    ("source-image-id", absent),
    ("source-image-region", absent),
    ("source-instance-id", |it, _, v| it.source_instance.is_some_and(|id| v.shown(id))),
    ("sriov-net-support", |_, _, v| v.text("simple")),
    ("state", |it, _, v| v.text(it.state.name())),
    ("state-reason-code", |it, _, v| v.optional(state_reason(it).map(|(code, _)| code))),
    ("state-reason-message", |it, _, v| v.optional(state_reason(it).map(|(_, message)| message))),
    ("virtualization-type", |_, _, v| v.text("hvm")),
];

/// Why an image failed, as EC2 words it.
fn state_reason(image: &Image) -> Option<(&'static str, &'static str)> {
    (image.state == ImageState::Failed).then_some((
        "Client.InternalError",
        "Client.InternalError: An error occurred while creating the image from the instance's volumes",
    ))
}

fn location(image: &Image) -> String {
    format!("{}/{}", image.owner_alias.unwrap_or(&image.owner), image.name)
}

impl Operation for DescribeImages {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeImages"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeImages")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let deprecated = params::flag(call, "IncludeDeprecated")?;
        params::flag(call, "IncludeDisabled")?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("ImageId");
        params::ids_or_pages(call, &given, "imagesSet")?;
        let size = params::max_results(call, 1, PAGE, usize::MAX)?;
        let filters = Filters::read(call, &FILTERS)?;
        let start = params::start(call)?;
        let scope = Scope::of(call);
        let view = region.view(call.as_of);
        let moment = call.as_of.unwrap_or(call.now);
        let named = if given.is_empty() { None } else { Some(find(&view, &given)?) };
        let owners = call.query().list("Owner");
        let users = call.query().list("ExecutableBy");
        let wanted = |image: &Image| {
            let current = deprecated
                || named.is_some()
                || image.owner == call.account
                || image.deprecated_at.is_none_or(|at| at > moment);
            current
                && named.as_ref().is_none_or(|ids| ids.contains(&image.id))
                && (owners.is_empty() || owners.iter().any(|owner| owned(image, owner, &call.account)))
                && (users.is_empty() || users.iter().any(|user| executable(image, user)))
                && filters.accept(image, &scope)
        };

        let mut out = String::from("<imagesSet>");
        let mut next = None;
        for (n, image) in view.images_from(ImageId(start)).filter(|image| wanted(image)).enumerate() {
            if n == size {
                next = Some(page::token(call, image.id.0));
                break;
            }
            render_image(&mut out, image);
        }
        out.push_str("</imagesSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn owned(image: &Image, owner: &str, account: &str) -> bool {
    match owner {
        "self" => image.owner == account,
        "amazon" | "aws-marketplace" | "aws-backup-vault" => image.owner_alias == Some(owner),
        id => image.owner == id,
    }
}

/// `self` asks for images somebody else shared explicitly; the estate's are public or private.
fn executable(image: &Image, user: &str) -> bool {
    user == "all" && image.visibility == Visibility::Public
}

fn find(view: &View<'_>, given: &[&str]) -> Result<BTreeSet<ImageId>, ApiError> {
    let (ids, mut unknown) = params::ids(given, ImageId::PREFIX, "InvalidAMIID.Malformed", ImageId::parse)?;
    unknown.extend(ids.iter().filter(|id| view.image(**id).is_none()).map(ToString::to_string));
    match unknown.as_slice() {
        [] => Ok(ids.into_iter().collect()),
        [one] => Err(not_found(format!("The image id '[{one}]' does not exist"))),
        many => Err(not_found(format!("The image ids '[{}]' do not exist", many.join(", ")))),
    }
}

fn not_found(message: String) -> ApiError {
    ApiError::new(400, "InvalidAMIID.NotFound", message)
}

fn render_image(out: &mut String, image: &Image) {
    let facts = image.platform.facts();
    render::push(out, format_args!("<item><imageId>{}</imageId>", image.id));
    xml::text(out, "imageLocation", &location(image));
    render::push(
        out,
        format_args!(
            "<imageState>{}</imageState><imageOwnerId>{}</imageOwnerId>",
            image.state.name(),
            image.owner
        ),
    );
    render::time(out, "creationDate", image.created_at);
    render::push(
        out,
        format_args!(
            "<isPublic>{}</isPublic><architecture>{}</architecture><imageType>machine</imageType>",
            image.visibility == Visibility::Public,
            image.architecture.name()
        ),
    );
    if image.platform.is_windows() {
        // The service model's spelling; the filter `platform` takes `windows`.
        out.push_str("<platform>Windows</platform>");
    }
    out.push_str("<sriovNetSupport>simple</sriovNetSupport>");
    xml::text(out, "name", &image.name);
    if !image.description.is_empty() {
        xml::text(out, "description", &image.description);
    }
    if let Some(alias) = image.owner_alias {
        xml::text(out, "imageOwnerAlias", alias);
    }
    render::push(
        out,
        format_args!(
            "<rootDeviceType>ebs</rootDeviceType><rootDeviceName>{}</rootDeviceName><blockDeviceMapping>",
            facts.root_device
        ),
    );
    for disk in &image.disks {
        render_disk(out, disk);
    }
    out.push_str("</blockDeviceMapping><virtualizationType>hvm</virtualizationType>");
    if let Some((code, message)) = state_reason(image) {
        out.push_str("<stateReason>");
        xml::text(out, "code", code);
        xml::text(out, "message", message);
        out.push_str("</stateReason>");
    }
    render::tags(out, &image.tags);
    render::push(
        out,
        format_args!(
            "<hypervisor>xen</hypervisor><enaSupport>true</enaSupport><platformDetails>{}</platformDetails>\
             <usageOperation>{}</usageOperation>",
            facts.details, facts.usage_operation
        ),
    );
    if let Some(at) = image.deprecated_at {
        render::time(out, "deprecationTime", at);
    }
    if let Some(instance) = image.source_instance {
        render::push(out, format_args!("<sourceInstanceId>{instance}</sourceInstanceId>"));
    }
    out.push_str("</item>");
}

fn render_disk(out: &mut String, disk: &ImageDisk) {
    out.push_str("<item>");
    xml::text(out, "deviceName", &disk.device);
    render::push(
        out,
        format_args!(
            "<ebs><snapshotId>{}</snapshotId><volumeSize>{}</volumeSize>\
             <deleteOnTermination>{}</deleteOnTermination><volumeType>{}</volumeType><iops>{}</iops>\
             <encrypted>{}</encrypted></ebs></item>",
            disk.snapshot,
            disk.gib,
            disk.delete_on_termination,
            disk.volume_type.name(),
            disk.volume_type.operations_per_second(disk.gib),
            disk.encryption == Encryption::DefaultKey
        ),
    );
}
