//! Parameters: put, read one by one, by names and by path, with their history, tagged, deleted.

mod get;
mod put;
mod remove;
mod tags;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::document;
use super::members::{Members, missing, text};
use crate::call::{ApiError, Call, Operation, Requirement};
use crate::world::parameters::{Kind, MAX_LEVELS, Parameter, Version};
use crate::world::{Region, World};

/// Every operation on parameters.
pub(super) fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(get::GetParameter),
        Box::new(get::GetParameterHistory),
        Box::new(get::GetParameters),
        Box::new(get::GetParametersByPath),
        Box::new(put::PutParameter),
        Box::new(remove::DeleteParameter),
        Box::new(remove::DeleteParameters),
        Box::new(tags::AddTagsToResource),
        Box::new(tags::ListTagsForResource),
    ]
}

/// Characters of a name at most (API reference, `PutParameter`).
const MOST_NAME: usize = 2_048;

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

fn not_found(name: &str) -> ApiError {
    ApiError::new(400, "ParameterNotFound", format!("Parameter {name} not found."))
}

fn region_mut<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Region, ApiError> {
    document::region(world, call)?;
    let account = world.accounts.get_mut(&call.account);
    account.and_then(|account| account.regions.get_mut(&call.region)).ok_or_else(|| not_found(""))
}

/// The name a request is about.
fn name(members: &Members) -> Result<&str, ApiError> {
    text(members, "Name", (1, MOST_NAME))?.ok_or_else(|| missing("Name"))
}

/// Up to ten names, each once.
fn names(members: &Members) -> Result<Vec<&str>, ApiError> {
    let list = members.get("Names").and_then(Value::as_array).ok_or_else(|| missing("Names"))?;
    let names: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    if names.is_empty() || names.len() > 10 {
        let rule = if names.is_empty() {
            "Member must have length greater than or equal to 1"
        } else {
            "Member must have length less than or equal to 10"
        };
        return Err(document::constraint(&format!("'[{}]'", names.join(", ")), "names", rule));
    }
    Ok(names)
}

/// Whether a name may be given to a parameter.
fn check_name(name: &str) -> Result<(), ApiError> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/');
    let levels: Vec<&str> = name.strip_prefix('/').unwrap_or(name).split('/').collect();
    let nested = name.contains('/');
    if !name.bytes().all(letters) || (nested && !name.starts_with('/')) || levels.contains(&"") {
        return Err(invalid(
            "Parameter name must be a fully qualified name: letters, numbers and the symbols .-_ between forward \
             slashes, beginning with one and not ending with one.",
        ));
    }
    let first = levels[0].to_ascii_lowercase();
    if first.starts_with("aws") {
        return Err(ApiError::new(
            400,
            "AccessDeniedException",
            "No access to reserved parameter name: aws.",
        ));
    }
    if first.starts_with("ssm") {
        return Err(invalid("Parameter name: can't be prefixed with \"ssm\" (case-insensitive)."));
    }
    if levels.len() > MAX_LEVELS {
        return Err(ApiError::new(
            400,
            "HierarchyLevelLimitExceededException",
            format!("Parameter hierarchies can have a maximum of {MAX_LEVELS} levels."),
        ));
    }
    Ok(())
}

fn arn(call: &Call, name: &str) -> String {
    let name = name.strip_prefix('/').unwrap_or(name);
    // Public parameters are nobody's (Systems Manager user guide, "Calling public parameters").
    let account = if name.starts_with("aws/") { "" } else { &call.account };
    format!("arn:aws:ssm:{}:{account}:parameter/{name}", call.region)
}

/// What an action needs on each of some parameters.
fn on(world: &World, call: &Call, action: &'static str, names: &[&str]) -> Vec<Requirement> {
    let region = world.accounts.get(&call.account).and_then(|account| account.regions.get(&call.region));
    let needed = |name: &&str| {
        let name = without_selector(name).0;
        let parameter = region.and_then(|region| region.parameters.get(name));
        let mut context = Vec::new();
        for (key, value) in parameter.into_iter().flat_map(|parameter| parameter.tags.iter()) {
            context.push((format!("ssm:resourceTag/{key}"), value.to_owned()));
            context.push((format!("aws:ResourceTag/{key}"), value.to_owned()));
        }
        Requirement { action: action.into(), resource: arn(call, name), context }
    };
    names.iter().map(needed).collect()
}

/// A name and the version that is asked for behind a colon.
fn without_selector(name: &str) -> (&str, Option<&str>) {
    name.split_once(':').map_or((name, None), |(name, selector)| (name, Some(selector)))
}

/// A parameter's version as the service shows it.
fn shown(call: &Call, name: &str, parameter: &Parameter, version: &Version, decrypted: bool) -> Members {
    let value = match parameter.kind {
        Kind::SecureString if !decrypted => encrypted(&version.value),
        _ => version.value.clone(),
    };
    Map::from_iter([
        ("ARN".to_owned(), arn(call, name).into()),
        ("DataType".to_owned(), "text".into()),
        ("LastModifiedDate".to_owned(), document::seconds(version.at).into()),
        ("Name".to_owned(), name.into()),
        ("Type".to_owned(), parameter.kind.as_str().into()),
        ("Value".to_owned(), value.into()),
        ("Version".to_owned(), version.number.into()),
    ])
}

/// Something that says nothing of the value.
fn encrypted(value: &str) -> String {
    format!("AQICAH{}", STANDARD.encode(Sha256::digest(value.as_bytes())))
}

/// The version that a selector names; the newest without one.
fn selected<'p>(parameter: &'p Parameter, selector: Option<&str>) -> Option<&'p Version> {
    match selector {
        None => Some(parameter.newest()),
        Some(text) => {
            let number = text.parse::<u64>().ok()?;
            parameter.versions.iter().find(|version| version.number == number)
        }
    }
}
