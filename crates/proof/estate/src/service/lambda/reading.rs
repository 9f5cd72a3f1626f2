//! Showing functions and their versions.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Target, arn, configuration, function, invalid, not_found, region, target, with_status};
use crate::call::{ApiError, Call, Reply};
use crate::service::page;
use crate::world::World;
use crate::world::functions::{Function, Version};

/// Entries of a page, at most.
const PAGE: usize = 50;

/// The version that a call names.
fn version<'f>(call: &Call, target: &Target, function: &'f Function) -> Result<&'f Version, ApiError> {
    let qualifier = target.qualifier.as_deref();
    function
        .version(qualifier)
        .ok_or_else(|| not_found(&format!("{}:{}", arn(call, &target.name), qualifier.unwrap_or_default())))
}

/// GetFunction.
pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let function = function(region(world, call)?, call, &target)?;
    let version = version(call, &target, function)?;
    let location = format!(
        "https://awslambda-{}-tasks.s3.{}.amazonaws.com/snapshots/{}/{}-{}",
        call.region, call.region, call.account, target.name, version.revision
    );
    let mut answer = json!({
        "Configuration": configuration::shown(call, &target.name, function, version),
        "Code": { "RepositoryType": "S3", "Location": location },
    });
    if !function.tags.is_empty() {
        answer["Tags"] = json!(function.tags);
    }
    if let Some(reserved) = function.reserved {
        answer["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(with_status(StatusCode::OK, Some(&answer)))
}

/// GetFunctionConfiguration.
pub(super) fn get_configuration(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let function = function(region(world, call)?, call, &target)?;
    let version = version(call, &target, function)?;
    let answer = configuration::shown(call, &target.name, function, version);
    Ok(with_status(StatusCode::OK, Some(&answer)))
}

/// ListFunctions: `$LATEST` of each, or every version.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let every = match parameter(call, "FunctionVersion") {
        None => false,
        Some("ALL") => true,
        Some(odd) => return Err(invalid(format!("FunctionVersion '{odd}' must be ALL"))),
    };
    let functions = &region(world, call)?.functions.by_name;
    let versions = functions.iter().flat_map(|(name, function)| {
        let published = function.published.iter().filter(move |_| every);
        let all = std::iter::once(&function.latest).chain(published);
        all.map(move |version| configuration::shown(call, name, function, version))
    });
    paged(call, "Functions", versions.collect())
}

/// ListVersionsByFunction: `$LATEST` and what was published.
pub(super) fn list_versions(world: &mut World, call: &Call) -> Result<Reply, ApiError> {
    let target = target(call)?;
    let function = function(region(world, call)?, call, &target)?;
    let all = std::iter::once(&function.latest).chain(&function.published);
    let shown = all.map(|version| configuration::shown(call, &target.name, function, version));
    paged(call, "Versions", shown.collect())
}

fn parameter<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    call.path()?.query.get(name).map(String::as_str)
}

/// One page of entries, under `list`.
fn paged(call: &Call, list: &str, all: Vec<Value>) -> Result<Reply, ApiError> {
    let size = match parameter(call, "MaxItems").map(str::parse::<usize>) {
        None => PAGE,
        Some(Ok(size @ 1..=10_000)) => size.min(PAGE),
        Some(_) => return Err(invalid("MaxItems must be a number from 1 to 10000")),
    };
    let from = match parameter(call, "Marker") {
        None | Some("") => 0,
        Some(marker) => {
            page::cursor(call, marker).ok_or_else(|| invalid("Invalid pagination token"))? as usize
        }
    };
    let more = from + size < all.len();
    let page: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let mut answer = json!({ list: page });
    if more {
        answer["NextMarker"] = page::token(call, (from + size) as u64).into();
    }
    Ok(with_status(StatusCode::OK, Some(&answer)))
}
