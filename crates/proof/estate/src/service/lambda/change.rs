//! Making, changing, publishing and deleting functions.

use http::StatusCode;
use rand::RngExt;
use serde_json::Value;

use super::{
    Target, arn, configuration, function, function_mut, invalid, not_found, place, target, with_status,
};
use crate::call::{ApiError, Call, Reply};
use crate::world::World;
use crate::world::command::uuid;
use crate::world::functions::{Function, Version};
use crate::world::timeline::Place;

/// A new revision of a function.
fn revision(place: &Place<'_>, call: &Call, name: &str) -> String {
    let purpose = format!("revision of function {name} by {}", call.request_id);
    uuid(place.draws(&purpose, 0, call.now).random())
}

/// When what begins now is ready.
fn ready(place: &Place<'_>, call: &Call, name: &str) -> jiff::Timestamp {
    let takes = place.length(place.pace.function, &format!("function {name}"), 0, call.now);
    call.now.checked_add(takes).unwrap_or(call.now)
}

fn conflict(message: String) -> ApiError {
    ApiError::new(409, "ResourceConflictException", message)
}

/// Refuses a role that is not there. Whether it trusts Lambda is not looked at.
fn known_role(place: &Place<'_>, role: &str) -> Result<(), ApiError> {
    let name = role.rsplit('/').next().unwrap_or_default();
    let ours = role.starts_with(&format!("arn:aws:iam::{}:role/", place.account));
    match ours && place.outside.iam.roles.contains_key(name) {
        true => Ok(()),
        false => Err(invalid("The role defined for the function cannot be assumed by Lambda.")),
    }
}

/// CreateFunction.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let document = call.json();
    let Target { name, .. } = target(call)?;
    if document["PackageType"].as_str().is_some_and(|kind| kind != "Zip") {
        return Err(invalid("PackageType Image is not supported by the estate; give a ZipFile"));
    }
    let mut configured = configuration::fresh();
    configuration::read(&mut configured, document)?;
    for (member, value) in
        [("role", &configured.role), ("runtime", &configured.runtime), ("handler", &configured.handler)]
    {
        if value.is_empty() {
            return Err(invalid(format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not \
                 be null"
            )));
        }
    }
    let code = configuration::archive(world, call, &document["Code"])?;
    let place = place(world, call)?;
    known_role(&place, &configured.role)?;
    if place.region.functions.by_name.contains_key(&name) {
        return Err(conflict(format!("Function already exist: {name}")));
    }
    let revision = revision(&place, call, &name);
    let latest = Version { number: None, configuration: configured, code, modified: call.now, revision };
    let tags = document["Tags"].as_object().into_iter().flatten();
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    let mut made = Function {
        latest,
        published: Vec::new(),
        next_number: 1,
        reserved: None,
        running: 0,
        active: ready(&place, call, &name),
        updating: call.now,
        tags: tags.filter_map(text).collect(),
    };
    let wanted = document["Publish"].as_bool().unwrap_or(false);
    let shown = if wanted { publish_latest(&mut made, call, None) } else { made.latest.clone() };
    let answer = configuration::shown(call, &name, &made, &shown);
    place.region.functions.by_name.insert(name, made);
    Ok(with_status(StatusCode::CREATED, Some(&answer)))
}

/// Publishes `$LATEST`, unless the newest version is the same already.
fn publish_latest(function: &mut Function, call: &Call, description: Option<&str>) -> Version {
    let same = function
        .published
        .last()
        .filter(|it| it.code == function.latest.code && it.revision == function.latest.revision);
    if let Some(newest) = same {
        return newest.clone();
    }
    let mut version =
        Version { number: Some(function.next_number), modified: call.now, ..function.latest.clone() };
    if let Some(description) = description {
        description.clone_into(&mut version.configuration.description);
    }
    function.next_number += 1;
    function.published.push(version.clone());
    version
}

/// The function that is to be changed: not while another change goes on, and only in the revision
/// that the request names.
fn changeable<'p>(
    place: &'p mut Place<'_>,
    call: &Call,
    target: &Target,
) -> Result<&'p mut Function, ApiError> {
    let function = function_mut(place.region, call, target)?;
    if call.now < function.active {
        return Err(conflict(
            "The operation cannot be performed at this time. The function is currently in the following state: Pending"
                .to_owned(),
        ));
    }
    if call.now < function.updating {
        let arn = arn(call, &target.name);
        return Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {arn}"
        )));
    }
    match call.json()["RevisionId"].as_str() {
        Some(wanted) if wanted != function.latest.revision => Err(ApiError::new(
            412,
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
             retrieve the latest Revision Id",
        )),
        _ => Ok(function),
    }
}

/// UpdateFunctionCode.
pub(super) fn update_code(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let document = call.json();
    let code = configuration::archive(world, call, document)?;
    let mut place = place(world, call)?;
    function(place.region, call, &target)?;
    let (revision, ready) = (revision(&place, call, &target.name), ready(&place, call, &target.name));
    let function = changeable(&mut place, call, &target)?;
    if document["DryRun"].as_bool().unwrap_or(false) {
        let answer = configuration::shown(call, &target.name, function, &function.latest);
        return Ok(with_status(StatusCode::OK, Some(&answer)));
    }
    configuration::read(
        &mut function.latest.configuration,
        &serde_json::json!({ "Architectures": document["Architectures"] }),
    )?;
    function.latest.code = code;
    updated(function, call, revision, ready);
    let wanted = document["Publish"].as_bool().unwrap_or(false);
    let shown = if wanted { publish_latest(function, call, None) } else { function.latest.clone() };
    let answer = configuration::shown(call, &target.name, function, &shown);
    Ok(with_status(StatusCode::OK, Some(&answer)))
}

fn updated(function: &mut Function, call: &Call, revision: String, ready: jiff::Timestamp) {
    function.latest.modified = call.now;
    function.latest.revision = revision;
    function.updating = ready;
}

/// UpdateFunctionConfiguration.
pub(super) fn update_configuration(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let mut place = place(world, call)?;
    let mut configured = function(place.region, call, &target)?.latest.configuration.clone();
    configuration::read(&mut configured, call.json())?;
    known_role(&place, &configured.role)?;
    let (revision, ready) = (revision(&place, call, &target.name), ready(&place, call, &target.name));
    let function = changeable(&mut place, call, &target)?;
    function.latest.configuration = configured;
    updated(function, call, revision, ready);
    let answer = configuration::shown(call, &target.name, function, &function.latest);
    Ok(with_status(StatusCode::OK, Some(&answer)))
}

/// PublishVersion.
pub(super) fn publish(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let mut place = place(world, call)?;
    let function = changeable(&mut place, call, &target)?;
    if let Some(wanted) = call.json()["CodeSha256"].as_str() {
        use base64::Engine as _;
        let there = base64::engine::general_purpose::STANDARD.encode(function.latest.code.sha256);
        if wanted != there {
            let message = format!(
                "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({there}). Please try again with \
                 the CodeSHA256 in $LATEST."
            );
            return Err(invalid(message));
        }
    }
    let version = publish_latest(function, call, call.json()["Description"].as_str());
    let answer = configuration::shown(call, &target.name, function, &version);
    Ok(with_status(StatusCode::CREATED, Some(&answer)))
}

/// DeleteFunction: the whole of it, or one version.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let place = place(world, call)?;
    let function = function_mut(place.region, call, &target)?;
    match target.qualifier.as_deref() {
        None => drop(place.region.functions.by_name.remove(&target.name)),
        Some("$LATEST") => {
            return Err(invalid("$LATEST version cannot be deleted without deleting the function."));
        }
        Some(version) => {
            let before = function.published.len();
            function.published.retain(|it| it.name() != version);
            if function.published.len() == before {
                return Err(not_found(&format!("{}:{version}", arn(call, &target.name))));
            }
        }
    }
    Ok(with_status(StatusCode::NO_CONTENT, None))
}
