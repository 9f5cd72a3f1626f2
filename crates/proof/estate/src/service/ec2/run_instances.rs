//! RunInstances.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::filter::Scope;
use super::resource::{TagSpecifications, on_new, on_one};
use super::state_changes::no_capacity;
use super::{instance_xml, params, render};
use crate::call::{ApiError, Call, Operation, QueryParams, Requirement, Service};
use crate::fault::{Affected, Mishap};
use crate::world::World;
use crate::world::ids::{ImageId, InstanceId, SecurityGroupId, SubnetId};
use crate::world::instance::{Instance, MetadataEndpoint, MetadataOptions, MetadataTokens};
use crate::world::instance_types::{self, InstanceType};
use crate::world::launch::{self, Launch};
use crate::world::network::{SecurityGroup, Subnet};
use crate::world::storage::{Encryption, Image, ImageDisk, ImageState, VolumeType};
use crate::world::timeline::Place;

/// RunInstances: launches instances, once per client token.
pub(super) struct RunInstances;

const PARAMETERS: &[&str] = &[
    "ImageId",
    "InstanceType",
    "MinCount",
    "MaxCount",
    "SubnetId",
    "SecurityGroupId.#",
    "PrivateIpAddress",
    "KeyName",
    "ClientToken",
    "IamInstanceProfile.Arn",
    "IamInstanceProfile.Name",
    "EbsOptimized",
    "UserData",
    "BlockDeviceMapping.#.DeviceName",
    "BlockDeviceMapping.#.NoDevice",
    "BlockDeviceMapping.#.Ebs.DeleteOnTermination",
    "BlockDeviceMapping.#.Ebs.Encrypted",
    "BlockDeviceMapping.#.Ebs.SnapshotId",
    "BlockDeviceMapping.#.Ebs.VolumeSize",
    "BlockDeviceMapping.#.Ebs.VolumeType",
    "MetadataOptions.HttpEndpoint",
    "MetadataOptions.HttpPutResponseHopLimit",
    "MetadataOptions.HttpTokens",
    "TagSpecification.#.ResourceType",
    "TagSpecification.#.Tag.#.Key",
    "TagSpecification.#.Tag.#.Value",
];

/// What a launch may tag.
const TAGGED: [&str; 3] = ["instance", "volume", "network-interface"];

impl Operation for RunInstances {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "RunInstances"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn resources(&self, call: &Call) -> Option<u32> {
        call.query().get("MaxCount")?.parse().ok()
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        const ACTION: &str = "ec2:RunInstances";
        let region = params::place(world, call).ok().map(|(_, region)| region);
        let query = call.query();
        let mut needed: Vec<Requirement> = on_one(ACTION, "ImageId", region, call).into_iter().collect();
        for kind in TAGGED {
            let mut context = TagSpecifications::request_context(call, kind);
            if let Some(size) = query.get("InstanceType").filter(|_| kind == "instance") {
                context.push(("ec2:InstanceType".to_owned(), size.to_owned()));
            }
            needed.push(on_new(ACTION, kind, call, &context));
        }
        let named = |kind: &str, id: &str| Requirement {
            action: ACTION.into(),
            resource: format!("arn:aws:ec2:{}:{}:{kind}/{id}", call.region, call.account),
            context: vec![("ec2:Region".to_owned(), call.region.clone())],
        };
        needed.extend(query.get("SubnetId").map(|id| named("subnet", id)));
        needed.extend(query.get("KeyName").map(|id| named("key-pair", id)));
        needed.extend(query.list("SecurityGroupId").into_iter().map(|id| named("security-group", id)));
        needed.extend(profile(call).map(|name| Requirement {
            action: "iam:PassRole".into(),
            resource: format!("arn:aws:iam::{}:role/{name}", call.account),
            context: vec![("iam:PassedToService".to_owned(), "ec2.amazonaws.com".to_owned())],
        }));
        needed.extend(TagSpecifications::requirements(call));
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let mut place = params::place_mut(world, call)?;
        let (least, most) = counts(call)?;
        let order = order(call, &place)?;
        let purpose = match &order.client_token {
            Some(token) => {
                let earlier: Vec<InstanceId> = with_token(&place, token);
                if let Some(first) = earlier.first() {
                    check_same(&place, *first, &order, (least..=most).contains(&earlier.len()))?;
                    return Ok(answer(&place, &earlier, call));
                }
                format!("token/{token}")
            }
            None => call.request_id.clone(),
        };
        check_capacity(&mut place, &order, call)?;
        let mut ids = Vec::with_capacity(most);
        for n in 0..most {
            let one = Launch { purpose: purpose.clone(), launch_index: n as u32, ..order.clone() };
            let id = launch::launch(&mut place, one, call.now);
            super::hide_new(&mut place, id, id.0, call.now);
            ids.push(id);
        }
        Ok(answer(&place, &ids, call))
    }
}

fn with_token(place: &Place<'_>, token: &str) -> Vec<InstanceId> {
    let launched = |it: &&Instance| it.client_token.as_deref() == Some(token);
    place.region.instances.iter().filter(launched).map(|it| it.id).collect()
}

fn check_same(place: &Place<'_>, first: InstanceId, order: &Launch, fits: bool) -> Result<(), ApiError> {
    let same = place.region.instances.get(first).is_some_and(|it| {
        it.image == order.image
            && it.instance_type == order.instance_type
            && it.subnet.id == order.subnet.id
            && it.profile == order.profile
            && it.metadata == order.metadata
            && order.private_ip.is_none_or(|ip| ip == it.private_ip)
    });
    if same && fits { Ok(()) } else { Err(params::token_mismatch()) }
}

fn check_capacity(place: &mut Place<'_>, order: &Launch, call: &Call) -> Result<(), ApiError> {
    let affected =
        Affected { account: place.account, region: place.code, instance: "", name: order.tags.get("Name") };
    let fails = place.mishaps.strike(&affected, call.now, |m| (m == Mishap::StartFails).then_some(()));
    match fails {
        Some(()) => Err(no_capacity(order.instance_type.name, &order.subnet.zone)),
        None => Ok(()),
    }
}

fn counts(call: &Call) -> Result<(usize, usize), ApiError> {
    let number = |name: &'static str| -> Result<usize, ApiError> {
        let text = params::required(call, name, name)?;
        text.parse()
            .map_err(|_| params::invalid(format!("Invalid integer value: {text} for parameter {name}")))
    };
    let (least, most) = (number("MinCount")?, number("MaxCount")?);
    if least == 0 || most < least {
        return Err(params::invalid(format!(
            "Value ({most}) for parameter maxCount is invalid. It must be at least minCount ({least}), which must be 1 \
             or more"
        )));
    }
    Ok((least, most))
}

fn order(call: &Call, place: &Place<'_>) -> Result<Launch, ApiError> {
    let query = call.query();
    let image = image(call, place)?;
    let instance_type = size(call, image)?;
    let subnet = subnet(call, place)?;
    offered(place, &subnet, instance_type)?;
    let tags = TagSpecifications::read(call, &TAGGED)?;
    Ok(Launch {
        purpose: String::new(),
        launch_index: 0,
        image: image.id,
        platform: image.platform,
        disks: disks(image, &query.structures("BlockDeviceMapping"))?,
        software: image.software.clone(),
        instance_type,
        private_ip: address(call, place, &subnet)?,
        subnet,
        security_groups: security_groups(call, place)?,
        key_name: query.get("KeyName").map(Arc::from),
        profile: profile(call).map(Arc::from),
        metadata: metadata(call)?,
        client_token: query.get("ClientToken").map(Arc::from),
        tags: tags.of("instance"),
        volume_tags: tags.of("volume"),
    })
}

/// The name of the instance profile, given as it is or at the end of its ARN.
fn profile(call: &Call) -> Option<&str> {
    let arn = call.query().get("IamInstanceProfile.Arn").and_then(|arn| arn.rsplit('/').next());
    call.query().get("IamInstanceProfile.Name").or(arn)
}

/// The metadata service's options: what the request says, else the defaults.
fn metadata(call: &Call) -> Result<MetadataOptions, ApiError> {
    let query = call.query();
    let mut options = MetadataOptions::default();
    if let Some(text) = query.get("MetadataOptions.HttpTokens") {
        let known = [MetadataTokens::Optional, MetadataTokens::Required];
        options.tokens = known
            .into_iter()
            .find(|it| it.name() == text)
            .ok_or_else(|| params::invalid(format!("Invalid value '{text}' for HttpTokens.")))?;
    }
    if let Some(text) = query.get("MetadataOptions.HttpEndpoint") {
        let known = [MetadataEndpoint::Enabled, MetadataEndpoint::Disabled];
        options.endpoint = known
            .into_iter()
            .find(|it| it.name() == text)
            .ok_or_else(|| params::invalid(format!("Invalid value '{text}' for HttpEndpoint.")))?;
    }
    if let Some(text) = query.get("MetadataOptions.HttpPutResponseHopLimit") {
        options.hop_limit = text.parse().ok().filter(|hops| (1..=64).contains(hops)).ok_or_else(|| {
            params::invalid(format!("Value ( {text} ) for HttpPutResponseHopLimit must be from 1 to 64."))
        })?;
    }
    Ok(options)
}

fn image<'p>(call: &Call, place: &'p Place<'_>) -> Result<&'p Image, ApiError> {
    let given = params::required(call, "ImageId", "ImageId")?;
    let image = params::one_id(given, ImageId::PREFIX, "InvalidAMIID.Malformed", ImageId::parse)?
        .and_then(|id| place.region.images.get(&id))
        .ok_or_else(|| {
            ApiError::new(400, "InvalidAMIID.NotFound", format!("The image id '[{given}]' does not exist"))
        })?;
    if image.state != ImageState::Available {
        let message = format!("The image id '[{given}]' is not available");
        return Err(ApiError::new(400, "InvalidAMIID.Unavailable", message));
    }
    Ok(image)
}

fn size(call: &Call, image: &Image) -> Result<&'static InstanceType, ApiError> {
    let given = call.query().get("InstanceType").unwrap_or("m5.large");
    let found = instance_types::find(given)
        .ok_or_else(|| params::invalid(format!("Invalid value '{given}' for InstanceType.")))?;
    if found.architecture != image.architecture {
        return Err(ApiError::new(
            400,
            "InvalidParameterValue",
            format!(
                "The architecture '{}' of the specified instance type does not match the architecture '{}' of the \
                 specified AMI.",
                found.architecture.name(),
                image.architecture.name()
            ),
        ));
    }
    Ok(found)
}

fn offered(place: &Place<'_>, subnet: &Subnet, instance_type: &InstanceType) -> Result<(), ApiError> {
    if place.region.network.offers(&subnet.zone, instance_type.name) {
        return Ok(());
    }
    let message = format!(
        "Your requested instance type ({}) is not supported in your requested Availability Zone ({}).",
        instance_type.name, subnet.zone
    );
    Err(ApiError::new(400, "Unsupported", message))
}

fn subnet(call: &Call, place: &Place<'_>) -> Result<Arc<Subnet>, ApiError> {
    let subnets = &place.region.network.subnets;
    let Some(given) = call.query().get("SubnetId") else {
        return subnets.first().cloned().ok_or_else(|| {
            ApiError::new(
                400,
                "VPCIdNotSpecified",
                "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
            )
        });
    };
    let id = params::one_id(given, SubnetId::PREFIX, "InvalidSubnetId.Malformed", SubnetId::parse)?;
    subnets.iter().find(|subnet| Some(subnet.id) == id).cloned().ok_or_else(|| {
        ApiError::new(400, "InvalidSubnetID.NotFound", format!("The subnet ID '{given}' does not exist"))
    })
}

fn address(call: &Call, place: &Place<'_>, subnet: &Subnet) -> Result<Option<Ipv4Addr>, ApiError> {
    let Some(text) = call.query().get("PrivateIpAddress") else { return Ok(None) };
    let wanted: Ipv4Addr =
        text.parse().map_err(|_| params::invalid(format!("Invalid value '{text}' for PrivateIpAddress")))?;
    if !subnet.contains(wanted) {
        return Err(params::invalid("Address does not fall within the subnet's address range".to_owned()));
    }
    if launch::is_taken(place.region, wanted) {
        let message = format!("Address {wanted} is in use.");
        return Err(ApiError::new(400, "InvalidIPAddress.InUse", message));
    }
    Ok(Some(wanted))
}

fn security_groups(call: &Call, place: &Place<'_>) -> Result<Arc<[Arc<SecurityGroup>]>, ApiError> {
    let known = &place.region.network.security_groups;
    let given = call.query().list("SecurityGroupId");
    if given.is_empty() {
        return Ok(known.first().cloned().into_iter().collect());
    }
    let find = |text: &str| {
        let id = SecurityGroupId::parse(text).ok();
        known.iter().find(|group| Some(group.id) == id).cloned().ok_or_else(|| {
            let message = format!("The security group '{text}' does not exist");
            ApiError::new(400, "InvalidGroup.NotFound", message)
        })
    };
    given.into_iter().map(find).collect()
}

/// The image's disks with what the request changes of them or leaves out.
fn disks(image: &Image, given: &[QueryParams]) -> Result<Vec<ImageDisk>, ApiError> {
    let mut disks = image.disks.clone();
    for mapping in given {
        let device = mapping.get("DeviceName").ok_or_else(|| params::missing("deviceName"))?;
        if mapping.get("NoDevice").is_some() {
            disks.retain(|disk| disk.device != device);
            continue;
        }
        let Some(disk) = disks.iter_mut().find(|disk| disk.device == device) else {
            return Err(params::invalid(format!(
                "Invalid device name {device}: the image has no such device, and the estate launches no empty volumes"
            )));
        };
        change(disk, mapping)?;
    }
    Ok(disks)
}

fn change(disk: &mut ImageDisk, mapping: &QueryParams) -> Result<(), ApiError> {
    match mapping.get("Ebs.DeleteOnTermination") {
        None => {}
        Some(text) => disk.delete_on_termination = text == "true",
    }
    if mapping.get("Ebs.Encrypted") == Some("true") {
        disk.encryption = Encryption::DefaultKey;
    }
    if let Some(text) = mapping.get("Ebs.VolumeSize") {
        let gib: u32 = text.parse().map_err(|_| params::invalid(format!("Invalid volume size {text}")))?;
        if gib < disk.gib {
            return Err(ApiError::new(
                400,
                "InvalidBlockDeviceMapping",
                format!(
                    "Volume of size {gib}GB is smaller than snapshot '{}', expect size>= {}GB",
                    disk.snapshot, disk.gib
                ),
            ));
        }
        disk.gib = gib;
    }
    if let Some(text) = mapping.get("Ebs.VolumeType") {
        let kinds = [VolumeType::Gp2, VolumeType::Gp3, VolumeType::Io2];
        disk.volume_type = kinds.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            ApiError::new(
                400,
                "UnknownVolumeType",
                format!("Unsupported volume type '{text}' for volume creation."),
            )
        })?;
    }
    Ok(())
}

fn answer(place: &Place<'_>, ids: &[InstanceId], call: &Call) -> String {
    let scope = Scope::of(call);
    let mut out = String::new();
    let launched: Vec<&Instance> = ids.iter().filter_map(|id| place.region.instances.get(*id)).collect();
    if let Some(first) = launched.first() {
        render::push(
            &mut out,
            format_args!(
                "<reservationId>{}</reservationId><ownerId>{}</ownerId><groupSet/><instancesSet>",
                first.reservation, call.account
            ),
        );
        for it in launched {
            instance_xml::instance(&mut out, it, &scope);
        }
        out.push_str("</instancesSet>");
    }
    out
}
