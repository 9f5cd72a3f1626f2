//! CreateTags and DeleteTags.

use super::params;
use super::resource::{MAX_TAGS, Resource, on_each, request_tags, tags, too_many_tags};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::World;

/// CreateTags: adds or overwrites tags on resources; all or none.
pub(super) struct CreateTags;

/// DeleteTags: removes tags from resources, whatever their values or where the value is as given.
pub(super) struct DeleteTags;

const PARAMETERS: &[&str] = &["ResourceId.#", "Tag.#.Key", "Tag.#.Value"];

/// Resources of one call, at most.
const MAX_RESOURCES: usize = 1_000;

impl Operation for CreateTags {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "CreateTags"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let region = params::place(world, call).ok().map(|(_, region)| region);
        let request = request_tags(&call.query().structures("Tag"));
        on_each("ec2:CreateTags", "ResourceId", region, call, &request)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let place = params::place_mut(world, call)?;
        let resources = resources(call)?;
        let given = call.query().structures("Tag");
        if given.is_empty() {
            return Err(params::missing("tagSet"));
        }
        let tags = tags(&given)?;
        // Everything is checked before anything is changed: EC2 tags all resources or none.
        for resource in &resources {
            let mut after = resource.tags(place.region).ok_or_else(|| resource.not_found())?.clone();
            after.merge(&tags);
            if after.counted() > MAX_TAGS {
                return Err(too_many_tags());
            }
        }
        for resource in &resources {
            if let Some(existing) = resource.tags_mut(place.region, call.now) {
                existing.merge(&tags);
            }
        }
        Ok("<return>true</return>".to_owned())
    }
}

impl Operation for DeleteTags {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DeleteTags"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let region = params::place(world, call).ok().map(|(_, region)| region);
        let request = request_tags(&call.query().structures("Tag"));
        on_each("ec2:DeleteTags", "ResourceId", region, call, &request)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let place = params::place_mut(world, call)?;
        let resources = resources(call)?;
        let given = call.query().structures("Tag");
        for resource in &resources {
            resource.tags(place.region).ok_or_else(|| resource.not_found())?;
        }
        for resource in &resources {
            let Some(existing) = resource.tags_mut(place.region, call.now) else { continue };
            if given.is_empty() {
                // Without tags named, everything goes but AWS's own.
                existing.retain(|key, _| key.starts_with("aws:"));
            }
            for tag in &given {
                let wanted = (tag.get("Key").unwrap_or_default(), tag.get("Value"));
                existing.retain(|key, value| {
                    key != wanted.0 || wanted.1.is_some_and(|only| only != value) || key.starts_with("aws:")
                });
            }
        }
        Ok("<return>true</return>".to_owned())
    }
}

fn resources(call: &Call) -> Result<Vec<Resource>, ApiError> {
    let given = call.query().list("ResourceId");
    if given.is_empty() {
        return Err(params::missing("resourceIdSet"));
    }
    if given.len() > MAX_RESOURCES {
        return Err(params::invalid(format!(
            "The number of resources ({}) exceeds the maximum of {MAX_RESOURCES} for a single call",
            given.len()
        )));
    }
    given.into_iter().map(Resource::parse).collect()
}
