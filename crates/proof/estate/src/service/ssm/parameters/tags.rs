//! Tags of parameters, which are put in one call with those of other resources of Systems Manager. The estate knows
//! those of parameters only.

use serde_json::{Value, json};

use super::{on, region_mut};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::ssm::document;
use crate::service::ssm::members::{Members, members, missing, text};
use crate::world::World;

/// AddTagsToResource: tags of the same keys are replaced.
pub(super) struct AddTagsToResource;
/// ListTagsForResource.
pub(super) struct ListTagsForResource;

/// Tags of a parameter at most.
const MOST_TAGS: usize = 50;

/// The parameter that a request is about.
fn parameter(members: &Members) -> Result<&str, ApiError> {
    let of = text(members, "ResourceType", (1, 64))?.ok_or_else(|| missing("ResourceType"))?;
    if of != "Parameter" {
        return Err(ApiError::new(400, "InvalidResourceType", "The resource type isn't valid."));
    }
    text(members, "ResourceId", (1, 2_048))?.ok_or_else(|| missing("ResourceId"))
}

fn no_resource() -> ApiError {
    ApiError::new(400, "InvalidResourceId", "The resource ID isn't valid.")
}

fn requirement(world: &World, call: &Call, action: &'static str) -> Vec<Requirement> {
    on(world, call, action, &[call.json()["ResourceId"].as_str().unwrap_or("*")])
}

impl Operation for AddTagsToResource {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "AddTagsToResource"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        let mut needed = requirement(world, call, "ssm:AddTagsToResource");
        for tag in call.json()["Tags"].as_array().into_iter().flatten() {
            if let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) {
                needed[0].context.push((format!("aws:RequestTag/{key}"), value.to_owned()));
            }
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let name = parameter(&members)?;
        let given = members.get("Tags").and_then(Value::as_array).ok_or_else(|| missing("Tags"))?;
        let parameter = region_mut(world, call)?.parameters.get_mut(name).ok_or_else(no_resource)?;
        let mut tags = parameter.tags.clone();
        for tag in given {
            let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) else {
                return Err(missing("Tags"));
            };
            tags.set(key.into(), value.into());
        }
        if tags.iter().count() > MOST_TAGS {
            return Err(ApiError::new(400, "TooManyTagsError", "The Tags parameter includes too many tags."));
        }
        parameter.tags = tags;
        document::write(&json!({}))
    }
}

impl Operation for ListTagsForResource {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "ListTagsForResource"
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        requirement(world, call, "ssm:ListTagsForResource")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let members = members(call);
        let name = parameter(&members)?;
        let region = document::region(world, call)?;
        let parameter = region.parameters.get(name).ok_or_else(no_resource)?;
        let tags: Vec<Value> =
            parameter.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        document::write(&json!({ "TagList": tags }))
    }
}
