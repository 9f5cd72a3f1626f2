//! CreateTags.

use jiff::Timestamp;

use super::params;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::world::ids::{ImageId, InstanceId, VolumeId};
use crate::world::tags::Tags;
use crate::world::{Region, World};

/// CreateTags: adds or overwrites tags on instances, volumes and images; all or none.
pub(super) struct CreateTags;

const PARAMETERS: &[&str] = &["ResourceId.#", "Tag.#.Key", "Tag.#.Value"];

/// Resources of one call, at most.
const MAX_RESOURCES: usize = 1_000;
/// Tags of one resource, at most; those of AWS itself apart.
const MAX_TAGS: usize = 50;
/// Characters of a key, at most.
const MAX_KEY: usize = 128;
/// Characters of a value, at most.
const MAX_VALUE: usize = 256;

/// A resource that can carry tags here.
#[derive(Clone, Copy)]
enum Resource {
    Instance(InstanceId),
    Volume(VolumeId),
    Image(ImageId),
}

impl Resource {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let found = match text.split_once('-').map(|(prefix, _)| prefix) {
            Some("i") => InstanceId::parse(text).map(Self::Instance),
            Some("vol") => VolumeId::parse(text).map(Self::Volume),
            Some("ami") => ImageId::parse(text).map(Self::Image),
            _ => return Err(ApiError::new(400, "InvalidID", format!("The ID '{text}' is not valid"))),
        };
        found.map_err(|_| ApiError::new(400, "InvalidID", format!("The ID '{text}' is not valid")))
    }

    fn not_found(self) -> ApiError {
        match self {
            Self::Instance(id) => ApiError::new(
                400,
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{id}' does not exist"),
            ),
            Self::Volume(id) => {
                ApiError::new(400, "InvalidVolume.NotFound", format!("The volume '{id}' does not exist."))
            }
            Self::Image(id) => {
                ApiError::new(400, "InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist"))
            }
        }
    }

    fn arn(self, call: &Call) -> String {
        let (region, account) = (&call.region, &call.account);
        match self {
            Self::Instance(id) => format!("arn:aws:ec2:{region}:{account}:instance/{id}"),
            Self::Volume(id) => format!("arn:aws:ec2:{region}:{account}:volume/{id}"),
            // Images can be shared, so their ARNs name no account.
            Self::Image(id) => format!("arn:aws:ec2:{region}::image/{id}"),
        }
    }

    fn tags(self, region: &Region) -> Option<&Tags> {
        match self {
            Self::Instance(id) => region.instances.get(id).map(|it| &it.tags),
            Self::Volume(id) => region.volumes.get(&id).map(|it| &it.tags),
            Self::Image(id) => region.images.get(&id).map(|it| &it.tags),
        }
    }

    /// The tags, to be changed now.
    fn tags_mut(self, region: &mut Region, now: Timestamp) -> Option<&mut Tags> {
        match self {
            Self::Instance(id) => region.change_instance(id, now).map(|it| &mut it.tags),
            Self::Volume(id) => region.change_volume(id, now).map(|it| &mut it.tags),
            Self::Image(id) => region.change_image(id, now).map(|it| &mut it.tags),
        }
    }
}

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
        let mut request = vec![("ec2:Region".to_owned(), call.region.clone())];
        for tag in call.query().structures("Tag") {
            let key = tag.get("Key").unwrap_or_default();
            let value = tag.get("Value").unwrap_or_default();
            request.push((format!("aws:RequestTag/{key}"), value.to_owned()));
            request.push(("aws:TagKeys".to_owned(), key.to_owned()));
        }
        let resources = call.query().list("ResourceId");
        let mut needed = Vec::with_capacity(resources.len());
        for resource in resources.iter().filter_map(|text| Resource::parse(text).ok()) {
            let mut context = request.clone();
            for (key, value) in
                region.and_then(|region| resource.tags(region)).into_iter().flat_map(Tags::iter)
            {
                context.push((format!("ec2:ResourceTag/{key}"), value.to_owned()));
                context.push((format!("aws:ResourceTag/{key}"), value.to_owned()));
            }
            needed.push(Requirement {
                action: "ec2:CreateTags".into(),
                resource: resource.arn(call),
                context,
            });
        }
        if needed.is_empty() {
            needed.push(Requirement::any_resource("ec2:CreateTags"));
        }
        needed
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        params::place(world, call)?;
        let resources = resources(call)?;
        let tags = tags(call)?;
        let region = world
            .accounts
            .get_mut(&call.account)
            .and_then(|account| account.regions.get_mut(&call.region))
            .ok_or_else(params::not_enabled)?;
        // Everything is checked before anything is changed: EC2 tags all resources or none.
        for resource in &resources {
            let mut after = resource.tags(region).ok_or_else(|| resource.not_found())?.clone();
            after.merge(&tags);
            if after.counted() > MAX_TAGS {
                return Err(ApiError::new(
                    400,
                    "TagLimitExceeded",
                    "The maximum number of Tags for a resource has been reached.",
                ));
            }
        }
        for resource in &resources {
            if let Some(existing) = resource.tags_mut(region, call.now) {
                existing.merge(&tags);
            }
        }
        Ok("<return>true</return>".to_owned())
    }
}

fn missing(parameter: &str) -> ApiError {
    ApiError::new(400, "MissingParameter", format!("The request must contain the parameter {parameter}"))
}

fn invalid(message: String) -> ApiError {
    ApiError::new(400, "InvalidParameterValue", message)
}

fn resources(call: &Call) -> Result<Vec<Resource>, ApiError> {
    let given = call.query().list("ResourceId");
    if given.is_empty() {
        return Err(missing("resourceIdSet"));
    }
    if given.len() > MAX_RESOURCES {
        return Err(invalid(format!(
            "The number of resources ({}) exceeds the maximum of {MAX_RESOURCES} for a single call",
            given.len()
        )));
    }
    given.into_iter().map(Resource::parse).collect()
}

fn tags(call: &Call) -> Result<Tags, ApiError> {
    let given = call.query().structures("Tag");
    if given.is_empty() {
        return Err(missing("tagSet"));
    }
    let mut tags = Tags::default();
    for tag in &given {
        let key = tag.get("Key").unwrap_or_default();
        let value = tag.get("Value").unwrap_or_default();
        if key.is_empty() {
            return Err(missing("key"));
        }
        if key.chars().count() > MAX_KEY {
            return Err(invalid(format!(
                "Tag key exceeds the maximum length of {MAX_KEY} characters: '{key}'"
            )));
        }
        if value.chars().count() > MAX_VALUE {
            return Err(invalid(format!(
                "Tag value exceeds the maximum length of {MAX_VALUE} characters: '{value}'"
            )));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(invalid(format!(
                "Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use"
            )));
        }
        if tags.get(key).is_some() {
            return Err(invalid(format!("Duplicate tag key '{key}' specified.")));
        }
        tags.set(key.into(), value.into());
    }
    Ok(tags)
}
