//! What can carry tags and be named in policies: EC2's resources, and what requests say of tags.

use jiff::Timestamp;

use super::params;
use crate::call::{ApiError, Call, QueryParams, Requirement};
use crate::world::Region;
use crate::world::ids::{ImageId, InstanceId, RootTaskId, SnapshotId, VolumeId};
use crate::world::tags::Tags;

/// Characters of a key, at most.
const MAX_KEY: usize = 128;
/// Characters of a value, at most.
const MAX_VALUE: usize = 256;
/// Tags of one resource, at most; those of AWS itself apart.
pub(super) const MAX_TAGS: usize = 50;

/// A resource that can carry tags here.
#[derive(Clone, Copy)]
pub(super) enum Resource {
    Instance(InstanceId),
    Volume(VolumeId),
    Image(ImageId),
    Snapshot(SnapshotId),
    RootTask(RootTaskId),
}

impl Resource {
    /// Reads an id of any kind.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let found = match text.split_once('-').map(|(prefix, _)| prefix) {
            Some("i") => InstanceId::parse(text).map(Self::Instance),
            Some("vol") => VolumeId::parse(text).map(Self::Volume),
            Some("ami") => ImageId::parse(text).map(Self::Image),
            Some("snap") => SnapshotId::parse(text).map(Self::Snapshot),
            Some("replacevol") => RootTaskId::parse(text).map(Self::RootTask),
            _ => return Err(ApiError::new(400, "InvalidID", format!("The ID '{text}' is not valid"))),
        };
        found.map_err(|_| ApiError::new(400, "InvalidID", format!("The ID '{text}' is not valid")))
    }

    /// What EC2 answers where there is no such resource.
    pub(super) fn not_found(self) -> ApiError {
        let (code, message) = match self {
            Self::Instance(id) => {
                ("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
            }
            Self::Volume(id) => ("InvalidVolume.NotFound", format!("The volume '{id}' does not exist.")),
            Self::Image(id) => ("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist")),
            Self::Snapshot(id) => {
                ("InvalidSnapshot.NotFound", format!("The snapshot '{id}' does not exist."))
            }
            Self::RootTask(id) => (
                "InvalidReplaceRootVolumeTaskId.NotFound",
                format!("The replace root volume task ID '{id}' does not exist"),
            ),
        };
        ApiError::new(400, code, message)
    }

    fn arn(self, call: &Call) -> String {
        let (region, account) = (&call.region, &call.account);
        match self {
            Self::Instance(id) => format!("arn:aws:ec2:{region}:{account}:instance/{id}"),
            Self::Volume(id) => format!("arn:aws:ec2:{region}:{account}:volume/{id}"),
            // Images and snapshots can be shared, so their ARNs name no account.
            Self::Image(id) => format!("arn:aws:ec2:{region}::image/{id}"),
            Self::Snapshot(id) => format!("arn:aws:ec2:{region}::snapshot/{id}"),
            Self::RootTask(id) => {
                format!("arn:aws:ec2:{region}:{account}:replace-root-volume-task/{id}")
            }
        }
    }

    /// Its tags.
    pub(super) fn tags(self, region: &Region) -> Option<&Tags> {
        match self {
            Self::Instance(id) => region.instances.get(id).map(|it| &it.tags),
            Self::Volume(id) => region.volumes.get(&id).map(|it| &it.tags),
            Self::Image(id) => region.images.get(&id).map(|it| &it.tags),
            Self::Snapshot(id) => region.snapshots.get(&id).map(|it| &it.tags),
            Self::RootTask(id) => region.root_tasks.get(&id).map(|it| &it.tags),
        }
    }

    /// Its tags, to be changed now.
    pub(super) fn tags_mut(self, region: &mut Region, now: Timestamp) -> Option<&mut Tags> {
        match self {
            Self::Instance(id) => region.change_instance(id, now).map(|it| &mut it.tags),
            Self::Volume(id) => region.change_volume(id, now).map(|it| &mut it.tags),
            Self::Image(id) => region.change_image(id, now).map(|it| &mut it.tags),
            Self::Snapshot(id) => region.change_snapshot(id, now).map(|it| &mut it.tags),
            Self::RootTask(id) => region.change_root_task(id, now).map(|it| &mut it.tags),
        }
    }

    /// What `action` on this resource needs: its ARN, its tags, and `request`'s context keys.
    pub(super) fn requirement(
        self,
        action: &'static str,
        region: Option<&Region>,
        call: &Call,
        request: &[(String, String)],
    ) -> Requirement {
        let mut context = vec![("ec2:Region".to_owned(), call.region.clone())];
        context.extend_from_slice(request);
        for (key, value) in region.and_then(|region| self.tags(region)).into_iter().flat_map(Tags::iter) {
            context.push((format!("ec2:ResourceTag/{key}"), value.to_owned()));
            context.push((format!("aws:ResourceTag/{key}"), value.to_owned()));
        }
        Requirement { action: action.into(), resource: self.arn(call), context }
    }
}

/// What `action` needs on every resource of the id list `list`.
pub(super) fn on_each(
    action: &'static str,
    list: &str,
    region: Option<&Region>,
    call: &Call,
    request: &[(String, String)],
) -> Vec<Requirement> {
    let given = call.query().list(list);
    let named = given.iter().filter_map(|text| Resource::parse(text).ok());
    let needed: Vec<_> = named.map(|it| it.requirement(action, region, call, request)).collect();
    if needed.is_empty() { vec![Requirement::any_resource(action)] } else { needed }
}

/// What `action` needs on the resource that the parameter `name` gives.
pub(super) fn on_one(
    action: &'static str,
    name: &str,
    region: Option<&Region>,
    call: &Call,
) -> Option<Requirement> {
    let resource = Resource::parse(call.query().get(name)?).ok()?;
    Some(resource.requirement(action, region, call, &[]))
}

/// What an action needs on something that it is about to make: the ARN without an id.
pub(super) fn on_new(
    action: &'static str,
    kind: &str,
    call: &Call,
    request: &[(String, String)],
) -> Requirement {
    let account = if matches!(kind, "image" | "snapshot") { "" } else { call.account.as_str() };
    let mut context = vec![("ec2:Region".to_owned(), call.region.clone())];
    context.extend_from_slice(request);
    Requirement {
        action: action.into(),
        resource: format!("arn:aws:ec2:{}:{account}:{kind}/*", call.region),
        context,
    }
}

/// The context keys that tags of a request become.
pub(super) fn request_tags(tags: &[QueryParams]) -> Vec<(String, String)> {
    let mut keys = Vec::with_capacity(tags.len() * 2);
    for tag in tags {
        let key = tag.get("Key").unwrap_or_default();
        keys.push((format!("aws:RequestTag/{key}"), tag.get("Value").unwrap_or_default().to_owned()));
        keys.push(("aws:TagKeys".to_owned(), key.to_owned()));
    }
    keys
}

/// The tags that a request gives to what it makes, by kind of resource.
pub(super) struct TagSpecifications {
    by_kind: Vec<(String, Tags)>,
}

impl TagSpecifications {
    /// Reads `TagSpecification.N`, of which each must be about one of `kinds`.
    ///
    /// # Errors
    /// What EC2 answers to a kind the action does not make, or to tags no resource can carry.
    pub(super) fn read(call: &Call, kinds: &[&str]) -> Result<Self, ApiError> {
        let mut by_kind: Vec<(String, Tags)> = Vec::new();
        for given in call.query().structures("TagSpecification") {
            let kind = given.get("ResourceType").unwrap_or_default().to_owned();
            if !kinds.contains(&kind.as_str()) {
                return Err(params::invalid(format!(
                    "'{kind}' is not a valid taggable resource type for this operation."
                )));
            }
            if by_kind.iter().any(|(known, _)| *known == kind) {
                return Err(params::invalid(format!(
                    "TagSpecification of resource type '{kind}' is given more than once."
                )));
            }
            by_kind.push((kind, tags(&given.structures("Tag"))?));
        }
        Ok(Self { by_kind })
    }

    /// The tags for resources of that kind.
    pub(super) fn of(&self, kind: &str) -> Tags {
        self.by_kind.iter().find(|(known, _)| known == kind).map(|(_, tags)| tags.clone()).unwrap_or_default()
    }

    /// What tagging while making needs: `ec2:CreateTags` on each kind, for this action.
    pub(super) fn requirements(call: &Call) -> Vec<Requirement> {
        let mut needed = Vec::new();
        for given in call.query().structures("TagSpecification") {
            let mut context = request_tags(&given.structures("Tag"));
            context.push(("ec2:CreateAction".to_owned(), call.action.clone()));
            let kind = given.get("ResourceType").unwrap_or_default();
            needed.push(on_new("ec2:CreateTags", kind, call, &context));
        }
        needed
    }

    /// The context keys of the tags for resources of that kind.
    pub(super) fn request_context(call: &Call, kind: &str) -> Vec<(String, String)> {
        let given = call.query().structures("TagSpecification");
        let of_kind = given.iter().find(|one| one.get("ResourceType") == Some(kind));
        of_kind.map(|one| request_tags(&one.structures("Tag"))).unwrap_or_default()
    }
}

/// Reads tags as strictly as EC2 does.
///
/// # Errors
/// `MissingParameter` or `InvalidParameterValue` in EC2's words.
pub(super) fn tags(given: &[QueryParams]) -> Result<Tags, ApiError> {
    let invalid = params::invalid;
    let mut tags = Tags::default();
    for tag in given {
        let key = tag.get("Key").unwrap_or_default();
        let value = tag.get("Value").unwrap_or_default();
        if key.is_empty() {
            return Err(params::missing("key"));
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
    if tags.len() > MAX_TAGS {
        return Err(too_many_tags());
    }
    Ok(tags)
}

/// What EC2 answers where a resource would get too many tags.
pub(super) fn too_many_tags() -> ApiError {
    ApiError::new(400, "TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}
