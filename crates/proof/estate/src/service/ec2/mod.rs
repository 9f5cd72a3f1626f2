//! EC2: instances and their life, images, snapshots, volumes, types, regions, networks, and tags.

mod create_image;
mod create_tags;
mod describe_images;
mod describe_instance_status;
mod describe_instance_type_offerings;
mod describe_instance_types;
mod describe_instances;
mod describe_launch_templates;
mod describe_network_interfaces;
mod describe_regions;
mod describe_security_groups;
mod describe_snapshots;
mod describe_subnets;
mod describe_volumes;
mod filter;
mod instance_filters;
mod instance_xml;
mod params;
mod render;
mod replace_root_volume;
mod resource;
mod run_instances;
mod state_changes;
mod volume_attachments;

use jiff::Timestamp;

use crate::call::{Call, Operation};
use crate::fault::Mishap;
use crate::world::ids::InstanceId;
use crate::world::life_cycle::strike;
use crate::world::timeline::Place;

/// Every EC2 operation of the estate.
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(volume_attachments::AttachVolume),
        Box::new(create_image::CreateImage),
        Box::new(replace_root_volume::CreateReplaceRootVolumeTask),
        Box::new(create_tags::CreateTags),
        Box::new(create_image::DeleteSnapshot),
        Box::new(create_tags::DeleteTags),
        Box::new(create_image::DeregisterImage),
        Box::new(describe_images::DescribeImages),
        Box::new(describe_instance_status::DescribeInstanceStatus),
        Box::new(describe_instance_type_offerings::DescribeInstanceTypeOfferings),
        Box::new(describe_instance_types::DescribeInstanceTypes),
        Box::new(describe_instances::DescribeInstances),
        Box::new(describe_launch_templates::DescribeLaunchTemplateVersions),
        Box::new(describe_launch_templates::DescribeLaunchTemplates),
        Box::new(describe_network_interfaces::DescribeNetworkInterfaces),
        Box::new(describe_regions::DescribeRegions),
        Box::new(replace_root_volume::DescribeReplaceRootVolumeTasks),
        Box::new(describe_security_groups::DescribeSecurityGroups),
        Box::new(describe_snapshots::DescribeSnapshots),
        Box::new(describe_subnets::DescribeSubnets),
        Box::new(describe_volumes::DescribeVolumes),
        Box::new(volume_attachments::DetachVolume),
        Box::new(state_changes::RebootInstances),
        Box::new(run_instances::RunInstances),
        Box::new(state_changes::StartInstances),
        Box::new(state_changes::StopInstances),
        Box::new(state_changes::TerminateInstances),
    ]
}

/// Whether a read gets the higher rate: EC2 halves it for calls without filters *and* pages
/// (EC2 developer guide, "Request throttling", table of request token bucket sizes).
fn filtered_or_paginated(call: &Call) -> bool {
    let given = |start: &str| call.query().values.keys().any(|name| name.starts_with(start));
    given("Filter.") || given("MaxResults") || given("NextToken")
}

/// Lets reads not know something new for a while where a mishap wants it: EC2 is eventually
/// consistent. `instance` is the one that what was made belongs to.
fn hide_new(place: &mut Place<'_>, instance: InstanceId, made: u64, now: Timestamp) {
    let lasts = strike(place, instance, now, |mishap| match mishap {
        Mishap::UnknownNewId { lasts } => Some(lasts),
        _ => None,
    });
    if let Some(until) = lasts.and_then(|lasts| now.checked_add(lasts).ok()) {
        place.region.history.hide(made, until);
    }
}
