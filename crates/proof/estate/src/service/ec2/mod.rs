//! EC2: instances, their status, images, volumes, types, regions, and tags.

mod create_tags;
mod describe_images;
mod describe_instance_status;
mod describe_instance_types;
mod describe_instances;
mod describe_regions;
mod describe_volumes;
mod filter;
mod instance_filters;
mod instance_xml;
mod params;
mod render;

use crate::call::{Call, Operation};

/// Every EC2 operation of the estate.
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(create_tags::CreateTags),
        Box::new(describe_images::DescribeImages),
        Box::new(describe_instance_status::DescribeInstanceStatus),
        Box::new(describe_instance_types::DescribeInstanceTypes),
        Box::new(describe_instances::DescribeInstances),
        Box::new(describe_regions::DescribeRegions),
        Box::new(describe_volumes::DescribeVolumes),
    ]
}

/// Whether a read gets the higher rate: EC2 halves it for calls without filters *and* pages
/// (EC2 developer guide, "Request throttling", table of request token bucket sizes).
fn filtered_or_paginated(call: &Call) -> bool {
    let given = |start: &str| call.query().values.keys().any(|name| name.starts_with(start));
    given("Filter.") || given("MaxResults") || given("NextToken")
}
